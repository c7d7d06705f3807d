"""A query read in batches through a cursor that the server holds: its statements. It runs none."""

from __future__ import annotations

from itertools import count

import attrs
from psycopg import sql

from leadfold.repositories.postgres.steps import Statement

__all__ = ["BATCH", "ServerCursor", "server_cursor"]

BATCH = 20_000

_NUMBERS = count(1)


@attrs.frozen
class ServerCursor:
    """What declares a cursor, fetches the next `BATCH` of rows, and closes it."""

    declare: Statement
    fetch: Statement
    close: Statement


def server_cursor(query: Statement) -> ServerCursor:
    """Return a cursor for *query*, with a name of its own."""
    name = sql.Identifier(f"leadfold_{next(_NUMBERS)}")
    declared = sql.SQL("DECLARE {} NO SCROLL CURSOR FOR ").format(name) + query.query
    return ServerCursor(
        Statement(declared, query.parameters),
        Statement(sql.SQL("FETCH FORWARD {} FROM {}").format(sql.Literal(BATCH), name)),
        Statement(sql.SQL("CLOSE {}").format(name)),
    )
