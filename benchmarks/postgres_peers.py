"""Who leadfold is measured against on PostgreSQL, and how what it sends is recorded and replayed.

*expert* is SQL by hand, *pattern* the script leadfold replaces, *floor* leadfold's own statements
without leadfold.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import ExecStatus

from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.steps import Answer, CopyIn, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import LiteralString

    from psycopg.pq.abc import PGconn, PGresult

    from leadfold.repositories.postgres.steps import Step

_BLOCK = 1 << 17

__all__ = ["SERVER", "UNSHARED", "bare", "expert", "pattern", "recorded", "replay", "traced"]

EXPERT: tuple[tuple[str, LiteralString], ...] = (
    (
        "keys",
        r"""
CREATE TEMPORARY TABLE keyed ON COMMIT DROP AS
SELECT id, created_at, name, psid, phone, email,
    CASE WHEN psid IS NOT NULL THEN 'messenger_psid' WHEN phone IS NOT NULL THEN 'phone'
        WHEN email IS NOT NULL THEN 'email' ELSE 'individual' END AS kind,
    CASE WHEN psid IS NOT NULL THEN 'psid:' || psid WHEN phone IS NOT NULL THEN 'phone:' || phone
        WHEN email IS NOT NULL THEN 'email:' || email ELSE 'individual:' || id END AS key
FROM (
    SELECT id, created_at, nullif(btrim(name), '') AS name,
        nullif(btrim("messengerPsid"), '') AS psid,
        CASE WHEN length(digits) = 10 THEN '+1' || digits
            WHEN length(digits) = 11 AND digits LIKE '1%' THEN '+' || digits END AS phone,
        CASE WHEN email ~ '^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$' THEN lower(btrim(email)) END AS email
    FROM (SELECT *, regexp_replace(phone, '\D', '', 'g') AS digits FROM "Lead") AS read
    WHERE customer_id IS NULL
) AS cleaned""",
    ),
    (
        "groups",
        """
CREATE TEMPORARY TABLE grouped ON COMMIT DROP AS
SELECT key, kind, leads, name, phone, email,
    '019a0000-0000-7000-8000-' || lpad(to_hex(row_number() OVER (ORDER BY oldest)), 12, '0') AS id
FROM (
    SELECT key, min(kind) AS kind, count(*) AS leads, min(created_at) AS oldest,
        (array_agg(name ORDER BY created_at, id) FILTER (WHERE name IS NOT NULL))[1] AS name,
        (array_agg(phone ORDER BY created_at, id) FILTER (WHERE phone IS NOT NULL))[1] AS phone,
        (array_agg(email ORDER BY created_at, id) FILTER (WHERE email IS NOT NULL))[1] AS email
    FROM keyed GROUP BY key
) AS found""",
    ),
    ("analyze", "ANALYZE keyed, grouped"),
    (
        "customers",
        """
INSERT INTO "Customer" (id, name, phone, email, metadata)
SELECT id, name, phone, email, jsonb_build_object('groupType', kind, 'groupKey', key,
    'leadCount', leads, 'createdBy', 'expert', 'createdAt', now(), 'multipleLeads', leads > 1)
FROM grouped ORDER BY id""",
    ),
    (
        "leads",
        """
UPDATE "Lead" AS lead SET customer_id = grouped.id
FROM keyed JOIN grouped USING (key) WHERE lead.id = keyed.id""",
    ),
    (
        "jobs",
        """
UPDATE "Job" AS job SET customer_id = grouped.id
FROM keyed JOIN grouped USING (key) WHERE job.lead_id = keyed.id AND job.customer_id IS NULL""",
    ),
    (
        "audit",
        """
INSERT INTO "Audit" (actor, action, payload)
SELECT 'system', 'backfill_customers', jsonb_build_object('customers', count(*)) FROM grouped""",
    ),
)
"""The backfill of one who knows PostgreSQL, in one transaction; its phones are cruder."""


SERVER = "server's processor"


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process of this machine has taken so far."""
    told = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def expert(dsn: str, *, explain: bool = False) -> dict[str, float]:
    """Run the expert's backfill and return seconds by stage; with *explain* print its plans."""
    seconds: dict[str, float] = {}
    with psycopg.connect(dsn) as connection:
        for stage, statement in EXPERT:
            start = time.perf_counter()
            if explain and stage != "analyze":
                rows = connection.execute("EXPLAIN (ANALYZE, COSTS OFF) " + statement).fetchall()
                print(f"-- {stage}", *(line for (line,) in rows), sep="\n")
            else:
                connection.execute(statement)
            seconds[stage] = time.perf_counter() - start
        start = time.perf_counter()
        connection.commit()
        seconds["commit"] = time.perf_counter() - start
        seconds[SERVER] = processor_seconds(connection.info.backend_pid)
    return seconds


def pattern(dsn: str, groups: list[tuple[str | None, str | None, list[str]]]) -> int:
    """Look up, insert and update group by group, each a transaction; return the statements.

    *groups* are a phone, an email and the ids of leads; grouping them is outside the clock.
    """
    statements = 0
    with psycopg.connect(dsn) as connection:
        for phone, email, leads in groups:
            found = (
                connection.execute(
                    'SELECT id FROM "Customer" WHERE phone = %s OR email = %s LIMIT 1',
                    (phone, email),
                ).fetchone()
                or connection.execute(
                    'INSERT INTO "Customer" (phone, email) VALUES (%s, %s) RETURNING id',
                    (phone, email),
                ).fetchone()
            )
            for lead in leads:
                told = (*(found or ()), lead)
                connection.execute('UPDATE "Lead" SET customer_id = %s WHERE id = %s', told)
                connection.execute(
                    'UPDATE "Job" SET customer_id = %s WHERE lead_id = %s AND customer_id IS NULL',
                    told,
                )
            connection.commit()
            statements += 4 + 2 * len(leads)
    return statements


_STAGES = {
    r"FETCH|DECLARE": "read",
    r"COPY": "copy in",
    r"ANALYZE": "analyze",
    r"COMMIT": "commit",
    r'INSERT INTO \S*"Customer"': "customers",
    r'UPDATE \S*"Lead"': "leads",
    r'WITH moved|UPDATE \S*"Job"': "jobs",
    r"INSERT INTO \S*\.ledger": "ledger",
    r"WITH (changed|seen)|-- What reindex": "index",
}


UNSHARED = ("ledger", "index")
"""Stages of leadfold's that the expert has not."""

_UNSHARED_ROWS = re.compile(rb"\d+\t\d+\t(record|holder)\t")


def _stage(text: str) -> str:
    found = (stage for start, stage in _STAGES.items() if re.match(start, text.lstrip()))
    return next(found, "other")


@contextmanager
def traced() -> Iterator[dict[str, float]]:
    """Note the seconds that sessions spend on each stage, and those of the server's processor."""
    seconds: dict[str, float] = defaultdict(float)
    processors: dict[int, float] = {}
    perform = Session.perform

    def timed(self: Session, step: Step) -> Answer:
        start = time.perf_counter()
        try:
            return perform(self, step)
        finally:
            first = step.statements[0] if isinstance(step, Together) else step
            seconds[_stage(first.query.as_string(None))] += time.perf_counter() - start
            pid = self.connection.info.backend_pid
            processors[pid] = processor_seconds(pid)
            seconds[SERVER] = sum(processors.values())

    Session.perform = timed  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        Session.perform = perform  # type: ignore[method-assign]


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Write what sessions send into files of *folder*, numbered; COPY's rows beside its text."""
    perform = Session.perform
    numbers = iter(range(1_000_000))

    def noted(self: Session, step: Step) -> Answer:
        if isinstance(step, Together):
            return Answer(each=tuple(noted(self, each) for each in step.statements))
        path = folder / f"{next(numbers):06}.sql"
        if isinstance(step, CopyIn):
            path.write_text(step.query.as_string(self.connection), "utf-8")
            with path.with_suffix(".copy").open("wb") as file:
                return perform(self, CopyIn(step.query, _kept(step.blocks, file.write)))
        cursor = psycopg.ClientCursor(self.connection)
        path.write_text(cursor.mogrify(step.query, step.parameters), "utf-8")
        return perform(self, step)

    Session.perform = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Session.perform = perform  # type: ignore[method-assign]


def _kept(blocks: Iterable[str], write: Callable[[bytes], object]) -> Iterator[str]:
    for block in blocks:
        write(block.encode())
        yield block


def bare(folder: Path) -> None:
    """Take what is `UNSHARED` out of *folder*; entries of jobs stay with the jobs."""
    for path in folder.glob("*.sql"):
        if _stage(path.read_text("utf-8")) in UNSHARED:
            path.unlink()
    for path in folder.glob("*.copy"):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if not _UNSHARED_ROWS.match(line)))


def replay(dsn: str, folder: Path) -> dict[str, float]:
    """Send again what was `recorded` in *folder*, reading answers but making nothing of them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        start = time.perf_counter()
        for path in sorted(folder.glob("*.sql")):
            rows = path.with_suffix(".copy")
            if rows.exists():
                _copy(connection.pgconn, path.read_bytes(), rows)
            else:
                _require(connection.pgconn.exec_(path.read_bytes()))
        total = time.perf_counter() - start
        return {SERVER: processor_seconds(connection.info.backend_pid), "total": total}


def _copy(pgconn: PGconn, statement: bytes, rows: Path) -> None:
    pgconn.exec_(statement)
    with rows.open("rb") as file:
        while block := file.read(_BLOCK):
            pgconn.put_copy_data(block)
    pgconn.put_copy_end()
    while answer := pgconn.get_result():
        _require(answer)


def _require(answer: PGresult) -> None:
    assert answer.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}, answer.error_message
