"""Everything a user can get wrong ends in a line that says what, and in the right exit status."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a store, a file of leads, and files that are neither."""
    make_store(tmp_path / "crm.db", [{"id": "l1", "phone": "212-555-0143"}])
    (tmp_path / "leads.csv").write_text("id,phone\nl1,212-555-0143\n")
    (tmp_path / "ids_only.csv").write_text("id,colour\nl1,red\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "twice.csv").write_text("id,phone\nl1,212-555-0143\nl1,212-555-0199\n")
    (tmp_path / "open_quote.csv").write_text('id,phone\nl1,"212\nl2,3\n')
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "note.txt").write_text("just a note")
    (tmp_path / "bytes.bin").write_bytes(bytes(range(128, 256)))
    (tmp_path / "broken.toml").write_text("region = [")
    (tmp_path / "policy.toml").write_text('region = "USA"\nstrategy = "clever"\n')
    (tmp_path / "nin.toml").write_text('identifiers = ["nin"]\n')
    (tmp_path / "mapping.toml").write_text('[lead]\ntable = "contacts"\n')
    (tmp_path / "misspelt.toml").write_text('[leads]\ntable = "Lead"\n')
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (id TEXT)")
    return tmp_path


WRONG_USAGE = [
    pytest.param((), "COMMAND", id="no command"),
    pytest.param(("fold",), "invalid choice", id="unknown command"),
    pytest.param(("group",), "FILE", id="no file"),
    pytest.param(("group", "leads.csv", "--colum", "x"), "unrecognized", id="unknown option"),
    pytest.param(("group", "none.csv"), "none.csv: No such file", id="missing file"),
    pytest.param(("group", "."), ".: Is a directory", id="a folder"),
    pytest.param(("group", "/dev/null"), "a stream", id="a device"),
    pytest.param(("group", "empty.csv"), "empty", id="empty file"),
    pytest.param(("group", "ids_only.csv"), "Its columns: id, colour", id="no identifier"),
    pytest.param(("group", "open_quote.csv"), "line 2", id="open quote"),
    pytest.param(("group", "book.xlsx"), "CSV", id="workbook"),
    pytest.param(("group", "leads.csv", "-c", "phone=Mobile"), "Mobile", id="no such column"),
    pytest.param(("group", "leads.csv", "-c", "phone"), "FIELD=COLUMN", id="half a column"),
    pytest.param(("group", "leads.csv", "-c", "fone=phone"), "fone", id="unknown field"),
    pytest.param(("group", "leads.csv", "--truth", "who"), "who", id="no truth"),
    pytest.param(("group", "leads.csv", "--encoding", "utf-9"), "utf-9", id="encoding"),
    pytest.param(("group", "leads.csv", "--delimiter", "::"), "one character", id="delimiter"),
    pytest.param(("group", "leads.csv", "--top", "-1"), "whole number", id="negative number"),
    pytest.param(("group", "leads.csv", "--top", "0"), "1 or more", id="zero"),
    pytest.param(("group", "leads.csv", "--region", "USA"), "two letters", id="region"),
    pytest.param(("group", "leads.csv", "--policy", "none.toml"), "none.toml", id="no policy"),
    pytest.param(("group", "leads.csv", "--policy", "broken.toml"), "broken.toml", id="no TOML"),
    pytest.param(("group", "leads.csv", "--policy", "bytes.bin"), "bytes.bin", id="no text"),
    pytest.param(("group", "leads.csv", "--policy", "policy.toml"), "clever", id="bad policy"),
    pytest.param(("group", "leads.csv", "--mapping", "none.toml"), "none.toml", id="no mapping"),
    pytest.param(("group", "leads.csv", "-o", "leads.csv"), "to be read", id="over the input"),
    pytest.param(("group", "leads.csv", "-o", "no/out.csv"), "no/out.csv", id="no such folder"),
    pytest.param(("why", "leads.csv"), "LEAD", id="no leads to ask about"),
    pytest.param(("why", "leads.csv", "l1", "l9"), "no lead 'l9' among the 1", id="no such lead"),
    pytest.param(("why", "none.csv", "l1", "l1"), "none.csv: No such file", id="why without file"),
    pytest.param(("review", "none.csv"), "none.csv: No such file", id="review without file"),
    pytest.param(("why", "postgresql://a@h/d", "1", "2"), "psql URL -c", id="why of a store"),
    pytest.param(("review", "postgres://a@h/d"), "customer STORE ID", id="review of a store"),
    pytest.param(("group", "sqlite:///crm.db"), "sqlite3 -header -csv", id="group of a store"),
    pytest.param(("review", "leads.csv", "--top", "0"), "1 or more", id="no case"),
    pytest.param(("backfill", "crm.db"), "did you mean sqlite:///crm.db", id="bare path"),
    pytest.param(("backfill", "sqlite://crm.db"), "sqlite:///FILE", id="two slashes"),
    pytest.param(("backfill", "sqlite:///:memory:"), "sqlite:///FILE", id="memory"),
    pytest.param(("demo", "--store", "postgresql://h/db"), "sqlite:///FILE", id="postgresql"),
    pytest.param(("demo", "--store", "postgres://h/db"), "sqlite:///FILE", id="postgres"),
    pytest.param(("schema", "sqlite:///crm.db", "--print"), "for PostgreSQL", id="no schema"),
    pytest.param(("backfill", "sqlite:///none.db"), "none.db: No such file", id="no store"),
    pytest.param(("stats", "sqlite:///."), ".: Is a directory", id="a folder as store"),
    pytest.param(("backfill", "sqlite:///crm.db", "--mode", "mend"), "mend", id="mode"),
    pytest.param(("backfill", "sqlite:///crm.db", "--max-group", "x"), "'x'", id="limit"),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--plan-out", "note.txt"), "note.txt", id="over a file"
    ),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--plan-out", "no/p.json"), "no/p.json", id="no folder"
    ),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--mapping", "misspelt.toml"), "leads", id="bad mapping"
    ),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--policy", "none.toml"), "none.toml", id="store policy"
    ),
    pytest.param(("apply", "none.json", "sqlite:///crm.db"), "none.json", id="no plan"),
    pytest.param(("apply", "note.txt", "sqlite:///crm.db"), "note.txt", id="a note as plan"),
    pytest.param(("apply", "crm.db", "sqlite:///crm.db"), "crm.db", id="a store as plan"),
    pytest.param(("demo", "--store", "sqlite:///crm.db"), "is there already", id="demo over"),
    pytest.param(("demo", "--store", "sqlite:///no/x.db"), "no/x.db", id="demo without folder"),
]
REFUSED = [
    pytest.param(("group", "twice.csv"), "l1", "refused", id="one id twice"),
    pytest.param(("stats", "sqlite:///note.txt"), "not a database", "failed", id="no database"),
    pytest.param(("backfill", "sqlite:///note.txt"), "not a database", "failed", id="a note"),
    pytest.param(("stats", "sqlite:///other.db"), '"Lead"', "refused", id="other tables"),
    pytest.param(("backfill", "sqlite:///other.db"), '"Lead"', "refused", id="other database"),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--mapping", "mapping.toml"),
        "contacts",
        "refused",
        id="map",
    ),
    pytest.param(
        ("backfill", "sqlite:///crm.db", "--policy", "nin.toml"),
        "nin",
        "refused",
        id="unmapped kind",
    ),
    pytest.param(("customer", "sqlite:///crm.db", "c9"), "c9", "refused", id="no such customer"),
]


@pytest.mark.parametrize(("words", "says"), WRONG_USAGE)
def test_wrong_usage_is_explained_with_status_2(
    place: Path, words: tuple[str, ...], says: str
) -> None:
    """Standard output stays empty, standard error says what is wrong."""
    ended = leadfold(*words, cwd=place)
    assert (ended.status, ended.out) == (2, "")
    assert says in ended.err


@pytest.mark.parametrize(("words", "says", "outcome"), REFUSED)
def test_what_the_input_does_not_allow_is_refused_with_status_1(
    place: Path, words: tuple[str, ...], says: str, outcome: str
) -> None:
    """The line names what is wrong, and ``--json`` has the outcome and the same message."""
    ended = leadfold(*words, cwd=place)
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err
    answer = leadfold(*words, "--json", cwd=place).json
    assert answer["outcome"] == outcome
    assert says in answer["error"]["message"]


def test_json_tells_of_wrong_usage_too(place: Path) -> None:
    """A program that asked for JSON gets it for every file that is not there."""
    ended = leadfold("group", "none.csv", "--json", cwd=place)
    assert ended.status == 2
    assert ended.json["outcome"] == "failed"


def test_help_is_no_error(place: Path) -> None:
    """Help goes to standard output, with the exit statuses."""
    ended = leadfold("--help", cwd=place)
    assert (ended.status, ended.err) == (0, "")
    assert "Exit status" in ended.out


def test_the_version_is_said(place: Path) -> None:
    """One line, the name and the version."""
    ended = leadfold("--version", cwd=place)
    assert ended.status == 0
    assert ended.out.startswith("leadfold 0.")


def test_a_store_in_use_fails_after_waiting(place: Path) -> None:
    """While another program writes, a reader still reads."""
    with closing(sqlite3.connect(place / "crm.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        ended = leadfold("stats", "sqlite:///crm.db", cwd=place)
    assert ended.status == 0, ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where nobody may")
def test_a_store_that_may_not_be_written_fails(place: Path) -> None:
    """The message is the store's."""
    (place / "crm.db").chmod(0o400)
    ended = leadfold("backfill", "sqlite:///crm.db", "--json", cwd=place)
    assert (ended.status, json.loads(ended.out)["outcome"]) == (1, "failed")


def test_an_unknown_option_shows_the_usage_of_its_command(tmp_path: Path) -> None:
    """Not of the whole program, which says nothing about the command's options."""
    found = leadfold("stats", "sqlite:///crm.db", "--nonsense", cwd=tmp_path)
    assert found.status == 2
    assert found.err.startswith("usage: leadfold stats")
