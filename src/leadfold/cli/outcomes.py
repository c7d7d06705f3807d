"""How a command ends: its outcome in a word, and the exit status a shell sees."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.exceptions import (
    LeadfoldError,
    MissingExtraError,
    PlanFormatError,
    RunExistsError,
    StalePlanError,
    StoreError,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

__all__ = ["BROKEN_PIPE", "DONE", "INTERRUPTED", "Ending", "UsageError", "asked_for", "ending_of"]

Outcome = Literal["done", "partial", "refused", "failed"]

INTERRUPTED = 130
"""What a shell reports of a program that an interrupt ended: 128 and the signal's number."""

BROKEN_PIPE = 141
"""Likewise, where the reader of the output went away."""


class UsageError(LeadfoldError, ValueError):
    """The command line asks for what cannot be: no such file, no such store, a bad policy."""


@attrs.frozen
class Ending:
    """An *outcome* and the exit *status* that goes with it."""

    outcome: Outcome
    status: int

    @classmethod
    def of(cls, outcome: str) -> Ending:
        """Return how a command ends that was carried out: ``done``, or else ``partial``."""
        return DONE if outcome == "done" else cls("partial", 1)


DONE = Ending("done", 0)

_USAGE = (UsageError, UnreadableFileError, PlanFormatError)
_FAILURES = (StoreError, MissingExtraError)
_REFUSALS = (StalePlanError, RunExistsError)  # by the store, which is well


def ending_of(error: Exception) -> Ending:
    """Return how a command ends that raised *error*.

    >>> ending_of(UsageError("no such file")), ending_of(StoreError("the disk is full"))
    (Ending(outcome='failed', status=2), Ending(outcome='failed', status=1))
    """
    if isinstance(error, _USAGE):
        return Ending("failed", 2)
    refused = isinstance(error, LeadfoldError) and not isinstance(error, _FAILURES)
    return Ending("refused" if refused or isinstance(error, _REFUSALS) else "failed", 1)


@contextmanager
def asked_for(path: str | PathLike[str]) -> Iterator[None]:
    """Turn what goes wrong with the file the user named *path* into a `UsageError`."""
    try:
        yield
    except OSError as e:
        msg = f"{path}: {e.strerror or type(e).__name__}"
        raise UsageError(msg) from e
    except LeadfoldError as e:
        msg = str(e) if str(path) in str(e) else f"{path}: {e}"
        raise UsageError(msg) from e
    except ValueError as e:  # no TOML, or no UTF-8
        msg = f"{path}: cannot be read: {type(e).__name__}: {_first_line(e)}"
        raise UsageError(msg) from e


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
