"""The nouns: ids as text, moments in UTC, what a repr shows, rulings that can be."""

from __future__ import annotations

from collections import UserDict
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import Customer, Group, Identifier, Lead, Reason, Ruling
from leadfold.model import Rejection, Stop, columns_of, field_of, text_id, utc

SECRETS = ("24000000000000001", "+12025550141", "ann@example.org", "Ann Ames")
CELLS = st.none() | st.text(max_size=3) | st.tuples(st.text(max_size=3))
NAMES = ("id", "psid", "phone", "email", "name", "created_at", "customer_id", "page_id", "fields")


class TestIds:
    """Text, int and UUID are ids; nothing else is."""

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            pytest.param("l1", "l1", id="text"),
            pytest.param(" ", " ", id="a space is a text"),
            pytest.param(7, "7", id="int"),
            pytest.param(0, "0", id="zero"),
            pytest.param(-7, "-7", id="negative"),
            pytest.param(UUID(int=1), "00000000-0000-0000-0000-000000000001", id="UUID"),
        ],
    )
    def test_ids_become_text(self, raw: object, text: str) -> None:
        """Whatever a driver returned."""
        assert text_id(raw) == text
        assert Lead(raw).id == Customer(raw).id == text

    @pytest.mark.parametrize(
        ("raw", "what"),
        [
            pytest.param("", "empty", id="empty"),
            pytest.param(True, "bool", id="bool"),
            pytest.param(7.0, "float", id="float"),
            pytest.param(None, "NoneType", id="None"),
            pytest.param(b"l1", "bytes", id="bytes"),
        ],
    )
    def test_another_type_is_refused(self, raw: object, what: str) -> None:
        """The message says the field and the type, and not the value."""
        message = f"^customer_id must be text, int or UUID, not {what}$"
        with pytest.raises(TypeError, match=message):
            text_id(raw, "customer_id")
        with pytest.raises(TypeError, match=r"^id must be"):
            Lead(raw)


class TestMoments:
    """Times are compared in UTC."""

    def test_a_naive_moment_is_utc_already(self) -> None:
        """The clock is not turned."""
        naive = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 - the point
        assert utc(naive) == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

    def test_a_zoned_moment_is_turned_to_utc(self) -> None:
        """The same moment, told by another clock."""
        zoned = datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))
        turned = utc(zoned)
        assert turned == zoned
        assert turned is not None
        assert (turned.tzinfo, turned.hour) == (UTC, 1)

    def test_no_moment_stays_none(self) -> None:
        """What is missing is not invented."""
        assert utc(None) is None


class TestReprs:
    """What logs would show."""

    def test_a_lead_shows_its_id_alone(self) -> None:
        """Identifiers and name are masked; what is absent is said to be."""
        psid, phone, email, name = SECRETS
        lead = Lead("l1", psid, (phone, phone), email, name, fields={"badge": SECRETS[0]})
        shown = repr(lead)
        assert not any(secret in shown for secret in SECRETS)
        assert "'l1'" in shown
        assert "phone=…" in shown
        assert "fields=['badge']" in shown
        assert "phone=None" in repr(Lead("l1"))

    def test_a_customer_shows_its_id_alone(self) -> None:
        """Metadata holds the group key, so it is left out."""
        _, phone, email, name = SECRETS
        shown = repr(Customer("c1", name, phone, email, {"groupKey": f"phone:{phone}"}))
        assert not any(secret in shown for secret in SECRETS)
        assert "'c1'" in shown

    def test_an_identifier_is_masked_both_ways(self) -> None:
        """`key` is the way to the raw value."""
        identifier = Identifier("phone", "+12025550141")
        assert str(identifier) == "phone:+1…41"
        assert "2025550141" not in repr(identifier)
        assert identifier.key == "phone:+12025550141"

    def test_a_group_shows_a_masked_key(self) -> None:
        """And its leads, which are ids."""
        shown = repr(Group("phone:+12025550141", "phone", ("l1", "l7")))
        assert shown == "Group(key='phone:+1…41', kind='phone', lead_ids=('l1', 'l7'))"

    def test_a_stop_and_a_rejection_are_masked(self) -> None:
        """They name a value that is a person's all the same."""
        identifier = Identifier("email", "ann@example.org")
        stop = Stop(identifier, ("l1",), ("email:ann@example.org",), ("weaker",))
        refusal = Rejection("l1", "email", Reason.BLOCKED, "ann@example.org")
        assert "ann" not in repr(stop)
        assert "email:a…@….org" in repr(stop)
        assert "ann" not in repr(refusal)


class TestNouns:
    """What values of the same content are."""

    def test_a_group_is_its_leads_too(self) -> None:
        """It has a length and can be walked."""
        found = Group("psid:1", "psid", ("l1", "l7"))
        assert (len(found), [*found]) == (2, ["l1", "l7"])

    def test_identifiers_are_ordered_by_kind_then_value(self) -> None:
        """Code point by code point."""
        first, then, last = (Identifier("email", "b"), *(Identifier("phone", v) for v in "+a"))
        assert sorted([last, first, then]) == [first, then, last]

    def test_a_rejection_is_compared_without_its_raw_value(self) -> None:
        """Lead, field and reason say all that matters."""
        first, second = (Rejection("l1", "phone", Reason.EMPTY, raw) for raw in ("", " "))
        assert first == second

    def test_nouns_are_frozen(self) -> None:
        """A lead that was read stays as it was read."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Lead("l1").phone = "+1"  # type: ignore[misc]


class TestRulings:
    """A ruling is a set of parts, each a set of leads."""

    def test_one_part_is_a_must_link(self) -> None:
        """Several parts are a cannot-link."""
        assert Ruling("r1", [["l1", "l2"]]).is_must_link
        assert not Ruling("r1", [["l1"], ["l2"]]).is_must_link

    def test_parts_are_sorted_sets_of_text_ids(self) -> None:
        """What is said twice counts once; the order of parts is kept."""
        uuid = UUID(int=1)
        ruling = Ruling("r1", [["l2", "l1", "l2"], [7, uuid]])
        assert ruling.parts == (("l1", "l2"), (str(uuid), "7"))

    def test_created_at_is_utc(self) -> None:
        """So that rulings can be put in order of creation."""
        naive = datetime(2026, 1, 2)  # noqa: DTZ001 - the point
        assert Ruling("r1", [["l1"]], naive).created_at == datetime(2026, 1, 2, tzinfo=UTC)

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param([], id="no part"),
            pytest.param([["l1"], []], id="an empty part"),
            pytest.param([["l1", "l2"], ["l3", "l1"]], id="a lead in two parts"),
            pytest.param([[7], ["7"]], id="a lead in two parts, as int and as text"),
        ],
    )
    def test_parts_must_be_parts(self, parts: list[list[Any]]) -> None:
        """Non-empty, and without a lead in common."""
        with pytest.raises(ValueError, match=r"^ruling r1: parts must be non-empty and share no"):
            Ruling("r1", parts)

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param(["l1", "l2"], id="leads for parts"),
            pytest.param("l1", id="one text"),
        ],
    )
    def test_a_text_is_no_part(self, parts: Any) -> None:  # noqa: ANN401 - a wrong type
        """Its letters would be leads, and a must-link would become a cannot-link."""
        with pytest.raises(TypeError, match="a part must be a list of lead ids, not one text"):
            Ruling("r1", parts)

    def test_a_lead_id_of_another_type_is_refused(self) -> None:
        """As everywhere."""
        with pytest.raises(TypeError, match=r"^lead id must be text, int or UUID, not float$"):
            Ruling("r1", [[1.5]])


class TestFields:
    """Leads come as Lead objects, mappings, or any objects with those attributes."""

    @pytest.mark.parametrize("name", NAMES)
    def test_every_shape_of_a_lead_reads_alike(self, name: str) -> None:
        """A Lead, a dict, another mapping and an object answer the same."""
        born = datetime(2026, 1, 2, tzinfo=UTC)
        own = {"psid": "1", "phone": ("a", "b"), "email": None, "name": "Ann", "created_at": born}
        held = {"id": "l1", "customer_id": "c1", **own, "page_id": "p9"}
        lead = Lead("l1", customer_id="c1", fields={"page_id": "p9"}, **own)  # type: ignore[arg-type]
        shapes = [lead, held, UserDict(held), SimpleNamespace(**held)]
        assert {field_of(shape, name) for shape in shapes} == {held.get(name)}
        assert columns_of(shapes, [name])[name] == [held.get(name)] * 4
        for shape in shapes:
            assert columns_of([shape, shape], [name])[name] == [held.get(name)] * 2

    def test_what_is_not_there_is_none(self) -> None:
        """In no shape an error."""
        shapes: list[object] = [Lead("l1"), {}, UserDict(), SimpleNamespace()]
        assert columns_of(shapes, ["badge"]) == {"badge": [None] * 4}

    def test_a_lead_s_own_fields_come_before_further_ones(self) -> None:
        """What is under ``fields`` cannot replace what the lead is."""
        lead = Lead("l1", phone="a", fields={"phone": "b", "id": "l2"})
        assert columns_of([lead], ["phone"]) == {"phone": ["a"]}
        assert field_of(lead, "id") == "l1"

    def test_no_leads_have_empty_columns(self) -> None:
        """Of any name."""
        assert columns_of([], ["phone", "email"]) == {"phone": [], "email": []}


@given(
    st.lists(
        st.builds(Lead, st.just("l1"), phone=CELLS, fields=st.dictionaries(st.just("b"), CELLS))
        | st.dictionaries(st.sampled_from(["phone", "b"]), CELLS)
        | st.builds(SimpleNamespace, phone=CELLS),
        max_size=4,
    ),
    st.sampled_from(["phone", "b"]),
)
def test_a_column_is_the_field_of_each(leads: list[object], name: str) -> None:
    """The fast way answers as the plain one, whatever is mixed."""
    assert columns_of(leads, [name])[name] == [field_of(lead, name) for lead in leads]
