"""Stores for benchmarks: the original's tables, with leads and half as many jobs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from leadfold.repositories import postgres
from leadfold.repositories.sqlite import create_user_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from leadfold import Lead


def _rows(leads: Sequence[Lead]) -> Iterator[tuple[str | None, ...]]:
    for lead in leads:
        cells = (lead.psid, lead.phone, lead.email)
        first = [c if isinstance(c, str) or c is None else next(iter(c)) for c in cells]
        created = lead.created_at.isoformat() if lead.created_at else None
        yield (lead.id, *first, lead.name, created)


def fill_sqlite(path: Path, leads: Sequence[Lead]) -> None:
    """Create the tables in a new file at *path*, and insert *leads* and their jobs."""
    with closing(sqlite3.connect(path)) as connection:
        create_user_tables(connection)
        connection.executemany(
            'INSERT INTO "Lead" (id, "messengerPsid", phone, email, name, created_at) '
            "VALUES (?, ?, ?, ?, ?, ?)",
            _rows(leads),
        )
        connection.executemany(
            'INSERT INTO "Job" (id, lead_id) VALUES (?, ?)',
            ((f"j{number}", lead.id) for number, lead in enumerate(leads[::2])),
        )
        connection.commit()


def fill_postgres(dsn: str, leads: Sequence[Lead]) -> None:
    """Create the tables in an empty database, and copy *leads* and their jobs in."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        postgres.create_user_tables(connection)
        columns = 'id, "messengerPsid", phone, email, name, created_at'
        with connection.cursor().copy(f'COPY "Lead" ({columns}) FROM STDIN') as copy:
            for row in _rows(leads):
                copy.write_row(row)
        with connection.cursor().copy('COPY "Job" (id, lead_id) FROM STDIN') as copy:
            for number, lead in enumerate(leads[::2]):
                copy.write_row((f"j{number}", lead.id))
        connection.execute("VACUUM ANALYZE")
