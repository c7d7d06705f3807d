"""Law 6: every usable value held in several final groups is a stop, and has a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from leadfold import group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.reading import records_of

if TYPE_CHECKING:
    from leadfold.policy import Policy, Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_stops_are_the_values_held_in_several_groups(strategy: Strategy) -> None:
    """No more and no fewer, each with all its leads and the keys of their groups."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            place = {lead_id: one.key for one in resolution.groups for lead_id in one}
            found = [(s.identifier.key, s.lead_ids, s.group_keys) for s in resolution.stops]
            assert sorted(found) == sorted(_expected(case, place))

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_every_stop_has_a_reason_that_its_policy_can_give(strategy: Strategy) -> None:
    """``weaker`` belongs to ``keyed``; any other needs a guard, a bound or a ruling."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            for stop in resolution.stops:
                possible = _possible(case, stop.identifier.kind)
                assert stop.reasons
                assert possible.issuperset(stop.reasons)
                assert [*stop.reasons] == sorted(set(stop.reasons))

        law()


def _expected(
    case: Case, place: dict[str, str]
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    records = records_of(case)
    stops = []
    for value in {value for record in records for value in record.values}:
        ids = tuple(sorted(record.id for record in records if value in record.values))
        keys = tuple(sorted({place[lead_id] for lead_id in ids}))
        if len(keys) > 1:
            stops.append((value.key, ids, keys))
    return stops


def _possible(case: Case, kind: str) -> set[str]:
    """Return the reasons that a value of *kind* may have under the policy and rulings."""
    reasons = {"ruled"} if any(not ruling.is_must_link for ruling in case.rulings) else set()
    return reasons | ({"weaker"} if case.policy.strategy == "keyed" else _guards(case.policy, kind))


def _guards(policy: Policy, kind: str) -> set[str]:
    rules = policy.identifiers[: policy.kinds.index(kind) + 1]
    reasons = {"contested" if rule.limit == 1 else "limit" for rule in rules if rule.limit}
    return reasons | ({"generic"} if rules[-1].generic_after and len(rules) > 1 else set())
