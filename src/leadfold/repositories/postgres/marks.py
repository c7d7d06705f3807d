"""When a plan looked at the store, as a mark: the snapshot it saw. Values only; no SQL runs.

A claim's version is the transaction that made it. It came later than a plan exactly when the
plan's snapshot does not see it: nobody has to wait for a clock. Of several commits in one
transaction, which a caller may make, the version has the number, too.
"""

from __future__ import annotations

import re

import attrs

__all__ = ["Mark"]

_MARK = re.compile(r"(?P<snapshot>\d+:\d+:[\d,]*)(?:/(?P<at>\d+)\.(?P<commits>\d+))?")


@attrs.frozen
class Mark:
    """A *snapshot*, as PostgreSQL writes it, and how many *commits* its transaction *at* had made.

    Those are none where nothing was committed in it so far: most often, and never in one of
    leadfold's own.
    """

    snapshot: str
    at: int = 0
    commits: int = 0

    @classmethod
    def read(cls, told: int | str) -> Mark:
        """Return the mark that a plan has; to one of another kind of store every claim is later.

        >>> Mark.read("745:750:746/748.1")
        Mark(snapshot='745:750:746', at=748, commits=1)
        """
        found = _MARK.fullmatch(str(told))
        if found is None:
            return cls("1:1:")
        return cls(found["snapshot"], int(found["at"] or 0), int(found["commits"] or 0))

    @property
    def bound(self) -> dict[str, object]:
        """Return what the test for later claims binds."""
        return {"seen": self.snapshot, "own_at": self.at, "own_seen": self.commits}
