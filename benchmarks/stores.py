"""Stores for benchmarks: the original tables in SQLite, with leads and half as many jobs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

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
