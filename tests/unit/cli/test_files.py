"""Files of leads, messy ones: what can be read is read, the rest is named by file and line."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.cli.columns import columns_from_flags
from leadfold.cli.faults import Fault, FaultLog
from leadfold.cli.files import as_leads, open_leads
from leadfold.exceptions import UnreadableFileError
from leadfold.model import Lead

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Write = Callable[..., Path]

Table = dict[str, list[object]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a new file and returns its path."""

    def write(content: str | bytes, name: str = "leads.csv", encoding: str = "utf-8") -> Path:
        data = content.encode(encoding) if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def read(
    path: Path, flags: Sequence[str] = (), size: int = 50_000, **how: str
) -> tuple[Table, list[Fault]]:
    """Return all leads of *path* as one table, and all faults."""
    table: Table = {}
    faults: list[Fault] = []
    file = open_leads(path, columns=columns_from_flags(flags), **how)
    for batch in file.batches(faults.append, size):
        for field, column in batch.items():
            table.setdefault(field, []).extend(column)
    return table, faults


def told(faults: Sequence[Fault]) -> list[tuple[int, str | None]]:
    """Return line and field of each fault."""
    return [(fault.line, fault.field) for fault in faults]


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
        table, faults = read(write("\nid,phone\n\nl1,1\n,,,\n\n\n"))

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


class TestEncodings:
    """Told or found out."""

    ROWS = "id,phone,name\nl1,1,Zoë Łuk\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"], ids=str)
    def test_finds_utf_out(self, write: Write, encoding: str) -> None:
        """A byte-order mark or valid UTF-8 says it, without a note."""
        path = write(self.ROWS, encoding=encoding)

        assert read(path)[0]["name"] == ["Zoë Łuk"]
        assert open_leads(path).notes == ()

    @pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
    def test_both_byte_orders_are_known_by_their_mark(self, write: Write, mark: str) -> None:
        """Little and big endian."""
        assert read(write("\ufeff" + self.ROWS, encoding=mark))[0]["id"] == ["l1"]

    @pytest.mark.parametrize(
        ("raw", "name", "codec"),
        [(b"Jos\xe9 \x80", "José €", "cp1252"), (b"Jos\xe9 \x81", "José \x81", "latin-1")],
    )
    def test_falls_back_and_says_so(self, write: Write, raw: bytes, name: str, codec: str) -> None:
        """Windows-1252, or Latin-1 where its bytes have no meaning there: a note says which."""
        path = write(b"id,phone,name\nl1,1," + raw + b"\n")

        assert read(path)[0]["name"] == [name]
        assert codec in open_leads(path).notes[0]

    def test_an_accent_in_the_last_line_is_found(self, write: Write) -> None:
        """A guess from the beginning of the file would be wrong."""
        path = write(b"id,phone,name\n" + b"l1,1,plain\n" * 200_000 + b"l2,2,Jos\xe9\n")

        assert read(path)[0]["name"][-1] == "José"

    def test_a_letter_across_two_chunks_is_whole(self, write: Write) -> None:
        """UTF-8 is recognised wherever the reading is cut."""
        start = b"id,phone,name\nl1,1,"
        path = write(start + b"x" * ((1 << 20) - len(start) - 1) + "é\n".encode())

        assert open_leads(path).notes == ()

    def test_a_few_stray_bytes_do_not_make_utf_8_another_encoding(self, write: Write) -> None:
        """The value with the stray byte is told of by line; all other accents are right."""
        path = write("id,phone,name\nl1,1,Zoë Núñez\n".encode() + b"l2,2\xff,Bob\n")

        table, faults = read(path)

        assert table["name"] == ["Zoë Núñez", "Bob"]
        assert table["phone"] == ["1", None]
        assert [(f.line, f.field) for f in faults] == [(3, "phone")]
        assert "bytes that are no text" in faults[0].reason
        assert "1 bytes of it are not" in open_leads(path).notes[0]

    def test_told_utf_8_reports_what_is_not(self, write: Write) -> None:
        """Undecodable bytes in an id cost the row."""
        table, faults = read(write(b"id,phone\nl\xff,1\nl2,2\n"), encoding="utf8")

        assert table["id"] == ["l2"]
        assert told(faults) == [(2, None)]

    def test_a_told_encoding_is_obeyed(self, write: Write) -> None:
        """Bytes that would pass for another encoding are read as told, a mark being no header."""
        assert read(write(self.ROWS, encoding="cp1250"), encoding="cp1250")[0]["name"]
        assert read(write(self.ROWS, encoding="utf-8-sig"), encoding="utf-8")[0]["id"] == ["l1"]

    @pytest.mark.parametrize("name", ["nonsense", "base64", "a\0b"])
    def test_a_name_of_no_text_encoding_is_refused(self, write: Write, name: str) -> None:
        """The error says which to try."""
        with pytest.raises(UnreadableFileError, match="is no text encoding: try utf-8"):
            read(write(self.ROWS), encoding=name)

    def test_utf_16_without_a_mark_is_refused_with_the_way_out(self, write: Write) -> None:
        """It is not read as text full of NULs."""
        path = write(self.ROWS, encoding="utf-16-le")

        with pytest.raises(UnreadableFileError, match="--encoding utf-16-le"):
            read(path)
        assert read(path, encoding="utf-16-le")[0]["id"] == ["l1"]

    @pytest.mark.parametrize("name", ["leads.csv", "leads.jsonl"])
    def test_utf_16_that_breaks_off_names_the_line(self, write: Write, name: str) -> None:
        """From half a character on nothing makes sense."""
        text = "id,phone\nl1,1\n" if name.endswith("csv") else '{"id": "l1", "phone": "1"}\n'
        path = write(text.encode("utf-16") + b"\x00", name)

        with pytest.raises(UnreadableFileError, match=r"near line \d: no longer utf-16"):
            read(path)


class TestColumns:
    """Which column feeds which field."""

    def test_names_match_whatever_their_capitals_and_separators(self, write: Write) -> None:
        """An export's own spelling of our names needs no flag."""
        path = write(
            "ID,PSID,Phone,E-Mail,createdAt,Customer ID,Name\nl1,1,2,3,2024-05-01,c1,Ann\n"
        )

        table, _ = read(path)

        assert table == {
            "id": ["l1"],
            "psid": ["1"],
            "phone": ["2"],
            "email": ["3"],
            "created_at": [datetime(2024, 5, 1)],  # noqa: DTZ001 - naive as in the file
            "customer_id": ["c1"],
            "name": ["Ann"],
        }

    def test_the_exact_name_is_preferred(self, write: Write) -> None:
        """Another column that differs by case alone is ignored."""
        assert read(write("id,Phone,phone\nl1,1,2\n"))[0]["phone"] == ["2"]

    @pytest.mark.parametrize("header", ["id,Phone,PHONE", "id,phone,phone"])
    def test_two_columns_of_one_name_are_refused(self, write: Write, header: str) -> None:
        """Nobody can say which is meant."""
        with pytest.raises(UnreadableFileError, match="several columns are named 'phone'"):
            read(write(f"{header}\nl1,1,2\n"))

    def test_flags_go_before_names(self, write: Write) -> None:
        """A told column feeds the told field alone, in the spelling of the file."""
        table, _ = read(write("Lead ID,id,Phone\nl1,7,1\n"), ["id=lead id", "psid=id"])

        assert table == {"id": ["l1"], "psid": ["7"], "phone": ["1"]}

    def test_an_empty_flag_switches_a_field_off(self, write: Write) -> None:
        """The column is there and not read."""
        assert "email" not in read(write("id,phone,email\nl1,1,x\n"), ["email="])[0]

    def test_several_columns_make_several_values(self, write: Write) -> None:
        """Phone and mobile are one field; an empty one of them is none."""
        path = write("id,Phone,Mobile\nl1,1,2\nl2,,2\nl3,,\n")

        table, _ = read(path, ["phone=Phone", "phone=Mobile"])

        assert table["phone"] == [("1", "2"), "2", None]

    def test_several_columns_of_a_name_are_one_name(self, write: Write) -> None:
        """First and last name, with a space between."""
        path = write("id,phone,first,last\nl1,1,Ann,Lee\nl2,2,Bo,\n")

        assert read(path, ["name=first", "name=last"])[0]["name"] == ["Ann Lee", "Bo"]

    def test_a_kind_of_ones_own_comes_by_flag_or_by_name(self, write: Write) -> None:
        """Fields beyond psid, phone and email are those one asks for."""
        path = write("id,nin_col,art\nl1,CF1,K2\n")
        file = open_leads(path, columns=columns_from_flags(["nin=nin_col"]), fields=("art",))

        [batch] = file.batches(FaultLog())
        [lead] = as_leads(batch)

        assert lead == Lead("l1", fields={"nin": "CF1", "art": "K2"})

    def test_no_column_of_ids_lists_those_there_are_and_the_flag(self, write: Write) -> None:
        """The message is all one needs."""
        with pytest.raises(UnreadableFileError) as caught:
            read(write("lead,phone,\nl1,1,\n"))

        assert str(caught.value).endswith(
            "leads.csv: no column for the ids of the leads; give --column id=COLUMN. "
            "Its columns: lead, phone, (no name)"
        )

    def test_no_column_of_identifiers_is_refused(self, write: Write) -> None:
        """Every lead would be an individual, which nobody asked for."""
        with pytest.raises(UnreadableFileError, match="any of psid, phone, email; give --column"):
            read(write("id,name,Telephone\nl1,Ann,1\n"))

    def test_a_told_column_that_is_not_there_is_named(self, write: Write) -> None:
        """All of the missing ones, and those there are."""
        with pytest.raises(UnreadableFileError, match="no column for 'Fon' and 'Fax'; give --col"):
            read(write("id,phone\nl1,1\n"), ["phone=Fon", "phone=phone", "phone=Fax"])

    def test_many_columns_are_not_all_listed(self, write: Write) -> None:
        """Forty are enough to find one's own."""
        with pytest.raises(UnreadableFileError, match=r"c39 and 10 more$"):
            read(write(",".join(f"c{i}" for i in range(50)) + "\n"))

    def test_an_id_comes_from_one_column(self, write: Write) -> None:
        """Two ids are none."""
        with pytest.raises(UnreadableFileError, match="id comes from one column, not 2"):
            read(write("a,b,phone\n1,2,3\n"), ["id=a", "id=b"])


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


class TestJsonLines:
    """One object a line."""

    def test_reads_objects_whatever_their_keys(self, write: Write) -> None:
        """Numbers become text, lists several values, null and NaN nothing; keys may be missing."""
        lines: list[Mapping[str, object]] = [
            {"id": 7, "psid": 24000000000000001, "phone": ["1", None, 2.0], "name": "Zoë"},
            {"id": "l2", "phone": float("nan"), "created_at": "2024-05-01", "other": {}},
            {"id": 3.0, "psid": None, "phone": []},
        ]
        path = write("\n".join(map(json.dumps, lines)) + "\n\n", "leads.jsonl")

        table, faults = read(path)

        assert faults == []
        assert table["id"] == ["7", "l2", "3"]
        assert table["psid"] == ["24000000000000001", None, None]
        assert table["phone"] == [("1", "2"), None, None]
        assert table["name"] == ["Zoë", None, None]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            pytest.param('{"id": ', "no JSON: Expecting value", id="broken"),
            pytest.param("[1]", "a JSON array, where each line must be one object", id="array"),
            pytest.param("7", "a JSON value, where each line must be one object", id="number"),
            pytest.param("{'id': 1}", "no JSON: Expecting property name", id="single quotes"),
            pytest.param('{"id": ' + "9" * 5000 + "}", "no JSON: a value beyond", id="long"),
            pytest.param('{"id": ' + "[" * 100_000, "no JSON: a value beyond", id="deep"),
        ],
    )
    def test_a_line_that_is_no_object_is_told_of(
        self, write: Write, line: str, reason: str
    ) -> None:
        """By its number, and the next is read."""
        table, faults = read(write(f'{{"id": "l1", "phone": "1"}}\n{line}\n', "leads.ndjson"))

        assert table["id"] == ["l1"]
        assert [fault.line for fault in faults] == [2]
        assert faults[0].reason.startswith(reason)

    @pytest.mark.parametrize(
        ("phone", "reason"),
        [
            (True, "a bool, not text"),
            ({"a": 1}, "a dict, not text"),
            ([["1"]], "a list, not text"),
            (1.5, "a float, not text"),
            ("\ud800", "bytes that are no text in the encoding of the file"),
        ],
    )
    def test_values_of_another_type_are_told_of(
        self, write: Write, phone: object, reason: str
    ) -> None:
        """The lead is read without them."""
        table, faults = read(write(json.dumps({"id": "l1", "phone": phone}), "leads.jsonl"))

        assert table == {"id": ["l1"], "phone": [None]}
        assert [(fault.field, fault.reason) for fault in faults] == [("phone", reason)]

    def test_an_id_or_customer_is_one_value(self, write: Write) -> None:
        """A list of ids costs the row, a list of customers the link."""
        rows = [{"id": ["a", "b"], "phone": "1"}, {"id": "l2", "phone": 2, "customer_id": [1, 2]}]
        path = write("\n".join(map(json.dumps, rows)), "leads.jsonl")

        table, faults = read(path)

        assert (table["id"], table["customer_id"]) == (["l2"], [None])
        assert told(faults) == [(1, None), (2, "customer_id")]

    def test_a_told_key_that_comes_late_is_believed_with_a_note(self, write: Write) -> None:
        """Keys may first appear after a million lines."""
        path = write('{"id": 1}\n' * 1_500 + '{"id": 2, "tel": "5"}\n', "leads.jsonl")

        assert read(path, ["phone=tel"])[0]["phone"][-1] == "5"
        assert (
            "no key 'tel'" in open_leads(path, columns=columns_from_flags(["phone=tel"])).notes[0]
        )

    def test_a_file_without_a_single_id_has_no_leads(self, write: Write) -> None:
        """Each of its rows is told of."""
        table, faults = read(write('{"id": null, "phone": "1"}\n{"id": " "}\n', "x.jsonl"))

        assert (table, told(faults)) == ({}, [(1, None), (2, None)])

    @pytest.mark.parametrize("content", ["", "[\n", "nonsense\n"])
    def test_a_file_without_an_object_is_refused(self, write: Write, content: str) -> None:
        """A JSON array is the usual mistake."""
        with pytest.raises(UnreadableFileError, match="no line is a JSON object"):
            read(write(content, "leads.json"))

    @given(st.binary(max_size=200))
    def test_no_bytes_raise_anything_else(
        self, tmp_path_factory: pytest.TempPathFactory, junk: bytes
    ) -> None:
        """Whatever follows a good line: leads, faults, or the one error."""
        path = tmp_path_factory.mktemp("junk") / "leads.jsonl"
        path.write_bytes(b'{"id": "l1", "phone": "1"}\n' + junk)
        try:
            table, _ = read(path)
        except UnreadableFileError as e:
            assert str(path) in str(e)  # noqa: PT017 - either outcome is right
        else:
            assert table["id"][0] == "l1"


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


def test_leads_become_lead_objects() -> None:
    """Columns of a batch are the attributes of a lead, or its fields."""
    batch: Table = {"id": ["l1"], "phone": [("1", "2")], "created_at": [None], "page_id": ["p"]}

    assert list(as_leads(batch)) == [Lead("l1", phone=("1", "2"), fields={"page_id": "p"})]
