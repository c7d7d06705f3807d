"""A customer retires while the application writes rows that refer to it: none of them is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import Lead, Policy, Resolver, backfill, customers
from leadfold.repositories.postgres import PostgresRepository
from repositories.postgres_stores import before_statement, new_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repositories.postgres_stores import Place

PHONES = {"old": "+12125550143", "young": "+12125550144"}
DELETION = """"Customer" AS row
USING"""


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a store of two customers, of one lead each."""
    with new_place(postgres_dsn) as place, PostgresRepository(place.dsn, schema=place.own) as crm:
        for year, (lead, phone) in enumerate(PHONES.items(), 2020):
            place.run(
                'INSERT INTO "Lead" (id, phone, created_at) VALUES (%s, %s, make_date(%s, 1, 1))',
                lead,
                phone,
                year,
            )
        backfill.apply(backfill.plan(crm, Policy.linked(), mode="reconcile"), crm)
        yield place


def resolving(place: Place, crm: PostgresRepository) -> None:
    """Let a lead come that is both of them."""
    place.run(
        """INSERT INTO "Lead" (id, phone, email) VALUES ('both', %s, 'ann@mailbox.org')""",
        PHONES["old"],
    )
    place.run("""UPDATE "Lead" SET email = 'ann@mailbox.org' WHERE id = 'young'""")
    Resolver(crm, Policy.linked(), "reconcile").resolve_many([Lead("both"), Lead("young")])


def merging(place: Place, crm: PostgresRepository) -> None:
    """Let a person say so."""
    links = linked(place)
    customers.merge(crm, links["old"], links["young"])


@pytest.mark.parametrize("merge", [resolving, merging])
def test_a_row_that_was_written_meanwhile_is_moved(
    place: Place,
    merge: Callable[[Place, PostgresRepository], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The application had written it, and commits when the customer is about to go."""
    with (
        psycopg.connect(place.dsn) as application,
        PostgresRepository(place.dsn, schema=place.own) as crm,
    ):
        refer(application, linked(place)["young"])
        committed = before_statement(monkeypatch, "FOR UPDATE OF row", application.commit)
        merge(place, crm)
    assert committed
    links = linked(place)
    assert links["young"] == links["old"]
    assert place.run('SELECT customer_id FROM "CustomerAddress"') == [(links["old"],)]


@pytest.mark.parametrize("merge", [resolving, merging])
def test_no_row_comes_to_refer_to_a_customer_that_goes(
    place: Place,
    merge: Callable[[Place, PostgresRepository], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who writes one too late waits, and is told that the customer is gone."""
    gone = linked(place)["young"]

    def write_too_late() -> None:
        with psycopg.connect(place.dsn) as application:
            application.execute("SET lock_timeout = '1ms'")  # whoever waits here waits for us
            with pytest.raises(psycopg.errors.LockNotAvailable):
                refer(application, gone)

    with PostgresRepository(place.dsn, schema=place.own) as crm:
        tried = before_statement(monkeypatch, DELETION, write_too_late)
        merge(place, crm)
    assert tried
    assert linked(place)["young"] != gone


def refer(application: psycopg.Connection, customer: object) -> None:
    """Insert a row that goes where its customer goes."""
    application.execute(
        """INSERT INTO "CustomerAddress" (id, customer_id, address) VALUES ('a', %s, 'Main St')""",
        [customer],
    )


def linked(place: Place) -> dict[str, str]:
    """Return the customer of each lead."""
    rows = place.run('SELECT id, customer_id FROM "Lead"')
    return {str(lead): str(customer) for lead, customer in rows}
