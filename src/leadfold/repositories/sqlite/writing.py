"""A commit in SQLite: batches of units staged, tested and written set by set. It decides nothing.

A batch with a data fault is undone and tried again in halves, until the units at fault stand
alone: these are left out, everything else is written.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.changes import Committed, Link, UnitFailure
from leadfold.exceptions import MappingError, StalePlanError, StoreError, UnitError
from leadfold.repositories.sqlite.recording import Record
from leadfold.repositories.sqlite.schema import migrate
from leadfold.repositories.sqlite.staging import Stage, batches
from leadfold.repositories.sqlite.undoing import Undoing, require

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import Literal

    from leadfold.changes import ChangeSet, Unit
    from leadfold.repositories.sqlite.fitted import Fitted
    from leadfold.repositories.sqlite.session import Row, Session

__all__ = ["commit"]

_TESTS = {
    "leads": "lead",
    "links": "link",
    "customers": "customer",
    "holders": "holder",
    "erased": "holder",
    "lead_records": "lead",
    "customer_records": "customer",
    "keys": "key",
    "patches": "patch",
}
"""What is tested, by the table of what is staged that it is about."""

_STALE = "changed since the plan was made: {}"


def commit(session: Session, found: Fitted, tenant: str | None, changes: ChangeSet) -> Committed:
    """Write *changes* inside the transaction that is open; whatever raises, it is undone."""
    migrate(session, found.catalog)
    record = Record(session, found, changes, tenant or "")
    writer = _Writer(session, found, changes, record.open(tenant))
    if changes.open:
        changes = changes.numbered(record.numbers())
    for units in batches(changes.units):
        writer.write(units)
    if writer.stale and changes.on_stale == "refuse":
        raise StalePlanError(writer.stale)
    failed = sorted(writer.failed, key=lambda each: each[0].number)
    stats = changes.outcome(failed, writer.followed)
    total = record.close(stats, writer.bound, reindexed=writer.reindexed, erased=writer.erased)
    return Committed(total, tuple(failure for _, failure in failed), session.statements)


class _Writer:
    """Writes batches; keeps what was left out and what was counted."""

    def __init__(
        self,
        session: Session,
        found: Fitted,
        changes: ChangeSet,
        bound: dict[str, object],
    ) -> None:
        self.session = session
        self.found = found
        self.shapes = found.writing
        self.refuses = changes.on_stale == "refuse"
        self.skips_faults = changes.on_fault == "skip"
        self.bound = bound
        self.stage = Stage(session)
        self.undoing = Undoing(session, found, self.stage, bound)
        self.failed: list[tuple[Unit, UnitFailure]] = []
        self.stale: set[str] = set()
        self.followed: Counter[str] = Counter()
        self.reindexed = False
        self.erased = False
        self._tables = {table.name: table for table in found.mapping.dependents}

    def write(self, units: Sequence[Unit]) -> None:
        """Write *units* whole; those that are stale or at fault are noted and left out."""
        try:
            with self.session.savepoint() if self._goes_on(units) else nullcontext():
                self.stage.fill(units)
                stale = self._stale(units)
                # After a stale unit, a plan that refuses writes nothing: it only looks for more.
                written = _Written() if stale or self._refused else self._write_staged()
                self.stage.empty()
        except UnitError as e:
            self._halve(units, e)
            return
        self.followed += written.followed
        self.reindexed = self.reindexed or written.reindexed
        self.erased = self.erased or written.erased
        if stale:
            self._note_stale(units, stale)
            self._write_rest(units, stale)

    def _goes_on(self, units: Sequence[Unit]) -> bool:
        """Tell whether others may be written though one of *units* is at fault."""
        return self.skips_faults or len(units) > 1

    def _write_rest(self, units: Sequence[Unit], stale: Container[int]) -> None:
        rest = [unit for unit in units if unit.number not in stale]
        if rest and not self._refused:
            self.write(rest)

    @property
    def _refused(self) -> bool:
        return self.refuses and bool(self.stale)

    def _halve(self, units: Sequence[Unit], fault: UnitError) -> None:
        """Try each half by itself; a unit that is alone with *fault* is left out."""
        if not self.session.connection.in_transaction:
            msg = f"a trigger or constraint ended the whole transaction: {fault}"
            raise StoreError(msg) from fault
        if len(units) == 1:
            if not self.skips_faults:
                msg = f"nothing was written: {fault}"
                raise StoreError(msg) from fault
            self.failed.append((units[0], _failure(units[0], "fault", str(fault))))
            return
        middle = len(units) // 2
        self.write(units[:middle])
        self.write(units[middle:])

    def _note_stale(self, units: Sequence[Unit], stale: dict[int, set[str]]) -> None:
        for unit in units:
            if names := stale.get(unit.number):
                self.stale |= names
                message = _STALE.format(", ".join(sorted(names)))
                self.failed.append((unit, _failure(unit, "stale", message)))

    def _stale(self, units: Sequence[Unit]) -> dict[int, set[str]]:
        """Return the staged units that are stale, by number, with what names the reason."""
        leads: dict[int, set[str]] = {}
        others: dict[int, set[str]] = {}
        broken: list[str] = []
        for number, what, name in (*self._misfits(), *self.undoing.misfits()):
            if what == "broken":
                broken.append(str(name))
                continue
            found = leads if what == "lead" else others
            named = {f"customer:{name}"} if what == "customer" else {str(name)} - {""}
            found.setdefault(cast("int", number), set()).update(named)
        if broken and not leads and not others:
            msg = f"the metadata of customer {min(broken)} is no JSON object"
            raise UnitError(msg)
        by_number = {unit.number: unit for unit in units}
        return {
            number: leads.get(number)
            or set(by_number[number].leads)
            or others[number]
            or {f"customer:{name}" for name in by_number[number].customers}
            or {f"unit {number}"}
            for number in {*leads, *others}
        }

    def _misfits(self) -> list[Row]:
        """Return what is stale, of what is staged at all."""
        patches = self.found.mapping.customer.metadata is not None
        parts = [
            test
            for test, part in _TESTS.items()
            if self.stage.counts[part] and (patches or part not in {"key", "patch"})
        ]
        return self.session.rows(self.shapes.misfits(parts), self.bound) if parts else []

    def _write_staged(self) -> _Written:
        """Write what is staged, set by set."""
        counts = self.stage.counts
        self.undoing.make_room()
        self.undoing.restore()
        if counts["insert"]:
            self._require_no_more()
            self._exactly(counts["insert"], "insert_customers")
            self._run("log_inserts")
        if counts["patch"] and self.shapes.mapping.customer.metadata is not None:
            self._exactly(counts["patch"], "patch_customers")
            self._run("log_patches")
        if counts["link"]:
            self._exactly(counts["link"], "link_leads")
            self._run("log_links")
        if counts["await"]:
            for name in ("log_awaits", "await_leads", "await_no_more"):
                self._run(name)
        followed = Counter({name: self._follow(name) for name in self.stage.named["follow"]})
        self.undoing.move()
        self.undoing.rule()
        self.undoing.retire()
        self.undoing.erase()
        reindexed = counts["record"] + counts["moved"] > 0 and self._reindex()
        self.undoing.forget()
        self.undoing.queue()
        return _Written(+followed, reindexed, erased=reindexed and counts["erase"] > 0)

    def _require_no_more(self) -> None:
        """Object at once where no customer could be inserted at all, not unit by unit."""
        if self.found.required:
            raise MappingError(
                f"{column} is NOT NULL, has no default and is not mapped: give it a default"
                for column in self.found.required
            )

    def _follow(self, name: str) -> int:
        """Let the rows of one dependent take their lead's customer; return how many did."""
        table = self._tables.get(name)
        if table is None:
            msg = f"the store maps no dependent called {name}: make a new plan"
            raise StoreError(msg)
        bound = {**self.bound, "dependent": name}
        logged = self.session.execute(self.shapes.dependent("log_follows", table), bound)
        moved = self.session.execute(self.shapes.dependent("follow_leads", table), bound)
        require(moved.rowcount, logged.rowcount)
        return moved.rowcount

    def _reindex(self) -> bool:
        """Let each staged record hold what is staged for it; tell whether values were claimed."""
        counts = self.stage.counts
        known = counts["record"] - self._run("index_records")
        lost = counts["lost"] = self._run("index_lost") if known else 0
        fresh = self._run("index_claims") if counts["holder"] else 0
        gained = counts["gained"] = self._run("index_gained") if counts["holder"] else 0
        if lost:
            self._run("index_release")
        if gained:
            self._run("index_hold")
        claimed = gained  # a fresh value has this clock already
        if known or gained > fresh or counts["moved"]:
            claimed += self._run("index_versions")
        if lost:
            self._run("index_forget")
        return lost + claimed > 0

    def _run(self, name: str) -> int:
        return self.session.execute(self.shapes.statement(name), self.bound).rowcount

    def _exactly(self, count: int, name: str) -> None:
        require(self._run(name), count)


@attrs.frozen
class _Written:
    """What one batch came to: dependents that followed, by table; whether a holder changed."""

    followed: Counter[str] = attrs.field(factory=Counter)
    reindexed: bool = False
    erased: bool = False


def _failure(unit: Unit, cause: Literal["fault", "stale"], message: str) -> UnitFailure:
    linked = (change.lead_id for change in unit.changes if isinstance(change, Link))
    return UnitFailure(unit.number, tuple(sorted({*unit.leads, *linked})), cause, message)
