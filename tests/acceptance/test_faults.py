"""How it fails: faults that the store itself raises, met through the library and the command line.

Triggers, constraints, locks, read-only and full disks, damaged files, other processes: never a
function of leadfold's that was replaced.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from command_line import Ended, leadfold, make_store, rows_of
from leadfold import backfill, customers
from leadfold.cli.outcomes import ending_of
from leadfold.exceptions import BusyError, LeadfoldError, StalePlanError
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.sqlite_stores import changed, dump_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leadfold.backfill import Plan, Report
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Reader, Repository

STORE = "sqlite:///crm.db"
PHONE, OTHER = "(212) 555-0143", "(212) 555-0177"
LEADS = [
    {"id": "l1", "name": "Ada Canary", "messengerPsid": "24000000000000001", "phone": PHONE},
    {"id": "l2", "phone": "212.555.0143", "email": "ada@canary.example"},
    {"id": "l3", "email": "bea@mailbox.example"},
    {"id": "l4", "email": "Bea@Mailbox.example"},
    {"id": "l5", "phone": OTHER},
]
JOBS = [{"id": f"j{number}", "lead_id": f"l{number}"} for number in range(1, 6)]
UNITS = (("l1",), ("l2",), ("l3", "l4"), ("l5",))  # l1 and l2 show one phone


# The two ways to everything.


@attrs.frozen
class Told:
    """How a call ended, whichever way it was made; *outcome* as the command line has it."""

    outcome: str
    run: str = ""
    error: str = ""
    message: str = ""
    failures: tuple[dict[str, Any], ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def left_out(self) -> list[tuple[str, ...]]:
        """Return the leads of each unit that was left out."""
        return [tuple(failure["leads"]) for failure in self.failures]


@attrs.frozen
class Library:
    """Calls of Python functions."""

    place: Path
    opened: Callable[[], contextlib.AbstractContextManager[SQLiteRepository]] | None = None

    def backfill(self) -> Told:
        """Plan and apply."""
        return self._told(_filled)

    def plan(self, name: str = "plan.json") -> None:
        """Plan, and save what was planned."""
        with self._store() as store:
            backfill.plan(store).save(self.place / name)

    def apply(self, name: str = "plan.json", on_stale: str = "refuse") -> Told:
        """Apply a saved plan."""
        plan = backfill.Plan.load(self.place / name)
        return self._told(
            lambda store: (backfill.apply(plan, store, on_stale=_on_stale(on_stale)), plan)
        )

    def rollback(self, run: str) -> Told:
        """Take a run back."""
        return self._told(lambda store: (backfill.rollback(run, store), None))

    def merge(self, keep: str, absorb: str) -> Told:
        """Let one customer take over another."""
        return self._told(lambda store: (customers.merge(store, keep, absorb), None))

    def split(self, customer: str, *leads: str) -> Told:
        """Give leads a customer of their own."""
        return self._told(lambda store: (customers.split(store, customer, [leads]), None))

    def erase(self, lead: str) -> Told:
        """Forget a lead."""
        return self._told(lambda store: (customers.erase(store, lead), None))

    def valid(self) -> dict[str, bool]:
        """Return which checks hold, of those that must."""
        with self._store() as store:
            found = backfill.validate(store)
        return {check.name: check.ok for check in found.checks if check.severity == "fail"}

    def _store(self) -> contextlib.AbstractContextManager[SQLiteRepository]:
        return SQLiteRepository(self.place / "crm.db") if self.opened is None else self.opened()

    def _told(self, act: Callable[[SQLiteRepository], tuple[Report, Plan | None]]) -> Told:
        try:
            with self._store() as store:
                report, plan = act(store)
        except LeadfoldError as e:
            return Told(ending_of(e).outcome, error=type(e).__name__, message=str(e))
        return Told(
            report.outcome,
            report.run_id,
            failures=tuple(failure.to_dict() for failure in report.failures),
            unreadable=tuple(lead for lead, _ in plan.unreadable) if plan else (),
        )


def _filled(store: SQLiteRepository) -> tuple[Report, Plan]:
    plan = backfill.plan(store)
    return backfill.apply(plan, store), plan


def _on_stale(word: str) -> Any:  # noqa: ANN401 - one of two literals
    return word


@attrs.frozen
class CommandLine:
    """Processes of their own, asked for JSON."""

    place: Path

    def backfill(self) -> Told:
        """Plan and apply."""
        return self._told("backfill", STORE)

    def plan(self, name: str = "plan.json") -> None:
        """Plan, and save what was planned."""
        assert self._told("backfill", STORE, "--dry-run", "--plan-out", name).outcome == "done"

    def apply(self, name: str = "plan.json", on_stale: str = "refuse") -> Told:
        """Apply a saved plan."""
        return self._told("apply", name, STORE, "--on-stale", on_stale)

    def rollback(self, run: str) -> Told:
        """Take a run back."""
        return self._told("rollback", STORE, run)

    def merge(self, keep: str, absorb: str) -> Told:
        """Let one customer take over another."""
        return self._told("merge", STORE, keep, absorb)

    def split(self, customer: str, *leads: str) -> Told:
        """Give leads a customer of their own."""
        return self._told("split", STORE, customer, "--part", ",".join(leads))

    def erase(self, lead: str) -> Told:
        """Forget a lead."""
        return self._told("erase", STORE, lead)

    def valid(self) -> dict[str, bool]:
        """Return which checks hold, of those that must."""
        ended = leadfold("validate", STORE, "--json", cwd=self.place)
        assert ended.status == (0 if ended.json["ok"] else 1)
        checks = ended.json["checks"]
        return {check["name"]: check["ok"] for check in checks if check["severity"] == "fail"}

    def _told(self, *words: str) -> Told:
        return read_answer(leadfold(*words, "--json", cwd=self.place))


def read_answer(ended: Ended) -> Told:
    """Return what a process told; its status, its JSON and its standard error must agree."""
    answer = ended.json
    error = answer.get("error", {})
    assert ended.status == (0 if answer["outcome"] == "done" else 1)
    if error and error["type"] != "RollbackRefusedError":  # which names the ways out
        assert ended.err == f"leadfold: {error['message']}\n"
    return Told(
        answer["outcome"],
        answer.get("run", ""),
        error.get("type", ""),
        error.get("message", ""),
        tuple(answer.get("failures", ())),
        tuple(each["lead"] for each in answer.get("unreadable", ())),
    )


Way = Library | CommandLine


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a store of five leads, a job each, four persons by the policy."""
    make_store(tmp_path / "crm.db", LEADS, JOBS)
    return tmp_path


@pytest.fixture(params=[Library, CommandLine], ids=["library", "command line"])
def way(request: pytest.FixtureRequest, place: Path) -> Way:
    """Return a way to the store."""
    made: Way = request.param(place)
    return made


def script(place: Path, *statements: str) -> None:
    """Change the store behind leadfold's back."""
    with closing(sqlite3.connect(place / "crm.db")) as connection:
        connection.executescript(";".join(statements))


def rows(place: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what *query* finds."""
    return rows_of(place / "crm.db", query)


def image(place: Path) -> tuple[str, ...]:
    """Return every table and row, leadfold's own included."""
    return dump_of(place / "crm.db")


def customer_of(place: Path, lead: str) -> str:
    """Return the customer of a lead."""
    return str(dict(rows(place, "SELECT id, customer_id FROM Lead"))[lead])


def refusing(table: str, event: str, condition: str, raised: str = "ABORT, 'not this one'") -> str:
    """Return a trigger, ``no``, that raises where *condition* holds."""
    return (
        f"CREATE TRIGGER no BEFORE {event} ON {table} WHEN {condition}"
        f" BEGIN SELECT RAISE({raised}); END"
    )


def linked(place: Path) -> dict[str, bool]:
    """Tell of each lead, and of its job, whether it has a customer; they must agree."""
    leads = dict(rows(place, "SELECT id, customer_id IS NOT NULL FROM Lead"))
    query = (
        "SELECT lead_id, customer_id IS NOT NULL FROM Job WHERE lead_id IN (SELECT id FROM Lead)"
    )
    assert dict(rows(place, query)) == leads
    query = """SELECT 1 FROM Job JOIN Lead ON lead_id = Lead.id
        WHERE Job.customer_id IS NOT Lead.customer_id"""
    assert rows(place, query) == []
    return {lead: bool(has) for lead, has in leads.items()}


def assert_left_out(place: Path, *gone: str) -> None:
    """Nothing at all was written of the units of these leads, and everything of the others."""
    assert linked(place) == {f"l{n}": f"l{n}" not in gone for n in range(1, 6)}
    units = [unit for unit in UNITS if not set(unit) & set(gone)]
    assert rows(place, "SELECT count(*) FROM Customer") == [(len(units),)]
    records = {f"l{n}" for n in range(1, 6)} - set(gone)
    assert {row for (row,) in rows(place, "SELECT record_id FROM leadfold_records")} == records
    query = "SELECT row_id FROM leadfold_ledger WHERE table_name = 'Lead'"
    assert {row for (row,) in rows(place, query)} == records
    query = (
        "SELECT 1 FROM leadfold_identity WHERE id NOT IN (SELECT identity FROM leadfold_holders)"
    )
    assert rows(place, query) == []
    left_out = sum(bool(set(unit) & set(gone)) for unit in UNITS)
    query = """SELECT json_array_length(stats, '$.errors'), stats ->> '$.customersCreated'
        FROM leadfold_runs ORDER BY sequence LIMIT 1"""
    assert rows(place, query) == [(left_out, len(units))]
    query = "SELECT json_array_length(payload, '$.stats.errors') FROM Audit ORDER BY rowid LIMIT 1"
    assert rows(place, query) == [(left_out,)]


# A unit that cannot be written.

NO_BEA = "email IS NULL OR email NOT LIKE 'bea@%'"


@pytest.mark.parametrize(
    ("faults", "mended", "message"),
    [
        pytest.param(
            [refusing("Customer", "INSERT", "NEW.email LIKE 'bea@%'")],
            ["DROP TRIGGER no"],
            "not this one",
            id="trigger on a customer",
        ),
        pytest.param(
            [refusing("Lead", "UPDATE", "NEW.id = 'l4'")],
            ["DROP TRIGGER no"],
            "not this one",
            id="trigger on a lead",
        ),
        pytest.param(
            [refusing("Job", "UPDATE", "NEW.id = 'j3'", "FAIL, 'not this one'")],
            ["DROP TRIGGER no"],
            "not this one",
            id="trigger on a job",
        ),
        pytest.param(
            [refusing("Job", "UPDATE", "NEW.id = 'j3'", "IGNORE")],
            ["DROP TRIGGER no"],
            "the store wrote",
            id="trigger that leaves a row out in silence",
        ),
        pytest.param(
            [f"ALTER TABLE Customer ADD COLUMN fine INTEGER DEFAULT 1 CHECK ({NO_BEA})"],
            ["ALTER TABLE Customer DROP COLUMN fine"],
            "CHECK constraint failed",
            id="check on a customer",
        ),
        pytest.param(
            [
                """ALTER TABLE Job ADD COLUMN fine INTEGER DEFAULT 1
                CHECK (customer_id IS NULL OR id <> 'j4')""",
            ],
            ["ALTER TABLE Job DROP COLUMN fine"],
            "CHECK constraint failed",
            id="check on a job",
        ),
        pytest.param(
            [
                """ALTER TABLE Customer ADD COLUMN seen TEXT NOT NULL
                GENERATED ALWAYS AS (nullif(email, 'bea@mailbox.example') || 'x') VIRTUAL""",
                "UPDATE Lead SET email = coalesce(email, id || '@canary.example')",
            ],
            ["ALTER TABLE Customer DROP COLUMN seen"],
            "NOT NULL constraint failed",
            id="column that must not be null",
        ),
    ],
)
def test_a_unit_that_cannot_be_written_is_left_out(
    way: Way, faults: Sequence[str], mended: Sequence[str], message: str
) -> None:
    """It is reported and nothing of it written, its neighbours are; mended, it is made up for."""
    script(way.place, *faults)
    told = way.backfill()
    assert (told.outcome, told.left_out) == ("partial", [("l3", "l4")])
    assert {failure["cause"] for failure in told.failures} == {"fault"}
    assert message in told.failures[0]["message"]
    assert_left_out(way.place, "l3", "l4")
    script(way.place, *mended)
    assert Library(way.place).backfill().outcome == "done"
    assert set(linked(way.place).values()) == {True}
    assert all(Library(way.place).valid().values())


UNIQUE = "CREATE UNIQUE INDEX one_phone ON Customer (phone)"


@pytest.mark.parametrize("bad", ["l1", "l2"])
def test_a_bad_unit_that_shares_a_unique_phone_harms_nobody(way: Way, bad: str) -> None:
    """Of two customers with one phone one is refused: the other is written, either way round."""
    script(way.place, UNIQUE, refusing("Lead", "UPDATE", f"NEW.id = '{bad}'"))
    told = way.backfill()
    assert (told.outcome, told.left_out) == ("partial", [(bad,)])
    assert_left_out(way.place, bad)
    script(way.place, "DROP TRIGGER no")
    assert Library(way.place).backfill().outcome == "done"
    assert set(linked(way.place).values()) == {True}
    phones = rows(way.place, "SELECT phone FROM Customer WHERE phone LIKE '%0143'")
    assert phones == [("+12125550143",)]


def test_a_rule_that_no_plan_can_see_costs_one_unit(way: Way) -> None:
    """Two customers that an index on an expression keeps apart: the later one is left out."""
    script(way.place, "CREATE UNIQUE INDEX one_tail ON Customer (substr(phone, -4))")
    told = way.backfill()
    assert told.outcome == "partial"
    [left_out] = told.left_out
    assert left_out in {("l1",), ("l2",)}
    assert "UNIQUE constraint failed" in told.failures[0]["message"]
    assert_left_out(way.place, *left_out)


def test_a_unique_phone_that_was_taken_since_costs_one_unit(way: Way) -> None:
    """Between plan and apply somebody makes a customer with a phone of the plan's."""
    script(way.place, UNIQUE)
    way.plan()
    script(way.place, "INSERT INTO Customer (id, phone) VALUES ('c0', '+12125550177')")
    told = way.apply()
    assert (told.outcome, told.left_out) == ("partial", [("l5",)])
    assert not linked(way.place)["l5"]
    assert sum(linked(way.place).values()) == 4


# A lead that cannot be read.


def test_a_lead_that_cannot_be_read_is_reported(way: Way) -> None:
    """Text that is no UTF-8: the rest is written and that is no failure, but validation fails."""
    script(
        way.place,
        "INSERT INTO Lead (id, name, phone) VALUES ('l6', CAST(x'41ff' AS TEXT), '2125550188')",
        "INSERT INTO Job (id, lead_id) VALUES ('j6', 'l6')",
    )
    told = way.backfill()
    assert (told.outcome, told.unreadable, told.failures) == ("done", ("l6",), ())
    assert linked(way.place) == {**{f"l{n}": True for n in range(1, 6)}, "l6": False}
    assert way.valid()["leads that cannot be read"] is False
    script(way.place, "UPDATE Lead SET name = 'A' WHERE id = 'l6'")
    assert (way.backfill().unreadable, way.valid()["leads that cannot be read"]) == ((), True)


@pytest.mark.parametrize(
    "values", ["'c0', CAST(x'41ff' AS TEXT)", "CAST(x'63ff' AS TEXT), 'Zoe'"], ids=["name", "id"]
)
def test_a_customer_that_cannot_be_read_stops_nobody(way: Way, values: str) -> None:
    """A customer whose name, or even id, is no UTF-8: the leads get theirs."""
    script(way.place, f"INSERT INTO Customer (id, name) VALUES ({values})")  # noqa: S608 - ours
    assert (way.backfill().outcome, set(linked(way.place).values())) == ("done", {True})


# What is fatal.


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        pytest.param(
            [refusing("Lead", "UPDATE", "NEW.id = 'l4'", "ROLLBACK, 'all of it'")],
            "ended the whole transaction: all of it",
            id="trigger that rolls back",
        ),
        pytest.param(
            ["CREATE TRIGGER no AFTER UPDATE ON Job BEGIN DELETE FROM nowhere; END"],
            "no such table",
            id="trigger that is broken",
        ),
        pytest.param(
            [
                "CREATE TABLE Owner (id TEXT PRIMARY KEY)",
                """ALTER TABLE Customer ADD COLUMN owner TEXT DEFAULT 'nobody'
                REFERENCES Owner (id) DEFERRABLE INITIALLY DEFERRED""",
            ],
            "FOREIGN KEY constraint failed",
            id="constraint that is checked at the very end",
        ),
        pytest.param(
            [refusing("Audit", "INSERT", "1")],
            "not this one",
            id="audit trail that takes no entry",
        ),
    ],
)
def test_a_fatal_fault_leaves_the_store_exactly_as_it_was(
    way: Way, faults: Sequence[str], message: str
) -> None:
    """No run, no audit entry, not even leadfold's tables."""
    script(way.place, *faults)
    before = image(way.place)
    told = way.backfill()
    assert (told.outcome, told.failures) == ("failed", ())
    assert message in told.message
    assert image(way.place) == before


def test_a_file_that_may_not_grow_fails_the_run(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line on a disk that takes no more: as before, and done when there is room."""
    for measured in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(measured, raising=False)  # its own file would not grow either
    changed(place / "crm.db", "INSERT INTO Lead (phone) VALUES (?)", *many_phones(1_000))
    before = image(place)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))  # inherited; we write nothing
    try:
        ended = leadfold("backfill", STORE, "--json", cwd=place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    told = read_answer(ended)
    assert (told.outcome, told.error) == ("failed", "StoreError")
    assert image(place) == before
    assert CommandLine(place).backfill().outcome == "done"


def many_phones(count: int) -> Iterator[tuple[str]]:
    """Yield so many different phones."""
    return ((f"+1212{3_000_000 + number}",) for number in range(count))


DEEDS = ("backfill", "rollback", "merge", "split", "erase")


def prepared(place: Path, deed: str) -> Callable[[Way], Told]:
    """Bring the store to where *deed* can be done, and return how."""
    if deed == "backfill":
        return lambda way: way.backfill()
    run = Library(place).backfill().run
    one, two = customer_of(place, "l1"), customer_of(place, "l3")
    if deed == "rollback":
        return lambda way: way.rollback(run)
    changed(place / "crm.db", "INSERT INTO CustomerAddress (customer_id) VALUES (?)", [two])
    if deed == "merge":
        return lambda way: way.merge(one, two)
    if deed == "split":
        return lambda way: way.split(two, "l4")
    script(place, "UPDATE Lead SET email = NULL WHERE id = 'l3'")
    return lambda way: way.erase("l3")


@pytest.mark.parametrize("deed", DEEDS)
def test_a_full_disk_fails_every_deed(place: Path, deed: str) -> None:
    """SQLITE_FULL, at the first page too many: the store is as before, the message says so."""
    changed(place / "crm.db", "INSERT INTO Lead (phone) VALUES (?)", *many_phones(300))
    act = prepared(place, deed)
    script(place, "PRAGMA journal_mode = DELETE", "VACUUM")
    before = image(place)
    with closing(sqlite3.connect(place / "crm.db", isolation_level=None)) as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        told = act(Library(place, lambda: contextlib.nullcontext(SQLiteRepository(connection))))
        assert not connection.in_transaction
    if told.outcome == "done":
        pytest.skip(f"a {deed} needs no page more")
    assert (told.outcome, told.message) == ("failed", "the store failed: database or disk is full")
    assert image(place) == before


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("how", ["query_only", "mode=ro"])
def test_a_read_only_connection_fails_every_deed(place: Path, deed: str, how: str) -> None:
    """It can be read and planned from, not written to; and that is nothing to try again."""
    act = prepared(place, deed)
    before = image(place)
    uri = f"file:{place / 'crm.db'}?mode={'ro' if how == 'mode=ro' else 'rw'}"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        if how == "query_only":
            connection.execute("PRAGMA query_only = ON")
        told = act(Library(place, lambda: contextlib.nullcontext(SQLiteRepository(connection))))
    assert (told.outcome, told.error) == ("failed", "StoreError")
    assert "readonly" in told.message
    assert image(place) == before


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_the_user_may_only_read_is_not_written(way: Way, what: str) -> None:
    """A read-only file, a read-only folder: refused by the system, said in one line."""
    before = image(way.place)
    target = way.place / "crm.db" if what == "file" else way.place
    target.chmod(0o444 if what == "file" else 0o555)
    try:
        if os.access(target, os.W_OK):
            pytest.skip("this user may write to what is read-only")
        told = way.backfill()
    finally:
        target.chmod(0o755)
    assert (told.outcome, told.error) == ("failed", "StoreError")
    assert image(way.place) == before


def test_a_folder_without_room_for_a_journal_is_not_written_to(way: Way) -> None:
    """Where SQLite cannot make the file that would undo a write, it writes nothing."""
    before = image(way.place)
    for name in ("crm.db-journal", "crm.db-wal"):
        (way.place / name).mkdir()
        told = way.backfill()
        (way.place / name).rmdir()
        assert (told.outcome, told.error) == ("failed", "StoreError")
        assert image(way.place) == before


@pytest.mark.parametrize("damage", ["header", "schema", "leads", "cut short", "no database"])
def test_a_damaged_file_fails_and_is_not_touched(way: Way, damage: str) -> None:
    """Overwritten bytes: one line says so, and the file is what it was."""
    path = way.place / "crm.db"
    script(way.place, "PRAGMA journal_mode = WAL")
    [(root,)] = rows(way.place, "SELECT rootpage FROM sqlite_schema WHERE name = 'Lead'")
    page, content = 4096, bytearray(path.read_bytes())
    spans = {
        "header": slice(0, 16),
        "schema": slice(100, page),
        "leads": slice((root - 1) * page, root * page),
        "cut short": slice(len(content) // 2, None),
        "no database": slice(0, None),
    }
    span = spans[damage]
    short = damage in {"cut short", "no database"}
    content[span] = b"no database at all" if short else b"\xff" * len(content[span])
    path.write_bytes(content)
    told = way.backfill()
    assert (told.outcome, told.error) == ("failed", "StoreError")
    assert told.message.startswith("the store failed: ")
    assert path.read_bytes() == content


# A lead edited between plan and apply.


def test_a_lead_edited_since_the_plan_is_refused_or_skipped_as_asked(way: Way) -> None:
    """Refused by name with the store as it was; skipped, its unit alone is left out."""
    way.plan()
    script(way.place, "UPDATE Lead SET email = 'eve@canary.example' WHERE id = 'l4'")
    before = image(way.place)
    told = way.apply()
    assert (told.outcome, told.error) == ("refused", "StalePlanError")
    assert "since the plan was made: l4: " in told.message
    assert image(way.place) == before
    told = way.apply(on_stale="skip")
    assert (told.outcome, told.left_out) == ("partial", [("l3", "l4")])
    assert {failure["cause"] for failure in told.failures} == {"stale"}
    assert_left_out(way.place, "l3", "l4")


def test_an_unrelated_edit_passes(way: Way) -> None:
    """A column that no decision rests on makes nothing stale."""
    way.plan()
    script(way.place, "UPDATE Lead SET stage = 'won', address = '1 Main St', updated_at = 'now'")
    assert way.apply().outcome == "done"
    assert set(linked(way.place).values()) == {True}


# Faults of what takes back and decides.


@pytest.mark.parametrize(
    "fault",
    [
        refusing("Lead", "UPDATE", "NEW.id = 'l4' AND NEW.customer_id IS NULL"),
        refusing("Job", "UPDATE", "NEW.id = 'j3' AND NEW.customer_id IS NULL"),
        refusing("Customer", "DELETE", "OLD.email LIKE 'bea@%'"),
        refusing("Customer", "DELETE", "OLD.email LIKE 'bea@%'", "IGNORE"),
    ],
    ids=["lead", "job", "customer", "in silence"],
)
def test_a_rollback_undoes_all_but_the_unit_that_the_store_keeps(way: Way, fault: str) -> None:
    """The others are taken back; this one stands whole, reported, the outcome partial."""
    run = Library(way.place).backfill().run
    script(way.place, fault)
    stands = rows(way.place, "SELECT * FROM Customer WHERE email LIKE 'bea@%'")
    told = way.rollback(run)
    assert (told.outcome, told.left_out) == ("partial", [("l3", "l4")])
    assert linked(way.place) == {f"l{n}": n in {3, 4} for n in range(1, 6)}
    assert rows(way.place, "SELECT * FROM Customer") == stands
    query = "SELECT id, json_array_length(stats, '$.errors') FROM leadfold_runs"
    assert rows(way.place, query) == [(run, 0), (told.run, 1)]


def test_a_rollback_that_left_a_unit_out_can_be_completed(place: Path) -> None:
    """Once the store takes it: the partial rollback is rolled back, and the run once more."""
    library = Library(place)
    run = library.backfill().run
    script(place, refusing("Lead", "UPDATE", "NEW.id = 'l4' AND NEW.customer_id IS NULL"))
    partial = library.rollback(run)
    script(place, "DROP TRIGGER no")
    assert (partial.outcome, library.rollback(run).error) == ("partial", "AlreadyUndoneError")
    assert (library.rollback(partial.run).outcome, library.rollback(run).outcome) == ("done",) * 2
    assert set(linked(place).values()) == {False}
    assert rows(place, "SELECT * FROM Customer") == []


@pytest.mark.parametrize(
    ("deed", "fault"),
    [
        ("merge", refusing("Lead", "UPDATE", "OLD.id = 'l4'")),
        ("merge", refusing("CustomerAddress", "UPDATE", "1")),
        ("merge", refusing("CustomerAddress", "UPDATE", "1", "IGNORE")),
        ("merge", refusing("Customer", "DELETE", "1", "ROLLBACK, 'not this one'")),
        ("merge", refusing("leadfold_rulings", "INSERT", "1")),
        ("split", refusing("Customer", "INSERT", "1")),
        ("split", refusing("Job", "UPDATE", "OLD.id = 'j4'")),
        ("split", refusing("leadfold_rulings", "INSERT", "1", "IGNORE")),
        ("erase", refusing("Customer", "UPDATE", "1")),
        ("erase", refusing("Customer", "UPDATE", "1", "IGNORE")),
        ("erase", refusing("leadfold_holders", "DELETE", "1")),
    ],
)
def test_a_decision_that_the_store_refuses_is_not_written_at_all(
    way: Way, deed: str, fault: str
) -> None:
    """Whole or not at all: no run, no ruling, no audit entry, and the reason is told."""
    act = prepared(way.place, deed)
    script(way.place, fault)
    before = image(way.place)
    told = act(way)
    assert (told.outcome, told.error) == ("failed", "StoreError")
    assert ("not this one" in told.message) == ("IGNORE" not in fault)
    assert image(way.place) == before
    script(way.place, "DROP TRIGGER no")
    assert act(Library(way.place)).outcome == "done"


# Two processes at once.

HOLDER = """
import select, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[3:]:
    connection.execute(statement).fetchall()
print("held", flush=True)
select.select([sys.stdin], [], [], float(sys.argv[2]))
connection.execute("ROLLBACK")
connection.close()
"""


WRITING = ("BEGIN EXCLUSIVE",)
READING = ("BEGIN", "SELECT * FROM Lead")


@contextlib.contextmanager
def held(path: Path, seconds: float, statements: Sequence[str] = WRITING) -> Iterator[None]:
    """Let another process lock the file for so many seconds, or until the context ends."""
    with subprocess.Popen(  # noqa: S603 - this interpreter, this file's program
        [sys.executable, "-c", HOLDER, str(path), str(seconds), *statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize("deed", DEEDS)
def test_a_store_that_another_process_holds_is_busy(place: Path, deed: str, journal: str) -> None:
    """After a short wait it is said that another connection has it, and that one may try again."""
    act = prepared(place, deed)
    script(place, f"PRAGMA journal_mode = {journal}")
    before = image(place)
    path = place / "crm.db"
    with held(path, 60):
        told = act(Library(place, lambda: SQLiteRepository(path, timeout=0.05)))
    assert (told.outcome, told.error) == ("failed", BusyError.__name__)
    assert "in use by another connection" in told.message
    assert image(place) == before
    assert act(Library(place)).outcome == "done"


def test_a_reader_in_another_process_is_waited_for(place: Path) -> None:
    """Without a WAL a commit must wait for who reads: too long, and all of it is undone."""
    before = image(place)
    path = place / "crm.db"
    with held(path, 60, READING):
        told = Library(place, lambda: SQLiteRepository(path, timeout=0.05)).backfill()
    assert (told.outcome, told.error) == ("failed", BusyError.__name__)
    assert image(place) == before
    with held(path, 0.5, READING):
        assert Library(place).backfill().outcome == "done"
    with held(path, 60, READING):  # in WAL mode by now: nobody waits
        told = Library(place, lambda: SQLiteRepository(path, timeout=0.05)).merge(
            customer_of(place, "l1"), customer_of(place, "l3")
        )
    assert told.outcome == "done"


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_store_that_is_let_go_in_time_is_written_to(way: Way, journal: str) -> None:
    """Who comes second waits for the first, and then does all of its work."""
    script(way.place, f"PRAGMA journal_mode = {journal}")
    with held(way.place / "crm.db", 0.5):
        assert way.backfill().outcome == "done"
    assert set(linked(way.place).values()) == {True}


@pytest.mark.full
def test_the_command_line_waits_half_a_minute(place: Path) -> None:
    """Then it fails in one line that names another connection, and the store is as before."""
    script(place, "PRAGMA journal_mode = WAL")
    before = image(place)
    with held(place / "crm.db", 100):
        told = CommandLine(place).backfill()
    assert (told.outcome, told.error) == ("failed", BusyError.__name__)
    assert image(place) == before


def together(place: Path, *commands: Sequence[str]) -> list[Told]:
    """Start the *commands* at the same time, and return what each told."""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    processes = [
        subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [sys.executable, "-m", "leadfold", *words, "--json"],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands
    ]
    ends = [(process.communicate(timeout=120), process.returncode) for process in processes]
    for (_, err), _ in ends:
        assert "Traceback" not in err
    return [read_answer(Ended(status, out, err)) for (out, err), status in ends]


# What a store holds, whoever wrote it and when.
STATE = """
SELECT 'Lead', id, customer_id, phone FROM Lead
UNION ALL SELECT 'Job', id, customer_id, lead_id FROM Job
UNION ALL SELECT 'Customer', id, phone, metadata FROM Customer
UNION ALL SELECT 'ledger', table_name || ' ' || row_id, action, before FROM leadfold_ledger
    WHERE table_name <> 'Ruling'
UNION ALL SELECT 'index', record_id, kind, value FROM leadfold_holders AS holder
    JOIN leadfold_records AS record ON record.id = holder.record
    JOIN leadfold_identity AS identity ON identity.id = holder.identity
UNION ALL SELECT 'ruling', parts, actor, NULL FROM leadfold_rulings
UNION ALL SELECT 'run', action, mode, actor FROM leadfold_runs
UNION ALL SELECT 'audit', action, actor, NULL FROM Audit
"""


def state(place: Path) -> list[str]:
    """Return what the store holds but for ids of runs, times and order."""
    return sorted(map(repr, rows(place, STATE)))


def copied(place: Path, number: int) -> Path:
    """Return a folder with a copy of all that is in *place*."""
    copy = place.parent / f"{place.name}-{number}"
    shutil.copytree(place, copy)
    return copy


def test_one_plan_applied_by_two_at_once_is_applied_once(place: Path) -> None:
    """One does it, the other is refused by the run's id; the store is as one alone leaves it."""
    CommandLine(place).plan()
    alone = copied(place, 99)
    assert CommandLine(alone).apply().outcome == "done"
    for number in range(3):
        there = copied(place, number)
        tolds = together(there, *[("apply", "plan.json", STORE)] * 2)
        assert sorted((told.outcome, told.error) for told in tolds) == [
            ("done", ""),
            ("refused", "RunExistsError"),
        ]
        assert state(there) == state(alone)


def test_a_second_plan_of_the_same_state_is_stale(way: Way) -> None:
    """Whoever applies second is refused; told to skip, it has nothing left to write."""
    way.plan("first.json")
    way.plan("second.json")
    assert way.apply("first.json").outcome == "done"
    before = state(way.place)
    told = way.apply("second.json")
    assert (told.outcome, told.error) == ("refused", "StalePlanError")
    assert state(way.place) == before
    told = way.apply("second.json", on_stale="skip")
    assert (told.outcome, sorted(told.left_out)) == ("partial", sorted(UNITS))
    assert rows(way.place, "SELECT count(*) FROM Customer") == [(4,)]


def test_two_plans_of_the_same_state_at_once_are_one(place: Path) -> None:
    """One of two that are applied at the same time is done, the other is stale."""
    for name in ("first.json", "second.json"):
        CommandLine(place).plan(name)
    for number in range(3):
        there = copied(place, number)
        tolds = together(there, ("apply", "first.json", STORE), ("apply", "second.json", STORE))
        assert sorted((told.outcome, told.error) for told in tolds) == [
            ("done", ""),
            ("refused", "StalePlanError"),
        ]
        assert rows(there, "SELECT count(*) FROM Customer") == [(4,)]
        assert set(linked(there).values()) == {True}


def test_two_backfills_at_once_make_nobody_twice(place: Path) -> None:
    """The second finds everything linked, or its plan stale: never a customer too many."""
    for number in range(3):
        there = copied(place, number)
        tolds = together(there, *[("backfill", STORE)] * 2)
        ended = {(told.outcome, told.error) for told in tolds}
        assert ("done", "") in ended
        assert ended <= {("done", ""), ("refused", "StalePlanError")}
        assert rows(there, "SELECT count(*) FROM Customer") == [(4,)]
        assert set(linked(there).values()) == {True}


def test_a_rollback_and_a_merge_at_once_are_one_after_the_other(place: Path) -> None:
    """Whichever is first, the store is as if the other had come after it."""
    run = Library(place).backfill().run
    keep, absorb = customer_of(place, "l1"), customer_of(place, "l3")
    commands = {"rollback": ("rollback", STORE, run), "merge": ("merge", STORE, keep, absorb)}
    serial = []
    for number, order in enumerate((("rollback", "merge"), ("merge", "rollback")), 90):
        there = copied(place, number)
        for name in order:
            leadfold(*commands[name], cwd=there)
        serial.append(state(there))
    assert serial[0] != serial[1]
    for number in range(4):
        there = copied(place, number)
        tolds = together(there, *list(commands.values())[:: (-1) ** number])
        assert sorted(told.outcome for told in tolds) == ["done", "refused"], tolds
        assert state(there) in serial


@attrs.frozen
class Overtaken:
    """A store to which somebody else writes between the reading and the writing."""

    store: SQLiteRepository
    meanwhile: list[Callable[[], Report]]

    def reading(self) -> contextlib.AbstractContextManager[Reader]:
        """Read the store."""
        return self.store.reading()

    def commit(self, changes: ChangeSet) -> Committed:
        """Let the other one go first."""
        self.meanwhile.pop()()
        return self.store.commit(changes)


@pytest.mark.parametrize("second", ["rollback", "merge", "split"])
@pytest.mark.parametrize("first", ["rollback", "merge", "split"])
def test_what_is_overtaken_is_refused(place: Path, first: str, second: str) -> None:
    """Whatever is written between the reading and the writing: stale, and nothing else changes."""
    run = Library(place).backfill().run
    one, two = customer_of(place, "l1"), customer_of(place, "l3")
    acts: dict[str, Callable[[Repository], Report]] = {
        "rollback": lambda store: backfill.rollback(run, store),
        "merge": lambda store: customers.merge(store, one, two),
        "split": lambda store: customers.split(
            store, two, [["l4"]], new_id=lambda: "c9", now=datetime(2026, 1, 1, tzinfo=UTC)
        ),
    }
    alone = copied(place, 0)
    with SQLiteRepository(alone / "crm.db") as store:
        acts[first](store)
    with SQLiteRepository(place / "crm.db") as store:
        overtaken = Overtaken(store, [lambda: acts[first](store)])
        with pytest.raises(StalePlanError):
            acts[second](overtaken)
    assert state(place) == state(alone)
