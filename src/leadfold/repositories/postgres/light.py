"""A commit of one decision under an open run: two round trips, beside others that do the same.

Steps only. Nothing is put into tables on the way: what is to be written comes as a parameter. The
values that it rests on are claimed in their order, so that who shares one of them waits; then it
is tested as any commit is, and written with the same statements.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from leadfold.changes import (
    Await,
    Carry,
    Committed,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Queue,
    Reindex,
    Retire,
)
from leadfold.exceptions import BusyError, RunExistsError, StalePlanError, StoreError, UnitError
from leadfold.progress import opened
from leadfold.repositories.cells import dump, stored_moment
from leadfold.repositories.postgres.columns import cells_of
from leadfold.repositories.postgres.leaving import names_by_position
from leadfold.repositories.postgres.marks import Mark
from leadfold.repositories.postgres.recording import begun, entry_of
from leadfold.repositories.postgres.schema import lock_shared
from leadfold.repositories.postgres.staging import Staging
from leadfold.repositories.postgres.steps import together
from leadfold.repositories.postgres.transactions import (
    BRIEFLY,
    HOWEVER_LONG,
    as_was_set,
)
from leadfold.repositories.postgres.undoing import Undoing, require
from leadfold.repositories.records import run_of
from leadfold.repositories.sql import migrations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.changes import ChangeSet
    from leadfold.repositories.mapping import DependentTable
    from leadfold.repositories.postgres.at_once import AtOnce
    from leadfold.repositories.postgres.steps import Answer, Row, Statement, Steps

__all__ = ["LightCommit", "TooHeavyError", "is_light"]

_LIGHT = (Link, Await, InsertCustomer, PatchCustomer, Follow, Reindex, Carry, Retire, Queue)
_MOST = 2_000  # rows: more of them are better staged
_HOLDS = {
    "hold_leads_to_write": {"lead", "link"},
    "hold_customers_to_write": {"customer", "patch", "retire"},
}
_TESTS = {
    "misfit_leads": {"lead"},
    "misfit_links": {"link"},
    "misfit_customers": {"customer"},
    "misfit_follows": {"follow"},
    "misfit_patches": {"patch"},
    "misfit_retired": {"retire"},
    "misfit_holders": {"holder"},
    "misfit_erased": {"holder"},
    "misfit_records": {"lead", "customer", "link", "record"},
}
_WRITES = {"insert_customers": {"insert"}, "patch_customers": {"patch"}, "link_leads": {"link"}}
"""What the user's rows are written with: so many rows as are staged."""
_NOTES = {
    "log": {"insert", "patch", "link", "await"},
    "expire_leads": {"await"},
    "await_leads": {"await"},
    "reindex": {"record", "link"},
}
"""What leadfold's own rows are written with, all at once."""

_PATCHING = {"misfit_patches", "patch_customers"}
"""What there is only where customers have metadata."""

_LAST = max(number for number, _, _ in migrations("postgres"))


class TooHeavyError(Exception):
    """This commit needs the store to itself: tables to be made, more than a decision to write."""


def is_light(changes: ChangeSet) -> bool:
    """Tell whether *changes*, whose units can be walked again, are a decision and no more."""
    if not changes.open or changes.on_fault != "refuse" or changes.on_stale != "refuse":
        return False
    written = [change for unit in changes.units for change in unit.changes]
    rows = len(written) + sum(len(unit.leads) + len(unit.customers) for unit in changes.units)
    return rows <= _MOST and all(isinstance(change, _LIGHT) for change in written)


class LightCommit:
    """Writes *changes* of a few units in a transaction that *opening* begins.

    What it says *at_once* brings with it what is written.
    """

    def __init__(
        self,
        at_once: AtOnce,
        changes: ChangeSet,
        tenant: str | None,
        own: str,
        *,
        owned: bool,
    ) -> None:
        self._at_once = at_once
        self._shapes = shapes = at_once.shapes
        self._changes = changes
        self._units = list(changes.units)
        self._own = own
        self._whose = tenant or ""
        self._owned = owned
        customers = shapes.mapping.customer
        stored = frozenset(column.name for column in shapes.catalog.stored(customers.table))
        staging = Staging(self._units, customers, stored, tenant)
        rows = staging.rows()
        self._counts = staging.counts
        self._require_light()
        self._bound: dict[str, object] = {
            "whose": self._whose,
            "tenant": tenant,
            "own_clocks": [],
            **Mark.read(changes.claims_at).bound,
            "at": stored_moment(changes.run.at),
            "stage": dump(rows),
            "numbers": [],
        }

    def steps(self, opening: Sequence[Statement]) -> Steps[Committed]:
        """Claim and test in one round trip, write in the next."""
        *_, tested = yield from together(*opening, *self._claims())
        [(_, _, state), *misfits] = tested.rows
        [(migration, fingerprint, numbers, *found)] = cells_of([state])
        run = yield from self._run(migration, fingerprint, found)
        self._refuse_stale(misfits)
        yield from self._refuse_several()
        followed = yield from self._write(run, cast("list[int]", numbers))
        return Committed(self._changes.outcome((), followed))

    def _require_light(self) -> None:
        """Object where a customer must give up something unique before another takes it."""
        made = self._count("insert") and self._count("retire")
        if made and self._shapes.catalog.unique_fields(self._shapes.mapping):
            raise TooHeavyError

    def _claims(self) -> list[Statement]:
        """Return what locks what the decision rests on, and then looks the run up and tests it."""
        at_once = self._at_once
        holds, tests = self._parts(_HOLDS), ("open_state", *self._parts(_TESTS))
        told = {"id": self._changes.run.id, "units": len(self._units)}
        return [
            lock_shared(self._own, self._whose),
            at_once.written(("claim",), self._bound),
            *([at_once.told(holds, self._bound)] if holds else []),
            at_once.told(tests, self._bound | told),
        ]

    def _parts(self, statements: Mapping[str, set[str]]) -> tuple[str, ...]:
        """Return those of *statements* that are about something that is staged."""
        staged = {part for part, _ in self._counts}
        left_out = set() if self._shapes.patches else _PATCHING
        found = (name for name, parts in statements.items() if not staged.isdisjoint(parts))
        return tuple(name for name in found if name not in left_out)

    def _run(self, migration: object, fingerprint: object, run: Sequence[object]) -> Steps[object]:
        """Return the number of the open run, which is begun where there is none."""
        sequence, *found = run
        if migration != _LAST or not fingerprint:
            raise TooHeavyError
        self._changes.fingerprint(str(fingerprint))
        if sequence is None:
            sequence, *found = yield from self._begun()
        opened(run_of(tuple(found)), self._changes)
        return sequence

    def _begun(self) -> Steps[Sequence[object]]:
        """Begin the run; where another transaction does so and stays open, nobody waits for it."""
        told = begun(self._changes.run, self._whose)
        begin = self._shapes.statement("begin_run", told)
        known = self._shapes.statement("known_run", told)
        try:
            *_, answer, _ = yield from together(BRIEFLY, begin, known, HOWEVER_LONG)
        except BusyError as e:
            run = self._changes.run.id
            raise RunExistsError(run, "a transaction that is still open begins it") from e
        return answer.rows[0]

    def _refuse_stale(self, misfits: Sequence[Row]) -> None:
        names = names_by_position(misfits)
        if names:
            found = [each.of(self._units[position]) for position, each in names.items()]
            raise StalePlanError(set[str]().union(*found))
        for _, what, name in misfits:
            if what == "broken":
                msg = f"the metadata of customer {name} is no JSON object"
                raise UnitError(msg)
            msg = "several changes of one lead's rows"
            raise UnitError(msg)

    def _refuse_several(self) -> Steps[None]:
        yield from Undoing(self._shapes, self._counts, self._bound).misfits()

    def _write(self, run: object, numbers: Sequence[int]) -> Steps[Counter[str]]:
        """Write it all; return how many rows of dependents followed, by table."""
        self._bound |= {"run": run, "numbers": numbers}
        tables = {table.name: table for table in self._shapes.mapping.dependents}
        names = sorted(str(name) for part, name in self._counts if part == "follow")
        if unknown := [name for name in names if name not in tables]:
            msg = f"the store maps no dependent called {unknown[0]}: make a new plan"
            raise StoreError(msg)
        writes, notes = self._parts(_WRITES), self._parts(_NOTES)
        written = yield from together(
            *map(self._statement, writes),
            *([self._at_once.written(notes, self._bound)] if notes else []),
            *(self._following(tables[name]) for name in names),
            *self._rest(),
        )
        answers = iter(written)
        for name in writes:
            require(next(answers).count, sum(map(self._count, _WRITES[name])))
        reindexed = [next(answers)] if notes else []
        followed = Counter({name: next(answers).count for name in names})
        yield from self._move_and_retire()
        if "reindex" in notes:
            yield from self._forget(*reindexed)
        return +followed

    def _following(self, table: DependentTable) -> Statement:
        bound = {**self._bound, "name": table.name}
        return self._shapes.dependent("follow_leads", table, bound)

    def _rest(self) -> list[Statement]:
        """Return what puts leads on the queue, and the audit entry if there is to be one."""
        found = [self._statement("queue")] if self._count("queue") else []
        if self._changes.audited:
            entry = entry_of(self._changes, self._changes.outcome((), {}))
            found.append(self._shapes.audit(entry | {"whose": self._whose}))
        return found

    def _move_and_retire(self) -> Steps[None]:
        undoing = Undoing(self._shapes, self._counts, self._bound)
        yield from undoing.move()
        if self._count("retire"):
            retire = undoing.retire(())
            yield from retire if self._owned else as_was_set(retire)

    def _forget(self, reindexed: Answer) -> Steps[None]:
        """Let values that nobody holds any more have no claim."""
        [(_, lost, values)] = reindexed.rows
        if lost:
            yield self._shapes.statement("index_forget", {**self._bound, "stage": values})

    def _statement(self, name: str) -> Statement:
        return self._shapes.statement(name, self._bound)

    def _count(self, part: str) -> int:
        return sum(count for (each, _), count in self._counts.items() if each == part)
