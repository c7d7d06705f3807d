"""A commit in PostgreSQL: a run staged by one COPY, tested and written set by set.

Steps only: they run nothing themselves, and decide nothing. What has a data fault is undone and
tried again in halves, until the units at fault stand alone: these are left out, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.changes import Committed
from leadfold.exceptions import MappingError, StalePlanError, StoreError, UnitError
from leadfold.repositories.postgres.composing import fixed, quoted
from leadfold.repositories.postgres.copying import NULL
from leadfold.repositories.postgres.faults import GivenWayError
from leadfold.repositories.postgres.leaving import (
    STALE,
    StaleFoundError,
    failure_of,
    names_by_position,
)
from leadfold.repositories.postgres.recording import Record
from leadfold.repositories.postgres.staging import Staging, described
from leadfold.repositories.postgres.steps import CopyIn, Statement
from leadfold.repositories.postgres.transactions import CHECKED, in_savepoint
from leadfold.repositories.postgres.undoing import Undoing, require
from leadfold.repositories.sql import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.changes import ChangeSet, Unit
    from leadfold.repositories.postgres.leaving import Names
    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.staging import Counts
    from leadfold.repositories.postgres.steps import Steps

__all__ = ["commit"]

_PARTS = [
    f"pg_temp.leadfold_stage_{part} (position, part, id, name)"
    for part in ("link", "insert", "follow", "record", "holder", "rest")
]
_ANALYZE = Statement(fixed(f"ANALYZE {', '.join(_PARTS)}"))
_RETRIES = 10  # of what gave way to other transactions: each may stand in the way once and again
_SHORT = "the store linked fewer leads than it was given"
_DROP = Statement(fixed("DROP TABLE pg_temp.leadfold_stage"))


def commit(
    shapes: Shapes, changes: ChangeSet, tenant: str | None, own: str, *, owned: bool
) -> Steps[Committed]:
    """Write *changes* inside the transaction that is open; whatever raises, it is undone."""
    record = Record(shapes, changes, tenant or "", own)
    bound = yield from record.open(tenant)
    yield Statement(fixed(read("postgres/staging.sql")))
    customers = shapes.mapping.customer
    stored = frozenset(column.name for column in shapes.catalog.stored(customers.table))
    if changes.open:
        units = list(changes.units)
        numbers = yield from record.numbers(len(units))
        changes = attrs.evolve(changes, units=units).numbered(numbers)
    staging = Staging(changes.units, customers, stored, tenant)
    yield CopyIn(shapes.text("copy", null=quoted(NULL)), staging.blocks())
    yield _ANALYZE
    writer = _Writer(shapes, changes, bound, staging, owned)
    yield from writer.write_all()
    if writer.stale and changes.on_stale == "refuse":
        raise StalePlanError(writer.stale)
    if not owned:
        yield _DROP
    failed = sorted(writer.failed, key=lambda each: each[0].number)
    stats = changes.outcome(failed, writer.followed)
    total = yield from record.close(stats, bound, reindexed=writer.reindexed, erased=writer.erased)
    return Committed(total, tuple(failure for _, failure in failed))


class _ShortError(Exception):
    """Fewer leads were linked than staged: some changed since they were read, or a trigger hid."""


class _Writer:
    """Writes what is staged; keeps what was left out and what was counted."""

    def __init__(
        self,
        shapes: Shapes,
        changes: ChangeSet,
        bound: dict[str, object],
        staging: Staging,
        owned: bool,  # noqa: FBT001 - one of five facts about the commit
    ) -> None:
        self.shapes = shapes
        self.bound = bound
        self.failed = [
            (unit, failure_of(unit, "fault", message)) for unit, message in staging.faulty
        ]
        self.stale: set[str] = set()
        self.followed: Counter[str] = Counter()
        self.reindexed = False
        self.erased = False
        self._refuses = changes.on_stale == "refuse"
        self._skips_faults = changes.on_fault == "skip"
        self._staging = staging
        self._whole = True
        self._retries = _RETRIES if owned else 0
        if staging.faulty:
            self._require_skipping(staging.faulty[0][1])

    def write_all(self) -> Steps[None]:
        """Write every unit that is staged."""
        if self._staging.size:
            yield from self._write(0, self._staging.size)

    def _write(self, low: int, high: int) -> Steps[None]:
        """Write the units from *low* to below *high*; those stale or at fault are left out."""
        while True:
            bound = {**self.bound, "low": low, "high": high}
            try:
                if self._refused:
                    yield from self._look_for_stale(bound)
                    return
                attempt = self._attempt(bound)
                written = yield from in_savepoint("leadfold_units", attempt, ends=(CHECKED,))
            except StaleFoundError as e:
                yield from self._leave_out(e.names)
            except _ShortError:
                if not (yield from self._explained_short(bound)):
                    yield from self._halve(low, high, UnitError(_SHORT))
                    return
            except GivenWayError:
                if not self._retries:
                    raise
                self._retries -= 1
            except UnitError as e:
                yield from self._halve(low, high, e)
                return
            else:
                self.followed += written.followed
                self.reindexed = self.reindexed or written.reindexed
                self.erased = self.erased or written.erased
                return

    @property
    def _refused(self) -> bool:
        return self._refuses and bool(self.stale)

    def _explained_short(self, bound: dict[str, object]) -> Steps[bool]:
        """Leave out the units whose leads changed; tell whether there were any."""
        try:
            yield from self._look_for_stale(bound)
        except StaleFoundError as e:
            yield from self._leave_out(e.names)
            return True
        return False

    def _halve(self, low: int, high: int, fault: UnitError) -> Steps[None]:
        """Try each half by itself; a unit that is alone with *fault* is left out."""
        self._whole = False
        if high - low > 1:
            middle = (low + high) // 2
            yield from self._write(low, middle)
            yield from self._write(middle, high)
            return
        self._require_skipping(str(fault))
        units = yield from self._described([low])
        self.failed += [(unit, failure_of(unit, "fault", str(fault))) for unit in units.values()]

    def _require_skipping(self, fault: str) -> None:
        if not self._skips_faults:
            msg = f"nothing was written: {fault}"
            raise StoreError(msg)

    def _described(self, positions: Iterable[int]) -> Steps[dict[int, Unit]]:
        answer = yield self.shapes.statement("described", {"positions": sorted(positions)})
        return described(answer.rows)

    def _leave_out(self, names: dict[int, Names]) -> Steps[None]:
        """Note stale units, and take them off the stage."""
        self._whole = False
        units = yield from self._described(names)
        for position, unit in sorted(units.items()):
            found = names[position].of(unit)
            self.stale |= found
            message = STALE.format(", ".join(sorted(found)))
            self.failed.append((unit, failure_of(unit, "stale", message)))
        yield self.shapes.statement("leave_out", {"positions": sorted(names)})

    def _look_for_stale(self, bound: dict[str, object], *, links: bool = True) -> Steps[None]:
        """Raise what is stale; without *links* by all but them: writing these tests them itself."""
        answer = yield self.shapes.misfits(bound, claims=not bound["is_quiet"], links=links)
        counts = yield from self._counted(bound)
        further = yield from Undoing(self.shapes, counts, bound).misfits()
        rows = [*answer.rows, *further]
        names = names_by_position(rows)
        if names and not links:
            yield from self._look_for_stale(bound)
        if names:
            raise StaleFoundError(names)
        if any(what == "again" for _, what, _ in rows):
            msg = "several changes of one lead's rows"
            raise UnitError(msg)
        if broken := sorted(str(name) for _, what, name in rows if what == "broken"):
            msg = f"the metadata of customer {broken[0]} is no JSON object"
            raise UnitError(msg)

    def _counted(self, bound: dict[str, object]) -> Steps[Counts]:
        """Return how many rows are staged where *bound* says."""
        if self._whole:
            return self._staging.counts
        answer = yield self.shapes.statement("counts", bound)
        return Counter(
            {(str(part), cast("str | None", name)): cast("int", n) for part, name, n in answer.rows}
        )

    def _attempt(self, bound: dict[str, object]) -> Steps[_Written]:
        counts = yield from self._counted(bound)
        yield from self._hold(bound, counts)
        yield from self._look_for_stale(bound, links=False)
        return (yield from self._write_staged(bound, counts))

    def _hold(self, bound: dict[str, object], counts: Counts) -> Steps[None]:
        """Keep others from editing what is only read: what is true now must be so at the end."""
        for part, name in (("lead", "hold_leads"), ("customer", "hold_customers")):
            if counts[part, None]:
                yield self.shapes.statement(name, bound)

    def _write_staged(self, bound: dict[str, object], counts: Counts) -> Steps[_Written]:
        """Write what is staged, set by set."""
        undoing = Undoing(self.shapes, counts, bound)
        kept = yield from undoing.make_room()
        yield from undoing.restore()
        if inserts := counts["insert", None]:
            self._require_no_more()
            yield from self._exactly(inserts, "insert_customers", bound)
        if (patches := counts["patch", None]) and self.shapes.patches:
            yield from self._exactly(patches, "patch_customers", bound)
        if links := counts["link", None]:
            answer = yield self.shapes.statement("link_leads", bound)
            if answer.count != links:
                raise _ShortError
        yield from undoing.rule()
        if any(part in _LOGGED for part, _ in counts):
            yield self.shapes.statement("log", bound)
        if any(part == "await" for part, _ in counts):
            yield self.shapes.statement("expire_leads", bound)
            yield self.shapes.statement("await_leads", bound)
        followed = yield from self._follow(bound, counts)
        yield from undoing.move()
        yield from undoing.retire(kept)
        yield from undoing.erase()
        reindexed = False
        if counts["record", None] or counts["link", None]:
            reindexed = yield from self._reindex(bound)
        yield from undoing.forget()
        yield from undoing.queue()
        erased = reindexed and counts["erase", None] > 0
        return _Written(followed, reindexed, erased=erased)

    def _require_no_more(self) -> None:
        """Object at once where no customer could be inserted at all, not unit by unit."""
        if required := self.shapes.catalog.required(self.shapes.mapping):
            raise MappingError(
                f"{column} is NOT NULL, has no default and is not mapped: give it a default"
                for column in required
            )

    def _follow(self, bound: dict[str, object], counts: Counts) -> Steps[Counter[str]]:
        """Let the rows of dependents take their lead's customer; return how many did, by table."""
        names = sorted(str(name) for part, name in counts if part == "follow")
        tables = {table.name: table for table in self.shapes.mapping.dependents}
        followed: Counter[str] = Counter()
        for name in names:
            if name not in tables:
                msg = f"the store maps no dependent called {name}: make a new plan"
                raise StoreError(msg)
            told = {**bound, "name": name}
            answer = yield self.shapes.dependent("follow_leads", tables[name], told)
            followed[name] = answer.count
        return +followed

    def _reindex(self, bound: dict[str, object]) -> Steps[bool]:
        """Let each staged record hold what is staged for it; tell whether values were claimed."""
        first = self._whole and bound["is_first"]
        answer = yield self.shapes.statement("index_first" if first else "reindex", bound)
        [(claimed, lost, _)] = cast("Sequence[tuple[int, int, None]]", answer.rows)
        if lost:
            yield self.shapes.statement("index_forget", bound)
        return claimed + lost > 0

    def _exactly(self, count: int, name: str, bound: dict[str, object]) -> Steps[None]:
        answer = yield self.shapes.statement(name, bound)
        require(answer.count, count)


_LOGGED = {"insert", "link", "await", "patch", "restore", "rule"}


@attrs.frozen
class _Written:
    """What some units came to: dependents that followed, by table; whether a holder changed."""

    followed: Counter[str]
    reindexed: bool
    erased: bool
