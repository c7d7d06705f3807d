"""The printed triggers: whoever edits a lead behind leadfold's back, a drain settles it.

The tables have names that must be quoted, two tenants, and rows that are no leads.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import ExitStack, closing, contextmanager
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import IdentifierRule, Policy, Resolver, backfill, group
from leadfold.exceptions import StoreError
from leadfold.repositories.mapping import (
    CustomerTable,
    LeadTable,
    StoreMapping,
)
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.resolver import refresh_index
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Rows = list[tuple[object, ...]]
    Store = PostgresRepository | SQLiteRepository

STEPS = 25


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


TABLES = (
    """CREATE TABLE "Clients" (id text PRIMARY KEY, phone text, "Account" text)""",
    """CREATE TABLE "Lead's ""list"" 5%" ("Id" integer PRIMARY KEY, "client Id" text, "Mobile" text,
    "Page" text, "Messenger" text, "Account" text, "deletedAt" text, note text)""",
)
NAME = 'Lead\'s "list" 5%'
POLICY = Policy.linked(
    identifiers=[IdentifierRule("psid", limit=1, scope="page"), IdentifierRule("phone", limit=5)]
)


def mapping(where: str | None, tenant: str | None = "Account") -> StoreMapping:
    """Return how leadfold finds its way about these tables."""
    return StoreMapping(
        lead=LeadTable(
            table='Lead\'s "list" 5%',
            id="Id",
            customer_id="client Id",
            created_at=None,
            updated_at=None,
            name=None,
            identifiers={"psid": "Messenger", "phone": "Mobile"},
            scopes={"page": "Page"},
            where=where,
            tenant=tenant,
        ),
        customer=CustomerTable(
            table="Clients",
            name=None,
            email=None,
            metadata=None,
            created_at=None,
            updated_at=None,
            tenant=tenant,
        ),
        dependents=[],
        references=[],
        audit=None,
    )


class Desk:
    """A store that somebody writes to with SQL of their own; LEADS in it is their table."""

    def __init__(
        self,
        run: Callable[[str, Sequence[object]], Rows],
        script: Callable[[str], object],
        opened: Callable[[StoreMapping, str | None], Store],
        exits: ExitStack,
    ) -> None:
        self._run, self._script, self._opened, self._exits = run, script, opened, exits

    def run(self, statement: str, *values: object) -> Rows:
        """Run a statement, values where it has question marks; return its rows."""
        return self._run(statement.replace("LEADS", _quoted(NAME)), values)

    def opened(self, mapped: StoreMapping, tenant: str | None = None) -> Store:
        """Return the repository over it, closed in the end."""
        made = self._opened(mapped, tenant)
        self._exits.callback(made.close)
        return made

    def watched(self, mapped: StoreMapping, *tenants: str | None) -> list[Store]:
        """Return a repository for each tenant, with an index, once the triggers are there."""
        found = [self.opened(mapped, tenant) for tenant in tenants or [None]]
        for repository in found:
            refresh_index(repository, POLICY)
        self._script(found[0].trigger_sql())
        return found


@contextmanager
def sqlite_desk(path: Path) -> Iterator[Desk]:
    """Make a file with these tables."""
    with closing(sqlite3.connect(path)) as raw, ExitStack() as exits:
        raw.isolation_level = None
        for table in TABLES:
            raw.execute(table)
        yield Desk(
            lambda statement, values: raw.execute(statement, values).fetchall(),
            raw.executescript,
            lambda mapped, tenant: SQLiteRepository(path, mapping=mapped, tenant=tenant),
            exits,
        )


@contextmanager
def postgres_desk(server: str) -> Iterator[Desk]:
    """Make a schema with these tables."""
    with new_place(server) as place, ExitStack() as exits:
        raw = exits.enter_context(psycopg.connect(place.dsn, autocommit=True))
        for table in TABLES:
            raw.execute(table)

        def run(statement: str, values: Sequence[object]) -> Rows:
            driven = statement.replace("%", "%%").replace("?", "%s")
            cursor = raw.execute(driven.encode(), values, prepare=False)
            return cursor.fetchall() if cursor.description else []

        def opened(mapped: StoreMapping, tenant: str | None) -> PostgresRepository:
            return PostgresRepository(place.dsn, mapping=mapped, tenant=tenant, schema=place.own)

        yield Desk(run, lambda text: raw.execute(text.encode()), opened, exits)


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Make the tables in either kind of store."""
    if request.param == "sqlite":
        with sqlite_desk(tmp_path / "crm.db") as made:
            yield made
        return
    with postgres_desk(request.getfixturevalue("postgres_dsn")) as made:
        yield made


def waiting(repository: Store) -> list[tuple[str, str]]:
    """Return who waits, and why."""
    with repository.reading() as reader:
        return [(entry.lead_id, entry.reason) for entry in reader.queued()]


def _edit(desk: Desk, dice: Random, number: int) -> None:
    """Do one of the things that somebody does."""
    some = dice.randrange(max(1, number))
    cells = {
        "Mobile": dice.choice([None, "212 555 0143", "(212) 555-0143", "212 555 0177"]),
        "Page": dice.choice(["p1", "p2"]),
        "Messenger": dice.choice([None, "24000000000000001"]),
        "Account": dice.choice(["ours", "theirs"]),
        "deletedAt": dice.choice([None, "2026-01-02"]),
        "Id": number,
    }
    what = dice.choice(["add", "add", "add", "delete", *cells])
    if what == "add":
        statement = 'INSERT INTO LEADS ("Mobile", "Page", "Messenger", "Account", "Id") VALUES '
        del cells["deletedAt"]
        desk.run(f"{statement} (?, ?, ?, ?, ?)", *cells.values())
    elif what == "delete":
        desk.run('DELETE FROM LEADS WHERE "Id" = ?', some)
    elif what == "Account":
        desk.run(
            'UPDATE LEADS SET "Account" = ?, "client Id" = NULL WHERE "Id" = ?', cells[what], some
        )
    else:
        desk.run(f'UPDATE LEADS SET "{what}" = ?, note = ? WHERE "Id" = ?', cells[what], what, some)  # noqa: S608 - a test's own names


@pytest.mark.parametrize("seed", [0, 1])
def test_edits_behind_the_back_are_settled_by_a_drain(desk: Desk, seed: int) -> None:
    """Rows come, go, are edited, change hands and cease to be leads; each time law 3 holds."""
    mapped = mapping('"deletedAt" IS NULL -- $leadfold$')
    stores = desk.watched(mapped, "ours", "theirs")
    resolvers = [Resolver(store, POLICY, "reconcile") for store in stores]
    dice = Random(seed)  # noqa: S311 - a test's dice
    for number in range(STEPS):
        _edit(desk, dice, number)
        for tenant, store, resolver in zip(["ours", "theirs"], stores, resolvers, strict=True):
            resolver.drain()
            assert waiting(store) == []
            _is_settled(desk, tenant)


def _is_settled(desk: Desk, tenant: str) -> None:
    rows = desk.run(
        'SELECT "Id", "client Id", "Mobile", "Page", "Messenger" FROM LEADS '
        'WHERE "deletedAt" IS NULL AND "Account" = ?',
        tenant,
    )
    found: dict[object, set[str]] = defaultdict(set)
    for lead, customer, *_ in rows:
        found[customer].add(str(lead))
    leads = [
        {"id": str(lead), "psid": psid, "phone": phone, "page": page}
        for lead, _, phone, page, psid in rows
    ]
    assert None not in found
    expected = [each.lead_ids for each in group(leads, POLICY).groups]
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))


@pytest.mark.parametrize("where", [None, "note IS NULL"])
def test_who_is_told_by_the_edit_waits_and_nobody_else(desk: Desk, where: str | None) -> None:
    """Neither what leadfold links, nor an edit of something else, puts a lead on the queue."""
    [store] = desk.watched(mapping(where, None))
    for number in range(3):
        desk.run('INSERT INTO LEADS ("Id", "Mobile") VALUES (?, ?)', number, "212 555 0143")
    assert waiting(store) == [("0", "edited"), ("1", "edited"), ("2", "edited")]
    backfill.apply(backfill.plan(store, POLICY), store)
    assert waiting(store) == []
    assert len({*desk.run('SELECT "client Id" FROM LEADS')}) == 1
    desk.run('UPDATE LEADS SET "deletedAt" = ?, "Mobile" = "Mobile"', "now")
    assert waiting(store) == []
    desk.run('UPDATE LEADS SET note = ? WHERE "Id" = 1', "spam")
    assert waiting(store) == ([] if where is None else [("1", "edited")])


def test_triggers_can_be_printed_and_run_again(desk: Desk) -> None:
    """Those of a mapping that changed take the place of the ones before."""
    desk.watched(mapping(None, None))
    [store] = desk.watched(mapping("note IS NULL", None))
    desk.run('INSERT INTO LEADS ("Id", note) VALUES (1, ?), (2, NULL)', "spam")
    assert waiting(store) == [("2", "edited")]


def test_a_store_without_a_queue_gets_no_triggers(desk: Desk) -> None:
    """They would fail whoever edits a lead: the message says what makes it."""
    with pytest.raises(StoreError, match="leadfold index build"):
        desk.opened(mapping(None, None)).trigger_sql()


def test_who_edits_leads_needs_no_rights_on_the_queue(postgres_dsn: str) -> None:
    """The function writes there with its owner's."""
    with postgres_desk(postgres_dsn) as desk:
        [store] = desk.watched(mapping("note IS NULL", None))
        desk.run("CREATE ROLE leadfold_clerk")
        desk.run("GRANT INSERT ON LEADS TO leadfold_clerk")
        [(schema,)] = desk.run("SELECT current_schema()")
        desk.run(f"GRANT USAGE ON SCHEMA {schema} TO leadfold_clerk")
        desk.run("SET ROLE leadfold_clerk")
        desk.run('INSERT INTO LEADS ("Id") VALUES (1)')
        desk.run("RESET ROLE")
        desk.run("DROP OWNED BY leadfold_clerk")
        desk.run("DROP ROLE leadfold_clerk")
        assert waiting(store) == [("1", "edited")]
