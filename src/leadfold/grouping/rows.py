"""Where each lead stands among the columns, by its id. It only looks up."""

from __future__ import annotations

from leadfold.exceptions import UnknownLeadError

__all__ = ["Rows"]


class Rows(dict[str, int]):
    """The rows of leads by id; whoever asks for one that is not there is told what is wrong.

    >>> Rows({"l1": 0})["l1"]
    0
    """

    def __missing__(self, lead_id: object) -> int:
        raise UnknownLeadError(lead_id, len(self))
