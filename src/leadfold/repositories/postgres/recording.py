"""The rows that say a run took place: itself, the index's state, the audit entry. Steps only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import RunExistsError
from leadfold.model import utc
from leadfold.repositories.cells import dump, stored_moment
from leadfold.repositories.postgres.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from leadfold.changes import ChangeSet, Stats
    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.steps import Steps

__all__ = ["Record"]


@attrs.frozen
class Record:
    """What is written of a run beside its changes; *whose* and *own* say for whom and where."""

    shapes: Shapes
    changes: ChangeSet
    whose: str
    own: str

    def open(self, tenant: str | None) -> Steps[dict[str, object]]:
        """Start the run; return what every statement of it binds."""
        run = self.changes.run
        told = attrs.asdict(run, recurse=False) | {
            "whose": self.whose,
            "at": cast("datetime", utc(run.at)),
            "versions": dump(dict(run.versions)),
        }
        answer = yield self.shapes.statement("open_run", told)
        [(sequence, clock, erased_at, migration)] = answer.rows
        if sequence is None:
            raise RunExistsError(run.id)
        yield from migrate(self.own, done=cast("int", migration))
        return {
            "whose": self.whose,
            "tenant": tenant,
            "run": sequence,
            "clock": clock,
            "erased_at": erased_at,
            "claims_at": self.changes.claims_at,
            "at": stored_moment(run.at),
        }

    def close(
        self, stats: Stats, bound: Mapping[str, object], *, reindexed: bool, erased: bool
    ) -> Steps[None]:
        """Write the run's figures, what the index was written with, and the audit entry."""
        run = self.changes.run
        clock = cast("int", bound["clock"])
        told = {
            "whose": self.whose,
            "run": bound["run"],
            "stats": dump(stats.to_dict()),
            "extra": dump({**run.extra, **stats.extra}),
            "policy": run.policy,
            "now": clock - (not reindexed),
            "erased_at": clock if erased else 0,
            "marked": bool(run.policy) or reindexed,
        }
        entry = {
            "id": run.id,
            "actor": run.actor,
            "action": run.action,
            "payload": dump(self.changes.audit_payload(stats)),
            "at": stored_moment(run.at),
        }
        yield self.shapes.closing(told | entry)
