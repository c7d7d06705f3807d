"""What PostgreSQL's errors are to leadfold: a unit at fault, worth another try, or fatal."""

from __future__ import annotations

import psycopg

from leadfold.exceptions import BusyError, RetryableError, StoreError, UnitError

__all__ = ["ChangedShapeError", "GivenWayError", "not_connected", "store_error"]

_DATA = ("22", "23", "21", "44", "54", "P0")
"""Classes of errors that the rows themselves cause: values, constraints, limits, triggers."""

_NOT_UTF8 = "22021"
_GIVEN_WAY = {"40001", "40P01"}
_DENIED = "42501"
_SHAPE = "42"
_BUSY = {"55P03", "55006", "53300"}
_LOST = ("08", "57P")
_MEND = (
    "the database holds text that is no valid UTF-8: mend those rows, or leave them out with the "
    "mapping's where"
)
_ROW_SECURITY = "row-level security"


class GivenWayError(RetryableError):
    """A deadlock or a serialization failure: the store chose this transaction to give way."""


class ChangedShapeError(StoreError):
    """A statement names what is not there, or is not what it was when the store was looked at."""


def store_error(error: psycopg.Error) -> StoreError:
    """Return what *error* is to a caller; the message repeats no value of a row."""
    state = error.sqlstate or ""
    text = _text(error)
    if state.startswith(_DATA) or isinstance(error, psycopg.DataError) or _ROW_SECURITY in text:
        return UnitError(text)
    if state in _GIVEN_WAY:
        return GivenWayError(f"another transaction was in the way ({text}): try again")
    if state in _BUSY:
        return BusyError(f"the store is in use by another transaction ({text}): try again")
    if state.startswith(_SHAPE):
        denied = StoreError(f"the role of this connection may not do that: {text}")
        return denied if state == _DENIED else ChangedShapeError(f"the store failed: {text}")
    if state.startswith(_LOST) or (not state and isinstance(error, psycopg.OperationalError)):
        return RetryableError(f"the connection to the store was lost: {text}")
    return StoreError(f"the store failed: {text}")


def not_connected(error: psycopg.Error) -> StoreError:
    """Return what *error* is to a caller whom no connection could be made for."""
    if isinstance(error, psycopg.ProgrammingError):  # its message quotes the DSN, password and all
        return StoreError(
            "this is no connection string that PostgreSQL's client library reads: leave out what "
            "is not its own, such as Prisma's ?schema="
        )
    return store_error(error)


def _text(error: psycopg.Error) -> str:
    """Return the message without any value: a detail quotes the row, some messages the cell."""
    primary = error.diag.message_primary or str(error).partition("\n")[0]
    if error.sqlstate == _NOT_UTF8:
        return f"{_MEND} ({primary})"
    if (error.sqlstate or "").startswith("22"):
        return primary.partition(': "')[0]
    return primary
