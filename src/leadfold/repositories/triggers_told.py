"""What both stores say of the triggers that they print. Text only."""

from __future__ import annotations

from leadfold.exceptions import StoreError

__all__ = ["HEADER", "no_queue"]

HEADER = """\
-- Puts leads that come, change or go without leadfold on its queue, as 'edited'; Resolver.drain()
-- or a backfill settles it. Made for one mapping: print and run it again where that changes."""


def no_queue() -> StoreError:
    """Return the error for a store that has no queue yet."""
    return StoreError(
        "the store has none of leadfold's tables yet: run leadfold index build, or a backfill"
    )
