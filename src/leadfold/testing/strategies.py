"""Hypothesis strategies: leads that collide, policies over them, rulings about them. No engine.

Every kind has four values and a few raw texts that are none, so that a handful of leads share
some; `READINGS` says what each raw text becomes, so that a test can know without normalizing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from itertools import permutations, product
from typing import TYPE_CHECKING

import attrs
from hypothesis import strategies as st

from leadfold.model import Lead, Ruling
from leadfold.normalizers.own import own_normalizer
from leadfold.policy import Policy
from leadfold.rules import IdentifierRule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from leadfold.model import Cell
    from leadfold.policy import Strategy

__all__ = ["BADGE", "READINGS", "SCOPES", "Case", "cases", "leads", "policies", "rulings_for"]

READINGS: Mapping[str, Mapping[str, str | None]] = {
    "psid": {
        "1001": "1001",
        " 1001 ": "1001",
        "1002": "1002",
        "1003": "1003",
        "1004": "1004",
        "null": None,
        "": None,
    },
    "phone": {
        "(202) 555-0141": "+12025550141",
        "+1 202 555 0141": "+12025550141",
        "202.555.0142": "+12025550142",
        "+12025550143": "+12025550143",
        "5555555555": "+15555555555",
        "12": None,
    },
    "email": {
        "ann@example.org": "ann@example.org",
        " Ann@EXAMPLE.org": "ann@example.org",
        "bea@example.org": "bea@example.org",
        "cat@example.org": "cat@example.org",
        "test@test.com": "test@test.com",
        "cat@": None,
    },
    "account": {"A-1": "A-1", " A-1": "A-1", "A-2": "A-2", "A-3": "A-3", "a-1": "a-1", "0": None},
    "badge": {"b1": "B1", "B1": "B1", "b2": "B2", "b3": "B3", "b4": "B4", "?": None},
}
"""What each raw text the strategies draw becomes, by kind; None: it is no identifier."""

SCOPES: Mapping[str, tuple[str | None, ...]] = {
    "page_id": ("p1", "p1", "p2", "p2", "p3", None),
    "branch": ("north", "north", "south", ""),
}
"""The lead fields that scope a kind, and what leads hold there; None and empty are no scope."""

BADGE = own_normalizer("badge", "1", lambda raw: None if raw == "?" else raw.strip().upper())
"""The normalizer of the kind ``badge``, as a user would hand one in."""

_BLOCKED = {"phone": "+12025550141", "email": "ann@example.org", "account": "A-2"}
_CREATED = (None, *(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)))
_DAYS = st.sampled_from(_CREATED)
_BORN = st.sampled_from([*product([None, "Ann", "Bea"], _CREATED)])
_STRATEGIES: SearchStrategy[Strategy] = st.sampled_from(("keyed", "linked"))


def _cells(kind: str) -> SearchStrategy[Cell]:
    """Draw nothing, a text or several, in one draw: what a field holds must stay cheap."""
    texts = [*READINGS[kind]]
    several = [*permutations(texts, 2), tuple(texts[:3]), tuple(texts[:-4:-1])]
    singles = [text for text in texts for _ in range(2 * len(several) // len(texts))]
    return st.sampled_from([*[None] * (len(singles) // 3), *singles, *several])


_CELLS: Mapping[str, SearchStrategy[Cell]] = {
    **{kind: _cells(kind) for kind in READINGS},
    **{scope: st.sampled_from(held) for scope, held in SCOPES.items()},
}
_ORDERS = st.sampled_from([kinds for n in (2, 3, 4) for kinds in permutations(READINGS, n)])


@attrs.frozen
class Case:
    """A policy, leads, and rulings about them: one input of `leadfold.group`."""

    policy: Policy
    leads: tuple[Lead, ...]
    rulings: tuple[Ruling, ...] = ()


def leads(
    *, min_size: int = 0, max_size: int = 8, fields: Collection[str] = tuple(_CELLS)
) -> SearchStrategy[tuple[Lead, ...]]:
    """Return a strategy for leads with distinct ids that share identifiers, in any order.

    *fields* are the kinds and scopes they may hold; the rest stays empty.
    """
    ids = tuple(f"l{number}" for number in range(1, max_size + 1))
    orders = st.sampled_from([ids, ids[::-1], (*ids[1::2], *ids[::2]), (*ids[2:], *ids[:2])])
    lead = _lead(tuple(sorted(fields)))
    # Left to itself a list is mostly short, and few leads share little.
    sizes = [*range(min_size, max_size + 1), *[*range(-(-max_size // 2), max_size + 1)] * 4]
    drawn = st.sampled_from(sizes).flatmap(lambda size: st.tuples(*[lead] * size))
    return st.builds(_with_ids, drawn, orders)


@cache
def _lead(fields: tuple[str, ...]) -> SearchStrategy[Lead]:
    """Draw a lead that has no id of its own yet."""

    def lead(born: tuple[str | None, datetime | None], cells: tuple[Cell, ...]) -> Lead:
        held = dict(zip(fields, cells, strict=True))
        own = {name: held.pop(name, None) for name in ("psid", "phone", "email")}
        name, created_at = born
        return Lead("l0", **own, name=name, created_at=created_at, fields=held)  # type: ignore[arg-type]

    return st.builds(lead, _BORN, st.tuples(*(_CELLS[field] for field in fields)))


def _with_ids(drawn: Sequence[Lead], ids: Sequence[str]) -> tuple[Lead, ...]:
    return tuple(attrs.evolve(lead, id=one) for lead, one in zip(drawn, ids, strict=False))


def policies(strategy: Strategy | None = None) -> SearchStrategy[Policy]:
    """Return a strategy for policies of two to four kinds, with guards, scopes, blocked values.

    *strategy* None: ``keyed`` or ``linked``.
    """
    rules = _ORDERS.flatmap(_rules)
    return st.builds(Policy, rules, strategy=_STRATEGIES if strategy is None else st.just(strategy))


@cache
def _rules(kinds: tuple[str, ...]) -> SearchStrategy[tuple[IdentifierRule, ...]]:
    """Draw a rule for each of *kinds*; the strongest is mostly unique, or nothing would stop."""
    strongest, *others = kinds
    return st.tuples(
        _rule_for(strongest, (1, 1, 1, 1, 2, 3, None)),
        *(_rule_for(kind, ("default", 1, 1, 1, 2, 3, None)) for kind in others),
    )


@cache
def _rule_for(kind: str, limits: tuple[object, ...]) -> SearchStrategy[IdentifierRule]:
    """Draw one of all rules for *kind*: made once, and one draw a rule, keep examples cheap."""
    own = (_BLOCKED[kind],) if kind in _BLOCKED else ()
    return st.sampled_from(
        [
            _rule(kind, limit=limit, generic_after=bound, scope=scope, blocked=blocked)
            for limit, bound, scope, blocked in product(
                limits,
                ("default", 1, 1, 1, 2, 3, None),
                (None, None, None, None, None, None, *SCOPES),
                ((), (), "default", own),
            )
        ]
    )


def _rule(kind: str, **given: object) -> IdentifierRule:
    """Return a rule for *kind* whose arguments that say ``default`` are left to the kind."""
    if kind == "badge":
        given["normalizer"] = BADGE
    said = {name: value for name, value in given.items() if value != "default"}
    return IdentifierRule(kind, **said)  # type: ignore[arg-type]


@st.composite
def rulings_for(
    draw: DrawFn, leads: Sequence[Lead], *, most: int = 3, consistent: bool = True
) -> tuple[Ruling, ...]:
    """Return a strategy for rulings about *leads*, and now and then about one that is not there.

    *consistent*: no must-links join what a cannot-link keeps apart.
    """
    ids = sorted(lead.id for lead in leads)
    if len(ids) < 2:  # noqa: PLR2004 - a ruling is about two leads
        return ()
    drawn = [draw(_ruling(f"r{n}", ids)) for n in range(draw(st.integers(0, most)))]
    while consistent and (wrong := _contradicted(drawn)) is not None:
        drawn.remove(wrong)
    return tuple(drawn)


@st.composite
def _ruling(draw: DrawFn, ruling_id: str, ids: Sequence[str]) -> Ruling:
    """Draw a must-link or a cannot-link over a few of *ids*."""
    named = draw(st.lists(st.sampled_from([*ids, "gone"]), min_size=2, max_size=5, unique=True))
    parts = draw(st.integers(1, 3))
    places = [draw(st.integers(0, parts - 1)) for _ in named]
    cut = [[one for one, at in zip(named, places, strict=True) if at == n] for n in range(parts)]
    return Ruling(ruling_id, [part for part in cut if part], created_at=draw(_DAYS))


def _contradicted(rulings: Sequence[Ruling]) -> Ruling | None:
    """Return a cannot-link of *rulings* across whose parts their must-links reach, or None."""
    blocks: list[set[str]] = []
    for named in (ruling.parts[0] for ruling in rulings if ruling.is_must_link):
        touching = [block for block in blocks if block & {*named}]
        blocks = [block for block in blocks if block not in touching]
        blocks.append({*named}.union(*touching))
    for ruling in rulings:
        for block in blocks:
            if sum(bool(block & {*part}) for part in ruling.parts) > 1:
                return ruling
    return None


@st.composite
def cases(
    draw: DrawFn,
    strategy: Strategy | None = None,
    *,
    min_size: int = 4,
    max_size: int = 10,
    rulings: bool = True,
) -> Case:
    """Return a strategy for a policy, leads and rulings together.

    *strategy* None: ``keyed`` or ``linked``. *rulings* False: none.
    """
    policy = draw(policies(strategy))
    drawn = draw(leads(min_size=min_size, max_size=max_size, fields=policy.fields))
    ruled = rulings and draw(st.booleans())
    return Case(policy, drawn, draw(rulings_for(drawn)) if ruled else ())
