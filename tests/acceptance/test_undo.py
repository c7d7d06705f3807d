"""What was written is taken back: ``leadfold rollback``, and what people decide and undo."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from command_line import leadfold, make_store, rows_of

if TYPE_CHECKING:
    from pathlib import Path

STORE = "sqlite:///crm.db"
LEADS = [
    {"id": "l1", "name": "Ada Canary", "phone": "212-555-0143"},
    {"id": "l2", "phone": "(212) 555-0143", "email": "ada@canary.example"},
    {"id": "l3", "email": "bea@mailbox.example"},
    {"id": "l,4", "email": "Bea@Mailbox.example"},
    {"id": "l5", "messengerPsid": "24000000000000001"},
]
JOBS = [{"id": "j1", "lead_id": "l2"}, {"id": "j3", "lead_id": "l3"}]
CANARIES = ("2125550143", "555-0143", "canary", "mailbox.example", "24000000000000001")
TABLES = ("Lead", "Customer", "Job", "Conversation", "CustomerAddress", "MemoryNote")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a store of five leads of three persons, one a customer already."""
    make_store(tmp_path / "crm.db", LEADS, JOBS)
    edit(
        tmp_path,
        """
        INSERT INTO "Customer" (id, name, phone, metadata) VALUES
            ('c0', 'Zoe', '+12125550199', '{"vip": true}');
        INSERT INTO "CustomerAddress" (id, customer_id) VALUES ('a0', 'c0');
        """,
    )
    return tmp_path


def edit(place: Path, script: str) -> None:
    """Change the store behind leadfold's back."""
    with closing(sqlite3.connect(place / "crm.db")) as connection:
        connection.executescript(script)


def image(place: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the user's tables, the audit trail excepted."""
    queries = {table: f'SELECT * FROM "{table}" ORDER BY id' for table in TABLES}  # noqa: S608
    return {table: rows_of(place / "crm.db", query) for table, query in queries.items()}


def run(place: Path, *words: str) -> str:
    """Run a command that writes, and return its run."""
    ended = leadfold(*words, "--json", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    return str(ended.json["run"])


def customer_of(place: Path, lead: str) -> str:
    """Return the customer a lead is linked to."""
    [(found,)] = rows_of(place / "crm.db", f"SELECT customer_id FROM \"Lead\" WHERE id = '{lead}'")  # noqa: S608
    return str(found)


def test_a_backfill_is_rolled_back_to_the_byte(place: Path) -> None:
    """Every row of every table of the user's is what it was; the figures say what went."""
    before = image(place)
    backfill = run(place, "backfill", STORE)
    assert image(place) != before
    ended = leadfold("rollback", STORE, backfill, "--actor", "ann", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("ROLLBACK COMPLETE\n\nTaken back:\n")
    for line in (
        f"   Run:                    {backfill}\n",
        "   Units undone:             3\n",
        "   Customers that go:        3\n",
        "   Leads unlinked:           5\n",
        "   Other rows put back:      2\n",
    ):
        assert line in ended.out
    assert image(place) == before
    newest, *_ = leadfold("runs", STORE, "--json", cwd=place).json["runs"]
    assert (newest["action"], newest["actor"]) == ("rollback_customers", "ann")
    assert newest["extra"]["undoes"] == backfill


def test_a_second_rollback_is_refused_and_the_first_can_be_undone(place: Path) -> None:
    """It names the rollback that is in force; rolling that one back brings everything again."""
    backfill = run(place, "backfill", STORE)
    linked = image(place)
    rollback = run(place, "rollback", STORE, backfill)
    again = leadfold("rollback", STORE, backfill, "--json", cwd=place)
    assert (again.status, again.json["outcome"]) == (1, "refused")
    assert again.json["error"]["type"] == "AlreadyUndoneError"
    assert rollback in again.err
    back = leadfold("rollback", STORE, rollback, "--json", cwd=place).json
    assert back["extra"]["customersRestored"] == 3
    assert back["stats"]["leadsLinked"] == 5
    assert image(place) == linked


def test_a_dry_run_says_what_would_be_and_writes_nothing(place: Path) -> None:
    """The file is the same to the byte, and the real run has the figures that were announced."""
    backfill = run(place, "backfill", STORE)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    ended = leadfold("rollback", STORE, backfill, "--dry-run", "--verbose", cwd=place)
    assert ended.status == 0
    assert ended.out.startswith("DRY RUN COMPLETE: nothing was written\n\nTo be taken back:\n")
    assert ended.err.count("goes, ") == 3
    told = leadfold("rollback", STORE, backfill, "--dry-run", "--json", cwd=place).json
    assert told["dry_run"] is True
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    done = leadfold("rollback", STORE, backfill, "--json", cwd=place).json
    assert done["dry_run"] is False
    assert told["extra"].items() <= done["extra"].items()


def test_what_was_built_upon_is_refused_with_the_ways_out(place: Path) -> None:
    """Blockers unit by unit, nothing written; the commands that are named lead back."""
    before = image(place)
    backfill = run(place, "backfill", STORE)
    merge = run(place, "merge", STORE, customer_of(place, "l1"), customer_of(place, "l3"))
    split = run(place, "split", STORE, customer_of(place, "l1"), "--part", "l3")
    built = image(place)
    ended = leadfold("rollback", STORE, backfill, cwd=place)
    assert ended.status == 1
    assert ended.out.startswith("ROLLBACK REFUSED: nothing was written\n")
    assert "   Units built upon:       2\n   Units free to undo:     1\n" in ended.out
    assert f": Lead l3 was changed again by run {split}\n" in ended.out
    assert image(place) == built
    words = [line.split() for line in ended.err.splitlines() if line.startswith("   leadfold")]
    assert [(command[3], *command[4:]) for command in words] == [
        (split,),
        (merge,),
        (backfill, "--later", "keep"),
    ]
    for command in words[:2]:
        assert leadfold(*command[1:], cwd=place).status == 0
    assert leadfold("rollback", STORE, backfill, cwd=place).status == 0
    assert image(place) == before


def test_json_has_every_blocker_and_the_error(place: Path) -> None:
    """A machine learns which rows of which units stand in the way, and since which run."""
    backfill = run(place, "backfill", STORE)
    merge = run(place, "merge", STORE, customer_of(place, "l1"), customer_of(place, "l3"))
    ended = leadfold("rollback", STORE, backfill, "--json", cwd=place)
    answer = ended.json
    assert (ended.status, answer["outcome"], answer["dry_run"]) == (1, "refused", False)
    assert answer["error"]["type"] == "RollbackRefusedError"
    assert {blocker["run"] for blocker in answer["blockers"]} == {merge}
    assert {"l3", "l,4"} < {blocker["row"] for blocker in answer["blockers"]}
    assert answer["blockers"][0].keys() == {"unit", "table", "row", "problem", "run"}


def test_what_was_edited_by_hand_is_in_the_way_too(place: Path) -> None:
    """No run can be named then; the way out is to keep."""
    backfill = run(place, "backfill", STORE)
    edit(place, """UPDATE "Lead" SET customer_id = 'c0' WHERE id = 'l5'""")
    ended = leadfold("rollback", STORE, backfill, cwd=place)
    assert ended.status == 1
    assert "Lead l5 has another customer by now" in ended.out
    assert "\nKeep what was built, and take back the rest:\n" in ended.err


def test_keep_takes_back_the_rest(place: Path) -> None:
    """Units as the run left them are undone; of the others only links that still stand."""
    backfill = run(place, "backfill", STORE)
    kept = customer_of(place, "l1")
    run(place, "merge", STORE, kept, customer_of(place, "l3"))
    ended = leadfold("rollback", STORE, backfill, "--later", "keep", cwd=place)
    assert ended.status == 0
    assert "   Units undone:             1\n   Units kept:               2\n" in ended.out
    assert "\nBuilt upon since, and kept (" in ended.out
    links = dict(rows_of(place / "crm.db", 'SELECT id, customer_id FROM "Lead"'))
    assert links == {"l1": None, "l2": None, "l3": kept, "l,4": kept, "l5": None}
    again = leadfold("rollback", STORE, backfill, "--later", "keep", cwd=place)
    assert (again.status, "was rolled back already" in again.err) == (1, True)


def test_a_rollback_of_nothing_is_refused(place: Path) -> None:
    """A run that changed nothing, a run that never was."""
    run(place, "backfill", STORE)
    idle = run(place, "backfill", STORE)
    ended = leadfold("rollback", STORE, idle, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert "changed nothing" in ended.err
    unknown = leadfold("rollback", STORE, "nobody", "--json", cwd=place)
    assert (unknown.status, unknown.json["outcome"]) == (1, "refused")
    assert "leadfold runs" in unknown.json["error"]["message"]


def test_a_rollback_with_nothing_left_to_take_back_says_what_was_built(place: Path) -> None:
    """Also where later work is kept: the row in the way is listed, nothing is written."""
    run(place, "backfill", STORE)
    edit(place, """INSERT INTO "Lead" (id, phone) VALUES ('l6', '212-555-0143')""")
    second = run(place, "backfill", STORE)
    edit(place, """UPDATE "Lead" SET customer_id = 'c0' WHERE id = 'l6'""")
    built = image(place)
    ended = leadfold("rollback", STORE, second, "--later", "keep", cwd=place)
    assert ended.status == 1
    assert ended.out.startswith("ROLLBACK REFUSED: nothing was written\n")
    assert "Lead l6 has another customer by now" in ended.out
    assert ended.err == f"leadfold: run {second} changed nothing that could be taken back\n"
    assert image(place) == built


def test_a_unit_that_the_store_will_not_take_back_is_left_out(place: Path) -> None:
    """The others are undone; the status is 1, and the reason and the way on are given."""
    before = image(place)
    backfill = run(place, "backfill", STORE)
    edit(
        place,
        """CREATE TRIGGER no_such BEFORE UPDATE ON "Lead" WHEN NEW.id = 'l5'
        BEGIN SELECT RAISE(ABORT, 'l5 is not to be touched'); END""",
    )
    ended = leadfold("rollback", STORE, backfill, "--verbose", cwd=place)
    assert ended.status == 1
    assert ended.out.startswith("ROLLBACK PARTLY DONE: 1 unit(s) left out\n")
    assert "l5 is not to be touched" in ended.out
    assert ended.err.count("✓ Unit ") == 2
    links = dict(rows_of(place / "crm.db", 'SELECT id, customer_id IS NULL FROM "Lead"'))
    assert links == {"l1": 1, "l2": 1, "l3": 1, "l,4": 1, "l5": 0}
    edit(place, "DROP TRIGGER no_such")
    words = [line.split() for line in ended.err.splitlines() if line.startswith("   leadfold")]
    assert [leadfold(*command[1:], cwd=place).status for command in words] == [0, 0]
    assert image(place) == before


def test_a_store_whose_links_are_required_names_the_statement(place: Path) -> None:
    """Where a link cannot be null the rollback is refused, and says what would allow it."""
    backfill = run(place, "backfill", STORE)
    edit(
        place,
        """
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'customer_id TEXT', 'customer_id TEXT NOT NULL')
            WHERE name = 'Lead';
        """,
    )
    ended = leadfold("rollback", STORE, backfill, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert "Lead must have a customer" in ended.err
    assert "sqlite_schema" in ended.err


def test_a_merge_moves_everything_and_its_rollback_brings_it_back(place: Path) -> None:
    """Leads, jobs, addresses; the row that went comes back whole, under its id."""
    run(place, "backfill", STORE)
    before = image(place)
    keep = customer_of(place, "l1")
    ended = leadfold("merge", STORE, keep, "c0", "--actor", "ann", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    first, last = ended.out.splitlines()
    assert first == f"Merged customer c0 into {keep}: 0 lead(s), 1 CustomerAddress row(s) moved"
    assert rows_of(place / "crm.db", 'SELECT customer_id FROM "CustomerAddress"') == [(keep,)]
    undo = shlex.split(last.partition("to undo it: ")[2])
    assert undo[:3] == ["leadfold", "rollback", STORE]
    assert leadfold(*undo[1:], cwd=place).status == 0
    assert image(place) == before


def test_a_customer_that_was_merged_is_found_under_its_old_id(place: Path) -> None:
    """The one that has its leads now is shown, with the ruling; standard error says so."""
    run(place, "backfill", STORE)
    keep, gone = customer_of(place, "l1"), customer_of(place, "l3")
    merge = run(place, "merge", STORE, keep, gone)
    ended = leadfold("customer", STORE, gone, cwd=place)
    assert (ended.status, ended.err) == (0, f"{gone} is now {keep}\n")
    assert ended.out.startswith(f"Customer {keep}\n")
    assert f"formerly:          {gone}\n" in ended.out
    assert "one person: l,4, l1, l2, l3" in ended.out
    told = leadfold("customer", STORE, keep, "--json", cwd=place).json
    assert told["former_ids"] == [gone]
    [ruling] = told["rulings"]
    assert (ruling["id"], ruling["parts"]) == (merge, [["l,4", "l1", "l2", "l3"]])


def test_a_former_id_that_became_several_is_an_error_that_names_them(place: Path) -> None:
    """Nobody can say who is meant."""
    run(place, "backfill", STORE)
    keep, gone = customer_of(place, "l1"), customer_of(place, "l3")
    run(place, "merge", STORE, keep, gone)
    run(place, "split", STORE, keep, "--part", "l3")
    ended = leadfold("customer", STORE, gone, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert keep in ended.err
    assert customer_of(place, "l3") in ended.err


def test_a_split_gives_each_part_a_customer(place: Path) -> None:
    """An id with a comma comes in a JSON list; a later backfill honours the decision."""
    run(place, "backfill", STORE)
    before = image(place)
    whole = customer_of(place, "l3")
    ended = leadfold(
        *("split", STORE, whole, "--part", '["l,4"]', "--created-by", "desk"), cwd=place
    )
    assert (ended.status, ended.err) == (0, "")
    new = customer_of(place, "l,4")
    assert ended.out.splitlines()[:2] == [
        f"Split customer {whole}: it keeps 1 lead(s): l3",
        f"New customer {new} has 1 lead(s): l,4",
    ]
    told = leadfold("backfill", STORE, "--json", cwd=place).json
    assert (told["stats"]["customersCreated"], told["stats"]["leadsLinked"]) == (0, 0)
    shown = leadfold("customer", STORE, new, cwd=place).out
    assert "createdBy:         desk" in shown
    assert "different persons: l3 | l,4" in shown
    undo = shlex.split(ended.out.splitlines()[-1].partition("to undo it: ")[2])
    assert leadfold(*undo[1:], cwd=place).status == 0
    assert image(place) == before


def test_a_newer_decision_takes_an_older_one_out_of_force(place: Path) -> None:
    """The split says which ruling it contradicts; rolled back, that one is in force again."""
    run(place, "backfill", STORE)
    keep = customer_of(place, "l1")
    merge = run(place, "merge", STORE, keep, customer_of(place, "l3"))
    split = leadfold("split", STORE, keep, "--part", "l2,l3", cwd=place)
    assert f"Out of force now, for it contradicts them: ruling(s) {merge}\n" in split.out
    undo = shlex.split(split.out.splitlines()[-1].partition("to undo it: ")[2])
    back = leadfold(*undo[1:], cwd=place)
    assert "   Rulings out of force:     1\n   Rulings back in force:    1\n" in back.out


def test_the_way_back_names_the_mapping(place: Path) -> None:
    """What was needed to reach the store is part of the line that undoes."""
    (place / "my store.toml").write_text('[lead]\ntable = "Lead"\n')
    run(place, "backfill", STORE)
    words = ("merge", STORE, customer_of(place, "l1"), customer_of(place, "l3"))
    ended = leadfold(*words, "--mapping", "my store.toml", cwd=place)
    undo = shlex.split(ended.out.partition("to undo it: ")[2])
    assert undo[-2:] == ["--mapping", "my store.toml"]
    assert leadfold(*undo[1:], cwd=place).status == 0


def test_what_points_at_customers_must_be_declared(place: Path) -> None:
    """A merge is refused with the column's name, and works once the mapping says what to do."""
    run(place, "backfill", STORE)
    keep, gone = customer_of(place, "l1"), customer_of(place, "l3")
    edit(
        place,
        f"""
        CREATE TABLE visits (id INTEGER PRIMARY KEY, who TEXT REFERENCES "Customer" (id));
        INSERT INTO visits (who) VALUES ('{gone}');
        """,  # noqa: S608
    )
    refused = leadfold("merge", STORE, keep, gone, cwd=place)
    assert (refused.status, refused.out) == (1, "")
    assert "visits.who" in refused.err
    (place / "store.toml").write_text(
        '[[reference]]\ntable = "visits"\ncustomer_id = "who"\ntreatment = "carry"\n'
        '[[reference]]\ntable = "CustomerAddress"\n[[reference]]\ntable = "MemoryNote"\n'
    )
    ended = leadfold("merge", STORE, keep, gone, "--mapping", "store.toml", cwd=place)
    assert ended.status == 0, ended.err
    assert "1 visits row(s)" in ended.out
    assert rows_of(place / "crm.db", "SELECT who FROM visits") == [(keep,)]


def test_an_erasure_is_for_good(place: Path) -> None:
    """Refused while the row holds values; then nothing of the lead is left, nor comes back."""
    backfill = run(place, "backfill", STORE)
    found = customer_of(place, "l2")
    early = leadfold("erase", STORE, "l2", cwd=place)
    assert (early.status, "still holds phone, email" in early.err) == (1, True)
    edit(place, """UPDATE "Lead" SET phone = NULL, email = NULL WHERE id = 'l2'""")
    ended = leadfold("erase", STORE, "l2", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    first, blanked, last = ended.out.splitlines()
    assert first == "Erased what was kept of lead l2: this cannot be undone"
    assert blanked == f"Blanked on customer {found}: email"
    undo = leadfold("rollback", STORE, last.removeprefix("Run "), cwd=place)
    assert (undo.status, "it is an erasure" in undo.err) == (1, True)
    edit(place, "VACUUM")
    assert b"ada@canary.example" not in (place / "crm.db").read_bytes()
    assert leadfold("rollback", STORE, backfill, cwd=place).status == 0


def test_what_comes_back_without_erased_values_says_so(place: Path) -> None:
    """The row of a merged customer is restored, and a note names what it has lost."""
    run(place, "backfill", STORE)
    merge = run(place, "merge", STORE, "c0", customer_of(place, "l5"))
    edit(place, """DELETE FROM "Lead" WHERE id = 'l5'""")
    answer = leadfold("erase", STORE, "l5", "--json", cwd=place).json
    assert (answer["outcome"], answer["lead"]) == ("done", "l5")
    ended = leadfold("rollback", STORE, merge, cwd=place)
    assert ended.status == 0, ended.err
    assert "\nNotes (1):\n" in ended.out
    assert "comes back without groupKey: erased" in ended.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("merge", STORE, "c0", "c0"), "with itself", id="one customer"),
        pytest.param(("merge", STORE, "c0", "c9"), "no customer c9", id="nobody"),
        pytest.param(("split", STORE, "c9", "--part", "l1"), "no customer c9", id="split nobody"),
        pytest.param(("split", STORE, "c0", "--part", "l1"), "has no lead l1", id="another's lead"),
        pytest.param(("erase", STORE, "l9"), "nothing is known of a lead l9", id="no such lead"),
        pytest.param(("customer", STORE, "c9"), "no customer c9", id="never there"),
    ],
)
def test_what_cannot_be_meant_is_refused(place: Path, words: tuple[str, ...], says: str) -> None:
    """Exit status 1, nothing on standard output, nothing written."""
    before = image(place)
    ended = leadfold(*words, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err
    assert leadfold(*words, "--json", cwd=place).json["outcome"] == "refused"
    assert image(place) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("rollback", STORE), "RUN", id="no run"),
        pytest.param(("rollback", STORE, "r", "--later", "x"), "--later", id="later"),
        pytest.param(("rollback", "sqlite:///none.db", "r"), "none.db", id="no store"),
        pytest.param(("merge", STORE, "c0"), "ABSORB", id="one customer"),
        pytest.param(("split", STORE, "c0"), "--part", id="no part"),
        pytest.param(("split", STORE, "c0", "--part", ""), "--part", id="empty part"),
        pytest.param(("split", STORE, "c0", "--part", "l1,,l2"), "--part", id="empty id"),
        pytest.param(("split", STORE, "c0", "--part", '["l1"'), "JSON", id="broken list"),
        pytest.param(("split", STORE, "c0", "--part", '[["l1"]]'), "JSON", id="list of lists"),
        pytest.param(
            ("split", STORE, "c0", "--part", "l1", "--policy", "none.toml"),
            "none.toml",
            id="policy",
        ),
        pytest.param(("erase", STORE), "LEAD", id="no lead"),
        pytest.param(("erase", STORE, "l1", "--region", "USA"), "two letters", id="region"),
    ],
)
def test_wrong_usage_has_status_2(place: Path, words: tuple[str, ...], says: str) -> None:
    """Standard output stays empty, standard error says what is wrong."""
    ended = leadfold(*words, cwd=place)
    assert (ended.status, ended.out) == (2, "")
    assert says in ended.err


def test_nothing_identifies_a_person_unless_asked(place: Path) -> None:
    """Every command that undoes or decides, its text and its JSON, refusals included."""
    backfill = run(place, "backfill", STORE)
    keep, other = customer_of(place, "l1"), customer_of(place, "l3")
    commands = [
        ("merge", STORE, keep, other),
        ("customer", STORE, other),
        ("rollback", STORE, backfill),
        ("rollback", STORE, backfill, "--later", "keep", "--dry-run", "--verbose"),
        ("split", STORE, keep, "--part", "l1,l2"),
        ("erase", STORE, "l1"),
        ("rollback", STORE, backfill, "--later", "keep"),
    ]
    written = ""
    for command in commands:
        for asked in ((), ("--json",)):
            ended = leadfold(*command, *asked, cwd=place)
            written += ended.out + ended.err
    for canary in CANARIES:
        assert canary not in written.lower()
    raw = leadfold("customer", STORE, keep, "--show-values", cwd=place).out
    assert "12125550143" in raw
