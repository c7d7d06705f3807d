"""Law 1: any permutation of the leads gives the same groups, keys and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough

if TYPE_CHECKING:
    from random import Random

    from leadfold import Lead, Resolution
    from leadfold.model import Cell
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_order_of_leads_does_not_matter(strategy: Strategy) -> None:
    """Shuffling the leads changes nothing that a resolution says."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy), st.randoms(use_true_random=False))
        def law(case: Case, random: Random) -> None:
            shuffled = random.sample(case.leads, len(case.leads))
            one = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(one)
            assert _said(group(shuffled, case.policy, rulings=case.rulings)) == _said(one)

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_order_of_rulings_does_not_matter(strategy: Strategy) -> None:
    """Rulings apply in order of creation, however they are handed in."""

    @enough()
    @given(cases(strategy, min_size=4), st.randoms(use_true_random=False))
    def law(case: Case, random: Random) -> None:
        shuffled = random.sample(case.rulings, len(case.rulings))
        one = group(case.leads, case.policy, rulings=case.rulings)
        assert _said(group(case.leads, case.policy, rulings=shuffled)) == _said(one)

    law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_one_text_and_a_tuple_of_one_are_the_same(strategy: Strategy) -> None:
    """A field that holds one text says the same as one that holds a tuple of it."""

    @enough()
    @given(cases(strategy))
    def law(case: Case) -> None:
        tupled = [_with_tuples(lead) for lead in case.leads]
        one = group(case.leads, case.policy, rulings=case.rulings)
        assert _said(group(tupled, case.policy, rulings=case.rulings)) == _said(one)

    law()


def _said(resolution: Resolution) -> tuple[object, ...]:
    """Return everything that *resolution* reports."""
    rejected = sorted((r.lead_id, r.field, r.reason.value) for r in resolution.rejected)
    return (
        resolution.groups,
        resolution.stops,
        resolution.suspicious,
        resolution.counts,
        rejected,
    )


def _with_tuples(lead: Lead) -> Lead:
    return attrs.evolve(
        lead, psid=_tuple(lead.psid), phone=_tuple(lead.phone), email=_tuple(lead.email)
    )


def _tuple(cell: Cell) -> Cell:
    return (cell,) if isinstance(cell, str) else cell
