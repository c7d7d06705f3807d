"""The queue, settled: leads that wait are decided again, those that wait longest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from leadfold import asking
from leadfold.backfill.waiting import is_gone
from leadfold.changes import ChangeSet, Queue
from leadfold.errands import look
from leadfold.resolving.closure import TooLargeError
from leadfold.resolving.deciding import Decision
from leadfold.resolving.errands import Found, decided, forgotten, settled
from leadfold.resolving.queueing import REASON

if TYPE_CHECKING:
    from leadfold.asking import Asks
    from leadfold.errands import Errand
    from leadfold.repository import Queued
    from leadfold.resolving.errands import Settings

__all__ = ["draining"]

_UNSETTLED = {"queued", "busy"}

NO_ROW = "it has no row yet"
UNREADABLE = "its row cannot be read"


def draining(limit: int | None, settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide the leads of the queue, each with all that is connected with it, in a commit.

    Up to *limit* such sets. What is too large stays; a lead met there is not tried anew.
    """
    entries = yield from look(asking.queued().whole())
    made: list[Decision] = []
    done: set[str] = set()
    large: set[str] = set()
    for entry in entries:
        if limit is not None and sum(each.outcome not in _UNSETTLED for each in made) >= limit:
            break
        if entry.lead_id in done | large:
            continue
        try:
            found = yield from settled(partial(_decided, entry, settings), settings)
        except TooLargeError as e:
            large |= e.leads
            made.append(Decision(entry.lead_id, None, "queued", (REASON,)))
            continue
        made += found.decisions
        if found.is_busy:
            break
        done |= _settled_by(found)
    return tuple(made)


def _decided(entry: Queued, settings: Settings) -> Asks[Found]:
    lead = entry.lead_id
    batches = yield from asking.leads([lead]).whole()
    if any(batch.ids for batch in batches):
        return (yield from decided([{"id": lead}], settings))
    if any(batch.unreadable for batch in batches):
        return _still(lead, UNREADABLE, settings)
    if not is_gone(entry, settings.running.run().at, settings.grace):
        return _still(lead, NO_ROW, settings)
    return (yield from forgotten(lead, settings))


def _still(lead: str, reason: str, settings: Settings) -> Found:
    """Return that *lead* waits on: nothing is written."""
    changes = ChangeSet(settings.running.run(), ())
    return Found((Decision(lead, None, "queued", (reason,)),), changes, owned=True)


def _settled_by(found: Found) -> set[str]:
    """Return the leads that left the queue."""
    changes = (change for unit in found.changes.units for change in unit.changes)
    return {each.lead_id for each in changes if isinstance(each, Queue) and each.reason is None}
