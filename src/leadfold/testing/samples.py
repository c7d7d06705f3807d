"""Sample leads, messy on purpose, with the truth and the hard case each lead stands for.

The core and the standard library only: the same call works in a demo, a test and a benchmark.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, NamedTuple

import attrs

from leadfold.model import Lead
from leadfold.testing.mess import JUNK, Mess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from leadfold.model import Cell
    from leadfold.testing.mess import Person

__all__ = ["CASES", "SampleLead", "sample_leads"]


@attrs.frozen
class SampleLead:
    """A lead, the person it truly came from, and the name of its hard case (see `CASES`)."""

    lead: Lead
    truth: str
    case: str


class _Row(NamedTuple):
    """A lead before it has its id and its place in the shuffle."""

    person: Person
    when: datetime | None
    psid: Cell
    phone: Cell
    email: Cell
    page: str | None


_Scene = list[_Row]


def _row(mess: Mess, person: Person, shown: str, day: float | None = None) -> _Row:
    """Return a lead of *person* that shows the kinds named in *shown*: p(s)id, p(h)one, (e)mail."""
    return _Row(
        person,
        mess.moment(day),
        psid=person.psid if "s" in shown else None,
        phone=mess.typed_phone(person.phone) if "h" in shown else None,
        email=mess.typed_email(person.email) if "e" in shown else None,
        page=person.page if "s" in shown else None,
    )


# Chances that make, with the one kind a person always shows, 55 % psids, 62 % phones, 46 % emails.
_ALWAYS = "sssssssshhhhhhhheeee"
_OFTEN = {"s": 0.27, "h": 0.31, "e": 0.35}
_HOW_MANY = (1,) * 11 + (2,) * 5 + (3,) * 2 + (5,)


def _plain(mess: Mess) -> _Scene:
    person, always = mess.person(), mess.one_of([*_ALWAYS])
    many = _HOW_MANY[int(mess.random.random() * len(_HOW_MANY))]
    return [_row(mess, person, _shown(mess, always)) for _ in range(many)]


def _shown(mess: Mess, always: str) -> str:
    """Return the kinds that a lead shows: the one its person *always* shows, others by chance."""
    chance = mess.random.random
    return always + "".join(kind for kind, often in _OFTEN.items() if chance() < often)


def _people_sharing(mess: Mess, kind: str, shown: str, many: int) -> _Scene:
    """Return one lead each of *many* people who all use one phone or one email."""
    first = mess.person()
    shared = {kind: getattr(first, kind), "page": first.page}
    others = (attrs.evolve(mess.person(), **shared) for _ in range(many - 1))
    return [_row(mess, person, shown) for person in (first, *others)]


def _household_phone(mess: Mess) -> _Scene:
    return _people_sharing(mess, "phone", "sh", 2 + int(mess.random.random() * 3))


def _indistinct_people(mess: Mess) -> _Scene:
    return _people_sharing(mess, "phone", "h", 2)


def _call_centre(mess: Mess) -> _Scene:
    return _people_sharing(mess, "phone", "sh", 32)


def _family_email(mess: Mess) -> _Scene:
    return _people_sharing(mess, "email", "se", 2 + int(mess.random.random() * 2))


def _shared_mailbox(mess: Mess) -> _Scene:
    scene = _people_sharing(mess, "email", "he", 32)
    office = f"office@{scene[0].person.truth}.example"
    return [row._replace(email=mess.typed_email(office)) for row in scene]


def _bridge_lead(mess: Mess) -> _Scene:
    one, two = mess.person(), mess.person()
    bridge = _row(mess, one, "h")._replace(email=mess.typed_email(two.email))
    return [_row(mess, one, "sh"), _row(mess, two, "se"), bridge]


def _junk_value(mess: Mess) -> _Scene:
    kind = mess.one_of([*JUNK])
    row = _row(mess, mess.person(), "e" if kind == "phone" else "h")
    return [_Row(**(row._asdict() | {kind: mess.junk(kind)}))]


def _two_pages(mess: Mess) -> _Scene:
    person = mess.person()
    there = attrs.evolve(person, psid=f"{person.psid}9", page=mess.other_page(person.page))
    return [_row(mess, person, "sh"), _row(mess, there, "sh")]


def _late_proof(mess: Mess) -> _Scene:
    person = mess.person()
    return [_row(mess, person, shown, day) for shown, day in (("h", 3), ("e", 40), ("he", 640))]


def _same_when_normalized(mess: Mess) -> _Scene:
    person = mess.person()
    wide = person.phone.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    typed = (("+1" + person.phone, person.email), (wide, f" {person.email.upper()} "))
    return [_row(mess, person, "")._replace(phone=phone, email=email) for phone, email in typed]


def _typed_extension(mess: Mess) -> _Scene:
    person = mess.person()
    return [
        _row(mess, person, "")._replace(phone=f"{person.phone}{tail}")
        for tail in (mess.extension(), mess.extension(), "")
    ]


def _several_phones(mess: Mess) -> _Scene:
    person = mess.person()
    home = attrs.evolve(person, phone=mess.phone())
    both = (mess.typed_phone(person.phone), mess.typed_phone(home.phone))
    return [
        _row(mess, person, "h"),
        _row(mess, person, "")._replace(phone=both),
        _row(mess, home, "h"),
    ]


def _recycled_phone(mess: Mess) -> _Scene:
    before, after = _people_sharing(mess, "phone", "sh", 2)
    return [before._replace(when=mess.moment(5)), after._replace(when=mess.moment(690))]


def _nothing_in_common(mess: Mess) -> _Scene:
    person = mess.person()
    return [_row(mess, person, "s"), _row(mess, person, "e")]


def _no_identifier(mess: Mess) -> _Scene:
    return [_row(mess, mess.person(), "")]


_SCENES: Mapping[str, tuple[Callable[[Mess], _Scene], int, str]] = {
    "plain": (_plain, 8600, "one person; every lead shows one value that the others show too"),
    "household_phone": (_household_phone, 240, "two to four people with psids and one phone"),
    "family_email": (_family_email, 120, "two or three people with psids and one email"),
    "bridge_lead": (_bridge_lead, 80, "one's phone beside another's email: it must not join them"),
    "junk_value": (_junk_value, 180, "a filler where a value should be: it may join nobody"),
    "two_pages": (_two_pages, 100, "one person, a psid per page: joined only by a scoped psid"),
    "late_proof": (_late_proof, 120, "a phone, an email, and long after a lead that has both"),
    "same_when_normalized": (_same_when_normalized, 150, "equal only once normalized"),
    "typed_extension": (_typed_extension, 80, "extensions differ, the number is one"),
    "several_phones": (_several_phones, 100, "a field with two phones ties one lead to another"),
    "recycled_phone": (_recycled_phone, 50, "a phone that a stranger holds two years later"),
    "indistinct_people": (_indistinct_people, 40, "two people, one phone, no more: any rule errs"),
    "nothing_in_common": (_nothing_in_common, 90, "one person whose leads share no value at all"),
    "no_identifier": (_no_identifier, 130, "nothing to go by: a group of its own"),
    "shared_mailbox": (_shared_mailbox, 2, "a firm's mailbox on many people's leads: generic"),
    "call_centre": (_call_centre, 2, "one phone on the leads of many people with psids: generic"),
}

CASES: Mapping[str, str] = {case: what for case, (_, _, what) in _SCENES.items()}
"""The hard cases by name, and what each one is."""


def _lead(mess: Mess, lead_id: str, row: _Row) -> Lead:
    """Return *row* as a lead; positionally, for at a million leads keywords are felt."""
    name = mess.typed_name(row.person.name)
    fields = {"page_id": row.page} if row.page else {}
    return Lead(lead_id, row.psid, row.phone, row.email, name, row.when, None, fields)


def _scene(mess: Mess, case: str) -> list[tuple[_Row, str]]:
    """Return the leads of one scene, each with its *case*."""
    return [(row, case) for row in _SCENES[case][0](mess)]


def _cases(mess: Mess) -> Iterator[str]:
    """Return cases without end: each once, then by their weights."""
    weights = [weight for _, weight, _ in _SCENES.values()]
    by_weight = (mess.random.choices([*_SCENES], weights, k=1_000) for _ in repeat(None))
    return chain(_SCENES, chain.from_iterable(by_weight))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cycle collector from walking a million new objects, none of which is a cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def sample_leads(n: int, seed: int = 0) -> tuple[SampleLead, ...]:
    """Deal *n* leads, the same ones for the same *seed*.

    About 1.6 leads a person; 55 % show a psid, 62 % a phone, 46 % an email, 1 % junk. From 120
    leads on every case of `CASES` is among them. A psid comes with its ``page_id`` in
    `Lead.fields`, ready to be its scope.

    >>> samples = sample_leads(1_000, seed=1)
    >>> leads = [sample.lead for sample in samples]
    >>> truth = {sample.lead.id: sample.truth for sample in samples}
    >>> len(leads), samples == sample_leads(1_000, seed=1)
    (1000, True)

    Raises:
        ValueError: *n* is negative.
    """
    if n < 0:
        msg = f"cannot deal {n} leads: ask for 0 or more"
        raise ValueError(msg)
    mess = Mess(seed)
    scenes = map(partial(_scene, mess), _cases(mess))
    rows = islice(chain.from_iterable(scenes), n)
    places = list(range(n))
    mess.random.shuffle(places)  # so that the leads of one person lie apart
    with _collector_paused():
        dealt = [
            SampleLead(_lead(mess, f"l{place + 1}", row), row.person.truth, case)
            for place, (row, case) in zip(places, rows, strict=True)
        ]
    return tuple(map(dealt.__getitem__, sorted(range(n), key=places.__getitem__)))
