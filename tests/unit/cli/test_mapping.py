"""Flags and mapping files: which column feeds which field, every mistake named at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from leadfold.cli.columns import Source, columns_from_flags, read_mapping
from leadfold.cli.faults import FaultLog
from leadfold.cli.files import open_leads
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """Return where a mapping file may be written."""
    return tmp_path / "columns.toml"


class TestFlags:
    """``--column FIELD=COLUMN``."""

    def test_repeated_flags_gather_columns(self) -> None:
        """In the order given; a column may hold an equals sign."""
        flags = ["phone=Phone", "id=a=b", "phone=Mobile", "email="]

        assert columns_from_flags(flags) == {
            "phone": Source(("Phone", "Mobile")),
            "id": Source(("a=b",)),
            "email": Source(()),
        }

    @pytest.mark.parametrize("flag", ["phone", "=Phone", ""])
    def test_a_flag_that_says_nothing_is_refused(self, flag: str) -> None:
        """The error shows how to write it."""
        with pytest.raises(UnreadableFileError, match="write FIELD=COLUMN, such as phone=Mobile"):
            columns_from_flags([flag])


class TestMappingFile:
    """A mapping file in TOML."""

    def test_reads_columns_lists_and_tables(self, mapping: Path) -> None:
        """Every form of an entry."""
        mapping.write_text(
            'id = "Lead ID"\n'
            'phone = ["Phone", "Mobile"]\n'
            "email = []\n"
            "nin = { column = \"other_ids\", pattern = 'nin::([^|]*)' }\n"
            'tag = { columns = ["a", "b"], split = ";" }\n'
        )

        assert read_mapping(mapping) == {
            "id": Source(("Lead ID",)),
            "phone": Source(("Phone", "Mobile")),
            "email": Source(()),
            "nin": Source(("other_ids",), pattern=re.compile("nin::([^|]*)")),
            "tag": Source(("a", "b"), split=";"),
        }

    def test_names_every_mistake_at_once(self, mapping: Path) -> None:
        """One round is enough to mend them."""
        mapping.write_text(
            "a = 7\nb = ['']\nc = { pattern = 'x' }\nd = { column = 'x', columns = ['y'] }\n"
            "e = { column = 'x', regex = 'y' }\nf = { column = 'x', pattern = '(' }\n"
            "g = { column = 'x', split = '' }\nh = { column = 'x', pattern = 7 }\n"
        )

        with pytest.raises(UnreadableFileError) as caught:
            read_mapping(mapping)

        faults = str(caught.value).removeprefix(f"{mapping}: ").split("; ")
        assert [fault[0] for fault in faults] == [*"abcdefgh"]
        assert faults[4] == "e: knows column, columns, pattern and split, not regex"

    @pytest.mark.parametrize("content", [b"id = ", b"id = '\xff'"])
    def test_what_is_no_toml_is_refused(self, mapping: Path, content: bytes) -> None:
        """With the file's name, and the line where TOML has one."""
        mapping.write_bytes(content)

        with pytest.raises(UnreadableFileError, match=r"columns\.toml: not TOML: "):
            read_mapping(mapping)

    def test_a_file_that_is_not_there_is_named(self, mapping: Path) -> None:
        """In the words of the system."""
        with pytest.raises(UnreadableFileError, match=r"columns\.toml: No such file"):
            read_mapping(mapping)

    def test_cuts_national_ids_out_of_one_column(self, tmp_path: Path, mapping: Path) -> None:
        """A column of several ids feeds several kinds of one's own."""
        path = tmp_path / "leads.csv"
        path.write_text(
            "id,other_ids,tels\nl1,nin::CF1|art::K-8,1; 2;\nl2,art::K-9,\nl3,nin::CF3|nin::CF4,3\n"
        )
        mapping.write_text(
            "nin = { column = 'other_ids', pattern = 'nin::([^|]*)' }\n"
            "art = { column = 'other_ids', pattern = '(?<=art::)[^|]*' }\n"
            "phone = { column = 'tels', split = ';' }\n"
        )

        [batch] = open_leads(path, columns=read_mapping(mapping)).batches(FaultLog())

        assert batch["nin"] == ["CF1", None, ("CF3", "CF4")]
        assert batch["art"] == ["K-8", "K-9", None]
        assert batch["phone"] == [("1", "2"), None, "3"]

    def test_cuts_ids_customers_and_times_to_one_value(self, tmp_path: Path, mapping: Path) -> None:
        """Fields of one value may be cut out too; two values where one is due are told of."""
        path = tmp_path / "leads.csv"
        path.write_text(
            "ref,phone,when,who\nL/7/x,1,on 2024-05-01,c:1\nL/8/x,2,never,c:1 c:2\nnone,3,,\n"
        )
        mapping.write_text(
            "id = { column = 'ref', pattern = 'L/([0-9]+)' }\n"
            "created_at = { column = 'when', pattern = '[0-9-]+' }\n"
            "customer_id = { column = 'who', pattern = 'c:([0-9])' }\n"
        )
        log = FaultLog()

        [batch] = open_leads(path, columns=read_mapping(mapping)).batches(log)

        assert batch["id"] == ["7", "8"]
        assert [str(when)[:10] for when in batch["created_at"]] == ["2024-05-01", "None"]
        assert batch["customer_id"] == ["1", None]
        assert sorted((f.line, f.reason) for f in log.first) == [
            (3, "several values where one is expected"),
            (4, "no id"),
        ]

    def test_a_table_switched_off_reads_nothing(self) -> None:
        """A source without a column takes no cell."""
        assert Source(()).columns == ()
