"""Files of leads, whatever their format: what becomes of cells, paths and faults."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lead_files import read, told
from leadfold.cli.csv_files import CsvFile
from leadfold.cli.faults import Fault, FaultLog
from leadfold.cli.files import as_leads
from leadfold.cli.json_lines import JsonLinesFile
from leadfold.cli.parquet import ParquetFile
from leadfold.cli.rows import RowFile
from leadfold.exceptions import UnreadableFileError
from leadfold.model import Lead

if TYPE_CHECKING:
    from lead_files import Table, Write


class TestValues:
    """What becomes of cells."""

    def test_whole_floats_are_mapped_back(self, write: Write) -> None:
        """What a spreadsheet made of ids and phones is undone, in ids of leads too."""
        table, faults = read(write("id,psid,phone,customer_id\n7.0,24001.0,5551234567.0,3.0\n"))

        assert [column[0] for column in table.values()] == ["7", "3", "24001", "5551234567"]
        assert faults == []

    def test_digits_that_were_lost_are_told_of(self, write: Write) -> None:
        """A psid in scientific notation is somebody else's: it is left out, an id costs the row."""
        table, faults = read(write("id,psid,phone\nl1,2.4E+16,1\n1.5E+20,1,1\n"))

        assert (table["id"], table["psid"]) == (["l1"], [None])
        assert set(told(faults)) == {(2, "psid"), (3, None)}
        assert all("lost digits" in fault.reason for fault in faults)
        assert str(min(faults, key=str)).endswith("(read without its psid)")

    def test_times_are_iso_8601(self, write: Write) -> None:
        """Zones and naive times are kept as they are; others are told of, their leads kept."""
        path = write("id,phone,created_at\nl1,1,2024-05-01T08:00:00Z\nl2,2,\nl3,3,1/2/24\n")

        table, faults = read(path)

        assert table["created_at"] == [datetime(2024, 5, 1, 8, tzinfo=UTC), None, None]
        assert [(f.line, f.field, f.reason) for f in faults] == [
            (4, "created_at", "not a time in ISO 8601")
        ]


class TestPaths:
    """What is said of files that cannot be opened, and how formats are told apart."""

    @pytest.mark.parametrize("name", ["leads.csv.gz", "LEADS.CSV.GZ"])
    def test_reads_compressed_files(self, tmp_path: Path, name: str) -> None:
        """The name before .gz says the format."""
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"id,phone\nl1,1\n"))

        assert read(path)[0]["id"] == ["l1"]

    def test_reads_compressed_json_lines(self, write: Write) -> None:
        """Likewise for JSON Lines."""
        assert read(write('{"id": "l1", "phone": "1"}', "x.jsonl.gz"))[0]["id"] == ["l1"]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            pytest.param(b"id,phone", "Not a gzipped file", id="no gzip"),
            pytest.param(gzip.compress(b"id,phone\n" * 99)[:-12], "damaged or cut short", id="cut"),
            pytest.param(b"\x1f\x8b\x08" + b"\0" * 7 + b"junk", "damaged or cut short", id="junk"),
        ],
    )
    def test_damaged_compression_is_named(self, tmp_path: Path, data: bytes, message: str) -> None:
        """No traceback of zlib."""
        path = tmp_path / "leads.csv.gz"
        path.write_bytes(data)

        with pytest.raises(UnreadableFileError, match=f"leads.csv.gz: .*{message}"):
            read(path)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        """In the words of the system."""
        with pytest.raises(UnreadableFileError, match=r"nowhere\.csv: No such file"):
            read(tmp_path / "nowhere.csv")

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        """In the words of the system."""
        with pytest.raises(UnreadableFileError, match="Is a directory"):
            read(tmp_path)

    def test_a_workbook_is_refused_with_the_way_out(self, write: Write) -> None:
        """Save it as CSV."""
        with pytest.raises(UnreadableFileError, match="save its sheet as CSV"):
            read(write(b"PK", "leads.xlsx"))


class TestFaultLog:
    """Faults counted, the first few kept."""

    def test_counts_rows_and_values_and_keeps_the_first(self) -> None:
        """A file of a million faults does not fill the memory."""
        log = FaultLog(keep=2)
        for line, field in enumerate([None, "phone", None, "email", None]):
            log(Fault(Path("x.csv"), line, "why", field))

        assert (log.rows, log.values, log.unseen) == (3, 2, 3)
        assert [fault.line for fault in log.first] == [0, 1]


@pytest.mark.parametrize(
    "kind",
    [
        CsvFile(Path("x"), "utf-8", ",", ("id",)),
        JsonLinesFile(Path("x"), "utf-8", ("id",)),
        ParquetFile(Path("x"), ("id",), None),  # type: ignore[arg-type]
    ],
)
def test_every_kind_of_file_is_read_alike(kind: object) -> None:
    """A header and rows are all the reader of leads asks for."""
    assert isinstance(kind, RowFile)


def test_leads_become_lead_objects() -> None:
    """Columns of a batch are the attributes of a lead, or its fields."""
    batch: Table = {"id": ["l1"], "phone": [("1", "2")], "created_at": [None], "page_id": ["p"]}

    assert list(as_leads(batch)) == [Lead("l1", phone=("1", "2"), fields={"page_id": "p"})]
