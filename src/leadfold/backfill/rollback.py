"""What a rollback would do: a value to print and check, and why it may be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.backfill.showing import figures_of, lines_table
from leadfold.changes import OPEN, ChangeSet, timestamp
from leadfold.exceptions import NothingToUndo, RollbackRefusedError
from leadfold.progress import UNFINISHED
from leadfold.sheets import Note, Sheet, Shown, table

if TYPE_CHECKING:
    from leadfold.changes import OnStale, Run, Stats, Unit
    from leadfold.sheets import Names

__all__ = ["Blocker", "Later", "RollbackPlan"]

Later = Literal["refuse", "keep"]
"""What becomes of units that something was built on since: the whole rollback is refused, or
they keep what was built and lose only the links of the run."""


@attrs.frozen
class Blocker:
    """One row of a unit that is not as the run left it; *run_id* is the later run, if one did it.

    *table* and *row* are as in the ledger.
    """

    unit: int
    table: str
    row: str
    problem: str
    run_id: str | None = None

    def __str__(self) -> str:
        return f"unit {self.unit}: {self.table} {self.row} {self.problem}"


@attrs.frozen
class RollbackPlan(Shown):
    """What taking *undoes* back would write, unit by unit. Nothing is written until it is applied.

    *blockers* are what was built on the run since, *notes* what cannot be restored. *whole*
    counts the units that are undone whole, *kept* those of which only links are taken back.
    """

    run: Run
    undoes: Run
    units: tuple[Unit, ...] = attrs.field(repr=False)
    stats: Stats
    whole: int = 0
    kept: int = 0
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse the plan where it must not or need not be applied.

        Raises:
            RollbackRefusedError: something was built on the run; its ``blockers`` say what.
            NothingToUndo: no unit of it would change anything.
        """
        if self.blockers and self.run.mode == "refuse":
            raise RollbackRefusedError(self.undoes.id, self.blockers)
        if not self.units:
            raise NothingToUndo(self.undoes.id)

    def sheet(self, names: Names) -> Sheet:
        """Return what is taken back, what is in the way, and what cannot come back."""
        del names  # it names rows by id alone
        refused = self.blockers and self.run.mode == "refuse"
        return Sheet(
            "Rollback plan",
            f"of {self.undoes.action}, run {self.undoes.id}, {timestamp(self.undoes.at)}",
            (
                Note("It is refused: rows were built upon since", "bad")
                if refused
                else Note("Nothing is written until it is applied"),
                figures_of(self.stats, units_undone=self.whole, units_kept=self.kept),
                *table(
                    "Built upon since",
                    ("unit", "table", "row", "problem", "by run"),
                    self.blockers,
                    lambda each: (each.unit, each.table, each.row, each.problem, each.run_id),
                ),
                *lines_table("Notes", self.notes),
            ),
        )

    @property
    def stage(self) -> tuple[int, int, str]:
        """Return what a reporter hears when it is applied: the stage, of how many, and its name."""
        return 1, 1, "Putting back what was"

    def changes(self, on_stale: OnStale = "refuse") -> ChangeSet:
        """Return what `Repository.commit` takes; raise what `check` raises."""
        self.check()
        ends = self.undoes if self.undoes.status in {UNFINISHED, OPEN} else None
        return ChangeSet(self.run, self.units, self.stats, on_stale=on_stale, ends=ends)
