"""Encodings, told or found out: accents are right, or the line is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lead_files import read, told
from leadfold.cli.files import open_leads
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from lead_files import Write


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
