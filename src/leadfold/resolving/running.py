"""The open run that decisions are written under: one a day for all who decide alike."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.changes import Run

__all__ = ["Running"]


class Running:
    """Names the run of the moment, so that other resolvers and processes come to the same name.

    *begin* makes a run of now. One that was taken back is over: the next number follows it.
    """

    def __init__(self, begin: Callable[[], Run]) -> None:
        self._begin = begin
        self._over: dict[str, int] = {}

    def run(self) -> Run:
        """Return the open run to write under now."""
        run = self._begin()
        over = self._over.get(_day(run), 0)
        return attrs.evolve(run, id=f"{_day(run)}-{over + 1}" if over else _day(run), status=OPEN)

    def over(self, run: Run) -> None:
        """Write under *run* no more."""
        self._over = {_day(run): self._over.get(_day(run), 0) + 1}


def _day(run: Run) -> str:
    """Return the name of the first run of a day, which runs of other settings do not share."""
    told = (run.mode, run.actor, run.created_by, run.policy, sorted(run.versions.items()))
    digest = blake2b(repr(told).encode(), digest_size=4).hexdigest()
    return f"{run.action}-{run.at:%Y-%m-%d}-{digest}"
