"""A new store for the demo, filled as an application would fill it: leads, and jobs for some."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from leadfold.repositories.sqlite import create_user_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leadfold.model import Cell, Lead
    from leadfold.testing.samples import SampleLead

__all__ = ["make_demo_store"]

_LEAD = """
INSERT INTO "Lead" (id, channel, name, "messengerPsid", phone, email, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_JOB = 'INSERT INTO "Job" (id, lead_id, status) VALUES (?, ?, ?)'
_JOB_EVERY = 3


def make_demo_store(path: Path, samples: Sequence[SampleLead]) -> int:
    """Make a store of *samples* in the new file *path*; return how many jobs it has."""
    leads = [sample.lead for sample in samples]
    jobs = [(f"j{n}", lead.id, "booked") for n, lead in enumerate(leads[::_JOB_EVERY], 1)]
    with closing(sqlite3.connect(path)) as connection:
        create_user_tables(connection)
        connection.executemany(_LEAD, map(_row, leads))
        connection.executemany(_JOB, jobs)
        connection.commit()
    return len(jobs)


def _row(lead: Lead) -> tuple[str | None, ...]:
    created_at = lead.created_at.isoformat() if lead.created_at else None
    channel = "messenger" if lead.psid else "form"
    identifiers = (_one(lead.psid), _one(lead.phone), _one(lead.email))
    return (lead.id, channel, lead.name, *identifiers, created_at, created_at)


def _one(cell: Cell) -> str | None:
    """Return the first text of *cell*: the table has one column for each kind."""
    if cell is None or isinstance(cell, str):
        return cell
    return cell[0] if cell else None
