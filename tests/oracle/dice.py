"""Cases by the hundred thousand: thrown from a seed, and made small when one fails. No engine."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, TypeVar

import attrs

from leadfold import IdentifierRule, Lead, Policy, Ruling
from leadfold.testing.strategies import BADGE, READINGS, SCOPES, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal

    Cell = str | tuple[str, ...] | None

__all__ = ["smaller", "throw", "throw_crowd"]

T = TypeVar("T")
_CREATED = (None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
_BUILT_IN = frozenset({"psid", "phone", "email"})


def throw(seed: int, strategy: Literal["keyed", "linked"]) -> Case:
    """Return the case of *seed*: up to fourteen leads, mostly of few values and tight guards."""
    dice = Random(seed)  # noqa: S311 - a test's dice
    kinds = dice.sample([*READINGS], dice.randint(2, 5))
    policy = Policy(tuple(_rule(dice, kind) for kind in kinds), strategy=strategy)
    fullness = dice.choice([0.3, 0.5, 0.7])
    leads = tuple(
        _lead(dice, f"l{number}", policy, fullness) for number in range(dice.randint(2, 14))
    )
    shuffled = tuple(dice.sample(leads, len(leads)))
    count = dice.choice([0, 0, 1, 2, 4])
    return Case(policy, shuffled, tuple(_ruling(dice, n, shuffled) for n in range(count)))


def throw_crowd(seed: int, strategy: Literal["keyed", "linked"]) -> Case:
    """Return a case of a few keys, each with many emails of its own, or not quite as many.

    Rulings name a key's leads whole, whole and more, or not quite. Raw texts are normalized ones.
    """
    dice = Random(seed)  # noqa: S311 - a test's dice
    leads, rulings = [], []
    for key in range(dice.randint(2, 5)):
        ids = [f"l{key}-{number}" for number in range(dice.randint(1, 5))]
        for one in ids:
            emails = tuple(f"{one}-{n}@example.org" for n in range(dice.randint(0, 4)))
            leads.append(Lead(one, psid=f"100{key}", email=emails))
        named = [*ids, "gone"][dice.randint(0, 1) : dice.randint(len(ids), len(ids) + 1)]
        if named and dice.random() < 0.5:
            rulings.append(Ruling(f"r{key}", [named]))
    return Case(Policy(("psid", "email"), strategy=strategy), tuple(leads), tuple(rulings))


def smaller(case: Case, is_wrong: Callable[[Case], bool]) -> Case:
    """Return a case that is still wrong and cannot lose a lead, cell, ruling or kind more."""
    for less in _less(case):
        if is_wrong(less):
            return smaller(less, is_wrong)
    return case


def _rule(dice: Random, kind: str) -> IdentifierRule:
    return IdentifierRule(
        kind,
        normalizer=BADGE if kind == "badge" else IdentifierRule(kind).normalizer,
        limit=dice.choice([1, 1, 2, 3, None]),
        generic_after=dice.choice([1, 2, 3, None, None]),
        scope=dice.choice([None] * 4 + [*SCOPES]),
        blocked=(),
    )


def _lead(dice: Random, lead_id: str, policy: Policy, fullness: float) -> Lead:
    held = {kind: _cell(dice, kind, fullness) for kind in policy.kinds}
    held |= {scope: dice.choice(values) for scope, values in SCOPES.items()}
    return Lead(lead_id, **_by_place(held))  # type: ignore[arg-type]


def _by_place(held: dict[str, Cell]) -> dict[str, object]:
    own: dict[str, object] = {name: cell for name, cell in held.items() if name in _BUILT_IN}
    return own | {"fields": {name: cell for name, cell in held.items() if name not in _BUILT_IN}}


def _cell(dice: Random, kind: str, fullness: float) -> Cell:
    if dice.random() > fullness:
        return None
    texts = [*READINGS[kind]]
    if dice.random() < 0.7:
        return dice.choice(texts)
    return tuple(dice.sample(texts, dice.randint(1, 3)))


def _ruling(dice: Random, number: int, leads: Sequence[Lead]) -> Ruling:
    named = dice.sample([lead.id for lead in leads], dice.randint(2, min(6, len(leads))))
    cut = sorted(dice.sample(range(1, len(named)), dice.choice([0, 1, min(2, len(named) - 1)])))
    ends = zip([0, *cut], [*cut, len(named)], strict=True)
    parts = [named[start:end] for start, end in ends]
    return Ruling(f"r{number}", parts, created_at=dice.choice(_CREATED))


def _less(case: Case) -> Iterator[Case]:
    for place in range(len(case.rulings)):
        yield attrs.evolve(case, rulings=_without(case.rulings, place))
    for place, lead in enumerate(case.leads):
        yield attrs.evolve(case, leads=_without(case.leads, place))
        for poorer in _poorer(lead):
            leads = (*case.leads[:place], poorer, *case.leads[place + 1 :])
            yield attrs.evolve(case, leads=leads)
    rules = case.policy.identifiers
    for place in range(len(rules) if len(rules) > 1 else 0):
        policy = attrs.evolve(case.policy, identifiers=_without(rules, place))
        yield attrs.evolve(case, policy=policy)


def _without(items: tuple[T, ...], place: int) -> tuple[T, ...]:
    return items[:place] + items[place + 1 :]


def _poorer(lead: Lead) -> Iterator[Lead]:
    if lead.psid is not None:
        yield attrs.evolve(lead, psid=None)
    if lead.phone is not None:
        yield attrs.evolve(lead, phone=None)
    if lead.email is not None:
        yield attrs.evolve(lead, email=None)
    for name, cell in lead.fields.items():
        if cell is not None:
            yield attrs.evolve(lead, fields={**lead.fields, name: None})
