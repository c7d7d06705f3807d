"""Which leads say that they came or were edited since: in whatever form a store keeps its times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from leadfold.exceptions import MappingError
from leadfold.repositories.mapping import LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.postgres_stores import new_place
from repositories.sqlite_stores import changed, new_store

if TYPE_CHECKING:
    from pathlib import Path

    from leadfold.repository import Repository

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def edited(repository: Repository, since: datetime = NOON) -> list[str]:
    """Return the leads."""
    with repository.reading() as reader:
        return sorted(reader.edited(since))


def test_sqlite_may_hold_any_form_of_time(tmp_path: Path) -> None:
    """Text with a zone or without, seconds, milliseconds; what is no time says nothing."""
    path = new_store(
        tmp_path / "crm.db",
        'ALTER TABLE "Lead" DROP COLUMN updated_at',
        'ALTER TABLE "Lead" ADD COLUMN updated_at',
    )
    before = "2026-01-02T11:59:59.999Z"
    rows = [
        ("text", before, "2026-01-02 12:00:00"),
        ("zone", before, "2026-01-02T14:00:00+02:00"),
        ("earlier-zone", before, "2026-01-02T13:59:00+02:00"),
        ("milliseconds", before, 1767355200000),
        ("seconds", before, 1767355199),
        ("made", "2026-01-02T12:00:00Z", before),
        ("unknown", before, None),
        ("no-time", before, "yesterday"),
        ("before", before, before),
    ]
    changed(path, 'INSERT INTO "Lead" (id, created_at, updated_at) VALUES (?, ?, ?)', *rows)
    with SQLiteRepository(path) as repository:
        expected = ["made", "milliseconds", "no-time", "text", "unknown", "zone"]
        assert edited(repository) == expected
        assert edited(repository, NOON.replace(tzinfo=None)) == expected


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp(3)", "text"])
def test_postgres_compares_times_in_utc(postgres_dsn: str, kind: str) -> None:
    """Whatever the session's zone is, a column without one holds UTC."""
    with new_place(postgres_dsn) as place:
        place.run(
            f"""ALTER TABLE "Lead" ALTER updated_at DROP DEFAULT, ALTER updated_at DROP NOT NULL,
            ALTER updated_at TYPE {kind} USING NULL"""
        )
        place.run(
            """INSERT INTO "Lead" (id, created_at, updated_at) VALUES
            ('noon', '2026-01-01', '2026-01-02T12:00:00+00'),
            ('before', '2026-01-01', '2026-01-02T11:59:59+00'),
            ('unknown', '2026-01-01', NULL), ('made', '2026-01-03', '2026-01-01')"""
        )
        with PostgresRepository(place.dsn, schema=place.own) as repository:
            assert edited(repository) == ["made", "noon", "unknown"]


def test_a_table_may_do_without_the_default_column(tmp_path: Path) -> None:
    """Then nobody can say since when; the message names both ways out."""
    path = new_store(tmp_path / "crm.db", 'ALTER TABLE "Lead" DROP COLUMN updated_at')
    with (
        SQLiteRepository(path) as repository,
        pytest.raises(MappingError, match="map its updated_at, or compare all leads"),
    ):
        edited(repository)
    named = StoreMapping(lead=LeadTable(updated_at="edited_at"))
    with (
        SQLiteRepository(path, mapping=named) as repository,
        pytest.raises(MappingError, match='no column "edited_at" in table "Lead"'),
        repository.reading(),
    ):
        pass  # pragma: no cover - a column that is told must be there


def test_postgres_may_do_without_it_too(postgres_dsn: str) -> None:
    """The same message."""
    with new_place(postgres_dsn) as place:
        place.run('ALTER TABLE "Lead" DROP COLUMN updated_at')
        with (
            PostgresRepository(place.dsn, schema=place.own) as repository,
            pytest.raises(MappingError, match="map its updated_at"),
        ):
            edited(repository)
