"""Applying a plan: what a reporter hears, what a stale unit does, what the report says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold import Customer, InMemoryRepository, Lead, backfill
from leadfold.exceptions import StalePlanError
from leadfold.reporter import SILENT, Reporter

if TYPE_CHECKING:
    from leadfold.changes import Unit

LEADS = (Lead("l1", phone="202-555-0141"), Lead("l2", phone="202-555-0142"), Lead("l3"))


@attrs.define
class Listener(Reporter):
    """Remembers what it hears."""

    heard: list[object] = attrs.field(factory=list)

    def stage(self, number: int, of: int, name: str) -> None:
        """Remember the stage."""
        self.heard.append((number, of, name))

    def leads_read(self, count: int) -> None:
        """Remember the count."""
        self.heard.append(count)

    def unit_sent(self, unit: Unit) -> None:
        """Remember the unit's leads."""
        self.heard.append([*unit.leads])


def no_second(row: Lead | Customer) -> str | None:
    """Refuse the customer of the second lead."""
    return "not this one" if isinstance(row, Customer) and "0142" in (row.phone or "") else None


def test_a_reporter_hears_of_stages_and_units() -> None:
    """Stage by stage, batch by batch, unit by unit, in order."""
    repository, listener = InMemoryRepository(leads=LEADS), Listener()
    plan = backfill.plan(repository, reporter=listener)
    backfill.apply(plan, repository, reporter=listener)
    assert listener.heard == [
        (1, 4, "Grouping leads by customer identifiers"),
        3,
        (2, 4, "Creating customers and linking leads"),
        ["l1"],
        ["l2"],
        ["l3"],
    ]


def test_the_silent_reporter_takes_everything() -> None:
    """Its methods do nothing, and can be called."""
    (first, *_) = backfill.plan(InMemoryRepository(leads=LEADS)).units
    SILENT.stage(1, 4, "x")
    SILENT.leads_read(1)
    SILENT.unit_sent(first)


def test_a_report_says_what_was_written() -> None:
    """The run, the figures, and that all of it is done."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository, run_id="run-1")
    report = backfill.apply(plan, repository)
    assert (report.run_id, report.outcome, report.failures) == ("run-1", "done", ())
    assert report.statements == 0  # nothing but dicts
    assert report.stats.to_dict() == plan.stats.to_dict()


def test_a_faulty_unit_makes_the_outcome_partial() -> None:
    """It is left out and listed, its neighbours are written; figures say what was."""
    repository = InMemoryRepository(leads=LEADS, constraints=[no_second])
    report = backfill.apply(backfill.plan(repository), repository)
    (failure,) = report.failures
    assert report.outcome == "partial"
    assert (failure.unit, failure.lead_ids, failure.cause) == (1, ("l2",), "fault")
    assert failure.message == "not this one"
    assert (report.stats.customers_created, report.stats.leads_linked) == (2, 2)
    assert report.stats.to_dict()["errors"] == [failure.to_dict()]
    assert [lead.customer_id is None for lead in repository.leads()] == [False, True, False]


def test_a_stale_plan_is_refused_and_names_the_leads() -> None:
    """By default; nothing is written."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository)
    repository.update_lead(Lead("l2", phone="202-555-0149"))
    with pytest.raises(StalePlanError, match="l2") as refused:
        backfill.apply(plan, repository)
    assert refused.value.lead_ids == ("l2",)
    assert (repository.customers(), repository.audit()) == ((), ())


def test_stale_units_can_be_skipped() -> None:
    """With ``on_stale="skip"`` the others are written, and the next plan takes up the rest."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository)
    repository.update_lead(Lead("l2", phone="202-555-0149"))
    report = backfill.apply(plan, repository, on_stale="skip")
    (failure,) = report.failures
    assert (report.outcome, failure.cause, failure.lead_ids) == ("partial", "stale", ("l2",))
    assert report.stats.leads_linked == 2
    again = backfill.apply(backfill.plan(repository), repository)
    assert (again.outcome, again.stats.leads_linked) == ("done", 1)


def test_an_edit_that_decides_nothing_does_not_make_a_plan_stale() -> None:
    """A lead's name is no identifier."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository)
    repository.update_lead(attrs.evolve(LEADS[0], name="Ann"))
    assert backfill.apply(plan, repository).outcome == "done"


def test_a_lead_that_comes_in_later_does_not_make_a_plan_stale() -> None:
    """It is the next run's work."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository)
    repository.insert_lead(Lead("l4", phone="202-555-0141"))
    assert backfill.apply(plan, repository).stats.leads_linked == 3
    assert backfill.plan(repository).stats.leads_linked == 1
