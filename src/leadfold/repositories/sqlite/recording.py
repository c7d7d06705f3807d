"""The rows that say a run took place: itself, the index's state, the audit entry."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.model import utc
from leadfold.progress import STOPPED, Progress, gone_on, opened
from leadfold.repositories.cells import clock_of, dump, stored_moment
from leadfold.repositories.records import read_run, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from leadfold.changes import ChangeSet, Stats
    from leadfold.repositories.sqlite.fitted import Fitted
    from leadfold.repositories.sqlite.session import Session

__all__ = ["Record"]


@attrs.define
class Record:
    """What is written of a run beside its changes; *own* says for whom."""

    session: Session
    found: Fitted
    changes: ChangeSet
    own: str
    _progress: Progress = attrs.field(factory=Progress, init=False)
    _fingerprint: str | None = attrs.field(default=None, init=False)
    _next_unit: int = attrs.field(default=0, init=False)

    def open(self, tenant: str | None) -> dict[str, object]:
        """Start the run, or go on with it; return what every statement of it binds."""
        query = self.found.writing.statement("opening")
        [row] = self.session.rows(query, {"own": self.own, "id": self.changes.run.id})
        sequence, clock, erased_at, fingerprint, next_unit, *found = row
        known = None if sequence is None else run_of(tuple(found))
        self._progress = opened(known, self.changes)
        self._end(tenant)
        self._fingerprint = cast("str | None", fingerprint)
        self._next_unit = cast("int", next_unit)
        return {
            "own": self.own,
            "tenant": tenant,
            "run": self._insert() if known is None else sequence,
            "clock": clock,
            "own_clocks": dump([*self._progress.clocks, clock]),
            "erased_at": erased_at,
            "claims_at": clock_of(self.changes.claims_at),
            "at": stored_moment(self.changes.run.at),
        }

    def _insert(self) -> int | None:
        run = self.changes.run
        row = attrs.asdict(run, recurse=False) | {
            "own": self.own,
            "at": cast("datetime", utc(run.at)).isoformat(),
            "versions": dump(dict(run.versions)),
        }
        return self.session.execute(self.found.writing.statement("open_run"), row).lastrowid

    def numbers(self) -> Iterator[int]:
        """Yield numbers that no unit of the run has yet."""
        return count(self._next_unit)

    def _end(self, tenant: str | None) -> None:
        """Let nobody go on with the run that this one ends, which must be as it was read."""
        ends = self.changes.ends
        if ends is None:
            return
        told = {"own": self.own, "tenant": tenant, "ids": dump([ends.id]), "limit": 1}
        bound = {**told, "action": None, "status": None}
        rows = self.session.rows(self.found.writing.statement("runs"), bound)
        if [read_run(row) for row in rows] != [ends]:
            raise gone_on(ends)
        row = {"status": STOPPED, "stats": dump(dict(ends.stats)), "extra": dump(dict(ends.extra))}
        query = self.found.writing.statement("end_run")
        self.session.execute(query, {**told, **row, "id": ends.id})

    def close(
        self, stats: Stats, bound: Mapping[str, object], *, reindexed: bool, erased: bool
    ) -> Stats:
        """Write the run's figures, what the index was written with, and the audit entry.

        Return the figures of the whole run.
        """
        clock = cast("int", bound["clock"])
        made = clock if reindexed else None
        run, total = self._progress.closed(self.changes, stats, made)
        if not self.changes.open:
            row = {
                "run": bound["run"],
                "status": run.status,
                "stats": dump(dict(run.stats)),
                "extra": dump(dict(run.extra)),
            }
            self.session.execute(self.found.writing.statement("close_run"), row)
        if run.policy or reindexed:
            state = {
                "own": self.own,
                "policy": self.changes.fingerprint(self._fingerprint) or "",
                "now": clock - (not reindexed),
                "erased_at": clock if erased else 0,
            }
            self.session.execute(self.found.writing.statement("note_index_state"), state)
        if self.changes.audited:
            self._audit(total)
        return total

    def _audit(self, stats: Stats) -> None:
        run = self.changes.run
        entry = {
            "own": self.own,
            "id": run.id,
            "actor": run.actor,
            "action": run.action,
            "payload": dump(self.changes.audit_payload(stats)),
            "at": stored_moment(run.at),
        }
        if self.found.mapping.audit is None:
            statement = self.found.writing.statement("own_audit")
        else:
            statement = self.found.writing.audit(with_id=self.found.audit_with_id)
        self.session.execute(statement, entry)
