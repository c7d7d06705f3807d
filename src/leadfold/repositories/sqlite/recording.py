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
    from leadfold.repositories.sqlite.session import Session
    from leadfold.repositories.sqlite.shapes import Shapes

__all__ = ["Record"]


@attrs.define
class Record:
    """What is written of a run beside its changes; *own* says for whom."""

    session: Session
    shapes: Shapes
    changes: ChangeSet
    own: str
    audit_with_id: bool
    _progress: Progress = attrs.field(factory=Progress, init=False)
    _fingerprint: str | None = attrs.field(default=None, init=False)

    def open(self, tenant: str | None) -> dict[str, object]:
        """Start the run, or go on with it; return what every statement of it binds."""
        known = {"own": self.own, "id": self.changes.run.id}
        found = self.session.rows(self.shapes.statement("known_run"), known)
        self._progress = opened(run_of(found[0][1:]) if found else None, self.changes)
        self._end(tenant)
        query = self.shapes.statement("clock")
        [(clock, erased_at, fingerprint)] = self.session.rows(query, {"own": self.own})
        self._fingerprint = cast("str | None", fingerprint)
        return {
            "own": self.own,
            "tenant": tenant,
            "run": found[0][0] if found else self._insert(),
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
        return self.session.execute(self.shapes.statement("open_run"), row).lastrowid

    def numbers(self) -> Iterator[int]:
        """Yield numbers that no unit of the run has yet."""
        known = {"own": self.own, "id": self.changes.run.id}
        [(first,)] = self.session.rows(self.shapes.statement("next_unit"), known)
        return count(cast("int", first))

    def _end(self, tenant: str | None) -> None:
        """Let nobody go on with the run that this one ends, which must be as it was read."""
        ends = self.changes.ends
        if ends is None:
            return
        told = {"own": self.own, "tenant": tenant, "ids": dump([ends.id]), "limit": 1}
        bound = {**told, "action": None, "status": None}
        rows = self.session.rows(self.shapes.statement("runs"), bound)
        if [read_run(row) for row in rows] != [ends]:
            raise gone_on(ends)
        row = {"status": STOPPED, "stats": dump(dict(ends.stats)), "extra": dump(dict(ends.extra))}
        self.session.execute(self.shapes.statement("end_run"), {**told, **row, "id": ends.id})

    def close(
        self, stats: Stats, bound: Mapping[str, object], *, reindexed: bool, erased: bool
    ) -> Stats:
        """Write the run's figures, what the index was written with, and the audit entry.

        Return the figures of the whole run.
        """
        clock = cast("int", bound["clock"])
        made = clock if reindexed else None
        run, total = self._progress.closed(self.changes, stats, made)
        row = {
            "run": bound["run"],
            "status": run.status,
            "stats": dump(dict(run.stats)),
            "extra": dump(dict(run.extra)),
        }
        if not self.changes.open:
            self.session.execute(self.shapes.statement("close_run"), row)
        if run.policy or reindexed:
            state = {
                "own": self.own,
                "policy": self.changes.fingerprint(self._fingerprint) or "",
                "now": clock - (not reindexed),
                "erased_at": clock if erased else 0,
            }
            self.session.execute(self.shapes.statement("index_state"), state)
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
        if self.shapes.mapping.audit is None:
            statement = self.shapes.statement("own_audit")
        else:
            statement = self.shapes.audit(with_id=self.audit_with_id)
        self.session.execute(statement, entry)
