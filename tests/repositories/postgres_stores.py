"""Schemas that PostgreSQL tests work in: the usual tables, each test's its own, dropped after."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from os import getpid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import attrs
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadfold.repositories.postgres import create_user_tables
from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.steps import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import LiteralString

    import pytest

    from leadfold.repositories.postgres.steps import Answer, CopyIn, Statement, Step

__all__ = [
    "Place",
    "as_url",
    "before_statement",
    "contents",
    "new_database",
    "new_place",
    "singly",
]

TABLES = ("Customer", "Lead", "Job", "Audit")

_NUMBERS = count(1)


def singly(step: Step) -> tuple[Statement | CopyIn, ...]:
    """Return what travels in one *step*."""
    return step.statements if isinstance(step, Together) else (step,)


@attrs.frozen
class Place:
    """A schema of a test's own: *dsn* finds its tables, *own* is where leadfold's go."""

    dsn: str
    schema: str

    @property
    def own(self) -> str:
        """Return the name of the schema of leadfold's tables."""
        return f"{self.schema}_own"

    def run(self, statement: LiteralString, *values: object) -> list[tuple[object, ...]]:
        """Run a statement on a connection of one's own, and return its rows."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def new_place(server: str) -> Iterator[Place]:
    """Make a schema with the usual tables, and drop all of it in the end."""
    schema = f"leadfold_test_{getpid()}_{next(_NUMBERS)}"
    place = Place(make_conninfo(server, options=f"-csearch_path={schema}"), schema)
    names = [sql.Identifier(schema), sql.Identifier(place.own)]
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(names[0]))
        create_user_tables(connection)
        try:
            yield place
        finally:
            connection.execute("SET client_min_messages = warning")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}, {} CASCADE").format(*names))


@contextmanager
def new_database(server: str, options: LiteralString = "") -> Iterator[str]:
    """Make a database with the usual tables, yield its DSN, and drop it in the end."""
    name = f"leadfold_test_{getpid()}_{next(_NUMBERS)}"
    dsn = make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} ").format(sql.Identifier(name))
        connection.execute(create + sql.SQL(options))
    try:
        with psycopg.connect(dsn, autocommit=True) as made:
            create_user_tables(made)
        yield dsn
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


def contents(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the tables that a commit writes, leadfold's too."""
    own = [(place.own, name) for name in ("runs", "ledger", "identity", "records", "holders")]
    found: dict[str, list[tuple[object, ...]]] = {}
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        for names in [(place.schema, name) for name in TABLES] + own:
            query = sql.SQL("SELECT each::text FROM {} AS each ORDER BY 1")
            found[names[1]] = connection.execute(query.format(sql.Identifier(*names))).fetchall()
    return found


def as_url(dsn: str) -> str:
    """Return *dsn* as the command line takes it."""
    return f"postgresql:///?{urlencode(conninfo_to_dict(dsn))}"


def before_statement(
    monkeypatch: pytest.MonkeyPatch, text: str, act: Callable[[], object]
) -> list[str]:
    """Let something happen before the first statement that contains *text*; tell of it."""
    perform = Session.perform
    happened: list[str] = []

    def watched(session: Session, step: Step) -> Answer:
        if not happened and any(text in each.query.as_string(None) for each in singly(step)):
            happened.append(text)
            act()
        return perform(session, step)

    monkeypatch.setattr(Session, "perform", watched)
    return happened
