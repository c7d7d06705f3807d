"""Tables of the in-memory store: plain dicts, copied before they are written. No rules."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from leadfold.changes import OPEN
from leadfold.exceptions import StoreError
from leadfold.progress import with_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from leadfold.changes import Run
    from leadfold.model import Customer, Dependent, Identifier, Lead, Ruling
    from leadfold.repositories.memory.rows import AuditEntry, DependentRow
    from leadfold.repository import Awaited, LedgerEntry, Queued

__all__ = ["DependentTable", "Draft", "Index", "Store", "Table", "Tables"]

Row = TypeVar("Row")


@attrs.define(repr=False)
class Table(Generic[Row]):
    """Rows by id, in order of insertion, each with a version.

    A version is the number of the last write that changed what *basis* looks at.
    """

    basis: Callable[[Row], object]
    rows: dict[str, Row] = attrs.field(factory=dict)
    versions: dict[str, int] = attrs.field(factory=dict)
    writes: int = 0

    def put(self, row_id: str, row: Row) -> None:
        """Insert or replace a row."""
        if row_id not in self.rows or self.basis(self.rows[row_id]) != self.basis(row):
            self.writes += 1
            self.versions[row_id] = self.writes
        self.rows[row_id] = row

    def drop(self, row_id: str) -> None:
        """Remove a row; one that comes back with its id gets a version of its own."""
        del self.rows[row_id], self.versions[row_id]

    def copy(self) -> Table[Row]:
        """Return a table to write on; the rows themselves never change."""
        return Table(self.basis, dict(self.rows), dict(self.versions), self.writes)


@attrs.define
class DependentTable:
    """Rows of one dependent by id."""

    declared: Dependent
    rows: dict[str, DependentRow] = attrs.field(factory=dict, repr=False)

    def copy(self) -> DependentTable:
        """Return a table to write on."""
        return DependentTable(self.declared, dict(self.rows))

    def lead_of(self, row: DependentRow) -> str | None:
        """Return the lead that *row* points at."""
        return _text(row.get(self.declared.lead_id))

    def customer_of(self, row: DependentRow) -> str | None:
        """Return the customer that *row* points at."""
        return _text(row.get(self.declared.customer_id))

    def by_lead(self) -> dict[str | None, list[str]]:
        """Return the ids of the rows of each lead."""
        rows: dict[str | None, list[str]] = {}
        for row_id, row in self.rows.items():
            rows.setdefault(self.lead_of(row), []).append(row_id)
        return rows

    def link(self, row_id: str, customer_id: str | None) -> None:
        """Let a row point at *customer_id*."""
        self.rows[row_id] = {**self.rows[row_id], self.declared.customer_id: customer_id}

    def unlink(self, customer_id: str) -> None:
        """Let the rows that point at *customer_id* point at none."""
        for row_id, row in self.rows.items():
            if self.customer_of(row) == customer_id:
                self.link(row_id, None)


@attrs.define(repr=False)
class Index:
    """The identity index: who holds what, and when that last changed for a holder of each value.

    *clock* counts the commits that changed a record, or moved a lead; a value's version is the
    clock of the last of them that did so to a holder of it, old or new: of one without a row, and
    of leads that are not looked at for holding a generic value, nothing else tells that.
    *seen* has an entry for every record ever indexed, *awaited* says what became of those that had
    no row yet.
    """

    seen: dict[str, tuple[Identifier, ...]] = attrs.field(factory=dict)
    holders: dict[Identifier, set[str]] = attrs.field(factory=dict)
    versions: dict[Identifier, int] = attrs.field(factory=dict)
    clock: int = 0
    fingerprint: str | None = None
    awaited: dict[str, Awaited] = attrs.field(factory=dict)
    _thawed: set[Identifier] = attrs.field(factory=set, init=False)

    def copy(self) -> Index:
        """Return an index to write one commit on; sets of holders are copied when touched."""
        return Index(
            dict(self.seen),
            dict(self.holders),
            dict(self.versions),
            self.clock,
            self.fingerprint,
            dict(self.awaited),
        )

    def record(self, record_id: str, identifiers: Collection[Identifier]) -> None:
        """Let *record_id* hold exactly *identifiers*."""
        held, now = set(self.seen.get(record_id, ())), set(identifiers)
        for identifier in held | now if held != now else ():
            holders = self._thaw(identifier)
            (holders.add if identifier in now else holders.discard)(record_id)
        self.seen[record_id] = tuple(sorted(now))

    def move(self, record_id: str) -> None:
        """Note that *record_id* is another customer's now."""
        for identifier in self.seen.get(record_id, ()):
            self._thaw(identifier)

    def forget(self, record_id: str) -> None:
        """Let *record_id* hold nothing, as if it had never been seen."""
        if record_id in self.seen:
            self.record(record_id, ())
            del self.seen[record_id]
            self.awaited.pop(record_id, None)

    def claimed_after(
        self, clock: int, identifiers: Collection[Identifier], *, but: Collection[int]
    ) -> bool:
        """Tell whether a holder of one of *identifiers* changed or moved after *clock*.

        What happened at the clocks *but* does not count.
        """
        found = (self.versions.get(identifier, 0) for identifier in identifiers)
        return any(version > clock and version not in but for version in found)

    def _thaw(self, identifier: Identifier) -> set[str]:
        if identifier not in self._thawed:
            if not self._thawed:
                self.clock += 1
            self._thawed.add(identifier)
            self.versions[identifier] = self.clock
            self.holders[identifier] = set(self.holders.get(identifier, ()))
        return self.holders[identifier]


@attrs.frozen(repr=False)
class Tables:
    """Everything stored for one tenant, as of one moment: nothing in it is changed any more.

    *ledger* has the entries of each run; *written* says which of them each commit added: the run,
    from which to before which.
    """

    leads: Table[Lead]
    customers: Table[Customer]
    dependents: Mapping[str, DependentTable]
    references: Mapping[str, DependentTable] = attrs.field(factory=dict)
    rulings: Mapping[str, Ruling] = attrs.field(factory=dict)
    queue: Mapping[str, Queued] = attrs.field(factory=dict)
    index: Index = attrs.field(factory=Index)
    runs: Mapping[str, Run] = attrs.field(factory=dict)
    ledger: Mapping[str, tuple[LedgerEntry, ...]] = attrs.field(factory=dict)
    written: tuple[tuple[str, int, int], ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    made: frozenset[str] = frozenset()

    def entries(self) -> Iterator[LedgerEntry]:
        """Yield the ledger of all runs in the order written: chunks of several may take turns."""
        for run, start, stop in self.written:
            yield from self.ledger[run][start:stop]

    def run(self, run_id: str) -> Run | None:
        """Return the run of that id as it is read, if there is one."""
        run = self.runs.get(run_id)
        if run is None or run.status != OPEN:
            return run
        entries = self.ledger.get(run_id, ())
        counted = Counter((e.table, str(e.action), e.after is not None) for e in entries)
        return with_figures(run, [(*what, number) for what, number in counted.items()])

    def next_unit(self, run_id: str) -> int:
        """Return a number above those of all units of a run: each commit has higher ones."""
        for run, start, stop in reversed(self.written):
            if run == run_id and stop > start:
                return 1 + max(entry.unit for entry in self.ledger[run][start:stop])
        return 0

    @property
    def pointing(self) -> Mapping[str, DependentTable]:
        """Return the tables, beside the leads, whose rows point at customers."""
        return {**self.dependents, **self.references}

    def table(self, name: str) -> DependentTable:
        """Return the dependent or referencing table *name*, which must be declared."""
        if name not in self.pointing:
            msg = f"no table is named {name}: declare it in dependents= or references="
            raise StoreError(msg)
        return self.pointing[name]


class Draft:
    """The next state of some tables: each is copied when first asked for, the others are kept."""

    def __init__(self, tables: Tables) -> None:
        self.before = tables
        self._pointing: dict[str, DependentTable] = {}

    @cached_property
    def leads(self) -> Table[Lead]:
        """The leads, to write on."""
        return self.before.leads.copy()

    @cached_property
    def customers(self) -> Table[Customer]:
        """The customers, to write on."""
        return self.before.customers.copy()

    @cached_property
    def index(self) -> Index:
        """The identity index, to write on."""
        return self.before.index.copy()

    @cached_property
    def rulings(self) -> dict[str, Ruling]:
        """The rulings in force, to write on."""
        return dict(self.before.rulings)

    @cached_property
    def queue(self) -> dict[str, Queued]:
        """The leads that are still to be decided, to write on."""
        return dict(self.before.queue)

    @cached_property
    def ledger(self) -> dict[str, tuple[LedgerEntry, ...]]:
        """The entries of every run, to write on."""
        return dict(self.before.ledger)

    def pointing(self, name: str) -> DependentTable:
        """Return the rows of the dependent or reference *name*, to write on."""
        if name not in self._pointing:
            self._pointing[name] = self.before.table(name).copy()
        return self._pointing[name]

    def finished(self) -> Tables:
        """Return the tables as they are now."""
        touched = vars(self)
        return attrs.evolve(
            self.before,
            leads=touched.get("leads", self.before.leads),
            customers=touched.get("customers", self.before.customers),
            index=touched.get("index", self.before.index),
            rulings=touched.get("rulings", self.before.rulings),
            queue=touched.get("queue", self.before.queue),
            ledger=touched.get("ledger", self.before.ledger),
            dependents=self._written(self.before.dependents),
            references=self._written(self.before.references),
        )

    def _written(self, tables: Mapping[str, DependentTable]) -> dict[str, DependentTable]:
        return {name: self._pointing.get(name, table) for name, table in tables.items()}


class Store:
    """The tables of every tenant, and the one place where writers wait for each other."""

    def __init__(self) -> None:
        self.tables: dict[str | None, Tables] = {}
        self._lock = RLock()
        self._writing = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one writer in at a time; what a write inside a write did would be lost."""
        with self._lock:
            if self._writing:
                msg = "the store is being written: do not write while units are read"
                raise StoreError(msg)
            self._writing = True
            try:
                yield
            finally:
                self._writing = False


def _text(raw: object) -> str | None:
    return None if raw is None else str(raw)
