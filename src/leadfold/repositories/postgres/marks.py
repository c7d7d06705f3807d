"""When a plan looked at the store, as a mark: the snapshot it saw. Values only; no SQL runs.

A claim's version is the transaction that made it. It came later than a plan exactly when the
plan's snapshot does not see it: nobody has to wait for a clock.
"""

from __future__ import annotations

import re

import attrs

__all__ = ["Mark"]

_MARK = re.compile(r"(?P<snapshot>\d+:\d+:[\d,]*)(?:/(?P<own>\d+\.\d+))?")


@attrs.frozen
class Mark:
    """A *snapshot*, as PostgreSQL writes it, and what its transaction had claimed itself by then.

    *own* is ``transaction.commits``, empty where a transaction had committed nothing.
    """

    snapshot: str
    own: str = ""

    @classmethod
    def read(cls, told: int | str) -> Mark:
        """Return the mark that a plan has; to one of another kind of store every claim is later.

        >>> Mark.read("745:750:746/748.1")
        Mark(snapshot='745:750:746', own='748.1')
        """
        found = _MARK.fullmatch(str(told))
        return cls(found["snapshot"], found["own"] or "") if found else cls("1:1:")
