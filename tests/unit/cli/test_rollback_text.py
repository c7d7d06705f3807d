"""A rollback as it is told: figures, what is in the way, the line that would undo."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime

import attrs

from leadfold.backfill import Blocker, Report, RollbackPlan
from leadfold.changes import (
    Link,
    PatchCustomer,
    Relink,
    Restore,
    Retire,
    Rule,
    Run,
    Stats,
    Unit,
    UnitFailure,
)
from leadfold.cli.rollback_text import (
    rollback_command,
    rollback_json,
    rollback_lines,
    undone_lines,
)
from leadfold.exceptions import RollbackRefusedError
from leadfold.model import Ruling

AT = datetime(2025, 11, 10, tzinfo=UTC)
UNDOES = Run("r1", "merge_customers", "", "ann", "leadfold", AT, "", {})
RUN = Run("r2", "rollback_customers", "refuse", "system", "leadfold", AT, "", {})
STATS = Stats(leads_linked=2, extra={"customersRestored": 1})
UNIT = Unit(0, {}, {}, (Link("l1", "c1", "c2", "merge of c2"),))
PLAN = RollbackPlan(RUN, UNDOES, (UNIT,), STATS, whole=1)
BLOCKERS = tuple(Blocker(1, "Lead", f"l{n}", "has another customer by now") for n in range(23))


def test_the_figures_say_what_goes_and_what_comes_back() -> None:
    """All of them, also those that are zero."""
    lines = [*rollback_lines(PLAN, None, {})]
    assert lines[0] == "DRY RUN COMPLETE: nothing was written"
    assert "   By:                     ann" in lines
    at = lines.index("Statistics:")
    assert lines[at + 1 : at + 10] == [
        "   Units undone:             1",
        "   Units kept:               0",
        "   Customers that go:        0",
        "   Customers that come back: 1",
        "   Leads unlinked:           0",
        "   Leads given back:         2",
        "   Other rows put back:      0",
        "   Rulings out of force:     0",
        "   Rulings back in force:    0",
    ]


def test_a_refusal_lists_twenty_blockers_and_says_how_many_more() -> None:
    """JSON has all of them."""
    plan = attrs.evolve(PLAN, blockers=BLOCKERS)
    refusal = RollbackRefusedError("r1", BLOCKERS)
    lines = [*rollback_lines(plan, None, {"Planning": 0.1}, refusal)]
    assert lines[0] == "ROLLBACK REFUSED: nothing was written"
    assert lines[-22:-20] == [
        "Built upon since (23):",
        "   unit 1: Lead l0 has another customer by now",
    ]
    assert lines[-1] == "   … and 3 more (--json lists them all)"
    told = rollback_json(plan, None, {}, refusal)
    assert told["blockers"] == [
        {"unit": 1, "table": "Lead", "row": b.row, "problem": b.problem, "run": None}
        for b in BLOCKERS
    ]
    assert told["error"] == {"type": "RollbackRefusedError", "message": str(refusal)}


def test_what_was_left_out_kept_and_lost_is_listed() -> None:
    """Each under its title, where there is any."""
    report = Report("r2", STATS, (UnitFailure(7, ("l7",), "fault", "CHECK failed"),), 9)
    plan = attrs.evolve(PLAN, blockers=BLOCKERS[:1], notes=("customer c2 comes back without x",))
    lines = [*rollback_lines(plan, report, {"Writing": 0.25})]
    assert lines[0] == "ROLLBACK PARTLY DONE: 1 unit(s) left out"
    assert "   unit 7: CHECK failed" in lines
    assert "Built upon since, and kept (1):" in lines
    assert lines[lines.index("Notes (1):") + 1] == "   customer c2 comes back without x"
    assert lines[-2:] == ["   SQL statements:         9", "   Run:                    r2"]
    failures = rollback_json(plan, report, {"Writing": 0.25})["failures"]
    assert failures == [failure.to_dict() for failure in report.failures]


def test_every_unit_has_a_line() -> None:
    """With what was put back in it, by kind."""
    ruling = Ruling("r1", [["l1", "l2"]])
    changes = (
        Restore("c2", {}),
        Retire("c3"),
        Link("l1", "c1", "c2", "x"),
        Link("l2", "c1", "c2", "x"),
        Link("l3", "c1", None, "x"),
        Relink("Job", "j1", "c1", "c2"),
        PatchCustomer("c1", {}, {}),
        Rule(ruling, in_force=False),
        Rule(ruling, in_force=True),
    )
    [line] = undone_lines([Unit(4, {}, {}, changes)], "+")
    assert line == (
        "   + Unit 4: customer c2 comes back, customer c3 goes, 2 lead(s) given back, "
        "1 lead(s) unlinked, 1 other row(s) put back, 1 customer(s) recounted, "
        "1 ruling(s) out of force, 1 ruling(s) back in force"
    )


def test_the_command_that_undoes_can_be_pasted() -> None:
    """With what it takes to reach the store, quoted for a shell."""
    plain = Namespace(store="sqlite:///crm.db", mapping=None, tenant=None)
    assert rollback_command(plain, "r1") == "leadfold rollback sqlite:///crm.db r1"
    told = Namespace(store="sqlite:///my crm.db", mapping="m.toml", tenant="a b")
    assert rollback_command(told, "r1", "--later", "keep") == (
        "leadfold rollback 'sqlite:///my crm.db' r1 --mapping m.toml --tenant 'a b' --later keep"
    )
