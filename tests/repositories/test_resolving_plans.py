"""No statement of a decision scans a table that grows with the store: asked of the planners."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, LiteralString, cast

import psycopg

from leadfold import Lead, Policy, backfill
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session as PostgresSession
from leadfold.repositories.postgres.steps import Statement, Together
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repositories.sqlite.session import Session as SQLiteSession
from leadfold.resolver import Resolver
from repositories.postgres_stores import new_database
from repositories.sqlite_stores import new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from leadfold.repositories.postgres.steps import Answer, Step
    from leadfold.repository import Repository

LEADS = 10_000
GROWING = {
    "Lead", "Customer", "Job", "Conversation", "CustomerAddress", "MemoryNote",
    "ledger", "records", "holders", "identity", "awaited",
}  # fmt: skip
FURTHER: tuple[LiteralString, ...] = (
    """INSERT INTO "Conversation" (lead_id, external_id) SELECT id, id FROM "Lead" """,
    """INSERT INTO "CustomerAddress" (customer_id) SELECT id FROM "Customer" """,
    """INSERT INTO "MemoryNote" (customer_id) SELECT id FROM "Customer" """,
    """INSERT INTO leadfold.awaited (tenant, record_id, customer_id, until)
    SELECT '', 'w' || id, id, now() + interval '1 hour' FROM "Customer" """,
)
"""Rows of tables that a backfill leaves empty: an empty table is rightly read from end to end."""
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

Cells = Mapping[str, object] | Sequence[object]
Scans = dict[str, str]
"""What is scanned, by the statement that does it."""


def decide(repository: Repository, put: Callable[[str, str | None], None]) -> None:
    """Make every kind of decision in both modes; *put* makes or edits a lead, or drops it."""
    for mode in ("fill", "reconcile"):
        resolver = Resolver(repository, Policy.linked(), mode)
        first = Lead(f"{mode}1", phone="212 555 0143", email=f"{mode}@mailbox.org")
        assert resolver.resolve(first).outcome in {"created", "attached"}
        put(f"{mode}2", "646 555 0177")
        assert resolver.resolve(Lead(f"{mode}2")).customer_id
        put("l77", "917 555 0199")
        assert resolver.update(Lead("l77")).outcome in {"split", "unchanged"}
        known = Lead(f"{mode}3", phone="+1202" + f"{2_000_100:07}")
        assert resolver.resolve(known).outcome == "attached"
        put(f"{mode}2", None)
        resolver.forget(f"{mode}2")


def statements(step: Step) -> Iterator[Statement]:
    """Yield the statements of *step* that a planner plans."""
    for each in step.statements if isinstance(step, Together) else (step,):
        if isinstance(each, Statement):
            yield each


def sequential(node: Mapping[str, object]) -> Iterator[str]:
    """Yield the tables that a plan of PostgreSQL reads from end to end."""
    if node["Node Type"] == "Seq Scan":
        yield str(node["Relation Name"])
    for child in cast("list[Mapping[str, object]]", node.get("Plans", [])):
        yield from sequential(child)


def is_large(what: str, sql: str) -> bool:
    """Tell whether SQLite says that it reads something other than what it was given, or a schema.

    The part of a history that is a customer's alone is read only of a customer: nothing, of a lead.
    """
    given = (
        "VIRTUAL TABLE",
        "CONSTANT ROW",
        "SCAN temp.",
        "SCAN stage",
        "SCAN folded",
        "SCAN state",
    )
    schema = what == "SCAN owner" and "sqlite_master" in sql
    of_customer = what == "SCAN leadfold_ledger" and ":table = 'Customer' AND" in sql
    return not (any(each in what for each in given) or schema or of_customer)


def watch_postgres(monkeypatch: pytest.MonkeyPatch) -> Scans:
    """Have every statement explained just before it is sent; return what will be scanned."""
    scans: Scans = {}
    perform = PostgresSession.perform

    def explained(session: PostgresSession, step: Step) -> Answer:
        for each in statements(step):
            text = each.query if isinstance(each.query, str) else each.query.as_string()
            bare = without_comments(text)
            if bare.upper().startswith(VERBS):
                with session.connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
                    explain = f"EXPLAIN (FORMAT JSON) {bare}"
                    [([found],)] = cursor.execute(explain, each.parameters).fetchall()
                names = sequential(cast("Mapping[str, Mapping[str, object]]", found)["Plan"])
                scans.update((f"{name}: {bare}", name) for name in names if name in GROWING)
        return perform(session, step)

    monkeypatch.setattr(PostgresSession, "perform", explained)
    return scans


def watch_sqlite(monkeypatch: pytest.MonkeyPatch) -> Scans:
    """Have every statement explained just before it is run; return what will be scanned."""
    scans: Scans = {}
    execute = SQLiteSession.execute

    def explained(session: SQLiteSession, sql: str, parameters: Cells = ()) -> sqlite3.Cursor:
        if without_comments(sql).upper().startswith(VERBS):
            with closing(session.connection.cursor()) as cursor:
                cursor.row_factory = None
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                found = [what for *_, what in cursor.fetchall() if what.startswith("SCAN ")]
                scans.update((f"{what}\n{sql}", what) for what in found if is_large(what, sql))
        return execute(session, sql, parameters)

    monkeypatch.setattr(SQLiteSession, "execute", explained)
    return scans


def without_comments(text: str) -> str:
    """Return a statement without its lines of comment."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).lstrip()


def test_postgres_finds_everything_by_an_index(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what grows with the store no statement reads a table from end to end."""
    with (
        new_database(postgres_dsn) as dsn,
        psycopg.connect(dsn, autocommit=True) as raw,
        PostgresRepository(dsn) as repository,
    ):
        raw.execute(
            """INSERT INTO "Lead" (id, phone, email) SELECT 'l' || n, '+1202' || (2000000 + n / 2),
            'p' || n || '@mailbox.org' FROM generate_series(0, %s) AS n""",
            [LEADS],
        )
        raw.execute("""INSERT INTO "Job" (lead_id) SELECT id FROM "Lead" """)
        backfill.apply(backfill.plan(repository, Policy.linked()), repository)
        for statement in (*FURTHER, "VACUUM ANALYZE"):
            raw.execute(statement)

        def put(lead: str, phone: str | None) -> None:
            if phone is None:
                raw.execute('DELETE FROM "Lead" WHERE id = %s', [lead])
            else:
                raw.execute(
                    """INSERT INTO "Lead" (id, phone) VALUES (%s, %s)
                    ON CONFLICT (id) DO UPDATE SET phone = excluded.phone""",
                    [lead, phone],
                )

        scans = watch_postgres(monkeypatch)
        decide(repository, put)
    assert not scans, "\n\n".join(scans)


def test_sqlite_finds_everything_by_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statement reads a table from end to end but what it was given itself."""
    path = new_store(tmp_path / "crm.db")
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as raw,
        SQLiteRepository(path) as repository,
    ):
        leads = ((f"l{n}", f"+1202{2_000_000 + n // 2}", f"p{n}@mailbox.org") for n in range(LEADS))
        raw.execute("BEGIN")
        raw.executemany('INSERT INTO "Lead" (id, phone, email) VALUES (?, ?, ?)', leads)
        raw.execute("""INSERT INTO "Job" (lead_id) SELECT id FROM "Lead" """)
        raw.execute("COMMIT")
        backfill.apply(backfill.plan(repository, Policy.linked()), repository)

        def put(lead: str, phone: str | None) -> None:
            if phone is None:
                raw.execute('DELETE FROM "Lead" WHERE id = ?', [lead])
            else:
                raw.execute(
                    """INSERT INTO "Lead" (id, phone) VALUES (?, ?)
                    ON CONFLICT (id) DO UPDATE SET phone = excluded.phone""",
                    [lead, phone],
                )

        scans = watch_sqlite(monkeypatch)
        decide(repository, put)
    assert not scans, "\n\n".join(scans)
