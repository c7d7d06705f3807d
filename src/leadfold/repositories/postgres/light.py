"""A commit of one decision under an open run: two round trips, beside others that do the same.

Steps only. Nothing is put into tables on the way: what is to be written comes as a parameter. The
values that it rests on are claimed in their order, so that who shares one of them waits; then it
is tested as any commit is, and written with the same statements.
"""

from __future__ import annotations

import json
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
from leadfold.repositories.cells import stored_moment
from leadfold.repositories.postgres.leaving import names_by_position
from leadfold.repositories.postgres.marks import Mark
from leadfold.repositories.postgres.recording import begun, entry_of
from leadfold.repositories.postgres.schema import lock_shared
from leadfold.repositories.postgres.staging import Staging
from leadfold.repositories.postgres.steps import together
from leadfold.repositories.postgres.transactions import (
    BRIEFLY,
    HOWEVER_LONG,
    OWN_COMMIT,
    as_was_set,
)
from leadfold.repositories.postgres.undoing import Undoing, require
from leadfold.repositories.records import run_of
from leadfold.repositories.sql import migrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.changes import ChangeSet
    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.steps import Answer, Statement, Steps

__all__ = ["LightCommit", "TooHeavyError", "is_light"]

_LIGHT = (Link, Await, InsertCustomer, PatchCustomer, Follow, Reindex, Carry, Retire, Queue)
_MOST = 2_000  # rows: more of them are better staged
_TESTS = {
    "leads": {"lead"},
    "links": {"link"},
    "customers": {"customer"},
    "follows": {"follow"},
    "patches": {"patch"},
    "retired": {"retire"},
    "holders": {"holder"},
    "erased": {"holder"},
    "records": {"lead", "customer", "link", "record"},
}
"""What is tested, by the parts that it is about."""

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

    *shapes* are those of statements whose stage is bound.
    """

    def __init__(
        self,
        shapes: Shapes,
        changes: ChangeSet,
        tenant: str | None,
        own: str,
        *,
        owned: bool,
    ) -> None:
        self._shapes = shapes
        self._changes = changes
        self._units = list(changes.units)
        self._own = own
        self._whose = tenant or ""
        self._owned = owned
        customers = shapes.mapping.customer
        stored = frozenset(column.name for column in shapes.catalog.stored(customers.table))
        self._staging = Staging(self._units, customers, stored, tenant)
        self._rows = self._staging.rows()
        self._counts = self._staging.counts
        self._require_light()
        self._bound: dict[str, object] = {
            "whose": self._whose,
            "tenant": tenant,
            "own_clocks": [],
            **Mark.read(changes.claims_at).bound,
            "at": stored_moment(changes.run.at),
            "stage": _dumped(self._rows),
        }

    def steps(self, opening: Sequence[Statement]) -> Steps[Committed]:
        """Claim and test in one round trip, write in the next."""
        *_, misfits, state = yield from together(*opening, *self._claims())
        run = yield from self._run(state)
        self._refuse_stale(misfits)
        yield from self._refuse_several()
        followed = yield from self._write(run, cast("list[int]", state.rows[0][2]))
        return Committed(self._changes.outcome((), followed))

    def _require_light(self) -> None:
        """Object where a customer must give up something unique before another takes it."""
        made = self._count("insert") and self._count("retire")
        if made and self._shapes.catalog.unique_fields(self._shapes.mapping):
            raise TooHeavyError

    def _claims(self) -> list[Statement]:
        """Return what locks what the decision rests on, tests it, and looks the run up."""
        found = [lock_shared(self._own, self._whose), self._statement("claim")]
        if self._count("lead") or self._count("link"):
            found.append(self._statement("hold_leads_to_write"))
        if any(map(self._count, ("customer", "patch", "retire"))):
            found.append(self._statement("hold_customers_to_write"))
        told = {"whose": self._whose, "id": self._changes.run.id, "units": len(self._units)}
        return [
            *found,
            self._shapes.misfits_of(self._tests(), self._bound),
            self._shapes.statement("open_state", told),
        ]

    def _tests(self) -> list[str]:
        """Return what can be stale in the decision; of its claims always something can."""
        staged = {part for part, _ in self._counts}
        return [test for test, parts in _TESTS.items() if not staged.isdisjoint(parts)]

    def _run(self, state: Answer) -> Steps[object]:
        """Return the number of the open run, which is begun where there is none."""
        [(migration, fingerprint, _, sequence, *found)] = state.rows
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

    def _refuse_stale(self, misfits: Answer) -> None:
        names = names_by_position(misfits.rows)
        if names:
            found = [each.of(self._units[position]) for position, each in names.items()]
            raise StalePlanError(set[str]().union(*found))
        for _, what, name in misfits.rows:
            if what == "broken":
                msg = f"the metadata of customer {name} is no JSON object"
                raise UnitError(msg)
            msg = "several changes of one lead's rows"
            raise UnitError(msg)

    def _refuse_several(self) -> Steps[None]:
        yield from Undoing(self._shapes, self._counts, self._bound).misfits()

    def _write(self, run: object, numbers: Sequence[int]) -> Steps[Counter[str]]:
        """Write it all; return how many rows of dependents followed, by table."""
        numbered = [{**row, "unit": numbers[cast("int", row["position"])]} for row in self._rows]
        self._bound |= {"run": run, "stage": _dumped(numbered)}
        tables = {table.name: table for table in self._shapes.mapping.dependents}
        names = sorted(str(name) for part, name in self._counts if part == "follow")
        if unknown := [name for name in names if name not in tables]:
            msg = f"the store maps no dependent called {unknown[0]}: make a new plan"
            raise StoreError(msg)
        exact = self._exact()
        follow = [
            self._shapes.dependent("follow_leads", tables[name], {**self._bound, "name": name})
            for name in names
        ]
        written = yield from together(
            *(self._statement(name) for name in exact),
            *follow,
            *self._rest(),
        )
        for answer, count in zip(written, exact.values(), strict=False):
            if count is not None:
                require(answer.count, count)
        yield from self._move_and_retire()
        followed, rest = written[len(exact) :][: len(follow)], written[len(exact) + len(follow) :]
        if self._count("record"):
            yield from self._forget(rest[0])
        return +Counter(dict(zip(names, (answer.count for answer in followed), strict=True)))

    def _exact(self) -> dict[str, int | None]:
        """Return the statements that write what is staged, and how many rows each must write."""
        patches = self._shapes.mapping.customer.metadata is not None
        parts = {"insert": "insert_customers", "link": "link_leads"}
        if patches:
            parts["patch"] = "patch_customers"
        found: dict[str, int | None] = {
            parts[part]: self._count(part)
            for part in ("insert", "patch", "link")
            if part in parts and self._count(part)
        }
        if any(map(self._count, ("insert", "patch", "link", "await"))):
            found["log"] = None
        if self._count("await"):
            found["await_leads"] = None
        return found

    def _rest(self) -> list[Statement]:
        """Return what the index is to hold, the audit entry if there is to be one, and the end.

        Up to that end what is claimed is claimed by this commit, and after it by the next.
        """
        found = [self._statement("reindex")] if self._count("record") else []
        if self._changes.audited:
            entry = entry_of(self._changes, self._changes.outcome((), {}))
            found.append(self._shapes.audit(entry | {"whose": self._whose}))
        if self._count("queue"):
            found.append(self._statement("queue"))
        return found if self._owned else [*found, OWN_COMMIT]

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


def _dumped(rows: Sequence[object]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
