"""Decisions of a resolver in PostgreSQL: two round trips to write one, beside each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Literal

import psycopg
import pytest
from psycopg import sql

from leadfold import IdentifierRule, Lead, Policy, Resolver, backfill, group
from leadfold.exceptions import RetryableError, StalePlanError
from leadfold.repositories.mapping import LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.castable import cast_where_castable
from leadfold.repositories.postgres.schema import lock
from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.steps import Together
from leadfold.resolver import refresh_index
from leadfold.resolving import closure
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.postgres.steps import Answer, Step
    from repositories.postgres_stores import Place

PHONES = [f"21255501{number:02}" for number in range(30)]
EMAILS = [f"p{number}@mailbox.org" for number in range(20)]
WORKERS = 8
INSERT: LiteralString = (
    """INSERT INTO "Lead" (id, "messengerPsid", phone, email) VALUES (%s, %s, %s, %s)"""
)
SHORT = 0.2
"""Seconds that are waited for who does not let go."""


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with one lead, and an index of it."""
    with new_place(postgres_dsn) as place:
        add(place, "first", phone="2125550199")
        with PostgresRepository(place.dsn, schema=place.own) as repository:
            refresh_index(repository)
        yield place


def add(place: Place, lead_id: str, **cells: str | None) -> Lead:
    """Insert a lead as the application does."""
    lead = Lead(lead_id, cells.get("psid"), cells.get("phone"), cells.get("email"))
    place.run(INSERT, lead.id, lead.psid, lead.phone, lead.email)
    return lead


def customers(place: Place) -> dict[object, object]:
    """Return the customer of each lead."""
    return dict(place.run('SELECT id, customer_id FROM "Lead"'))  # type: ignore[arg-type]


def runs(place: Place) -> list[object]:
    """Return the ids of the runs that decisions were written under."""
    with PostgresRepository(place.dsn, schema=place.own) as repository, repository.reading() as one:
        return [run.id for run in one.runs() if run.action == "resolve_lead"]


def listening(patch: pytest.MonkeyPatch) -> list[Step]:
    """Return the steps that sessions perform from now on, as they come."""
    steps: list[Step] = []
    perform = Session.perform

    def heard(session: Session, step: Step) -> Answer:
        steps.append(step)
        return perform(session, step)

    patch.setattr(Session, "perform", heard)
    return steps


class Traced(PostgresRepository):
    """Keeps what each commit asked the server to do."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes*, listening."""
        with pytest.MonkeyPatch.context() as patch:
            self.heard = listening(patch)
            return super().commit(changes)


def test_a_decision_is_written_in_two_round_trips(place: Place) -> None:
    """COMMIT not counted: of a lead whose identifiers are new, or belong to one customer."""
    with Traced(place.dsn, schema=place.own) as repository:
        resolver = Resolver(repository)
        resolver.resolve(add(place, "a", phone=PHONES[0], email=EMAILS[0]))  # begins the run
        place.run("""INSERT INTO "Job" (id, lead_id) VALUES ('j', 'a')""")
        cases = {"b": (PHONES[1], "created"), "c": (PHONES[0], "attached")}
        for lead, (phone, outcome) in cases.items():
            found = resolver.resolve(add(place, lead, phone=phone, email=EMAILS[2]))
            assert found.outcome == outcome
            assert len(repository.heard) == 3
    assert len(runs(place)) == 1
    assert place.run('SELECT count(*) FROM "Audit"') == [(1,)]


@pytest.mark.parametrize(
    ("strategy", "each"),
    [("keyed", 8), ("linked", 8), pytest.param("linked", 2500, marks=pytest.mark.full)],
)
def test_many_at_once_end_as_the_batch(
    place: Place, strategy: Literal["keyed", "linked"], each: int
) -> None:
    """Whoever shares a value with whom, and whoever is first: the links equal the grouping."""
    dice = Random(each)  # noqa: S311 - a test's dice
    policy = Policy.keyed() if strategy == "keyed" else Policy.linked()
    many = WORKERS * each
    leads = [
        Lead(
            f"l{number}",
            dice.choice([None, None, f"24000000000{dice.randrange(many // 4):06}"]),
            dice.choice([None, f"212556{dice.randrange(many // 2):04}"]),
            dice.choice([None, f"p{dice.randrange(many // 2)}@mailbox.org"]),
        )
        for number in range(many)
    ]

    def work(mine: list[Lead]) -> Counter[str]:
        told = Counter[str]()
        with (
            PostgresRepository(place.dsn, schema=place.own, lock_timeout=60) as repository,
            psycopg.connect(place.dsn, autocommit=True) as application,
        ):
            resolver = Resolver(repository, policy, "reconcile")
            for lead in mine:
                application.execute(INSERT, (lead.id, lead.psid, lead.phone, lead.email))
                told[resolver.resolve(lead).outcome] += 1
        return told

    with PostgresRepository(place.dsn, schema=place.own) as repository:
        refresh_index(repository, policy)
    with ThreadPoolExecutor(WORKERS) as pool:
        told = sum(pool.map(work, [leads[worker::WORKERS] for worker in range(WORKERS)]), Counter())
    print(f"{len(leads)} leads: {told}, {len(runs(place))} run(s)")  # noqa: T201 - pytest -s shows it
    parts = defaultdict(set)
    for lead_id, customer in customers(place).items():
        if lead_id != "first":
            parts[customer].add(lead_id)
    expected = {frozenset(found.lead_ids) for found in group(leads, policy).groups}
    assert {frozenset(part) for part in parts.values()} == expected
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        Resolver(repository, policy, "reconcile").resolve(Lead("first"))
        assert not list(backfill.plan(repository, policy, mode="reconcile").units)


def test_a_store_that_is_held_is_busy(place: Place) -> None:
    """A backfill that takes long: nothing is written, and the lead can be resolved after it."""
    lead = add(place, "a", phone=PHONES[0])
    with PostgresRepository(place.dsn, schema=place.own, lock_timeout=SHORT) as repository:
        resolver = Resolver(repository)
        with psycopg.connect(place.dsn) as other:
            Session(other).perform(lock(place.own, ""))
            found = resolver.resolve(lead)
            assert (found.outcome, found.customer_id, found.events) == ("busy", None, ())
        assert customers(place)["a"] is None
        assert resolver.resolve(lead).outcome == "created"


def test_a_value_that_is_held_is_busy(place: Place) -> None:
    """In a transaction that stays open; other values are not, and the caller's goes on."""
    one, same, other = (
        add(place, "a", phone=PHONES[0]),
        add(place, "b", phone=PHONES[0]),
        add(place, "c", phone=PHONES[1]),
    )
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        Resolver(repository).resolve(add(place, "z", phone=PHONES[9]))  # begins the run
    with psycopg.connect(place.dsn) as first, psycopg.connect(place.dsn) as second:
        held = Resolver(PostgresRepository(first, schema=place.own)).resolve(one)
        second.execute("SET lock_timeout = '200ms'")
        resolver = Resolver(PostgresRepository(second, schema=place.own))
        assert resolver.resolve(same).outcome == "busy"
        assert resolver.resolve(other).outcome == "created"
        first.commit()
        assert resolver.resolve(same).customer_id == held.customer_id
    assert len(set(customers(place).values())) == 5 - 1
    assert len(runs(place)) == 1


def test_nobody_waits_for_a_run_that_is_begun(place: Place) -> None:
    """The first decision of a day may be made in a transaction that stays open."""
    one, other = add(place, "a", phone=PHONES[0]), add(place, "b", phone=PHONES[1])
    with psycopg.connect(place.dsn) as first:
        Resolver(PostgresRepository(first, schema=place.own)).resolve(one)
        with PostgresRepository(place.dsn, schema=place.own) as repository:
            assert Resolver(repository).resolve(other).outcome == "created"
    second, begun = runs(place)
    assert second == f"{begun}-2"


def test_the_callers_transaction_survives_a_faster_one(place: Place) -> None:
    """Only what the resolver wrote is undone; the caller decides what becomes of the rest."""
    lead, rival = add(place, "a", phone=PHONES[0]), add(place, "b", phone=PHONES[0])

    class Slow(PostgresRepository):
        def commit(self, changes: ChangeSet) -> Committed:
            with PostgresRepository(place.dsn, schema=place.own) as other:
                Resolver(other).resolve(rival)
            return super().commit(changes)

    with psycopg.connect(place.dsn) as mine:
        mine.execute("""INSERT INTO "Job" (id, lead_id) VALUES ('j', 'a')""")
        with pytest.raises(RetryableError, match="others wrote what this rests on"):
            Resolver(Slow(mine, schema=place.own)).resolve(lead)
        found = Resolver(PostgresRepository(mine, schema=place.own)).resolve(lead)
        assert found.outcome == "attached"
    assert customers(place)["a"] == customers(place)["b"]


def test_decisions_of_one_transaction_tell_their_claims_apart(place: Place) -> None:
    """A plan made between two of them stands, but for what the later one changed."""
    with psycopg.connect(place.dsn) as mine:
        repository = PostgresRepository(mine, schema=place.own)
        resolver = Resolver(repository)
        resolver.resolve(add(place, "a", phone=PHONES[0]))
        add(place, "b", phone=PHONES[0])
        plan, late = backfill.plan(repository), backfill.plan(repository)
        resolver.resolve(add(place, "c", phone=PHONES[1]))
        assert backfill.apply(plan, repository).stats.leads_linked == 2
        with pytest.raises(StalePlanError):
            backfill.apply(late, repository)


def test_claims_of_another_cluster_are_old(place: Place) -> None:
    """A dump has the transactions of where it was made: none of them is still to come."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        Resolver(repository).resolve(add(place, "a", phone=PHONES[0]))
        with psycopg.connect(place.dsn, autocommit=True) as other:
            other.execute(f"UPDATE {place.own}.identity SET version = {2**60}")  # noqa: S608 - a name of the test's
        found = Resolver(repository).resolve(add(place, "b", phone=PHONES[0]))
        assert (found.outcome, found.customer_id) == ("attached", customers(place)["a"])
        add(place, "c", phone=PHONES[0])
        assert backfill.apply(backfill.plan(repository), repository).stats.leads_linked == 2


def test_a_plan_of_another_cluster_is_stale(place: Place) -> None:
    """What it could not see cannot be told from what it saw."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        Resolver(repository).resolve(add(place, "a", phone=PHONES[0]))
        add(place, "b", phone=PHONES[0])
        plan = backfill.plan(repository)
        object.__setattr__(plan, "claims_at", f"{2**40 + 3}:{2**40 + 3}:")
        with pytest.raises(StalePlanError):
            backfill.apply(plan, repository)


def test_tables_that_changed_are_looked_at_again(place: Place) -> None:
    """A column that is of another type now is met by the next decision."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        resolver = Resolver(repository)
        resolver.resolve(add(place, "a", phone=PHONES[0]))
        place.run('ALTER TABLE "Customer" ALTER COLUMN metadata TYPE json')
        assert resolver.resolve(add(place, "b", phone=PHONES[1])).outcome == "created"


def test_a_request_knows_what_was_seen_of_the_tables(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over its connection the same store looks up and writes; no catalog is read again."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        for lead in (Lead("first"), add(place, "second", phone="2125550177")):
            Resolver(repository).resolve(lead)
        steps = listening(monkeypatch)
        with psycopg.connect(place.dsn) as connection:
            resolver = Resolver(repository.over(connection))
            found = resolver.resolve(Lead("third", phone="(212) 555-0199"))
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
            connection.rollback()
    assert found.outcome == "attached"
    assert not [step for step in steps if "pg_class" in str(step)]
    assert found.customer_id in customers(place).values()


def test_a_decision_takes_four_round_trips(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two to look and two to write, where a lead is of nobody or of one customer."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        resolver = Resolver(repository, Policy.linked())
        refresh_index(repository, Policy.linked())
        resolver.resolve(add(place, "second", phone="2125550177", email="p1@mailbox.org"))
        steps = listening(monkeypatch)
        trips = []
        for lead_id, phone in (("nobody's", "2125550188"), ("second's", "2125550177")):
            steps.clear()
            resolver.resolve(add(place, lead_id, phone=phone, email=f"{lead_id}@mailbox.org"))
            ends = [
                each for each in steps if _text(each).startswith(("BEGIN", "COMMIT", "ROLLBACK"))
            ]
            trips.append(len(steps) - len(ends))
    assert max(trips) <= 4


def _text(step: Step) -> str:
    """Return the text of a single statement; of several that travel together, none."""
    return "" if isinstance(step, Together) else step.query.as_string(None)


def test_what_was_cut_is_told_again_beside_a_second_look(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crowded value that is left out, and met again where all holders of another are read."""
    monkeypatch.setattr(closure, "FEW", 4)
    rules = [
        IdentifierRule("psid"),
        IdentifierRule("phone"),
        IdentifierRule("email", generic_after=2),
    ]
    policy = Policy.linked(identifiers=rules)
    email, phone = "ann@mailbox.org", "2125550143"
    for number in range(6):
        add(place, f"l{number}", psid=f"2400000000000000{number}", email=email)
        add(place, f"m{number}", phone=phone, email=None if number else email)
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        backfill.apply(backfill.plan(repository, policy, mode="reconcile"), repository)
        lead = add(place, "n", phone=phone, email=email)
        assert Resolver(repository, policy, "reconcile").resolve(lead).outcome == "attached"
        assert not list(backfill.plan(repository, policy, mode="reconcile").units)


def test_leads_that_do_not_take_part_hide_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a customer with many of them, those that do are all told, or it is told to be crowded."""
    monkeypatch.setattr(closure, "FEW", 2)
    mapping = StoreMapping(lead=LeadTable(where="stage IS DISTINCT FROM 'spam'"))
    place.run("""INSERT INTO "Customer" (id) VALUES ('c')""")
    for number in range(5):
        add(place, f"a{number}", phone=PHONES[0])
    add(place, "z1", phone=PHONES[1])
    add(place, "z2", phone=PHONES[1])
    place.run(
        """UPDATE "Lead" SET customer_id = 'c', stage = CASE WHEN id LIKE 'a%%' THEN 'spam' END"""
    )
    with (
        PostgresRepository(place.dsn, schema=place.own, mapping=mapping) as repository,
        repository.reading() as reader,
    ):
        near = reader.around([], [], ["c"], at_most=3)
    assert not near.crowded
    assert {lead for batch in near.leads for lead in batch.ids} == {"first", "z1", "z2"}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("1234567890123456789", 1234567890123456789),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ("9223372036854775808", None),
        ("007", None),
        ("customer:1", None),
    ],
)
def test_a_text_is_looked_up_as_the_number_that_it_is(
    place: Place, text: str, held: int | None
) -> None:
    """Ids have up to nineteen digits; what no column can hold is nobody's, and no error."""
    number = cast_where_castable("told.id", sql.SQL("bigint"))
    query = sql.SQL("SELECT {} FROM (SELECT %s::text AS id) AS told").format(number)
    with psycopg.connect(place.dsn) as raw:
        assert raw.execute(query, [text]).fetchone() == (held,)
