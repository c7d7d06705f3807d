"""Canaries in every field: phones, emails, psids and names show up only where the design says.

They may be in the user's own tables, the identity index, the ledger's images of rows, saved plans
and files written with ``-o``, in what ``--show-values`` shows, and in attributes of results and
errors. Everything else is searched here: what commands print, tracebacks included, reprs, errors,
logs, warnings, the audit entry, runs and every other column of leadfold's own tables.

Two things are the caller's own and may be echoed: the words of the command line (an id that is a
phone is what the caller called it), and the text that the store itself raises for a constraint or
a trigger of the user's.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import re
import shutil
import sqlite3
import sys
import traceback
import unicodedata
from argparse import _SubParsersAction
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import unquote

import attrs
import pandas as pd
import pytest

import leadfold
from leadfold import InMemoryRepository, Lead, Policy, Resolver, Ruling, backfill, exceptions, group
from leadfold.backfill import Limits, Plan
from leadfold.backfill.statistics import statistics
from leadfold.changes import Change
from leadfold.cli.arguments import parser
from leadfold.cli.program import main
from leadfold.customers import customer, customer_id_now, erase, merge, split
from leadfold.exceptions import LeadfoldError
from leadfold.integrations.dataframes import group_frame
from leadfold.masking import mask, mask_key
from leadfold.model import Identifier
from leadfold.policy import IdentifierRule
from leadfold.repositories.mapping import StoreMapping
from leadfold.repositories.memory.rows import AuditEntry
from leadfold.repositories.sqlite import SQLiteRepository, create_user_tables
from leadfold.testing.samples import sample_leads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Repository
    from leadfold.survivorship import StoredPhone

# --- the canaries, and how they are looked for ---------------------------------------------------

WORD = "zqc"
"""In every name, email, scope and free text that is a canary; no other word has it."""

PHONES = ("2125550143", "6465550188", "3125550166", "9175550199", "4155550177")
PSIDS = ("24000000000004711", "24000000000004722")
_BETWEEN = re.compile(r"[\s().+/\u2010-\u2015-]")
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")


def found_in(text: str, numbers: Iterable[str] = (*PHONES, *PSIDS)) -> list[str]:
    """Return the canaries in *text*, in whatever spelling, case or escaping, with surroundings."""
    unescaped = _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)
    plain = unicodedata.normalize("NFKC", unquote(unescaped)).casefold()
    found = [plain[max(0, m.start() - 60) : m.end() + 60] for m in re.finditer(WORD, plain)]
    digits = _BETWEEN.sub("", plain)
    local = [
        f"{phone[3:6]}{mark}{phone[6:]}" for phone in numbers for mark in "-." if phone in PHONES
    ]
    found += [number for number in numbers if number in digits]
    return found + [number for number in local if number in plain]


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param("+12125550143", id="E.164"),
        pytest.param("phone:12125550143", id="key"),
        pytest.param("(212) 555-0143", id="as typed"),
        pytest.param("212\u2011555\u20110143", id="other hyphens"),
        pytest.param(
            "\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff14\uff13", id="full width"
        ),
        pytest.param(r"\u0032\u0031\u0032 555 0143", id="JSON escapes"),
        pytest.param("555-0143", id="without its area"),
        pytest.param("%2B1%20212%20555%200143", id="in an address"),
        pytest.param("psid:zq/24000000000004711", id="psid"),
        pytest.param(repr("Zofie \u017dqc ZQCanary"), id="name"),
        pytest.param(json.dumps("\u017dofie.\uff3aqcanary"), id="name in JSON"),
        pytest.param(repr(b"\xffzqc"), id="bytes"),
        pytest.param(r"\x7aqc", id="hexadecimal"),
        pytest.param("Zofie.ZQCanary@mail.example", id="email"),
    ],
)
def test_the_search_finds_what_is_planted(planted: str) -> None:
    """Among masks and ids, which it does not mind."""
    around = "run 0193e7a2-2f3b-7c11-8a55-50143aa01980 phone:+1…43 z…@….example psid:…11 {} l1"
    assert found_in(around) == []
    assert found_in(around.format(planted))


# --- stores --------------------------------------------------------------------------------------

LEADS: list[dict[str, Any]] = [
    {
        "id": "l1",
        "name": "Žofie Zqcanary",
        "messengerPsid": PSIDS[0],
        "page_id": "zqcpage",
        "phone": "+1 (212) 555-0143",
        "email": " Zofie.Zqcanary@Zqcmail.Example ",
        "address": "1 Zqc Street",
        "stage": "zqcstage",
        "stateMetadata": '{"said": "call 212-555-0143 zqc"}',
    },
    {"id": "l2", "name": "zqc", "phone": "212.555.0143"},
    {
        "id": "l3",
        "messengerPsid": PSIDS[1],
        "page_id": "zqcpage",
        "phone": "(212) 555-0143",
        "name": "Zqc Rival",
    },
    {"id": "l4", "phone": "646-555-0188", "email": "zqcfour@zqcmail.example", "name": "Zqc Four"},
    {"id": "l5", "email": "ZQCFOUR@ZQCMAIL.EXAMPLE", "name": "Zqc Four"},
    {"id": "l6", "phone": "312/555-0166", "email": "blocked.zqc@zqcmail.example"},
    {"id": "l7", "phone": "212-555-01zqc43", "email": "zqc@@zqc", "messengerPsid": PSIDS[1]},
    {"id": "l8", "phone": "2125550143" * 3, "email": f"{'zqc' * 200}@zqc.example", "name": "\tzqc"},
    {
        "id": "l9",
        "phone": "\uff12\uff11\uff12 555 0143 zqc",
        "email": "2125550143",
        "messengerPsid": "null zqc",
    },
    {"id": "l10", "name": "Zqc Nobody"},
    {"id": "l11", "email": "zqceleven@zqcmail.example", "phone": "(415) 555-0177 ext. 12"},
    {"id": "l12", "phone": "415 555 0177", "name": "Zqc Twelve"},
]
CUSTOMERS: list[dict[str, Any]] = [
    {
        "id": "u1",
        "name": "Zqc Owner",
        "phone": "917.555.0199",
        "email": "zqceleven@zqcmail.example",
        "crm_ref": "zqcref",
        "metadata": {
            "groupKey": "phone:+19175550199",
            "crm": "zqccrm-2125550143",
            "more": {"to": ["zqcnested"]},
        },
    },
    {"id": "u2", "name": "Zqc Twin", "phone": "+1 917 555 0199", "email": "zqc@@zqc"},
    {
        "id": "u3",
        "name": "Zqc Idle",
        "phone": "16465550188",
        "metadata": {
            "groupType": "phone",
            "groupKey": "phone:16465550188",
            "createdBy": "backfill-customers.ts",
            "leadCount": 1,
        },
    },
]
JOBS: list[dict[str, Any]] = [
    {"id": "j1", "lead_id": "l1", "status": "zqcstatus", "window_start": "2125550143"},
    {"id": "j2", "lead_id": "l4", "customer_id": "u1", "status": "zqc"},
    {"id": "j3", "lead_id": "nobody", "status": "zqc"},
]
OTHERS: dict[str, list[dict[str, Any]]] = {
    "Conversation": [
        {"id": "v1", "lead_id": "l2", "channel": "zqc", "external_id": PSIDS[0], "metadata": "zqc"}
    ],
    "Message": [{"id": "m1", "conversation_id": "v1", "content": "zqc 212-555-0143"}],
    "CustomerAddress": [{"id": "a1", "customer_id": "u1", "address": "1 Zqc Street"}],
    "MemoryNote": [{"id": "n1", "customer_id": "u2", "content": "zqc 9175550199"}],
    "Audit": [{"id": "old", "actor": "zqc", "action": "zqc", "payload": '{"stats": "zqc"}'}],
}
MAPPING = '[lead.scopes]\npage_id = "page_id"\n'
POLICY = f"""\
strategy = "linked"
[[identifiers]]
kind = "psid"
scope = "page_id"
[[identifiers]]
kind = "phone"
blocked = ["{PHONES[2]}"]
[[identifiers]]
kind = "email"
blocked = ["blocked.zqc@zqcmail.example"]
"""
LINKED = Policy.from_toml_text(POLICY)
SCOPED = StoreMapping(lead=attrs.evolve(StoreMapping().lead, scopes={"page_id": "page_id"}))


def fill(path: Path) -> None:
    """Make a file with a canary in every column that can hold one."""
    customers = [{**row, "metadata": _json(row.get("metadata"))} for row in CUSTOMERS]
    tables = {"Lead": LEADS, "Customer": customers, "Job": JOBS, **OTHERS}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("BEGIN")
        create_user_tables(connection)
        connection.execute('ALTER TABLE "Lead" ADD COLUMN page_id TEXT')
        connection.execute('ALTER TABLE "Customer" ADD COLUMN crm_ref TEXT')
        for table, rows in tables.items():
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" * len(row))
                statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
                connection.execute(statement, tuple(row.values()))
        not_utf8 = "CAST(x'7a71632d32313235353530313433ff' AS TEXT)"
        connection.execute(f"INSERT INTO \"Lead\" (id, phone) VALUES ('l13', {not_utf8})")  # noqa: S608
        connection.execute(f"INSERT INTO \"Customer\" (id, name) VALUES ('u4', {not_utf8})")  # noqa: S608
        connection.execute("""INSERT INTO "Customer" (id, metadata) VALUES ('u5', '{"zqc": ')""")


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def edit(path: Path, script: str) -> None:
    """Change the store behind leadfold's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def in_memory(**options: Any) -> InMemoryRepository:  # noqa: ANN401 - whatever it takes
    """Return the same rows in memory; what SQLite alone can hold is left out."""
    leads = [
        {"psid" if name == "messengerPsid" else name: cell for name, cell in row.items()}
        for row in LEADS
    ]
    audit = AuditEntry("zqc", "zqc", {"stats": "zqc"}, backfill.plan(InMemoryRepository()).run.at)
    return InMemoryRepository(
        leads=leads,
        customers=CUSTOMERS,
        dependents={"Job": JOBS, "Conversation": OTHERS["Conversation"]},
        references={"CustomerAddress": OTHERS["CustomerAddress"]},
        audit=[audit],
        **options,
    )


_ALLOWED = {
    ("leadfold_identity", "value"),
    ("leadfold_ledger", "before"),
    ("leadfold_ledger", "after"),
}


def own_text(path: Path, allowed: Iterable[tuple[str, str]] = _ALLOWED) -> str:
    """Return what leadfold's tables hold where no raw value may be, and its audit entries."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda raw: raw.decode(errors="backslashreplace")
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'leadfold%'"
        cells: list[object] = [path.name, *connection.execute("SELECT sql FROM sqlite_master")]
        for (table,) in connection.execute(query).fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            names = [column[0] for column in rows.description]
            kept = [at for at, name in enumerate(names) if (table, name) not in allowed]
            cells += [row[at] for row in rows for at in kept]
        has_audit = "SELECT 1 FROM sqlite_master WHERE name = 'Audit'"
        if connection.execute(has_audit).fetchall():
            cells += connection.execute("SELECT * FROM \"Audit\" WHERE id <> 'old'").fetchall()
    return "\n".join(map(str, cells))


# --- the command line ----------------------------------------------------------------------------

STORE = "sqlite:///crm.db"
AS_TOLD = ("--mapping", "map.toml")
BY_POLICY = (*AS_TOLD, "--policy", "policy.toml")
CSV = "id,psid,phone,email,name,page_id,who\n" + "\n".join(
    ",".join(str(row.get(name, "")).strip() for name in ("id", "messengerPsid", "phone", "email"))
    + f",{row.get('name', '').strip()},zqcpage,zqcwho"
    for row in LEADS
)
Prepare = Callable[[Path], object]


def _nothing(_: Path) -> None:
    """Leave the folder as it is."""


def _edited(script: str) -> Prepare:
    return lambda folder: edit(folder / "crm.db", script)


def _file(name: str, text: str | bytes) -> Prepare:
    raw = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / name).write_bytes(raw)


def _planned(folder: Path) -> None:
    """Save a plan of the store."""
    with SQLiteRepository(folder / "crm.db", mapping=SCOPED) as repository:
        backfill.plan(repository, LINKED).save(folder / "plan.jsonl")


def _stale_plan(folder: Path) -> None:
    _planned(folder)
    edit(folder / "crm.db", "UPDATE \"Lead\" SET phone = '6465550199' WHERE id IN ('l1', 'l4')")


def _plan_with(change: Callable[[str], str]) -> Prepare:
    def prepare(folder: Path) -> None:
        _planned(folder)
        plan = folder / "plan.jsonl"
        plan.write_text(change(plan.read_text()))

    return prepare


def _applied_plan(folder: Path) -> None:
    _planned(folder)
    with SQLiteRepository(folder / "crm.db", mapping=SCOPED) as repository:
        backfill.apply(Plan.load(folder / "plan.jsonl"), repository)


REFUSING = """
    CREATE TRIGGER refuse BEFORE UPDATE OF customer_id ON "Lead" WHEN NEW.id IN ('l1', 'l4')
    BEGIN SELECT RAISE(ABORT, 'refused by the application'); END;
"""
UNIQUE_NAME = 'CREATE UNIQUE INDEX one_name ON "Customer" (name)'
CHECKED = """
    CREATE TABLE checked (phone TEXT CHECK (length(phone) < 5));
    CREATE TRIGGER copy AFTER INSERT ON "Customer" WHEN NEW.phone IS NOT NULL
    BEGIN INSERT INTO checked VALUES (NEW.phone); END;
"""
BLANK = """
    UPDATE "Lead" SET name = NULL, "messengerPsid" = NULL, phone = NULL, email = NULL
    WHERE id = 'l4';
"""
UNDECLARED = 'CREATE TABLE visits (who TEXT REFERENCES "Customer" (id))'


@attrs.frozen
class Case:
    """One run of a command: its *words*, on which *store*, after what was done to it."""

    name: str
    words: tuple[str, ...]
    prepare: Prepare = _nothing
    store: str = "fresh"
    status: int = 0


def _group_cases() -> list[Case]:
    policy = ("--policy", "policy.toml")
    return [
        Case("plain", ("leads.csv", *policy)),
        Case("output", ("leads.csv", *policy, "-o", "out.csv", "--truth", "who")),
        Case("keyed", ("leads.csv", "--top", "9")),
        Case("json lines", ("leads.jsonl", *policy), _file("leads.jsonl", _json_lines())),
        Case("gzip", ("leads.csv.gz",), _file("leads.csv.gz", gzip.compress(CSV.encode()))),
        Case(
            "cut gzip", ("l.csv.gz",), _file("l.csv.gz", gzip.compress(CSV.encode())[:-9]), status=2
        ),
        Case("open quote", ("l.csv",), _file("l.csv", CSV + '\n"zqc,2125550143'), status=2),
        Case(
            "long rows",
            ("l.csv",),
            _file("l.csv", CSV + "\nx,zqc,2125550143,z,z,z,z,zqc,zqc"),
            status=1,
        ),
        Case("huge cell", ("l.csv",), _file("l.csv", CSV + "\nx," + "zqc" * 99_999), status=1),
        Case("no text", ("l.csv",), _file("l.csv", CSV.encode() + b"\nx,zqc\xff2125550143,,,,,")),
        Case(
            "bytes",
            ("l.csv", "--encoding", "utf-8"),
            _file("l.csv", CSV.encode() + b"\nx,zqc\xff2125550143,,,,,"),
        ),
        Case("NUL", ("l.csv",), _file("l.csv", CSV + "\nx,zqc\0,2125550143\0,,,,")),
        Case("twice", ("l.csv",), _file("l.csv", CSV + "\nl1,zqc,,,,,"), status=1),
        Case("no such column", ("leads.csv", "-c", "phone=Mobile"), status=2),
        Case("cut cells", ("leads.csv", "--mapping", "m.toml"), _file("m.toml", _CUTTING)),
        Case(
            "wrong mapping",
            ("leads.csv", "--mapping", "m.toml"),
            _file("m.toml", _CUTTING[:-9]),
            status=2,
        ),
        Case(
            "broken lines",
            ("l.jsonl",),
            _file("l.jsonl", _json_lines() + '{"id": "x", "phone": zqc2125550143\n["zqc"]\n"zqc'),
            status=1,
        ),
        Case(
            "nested values",
            ("l.jsonl", "-c", "created_at=made"),
            _file(
                "l.jsonl",
                _json_lines()
                + '{"id": "x", "phone": {"zqc": "2125550143"}, "email": ["zqc@zqc.example", 7], '
                '"made": "zqc 2125550143", "psid": 24000000000004711.5, "name": ["zqc", "zqc2"]}',
            ),
        ),
        Case("parquet", ("l.parquet",), _file("l.parquet", f"PAR1{CSV}PAR1"), status=2),
        Case(
            "stale policy",
            ("leads.csv", "--policy", "p.toml"),
            _file("p.toml", POLICY[:-4]),
            status=2,
        ),
    ]


_CUTTING = '[phone]\ncolumn = "phone"\nsplit = ";"\npattern = "zqc(.*)"\n'


def _json_lines() -> str:
    return "".join(f"{json.dumps(row)}\n" for row in LEADS)


def _store_cases() -> dict[str, list[Case]]:
    """Return runs of every command, those that fail included."""
    told = (STORE, *BY_POLICY)
    faults = [
        Case("trigger", told, _edited(REFUSING), status=1),
        Case("unique", told, _edited(UNIQUE_NAME), status=1),
        Case("check", told, _edited(CHECKED), status=1),
    ]
    return {
        "backfill": [
            Case("linked", told),
            Case("keyed", (STORE, "--stored-phone", "as_received")),
            Case("dry", (*told, "--dry-run", "--plan-out", "plan.jsonl")),
            *faults,
            Case("limits", (*told, "--max-group", "1", "--max-created", "0"), status=1),
            Case("again", told, store="filled"),
            Case("other policy", (STORE, "--region", "none"), store="decided"),
            Case("no leads", told, _edited('DROP TABLE "Lead"'), status=1),
            Case("no jobs", told, _edited('DROP TABLE "Job"; DROP TABLE "Audit"')),
            Case(
                "no column", told, _edited('ALTER TABLE "Customer" DROP COLUMN metadata'), status=1
            ),
            Case("no database", told, _file("crm.db", "zqc 2125550143" * 99), status=1),
            Case(
                "policy",
                (STORE, "--policy", "p.toml"),
                _file("p.toml", "zqc = ['2125550143'"),
                status=2,
            ),
            Case(
                "unmapped",
                (STORE, "--policy", "policy.toml"),  # the scope has no column
                status=1,
            ),
            Case(
                "condition",
                (STORE, "--mapping", "m.toml"),
                _file("m.toml", "[lead]\nwhere = \"phone <> '2125550143' AND nosuch = 1\"\n"),
                status=1,
            ),
            Case("mapping", (STORE, "--mapping", "m.toml"), _file("m.toml", b"zqc\xff"), status=2),
        ],
        "apply": [
            Case("plan", ("plan.jsonl", STORE, *AS_TOLD), _planned),
            Case("stale", ("plan.jsonl", STORE, *AS_TOLD), _stale_plan, status=1),
            Case(
                "skip", ("plan.jsonl", STORE, *AS_TOLD, "--on-stale", "skip"), _stale_plan, status=1
            ),
            Case("twice", ("plan.jsonl", STORE, *AS_TOLD), _applied_plan, status=1),
            Case("cut", ("plan.jsonl", STORE), _plan_with(lambda text: text[:-90]), status=2),
            Case("no JSON", ("plan.jsonl", STORE), _plan_with(lambda text: text[:-900]), status=2),
            Case(
                "edited",
                ("plan.jsonl", STORE),
                _plan_with(lambda t: t.replace("link", "lnk")),
                status=2,
            ),
            Case(
                "unit",
                ("plan.jsonl", STORE),
                _plan_with(lambda t: t.replace('"row"', '"raw"')),
                status=2,
            ),
            Case(
                "header",
                ("plan.jsonl", STORE),
                _plan_with(lambda t: t.replace("drift", "d", 1)),
                status=2,
            ),
            Case("no plan", ("leads.csv", STORE), status=2),
            Case("limits", ("plan.jsonl", STORE, *AS_TOLD, "--max-group", "1"), _planned, status=1),
        ],
        "rollback": [
            Case("run", (STORE, "run-1", *AS_TOLD), store="filled"),
            Case("dry", (STORE, "run-1", *AS_TOLD, "--dry-run"), store="filled"),
            Case("refused", (STORE, "run-1", *AS_TOLD), store="decided", status=1),
            Case("keep", (STORE, "run-1", *AS_TOLD, "--later", "keep"), store="decided"),
            Case("merge", (STORE, "merge-1", *AS_TOLD), store="merged"),
            Case("split", (STORE, "split-1", *AS_TOLD), store="decided"),
            Case("unknown", (STORE, "run-9", *AS_TOLD), store="filled", status=1),
            Case(
                "edited",
                (STORE, "run-1", *AS_TOLD),
                _edited("UPDATE \"Customer\" SET name = 'Zqc New', phone = '4155550177'"),
                store="filled",
                status=1,
            ),
            Case(
                "link needed",
                (STORE, "run-1", *AS_TOLD),
                _edited(
                    'CREATE TRIGGER needed BEFORE UPDATE ON "Lead" WHEN NEW.customer_id IS NULL '
                    "BEGIN SELECT RAISE(ABORT, 'a lead needs a customer'); END;"
                ),
                store="filled",
                status=1,
            ),
            Case("undeclared", (STORE, "run-1", *AS_TOLD), _edited(UNDECLARED), "filled", 1),
        ],
        "merge": [
            Case("two", (STORE, "u1", "u2", *AS_TOLD), store="filled"),
            Case("one", (STORE, "u1", "u1", *AS_TOLD), store="filled", status=1),
            Case("nobody", (STORE, "u1", "u9", *AS_TOLD), store="filled", status=1),
            Case("undeclared", (STORE, "u1", "u2", *AS_TOLD), _edited(UNDECLARED), "filled", 1),
            Case("fault", (STORE, "u1", "c1", *AS_TOLD), _edited(REFUSING), "filled", 1),
            Case("bytes", (STORE, "u1", "u4", *AS_TOLD), store="filled"),
        ],
        "split": [
            Case("lead", (STORE, "u3", "--part", "l5", *BY_POLICY), store="filled"),
            Case("foreign", (STORE, "u3", "--part", "l1", *BY_POLICY), store="filled", status=1),
            Case(
                "fault", (STORE, "u3", "--part", "l4", *BY_POLICY), _edited(REFUSING), "filled", 1
            ),
        ],
        "erase": [
            Case("blank", (STORE, "l4", *BY_POLICY), _edited(BLANK), store="filled"),
            Case("held", (STORE, "l4", *BY_POLICY), store="filled", status=1),
            Case("unknown", (STORE, "l99", *BY_POLICY), store="filled", status=1),
            Case("decided", (STORE, "l4", *BY_POLICY), _edited(BLANK), store="decided"),
        ],
        "runs": [
            Case("none", (STORE, *AS_TOLD)),
            Case("some", (STORE, *AS_TOLD), store="decided"),
            Case("broken", (STORE, *AS_TOLD), _edited("DROP TABLE leadfold_runs"), "decided", 1),
        ],
        "stats": [
            Case("fresh", (STORE, *AS_TOLD)),
            Case("filled", (STORE, *AS_TOLD), store="filled"),
            Case("no leads", (STORE,), _edited('DROP TABLE "Lead"'), status=1),
        ],
        "customer": [
            *(
                Case(who, (STORE, who, *AS_TOLD), store="filled")
                for who in ("u1", "u2", "u3", "u4")
            ),
            Case("u5", (STORE, "u5", *AS_TOLD), store="filled"),
            Case("made", (STORE, "c1", *AS_TOLD), store="filled"),
            Case("gone", (STORE, "u2", *AS_TOLD), store="merged"),
            Case("decided", (STORE, "u3", *AS_TOLD), store="decided"),
            Case("nobody", (STORE, "c99", *AS_TOLD), store="filled", status=1),
            Case("not filled", (STORE, "u1")),
        ],
        "validate": [
            Case("fresh", told, status=1),
            Case("filled", (*told, "--samples", "99"), store="filled", status=1),
            Case("keyed", (STORE, "--samples", "99"), store="decided", status=1),
            Case("sql", (STORE, *AS_TOLD, "--print-sql"), store="filled"),
            Case("no leads", told, _edited('DROP TABLE "Lead"'), status=1),
        ],
        "index": [
            Case("built", ("build", *told)),
            Case("again", ("build", *told), store="filled"),
            Case("no leads", ("build", *told), _edited('DROP TABLE "Lead"'), status=1),
        ],
        "schema": [Case("printed", ("postgresql://localhost/crm", "--print"))],
    }


CASES: dict[str, list[Case]] = {
    "demo": [
        Case("small", ("--leads", "40")),
        Case("kept", ("--leads", "40", "--store", "sqlite:///demo.db")),
    ],
    "group": _group_cases(),
    "why": [
        Case("together", ("leads.csv", "l4", "l5", "--policy", "policy.toml")),
        Case("apart", ("leads.csv", "l1", "l2", "--policy", "policy.toml")),
        Case("nobody", ("leads.csv", "l1", "nobody", "--policy", "policy.toml"), status=2),
    ],
    "review": [
        Case("linked", ("leads.csv", "--policy", "policy.toml")),
        Case("all", ("leads.csv", "--policy", "policy.toml", "--top", "99")),
    ],
    **_store_cases(),
}
MODES: dict[str, tuple[str, ...]] = {
    "text": (),
    "json": ("--json", "--traceback"),
    "verbose": ("--verbose",),
}
"""Options, where a command has them; verbose runs have the traceback from the environment."""


def commands() -> dict[str, Any]:
    """Return the parser of each command there is."""
    (found,) = (each for each in parser()._actions if isinstance(each, _SubParsersAction))  # noqa: SLF001
    return dict(found.choices)


def test_every_command_has_its_runs() -> None:
    """A command that is added is run here, or this fails."""
    assert CASES.keys() == commands().keys()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the stores that runs start from: fresh, filled, merged and decided."""
    folder = tmp_path_factory.mktemp("stores")
    fill(folder / "fresh.db")
    number = itertools.count(1)
    for name, earlier in (("filled", "fresh"), ("merged", "filled"), ("decided", "merged")):
        path = folder / f"{name}.db"
        shutil.copy(folder / f"{earlier}.db", path)
        with SQLiteRepository(path, mapping=SCOPED) as repository:
            if name == "filled":
                plan = backfill.plan(
                    repository, LINKED, run_id="run-1", new_id=lambda: f"c{next(number)}"
                )
                assert backfill.apply(plan, repository).failures == ()
            elif name == "merged":
                merge(repository, "u1", "u2", run_id="merge-1")
            else:
                split(repository, "u3", [["l5"]], policy=LINKED, run_id="split-1")
        assert found_in(own_text(path)) == []
        assert found_in(own_text(path, ()))
    return folder


@pytest.fixture(autouse=True)
def nothing_logged(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> Iterator[None]:
    """Hold every test here to silence: nothing is logged, nothing warned of."""
    caplog.set_level(0)
    yield
    assert caplog.records == []
    assert list(recwarn) == []


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Tell that it is watched."""
        return True


def run(words: Sequence[str], stream: Callable[[], io.StringIO] = io.StringIO) -> tuple[int, str]:
    """Run the command line in this process; return its status and all that it wrote."""
    out, err = stream(), stream()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(list(words))
        except SystemExit as e:
            status = int(str(e.code))
    return status, out.getvalue() + err.getvalue()


def laid_out(folder: Path, stores: Path, case: Case) -> Path:
    """Lay the files of *case* out in *folder*."""
    folder.mkdir(exist_ok=True)
    shutil.copy(stores / f"{case.store}.db", folder / "crm.db")
    for name, text in (("map.toml", MAPPING), ("policy.toml", POLICY), ("leads.csv", CSV)):
        (folder / name).write_text(text, encoding="utf-8")
    case.prepare(folder)
    return folder


def _each_case() -> list[Any]:
    return [
        pytest.param(command, case, id=f"{command}-{case.name}".replace(" ", "-"))
        for command, cases in CASES.items()
        for case in cases
    ]


@pytest.mark.parametrize(("command", "case"), _each_case())
def test_no_command_tells(
    command: str, case: Case, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In text and JSON, with all it says about the work, with tracebacks by option or variable."""
    known = commands()[command].format_help()
    for mode, options in MODES.items():
        folder = laid_out(tmp_path / mode, stores, case)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("LEADFOLD_TRACEBACK", "1" if mode == "verbose" else "")
        wanted = [option for option in options if option in known]
        status, told = run([command, *case.words, *wanted])
        assert (status, found_in(told)) == (case.status, []), told
        assert ("Traceback" in told) <= (mode != "text")
        assert "Traceback" in told or status != 2 or mode == "text"
        assert found_in("\n".join(path.name for path in folder.iterdir())) == []
        if (folder / "crm.db").read_bytes().startswith(b"SQLite format 3"):
            assert found_in(own_text(folder / "crm.db")) == []


@pytest.mark.parametrize(
    ("command", "words", "store"),
    [
        pytest.param("backfill", (STORE, *BY_POLICY), "fresh", id="backfill"),
        pytest.param("backfill", (STORE, *BY_POLICY, "--max-group", "1"), "fresh", id="limits"),
        pytest.param("customer", (STORE, "u1", *AS_TOLD), "filled", id="customer"),
        pytest.param("validate", (STORE, *BY_POLICY), "filled", id="validate"),
        pytest.param("rollback", (STORE, "run-1", *AS_TOLD), "decided", id="rollback"),
        pytest.param("group", ("leads.csv", "--policy", "policy.toml"), "fresh", id="group"),
    ],
)
def test_nothing_is_told_on_a_terminal(  # noqa: PLR0917 - fixtures and parameters
    command: str,
    words: tuple[str, ...],
    store: str,
    stores: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Colour, tables and progress show no more than plain lines do."""
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", (), store=store)))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    _, told = run([command, *words, "--traceback"], Terminal)
    assert told
    assert found_in(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)) == []


@pytest.mark.parametrize(
    ("words", "store"),
    [
        pytest.param(("customer", STORE, "u1", *AS_TOLD), "filled", id="customer"),
        pytest.param(("backfill", STORE, *BY_POLICY, "--max-group", "1"), "fresh", id="limits"),
        pytest.param(("group", "leads.csv", "--policy", "policy.toml"), "fresh", id="group"),
    ],
)
def test_values_are_shown_to_who_asks(
    words: tuple[str, ...],
    store: str,
    stores: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same runs with ``--show-values`` do tell: the canaries were there to be found."""
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", (), store=store)))
    assert found_in(run(words)[1]) == []
    assert found_in(run([*words, "--show-values"])[1])


def test_files_that_may_hold_them_do(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans and ``-o`` files hold raw values, and the commands that write them say so on demand."""
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", ())))
    run(["backfill", STORE, *BY_POLICY, "--dry-run", "--plan-out", "plan.jsonl"])
    run(["group", "leads.csv", "--policy", "policy.toml", "-o", "out.csv"])
    for name in ("plan.jsonl", "out.csv"):
        assert found_in(Path(name).read_text())


def test_a_store_that_is_locked_tells_nothing(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot write, or read, is told that alone."""
    here = laid_out(tmp_path / "here", stores, Case("", (), store="filled"))
    monkeypatch.chdir(here)
    monkeypatch.setattr("leadfold.cli.opening._TIMEOUT", 0.0)
    module = sys.modules["leadfold.repositories.sqlite"]
    connect = module.connect
    monkeypatch.setattr(
        module, "connect", lambda path, **given: connect(path, **given | {"timeout": 0})
    )
    edit(here / "crm.db", "PRAGMA journal_mode = DELETE; UPDATE \"Lead\" SET phone = '6465550188'")
    with closing(sqlite3.connect(here / "crm.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for words in (
            ("backfill", STORE, *BY_POLICY),
            ("merge", STORE, "u1", "u2", *AS_TOLD),
            ("customer", STORE, "u1", *AS_TOLD),
        ):
            status, told = run([*words, "--traceback"])
            assert (status, "in use by another" in told, found_in(told)) == (1, True, [])


def test_the_demo_masks_its_own_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its sample leads hold is masked as well, made up as it is."""
    monkeypatch.chdir(tmp_path)
    samples = [sample.lead for sample in sample_leads(60, 0)]
    phones = {re.sub(r"\D", "", str(lead.phone))[-10:] for lead in samples if lead.phone}
    psids = {str(lead.psid).strip() for lead in samples if lead.psid}
    numbers = [each for each in phones | psids if len(each) >= 10 and each.isdigit()]
    emails = [str(lead.email).strip().casefold() for lead in samples if lead.email]
    assert len(numbers) > 20
    for options in ((), ("--json",)):
        _, told = run(["demo", "--leads", "60", *options])
        assert found_in(told, numbers) == []
        assert not [email for email in emails if "@" in email and email in told.casefold()]


# --- the library ---------------------------------------------------------------------------------


_HIDDEN = {"PlannedUnits"}
"""What has no attributes for the public, only units to walk."""


def texts_of(*roots: object) -> tuple[str, set[str]]:
    """Return every text of leadfold's own objects in reach, and the names of their classes.

    In reach is what is in an attribute of one of them, in a mapping or in a collection.
    """
    told: list[str] = []
    names: set[str] = set()
    waiting, met = list(roots), dict[int, object]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, str | bytes | int | float | None) or id(each) in met:
            continue
        met[id(each)] = each  # kept, so that no other object gets its id
        kind = type(each)
        if kind.__module__.startswith("leadfold"):
            told += [repr(each), str(each), f"{each}", f"{each!r:>9}"]
            names.add(kind.__name__)
            if attrs.has(kind) and kind.__name__ not in _HIDDEN:
                waiting += [getattr(each, field.name) for field in attrs.fields(kind)]
            if isinstance(each, leadfold.Resolution):
                waiting += [each.groups, each.stops, each.rejected, each.suspicious, each.policy]
        if isinstance(each, Mapping):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, Iterable) and not callable(each):
            waiting += list(each)
    return "\n".join(told), names


@attrs.define
class Spy:
    """A repository that keeps what it was given to write."""

    repository: Repository
    written: list[ChangeSet] = attrs.field(factory=list)
    answers: list[Committed] = attrs.field(factory=list)

    def reading(self) -> contextlib.AbstractContextManager[Any]:
        """Read the store."""
        return self.repository.reading()

    def commit(self, changes: ChangeSet) -> Committed:
        """Write to the store."""
        kept = attrs.evolve(changes, units=tuple(changes.units))
        self.written.append(kept)
        self.answers.append(self.repository.commit(kept))
        return self.answers[-1]


def test_the_leads_are_of_every_sort() -> None:
    """Contested, joined, blocked, malformed, too long: each a way of its own through the engine."""
    found = group(_leads(), LINKED)
    assert {reason for stop in found.stops for reason in stop.reasons} >= {"contested"}
    reasons = {each.reason.value for each in found.rejected}
    assert reasons >= {"blocked", "malformed", "too_long", "no_scope"}
    assert max(map(len, found.groups)) > 1


@pytest.fixture(params=["sqlite", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    """Make a store full of canaries, of each kind."""
    if request.param == "memory":
        yield in_memory()
        return
    fill(tmp_path / "crm.db")
    with SQLiteRepository(tmp_path / "crm.db", mapping=SCOPED, timeout=0) as opened:
        yield opened


def lived(repository: Repository) -> tuple[Spy, list[object]]:
    """Let a store live through every operation; return what was written, and all the answers."""
    spy, number = Spy(repository), itertools.count(1)
    plans = [
        backfill.plan(
            spy, policy, run_id=f"run-{place}", new_id=lambda: f"c{next(number)}", actor="zed"
        )
        for place, policy in enumerate((LINKED, Policy.keyed()))
    ]
    got: list[object] = [*plans, backfill.apply(plans[0], spy)]
    found = customer(spy, "u3")
    got += [merge(spy, "u1", "u2", run_id="merge"), split(spy, "u3", [["l5"]], run_id="split")]
    with spy.reading() as reader:
        views = [
            customer(spy, each) for batch in reader.customers() for each in batch.ids if batch.ids
        ]
    got += [found, views, statistics(spy), backfill.validate(spy, LINKED, samples=99)]
    for run_id, later in (("run-0", "refuse"), ("run-0", "keep"), ("merge", "refuse")):
        got.append(backfill.plan_rollback(run_id, spy, later=later))  # type: ignore[arg-type]
    got.append(backfill.rollback("merge", spy, new_run_id="back"))
    got.append(backfill.rollback("back", spy))
    got.append(backfill.rollback("run-0", spy, later="keep"))
    got += [backfill.apply(backfill.plan(spy, LINKED), spy), _erased(repository, spy)]
    got.append(Resolver(spy, LINKED).resolve(Lead("without a row", phone=PHONES[0])))
    return spy, got


def _erased(repository: Repository, spy: Spy) -> object:
    """Blank l4 as the application does, and erase it."""
    if isinstance(repository, InMemoryRepository):
        (lead,) = (each for each in repository.leads() if each.id == "l4")
        repository.update_lead(attrs.evolve(lead, phone=None, email=None, name=None))
    else:
        edit(repository._path, BLANK)  # type: ignore[attr-defined]  # noqa: SLF001
    return erase(spy, "l4", policy=LINKED)


def kept(repository: Repository) -> list[object]:
    """Return what the store gives back of what leadfold keeps in it."""
    with repository.reading() as reader:
        got: list[object] = [reader.facts(), reader.rulings(), *reader.dependents()]
        runs = reader.runs(99)
        got += [runs, reader.audited(), reader.recorded("l1"), reader.recorded("customer:u1")]
        for run_of in runs:
            got += [[*reader.entries(run_of.id)], [*reader.later(run_of.id)]]
        got += [*reader.history("Customer", "u1"), *reader.history("Lead", "l5")]
        got += [*reader.links("Lead", ["l1", "l5"]), *reader.pointing_at(["u1", "u3"])]
        wanted = [Identifier("phone", f"+1{phone}") for phone in PHONES]
        got.append(reader.holders(wanted, at_most=1))
        got += [reader.around(["l1", "l5"], wanted, ["u1"], at_most=most) for most in (1, 9)]
    return got


REACHED = {
    "Around",
    "AuditEntry",
    "Blocker",
    "ChangeSet",
    "Check",
    "Committed",
    "Customer",
    "CustomerLead",
    "CustomerView",
    "DependentCount",
    "Drift",
    "Entry",
    "Group",
    "GroupQuality",
    "GroupSize",
    "Holders",
    "Identifier",
    "IdentifierRule",
    "Lead",
    "LedgerEntry",
    "Mismatch",
    "Plan",
    "Policy",
    "Reference",
    "Rejection",
    "Report",
    "Resolution",
    "RollbackPlan",
    "Ruling",
    "Run",
    "Statistics",
    "Stats",
    "Stop",
    "StoreFacts",
    "Touch",
    "Unit",
    "UnitFailure",
    "Validation",
}


def test_no_repr_tells(repository: Repository) -> None:
    """Of all that the library answers, whatever is in reach, and of every kind of change."""
    resolution = group(_leads(), LINKED, rulings=[Ruling("r1", [["l4"], ["l10"]])])
    spy, got = lived(repository)
    audit = repository.audit()[1:] if isinstance(repository, InMemoryRepository) else ()
    told, names = texts_of(
        resolution, _leads(), got, spy.written, spy.answers, kept(repository), audit, LINKED
    )
    failed = backfill.plan(in_memory(constraints=[_refuse_four]), LINKED)
    failing, failing_names = texts_of(backfill.apply(failed, in_memory(constraints=[_refuse_four])))
    assert found_in(told) == []
    assert found_in(failing) == []
    names |= failing_names
    wanted = REACHED | {change.__name__ for change in get_args(Change)}
    assert wanted - names == ({"AuditEntry"} if not audit else set())
    for payload in (each.payload for each in audit):
        assert found_in(repr(payload)) == []


def _leads() -> list[Lead]:
    return [*in_memory().leads()]


def _refuse_four(row: object) -> str | None:
    return "refused by the application" if getattr(row, "id", "") == "l4" else None


def test_nothing_kept_tells(tmp_path: Path) -> None:
    """Runs, audit, rulings, reasons: after all operations raw values are where they may be."""
    fill(tmp_path / "crm.db")
    with SQLiteRepository(tmp_path / "crm.db", mapping=SCOPED) as opened:
        lived(opened)
    assert found_in(own_text(tmp_path / "crm.db")) == []
    assert found_in(own_text(tmp_path / "crm.db", ()))


def test_nothing_stays_on_a_callers_connection(tmp_path: Path) -> None:
    """What was staged there to be written is gone, after runs that were refused as well."""
    fill(tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute("DELETE FROM \"Lead\" WHERE id = 'l13'")
        opened = SQLiteRepository(connection, mapping=SCOPED)
        plan = backfill.plan(opened, LINKED)
        backfill.apply(plan, opened)
        merge(opened, "u1", "u3")
        connection.executescript(REFUSING + BLANK)
        refused: tuple[Callable[[], object], ...] = (
            lambda: backfill.apply(plan, opened),
            lambda: backfill.rollback(plan.run.id, opened),
            lambda: merge(opened, "u2", "u1"),
        )
        for act in refused:
            with pytest.raises(LeadfoldError) as caught:
                act()
            assert found_in("".join(traceback.format_exception(caught.value))) == []
        erase(opened, "l4", policy=LINKED)
        tables = connection.execute("SELECT name FROM sqlite_temp_master WHERE type = 'table'")
        rows = [
            row
            for (table,) in tables.fetchall()
            for row in connection.execute(f'SELECT * FROM temp."{table}"')  # noqa: S608
        ]
    assert found_in(repr(rows)) == []


# --- errors --------------------------------------------------------------------------------------


def _raise_stale(store: Repository) -> None:
    plan = backfill.plan(store, LINKED)
    backfill.apply(backfill.plan(store, LINKED), store)
    backfill.apply(plan, store)


def _raise_not_indexed(store: Repository) -> None:
    Resolver(store, LINKED).resolve(Lead("new", phone=PHONES[0]))


def _raise_applied_twice(store: Repository) -> None:
    plan = backfill.plan(store, LINKED)
    backfill.apply(plan, store)
    backfill.apply(plan, store)


def _filled(store: Repository, **options: Any) -> str:  # noqa: ANN401 - what a plan takes
    return backfill.apply(backfill.plan(store, LINKED, **options), store).run_id


def _raise_blocked(store: Repository) -> None:
    first = _filled(store)
    merge(store, "u1", "u3")
    backfill.rollback(first, store)


def _raise_undone(store: Repository) -> None:
    first = _filled(store)
    backfill.rollback(first, store)
    backfill.rollback(first, store)


def _raise_nothing(store: Repository) -> None:
    _filled(store)
    backfill.rollback(_filled(store), store)


def _raise_ambiguous(store: Repository) -> None:
    _filled(store)
    merge(store, "u1", "u3")
    split(store, "u1", [["l5"]], policy=LINKED)
    customer_id_now(store, "u3")


def _raise_required(store: Repository) -> None:
    del store
    needy = in_memory(link_nullable=False)
    backfill.rollback(_filled(needy), needy)


def _raise_refused(store: Repository) -> None:
    if isinstance(store, InMemoryRepository):
        store = in_memory(constraints=[_refuse_move])
    _filled(store)
    path = getattr(store, "_path", None)
    if path is not None:
        edit(path, REFUSING)
    merge(store, "u1", "u3")


def _refuse_move(row: object) -> str | None:
    return "refused by the application" if getattr(row, "customer_id", "") == "u1" else None


def _raise_locked(store: Repository) -> None:
    path = getattr(store, "_path", None)
    if path is None:
        msg = "the store in memory is never locked"
        raise exceptions.RetryableError(msg)
    plan = backfill.plan(store, LINKED)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        backfill.apply(plan, store)


def _raise_frame(store: Repository) -> None:
    del store
    rows = {
        "id": ["l1", "l1"],
        "phone": [float(PHONES[1]), 0.5],
        "email": ["n/a", PHONES[2]],
    }
    group_frame(pd.DataFrame(rows), policy=LINKED, psid="messenger")


def _raise_format(store: Repository) -> None:
    path = Path("plan.jsonl")
    backfill.plan(store, LINKED).save(path)
    path.write_text(path.read_text()[:-300])
    Plan.load(path)


def _raise_mapping(store: Repository) -> None:
    if isinstance(store, InMemoryRepository):
        raise exceptions.MappingError(["a store in memory has no mapping"])
    path = store._path  # type: ignore[attr-defined]  # noqa: SLF001
    wrong = attrs.evolve(SCOPED, lead=attrs.evolve(SCOPED.lead, name="nosuch"))
    with SQLiteRepository(path, mapping=wrong) as opened:
        backfill.plan(opened, LINKED)


def _raise_contradiction(store: Repository) -> None:
    del store
    group(_leads(), LINKED, rulings=[Ruling("a", [["l1", "l2"]]), Ruling("b", [["l1"], ["l2"]])])


_BYTES = b"zqc@zqc.example"

RAISING: dict[str, tuple[type[Exception], Callable[[Repository], object]]] = {
    "policy": (
        exceptions.PolicyError,
        lambda _: Policy([IdentifierRule("phone", blocked=PHONES, limit=0)]),
    ),
    "unmapped": (
        exceptions.PolicyError,
        lambda store: backfill.plan(_narrow(store), Policy.keyed(identifiers=["badge"])),
    ),
    "mapping": (exceptions.MappingError, _raise_mapping),
    "duplicate": (exceptions.DuplicateLeadError, lambda _: group([*_leads(), *_leads()], LINKED)),
    "rulings": (exceptions.ConflictingRulingsError, _raise_contradiction),
    "apart": (exceptions.DifferentGroupsError, lambda _: group(_leads()).why("l1", "l5")),
    "together": (
        exceptions.SameGroupError,
        lambda _: group(_leads(), LINKED).why_not("l4", "l5"),
    ),
    "unknown lead": (exceptions.UnknownLeadError, lambda _: group(_leads()).why("l1", "gone")),
    "not held": (
        exceptions.NotHeldError,
        lambda _: group(_leads()).what_if(without=[("l9", f"phone:{PHONES[0]}")]),
    ),
    "limits": (
        exceptions.LimitExceededError,
        lambda store: backfill.plan(store, LINKED).check(Limits(1, 0, 0, 0)),
    ),
    "unknown": (exceptions.UnknownCustomerError, lambda store: customer(store, "c99")),
    "ambiguous": (exceptions.AmbiguousCustomerError, _raise_ambiguous),
    "decision": (exceptions.DecisionError, lambda store: erase(store, "l4", policy=LINKED)),
    "foreign": (
        exceptions.DecisionError,
        lambda store: split(store, "u3", [["l1"]], policy=LINKED),
    ),
    "blocked": (exceptions.RollbackRefusedError, _raise_blocked),
    "no run": (exceptions.NotUndoableError, lambda store: backfill.rollback("run-9", store)),
    "undone": (exceptions.AlreadyUndoneError, _raise_undone),
    "nothing": (exceptions.NothingToUndo, _raise_nothing),
    "required": (exceptions.LinkRequiredError, _raise_required),
    "format": (exceptions.PlanFormatError, _raise_format),
    "frame": (exceptions.FrameError, _raise_frame),
    "refused": (exceptions.StoreError, _raise_refused),
    "locked": (exceptions.RetryableError, _raise_locked),
    "stale": (exceptions.StalePlanError, _raise_stale),
    "index": (exceptions.IndexOutdatedError, _raise_not_indexed),
    "twice": (exceptions.RunExistsError, _raise_applied_twice),
    "number": (TypeError, lambda _: group([{"id": "x", "phone": int(PHONES[0])}], LINKED)),
    "bytes": (TypeError, lambda _: group([{"id": "x", "email": _BYTES}], LINKED)),
    "id": (TypeError, lambda _: Lead(id=_BYTES)),
}


def _narrow(store: Repository) -> Repository:
    """Return a store that maps no kind but the usual ones."""
    fields = ("psid", "phone", "email", "page_id")
    return in_memory(fields=fields) if isinstance(store, InMemoryRepository) else store


LOCALS_TELL = {
    "number": "the frames of grouping hold the raw cells, which are the caller's",
    "bytes": "likewise",
    "format": "the frames that read a saved plan hold its lines",
    "id": "the frame of a constructor holds what it was given",
    "not held": "likewise, of a question",
    "frame": "the frame is the caller's, and its library shows what is in it",
}
"""Where a traceback that shows local variables tells whatever leadfold does, and why."""


def test_every_error_is_raised_here() -> None:
    """But the base, those of the command line, and one that holds nothing of a store."""
    classes = {getattr(exceptions, name) for name in exceptions.__all__}
    elsewhere = {
        LeadfoldError,
        exceptions.UnitError,  # never leaves an adapter
        exceptions.MissingExtraError,  # names a package
        exceptions.UnreadableFileError,  # of `leadfold group`, above
    }
    assert classes - elsewhere <= {kind for kind, _ in RAISING.values()}


@pytest.mark.parametrize("name", RAISING)
def test_no_error_tells(
    name: str, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its text nor its repr nor its traceback, what it came from included."""
    monkeypatch.chdir(tmp_path)
    kind, act = RAISING[name]
    with pytest.raises(kind) as caught:
        act(repository)
    error = caught.value
    told = "".join(traceback.format_exception(error))
    assert found_in("\n".join([str(error), repr(error), repr(error.args), told])) == []


@pytest.mark.parametrize("name", [name for name in RAISING if name not in LOCALS_TELL])
def test_no_local_variable_of_an_error_tells(
    name: str,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A traceback with the locals of leadfold's own frames, as error trackers send it."""
    monkeypatch.chdir(tmp_path)
    kind, act = RAISING[name]
    with pytest.raises(kind) as caught:
        act(repository)
    assert found_in(locals_of(caught.value)) == []


def locals_of(error: BaseException) -> str:
    """Return the reprs of the local variables in leadfold's frames of a traceback."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    source = str(Path(leadfold.__file__).parent)
    frames = [
        frame
        for each in (told, told.__cause__, told.__context__)
        for frame in (each.stack if each else ())
    ]
    return "\n".join(
        f"{frame.name}.{name} = {shown}"
        for frame in frames
        if frame.filename.startswith(source)
        for name, shown in (frame.locals or {}).items()
    )


# --- erasures ------------------------------------------------------------------------------------

ERASED = {
    "messengerPsid": PSIDS[0],
    "phone": "(212) 555-0143",
    "email": "Zofie.Zqcanary@Zqcmail.Example",
    "name": "Zofie Zqcanary",
}
NEIGHBOURS: list[dict[str, Any]] = [
    {"id": "b", "messengerPsid": "24000000000000042", "phone": "646 555 0142", "name": "Bo"},
    {"id": "c", "phone": "646-555-0142"},
    {"id": "d", "email": "dee@mail.example", "name": "Dee"},
]
Life = Callable[[SQLiteRepository, "Callable[[str], str]"], object]


def _merged_away(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    merge(store, owner("d"), owner("a"))


def _merged_and_back(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    run_id = merge(store, owner("d"), owner("a")).run_id
    backfill.rollback(run_id, store)


def _keeps_another(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    merge(store, owner("a"), owner("d"))


def _split_off(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    merge(store, owner("d"), owner("a"))
    split(store, owner("a"), [["a"]], stored_phone="as_received")


def _taken_back(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    with store.reading() as reader:
        (first,) = reader.runs()
    backfill.rollback(first.id, store)
    assert owner("a") == "None"


def _taken_back_twice(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    _taken_back(store, owner)
    backfill.apply(backfill.plan(store, stored_phone="national"), store)
    with store.reading() as reader:
        newest, rollback, _ = reader.runs()
    backfill.rollback(newest.id, store)
    backfill.rollback(rollback.id, store)


def _changed_since(store: SQLiteRepository, owner: Callable[[str], str]) -> None:
    merge(store, owner("d"), owner("a"))
    edit(
        store._path,  # type: ignore[arg-type]  # noqa: SLF001
        "UPDATE \"Lead\" SET phone = '4155550177', email = 'zqc2@zqc.example' WHERE id = 'a'",
    )
    backfill.apply(backfill.plan(store), store)


LIVES: dict[str, Life] = {
    "nothing more": lambda _, __: None,
    "merged away": _merged_away,
    "merged and back": _merged_and_back,
    "keeps another": _keeps_another,
    "split off": _split_off,
    "taken back": _taken_back,
    "taken back twice": _taken_back_twice,
    "changed since": _changed_since,
}


def erasable(path: Path, script: str = "") -> None:
    """Make a file where lead ``a`` alone has canaries, and run *script* on it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("BEGIN")
        create_user_tables(connection)
        for row in ({"id": "a", **ERASED}, *NEIGHBOURS):
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            statement = f'INSERT INTO "Lead" ({names}) VALUES ({marks})'  # noqa: S608
            connection.execute(statement, tuple(row.values()))
    edit(path, script)


def owner_in(path: Path) -> Callable[[str], str]:
    """Return what tells the customer of a lead, past leadfold."""

    def owner(lead: str) -> str:
        with closing(sqlite3.connect(path)) as connection:
            query = 'SELECT customer_id FROM "Lead" WHERE id = ?'
            [(found,)] = connection.execute(query, (lead,))
        return str(found)

    return owner


_DELETE = "DELETE FROM \"Lead\" WHERE id = 'a';"
_BLANK = ", ".join(f'"{name}" = NULL' for name in ERASED)
_BLANK = f"UPDATE \"Lead\" SET {_BLANK} WHERE id = 'a';"  # noqa: S608


@pytest.mark.parametrize(
    "gone", [pytest.param(_BLANK, id="blanked"), pytest.param(_DELETE, id="deleted")]
)
@pytest.mark.parametrize("life", LIVES)
def test_nothing_is_left_of_what_is_erased(life: str, gone: str, tmp_path: Path) -> None:
    """No cell of any table, no byte of the file: whatever became of the customer in between."""
    path = tmp_path / "crm.db"
    erasable(path)
    shown: StoredPhone = "e164" if gone == _BLANK else "as_received"
    with SQLiteRepository(path) as store:
        backfill.apply(backfill.plan(store, stored_phone=shown), store)
        LIVES[life](store, owner_in(path))
        edit(path, gone)
        assert found_in(bytes_of(path))
        assert erase(store, "a").failures == ()
        assert found_in(own_text(path, ())) == []
    edit(path, "VACUUM")
    assert found_in(bytes_of(path)) == []
    assert "dee@mail.example" in bytes_of(path)


@pytest.mark.parametrize(
    "gone", [pytest.param(_BLANK, id="blanked"), pytest.param(_DELETE, id="deleted")]
)
def test_a_run_before_the_erasure_does_not_matter(gone: str, tmp_path: Path) -> None:
    """The index has forgotten the lead's values by then; the ledger's copies have not."""
    path = tmp_path / "crm.db"
    erasable(path)
    with SQLiteRepository(path) as store:
        backfill.apply(backfill.plan(store), store)
        _merged_away(store, owner_in(path))
        edit(path, gone)
        backfill.apply(backfill.plan(store), store)
        erase(store, "a")
    edit(path, "VACUUM")
    assert found_in(bytes_of(path)) == []


def test_nothing_erased_comes_back(tmp_path: Path) -> None:
    """A rollback of the rollback restores the customer without what it had from the lead."""
    path = tmp_path / "crm.db"
    erasable(path)
    with SQLiteRepository(path) as store:
        first = backfill.apply(backfill.plan(store), store).run_id
        undone = backfill.rollback(first, store).run_id
        edit(path, _BLANK)
        erase(store, "a")
        backfill.rollback(undone, store)
        assert owner_in(path)("a") != "None"
    edit(path, "VACUUM")
    assert found_in(bytes_of(path)) == []


def bytes_of(path: Path) -> str:
    """Return every byte of the file and of what stands beside it."""
    files = sorted(path.parent.glob(f"{path.name}*"))
    return "\n".join(file.read_bytes().decode("latin-1") for file in files)


def test_nothing_is_left_in_memory() -> None:
    """The in-memory store forgets as well, whatever became of the customer in between."""
    lead = {"psid" if name == "messengerPsid" else name: cell for name, cell in ERASED.items()}
    others = [{**row, "psid": row.get("messengerPsid")} for row in NEIGHBOURS]
    store = InMemoryRepository(leads=[{"id": "a", **lead}, *others])
    _filled_keyed(store)
    owners = {each.id: str(each.customer_id) for each in store.leads()}
    merged = merge(store, owners["d"], owners["a"])
    backfill.rollback(merged.run_id, store)
    store.delete_lead("a")
    assert found_in(_all_of(store))
    erase(store, "a")
    assert found_in(_all_of(store)) == []
    assert "dee@mail.example" in _all_of(store)


def _filled_keyed(store: InMemoryRepository) -> None:
    backfill.apply(backfill.plan(store), store)


def _all_of(store: InMemoryRepository) -> str:
    """Return everything a store in memory holds, past every mask."""
    tables = store._tables  # noqa: SLF001
    rows = [*map(attrs.asdict, store.leads()), *map(attrs.asdict, store.customers())]
    ledger = [attrs.asdict(each) for entries in tables.ledger.values() for each in entries]
    seen = [each.key for held in tables.index.seen.values() for each in held]
    holders = [each.key for each, by in tables.index.holders.items() if by]
    audit = [attrs.asdict(each) for each in store.audit()]
    return repr([rows, ledger, seen, holders, audit, [*tables.runs.values()]])


# --- what told once ------------------------------------------------------------------------


def test_no_repr_of_what_is_read_tells(repository: Repository) -> None:
    """A snapshot, its batches and the columns of a resolution are for programs, and print little.

    They are what a debugger, an error tracker or a failing assertion shows.
    """
    with repository.reading() as reader:
        shown = [repr(reader), *map(repr, reader.leads()), *map(repr, reader.customers())]
    shown.append(repr(group(_leads(), LINKED).columns))
    assert found_in("\n".join(shown)) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("email", "zed@mail.example, call 2125550143", id="text after the address"),
        pytest.param("email", "zed@mail.example Zqc Canary", id="name after the address"),
        pytest.param("email", "@.zqcanary", id="no mailbox, one label"),
    ],
)
def test_a_mask_of_what_is_no_address_tells_nothing(kind: str, value: str) -> None:
    """A customer's email is whatever somebody typed there, and is masked before it is shown."""
    assert found_in(mask(kind, value)) == []


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("+12125550143", id="no kind"),
        pytest.param("Zofie Zqcanary", id="a name"),
        pytest.param("Zofie Zqcanary: phone", id="a name before a colon"),
    ],
)
def test_a_mask_of_what_is_no_key_tells_nothing(key: str) -> None:
    """A customer's ``groupKey`` may be another program's, and is masked before it is shown."""
    assert found_in(mask_key(key)) == []


_ODD_CUSTOMERS = {
    "email": "UPDATE \"Customer\" SET email = 'zed@mail.example, call 2125550143' WHERE id = 'u1'",
    "key": """UPDATE "Customer" SET metadata = '{"groupKey": "+12125550143"}' WHERE id = 'u1'""",
    "individual": (
        """UPDATE "Customer" SET metadata = '{"groupKey": "individual:212-555-0143"}' """
        "WHERE id = 'u1'"
    ),
    "type": """UPDATE "Customer" SET metadata = '{"groupType": "zqc"}' WHERE id = 'u1'""",
    "maker": """UPDATE "Customer" SET metadata = '{"createdBy": "zqc"}' WHERE id = 'u1'""",
    "count": """UPDATE "Customer" SET metadata = '{"leadCount": "2125550143"}' WHERE id = 'u1'""",
}


@pytest.mark.parametrize("odd", _ODD_CUSTOMERS)
def test_a_customer_that_somebody_else_made_is_masked(
    odd: str, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's row may hold anything in what leadfold's own rows hold keys and counts."""
    case = Case("", (), _edited(_ODD_CUSTOMERS[odd]), store="filled")
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, case))
    assert found_in(run(["customer", STORE, "u1", *AS_TOLD])[1]) == []


def test_a_group_type_of_somebody_else_is_not_told(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what leadfold and the original made is counted by type; others' may be anything."""
    case = Case("", (), _edited(_ODD_CUSTOMERS["type"]), store="filled")
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, case))
    assert found_in(run(["stats", STORE, *AS_TOLD])[1]) == []


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param('[[identifiers]]\nkind = "phone"\nblocked = ["212-555-01zqc43"]', id="phone"),
        pytest.param('[[identifiers]]\nkind = "email"\nblocked = ["Zofie Zqcanary"]', id="email"),
        pytest.param('[also_blocked]\nemail = ["Zofie Zqcanary"]', id="also"),
    ],
)
def test_a_wrong_entry_of_a_policy_is_not_repeated(
    entry: str, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocked values are identifiers: the fault names the kind and the place in the list."""
    case = Case("", (), _file("p.toml", f"{entry}\n"))
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, case))
    status, told = run(["backfill", STORE, "--policy", "p.toml"])
    assert (status, found_in(told)) == (2, [])


def test_a_file_without_a_header_is_not_shown(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first row is taken for the names of columns, and holds a person."""
    text = CSV.partition("\n")[2]
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", (), _file("l.csv", text))))
    status, told = run(["group", "l.csv"])
    assert (status, found_in(told)) == (2, [])


def test_a_store_that_quotes_a_row_is_not_repeated(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger that takes a phone for a JSON path makes SQLite quote the phone in its message."""
    trigger = """
        CREATE TRIGGER quote AFTER INSERT ON "Customer" WHEN NEW.phone IS NOT NULL
        BEGIN UPDATE "Job" SET status = json_extract('{}', NEW.phone); END;
    """
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", (), _edited(trigger))))
    status, told = run(["backfill", STORE, *BY_POLICY, "--traceback"])
    assert (status, found_in(told)) == (1, [])


def test_a_condition_that_is_no_sql_is_not_repeated(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite quotes what it could not read, and that may be the phone of somebody to leave out."""
    mapping = '[lead]\nwhere = "phone <> \'2125550143"\n'
    monkeypatch.chdir(laid_out(tmp_path / "here", stores, Case("", (), _file("m.toml", mapping))))
    status, told = run(["backfill", STORE, "--mapping", "m.toml"])
    assert (status, found_in(told)) == (1, [])


_MADE_BY_THE_ORIGINAL = """
    INSERT INTO "Customer" (id, name, phone, email, metadata) VALUES (
        'o1', 'Zofie Zqcanary', '12125550143', 'zofie.zqcanary@zqcmail.example',
        '{"groupKey": "phone:12125550143", "createdBy": "backfill-customers.ts"}'
    );
    UPDATE "Lead" SET customer_id = 'o1' WHERE id = 'a';
"""


@pytest.mark.parametrize(
    "run_between",
    [pytest.param(False, id="at once"), pytest.param(True, id="after another run")],
)
def test_copies_of_the_originals_customers_are_erased(*, run_between: bool, tmp_path: Path) -> None:
    """It wrote the lead's name, phone and email there; merged away, only the ledger has the row."""
    path = tmp_path / "crm.db"
    erasable(path, _MADE_BY_THE_ORIGINAL)
    with SQLiteRepository(path) as store:
        backfill.apply(backfill.plan(store), store)
        _merged_away(store, owner_in(path))
        edit(path, _DELETE if not run_between else _BLANK)
        if run_between:
            backfill.apply(backfill.plan(store), store)
        erase(store, "a")
    assert found_in(own_text(path, ())) == []
