"""How far a run came that is written bit by bit: in chunks, or as an open run, without an end.

Values in, values out: what a store does with the row of a run is decided here, for every store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from leadfold.changes import OPEN, Stats, UnitFailure
from leadfold.exceptions import RetryableError, RunExistsError, StoreError
from leadfold.model import JOB

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from leadfold.changes import ChangeSet, Run

__all__ = [
    "STOPPED",
    "UNFINISHED",
    "Counted",
    "Progress",
    "failures_of",
    "gone_on",
    "opened",
    "with_figures",
]

UNFINISHED = "unfinished"
"""The status of a run of which chunks are written and others not yet."""

STOPPED = "stopped"
"""The status of a run that was taken back before it was finished: nobody goes on with it."""

Counted = tuple[str, str, bool, int]
"""Entries of a ledger: of which table and action, with something after or not, and how many."""

_KEY = "progress"
"""The key of `Run.extra` that has the progress of an unfinished run."""


@attrs.frozen
class Progress:
    """How far a run came: *units* of the plan marked *plan* are behind it, with those *stats*.

    *clocks* are the claims of the identity index that it made: to itself it is not stale.
    """

    plan: str = ""
    units: int = 0
    clocks: tuple[int, ...] = ()
    stats: Stats = attrs.field(factory=Stats)

    @classmethod
    def of(cls, run: Run) -> Progress:
        """Return how far *run* came, which is unfinished."""
        told = cast("Mapping[str, Any]", run.extra[_KEY])
        return cls(told["plan"], told["units"], tuple(told["clocks"]), _stats_of(run))

    def closed(self, changes: ChangeSet, stats: Stats, clock: int | None) -> tuple[Run, Stats]:
        """Return the run's row after *changes*, of which *stats* were written, and all its figures.

        *clock* is the claim of the index that they made, or None.
        """
        if changes.open:
            return changes.run, stats
        total = stats if changes.chunk is None else _added(self.stats, stats)
        extra = {**changes.run.extra, **total.extra}
        chunk = changes.chunk
        if chunk is None or chunk.end is None:
            return attrs.evolve(changes.run, stats=total.to_dict(), extra=extra), total
        clocks = self.clocks if clock is None else (*self.clocks, clock)
        extra[_KEY] = {"plan": chunk.plan, "units": chunk.end, "clocks": list(clocks)}
        run = attrs.evolve(changes.run, status=UNFINISHED, stats=total.to_dict(), extra=extra)
        return run, total


def opened(found: Run | None, changes: ChangeSet) -> Progress:
    """Return how far the run of *changes* came, which the store *found*, or did not.

    Raises:
        RunExistsError: the run is finished, was taken back, or is of another plan.
        RetryableError: it went on since these changes were cut from their plan.
    """
    run_id, chunk = changes.run.id, changes.chunk
    if found is None:
        if chunk is None or not chunk.start:
            return Progress()
        msg = f"run {run_id} is not in this store, so that there is nothing to go on with"
        raise StoreError(msg)
    if found.status == STOPPED:
        raise RunExistsError(run_id, "it was taken back before it was finished: make a new plan")
    if found.status == OPEN and changes.open:
        return Progress()
    if found.status != UNFINISHED:
        raise RunExistsError(run_id)
    progress = Progress.of(found)
    if chunk is None or chunk.plan != progress.plan:
        raise RunExistsError(run_id, "it is unfinished, and of another plan: apply that one again")
    if chunk.start != progress.units:
        raise gone_on(found)
    return progress


def gone_on(run: Run) -> RetryableError:
    """Return the error for whoever counts on a *run* that others went on with."""
    if run.status == OPEN:
        return RetryableError(f"run {run.id} went on meanwhile: decide again, or let them pause")
    return RetryableError(
        f"run {run.id} went on meanwhile, somebody applies its plan: try again once they are done"
    )


def with_figures(run: Run, counted: Iterable[Counted]) -> Run:
    """Return *run* as it is read: an open one has the figures of its ledger, *counted*."""
    if run.status != OPEN:
        return run
    found, followed, entries = Counter[str](), Counter[str](), 0
    for table, action, kept, count in counted:
        entries += count
        if action == "follow":
            followed[table] += count if kept else 0
        elif name := _FIGURES.get((action, kept)):
            found[name] += count
    stats = Stats(
        customers_created=found.pop("customersCreated", 0),
        leads_linked=found.pop("leadsLinked", 0),
        jobs_linked=followed[JOB.name],
    )
    told = {**found, "dependentsLinked": dict(sorted((+followed).items())), "entries": entries}
    return attrs.evolve(run, stats=stats.to_dict(), extra={**run.extra, **told})


_FIGURES = {
    ("insert", True): "customersCreated",
    ("link", True): "leadsLinked",
    ("link", False): "leadsUnlinked",
    ("retire", True): "customersRetired",
    ("retire", False): "customersRetired",
}


def failures_of(run: Run) -> tuple[UnitFailure, ...]:
    """Return the units that an unfinished *run* left out so far."""
    errors = cast("Collection[Mapping[str, Any]]", run.stats.get("errors", ()))
    return tuple(
        UnitFailure(each["unit"], tuple(each["leads"]), each["cause"], each["message"])
        for each in errors
        if "cause" in each
    )


def _stats_of(run: Run) -> Stats:
    """Return the figures in the row of an unfinished *run*."""
    told = cast("Mapping[str, Any]", run.stats)
    return Stats(
        customers_created=told["customersCreated"],
        customers_skipped=told["customersSkipped"],
        leads_linked=told["leadsLinked"],
        leads_already_linked=told["leadsAlreadyLinked"],
        jobs_linked=told["jobsLinked"],
        jobs_already_linked=told["jobsAlreadyLinked"],
        errors=tuple(told["errors"]),
        extra={name: value for name, value in run.extra.items() if name != _KEY},
    )


def _added(one: Stats, other: Stats) -> Stats:
    """Return the figures of two chunks together."""
    return Stats(
        customers_created=one.customers_created + other.customers_created,
        customers_skipped=one.customers_skipped + other.customers_skipped,
        leads_linked=one.leads_linked + other.leads_linked,
        leads_already_linked=one.leads_already_linked + other.leads_already_linked,
        jobs_linked=one.jobs_linked + other.jobs_linked,
        jobs_already_linked=one.jobs_already_linked + other.jobs_already_linked,
        errors=(*one.errors, *other.errors),
        extra={
            name: _sum(one.extra.get(name), other.extra.get(name))
            for name in dict.fromkeys([*one.extra, *other.extra])
        },
    )


def _sum(one: object, other: object) -> object:
    """Return two figures together, or two mappings of such; what is no figure is as it was."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {name: _sum(one.get(name), other.get(name)) for name in sorted({*one, *other})}
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return other if one is None else one
