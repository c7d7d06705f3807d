"""CSV, messy: what can be read is read, the rest is named by file and line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_files import read, told
from leadfold.cli.faults import FaultLog
from leadfold.cli.files import open_leads
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from lead_files import Write


CELLS = st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="\0"))
"""Any text that a file can hold, but for digits, which a spreadsheet's floats are made of."""


class TestCsv:
    """CSV in all its dialects."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
    def test_finds_the_delimiter_out(self, write: Write, delimiter: str, end: str) -> None:
        """Comma, semicolon, tab and bar are told apart by the header and the rows."""
        lines = ["id*phone*name", 'l1*212-555-0143*"a*b, c; d|e"', 'l2*"1,5;2"*x']
        path = write(end.join(lines).replace("*", delimiter))

        table, faults = read(path)

        assert table["id"] == ["l1", "l2"]
        assert table["name"] == [f"a{delimiter}b, c; d|e", "x"]
        assert (table["phone"][1], faults) == ("1,5;2", [])

    def test_a_delimiter_may_be_told(self, write: Write) -> None:
        """What is told is not found out."""
        table, _ = read(write("id:phone\nl1:555\n"), delimiter=":")

        assert table["phone"] == ["555"]

    def test_a_header_with_another_delimiter_in_a_name_misleads_nobody(self, write: Write) -> None:
        """Rows count for more than the header alone."""
        table, _ = read(write('id;"phone, mobile"\nl1;+1 212\n'), ["phone=phone, mobile"])

        assert table == {"id": ["l1"], "phone": ["+1 212"]}

    def test_quoted_cells_keep_lines_delimiters_and_quotes(self, write: Write) -> None:
        """A cell may hold anything."""
        table, faults = read(write('id,phone,name\nl1,1,"a\n""b"", c"\nl2,2,d\n'))

        assert table["name"] == ['a\n"b", c', "d"]
        assert faults == []

    def test_rows_of_another_width_are_told_of_by_the_line_they_begin_on(
        self, write: Write
    ) -> None:
        """Too few and too many cells are passed over; lines within quotes are counted."""
        path = write('id,phone,name\nl1,1,"a\nb"\nl2,2\nl3,3,c\nl4,4,d,e\n')

        table, faults = read(path)

        assert table["id"] == ["l1", "l3"]
        assert told(faults) == [(4, None), (6, None)]
        assert str(faults[0]) == (
            f"{path}, line 4: 2 cells where the header has 3 (row passed over)"
        )

    def test_blank_rows_hold_nothing_and_are_nothing(self, write: Write) -> None:
        """Empty lines, and the bare commas that spreadsheets leave, are no leads and no faults."""
        table, faults = read(write("\nid,phone\n\nl1,1\n,,,\n,\n\n\n"))

        assert (table["id"], faults) == (["l1"], [])

    @pytest.mark.parametrize("row", [",5", "  ,5", "nan,5"])
    def test_a_row_without_an_id_is_passed_over(self, write: Write, row: str) -> None:
        """It is told of, and the next is read."""
        table, faults = read(write(f"id,phone\nl1,1\n{row}\nl3,3\n"))

        assert table["id"] == ["l1", "l3"]
        assert [(fault.line, fault.reason) for fault in faults] == [(3, "no id")]

    def test_a_quote_that_is_not_doubled_costs_its_row_alone(self, write: Write) -> None:
        """Guessing what was meant would be worse."""
        table, faults = read(write('id,phone,name\nl1,1,"Al "Big" C"\nl2,2,d\n'))

        assert table["id"] == ["l2"]
        assert [(f.line, f.reason) for f in faults] == [
            (2, "a quote within a quoted cell is not doubled")
        ]

    def test_a_quote_that_never_closes_is_named_by_its_line(self, write: Write) -> None:
        """All that follows would be one cell: that is an error, not a fault."""
        path = write('id,phone\nl1,1\nl2,"2\nl3,3\n')

        with pytest.raises(UnreadableFileError, match=r"leads.csv, line 3: a quote opens"):
            read(path)

    def test_a_quote_in_the_header_that_never_closes(self, write: Write) -> None:
        """The header's own quotes are named too."""
        with pytest.raises(UnreadableFileError, match="line 1: a quote opens"):
            read(write('id,"phone\nl1,1\n'))

    def test_large_cells_are_read_and_the_limit_of_others_is_kept(self, write: Write) -> None:
        """A cell over the csv module's default is fine; the default is left as it was."""
        before = csv.field_size_limit()

        table, faults = read(write(f'id,phone,name\nl1,1,"{"x" * 300_000}"\n'))

        assert len(str(table["name"][0])) == 300_000
        assert (faults, csv.field_size_limit()) == ([], before)

    def test_a_cell_beyond_all_measure_is_a_quote_left_open(self, write: Write) -> None:
        """Sixteen million characters are not read into memory for one cell."""
        path = write('id,phone,name\nl1,1,"' + "x\n" * (9 << 20) + '"\n')

        with pytest.raises(UnreadableFileError, match="line 2: a quote opens"):
            read(path)

    def test_nul_in_a_value_costs_the_value_and_in_an_id_the_row(self, write: Write) -> None:
        """NUL is named by line, like other faults."""
        table, faults = read(write("id,phone,name\nl1,1\0,Ann\nl\0002,2,Bob\n" + "l3,3,Cy\n" * 9))

        assert table["id"][:2] == ["l1", "l3"]
        assert table["phone"][0] is None
        assert {(f.line, f.field, f.reason) for f in faults} == {
            (2, "phone", "a NUL character"),
            (3, None, "a NUL character"),
        }

    def test_an_empty_file_has_no_header(self, write: Write) -> None:
        """Blank lines are no header either."""
        with pytest.raises(UnreadableFileError, match="the file is empty: a header"):
            read(write("\n\n"))

    def test_a_header_that_cannot_be_read_is_an_error(self, write: Write) -> None:
        """Without its columns nothing else can be."""
        with pytest.raises(UnreadableFileError, match="line 1: a quote within"):
            read(write('id,"ph"one\nl1,1\n'))

    def test_a_header_alone_is_a_file_without_leads(self, write: Write) -> None:
        """Nothing to read is not wrong."""
        assert read(write("id,phone\n")) == ({}, [])

    def test_streams_in_batches(self, write: Write) -> None:
        """No batch is larger than asked for, and none is lost; reading again starts afresh."""
        path = write("id,phone\n" + "".join(f"l{i},{i}\n" for i in range(25)))
        file = open_leads(path)

        for _ in range(2):
            sizes = [len(batch["id"]) for batch in file.batches(FaultLog(), size=10)]
            assert sizes == [10, 10, 5]

    def test_a_batch_without_a_single_id_is_skipped(self, write: Write) -> None:
        """What follows it is read."""
        table, faults = read(write("id,phone\n,1\n,2\nl3,3\n"), size=2)

        assert table["id"] == ["l3"]
        assert told(faults) == [(2, None), (3, None)]

    @given(
        rows=st.lists(
            st.tuples(CELLS, CELLS),
            max_size=6,
        ),
        delimiter=st.sampled_from(",;\t|"),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    )
    def test_what_is_written_is_read(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        rows: list[tuple[str, str]],
        delimiter: str,
        encoding: str,
    ) -> None:
        """Any text in any cell survives, in every dialect and encoding that can hold it."""
        path = tmp_path_factory.mktemp("trip") / "leads.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
            writer.writerows(
                [["id", "phone", "name"], *([f"l{i}", *r] for i, r in enumerate(rows))]
            )

        table, faults = read(path)

        assert faults == []
        for field, at in (("phone", 0), ("name", 1)):
            wanted = [None if row[at] in {"", "nan", "NaN"} else row[at] for row in rows]
            assert table.get(field, []) == wanted

    @given(st.binary(max_size=200), st.sampled_from([b"id,phone\n", b"id;phone\r\n", b""]))
    def test_no_bytes_raise_anything_else(
        self, tmp_path_factory: pytest.TempPathFactory, junk: bytes, header: bytes
    ) -> None:
        """Whatever is in the file: leads, faults, or the one error that names it."""
        path = tmp_path_factory.mktemp("junk") / "leads.csv"
        path.write_bytes(header + junk)
        try:
            table, _ = read(path)
        except UnreadableFileError as e:
            assert str(path) in str(e)  # noqa: PT017 - either outcome is right
        else:
            assert all(isinstance(lead_id, str) and lead_id for lead_id in table.get("id", []))
