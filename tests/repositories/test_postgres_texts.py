"""Texts that are hard to store: NUL, no UTF-8, very long ones, ids that differ in case alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadfold import Policy, backfill
from leadfold.exceptions import StoreError
from leadfold.model import Identifier
from leadfold.repositories.mapping import LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.testing.changesets import link, new_customer, read_basis, reindex
from repositories.postgres_pictures import picture
from repositories.postgres_stores import new_database, new_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import Change
    from repositories.postgres_stores import Place

DIGITS = "".join(random.Random(1).choices("0123456789", k=10_000))  # noqa: S311 - example


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with the usual tables."""
    with new_place(postgres_dsn) as place:
        yield place


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(new_customer("c2", name="A\0nn"), id="NUL in a name"),
        pytest.param(new_customer("c2", metadata={"key": "a\0b"}), id="NUL in metadata"),
        pytest.param(new_customer("c2", name="A\ud800nn"), id="half a character"),
        pytest.param(reindex("l2", Identifier("email", "a\0b@c.co")), id="NUL in an identifier"),
        pytest.param(reindex("l2", Identifier("psid", DIGITS)), id="10,000 characters"),
    ],
)
def test_a_text_that_cannot_be_stored_costs_its_unit_alone(place: Place, change: Change) -> None:
    """The unit is left out and says why, without the text; its neighbours are written."""
    place.run("""INSERT INTO "Lead" (id) VALUES ('l1'), ('l2'), ('l3')""")
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        basis = read_basis(repository)
        others = [] if "c2" in repr(change) else [new_customer("c2")]
        units = [
            basis.founding(1, "l1", "c1"),
            basis.unit(2, *others, change, link("l2", "c2")),
            basis.founding(3, "l3", "c3"),
        ]
        committed = repository.commit(basis.changeset(*units))
        assert [each.unit for each in committed.failures] == [2]
        assert "\0" not in committed.failures[0].message
        assert DIGITS[:20] not in committed.failures[0].message
    linked = place.run('SELECT id FROM "Lead" WHERE customer_id IS NOT NULL ORDER BY id')
    assert linked == [("l1",), ("l3",)]
    assert place.run('SELECT count(*) FROM "Customer"') == [(2,)]


def test_a_psid_of_ten_thousand_characters(place: Place) -> None:
    """The policy rejects it and says so: the leads are customers by themselves, and indexed."""
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        insert = 'INSERT INTO "Lead" (id, "messengerPsid") VALUES (%s, %s)'
        for row in (("l1", DIGITS), ("l2", DIGITS), ("l3", "7" * 10_000)):
            connection.execute(insert, row)
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        assert report.stats.extra["rejected"] == 3
        assert backfill.validate(repository, Policy.keyed()).ok
    assert place.run('SELECT count(DISTINCT customer_id) FROM "Lead"') == [(3,)]


def test_ids_that_differ_in_case_alone(place: Place) -> None:
    """They are ids of three leads, and of three customers."""
    place.run("""INSERT INTO "Lead" (id) VALUES ('Ab'), ('aB'), ('AB')""")
    names = iter(["x", "X", "é"])
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        plan = backfill.plan(repository, Policy.keyed(), new_id=lambda: next(names))
        report = backfill.apply(plan, repository)
        with repository.reading() as reader:
            [batch] = reader.leads(["AB", "ab"])
            assert batch.ids == ("AB",)
        assert report.stats.leads_linked == 3
        assert backfill.validate(repository, Policy.keyed()).ok
        backfill.rollback(report.run_id, repository)
    assert place.run('SELECT count(customer_id) FROM "Lead"') == [(0,)]


@pytest.fixture
def no_encoding(postgres_dsn: str) -> Iterator[str]:
    """Make a database that takes any bytes for text, with two leads of one person."""
    with new_database(postgres_dsn, "ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'") as dsn:
        with psycopg.connect(dsn, autocommit=True, client_encoding="utf8") as connection:
            connection.execute(
                """INSERT INTO "Lead" (id, name, phone) VALUES
                ('l1', 'Zoë', '2125550143'), ('l2', 'Ann', '212 555 0143')"""
            )
        yield dsn


def write_bytes(dsn: str) -> None:
    """Add a lead whose name is no UTF-8."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(rb"""INSERT INTO "Lead" (id, name) VALUES ('l3', E'Zo\xeb')""")


def test_a_database_without_an_encoding(no_encoding: str) -> None:
    """What is UTF-8 in it is read and written as such."""
    with PostgresRepository(no_encoding) as repository:
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        assert (report.stats.customers_created, report.failures) == (1, ())
        assert backfill.validate(repository, Policy.keyed()).ok
    with psycopg.connect(no_encoding, client_encoding="utf8") as connection:
        names = connection.execute('SELECT name FROM "Customer"').fetchall()
    assert names in ([("Zoë",)], [("Ann",)])


def test_bytes_that_are_no_text_are_told_of(no_encoding: str) -> None:
    """Nothing is written; the message says what to do, and with that all goes well."""
    write_bytes(no_encoding)
    before = picture_of_bytes(no_encoding)
    with (
        PostgresRepository(no_encoding) as repository,
        pytest.raises(StoreError, match=r"no valid UTF-8: .* the mapping's where"),
    ):
        backfill.plan(repository, Policy.keyed())
    assert picture_of_bytes(no_encoding) == before
    mapping = StoreMapping(lead=LeadTable(where="id <> 'l3'"))
    with PostgresRepository(no_encoding, mapping=mapping) as repository:
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        assert report.stats.leads_linked == 2


def picture_of_bytes(dsn: str) -> object:
    """Return a picture that has a character for each byte of a text."""
    return picture(make_conninfo(dsn, client_encoding="LATIN1"))


def test_a_connection_that_gives_bytes_is_refused(no_encoding: str) -> None:
    """A caller's connection is read as it is set: where that gives bytes, the way out is named."""
    with psycopg.connect(no_encoding) as connection:
        repository = PostgresRepository(connection)
        with pytest.raises(StoreError, match="client_encoding to UTF8"):
            backfill.plan(repository, Policy.keyed())
    with psycopg.connect(no_encoding, client_encoding="utf8") as connection:
        repository = PostgresRepository(connection)
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        assert report.stats.leads_linked == 2


def test_an_encoding_that_cannot_hold_it_all(postgres_dsn: str) -> None:
    """In a database that lacks a character leadfold has to write, nothing is written."""
    with new_database(postgres_dsn, "ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("""INSERT INTO "Lead" (id, phone) VALUES ('l1', '2125550143')""")
        before = picture(dsn)
        with PostgresRepository(dsn) as repository:
            plan = backfill.plan(repository, Policy.keyed())
            with pytest.raises(StoreError, match='no equivalent in encoding "LATIN1"'):
                backfill.apply(plan, repository)
        assert picture(dsn) == before
