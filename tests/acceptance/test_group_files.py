"""``leadfold group`` on the files people have: messy, oddly encoded, badly exported."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold

if TYPE_CHECKING:
    from pathlib import Path

MESSY = """\
\ufeffLead ID;Messenger PSID;Phone;Mobile;E-Mail;Name
l1;24000000000000001;(212) 555-0143;;ADA@EXAMPLE.COM ;Ada
l2;;212.555.0143;;;"Lovelace; Ada"
l3;;;+1 212 555 0143;;Zoë
l4;;555-0143;;ada@example.com;local
l5;null;000-000-0000;;noreply@example.com;junk

l6;;212-555-0199
;;212-555-0199;;;nobody
l7;;"2125550199
";;;line break
"""
COLUMNS = (
    *("-c", "id=Lead ID", "-c", "psid=Messenger PSID"),
    *("-c", "phone=Phone", "-c", "phone=Mobile", "-c", "email=E-Mail"),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with the messy file in it."""
    (tmp_path / "messy.csv").write_text(MESSY, "utf-8")
    return tmp_path


def test_a_messy_file_is_grouped_and_its_faults_are_named(place: Path) -> None:
    """What can be read is; rows that cannot are named by file and line; status 1 says so."""
    ended = leadfold("group", "messy.csv", *COLUMNS, "--json", "--show-values", cwd=place)
    assert ended.status == 1
    assert ended.json["outcome"] == "partial"
    assert [(group["key"], group["lead_ids"]) for group in ended.json["groups"]] == [
        ("email:ada@example.com", ["l4"]),
        ("individual:l5", ["l5"]),
        ("phone:+12125550143", ["l2", "l3"]),
        ("phone:+12125550199", ["l7"]),
        ("psid:24000000000000001", ["l1"]),
    ]
    assert ended.json["rejected"] == {
        "psid": {"placeholder": 1},
        "phone": {"blocked": 1, "local_only": 1},
        "email": {"blocked": 1},
    }
    assert "messy.csv, line 8" in ended.err
    assert "messy.csv, line 9: no id" in ended.err
    assert ended.json["unreadable"]["rows"] == 2


def test_values_are_masked_unless_asked_for(place: Path) -> None:
    """No output of a plain run holds an identifier, whichever way it is written."""
    for options in ((), ("--json",)):
        ended = leadfold("group", "messy.csv", *COLUMNS, *options, cwd=place)
        for value in ("2125550143", "212.555", "555-0143", "ada@", "24000000000000001"):
            assert value not in (ended.out + ended.err).lower()


def test_the_text_answer_counts_what_it_shows(place: Path) -> None:
    """Headline, groups by kind, values not used and the largest groups."""
    out = leadfold("group", "messy.csv", *COLUMNS, "--top", "1", cwd=place).out
    assert out.startswith("messy.csv: 6 leads in 5 groups, 2 row(s) passed over\n")
    assert "Read psid from Messenger PSID, phone from Phone and Mobile, email from E-Mail\n" in out
    assert "phone  blocked           1\n" in out
    assert "Largest groups\nkey          leads\nphone:+1…43      2\n" in out


def test_a_kind_without_a_column_is_named(tmp_path: Path) -> None:
    """A phone under another name is not passed over in silence."""
    (tmp_path / "leads.csv").write_text("id,Phone Number,email\nl1,212-555-0143,a@b.example\n")
    ended = leadfold("group", "leads.csv", cwd=tmp_path)
    assert "Read email from email; no column for psid, phone (--column FIELD=COLUMN)" in ended.out
    answer = leadfold("group", "leads.csv", "--json", cwd=tmp_path).json
    assert answer["columns"] == {"id": ["id"], "email": ["email"]}


def test_o_writes_every_lead_with_its_group(place: Path) -> None:
    """Lead id, group key and kind, raw: the file is what was asked for."""
    ended = leadfold("group", "messy.csv", *COLUMNS, "-o", "out.csv", cwd=place)
    with (place / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "lead_id": "l1",
        "group_key": "psid:24000000000000001",
        "group_kind": "psid",
    }
    assert [row["lead_id"] for row in rows] == ["l1", "l2", "l3", "l4", "l5", "l7"]
    assert "out.csv" not in ended.out


def test_cells_that_a_spreadsheet_would_run_are_inert(place: Path) -> None:
    """An id that begins like a formula is written as text, as it is in JSON Lines."""
    (place / "evil.csv").write_text("id,phone\n=1+1,212-555-0143\n")
    leadfold("group", "evil.csv", "-o", "out.csv", cwd=place)
    leadfold("group", "evil.csv", "-o", "out.jsonl", cwd=place)
    assert (place / "out.csv").read_text().splitlines()[1].startswith("'=1+1,")
    assert json.loads((place / "out.jsonl").read_text())["lead_id"] == "=1+1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    """A byte-order mark, UTF-8 and what Windows writes are all read."""
    text = "id,name,email\nl1,Zoë Müller,zoe@example.com\nl2,Zoë,ZOE@EXAMPLE.COM\n"
    (tmp_path / "leads.csv").write_bytes(text.encode(encoding))
    ended = leadfold("group", "leads.csv", "--json", cwd=tmp_path)
    assert ended.json["counts"]["email"] == 1, ended.err


def test_json_lines_and_gzip_are_read(tmp_path: Path) -> None:
    """One object a line; numbers are ids, lists are several values."""
    lines = [
        {"id": 1, "phone": ["212-555-0143", "212-555-0199"]},
        {"id": 2, "phone": 2125550143.0},
        {"id": 3, "phone": None, "email": "a@b.example"},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\nnot json\n"
    (tmp_path / "leads.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    ended = leadfold("group", "leads.jsonl.gz", "--json", cwd=tmp_path)
    assert ended.json["outcome"] == "partial"
    assert [group["lead_ids"] for group in ended.json["groups"]] == [["3"], ["1", "2"]]
    assert "leads.jsonl.gz, line 4" in ended.err


def test_parquet_is_read_where_a_reader_is_installed(tmp_path: Path) -> None:
    """The columns keep their types; a phone that is a number is one."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"id": [1, 2], "phone": [2125550143, 2125550143]})
    parquet.write_table(table, tmp_path / "leads.parquet")
    ended = leadfold("group", "leads.parquet", "--json", cwd=tmp_path)
    assert ended.json["counts"]["phone"] == 1, ended.err


def test_the_fast_doors_change_nothing(place: Path) -> None:
    """With and without them the answer is the same."""
    answers = [
        leadfold("group", "messy.csv", *COLUMNS, "--json", option, cwd=place).json
        for option in ("--fast", "--no-fast")
    ]
    assert answers[0] == answers[1]


def test_a_region_none_takes_international_numbers_only(place: Path) -> None:
    """Without a country only what begins with + is a number."""
    ended = leadfold("group", "messy.csv", *COLUMNS, "--json", "--region", "none", cwd=place)
    assert ended.json["counts"]["phone"] == 1


def test_leads_without_a_known_person_are_not_judged(tmp_path: Path) -> None:
    """The truth may have gaps: what it does not know is neither right nor wrong."""
    rows = "id,phone,who\nl1,212-555-0143,ada\nl2,212-555-0143,ada\nl3,212-555-0143,\n"
    (tmp_path / "leads.csv").write_text(rows)
    ended = leadfold("group", "leads.csv", "--truth", "who", "--json", cwd=tmp_path)
    assert ended.json["evaluation"]["leads"] == 2
    assert ended.json["evaluation"]["pairwise"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


def test_what_a_person_should_look_at_is_said(tmp_path: Path) -> None:
    """A phone with many emails, a column of local numbers, and how well it fits the truth."""
    desk = "".join(f"d{n},212-555-0143,desk{n}@example.com,x{n}\n" for n in range(6))
    local = "".join(f"s{n},555-01{n:02},,y\n" for n in range(20))
    (tmp_path / "leads.csv").write_text(f"id,phone,email,who\n{desk}{local}")
    out = leadfold("group", "leads.csv", "--truth", "who", cwd=tmp_path).out
    assert "Most values of phone were refused: is it the right column, and --region?" in out
    assert "Suspicious groups, holding many values of a weaker kind: 1\n   phone:+1…43: 6" in out
    assert "Against the truth\n26 leads, 21 groups, 7 people\npairwise  precision 0.000" in out
