"""The lines of a backfill: what the original had, and what is added where there is something."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from leadfold.backfill import Drift, Mismatch, Plan, Report
from leadfold.changes import InsertCustomer, Link, Run, Stats, Unit, UnitFailure
from leadfold.cli.backfill_text import (
    Wording,
    findings,
    followed_lines,
    grouping_lines,
    summary,
    unit_lines,
)

AT = datetime(2025, 11, 10, tzinfo=UTC)
RUN = Run("r1", "backfill_customers", "fill", "system", "leadfold", AT, "p", {})
PLAN = Plan(RUN, Stats(), {"psid": 1, "nin": 2, "individual": 0}, 3, "keyed", units=())
REPORT = Report("r1", Stats(), (), 21)


def made(customer: str, count: int) -> InsertCustomer:
    """Return the insert of a customer of so many leads."""
    return InsertCustomer(customer, {"metadata": {"groupType": "psid", "leadCount": count}})


def test_groups_are_named_by_kind() -> None:
    """PSID as the original spelled it, one's own kinds by their name."""
    assert [*grouping_lines(PLAN)][1:] == [
        "   Grouped into 3 potential customers",
        "   - By PSID: 1",
        "   - By Nin: 2",
        "   - Individual: 0",
    ]


def test_a_customer_and_its_leads_have_a_line_each() -> None:
    """New ones first made, then linked; existing ones are named where they gain leads."""
    changes = (
        made("c1", 2),
        Link("l1", None, "c1", "psid:…"),
        Link("l2", None, "c1", "psid:…"),
        Link("l3", None, "c0", "psid:…"),
    )
    assert [*unit_lines(Unit(0, {}, {}, changes), Wording(), "✓")] == [
        "   ✓ Created customer c1 (psid, 2 leads)",
        "   ✓ Linked 2 lead(s) to customer",
        "   ✓ Linked 1 lead(s) to existing customer c0",
    ]


def test_a_dry_run_speaks_of_what_would_be() -> None:
    """As the original did."""
    lines = [*unit_lines(Unit(0, {}, {}, (made("c1", 1),)), Wording.of_dry_run(), "+")]
    assert lines == ["   + Would create customer c1 (psid, 1 lead)"]


def test_jobs_are_told_of_first_and_always() -> None:
    """Other tables follow where rows of theirs were linked."""
    assert [*followed_lines({"Call": 2}, Wording(), "✓")] == [
        "   ✓ Linked 0 job(s) to customers",
        "   ✓ Linked 2 call(s) to customers",
    ]


def test_further_figures_are_shown_where_there_are_any() -> None:
    """In columns, however long their names are."""
    extra = {"dependents": {"Conversation": {"linked": 4, "already": 0}}, "rejected": 7}
    extra["rejectedBy"] = {"email": {"blocked": 1, "malformed": 4}, "phone": {"too_short": 2}}
    report = attrs.evolve(REPORT, stats=Stats(extra=extra))
    lines = [*summary(PLAN, report, {"Reading": 0.5})]
    also = lines.index("Also:")
    assert lines[also + 1 : also + 7] == [
        "   Conversations linked:         4",
        "   Conversations already linked: 0",
        "   Values not used:              7",
        "   - email, malformed:           4",
        "   - phone, too_short:           2",
        "   - email, blocked:             1",
    ]
    assert "Also:" not in [*summary(PLAN, REPORT, {"Reading": 0.5})]


def test_units_left_out_are_in_the_headline_and_listed() -> None:
    """With their leads and the reason."""
    failure = UnitFailure(3, ("l1", "l2"), "fault", "CHECK constraint failed: phone")
    report = attrs.evolve(REPORT, failures=(failure,))
    assert (
        next(summary(PLAN, report, {"Writing": 0.1})) == "BACKFILL PARTLY DONE: 1 unit(s) left out"
    )
    assert "   unit 3, leads l1, l2: CHECK constraint failed: phone" in [
        *findings(PLAN, report, show_values=False)
    ]


@pytest.mark.parametrize("show_values", [True, False])
def test_findings_are_cut_short_and_masked(*, show_values: bool) -> None:
    """The first five, how many more, and keys raw only if asked for."""
    plan = attrs.evolve(
        PLAN,
        drift=(Drift(("phone:+12125550143",), ("c1", "c2")),) * 7,
        mismatches=(Mismatch("Job", None, None, 2, "no lead"),),
        unreadable=(("", "a row without an id"),),
        notes=("c1 shows no phone: another customer has it already",),
    )
    lines = [*findings(plan, None, show_values=show_values)]
    assert ("phone:+12125550143" in "\n".join(lines)) is show_values
    assert "   … and 2 more (--json lists them all)" in lines
    assert "   (no id): a row without an id" in lines
    assert "   Job: 2 of lead (none): no lead" in lines


def test_without_findings_there_is_nothing_to_say() -> None:
    """Not even a title."""
    assert [*findings(PLAN, REPORT, show_values=False)] == []
