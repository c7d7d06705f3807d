"""What only a server can do to a commit: end its connection, refuse rows, make it wait."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from leadfold import Policy, backfill
from leadfold.changes import Retire
from leadfold.exceptions import RetryableError, StoreError
from leadfold.model import Identifier
from leadfold.repositories.mapping import LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session
from leadfold.testing.changesets import follow, link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import read_runs, restored, written
from repositories.postgres_stores import contents, new_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import ChangeSet, Committed, Unit
    from leadfold.repositories.postgres.steps import Answer, Step
    from leadfold.testing.changesets import Basis
    from repositories.postgres_stores import Place


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with ten leads, a job for each."""
    with new_place(postgres_dsn) as place:
        place.run("""INSERT INTO "Lead" (id) SELECT 'l' || n FROM generate_series(0, 9) AS n""")
        place.run("""INSERT INTO "Job" (id, lead_id) SELECT 'j' || n, 'l' || n
            FROM generate_series(0, 9) AS n""")
        yield place


@pytest.fixture
def repository(place: Place) -> Iterator[PostgresRepository]:
    """Return a repository over it, with leadfold's tables made."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        repository.create_schema()
        yield repository


def founding(basis: Basis, number: int) -> Unit:
    """Return the unit that makes a customer for a lead, and indexes it."""
    return basis.unit(
        number,
        new_customer(f"c{number}", phone=f"+1555123{number:04}"),
        link(f"l{number}", f"c{number}"),
        follow("Job", f"l{number}", f"c{number}"),
        reindex(f"l{number}", Identifier("phone", f"+1555123{number:04}")),
    )


def foundings(repository: PostgresRepository, run_id: str = "run-1") -> ChangeSet:
    """Return the change set that makes a customer for each lead."""
    basis = read_basis(repository)
    return basis.changeset(*(founding(basis, number) for number in range(10)), run=run_of(run_id))


class Tripwire:
    """Lets something happen before a chosen step of a session, and counts the steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int | None = None) -> None:
        self.steps = 0
        self.at = at
        perform = Session.perform

        def counted(session: Session, step: Step) -> Answer:
            if self.steps == self.at:
                self.spring(session)
            self.steps += 1
            return perform(session, step)

        monkeypatch.setattr(Session, "perform", counted)

    def spring(self, session: Session) -> None:
        """End the session's connection, from another one."""
        pid = session.connection.info.backend_pid
        with psycopg.connect(session.connection.info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_backend_terminated_before_any_statement(
    place: Place, repository: PostgresRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever statement the connection is lost before, nothing at all was written."""
    changes = foundings(repository)
    before = contents(place)
    with monkeypatch.context() as patch:
        measured = Tripwire(patch)
        repository.commit(changes)
    after = contents(place)
    assert after != before
    assert measured.steps <= 20
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        for table in ("runs", "ledger", "identity", "records", "holders", "index_state"):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(place.own, table)))
        connection.execute('UPDATE "Job" SET customer_id = NULL')
        connection.execute('UPDATE "Lead" SET customer_id = NULL')
        connection.execute('DELETE FROM "Customer"; DELETE FROM "Audit"')
    for at in range(1, measured.steps):
        changes = foundings(repository)
        with monkeypatch.context() as patch:
            Tripwire(patch, at)
            with pytest.raises(StoreError):
                repository.commit(changes)
        assert contents(place) == before, f"terminated before statement {at}"
    repository.commit(foundings(repository))
    assert {name: len(rows) for name, rows in contents(place).items()} == {
        name: len(rows) for name, rows in after.items()
    }


def test_a_trigger_that_raises_leaves_out_its_unit(
    place: Place, repository: PostgresRepository
) -> None:
    """The unit that a trigger objects to is reported in the trigger's words; the rest is there."""
    place.run(
        """CREATE FUNCTION object() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.id = 'l7' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$"""
    )
    place.run(
        'CREATE TRIGGER objecting BEFORE UPDATE ON "Lead" FOR EACH ROW EXECUTE FUNCTION object()'
    )
    committed = repository.commit(foundings(repository))
    assert [(each.unit, each.message) for each in committed.failures] == [(7, "not this one")]
    linked = place.run('SELECT id FROM "Lead" WHERE customer_id IS NOT NULL ORDER BY id')
    assert [row for (row,) in linked] == [f"l{n}" for n in range(10) if n != 7]
    assert committed.stats.customers_created == committed.stats.jobs_linked == 9


def test_a_trigger_that_hides_a_row_leaves_out_its_unit(
    place: Place, repository: PostgresRepository
) -> None:
    """A row that a trigger quietly leaves out is not claimed by the ledger."""
    place.run(
        """CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.id = 'c3' THEN RETURN NULL; END IF; RETURN NEW; END $$"""
    )
    place.run(
        'CREATE TRIGGER hiding BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION hide()'
    )
    committed = repository.commit(foundings(repository))
    assert [each.unit for each in committed.failures] == [3]


def test_a_unique_index_on_an_expression(place: Place, repository: PostgresRepository) -> None:
    """What leadfold cannot see through leaves out the second unit, and no value is told."""
    place.run("""CREATE UNIQUE INDEX endings ON "Customer" ((right(phone, 1)))""")
    place.run("""INSERT INTO "Customer" (id, phone) VALUES ('theirs', 'x4')""")
    committed = repository.commit(foundings(repository))
    assert [each.unit for each in committed.failures] == [4]
    assert "endings" in committed.failures[0].message
    assert "0004" not in committed.failures[0].message


def test_deferred_constraints_are_made_immediate(
    place: Place, repository: PostgresRepository
) -> None:
    """A constraint that would object only at the end objects to its unit."""
    place.run(
        """ALTER TABLE "Lead" ADD CONSTRAINT later FOREIGN KEY (stage) REFERENCES "Customer" (id)
        DEFERRABLE INITIALLY DEFERRED"""
    )
    place.run(
        """CREATE FUNCTION stage() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.id = 'l2' THEN NEW.stage := 'nobody'; END IF; RETURN NEW; END $$"""
    )
    place.run(
        'CREATE TRIGGER staging BEFORE UPDATE ON "Lead" FOR EACH ROW EXECUTE FUNCTION stage()'
    )
    committed = repository.commit(foundings(repository))
    assert [each.unit for each in committed.failures] == [2]


def test_a_lock_that_is_not_had_in_time(place: Place, repository: PostgresRepository) -> None:
    """With lock_timeout a commit gives up, says that it may be tried again, and wrote nothing."""
    changes = foundings(repository)
    before = contents(place)
    dsn = psycopg.conninfo.make_conninfo(
        place.dsn, options=f"-csearch_path={place.schema} -clock_timeout=100"
    )
    with (
        psycopg.connect(place.dsn) as other,
        PostgresRepository(dsn, schema=place.own) as impatient,
    ):
        other.execute("""UPDATE "Lead" SET name = 'theirs' WHERE id = 'l5'""")
        with pytest.raises(RetryableError, match="in use"):
            impatient.commit(changes)
        other.rollback()
    assert contents(place) == before


def test_the_second_of_two_backfills_waits_and_is_refused(
    place: Place, repository: PostgresRepository
) -> None:
    """Of two plans for the same leads the first is written, the other is told what changed."""
    first, second = foundings(repository), foundings(repository, "run-2")
    outcomes: list[object] = []

    def apply(changes: ChangeSet) -> None:
        try:
            outcomes.append(repository.commit(changes))
        except StoreError as e:
            outcomes.append(e)

    threads = [threading.Thread(target=apply, args=[each]) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Committed", "StalePlanError"]
    assert place.run('SELECT count(*) FROM "Customer"') == [(10,)]
    assert len(read_runs(repository)) == 1


def test_a_deadlock_is_tried_once_more(place: Place, repository: PostgresRepository) -> None:
    """A commit that has to give way to another transaction goes on once that one has ended."""
    changes = foundings(repository)
    committed: list[Committed] = []
    with (
        psycopg.connect(place.dsn) as other,
        psycopg.connect(place.dsn, autocommit=True) as watcher,
    ):
        other.execute("SET deadlock_timeout = '30s'")  # it is the commit that has to give way
        other.execute("""UPDATE "Lead" SET name = 'theirs' WHERE id = 'l9'""")
        thread = threading.Thread(target=lambda: committed.append(repository.commit(changes)))
        thread.start()
        blocked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        while not watcher.execute(blocked, [other.info.backend_pid]).fetchall():
            time.sleep(0.01)
        other.execute("""INSERT INTO "Customer" (id) VALUES ('c5')""")
        other.rollback()
        thread.join()
    assert [each.failures for each in committed] == [()]
    assert place.run('SELECT count(customer_id) FROM "Lead"') == [(10,)]


@pytest.mark.parametrize(
    "name", ['x"; DROP TABLE "Job"; --', "100% %s {lead.id}", "a.b", "Ünï'code", " "]
)
def test_a_hostile_table_name_is_a_name(place: Place, name: str) -> None:
    """Whatever characters a table and a column have, they are read and written."""
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        rename = sql.SQL('ALTER TABLE "Lead" RENAME TO {}')
        connection.execute(rename.format(sql.Identifier(name)))
        rename = sql.SQL("ALTER TABLE {} RENAME COLUMN phone TO {}")
        connection.execute(rename.format(sql.Identifier(name), sql.Identifier(name)))
    mapping = StoreMapping(lead=LeadTable(table=name, identifiers={"phone": name}))
    with PostgresRepository(place.dsn, mapping=mapping, schema=place.own) as repository:
        assert repository.commit(foundings(repository)).failures == ()
        assert (
            repository.commit(read_basis(repository).changeset(run=run_of("run-2"))).statements
            <= 20
        )
    assert place.run('SELECT count(customer_id) FROM "Job"') == [(10,)]


def test_a_role_that_may_not_make_schemas_is_told_the_way(place: Place) -> None:
    """The message names what is missing and the command that prints the script."""
    role = f"{place.schema}_role"
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        names = {"role": sql.Identifier(role), "schema": sql.Identifier(place.schema)}
        for text in (
            "CREATE ROLE {role} LOGIN",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}",
        ):
            connection.execute(sql.SQL(text).format(**names))
        try:
            dsn = psycopg.conninfo.make_conninfo(place.dsn, user=role)
            with (
                PostgresRepository(dsn, schema=place.own) as repository,
                pytest.raises(StoreError, match="leadfold schema STORE --print"),
            ):
                repository.commit(foundings(repository))
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            connection.execute(sql.SQL("DROP ROLE {role}").format(**names))
    assert place.run('SELECT count(*) FROM "Customer"') == [(0,)]


def test_a_missing_privilege_is_named(place: Place, repository: PostgresRepository) -> None:
    """A table that may not be written is named; nothing was written."""
    role = f"{place.schema}_role"
    changes = foundings(repository)
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        names = {
            "role": sql.Identifier(role),
            "schema": sql.Identifier(place.schema),
            "own": sql.Identifier(place.own),
        }
        for text in (
            "CREATE ROLE {role} LOGIN",
            "GRANT USAGE ON SCHEMA {schema}, {own} TO {role}",
            "GRANT ALL ON ALL TABLES IN SCHEMA {own} TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        ):
            connection.execute(sql.SQL(text).format(**names))
        try:
            dsn = psycopg.conninfo.make_conninfo(place.dsn, user=role)
            with (
                PostgresRepository(dsn, schema=place.own) as theirs,
                pytest.raises(StoreError, match=r"may not do that: .*Customer"),
            ):
                theirs.commit(changes)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            connection.execute(sql.SQL("DROP ROLE {role}").format(**names))


def test_the_callers_transaction_is_never_ended(place: Place) -> None:
    """What is written on a caller's connection goes with the caller's rollback."""
    before = place.run('SELECT count(*) FROM "Customer"')
    with psycopg.connect(place.dsn) as connection:
        repository = PostgresRepository(connection, schema=place.own)
        repository.commit(foundings(repository))
        basis = read_basis(repository)
        faulty = basis.changeset(
            basis.unit(1, Retire("c1")), run=run_of("run-3"), on_fault="refuse"
        )
        with pytest.raises(StoreError, match="nothing was written"):
            repository.commit(faulty)
        repository.commit(read_basis(repository).changeset(run=run_of("run-2")))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        connection.rollback()
    assert place.run('SELECT count(*) FROM "Customer"') == before


def test_a_connection_that_commits_by_itself_is_refused(place: Place) -> None:
    """Nothing would hold a unit together: the message says what to do."""
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        repository = PostgresRepository(connection, schema=place.own)
        changes = foundings(repository)
        with pytest.raises(StoreError, match="begin a transaction"):
            repository.commit(changes)


def test_an_image_is_exact_whatever_the_caller_has_set(place: Place) -> None:
    """Settings that shorten numbers and turn dates round do neither to a ledger's copy."""
    settings = {"extra_float_digits": "-15", "datestyle": "SQL, DMY", "intervalstyle": "iso_8601"}
    place.run('ALTER TABLE "Customer" ADD COLUMN score float8, ADD COLUMN born date')
    place.run(
        """INSERT INTO "Customer" (id, score, born) VALUES ('c1', 0.123456789, '2026-02-01')"""
    )
    before = place.run('SELECT * FROM "Customer"')
    with psycopg.connect(place.dsn) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        repository = PostgresRepository(connection, schema=place.own)
        (gone,) = written(repository, Retire("c1"))
        written(repository, restored(gone), number=2)
        for name, value in settings.items():
            shown = connection.execute("SELECT current_setting(%s)", [name]).fetchall()
            assert shown == [(value,)]
    assert place.run('SELECT * FROM "Customer"') == before


def test_the_number_of_statements_does_not_grow(postgres_dsn: str) -> None:
    """A hundred times the leads take as many statements: at most 20, the first run's too."""
    taken: list[int] = []
    for count in (10, 1_000):
        with new_place(postgres_dsn) as more:
            with psycopg.connect(more.dsn, autocommit=True) as connection:
                connection.execute(
                    """INSERT INTO "Lead" (id, phone) SELECT 'l' || n, '21255' || 50000 + n / 2
                    FROM generate_series(1, %s) AS n""",
                    [count],
                )
                for table in ("Job", "Conversation"):
                    fill = sql.SQL("INSERT INTO {} (id, lead_id) SELECT 'x' || id, id FROM {}")
                    names = sql.Identifier(table), sql.Identifier("Lead")
                    connection.execute(fill.format(*names))
            with PostgresRepository(more.dsn, schema=more.own) as repository:
                plan = backfill.plan(repository, Policy.keyed())
                taken.append(backfill.apply(plan, repository).statements)
    assert taken[0] == taken[1] <= 20


def test_a_bad_unit_among_many_costs_few_statements(
    place: Place, repository: PostgresRepository
) -> None:
    """To isolate one unit of a thousand takes some ten halvings."""
    place.run("""INSERT INTO "Lead" (id) SELECT 'l' || n FROM generate_series(10, 999) AS n""")
    place.run("""INSERT INTO "Customer" (id) VALUES ('c500')""")
    basis = read_basis(repository)
    committed = repository.commit(basis.changeset(*(founding(basis, n) for n in range(1000))))
    assert [each.unit for each in committed.failures] == [500]
    assert committed.statements < 20 + 20 * 10


def test_an_idle_connection_that_was_ended_is_replaced(
    place: Place, repository: PostgresRepository
) -> None:
    """A server that ends idle connections does not disturb a repository that lives long."""
    read_basis(repository)
    place.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND query LIKE 'ROLLBACK%%' AND %s <> ''",
        place.schema,
    )
    assert repository.commit(foundings(repository)).failures == ()


def test_a_batch_left_unread_disturbs_no_later_commit(
    place: Place, repository: PostgresRepository
) -> None:
    """A reader's iterator that nobody finished is let go of without a word to the store."""
    del place
    with repository.reading() as reader:
        unfinished = reader.leads()
        next(unfinished)
        never_begun = reader.customers()
    changes = foundings(repository)
    with pytest.raises(StoreError, match="has ended"):
        next(never_begun)
    del unfinished
    assert repository.commit(changes).failures == ()
