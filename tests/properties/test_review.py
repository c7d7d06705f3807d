"""Review: what a case's ruling settles, and that it settles nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from leadfold import group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.dice import throw
from oracle.reading import records_of

if TYPE_CHECKING:
    from leadfold import Resolution
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case

FEW = 300


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_ruling_handed_back_settles_its_case_and_no_other_set_s(strategy: Strategy) -> None:
    """The case is gone; those of leads that share nothing with it are as they were.

    What is new is what the case said it opens.
    """
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            _check(case, resolution)

        law()


def test_thrown_cases_are_settled_too() -> None:
    """More leads and tighter guards; many of them leave a group contested."""
    seen = 0
    for seed in range(FEW):
        case = throw(seed, "linked")
        if not _is_contradictory(case):
            seen += _check(case, group(case.leads, case.policy, rulings=case.rulings))
    assert seen > FEW // 30


def test_a_ruling_may_open_another_case() -> None:
    """Settling one claim can leave a neighbour claimed; the case says so."""
    case = throw(59, "linked")
    found = group(case.leads, case.policy, rulings=case.rulings).review()
    assert [one.about for each in found for one in each.opens] == [("contested", ("l2",))]


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_guarded_stop_has_owners_that_are_too_many(strategy: Strategy) -> None:
    """Two or more of one kind that is as strong, held by leads here; any other stop has none."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            kinds = case.policy.kinds
            held = {value.key for record in records_of(case) for value in record.values}
            for stop in resolution.stops:
                guarded = not {"contested", "limit"}.isdisjoint(stop.reasons)
                assert (len(stop.owners) > 1) == guarded, stop
                assert {owner.key for owner in stop.owners} <= held
                for owner in stop.owners:
                    rule = case.policy.identifiers[kinds.index(owner.kind)]
                    assert kinds.index(owner.kind) <= kinds.index(stop.identifier.kind)
                    assert ("contested" if rule.limit == 1 else "limit") in stop.reasons

        law()


def _check(case: Case, resolution: Resolution) -> int:
    """Hand back the ruling of each case of *resolution*; return how many were contested."""
    found = resolution.review()
    assert [one.impact for one in found] == sorted((one.impact for one in found), reverse=True)
    for one in found:
        after = group(case.leads, case.policy, rulings=(*case.rulings, one.ruling)).review()
        connected = _connected(case, one.group.lead_ids[0])
        assert one.about not in {each.about for each in after}
        assert [each for each in found if each.group.lead_ids[0] not in connected] == [
            each for each in after if each.group.lead_ids[0] not in connected
        ]
        known = {each.about for each in found}
        assert one.opens == tuple(each for each in after if each.about not in known)
    return sum(one.reason == "contested" for one in found)


def _connected(case: Case, lead_id: str) -> set[str]:
    """Return the ids of all leads that shared values and rulings connect with *lead_id*."""
    records = records_of(case)
    ties = [{r.id for r in records if value in r.values} for r in records for value in r.values]
    ties += [{lead for part in ruling.parts for lead in part} for ruling in case.rulings]
    reached = {lead_id}
    while more := [tie for tie in ties if tie & reached and not tie <= reached]:
        reached.update(*more)
    return reached


def _is_contradictory(case: Case) -> bool:
    musts = [{*ruling.parts[0]} for ruling in case.rulings if ruling.is_must_link]
    return bool(musts) and any(not ruling.is_must_link for ruling in case.rulings)
