"""How a commit reaches a PostgreSQL server: few statements, and every text as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import backfill
from leadfold.model import Identifier
from leadfold.repositories.postgres import PostgresRepository
from leadfold.testing.changesets import link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import read_customers, read_holders
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import Unit
    from leadfold.testing.changesets import Basis
    from repositories.postgres_stores import Place

MOST = 20
X, Y = Identifier("phone", "+12125550143"), Identifier("email", "y@example.com")

AWKWARD = (
    "a\tb",
    "a\nb",
    "a\r\nb",
    r"a\nb",
    "\\",
    r"\N",
    r"\.",
    "\x01\x1f\x7f",
    'a "b" c',
    "…ü\u2028",
)


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with a few leads."""
    with new_place(postgres_dsn) as place:
        place.run("""INSERT INTO "Lead" (id) SELECT 'l' || n FROM generate_series(0, 19) AS n""")
        yield place


@pytest.fixture
def repository(place: Place) -> Iterator[PostgresRepository]:
    """Return a repository over it."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        yield repository


def founding(basis: Basis, number: int, *held: Identifier, **row: object) -> Unit:
    """Return the unit that makes a customer for a lead, and indexes what it held."""
    return basis.unit(
        number,
        new_customer(f"c{number}", **row),
        link(f"l{number}", f"c{number}"),
        reindex(f"l{number}", *held),
    )


class Tracing(psycopg.Cursor[tuple[object, ...]]):
    """A cursor that counts, for all of them, what they send."""

    sent = 0

    def execute(self, *args: object, **kwargs: object) -> Tracing:
        """Count a statement, and send it."""
        Tracing.sent += 1
        return super().execute(*args, **kwargs)  # type: ignore[call-overload, no-any-return]

    def copy(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        """Count a COPY, and begin it."""
        Tracing.sent += 1
        return super().copy(*args, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("leads", [1, 300])
def test_statements(place: Place, leads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply takes at most twenty, ledger and index included, whatever its size."""
    pools = pytest.importorskip("psycopg_pool")
    place.run(
        """INSERT INTO "Lead" (id, phone, email) SELECT 'n' || n, '21255501' || (10 + mod(n, 70)),
        'e' || n || '@example.com' FROM generate_series(1, %s) AS n""",
        leads,
    )
    place.run("""INSERT INTO "Job" (id, lead_id) SELECT 'j' || id, id FROM "Lead" """)
    with (
        pools.ConnectionPool(place.dsn, kwargs={"cursor_factory": Tracing}, open=True) as pool,
        PostgresRepository(pool, schema=place.own) as repository,
    ):
        plan = backfill.plan(repository)
        monkeypatch.setattr(Tracing, "sent", 0)
        report = backfill.apply(plan, repository)
        assert (report.stats.leads_linked, report.stats.jobs_linked) == (leads + 20, leads + 20)
        assert Tracing.sent == report.statements <= MOST


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text(repository: PostgresRepository, text: str) -> None:
    """A text with what COPY has a meaning for is written as it is, in the row and the ledger."""
    basis = read_basis(repository)
    units = [founding(basis, 1, name=text), founding(basis, 2, name="plain")]
    assert repository.commit(basis.changeset(*units)).failures == ()
    names = {customer.name for customer in read_customers(repository).values()}
    assert names == {text, "plain"}
    with repository.reading() as reader:
        entries = {each.row: each.after for each in reader.entries("run-1")}
    told = entries["c1"]
    assert isinstance(told, dict)
    assert told["name"] == text


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_record(repository: PostgresRepository, text: str) -> None:
    """So is the id of a record, which stands in no JSON."""
    basis = read_basis(repository)
    units = [basis.unit(1, reindex(text)), basis.unit(2, reindex("l2", X))]
    assert repository.commit(basis.changeset(*units)).failures == ()
    with repository.reading() as reader:
        assert (reader.recorded(text), reader.recorded("l2")) == ((), (X,))


def test_awkward_id(place: Place, repository: PostgresRepository) -> None:
    """A lead whose id looks like COPY's sign for nothing is linked as any other."""
    place.run("""INSERT INTO "Lead" (id, phone) VALUES (%s, '2125550143')""", r"\N")
    backfill.apply(backfill.plan(repository), repository)
    assert place.run("""SELECT count(*) FROM "Lead" WHERE customer_id IS NULL""") == [(0,)]


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800"])
def test_text_that_cannot_be_stored(repository: PostgresRepository, text: str) -> None:
    """Its unit is left out, and no other: not those that are copied with it."""
    basis = read_basis(repository)
    names = {0: "Ann", 1: text, 2: "Bob", 3: "C\\D"}
    units = [founding(basis, number, name=name) for number, name in names.items()]
    committed = repository.commit(basis.changeset(*units))
    assert [failure.unit for failure in committed.failures] == [1]
    found = {customer.name for customer in read_customers(repository).values()}
    assert found == {"Ann", "Bob", "C\\D"}


def test_first_index_of_shared_values(repository: PostgresRepository) -> None:
    """What several units of the first run hold has one claim, and all of them as holders."""
    basis = read_basis(repository)
    units = [founding(basis, 1, X, Y), founding(basis, 2, X)]
    assert repository.commit(basis.changeset(*units)).failures == ()
    holders = read_holders(repository, X, Y)
    assert holders.records == {"l1": (Y, X), "l2": (X,)}


def test_first_index_in_parts(place: Place, repository: PostgresRepository) -> None:
    """Where a unit is at fault, what the first run shares is indexed part by part."""
    place.run("""ALTER TABLE "Customer" ADD CHECK (name <> 'bad')""")
    basis = read_basis(repository)
    names = ["Ann", "bad", "Bob", "Cid"]
    units = [founding(basis, number, X, name=name) for number, name in enumerate(names)]
    committed = repository.commit(basis.changeset(*units))
    assert [failure.unit for failure in committed.failures] == [1]
    assert read_holders(repository, X).records.keys() == {"l0", "l2", "l3"}


def test_records_that_held_nothing(repository: PostgresRepository) -> None:
    """What was seen before any value had a holder can hold one later, alone or with others."""
    basis = read_basis(repository)
    units = [basis.unit(number, reindex(f"l{number}")) for number in range(3)]
    assert repository.commit(basis.changeset(*units)).failures == ()
    basis = read_basis(repository)
    again = [basis.unit(0, reindex("l0", X))]
    committed = repository.commit(basis.changeset(*again, run=run_of("run-2")))
    assert committed.failures == ()
    assert read_holders(repository, X).records == {"l0": (X,)}


def test_later_index(repository: PostgresRepository) -> None:
    """A run after the first adds to what is held, and takes away what is held no more."""
    basis = read_basis(repository)
    repository.commit(basis.changeset(founding(basis, 1, X), founding(basis, 2, X)))
    basis = read_basis(repository)
    units = [basis.unit(1, reindex("l1", Y)), founding(basis, 3, X)]
    committed = repository.commit(basis.changeset(*units, run=run_of("run-2")))
    assert committed.failures == ()
    assert read_holders(repository, X, Y).records == {"l1": (Y,), "l2": (X,), "l3": (X,)}
