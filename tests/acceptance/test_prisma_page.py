"""Whoever follows the page on Prisma with a PostgreSQL database of that schema gets there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from command_line import leadfold
from console_pages import blocks_of
from repositories.postgres_stores import as_url, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "prisma.md"
FILES = {block.caption: block.body for block in blocks_of(PAGE) if block.caption}
LEADS = """
INSERT INTO "Lead" (id, "fullName", phone, email, "messengerPsid") VALUES
    ('a', 'Ann Lee', '(212) 555-0143', NULL, '24000000000000017'),
    ('b', 'A. Lee', NULL, 'ann@mailbox.org', '24000000000000017'),
    ('c', NULL, '+1 212 555 0188', NULL, NULL);
INSERT INTO "Job" (id, "leadId") VALUES ('j', 'b');
"""


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Make a database as Prisma's migrations leave it, with leads in it."""
    with new_database(postgres_dsn) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(FILES["schema.sql"].encode())
            connection.execute(LEADS.encode())
        yield dsn


def test_what_prisma_says_of_an_address_is_not_libpqs(dsn: str, tmp_path: Path) -> None:
    """The one parameter that Prisma adds of its own is named."""
    refused = leadfold("backfill", f"{as_url(dsn)}&schema=public", "--dry-run", cwd=tmp_path)
    assert refused.status == 1
    assert refused.err.endswith("leave out what is not its own, such as Prisma's ?schema=\n")


def test_a_prisma_database_is_backfilled(dsn: str, tmp_path: Path) -> None:
    """The page's own mapping and commands: planned, applied, valid; leads and jobs are linked."""
    (tmp_path / "prisma.toml").write_text(FILES["prisma.toml"], "utf-8")
    store, mapping = as_url(dsn), ("--mapping", "prisma.toml")
    plan = ("--dry-run", "--plan-out", "plan.json", "--verbose")
    planned = leadfold("backfill", store, *mapping, *plan, cwd=tmp_path)
    assert planned.status == 0, planned.err
    applied = leadfold("apply", "plan.json", store, *mapping, cwd=tmp_path)
    assert applied.status == 0, applied.err
    validated = leadfold("validate", store, *mapping, cwd=tmp_path)
    assert validated.status == 0, validated.out

    with psycopg.connect(dsn) as connection:
        ann = connection.execute('SELECT "customerId" FROM "Job"').fetchall()
        of_leads = connection.execute('SELECT "customerId" FROM "Lead" ORDER BY id').fetchall()
        shown = connection.execute(
            'SELECT name, phone, "updatedAt" IS NOT NULL FROM "Customer" ORDER BY phone'
        ).fetchall()
    assert of_leads[:2] == ann * 2
    assert of_leads[2] != ann[0]
    assert shown == [("Ann Lee", "+12125550143", True), (None, "+12125550188", True)]


def test_every_relation_of_the_page_has_an_index(dsn: str) -> None:
    """A resolver follows them; PostgreSQL makes no index for a foreign key by itself."""
    with psycopg.connect(dsn) as connection:
        without = connection.execute("""
            SELECT conrelid::regclass::text, conname FROM pg_constraint
            WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
                SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1]
            )
        """).fetchall()
    assert without == []


def test_the_models_of_the_page_say_the_same_indexes() -> None:
    """So that Prisma's next migration does not drop them."""
    made = re.findall(r'CREATE INDEX "(\w+)_(\w+)_idx"', FILES["schema.sql"])
    models = re.findall(r"model (\w+) {(.*?)^}", FILES["schema.prisma"], re.DOTALL | re.MULTILINE)
    said = [
        (name, field) for name, body in models for field in re.findall(r"@@index.\[(\w+)", body)
    ]
    assert sorted(made) == sorted(said)
