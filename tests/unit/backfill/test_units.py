"""Units of a plan: most are made by a shorter way, and come to the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from leadfold import InMemoryRepository, Policy, backfill
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from leadfold.backfill.units import PlannedUnits


@pytest.mark.parametrize("policy", [Policy.keyed(), Policy.linked()], ids=["keyed", "linked"])
def test_the_shorter_way(policy: Policy) -> None:
    """A group of leads that are not linked yet makes the unit that it would make the long way."""
    leads = [sample.lead for sample in sample_leads(400, seed=1)]
    jobs = [{"id": f"j{lead.id}", "lead_id": lead.id} for lead in leads[::2]]
    repository = InMemoryRepository(leads, {"Job": jobs})
    units = cast("PlannedUnits", backfill.plan(repository, policy).units)
    short = list(units)
    long = [
        units._unit(number, component)  # noqa: SLF001 - what the other way is compared with
        for number, component in enumerate(units.assignment.components)
    ]
    assert len(short) > 200
    assert [(unit.number, unit.leads, unit.customers) for unit in short] == [
        (unit.number, unit.leads, unit.customers) for unit in long
    ]
    assert [unit.changes for unit in short] == [unit.changes for unit in long]
