"""Law 4: leads with equal keys are in one group, rulings excepted; ``linked`` tears nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given

from leadfold import group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.reading import records_of

if TYPE_CHECKING:
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_leads_with_equal_keys_are_in_one_group(strategy: Strategy) -> None:
    """The first usable identifier of the strongest kind decides, whatever the guards say."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy, rulings=False))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy)
            balance.note(resolution)
            for ids in _ids_by_key(case).values():
                assert len({resolution.group_of(lead_id) for lead_id in ids}) == 1

        law()


def test_keyed_joins_nothing_but_equal_keys() -> None:
    """A group of ``keyed`` is the leads of one key, and has that key."""
    with balanced() as balance:

        @enough()
        @given(cases("keyed", rulings=False))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy)
            balance.note(resolution)
            found = {one.key: one.lead_ids for one in resolution.groups}
            assert found == {key: tuple(sorted(ids)) for key, ids in _ids_by_key(case).items()}

        law()


def test_linked_never_tears_what_keyed_joins() -> None:
    """Every group of ``keyed`` lies within a group of ``linked``, under the same rulings."""
    with balanced() as balance:

        @enough()
        @given(cases("linked"))
        def law(case: Case) -> None:
            linked = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(linked)
            policy = attrs.evolve(case.policy, strategy="keyed")
            for small in group(case.leads, policy, rulings=case.rulings).groups:
                assert len({linked.group_of(lead_id) for lead_id in small}) == 1

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_only_a_ruling_leaves_a_key_to_several_groups(strategy: Strategy) -> None:
    """Keys are distinct; one ends in ``#`` and a lead id only where a cannot-link parts leads."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            keys = [one.key for one in resolution.groups]
            assert keys == sorted(set(keys))
            assert all(ruling.is_must_link for ruling in case.rulings) <= ("#" not in "".join(keys))

        law()


def _ids_by_key(case: Case) -> dict[str, list[str]]:
    """Return the ids of the leads by their key: strongest kind, first value."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for record in records_of(case):
        key = record.values[0].key if record.values else f"individual:{record.id}"
        found[key].append(record.id)
    return dict(found)
