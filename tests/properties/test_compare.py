"""Comparing: nothing differs from itself, parts sum up, and the other way round is the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.compare import compare
from leadfold.evaluate import evaluate, labels_of
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough

if TYPE_CHECKING:
    from leadfold import Policy, Resolution
    from leadfold.compare import Comparison, Regrouping
    from leadfold.testing.strategies import Case

MIRRORED = {"same": "same", "split": "merged", "merged": "split", "moved": "moved"}


@st.composite
def labellings(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, int]]:
    """Draw two groupings of the same leads."""
    ids = draw(st.lists(st.text(max_size=2), unique=True, min_size=1, max_size=10))
    ids = [each or "empty" for each in ids]
    label = st.integers(0, 4)
    return {i: draw(label) for i in ids}, {i: draw(label) for i in ids}


def _shape(change: Regrouping, *, mirrored: bool = False) -> tuple[object, ...]:
    before = [group.lead_ids for group in change.before]
    after = [group.lead_ids for group in change.after]
    return (MIRRORED[change.kind], after, before) if mirrored else (change.kind, before, after)


@given(labellings())
def test_nothing_differs_from_itself(sides: tuple[dict[str, int], dict[str, int]]) -> None:
    """Whatever its groups are called."""
    before, _ = sides
    renamed = {lead: f"group {label}" for lead, label in before.items()}
    found = compare(before, renamed)

    assert found.counts == {"same": len({*before.values()}), "split": 0, "merged": 0, "moved": 0}


@given(labellings())
def test_the_parts_sum_up(sides: tuple[dict[str, int], dict[str, int]]) -> None:
    """Every lead and every group of both sides is in one place, and it is named rightly."""
    before, after = sides
    found = compare(before, after)
    leads = [lead for change in found.regroupings for lead in change.lead_ids]
    leads += [lead for group in found.same for lead in group.lead_ids]

    assert sorted(leads) == sorted(before)
    assert sum(found.counts.values()) == len(found.same) + len(found.regroupings)
    assert sum(found.flows.values()) == len(before)
    for change in found.regroupings:
        sets = [{*map(frozenset, side)} for side in (change.before, change.after)]
        assert not sets[0] & sets[1]
        assert {*change.lead_ids} == {lead for group in change.after for lead in group}


@given(labellings())
def test_the_other_way_round_is_the_mirror(sides: tuple[dict[str, int], dict[str, int]]) -> None:
    """What was split is merged, what was merged is split; the leads are the same."""
    there, back = compare(*sides), compare(*sides[::-1])

    mirrored = [_shape(change, mirrored=True) for change in back.regroupings]
    assert [_shape(change) for change in there.regroupings] == mirrored
    assert [attrs.evolve(each, side="after") for each in there.parted] == [*back.joined]


@given(labellings())
def test_its_pairs_are_those_of_evaluate(sides: tuple[dict[str, int], dict[str, int]]) -> None:
    """Two ways to count the pairs that are together on one side alone."""
    found, figures = compare(*sides), evaluate(*sides)

    parted = sum(each.pairs for each in found.parted)
    joined = sum(each.pairs for each in found.joined)
    assert parted == figures.predicted_pairs - figures.shared_pairs
    assert joined == figures.true_pairs - figures.shared_pairs


def test_reasons_are_true() -> None:
    """A tie is of the side where both are together; the other has them apart, and says why."""
    with balanced() as balance:

        @enough()
        @given(cases())
        def law(case: Case) -> None:
            sides = [
                group(case.leads, attrs.evolve(case.policy, strategy=strategy))
                for strategy in ("keyed", "linked")
            ]
            balance.note(sides[0])
            found = compare(*sides)
            for change in found.regroupings:
                _hold(found, change, *sides)

        law()


def _hold(found: Comparison, change: Regrouping, before: Resolution, after: Resolution) -> None:
    parts = sum(len(each.parts) - 1 for each in (*found.parted, *found.joined))
    told = found.reasons(change)
    assert 0 < len(told) <= parts
    for witness in told:
        pair = witness.lead_id, witness.other_id
        together, apart = (before, after) if witness.side == "before" else (after, before)
        labels, others = labels_of(together.groups), labels_of(apart.groups)
        assert labels[pair[0]] == labels[pair[1]]
        assert others[pair[0]] != others[pair[1]]
        assert witness.tie in together.links
        assert witness.stops == apart.why_not(*pair).stops
        assert witness.stops


def test_a_policy_holds_against_labels_of_its_own_groups() -> None:
    """A resolution and a column made of it are one grouping."""

    @enough()
    @given(cases())
    def law(case: Case) -> None:
        resolution = group(case.leads, case.policy, rulings=case.rulings)
        found = compare(resolution, labels_of(resolution.groups))
        assert found.same == tuple(resolution.groups)

    law()


def test_keyed_is_never_split_by_linked() -> None:
    """`linked` starts from the groups of `keyed` and only joins (law 4)."""

    @enough()
    @given(cases("keyed", rulings=False))
    def law(case: Case) -> None:
        linked: Policy = attrs.evolve(case.policy, strategy="linked")
        counts = compare(group(case.leads, case.policy), group(case.leads, linked)).counts
        assert (counts["split"], counts["moved"]) == (0, 0)

    law()
