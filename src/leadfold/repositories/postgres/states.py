"""What state a connection is in, whichever kind: whose its transaction is. It asks nobody."""

from __future__ import annotations

from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING

from psycopg.pq import TransactionStatus

from leadfold.exceptions import StoreError

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.BaseConnection[tuple[object, ...]]

__all__ = [
    "begins_itself",
    "is_idle",
    "is_lost",
    "is_silent",
    "require_text",
    "require_transaction",
]

_AUTOCOMMIT = (
    "this connection commits every statement by itself: begin a transaction on it first, or "
    "give the repository a DSN"
)
_BYTES = (
    "this connection's client encoding is SQL_ASCII, so that texts come as bytes: set "
    "client_encoding to UTF8 on it, or give the repository a DSN"
)
_BROKEN = "the transaction of this connection has failed already: roll it back first"


def is_idle(connection: Connection) -> bool:
    """Tell whether no transaction is open."""
    return connection.info.transaction_status == TransactionStatus.IDLE


def is_silent(connection: Connection) -> bool:
    """Tell whether the server has said nothing since it was last heard: an end, it tells of."""
    with DefaultSelector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        return not selector.select(timeout=0)


def is_lost(connection: Connection) -> bool:
    """Tell whether the server cannot be spoken to any more."""
    return connection.info.transaction_status == TransactionStatus.UNKNOWN


def begins_itself(connection: Connection) -> bool:
    """Tell whether nobody begins a transaction on it unless it is begun here."""
    return connection.autocommit and is_idle(connection)


def require_transaction(connection: Connection) -> None:
    """Object where nothing would hold what is written together."""
    if begins_itself(connection):
        raise StoreError(_AUTOCOMMIT)
    if connection.info.transaction_status == TransactionStatus.INERROR:
        raise StoreError(_BROKEN)


def require_text(connection: Connection) -> None:
    """Object where the driver would give bytes for texts."""
    if connection.info.encoding == "ascii":
        raise StoreError(_BYTES)
