"""Why and why not: every pair has exactly one of them, and a chain is as short as can be."""

from __future__ import annotations

from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.exceptions import DifferentGroupsError, SameGroupError
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.model import model_evidence
from oracle.reading import records_of
from oracle.ties import name_of, strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hypothesis.strategies import DataObject

    from leadfold import Resolution
    from leadfold.policy import Policy, Strategy
    from leadfold.testing.strategies import Case

Names = tuple[tuple[str, str], ...]


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_chain_is_the_best_of_all_shortest_ones(strategy: Strategy) -> None:
    """Held against every shortest chain that a slow search over the model's evidence finds."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            evidence = model_evidence(records_of(case), case.policy, case.rulings)
            for found in resolution.groups:
                for one, other in combinations(found, 2):
                    told = [
                        (step.lead_id, step.other_id, name_of(step))
                        for step in resolution.why(one, other)
                    ]
                    assert told == _best(case.policy, evidence, found.lead_ids, one, other)

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_chain_is_the_same_from_either_end_and_in_any_order(strategy: Strategy) -> None:
    """Reversed, step by step; the order of the leads plays no part."""

    @enough()
    @given(cases(strategy), st.data())
    def law(case: Case, data: DataObject) -> None:
        resolution = group(case.leads, case.policy, rulings=case.rulings)
        leads = data.draw(st.permutations(case.leads))
        other_order = group(leads, case.policy, rulings=case.rulings)
        for found in resolution.groups:
            for one, other in product(found, repeat=2):
                steps = resolution.why(one, other).steps
                back = resolution.why(other, one).steps
                assert tuple(step.reversed() for step in reversed(back)) == steps
                assert other_order.why(one, other).steps == steps

    law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_every_pair_has_exactly_one_of_why_and_why_not(strategy: Strategy) -> None:
    """The other one is refused; what is told apart is held in both groups."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            for one, other in product([lead.id for lead in case.leads], repeat=2):
                if resolution.group_of(one) == resolution.group_of(other):
                    _check_together(resolution, one, other)
                else:
                    _check_apart(case, resolution, one, other)

        law()


def _check_together(resolution: Resolution, one: str, other: str) -> None:
    steps = resolution.why(one, other).steps
    path = [one, *(step.other_id for step in steps)]
    assert path[-1] == other
    assert [(step.lead_id, step.other_id) for step in steps] == [*pairwise(path)]
    with pytest.raises(SameGroupError, match="ask why, not why_not"):
        resolution.why_not(one, other)


def _check_apart(case: Case, resolution: Resolution, one: str, other: str) -> None:
    with pytest.raises(DifferentGroupsError, match="ask why_not, not why"):
        resolution.why(one, other)
    held = {record.id: {value.key for value in record.values} for record in records_of(case)}
    mine, theirs = (
        set[str]().union(*(held[lead] for lead in resolution.group_of(each)))
        for each in (one, other)
    )
    found = resolution.why_not(one, other)
    shared = [stop.identifier.key for stop in found.shared]
    assert {*shared} == held[one] & held[other]
    assert {stop.identifier.key for stop in found.stops} == mine & theirs
    assert len(found.stops) == len(mine & theirs)
    assert found.stops[: len(shared)] == found.shared
    assert len(str(found).splitlines()) == max(1, len(found.stops))


def _best(
    policy: Policy,
    evidence: Mapping[tuple[str, str], frozenset[str]],
    leads: tuple[str, ...],
    one: str,
    other: str,
) -> list[tuple[str, str, tuple[str, str]]]:
    """Return the best chain, by length, strengths from the weakest, then text, lead by lead."""

    def cost(path: tuple[str, ...], names: Names) -> tuple[list[int], list[object]]:
        strengths = [strength(policy, *name) for name in names]
        text = [(lead, mine, name) for lead, mine, name in zip(path[1:], strengths, names)]  # noqa: B905
        return sorted(strengths, reverse=True), [*text]

    chains = [*_shortest(evidence, {*leads}, one, other)]
    path, names = min(chains, key=lambda chain: cost(*chain))
    return [(*ends, name) for ends, name in zip(pairwise(path), names, strict=True)]


def _shortest(
    evidence: Mapping[tuple[str, str], frozenset[str]], leads: set[str], one: str, other: str
) -> Iterator[tuple[tuple[str, ...], Names]]:
    """Yield every shortest chain: its leads, and by what each follows the one before."""
    chains: list[tuple[tuple[str, ...], Names]] = [((one,), ())]
    seen = {one}
    while not any(path[-1] == other for path, _ in chains):
        chains = [
            ((*path, following), (*names, name))
            for path, names in chains
            for name, holders in evidence.items()
            if path[-1] in holders
            for following in (holders & leads) - seen
        ]
        seen |= {path[-1] for path, _ in chains}
    yield from (chain for chain in chains if chain[0][-1] == other)
