"""What notebooks show of a run: figures, what was left out, what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import InMemoryRepository, Resolver, backfill
from leadfold.backfill import Report
from leadfold.changes import Stats, UnitFailure
from leadfold.sheets import MASKED, Figures, Note, Table
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from leadfold.sheets import Sheet

LEADS = [sample.lead for sample in sample_leads(60)]


def _figures(sheet: Sheet) -> dict[str, object]:
    (figures,) = (block for block in sheet.blocks if isinstance(block, Figures))
    return dict(figures.pairs)


def _notes(sheet: Sheet) -> list[tuple[str, str]]:
    return [(block.text, block.tone) for block in sheet.blocks if isinstance(block, Note)]


def _tables(sheet: Sheet) -> dict[str, Table]:
    return {block.title: block for block in sheet.blocks if isinstance(block, Table)}


def test_a_plan_and_its_report_have_the_same_figures() -> None:
    """What would be written, and what was."""
    repository = InMemoryRepository(leads=LEADS)
    plan = backfill.plan(repository)
    planned, customers = _figures(plan.sheet(MASKED)), sum(plan.counts.values())
    written = _figures(backfill.apply(plan, repository).sheet(MASKED))

    assert planned == {
        "leads": 60,
        "customers": customers,
        "customers created": customers,
        "leads linked": 60,
    }
    assert written["customers created"] == customers
    assert written["leads linked"] == 60


def test_a_report_names_the_units_left_out() -> None:
    """It does not look as if all was well."""
    failure = UnitFailure(3, ("l1", "l2"), "fault", "phone is taken")
    sheet = Report("r1", Stats(), (failure,), 9).sheet(MASKED)

    assert _notes(sheet) == [("Units left out, nothing of which was written: 1", "look")]
    assert _tables(sheet)["Left out"].rows == ((3, "l1, l2", "fault", "phone is taken"),)


def test_a_rollback_plan_says_what_is_in_the_way() -> None:
    """Refused, it says so; else what it takes back."""
    repository = InMemoryRepository(leads=LEADS)
    report = backfill.apply(backfill.plan(repository), repository)
    free = backfill.plan_rollback(report.run_id, repository).sheet(MASKED)
    customer = repository.leads()[0].customer_id
    repository.insert_lead({"id": "new", "customer_id": customer})
    blocked = backfill.plan_rollback(report.run_id, repository).sheet(MASKED)

    assert _figures(free)["leads unlinked"] == 60
    assert _notes(free) == [("Nothing is written until it is applied", "plain")]
    assert _notes(blocked) == [("It is refused: rows were built upon since", "bad")]
    assert _tables(blocked)["Built upon since"].total > 0


def test_a_validation_lists_every_check_and_what_is_wrong_first() -> None:
    """Here no lead is linked."""
    sheet = backfill.validate(InMemoryRepository(leads=LEADS)).sheet(MASKED)

    assert ("leads linked: 0/60 (0%)", "bad") in _notes(sheet)
    assert _tables(sheet)["Checks"].left_out == 0


def test_a_decision_says_who_the_lead_is_and_what_was_written() -> None:
    """In words and in events."""
    repository = InMemoryRepository(leads=LEADS)
    backfill.apply(backfill.plan(repository), repository)
    decision = Resolver(repository).resolve({"id": "new", "phone": "212 555 0143"})
    sheet = decision.sheet(MASKED)

    assert sheet.about == f"lead new: customer {decision.customer_id}"
    assert _notes(sheet) == [("created", "plain")]
    assert [row[0] for row in _tables(sheet)["Written"].rows] == ["customer_created", "lead_linked"]
