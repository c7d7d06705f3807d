"""The rows that say a run took place: itself, the index's state, the audit entry. Steps only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from leadfold.model import utc
from leadfold.progress import STOPPED, Progress, gone_on, opened
from leadfold.repositories.cells import dump, stored_moment
from leadfold.repositories.postgres.marks import Mark
from leadfold.repositories.postgres.schema import migrate
from leadfold.repositories.records import read_run, run_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from leadfold.changes import ChangeSet, Run, Stats
    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.steps import Steps

__all__ = ["Record", "begun", "entry_of"]


@attrs.define
class Record:
    """What is written of a run beside its changes; *whose* and *own* say for whom and where."""

    shapes: Shapes
    changes: ChangeSet
    whose: str
    own: str
    _progress: Progress = attrs.field(factory=Progress, init=False)
    _fingerprint: str | None = attrs.field(default=None, init=False)

    def open(self, tenant: str | None) -> Steps[dict[str, object]]:
        """Start the run, or go on with it; return what every statement of it binds."""
        told = begun(self.changes.run, self.whose)
        answer = yield self.shapes.statement("open_run", told)
        [(sequence, clock, now, claimed, fingerprint, migration, *found)] = answer.rows
        self._progress = opened(None if found[0] is None else run_of(tuple(found)), self.changes)
        self._fingerprint = cast("str | None", fingerprint)
        yield from migrate(self.own, done=cast("int", migration))
        yield from self._end()
        mark, now = Mark.read(self.changes.claims_at), Mark.read(str(now))
        return {
            "whose": self.whose,
            "tenant": tenant,
            "run": sequence,
            "clock": clock,
            "own_clocks": list(self._progress.clocks),
            **mark.bound,
            "is_first": not claimed,
            "is_quiet": not claimed or mark == now,
            "at": stored_moment(self.changes.run.at),
        }

    def numbers(self, units: int) -> Steps[list[int]]:
        """Return numbers that no unit of the run has yet, for so many *units*."""
        answer = yield self.shapes.statement("unit_numbers", {"units": units})
        return [cast("int", number) for (number,) in answer.rows]

    def _end(self) -> Steps[None]:
        """Let nobody go on with the run that this one ends, which must be as it was read."""
        ends = self.changes.ends
        if ends is None:
            return
        told = {"whose": self.whose, "ids": [ends.id], "limit": 1, "action": None, "status": None}
        found = yield self.shapes.statement("runs", told)
        if [read_run(row) for row in found.rows] != [ends]:
            raise gone_on(ends)
        row = {"status": STOPPED, "stats": dump(dict(ends.stats)), "extra": dump(dict(ends.extra))}
        yield self.shapes.statement("end_run", {"whose": self.whose, "id": ends.id, **row})

    def close(
        self, stats: Stats, bound: Mapping[str, object], *, reindexed: bool, erased: bool
    ) -> Steps[Stats]:
        """Write the run's figures, what the index was written with, and the audit entry.

        Return the figures of the whole run.
        """
        clock = cast("int", bound["clock"])
        made = clock if reindexed else None
        run, total = self._progress.closed(self.changes, stats, made)
        told = {
            "whose": self.whose,
            "run": None if self.changes.open else bound["run"],
            "status": run.status,
            "stats": dump(dict(run.stats)),
            "extra": dump(dict(run.extra)),
            "policy": self.changes.fingerprint(self._fingerprint) or "",
            "erased_at": clock if erased else 0,
            "marked": bool(run.policy) or reindexed,
        }
        entry = entry_of(self.changes, total)
        yield self.shapes.closing(told | entry, audited=self.changes.audited)
        return total


def begun(run: Run, whose: str) -> dict[str, object]:
    """Return what the row of a *run* that begins holds, and *whose* it is."""
    return attrs.asdict(run, recurse=False) | {
        "whose": whose,
        "at": cast("datetime", utc(run.at)),
        "versions": dump(dict(run.versions)),
    }


def entry_of(changes: ChangeSet, stats: Stats) -> dict[str, object]:
    """Return what the audit entry of *changes* holds, whose figures are *stats*."""
    run = changes.run
    return {
        "id": run.id,
        "actor": run.actor,
        "action": run.action,
        "payload": dump(changes.audit_payload(stats)),
        "at": stored_moment(run.at),
    }
