"""Columns by name and by flag: what feeds which field, and what is said of those missing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from lead_files import read
from leadfold.cli.columns import columns_from_flags
from leadfold.cli.faults import FaultLog
from leadfold.cli.files import as_leads, open_leads
from leadfold.exceptions import UnreadableFileError
from leadfold.model import Lead

if TYPE_CHECKING:
    from lead_files import Write


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

    def test_one_column_may_feed_two_fields(self, write: Write) -> None:
        """A file of phones alone has ids too, if one says so."""
        table, _ = read(write("tel\n555\n556\n"), ["id=tel", "phone=tel"])

        assert table == {"id": ["555", "556"], "phone": ["555", "556"]}

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
            "leads.csv: no column for the ids of the leads; give --column id=COLUMN, "
            "or --column id= to name leads by their line. "
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


class TestLeadsWithoutIds:
    """A file that names no lead, told so by ``id=``."""

    def test_a_lead_is_named_by_the_line_it_begins_on(self, write: Write) -> None:
        """An address book has no ids; what was read can still be found in it."""
        path = write("phone\n2125550143\n\n2125550144\n")
        file = open_leads(path, columns=columns_from_flags(["id="]), fields=("phone",))

        [batch] = file.batches(FaultLog())

        assert batch["id"] == ["2", "4"]
