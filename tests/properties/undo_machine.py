"""A store that people, programs and leadfold write to by turns, and what must hold of it always.

After every step: what a rollback restored is what was, cell by cell, and nothing else moved; the
ledger explains every link; rulings in force do not contradict each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal, cast

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from leadfold import Lead, Policy, backfill, customers
from leadfold.exceptions import (
    AlreadyUndoneError,
    DecisionError,
    NothingToUndo,
    NotUndoableError,
    RollbackRefusedError,
)
from leadfold.model import Customer
from leadfold.rulings import unruly
from leadfold.testing.contract_hooks import ADDRESS, job
from properties.played_stores import InMemory, OnSQLite

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.backfill import Report, RollbackPlan
    from leadfold.exceptions import (
        LeadfoldError,
    )
    from leadfold.repository import Repository
    from leadfold.testing.contract_hooks import StoreHooks

__all__ = ["MemoryMachine", "SQLiteMachine"]

Cell = tuple[str, str, str]
"""Table, row, column; metadata has a cell for each key."""
Image = Mapping[Cell, object]

TABLES = {"leads": "Lead", "customers": "Customer", "jobs": "Job", "addresses": ADDRESS}
GONE = "(no such cell)"
HERE = "(here)"
PICKS = st.integers(0, 63)
PHONES = (None, "+15551230001", "+15551230002", "(555) 123-0003")
EMAILS = (None, "a@x.co", "b@x.co")
PSIDS = (None, "24000000000000001", "24000000000000002")
LINKED = {"Lead": "customer_id", "Job": "customer_id", ADDRESS: "customer_id"}
COUNTS = frozenset({"metadata.leadCount", "metadata.multipleLeads"})


class UndoMachine(RuleBasedStateMachine):
    """Steps of the application, of people and of leadfold on one store."""

    hooks: StoreHooks
    repository: Repository

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.runs: dict[str, tuple[Image, Image]] = {}
        self.by_hand: set[tuple[str, str]] = set()
        self.erased: set[Cell] = set()
        self.miscounted: set[object] = set()
        self.made = 0
        self.open()

    def open(self) -> None:
        """Make the empty store."""
        raise NotImplementedError

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer behind leadfold's back."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Close what was opened."""
        self.exits.close()

    # What the application and people do to their own rows.

    @initialize(
        rows=st.lists(st.tuples(*map(st.sampled_from, (PSIDS, PHONES, EMAILS))), max_size=6)
    )
    def begin(self, rows: list[tuple[str | None, str | None, str | None]]) -> None:
        """Start with some leads, every other with a job."""
        for number, row in enumerate(rows):
            self.add_lead(*row, name=f"N{number}", with_job=number % 2 == 0)

    @rule(
        psid=st.sampled_from(PSIDS),
        phone=st.sampled_from(PHONES),
        email=st.sampled_from(EMAILS),
        name=st.sampled_from([None, "Ann", "Bea"]),
        with_job=st.booleans(),
    )
    def add_lead(
        self,
        psid: str | None,
        phone: str | None,
        email: str | None,
        name: str | None,
        with_job: bool,  # noqa: FBT001 - drawn
    ) -> None:
        """A lead comes in."""
        lead = Lead(self.fresh("l"), psid, phone, email, name)
        self.hooks.seed(self.repository, [lead])
        if with_job:
            self.hooks.seed(self.repository, dependents={"Job": [job(self.fresh("j"), lead.id)]})

    @rule(pick=PICKS, phone=st.sampled_from(PHONES))
    def edit_lead(self, pick: int, phone: str | None) -> None:
        """Somebody edits a lead's phone."""
        if lead := self.pick("Lead", pick):
            self.hooks.edit_lead(self.repository, lead, phone=phone)

    @rule(pick=PICKS)
    def delete_lead(self, pick: int) -> None:
        """Somebody deletes a lead."""
        if lead := self.pick("Lead", pick):
            self.note_miscounted(lead)
            self.hooks.delete_lead(self.repository, lead)

    def note_miscounted(self, lead: str) -> None:
        """Take note of the customers whose counts a change made by hand to *lead* makes untrue."""
        self.miscounted.add(self.image()["Lead", lead, "customer_id"])
        with self.repository.reading() as reader:
            for entry in reader.history("Lead", lead):
                self.miscounted |= {entry.before, entry.after}

    @rule(pick=PICKS, to=PICKS, nowhere=st.booleans())
    def relink(self, pick: int, to: int, nowhere: bool) -> None:  # noqa: FBT001 - drawn
        """Somebody links a lead by hand."""
        lead, customer = self.pick("Lead", pick), self.pick("Customer", to)
        if lead and (customer or nowhere):
            self.note_miscounted(lead)
            self.miscounted.add(customer)
            self.hooks.edit_lead(self.repository, lead, customer_id=None if nowhere else customer)
            self.by_hand.add(("Lead", lead))

    @rule(pick=PICKS, to=PICKS, table=st.sampled_from(["Job", ADDRESS]))
    def point(self, pick: int, to: int, table: str) -> None:
        """A row comes in that points at a customer already."""
        if customer := self.pick("Customer", to):
            row = self.fresh("r")
            self.by_hand.add((table, row))
            if table == ADDRESS:
                address = {"id": row, "customer_id": customer}
                self.hooks.seed_carried(self.repository, ADDRESS, [address])
            else:
                jobs = [job(row, self.pick("Lead", pick) or None, customer)]
                self.hooks.seed(self.repository, dependents={"Job": jobs})

    @rule(pick=PICKS, name=st.sampled_from(["Cee", "Dee"]))
    def rename(self, pick: int, name: str) -> None:
        """Somebody renames a customer."""
        if customer := self.pick("Customer", pick):
            self.hooks.edit_customer(self.repository, customer, name=name)

    @rule(phone=st.sampled_from(PHONES))
    def add_customer(self, phone: str | None) -> None:
        """Somebody makes a customer by hand."""
        self.hooks.seed(self.repository, customers=[Customer(self.fresh("c"), phone=phone)])

    @rule(pick=PICKS)
    def remove_customer(self, pick: int) -> None:
        """Somebody deletes a customer: the store lets go of what pointed at it."""
        if customer := self.pick("Customer", pick):
            for cell, value in self.image().items():
                if value == customer and cell[2] == "customer_id":
                    self.by_hand.add(cell[:2])
                    if cell[0] == "Lead":
                        self.note_miscounted(cell[1])
            self.delete_customer(customer)

    # What leadfold does.

    @rule(
        strategy=st.sampled_from(["keyed", "linked"]),
        mode=st.sampled_from(["fill", "fill", "reconcile"]),
        adopt=st.booleans(),
    )
    def backfill(
        self,
        strategy: str,
        mode: Literal["fill", "reconcile"],
        adopt: bool,  # noqa: FBT001 - drawn
    ) -> None:
        """Run a backfill."""
        policy = Policy.keyed() if strategy == "keyed" else Policy.linked()
        plan = backfill.plan(self.repository, policy, mode=mode, adopt=adopt)
        self.written(lambda: backfill.apply(plan, self.repository))

    @rule(keep=PICKS, absorb=PICKS)
    def merge(self, keep: int, absorb: int) -> None:
        """Merge two customers."""
        one, other = self.pick("Customer", keep), self.pick("Customer", absorb)
        if one and other:
            self.written(lambda: customers.merge(self.repository, one, other), DecisionError)

    @rule(pick=PICKS, bits=st.integers(1, 7))
    def split(self, pick: int, bits: int) -> None:
        """Split some leads off a customer."""
        if customer := self.pick("Customer", pick):
            leads = [
                row
                for (table, row, column), value in self.image().items()
                if (table, column, value) == ("Lead", "customer_id", customer)
            ]
            part = [lead for place, lead in enumerate(leads) if bits >> place & 1]
            self.written(lambda: customers.split(self.repository, customer, [part]), DecisionError)

    @rule(pick=PICKS, forget=st.booleans())
    def erase(self, pick: int, forget: bool) -> None:  # noqa: FBT001 - drawn
        """Blank or delete a lead, then erase it."""
        if lead := self.pick("Lead", pick):
            if forget:
                self.note_miscounted(lead)
                self.hooks.delete_lead(self.repository, lead)
            else:
                blank: dict[str, str | None] = dict.fromkeys(["psid", "phone", "email", "name"])
                self.hooks.edit_lead(self.repository, lead, **blank)
            before = self.image()
            self.written(lambda: customers.erase(self.repository, lead), DecisionError)
            self.note_erased(before)

    def note_erased(self, before: Image) -> None:
        """Take note of every cell that an erasure may have blanked, in rows and in the ledger."""
        after = self.image()
        self.erased |= {cell for cell in before if before[cell] != after.get(cell, GONE)}
        with self.repository.reading() as reader:
            for run in self.runs:
                for entry in reader.entries(run):
                    for image in (entry.before, entry.after):
                        lost = image.get("erased", ()) if isinstance(image, dict) else ()
                        self.erased |= {
                            ("Customer", entry.row, "metadata.groupKey" if c == "groupKey" else c)
                            for c in lost
                        }

    @precondition(lambda self: self.runs)
    @rule(pick=PICKS, recent=st.booleans())
    def roll_back(self, pick: int, recent: bool) -> None:  # noqa: FBT001 - drawn
        """Roll a run back exactly, if nothing was built on it."""
        run = self.a_run(pick, recent=recent)
        current = self.image()
        report = self.undone(run, "refuse")
        if report is None:
            return
        event("rolled back")
        assert not report.failures
        now, (before, after) = self.image(), self.runs[run]
        for cell in {*before, *after, *current, *now}:
            was, became = before.get(cell, GONE), after.get(cell, GONE)
            deleted = (*cell[:2], "") not in current and became != GONE
            wanted = was if was != became and not deleted else current.get(cell, GONE)
            found = now.get(cell, GONE)
            assert found == wanted or (cell in self.erased and found is None), (cell, found, wanted)

    @precondition(lambda self: self.runs)
    @rule(pick=PICKS, recent=st.booleans())
    def roll_back_keeping(self, pick: int, recent: bool) -> None:  # noqa: FBT001 - drawn
        """Roll a run back but for what was built on it."""
        run = self.a_run(pick, recent=recent)
        current = self.image()
        plans: list[RollbackPlan] = []
        report = self.undone(run, "keep", plans)
        if report is None:
            return
        assert not report.failures
        event("rolled back with kept units" if plans[0].blockers else "rolled back whole")
        now, (before, after) = self.image(), self.runs[run]
        blocked = {(blocker.table, blocker.row) for blocker in plans[0].blockers}
        for cell in {*before, *after, *current, *now}:
            was, became = before.get(cell, GONE), after.get(cell, GONE)
            found = now.get(cell, GONE)
            if was == became:
                counted = cell[0] == "Customer" and cell[2] in COUNTS
                assert counted or found == current.get(cell, GONE), cell
            elif cell[2] == LINKED.get(cell[0]) and found == became != GONE:
                assert cell[:2] in blocked, f"{cell} was left, and nothing was built on it"
        self.check_nobody_lost(current, now)

    def check_nobody_lost(self, before: Image, now: Image) -> None:
        """No customer went that something points at."""
        gone = {cell[1] for cell in before.keys() - now.keys() if cell[0] == "Customer"}
        assert not gone & {value for cell, value in now.items() if cell[2] == "customer_id"}

    # What must hold after every step.

    @invariant()
    def the_ledger_explains_every_link(self) -> None:
        """A link that nobody wrote by hand is what the ledger's last entry for its row says."""
        with self.repository.reading() as reader:
            for (table, row, column), customer in self.image().items():
                if column != LINKED.get(table) or (table, row) in self.by_hand:
                    continue
                entries = [e for e in reader.history(table, row) if e.action in {"link", "follow"}]
                assert customer == (entries[-1].after if entries else None)

    @invariant()
    def counts_follow_membership(self) -> None:
        """What leadfold counts on a customer are its leads, where nobody moved any by hand."""
        image = self.image()
        leads = Counter(v for cell, v in image.items() if cell[::2] == ("Lead", "customer_id"))
        for (table, row, column), count in image.items():
            if (table, column) == ("Customer", "metadata.leadCount") and row not in self.miscounted:
                assert count == leads[row]
                assert image[table, row, "metadata.multipleLeads"] == (leads[row] > 1)

    @invariant()
    def rulings_hold_together(self) -> None:
        """No rulings in force contradict each other."""
        with self.repository.reading() as reader:
            assert not unruly(reader.rulings())

    @invariant()
    def no_link_dangles(self) -> None:
        """Whatever points at a customer points at one that is there."""
        image = self.image()
        there = {cell[1] for cell in image if cell[0] == "Customer"}
        assert {v for cell, v in image.items() if cell[2] == "customer_id"} - {None} <= there

    # How the steps are made.

    def fresh(self, prefix: str) -> str:
        """Return an id never used before."""
        self.made += 1
        return f"{prefix}{self.made}"

    def pick(self, table: str, number: int) -> str:
        """Return the id of a row of *table*, or nothing where there is none."""
        rows = sorted({cell[1] for cell in self.image() if cell[0] == table})
        return rows[number % len(rows)] if rows else ""

    def a_run(self, number: int, *, recent: bool) -> str:
        """Return one of the runs so far, one of the latest two if *recent*."""
        runs = list(self.runs)[-2:] if recent else list(self.runs)
        return runs[number % len(runs)]

    def image(self) -> Image:
        """Return every cell of the user's tables but the audit trail."""
        cells: dict[Cell, object] = {}
        for name, rows in self.hooks.image(self.repository).items():
            if name in TABLES:
                for row, columns in cast("Mapping[str, Mapping[str, object]]", rows).items():
                    cells |= _cells(TABLES[name], row, columns)
        return cells

    def undone(
        self, run: str, later: str, plans: list[RollbackPlan] | None = None
    ) -> Report | None:
        """Roll *run* back, or see that a refusal changed nothing."""

        def undo() -> Report:
            plan = backfill.plan_rollback(run, self.repository, later=later)  # type: ignore[arg-type]
            if plans is not None:
                plans.append(plan)
            return backfill.rollback(run, self.repository, later=later)  # type: ignore[arg-type]

        refusals = (AlreadyUndoneError, NothingToUndo, NotUndoableError)
        if later == "refuse":
            refusals = (*refusals, RollbackRefusedError)  # type: ignore[assignment]
        return self.written(undo, *refusals)

    def written(self, write: Callable[[], Report], *refusals: type[LeadfoldError]) -> Report | None:
        """Write, and keep what the store was before and after; a refusal leaves it as it was."""
        before, audited = self.image(), len(self.hooks.raw_audit(self.repository))
        try:
            report = write()
        except refusals as refusal:
            event(f"refused: {type(refusal).__name__}")
            assert self.image() == before
            assert len(self.hooks.raw_audit(self.repository)) == audited
            return None
        assert len(self.hooks.raw_audit(self.repository)) == audited + 1
        self.runs[report.run_id] = (before, self.image())
        return report


def _cells(table: str, row: str, columns: Mapping[str, object]) -> dict[Cell, object]:
    cells: dict[Cell, object] = {(table, row, ""): HERE}
    for column, value in columns.items():
        if column == "metadata":
            held = cast("Mapping[str, object]", value or {})
            cells |= {(table, row, f"metadata.{key}"): held[key] for key in held}
        else:
            cells[table, row, column] = value
    return cells


class MemoryMachine(InMemory, UndoMachine):
    """The steps on the in-memory store."""


class SQLiteMachine(OnSQLite, UndoMachine):
    """The steps on a SQLite file, edits made past the adapter."""
