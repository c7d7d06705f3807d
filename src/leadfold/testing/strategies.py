"""Hypothesis strategies: leads that collide, policies over them, rulings about them. No engine.

Every kind has four values and a few raw texts that are none, so that a handful of leads share
some; `READINGS` says what each raw text becomes, so that a test can know without normalizing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
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
_DAYS = st.sampled_from([None, *(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))])
_NAMES = st.sampled_from([None, "Ann", "Bea"])
_LIMITS = st.sampled_from([1, 1, 1, 1, 1, 2, 3, None])
_BOUNDS = st.sampled_from([1, 1, 1, 2, 3, None])
_STRATEGIES: SearchStrategy[Strategy] = st.sampled_from(("keyed", "linked"))
_OWN_FIELDS = frozenset({"psid", "phone", "email"})


def _cells(kind: str) -> SearchStrategy[str | tuple[str, ...] | None]:
    """Draw nothing, a text or several, in one draw: what a field holds must stay cheap."""
    texts = [*READINGS[kind]]
    several = [*permutations(texts, 2), tuple(texts[:3]), tuple(texts[:-4:-1])]
    singles = [text for text in texts for _ in range(2 * len(several) // len(texts))]
    return st.sampled_from([*[None] * (len(singles) // 3), *singles, *several])


_CELLS: Mapping[str, SearchStrategy[str | tuple[str, ...] | None]] = {
    **{kind: _cells(kind) for kind in READINGS},
    **{scope: st.sampled_from(held) for scope, held in SCOPES.items()},
}


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
    ids = st.permutations([f"l{number}" for number in range(1, max_size + 1)])
    lead = _lead(tuple(sorted(fields)))
    # Left to itself a list is mostly short, and few leads share little.
    sizes = [*range(min_size, max_size + 1), *[*range(-(-max_size // 2), max_size + 1)] * 4]
    drawn = st.sampled_from(sizes).flatmap(lambda size: st.tuples(*[lead] * size))
    return st.builds(_with_ids, drawn, ids)


def _lead(fields: Sequence[str]) -> SearchStrategy[Lead]:
    """Draw a lead that has no id of its own yet."""
    own = {field: _CELLS[field] for field in fields if field in _OWN_FIELDS}
    more = {field: _CELLS[field] for field in fields if field not in _OWN_FIELDS}
    return st.builds(
        Lead,
        id=st.just("l0"),
        **own,
        name=_NAMES,
        created_at=_DAYS,
        fields=st.fixed_dictionaries(more),
    )


def _with_ids(drawn: Sequence[Lead], ids: Sequence[str]) -> tuple[Lead, ...]:
    return tuple(attrs.evolve(lead, id=one) for lead, one in zip(drawn, ids, strict=False))


@st.composite
def policies(draw: DrawFn, strategy: Strategy | None = None) -> Policy:
    """Return a strategy for policies of two to four kinds, with guards, scopes, blocked values.

    *strategy* None: ``keyed`` or ``linked``.
    """
    kinds = draw(st.lists(st.sampled_from([*READINGS]), min_size=2, max_size=4, unique=True))
    return Policy(
        tuple(draw(_rule(kind, bounded=place == 0)) for place, kind in enumerate(kinds)),
        strategy=draw(_STRATEGIES) if strategy is None else strategy,
    )


@st.composite
def _rule(draw: DrawFn, kind: str, *, bounded: bool) -> IdentifierRule:
    """Draw a rule for *kind*; some keep the kind's own defaults, but not where *bounded*."""
    given: dict[str, object] = {}
    if bounded or draw(st.integers(0, 5)):
        given |= {"limit": draw(_LIMITS), "generic_after": draw(_BOUNDS)}
    if draw(st.integers(0, 4)) == 1:
        given["scope"] = draw(st.sampled_from([*SCOPES]))
    blocked = draw(st.sampled_from(["default", "default", "none", "own"]))
    if blocked != "default":
        given["blocked"] = (_BLOCKED[kind],) if blocked == "own" and kind in _BLOCKED else ()
    if kind == "badge":
        given["normalizer"] = BADGE
    return IdentifierRule(kind, **given)  # type: ignore[arg-type]


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
