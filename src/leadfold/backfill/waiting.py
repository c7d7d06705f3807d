"""Leads that are still to be decided: which of them, and which are no more. It decides none."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from leadfold import asking

if TYPE_CHECKING:
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.repository import Queued

__all__ = ["EDITED", "GRACE", "LARGE", "gone", "is_gone"]

LARGE, EDITED = "large", "edited"
"""Why a lead waits: see `Queued`."""

GRACE = timedelta(hours=1)
"""How long a lead counts that was resolved, and whose row never came."""


def is_gone(entry: Queued, now: datetime, grace: timedelta = GRACE) -> bool:
    """Tell whether a queued lead without a row has lost it, rather than not got it yet."""
    return entry.reason != LARGE or entry.at + grace <= now


def gone(snapshot: Snapshot, now: datetime) -> Asks[list[str]]:
    """Return the queued leads that are none of the store's: *snapshot* has all of these."""
    there = snapshot.queued.union(lead for lead, _ in snapshot.unreadable)
    found: list[str] = []

    def look_at(entry: Queued) -> None:
        if entry.lead_id not in there and is_gone(entry, now):
            found.append(entry.lead_id)

    yield from asking.queued().each(look_at)
    return found
