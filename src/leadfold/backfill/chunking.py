"""A plan cut into chunks of whole units, each a change set of its own. Pure: it writes nothing."""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import Chunk, Stats, figures
from leadfold.model import utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.changes import ChangeSet, Unit

__all__ = ["chunks"]


def chunks(changes: ChangeSet, leads: int | None, done: int = 0) -> Iterator[ChangeSet]:
    """Cut *changes*, of which *done* units are written, into chunks of up to so many *leads*.

    A unit is never cut: one with more leads is a chunk by itself. *leads* None: all in one.
    """
    mark = _mark_of(changes)
    if leads is None:
        yield _part(changes, _From(changes.units, done), Chunk(mark, done, None))
        return
    waiting: list[Unit] = []
    weight = 0
    for unit in _From(changes.units, done):
        more = len(unit.leads) or 1
        if waiting and weight + more > leads:
            end = done + len(waiting)
            yield _part(changes, tuple(waiting), Chunk(mark, done, end))
            waiting, weight, done = [], 0, end
        waiting.append(unit)
        weight += more
    yield _part(changes, tuple(waiting), Chunk(mark, done, None))


@attrs.frozen
class _From:
    """The *units* but the first few; may be walked repeatedly, as they may."""

    units: Iterable[Unit]
    start: int

    def __iter__(self) -> Iterator[Unit]:
        return islice(self.units, self.start, None)


def _part(changes: ChangeSet, units: Iterable[Unit], chunk: Chunk) -> ChangeSet:
    """Return the change set of *units*, with their share of the figures that are expected.

    What the figures say of the plan, and not of what is written, goes with the first chunk.
    """
    whole = changes.expected
    found = figures(change for unit in units for change in unit.changes)
    share = attrs.evolve(
        Stats() if chunk.start else whole,
        customers_created=found["customersCreated"],
        leads_linked=found["leadsLinked"],
    )
    return attrs.evolve(changes, units=units, expected=share, chunk=chunk)


def _mark_of(changes: ChangeSet) -> str:
    """Return what tells a plan from another of the same run id, without walking its units."""
    run, stats = changes.run, changes.expected
    what = (run.action, run.mode, run.actor, run.created_by, str(utc(run.at)), run.policy)
    counts = (stats.customers_created, stats.leads_linked, stats.leads_already_linked)
    told = repr((what, sorted(run.versions.items()), counts, changes.claims_at))
    return blake2b(told.encode(), digest_size=8).hexdigest()
