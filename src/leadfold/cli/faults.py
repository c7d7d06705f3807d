"""What could not be read of a file of leads, by file and line; nothing is lost silently."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Fault", "FaultLog", "OnFault", "unreadable_as_named"]


@attrs.frozen
class Fault:
    """A row, or one value of it, that was passed over; it never repeats the value.

    *line* is the line that the row begins on (in Parquet the number of the row). *field* is None
    where the whole row was passed over, else the field that the lead is now without.
    """

    path: Path
    line: int
    reason: str
    field: str | None = None

    def __str__(self) -> str:
        lost = "row passed over" if self.field is None else f"read without its {self.field}"
        return f"{self.path}, line {self.line}: {self.reason} ({lost})"


OnFault = Callable[[Fault], None]
"""Who is told of each fault, in the order of the file."""


@attrs.define
class FaultLog:
    """Count every fault and keep the first few, so that a broken giant fills no memory."""

    keep: int = 20
    rows: int = attrs.field(default=0, init=False)
    values: int = attrs.field(default=0, init=False)
    first: list[Fault] = attrs.field(factory=list, init=False)

    def __call__(self, fault: Fault) -> None:
        """Take note of *fault*."""
        if fault.field is None:
            self.rows += 1
        else:
            self.values += 1
        if len(self.first) < self.keep:
            self.first.append(fault)

    @property
    def unseen(self) -> int:
        """Return how many faults were counted but not kept."""
        return self.rows + self.values - len(self.first)


@contextmanager
def unreadable_as_named(path: Path) -> Iterator[None]:
    """Turn what the system says of *path* into an `UnreadableFileError` that names it."""
    try:
        yield
    except OSError as e:  # gzip.BadGzipFile is one
        msg = f"{path}: {e.strerror or e}"
        raise UnreadableFileError(msg) from e
    except (EOFError, zlib.error) as e:
        msg = f"{path}: the compressed file is damaged or cut short: fetch it again"
        raise UnreadableFileError(msg) from e
