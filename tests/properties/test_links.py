"""The links of a resolution: they span every group, exactly, by what is really shared."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.disjoint import DisjointSets
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.model import model_evidence
from oracle.reading import records_of
from oracle.ties import name_of, strength

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import DataObject

    from leadfold import Identifier, Resolution
    from leadfold.explanations import Tie
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_links_span_every_group_exactly(strategy: Strategy) -> None:
    """One fewer than a group has leads, none across groups, and they connect it."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            links = resolution.links
            assert len(links) == len(case.leads) - len(resolution.groups)
            assert _connected(case, links) == {found.lead_ids for found in resolution.groups}

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_every_link_is_evidence_of_the_slow_model(strategy: Strategy) -> None:
    """A ruling that names both, a key of both, or a value of both that took part at its level."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            evidence = model_evidence(records_of(case), case.policy, case.rulings)
            for tie in resolution.links:
                assert {tie.lead_id, tie.other_id} <= evidence[name_of(tie)]

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_links_are_the_strongest_there_are(strategy: Strategy) -> None:
    """No spanning set of a group has more links of a strength, or of those above it."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            place = {one: found.key for found in resolution.groups for one in found}
            evidence = model_evidence(records_of(case), case.policy, case.rulings)
            strengths = [strength(case.policy, *name) for name in evidence]
            counts = Counter(strength(case.policy, *name_of(tie)) for tie in resolution.links)
            for least in sorted(set(strengths)):
                pairs = [
                    (one, other)
                    for name, holders in evidence.items()
                    if strength(case.policy, *name) <= least
                    for one in holders
                    for other in holders
                    if place[one] == place[other]
                ]
                taken = sum(count for each, count in counts.items() if each <= least)
                assert taken == len(case.leads) - len(_blocks(case, pairs))

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_links_do_not_depend_on_the_order_of_the_leads(strategy: Strategy) -> None:
    """The same links in the same order, for any permutation."""

    @enough()
    @given(cases(strategy), st.data())
    def law(case: Case, data: DataObject) -> None:
        leads = data.draw(st.permutations(case.leads))
        links = group(case.leads, case.policy, rulings=case.rulings).links
        assert group(leads, case.policy, rulings=case.rulings).links == links

    law()


def test_without_its_only_evidence_a_group_falls_apart() -> None:
    """Where nothing but one identifier connects two leads, without it they are apart.

    Connected means by any chain of shared identifiers, through leads of whatever group; the
    identifier is taken from all leads that hold it, and no ruling is there to join them.
    """
    seen = 0

    @enough()
    @given(cases("linked", rulings=False))
    def law(case: Case) -> None:
        nonlocal seen
        resolution = group(case.leads, case.policy)
        for tie in resolution.links:
            held, gone = _held(resolution), tie.identifier
            assert gone is not None
            holders = [lead for lead, values in held.items() if gone in values]
            pairs = [
                (one, other)
                for one, mine in held.items()
                for other, theirs in held.items()
                if (mine & theirs) - {gone}
            ]
            if not any({tie.lead_id, tie.other_id} <= {*block} for block in _blocks(case, pairs)):
                seen += 1
                found = resolution.what_if(without=[(lead, gone) for lead in holders]).resolution
                assert found.group_of(tie.lead_id) != found.group_of(tie.other_id)

    law()
    assert seen > 10


def _held(resolution: Resolution) -> dict[str, set[Identifier]]:
    columns = resolution.columns
    return {lead: {*columns.identifiers(row)} for row, lead in enumerate(columns.ids)}


def _connected(case: Case, links: Iterable[Tie]) -> set[tuple[str, ...]]:
    return _blocks(case, [(tie.lead_id, tie.other_id) for tie in links])


def _blocks(case: Case, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, ...]]:
    """Return the sets of lead ids that *pairs* connect."""
    ids = sorted(lead.id for lead in case.leads)
    sets = DisjointSets(len(ids))
    for pair in pairs:
        sets.union(ids.index(one) for one in pair)
    blocks: dict[int, list[str]] = {}
    for place, one in enumerate(ids):
        blocks.setdefault(sets.find(place), []).append(one)
    return {tuple(block) for block in blocks.values()}
