"""Plan, look, apply: saved plans, limits, answers in JSON, and what is refused."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store, rows_of

if TYPE_CHECKING:
    from pathlib import Path

STORE = "sqlite:///crm.db"
PSID = "24000000000000001"
LEADS = [
    {
        "id": "l1",
        "name": "Ada Canary",
        "messengerPsid": PSID,
        "phone": "212-555-0143",
    },
    {"id": "l2", "phone": "(212) 555-0143", "email": "ada@canary.example"},
    {"id": "l3", "phone": "212.555.0143"},
    {"id": "l4", "phone": "555-0143"},
]
JOBS = [{"id": "j1", "lead_id": "l2"}, {"id": "j2", "lead_id": "gone"}]
CANARIES = ("2125550143", "555-0143", "555.0143", "canary", PSID)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a store in it."""
    make_store(tmp_path / "crm.db", LEADS, JOBS)
    return tmp_path


def test_json_has_all_that_a_person_is_shown(place: Path) -> None:
    """Outcome, run, figures in the original's spelling, findings, times and statements."""
    ended = leadfold("backfill", STORE, "--json", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    answer = ended.json
    assert answer.keys() == {
        *("outcome", "run", "dry_run", "mode", "strategy", "leads", "counts", "stats", "extra"),
        *(
            "drift",
            "merges",
            "pinned",
            "mismatches",
            "notes",
            "unreadable",
            "failures",
            "seconds",
            "statements",
        ),
    }
    assert (answer["outcome"], answer["dry_run"], answer["leads"]) == ("done", False, 4)
    assert answer["counts"] == {"psid": 1, "phone": 1, "email": 0, "individual": 1}
    assert answer["stats"] == {
        "customersCreated": 3,
        "customersSkipped": 0,
        "leadsLinked": 4,
        "leadsAlreadyLinked": 0,
        "jobsLinked": 1,
        "jobsAlreadyLinked": 0,
        "errors": [],
    }
    assert answer["mismatches"] == [
        {"table": "Job", "lead_id": "gone", "customer_id": None, "count": 1, "problem": "no lead"}
    ]
    assert answer["seconds"].keys() == {"reading", "grouping", "writing"}
    assert answer["statements"] > 0


def test_the_summary_ends_with_times_and_findings(place: Path) -> None:
    """Phase times, the statement count, the run, then what a person should look at."""
    out = leadfold("backfill", STORE, cwd=place).out
    for line in ("Time:", "   Reading: ", "   Grouping: ", "   Writing: ", "   SQL statements: "):
        assert line in out
    assert "Rows that do not follow their lead, left as they are (1):\n   Job: 1 of" in out


def test_a_saved_plan_is_applied_once(place: Path) -> None:
    """It is the owner's only, is written exactly, and is refused the second time."""
    ended = leadfold("backfill", STORE, "--dry-run", "--plan-out", "plan.json", cwd=place)
    assert "DRY RUN COMPLETE" in ended.out
    assert stat.S_IMODE((place / "plan.json").stat().st_mode) == 0o600
    first = leadfold("apply", "plan.json", STORE, cwd=place)
    assert (first.status, "Customers created:      3" in first.out) == (0, True)
    before = rows_of(place / "crm.db", 'SELECT * FROM "Customer"')
    second = leadfold("apply", "plan.json", STORE, "--json", cwd=place)
    assert (second.status, second.json["outcome"]) == (1, "refused")
    assert second.json["error"]["type"] == "RunExistsError"
    assert rows_of(place / "crm.db", 'SELECT * FROM "Customer"') == before


def test_a_plan_that_went_stale_is_refused_or_skipped_as_asked(place: Path) -> None:
    """A lead edited since then is named; with ``--on-stale skip`` its unit alone is left out."""
    leadfold("backfill", STORE, "--dry-run", "--plan-out", "plan.json", cwd=place)
    make_edit(place / "crm.db")
    refused = leadfold("apply", "plan.json", STORE, cwd=place)
    assert (refused.status, refused.out) == (1, "")
    assert "l4" in refused.err
    assert rows_of(place / "crm.db", 'SELECT count(*) FROM "Customer"') == [(0,)]
    skipped = leadfold("apply", "plan.json", STORE, "--on-stale", "skip", cwd=place)
    assert skipped.status == 1
    assert skipped.out.startswith("BACKFILL PARTLY DONE: 1 unit(s) left out\n")
    assert rows_of(place / "crm.db", 'SELECT count(*) FROM "Customer"') == [(2,)]


def make_edit(path: Path) -> None:
    """Edit a lead behind leadfold's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE \"Lead\" SET phone = '212-555-0177' WHERE id = 'l4'")
        connection.commit()


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        pytest.param(("--max-group", "1"), "group phone:+1…43 has 2 leads", id="group"),
        pytest.param(("--max-created", "2"), "3 new customers", id="created"),
        pytest.param(("--max-linked", "0"), "4 leads to link", id="linked"),
    ],
)
def test_limits_refuse_a_plan_before_anything_is_written(
    place: Path, limit: tuple[str, str], says: str
) -> None:
    """The store keeps its rows; the message says what is too much."""
    ended = leadfold("backfill", STORE, *limit, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err
    assert rows_of(place / "crm.db", 'SELECT count(*) FROM "Customer"') == [(0,)]
    assert leadfold("backfill", STORE, *limit, "--json", cwd=place).json["outcome"] == "refused"


def test_limits_hold_saved_plans_too(place: Path) -> None:
    """What backfill would refuse, apply refuses."""
    leadfold("backfill", STORE, "--dry-run", "--plan-out", "plan.json", cwd=place)
    ended = leadfold("apply", "plan.json", STORE, "--max-created", "2", cwd=place)
    assert ended.status == 1


def test_a_limit_gives_the_line_to_paste_where_values_may_be_shown(place: Path) -> None:
    """Only with ``--show-values``."""
    ended = leadfold("backfill", STORE, "--max-group", "1", "--show-values", cwd=place)
    assert "[also_blocked]\n   phone = [" in ended.err
    (place / "policy.toml").write_text(ended.err.partition("what it blocks:\n")[2])
    again = leadfold(
        "backfill", STORE, "--max-group", "1", "--policy", "policy.toml", "--dry-run", cwd=place
    )
    assert "phone:" not in again.err


def test_a_unit_that_the_store_will_not_take_is_left_out(place: Path) -> None:
    """Its neighbours are written; the outcome is partial, the status 1, the leads are named."""
    with closing(sqlite3.connect(place / "crm.db")) as connection:
        connection.execute(
            "CREATE TRIGGER no_such BEFORE UPDATE ON \"Lead\" WHEN NEW.id = 'l1' "
            "BEGIN SELECT RAISE(ABORT, 'l1 is not to be touched'); END"
        )
        connection.commit()
    ended = leadfold("backfill", STORE, "--verbose", cwd=place)
    assert ended.status == 1
    assert ended.out.startswith("BACKFILL PARTLY DONE: 1 unit(s) left out\n")
    assert "   Errors:                 1\n" in ended.out
    assert "leads l1: l1 is not to be touched" in ended.out
    assert ended.err.count("Created customer") == 2
    again = leadfold("backfill", STORE, "--json", cwd=place)
    assert again.json["outcome"] == "partial"
    assert [failure["leads"] for failure in again.json["failures"]] == [["l1"]]


def test_nothing_identifies_a_person_unless_asked(place: Path) -> None:
    """Every command, its text and its JSON, with the name, phone, email and psid of one lead."""
    leadfold("backfill", STORE, "--dry-run", "--plan-out", "plan.json", cwd=place)
    commands = [
        ("backfill", STORE, "--dry-run", "--verbose"),
        ("backfill", STORE, "--max-group", "1"),
        ("apply", "plan.json", STORE, "--verbose"),
        ("backfill", STORE, "--json"),
        ("runs", STORE),
        ("stats", STORE),
    ]
    written = "".join(_written(place, command) for command in commands)
    for (customer,) in rows_of(place / "crm.db", 'SELECT id FROM "Customer"'):
        written += _written(place, ("customer", STORE, customer))
        written += _written(place, ("customer", STORE, customer, "--json"))
    for canary in CANARIES:
        assert canary not in written.lower()


def _written(place: Path, words: tuple[str, ...]) -> str:
    ended = leadfold(*words, cwd=place)
    return ended.out + ended.err


def test_customer_says_who_it_is(place: Path) -> None:
    """The row, its leads and jobs, and the runs that touched it; raw only if asked."""
    leadfold("backfill", STORE, cwd=place)
    [(found,)] = rows_of(place / "crm.db", "SELECT customer_id FROM \"Lead\" WHERE id = 'l2'")
    masked = leadfold("customer", STORE, found, cwd=place).out
    assert "phone:             +1…43" in masked
    assert "groupKey:          phone:+1…43" in masked
    assert "Jobs:              1" in masked
    assert "follow 1, insert 1, link 2" in masked
    raw = leadfold("customer", STORE, found, "--json", "--show-values", cwd=place).json
    assert raw["customer"]["phone"] == "+12125550143"
    assert [lead["id"] for lead in raw["leads"]] == ["l2", "l3"]
    assert raw["leads"][0]["identifiers"] == ["email:ada@canary.example", "phone:+12125550143"]


def test_runs_are_listed_newest_first(place: Path) -> None:
    """Each with what it did; none is said to be none."""
    assert leadfold("runs", STORE, cwd=place).out.startswith("No runs yet")
    leadfold("backfill", STORE, "--actor", "ada", cwd=place)
    leadfold("backfill", STORE, cwd=place)
    runs = leadfold("runs", STORE, "--json", cwd=place).json["runs"]
    assert [run["actor"] for run in runs] == ["system", "ada"]
    assert [run["stats"]["customersCreated"] for run in runs] == [0, 3]
    assert len(leadfold("runs", STORE, "--limit", "1", cwd=place).out.splitlines()) == 2


MAPPING = """\
audit = false

[lead]
table = "contacts"
id = "no"
customer_id = "client"
created_at = false
name = "who"
tenant = "firm"
[lead.identifiers]
phone = ["mobile", "home"]

[customer]
table = "clients"
metadata = "meta"
created_at = false
updated_at = false
email = false
tenant = "firm"

[[dependent]]
name = "Visit"
table = "visits"
lead_id = "contact"
customer_id = "client"
"""


def test_a_store_of_ones_own_is_mapped(tmp_path: Path) -> None:
    """Own tables, several columns of one kind, and the rows of one tenant alone."""
    (tmp_path / "store.toml").write_text(MAPPING)
    (tmp_path / "policy.toml").write_text('identifiers = ["phone"]\n')
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.executescript(
            """
            CREATE TABLE clients (id TEXT PRIMARY KEY, name, phone, meta, firm TEXT);
            CREATE TABLE contacts
                (no INTEGER PRIMARY KEY, who, mobile, home, client TEXT, firm TEXT);
            CREATE TABLE visits (id INTEGER PRIMARY KEY, contact INTEGER, client TEXT);
            INSERT INTO contacts (no, mobile, home, firm) VALUES
                (1, '212-555-0143', NULL, 'a'), (2, NULL, '(212) 555-0143', 'a'),
                (3, '212-555-0143', NULL, 'b');
            INSERT INTO visits (contact) VALUES (1), (2);
            """
        )
    options = ("--mapping", "store.toml", "--tenant", "a")
    ended = leadfold("backfill", STORE, *options, "--policy", "policy.toml", cwd=tmp_path)
    assert ended.status == 0, ended.err
    assert "   Leads linked:           2\n" in ended.out
    assert "   Visits linked:          2\n" in ended.out
    links = rows_of(tmp_path / "crm.db", "SELECT client IS NULL FROM contacts ORDER BY no")
    assert links == [(0,), (0,), (1,)]
    stats = leadfold("stats", STORE, *options, "--json", cwd=tmp_path).json
    assert (stats["leads"], stats["dependents"]) == (2, {"Visit": {"rows": 2, "linked": 2}})


def test_phones_are_stored_as_asked(place: Path) -> None:
    """The key stays E.164, the customer shows the form that was asked for."""
    leadfold("backfill", STORE, "--stored-phone", "national", cwd=place)
    phones = rows_of(place / "crm.db", 'SELECT phone FROM "Customer" WHERE phone IS NOT NULL')
    assert set(phones) == {("2125550143",)}
