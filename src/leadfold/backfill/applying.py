"""Writing a finished plan. Imports neither grouping nor normalizing: it cannot decide anything."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.chunking import chunks
from leadfold.backfill.showing import report_sheet
from leadfold.changes import Stats
from leadfold.errands import look, write
from leadfold.exceptions import RunExistsError, StalePlanError, StoreError
from leadfold.progress import UNFINISHED, Progress, failures_of
from leadfold.sheets import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.asking import Asks
    from leadfold.changes import ChangeSet, Run, Unit, UnitFailure
    from leadfold.errands import Errand
    from leadfold.reporter import Reporter
    from leadfold.sheets import Names, Sheet

__all__ = ["Report", "applying", "applying_in_chunks"]

_NOT_OURS = (
    "chunk= makes transactions of its own, and this repository works in one of the caller's: give "
    "the repository a path, a DSN or a pool, or apply the plan without chunk="
)


@attrs.frozen
class Report(Shown):
    """What a run wrote.

    *stats* are its figures, *failures* the units left out, *statements* how many the store took.
    """

    run_id: str
    stats: Stats
    failures: tuple[UnitFailure, ...]
    statements: int

    @property
    def outcome(self) -> str:
        """Return ``done``, or ``partial`` where units were left out."""
        return "partial" if self.failures else "done"

    def sheet(self, names: Names) -> Sheet:
        """Return the figures, and the units left out; a report names leads by id alone."""
        del names
        return report_sheet(self.run_id, self.stats, self.failures, self.statements)

    def and_then(self, chunk: Report) -> Report:
        """Return the report of a run that wrote one *chunk* more; its figures are the run's."""
        return attrs.evolve(
            chunk,
            failures=(*self.failures, *chunk.failures),
            statements=self.statements + chunk.statements,
        )


def applying(changes: ChangeSet, reporter: Reporter) -> Errand[Report]:
    """Commit *changes*, letting *reporter* hear of each unit as it is sent."""
    heard = attrs.evolve(changes, units=_heard(changes.units, reporter))
    committed = yield from write(heard)
    return Report(changes.run.id, committed.stats, committed.failures, committed.statements)


def applying_in_chunks(changes: ChangeSet, reporter: Reporter, leads: int | None) -> Errand[Report]:
    """Commit *changes* in chunks of up to so many *leads*, from where an unfinished run stands.

    Raises:
        StoreError: the transactions of the repository are not its own.
    """
    if leads is None:  # most often all of it is still to be done: nobody is asked first
        try:
            return (yield from applying(changes, reporter))
        except RunExistsError:
            begun = yield from look(_begun(changes.run.id))
            if begun is None:
                raise
    else:
        begun = yield from look(_begun_here(changes.run.id))
    report = Report(changes.run.id, Stats(), failures_of(begun) if begun else (), 0)
    for part in chunks(changes, leads, Progress.of(begun).units if begun else 0):
        with _unfinished(part):
            report = report.and_then((yield from applying(part, reporter)))
    return report


def _begun_here(run_id: str) -> Asks[Run | None]:
    """Return the run of that id where it is unfinished; object where chunks cannot be."""
    if not (yield from asking.facts()).owns_transaction:
        raise StoreError(_NOT_OURS)
    return (yield from _begun(run_id))


def _begun(run_id: str) -> Asks[Run | None]:
    """Return the run of that id where it is unfinished."""
    found = yield from asking.runs(1, ids=[run_id])
    return found[0] if found and found[0].status == UNFINISHED else None


@contextmanager
def _unfinished(part: ChangeSet) -> Iterator[None]:
    """Let what fails after chunks that stay say so, and how to go on."""
    written = part.chunk is not None and part.chunk.start > 0
    try:
        yield
    except StalePlanError as e:
        if not written:
            raise
        raise StalePlanError(e.lead_ids, part.run.id) from e
    except RunExistsError:
        raise
    except BaseException as e:
        if written:
            e.add_note(
                f"run {part.run.id} is unfinished, the chunks before stay: apply the same plan "
                "again to go on, or roll the run back"
            )
        raise


def _heard(units: Iterable[Unit], reporter: Reporter) -> Iterator[Unit]:
    for unit in units:
        reporter.unit_sent(unit)
        yield unit
