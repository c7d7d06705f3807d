"""The file of groups: a row a lead, nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.cli.groups_file import inert, write_groups, write_groups_csv, write_groups_json
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [("l1", "phone:+15551234567", "phone"), ("=1+1", "individual:=1+1", "individual")]
ROW = st.tuples(st.text(), st.text(), st.text())


class TestInert:
    """Cells that a spreadsheet would run."""

    @pytest.mark.parametrize(
        "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
    )
    def test_a_formula_is_made_text(self, start: str) -> None:
        """An apostrophe before it, whatever begins it."""
        assert inert(f"{start}1") == f"'{start}1"

    @pytest.mark.parametrize("cell", ["phone:+15551234567", "l-1", "", " =1"])
    def test_other_cells_stay(self, cell: str) -> None:
        """A group key begins with its kind, so a phone in it is no formula."""
        assert inert(cell) == cell


class TestWriteGroups:
    """The format follows the name."""

    def test_csv_has_a_header_and_inert_cells(self, tmp_path: Path) -> None:
        """One line a lead."""
        write_groups(tmp_path / "groups.csv", ROWS)

        assert (tmp_path / "groups.csv").read_text() == (
            "lead_id,group_key,group_kind\n"
            "l1,phone:+15551234567,phone\n"
            "'=1+1,individual:=1+1,individual\n"
        )

    @pytest.mark.parametrize("name", ["groups.jsonl", "groups.ndjson", "GROUPS.JSON"])
    def test_json_lines_keep_every_text(self, tmp_path: Path, name: str) -> None:
        """Ids that begin like formulas are exact here."""
        write_groups(tmp_path / name, ROWS)

        lines = (tmp_path / name).read_text().splitlines()
        assert [tuple(json.loads(line).values()) for line in lines] == ROWS

    @pytest.mark.parametrize("name", ["groups.csv.gz", "groups.jsonl.gz"])
    def test_gz_is_compressed(self, tmp_path: Path, name: str) -> None:
        """What is inside is what would be outside."""
        write_groups(tmp_path / name, ROWS)
        write_groups(tmp_path / name.removesuffix(".gz"), ROWS)

        inside = gzip.decompress((tmp_path / name).read_bytes())
        assert inside == (tmp_path / name.removesuffix(".gz")).read_bytes()

    def test_a_file_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        """In the words of the system."""
        with pytest.raises(UnreadableFileError, match=r"groups\.csv: No such file or directory"):
            write_groups(tmp_path / "nowhere" / "groups.csv", ROWS)

    @given(st.lists(ROW))
    def test_no_cell_of_a_csv_begins_like_a_formula(self, rows: list[tuple[str, str, str]]) -> None:
        """Whatever the ids are; and what is no formula is read back as it was."""
        file = io.StringIO(newline="")
        write_groups_csv(file, rows)

        cells = list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1:]
        assert [tuple(inert(cell) for cell in row) for row in rows] == [*map(tuple, cells)]
        assert not any(cell[:1] in {*"=+-@\t\r\n"} for row in cells for cell in row)

    @given(st.lists(ROW))
    def test_json_lines_are_read_back_exactly(self, rows: list[tuple[str, str, str]]) -> None:
        """One line a row, whatever is in it."""
        file = io.StringIO(newline="")
        write_groups_json(file, rows)

        lines = file.getvalue().split("\n")[:-1]
        assert [tuple(json.loads(line).values()) for line in lines] == rows
