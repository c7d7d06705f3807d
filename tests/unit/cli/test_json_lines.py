"""JSON Lines, messy: what can be read is read, the rest is named by file and line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_files import read, told
from leadfold.cli.columns import columns_from_flags
from leadfold.cli.files import open_leads
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lead_files import Write


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
