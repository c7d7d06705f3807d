"""Behind a pooler that lends connections by the transaction: nothing outlives its transaction.

What is sent is looked at, statement by statement; and where there is a PgBouncer, it is asked too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadfold import Policy, backfill
from leadfold.exceptions import RetryableError, StoreError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session
from postgres_server import as_server, give_to_server
from repositories.kill_deeds import ACTS, plan_of
from repositories.postgres_pictures import copied, filled_database, picture, prepared_database
from repositories.postgres_relay import relayed
from repositories.postgres_stores import singly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.postgres.steps import Answer, Step
    from repositories.postgres_relay import Way

OUTLIVES = {
    "a setting of the session": r"\bSET\s+(?!(LOCAL|CONSTRAINTS|STATISTICS)\b)",
    "a setting by other means": r"\bset_config\b|\bRESET\b",
    "a prepared statement": r"\bPREPARE\b|\bDEALLOCATE\b|\bEXECUTE\b",
    "a listener": r"\b(UN)?LISTEN\b",
    "a cursor": r"\bWITH\s+HOLD\b",
    "a lock of the session": r"\bpg_(try_)?advisory_(un)?lock(?!_?xact)\w*\(",
    "a temporary table": r"\bTEMP(ORARY)?\s+TABLE\b(?![^;]*\bON\s+COMMIT\s+DROP\b)",
}
UPDATES = re.compile(r"\bUPDATE\b.*?\bSET\b|\bDO\s+UPDATE\s+SET\b", re.DOTALL)


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Make a database of a hundred leads."""
    with filled_database(postgres_dsn, every=10) as dsn:
        yield dsn


@pytest.mark.parametrize("deed", ACTS)
def test_nothing_outlives_its_transaction(
    postgres_dsn: str, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statement of any deed leaves anything to a session, and each is in a transaction."""
    sent: list[str] = []
    perform = Session.perform

    def traced(session: Session, step: Step) -> Answer:
        texts = [each.query.as_string(session.connection) for each in singly(step)]
        idle = session.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert not idle or texts[0].startswith("BEGIN"), texts
        sent.extend(texts)
        return perform(session, step)

    with prepared_database(postgres_dsn, deed) as dsn:
        monkeypatch.setattr(Session, "perform", traced)
        with PostgresRepository(dsn) as repository:
            ACTS[deed](repository)
    for text in sent:
        plain = UPDATES.sub("", re.sub(r"--.*", "", text))
        for what, pattern in OUTLIVES.items():
            assert not re.search(pattern, plain, re.IGNORECASE), f"{what}: {text}"
    assert any("pg_advisory_xact_lock" in text for text in sent)
    assert any("TEMPORARY TABLE" in text for text in sent)


def test_no_statement_is_given_a_name(dsn: str) -> None:
    """The messages themselves name no prepared statement: the next connection has none."""
    seen = bytearray()

    def watched(way: Way, chunk: bytes) -> None:
        if way == "to the server":
            seen.extend(chunk)

    with relayed(dsn, watched) as relay, PostgresRepository(relay.dsn) as repository:
        for _ in range(8):  # a driver may begin to prepare what it has sent five times
            backfill.plan(repository, Policy.keyed())
        backfill.apply(plan_of(repository), repository)
    parses = re.findall(rb"P[\0-\x01]...([^\0]*)\0", bytes(seen), re.DOTALL)
    assert parses.count(b"") > 20
    assert not re.search(rb"P\0...(_pg3|leadfold)", bytes(seen), re.DOTALL)


@contextmanager
def bouncing(dsn: str) -> Iterator[str]:
    """Run a PgBouncer in transaction mode that has two connections for everybody."""
    binary = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if binary is None:
        pytest.skip("no pgbouncer here: what it would forbid is looked for in what is sent, above")
    told = conninfo_to_dict(dsn)
    folder = Path(mkdtemp(prefix="leadfold-bouncer-"))
    try:
        folder.chmod(0o755)
        give_to_server(folder)
        (folder / "users").write_text('"tests" ""\n', "utf-8")
        (folder / "ini").write_text(
            f"""[databases]
            {told["dbname"]} = host={told["host"]} port={told["port"]} user={told["user"]}
            [pgbouncer]
            unix_socket_dir = {folder}
            listen_port = 5432
            auth_type = any
            pool_mode = transaction
            default_pool_size = 2
            """.replace("            ", ""),
            "utf-8",
        )
        bouncer = subprocess.Popen([binary, "-q", str(folder / "ini")], **as_server())  # noqa: S603
        try:
            while not (folder / ".s.PGSQL.5432").exists():
                assert bouncer.poll() is None, "pgbouncer ended"
                time.sleep(0.01)
            yield make_conninfo(dsn, host=str(folder), port=5432)
        finally:
            bouncer.terminate()
            bouncer.wait()
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the pooler would need its credentials")
def test_behind_a_pooler_in_transaction_mode(postgres_dsn: str, dsn: str) -> None:
    """Every deed comes to the same behind it, while others use its connections between."""
    with copied(postgres_dsn, dsn) as direct, PostgresRepository(direct) as repository:
        backfill.apply(plan_of(repository), repository)
        wanted = picture(direct)
    with bouncing(dsn) as pooled, PostgresRepository(pooled) as repository:
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as other:
            plan = plan_of(repository)
            other.execute("SELECT 1")
            with psycopg.connect(pooled, prepare_threshold=None) as holder:
                holder.execute("SELECT 1")  # one of the two connections is taken
                report = backfill.apply(plan, repository)
                holder.rollback()
        assert picture(dsn) == wanted
        assert backfill.validate(repository, Policy.keyed()).ok
        backfill.rollback(report.run_id, repository)
        again = backfill.plan(repository, Policy.keyed())
        assert again.stats.leads_linked == 100


SETTINGS = [
    ("lock_timeout", RetryableError, "in use by another transaction"),
    ("statement_timeout", StoreError, "statement timeout"),
]


@pytest.mark.parametrize(
    ("setting", "error", "match"), SETTINGS, ids=[name for name, *_ in SETTINGS]
)
@pytest.mark.parametrize("held", ["a lead", "a run"])
def test_a_timeout_is_honoured(
    dsn: str, setting: str, error: type[StoreError], match: str, held: str
) -> None:
    """Whether it is of the DSN, the run ends when it says, and nothing is written."""
    with PostgresRepository(dsn) as repository:
        repository.create_schema()
        plan = plan_of(repository)
    before = picture(dsn)
    hasty = make_conninfo(dsn, options=f"-c{setting}=150ms")
    with psycopg.connect(dsn) as other, PostgresRepository(hasty) as repository:
        if held == "a lead":
            other.execute("""SELECT 1 FROM "Lead" WHERE id = 'l0500' FOR UPDATE""")
        else:  # as another run holds it that is not yet committed
            backfill.apply(plan_of(PostgresRepository(other)), PostgresRepository(other))
        with pytest.raises(error, match=match):
            backfill.apply(plan, repository)
        other.rollback()
    assert picture(dsn) == before


@pytest.mark.parametrize(
    ("setting", "error", "match"), SETTINGS, ids=[name for name, *_ in SETTINGS]
)
def test_a_timeout_of_a_role_is_honoured(
    dsn: str, setting: str, error: type[StoreError], match: str
) -> None:
    """Set for the database it counts as well, and a caller's transaction is still the caller's."""
    database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        alter = sql.SQL("ALTER DATABASE {} SET {} = '150ms'")
        connection.execute(alter.format(database, sql.Identifier(setting)))
    before = picture(dsn)
    with psycopg.connect(dsn, options="-cstatement_timeout=0") as other:
        with psycopg.connect(dsn) as connection:
            repository = PostgresRepository(connection)
            plan = plan_of(repository)
            other.execute("""SELECT 1 FROM "Lead" WHERE id = 'l0500' FOR UPDATE""")
            with pytest.raises(error, match=match):
                backfill.apply(plan, repository)
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
            connection.commit()
        other.rollback()
    assert picture(dsn) == before
