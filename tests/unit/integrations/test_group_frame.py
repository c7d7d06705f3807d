"""Frames of every kind: the same kind back, with the groups that `group` makes of the rows."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_type
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from frame_kinds import every_kind, frame, rows_of
from leadfold import IdentifierRule, Policy, Resolution, Ruling, group
from leadfold.exceptions import FrameError, MissingExtraError
from leadfold.integrations.dataframes import group_frame, resolve_frame
from leadfold.normalizers.whole_numbers import DigitsLostError

if TYPE_CHECKING:
    from collections.abc import Sequence

Columns = dict[str, "Sequence[object]"]

LEADS: Columns = {
    "id": ["l3", "l1", "l2", "l4"],
    "psid": [None, "24000000000000001", None, "24000000000000001"],
    "phone": ["(212) 555-0143", "212.555.0143 x7", "+1 212 555 0143", None],
    "email": [None, None, "Ann@mailbox.org", "ann@mailbox.org"],
    "city": ["Bonn", None, "Rome", "Oslo"],
}
GROUPS = [
    ("l3", "phone:+12125550143", "phone", 0),
    ("l1", "psid:24000000000000001", "psid", 1),
    ("l2", "phone:+12125550143", "phone", 0),
    ("l4", "psid:24000000000000001", "psid", 1),
]


def groups_of(native: object) -> list[tuple[Any, ...]]:
    """Return id, key, kind and number of every row."""
    names = ("id", "group_key", "group_kind", "group")
    return [tuple(row[name] for name in names) for row in rows_of(native)]


@every_kind
def test_the_same_kind_of_frame_comes_back_with_three_columns(kind: str) -> None:
    """One row a lead in the order given, the caller's columns as they were, the groups added."""
    given = frame(kind, LEADS)
    found = group_frame(given)
    assert type(found) is type(given)
    assert groups_of(found) == GROUPS
    assert [row["city"] for row in rows_of(found)] == LEADS["city"]


def test_dtypes_of_the_other_columns_are_untouched() -> None:
    """Categories, dates, decimals, nested ones: nothing is cast on the way."""
    given = pl.DataFrame(LEADS).with_columns(
        pl.col("city").cast(pl.Categorical),
        day=pl.lit(dt.date(2024, 5, 1)),
        cost=pl.lit(Decimal("1.50")),
        tags=pl.lit([["a"]]).list.first(),
    )
    found = group_frame(given)
    assert found.drop("group_key", "group_kind", "group").schema == given.schema
    assert [found.schema[name] for name in ("group_key", "group")] == [pl.String, pl.Int64]
    arrow = given.to_arrow()
    assert group_frame(arrow).select(arrow.schema.names).schema == arrow.schema
    pandas = given.to_pandas()
    assert (group_frame(pandas).dtypes[: len(pandas.columns)] == pandas.dtypes).all()


def test_a_frame_of_pandas_keeps_its_index() -> None:
    """Whatever it is: out of order, with repeats, of several levels."""
    for index in (
        [7, 7, 3, 1],
        pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (0, "a"), (0, "b")]),
    ):
        given = pd.DataFrame(LEADS, index=index)
        found = group_frame(given)
        assert found.index.equals(given.index)
        assert groups_of(found) == GROUPS


def test_a_relation_stays_in_its_database() -> None:
    """Of DuckDB: its own types, its order, its connection; nothing is left behind in it."""
    database = duckdb.connect()
    database.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    database.execute(
        "CREATE TABLE leads AS SELECT * FROM (VALUES "
        "(3, uuid '00000000-0000-0000-0000-000000000003', '212 555 0143', "
        "'sad'::mood, 5::HUGEINT), "
        "(1, uuid '00000000-0000-0000-0000-000000000001', NULL, 'glad'::mood, NULL), "
        "(2, uuid '00000000-0000-0000-0000-000000000002', '(212) 555-0143', NULL, 7)) "
        'AS t(number, "the ""id""", tel, mood, big)'
    )
    given = database.table("leads").order("number")
    found = group_frame(given, id='the "id"', phone="tel")
    assert found.types[: len(given.types)] == given.types
    rows = found.fetchall()
    assert [(row[0], row[5], row[7]) for row in rows] == [
        (1, "individual:00000000-0000-0000-0000-000000000001", 0),
        (2, "phone:+12125550143", 1),
        (3, "phone:+12125550143", 1),
    ]
    assert found.filter('"group" = 1').aggregate("count(*)").fetchall() == [(2,)]
    assert (
        database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
    )


def test_relations_of_one_database_do_not_get_into_each_others_way() -> None:
    """One after the other, one from the other; each can be run again."""
    database = duckdb.connect()
    one = group_frame(database.sql("SELECT 'a' AS id, '212 555 0143' AS phone"))
    two = group_frame(database.sql("SELECT 'b' AS id, '212 555 0144' AS phone"))
    again = group_frame(one.project("id, phone"))
    for found, lead in ((one, "a"), (two, "b"), (one, "a"), (again, "a")):
        assert [row[0] for row in found.fetchall()] == [lead]


@every_kind
def test_several_columns_may_hold_one_kind(kind: str) -> None:
    """In the order given: the first usable one is the key."""
    columns: Columns = {
        "lead": ["a", "b", "c"],
        "tel": ["n/a", "212 555 0143", None],
        "mobile": ["212 555 0144", "212 555 0144", "212 555 0143"],
    }
    found = group_frame(frame(kind, columns), id="lead", phone=["tel", "mobile"])
    keys = [row["group_key"] for row in rows_of(found)]
    assert keys == ["phone:+12125550144", "phone:+12125550143", "phone:+12125550143"]
    policy = Policy.linked()
    linked = group_frame(
        frame(kind, columns), policy, columns={"id": "lead", "phone": ["tel", "mobile"]}
    )
    assert len({row["group"] for row in rows_of(linked)}) == 1


@every_kind
def test_kinds_of_a_policy_of_its_own_and_scopes(kind: str) -> None:
    """By keyword, by mapping, or by name; a scope is a column like any other."""
    policy = Policy(
        [IdentifierRule("badge"), IdentifierRule("psid", scope="page_id"), "email"], region=None
    )
    columns: Columns = {
        "id": ["a", "b", "c", "d"],
        "Badge No": [None, None, "B-17000000000", "B-17000000000"],
        "psid": ["24000000000000001"] * 4,
        "page": [1, 2, 1, None],
    }
    for told in ({"columns": {"badge": "Badge No", "page_id": "page"}}, {"badge": "Badge No"}):
        found = group_frame(
            frame(kind, columns),
            policy,
            **{"page_id": "page", **told},  # type: ignore[arg-type]
        )
        assert [row["group_key"] for row in rows_of(found)] == [
            "psid:1/24000000000000001",
            "psid:2/24000000000000001",
            "badge:B-17000000000",
            "badge:B-17000000000",
        ]


def test_missing_is_missing_however_it_is_written() -> None:
    """None, NaN, NaT and pandas NA are no value, and nothing is reported of them."""
    nothing = [None, float("nan"), pd.NaT, pd.NA]
    given = pd.DataFrame({"id": list("abcd"), "phone": pd.Series(nothing, dtype=object)})
    resolution = resolve_frame(given)
    assert resolution.counts["individual"] == 4
    assert resolution.rejected == ()
    floats = pl.DataFrame({"id": ["a", "b"], "psid": [float("nan"), None]})
    assert resolve_frame(floats).rejected == ()


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(pd.Series([1, 2, 3]), id="whole numbers"),
        pytest.param(pd.Series([1.0, 2.0, 3.0]), id="whole floats"),
        pytest.param(pd.Series([1, 2, 3], dtype="Int64"), id="nullable"),
        pytest.param(pd.Series([Decimal(1), Decimal(2), Decimal("3.0")]), id="decimals"),
        pytest.param(pd.Series(["1", "2", "3"], dtype="category"), id="categories"),
        pytest.param(pd.Series([1, "2", 3.0], dtype=object), id="mixed"),
    ],
)
def test_numbers_are_read_as_their_digits(ids: pd.Series) -> None:
    """As ids and as identifiers, where a None once made floats of them too."""
    phones = [12125550143, None, 2125550143]
    found = resolve_frame(pd.DataFrame({"id": ids, "phone": phones}))
    assert [g.lead_ids for g in found.groups] == [("2",), ("1", "3")]


def test_ids_of_uuids_and_lists_of_values() -> None:
    """A UUID is its text; a list is several values."""
    one, other = UUID(int=1), UUID(int=2)
    given = pd.DataFrame(
        {"id": [one, other], "email": [["x", "ann@mailbox.org"], ["ann@mailbox.org"]]}
    )
    assert resolve_frame(given).groups[0].lead_ids == (str(one), str(other))
    lists = pl.DataFrame({"id": ["a", "b"], "email": [["x", "ann@mailbox.org"], None]})
    assert [g.key for g in resolve_frame(lists).groups] == ["email:ann@mailbox.org", "individual:b"]


def test_the_resolution_is_what_group_answers() -> None:
    """Why, stops, rejected and all; rulings too."""
    rows = [dict(zip(LEADS, row, strict=True)) for row in zip(*LEADS.values(), strict=True)]
    rulings = [Ruling("r1", [["l3"], ["l2"]])]
    resolution = resolve_frame(pl.DataFrame(LEADS), Policy.linked(), rulings=rulings)
    assert_type(resolution, Resolution)
    expected = group(rows, Policy.linked(), rulings=rulings)
    assert resolution == expected
    assert resolution.why("l1", "l4") == expected.why("l1", "l4")
    assert resolution.review() == expected.review()
    found = group_frame(pl.DataFrame(LEADS), Policy.linked(), rulings=rulings)
    assert [resolution.groups[number].key for number in found["group"]] == list(found["group_key"])


def test_the_number_of_a_group_does_not_depend_on_the_order_of_rows() -> None:
    """It is its place in order of key."""
    given = pl.DataFrame(LEADS)
    found, turned = group_frame(given), group_frame(given.reverse())
    assert turned.reverse().equals(found)


@every_kind
def test_a_frame_without_rows_has_the_columns_all_the_same(kind: str) -> None:
    """No lead, no group."""
    whole = frame(kind, LEADS)
    nothing = whole.limit(0) if kind in {"duckdb", "polars lazy"} else whole[:0]
    assert rows_of(group_frame(nothing)) == []


def fails(given: object, **told: object) -> tuple[str, ...]:
    """Return the faults of *given*."""
    with pytest.raises(FrameError) as caught:
        group_frame(given, **told)  # type: ignore[type-var, arg-type]
    assert str(caught.value).startswith("frame refused: ")
    return caught.value.faults


@every_kind
def test_all_faults_are_told_at_once(kind: str) -> None:
    """Missing columns, one in the way, ids missing or there twice: each with the way out."""
    columns: Columns = {
        "id": ["a", None, "a", ""],
        "group": [1, 2, 3, 4],
        "tel": ["x", "y", "z", None],
    }
    assert fails(frame(kind, columns), phone=["tel", "fax"], badge="tel") == (
        "a column 'group' is there already, from an earlier grouping perhaps: drop or rename it",
        "the policy reads no field 'badge': it reads psid, phone, email",
        "no column 'fax' for phone: it has id, group, tel",
        "column 'id' (id), row 1, 3: no id: give every lead one",
        "column 'id' (id) has some more than once: a: give every lead an id of its own",
    )


def test_a_frame_that_tells_nothing_of_leads_is_refused() -> None:
    """No column for the ids, none for any identifier."""
    assert fails(pl.DataFrame({"name": ["Ann"]})) == (
        "no column 'id': name the one with the ids of the leads, id=…; it has name",
        "no column for any of psid, phone, email: name one, such as psid=…; it has name",
    )
    assert fails(pl.DataFrame({"id": ["a"], "phone": ["x"]}), phone=None) == (
        "no column for any of psid, phone, email: name one, such as psid=…; it has id, phone",
    )


def test_names_that_are_twice_or_no_text_are_told_of() -> None:
    """As pandas allows them; and so is what `columns` cannot mean."""
    names = ["id", "phone", "phone"]
    for twice in (
        pd.DataFrame([["a", "x", "y"]], columns=names),
        pa.Table.from_arrays([["a"], ["x"], ["y"]], names),
    ):
        assert fails(twice) == ("several columns have one name: rename all but one",)
    numbered = pd.DataFrame([["a", "x"]])
    assert fails(numbered, id="id")[0] == "no column 'id' for id: it has 0, 1"
    assert fails(numbered, columns="gues")[0] == "columns= takes a mapping or 'guess', not 'gues'"


def test_names_of_columns_that_look_like_a_lead_are_not_shown() -> None:
    """A file read without a header has somebody's phone for a name."""
    faults = fails(pl.DataFrame({"a1": ["a"], "212-555-0143": ["x"]}))
    assert all("212" not in fault and "header" in fault for fault in faults)


def test_cells_that_are_no_text_are_named_by_column_and_row() -> None:
    """And never shown."""
    given = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "psid": [2.4e16, None, 1.5],
            "phone": [b"212 555 0143", "x", dt.date(2024, 5, 1)],
        }
    )
    assert fails(given) == (
        f"column 'psid' (psid), row 0: {DigitsLostError(2.4e16)}",
        "column 'psid' (psid), row 2: a float is no text: convert it before",
        "column 'phone' (phone), row 0: a bytes is no text: convert it before",
        "column 'phone' (phone), row 2: a date is no text: convert it before",
    )


def test_what_is_no_frame_is_refused() -> None:
    """By the name of its class; so is a scope in two columns."""
    assert fails([{"id": "a"}]) == (
        "a list is no frame: give one of pandas, Polars, PyArrow or DuckDB",
    )
    policy = Policy([IdentifierRule("psid", scope="page_id")])
    given = pl.DataFrame({"id": ["a"], "psid": ["1"], "x": ["1"], "y": ["2"]})
    assert fails(given, policy=policy, page_id=["x", "y"]) == ("page_id takes one column, not 2",)


def test_columns_are_guessed_only_when_asked() -> None:
    """As exports name them."""
    columns: Columns = {
        "Record ID": [1, 2],
        "Phone Number": [None, "212 555 0143"],
        "Mobile Phone Number": ["212 555 0143", None],
    }
    found = group_frame(pl.DataFrame(columns), columns="guess")
    assert_type(found, pl.DataFrame)
    assert found["group"].to_list() == [0, 0]
    assert len(fails(pl.DataFrame(columns))) == 2


def test_types_are_those_of_the_frame_given() -> None:
    """What a type checker says, too."""
    assert_type(group_frame(pl.LazyFrame(LEADS)), pl.LazyFrame)
    assert isinstance(group_frame(pa.table(LEADS)), pa.Table)


def test_text_that_no_utf_8_holds_is_read_all_the_same() -> None:
    """As `group` reads it: an object column may have a lone surrogate."""
    columns: Columns = {"id": ["a", "b"], "psid": ["24000000000000001", "\ud800" * 12]}
    given = pd.DataFrame(columns, dtype=object)
    resolution = resolve_frame(given)
    assert [(g.key, g.lead_ids) for g in resolution.groups] == [
        ("individual:b", ("b",)),
        ("psid:24000000000000001", ("a",)),
    ]
    assert [rejection.reason.value for rejection in resolution.rejected] == ["malformed"]


def test_pandas_does_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers from text that is no Arrow."""
    given = pd.DataFrame({n: pd.Series(c, dtype=object) for n, c in LEADS.items()})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert resolve_frame(given).groups == resolve_frame(pl.DataFrame(LEADS)).groups


def test_a_relation_of_duckdb_asks_for_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the pip line."""
    given = duckdb.connect().sql("SELECT 'a' AS id, '212 555 0143' AS phone")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pip install pyarrow"):
        group_frame(given)


WITHOUT_NARWHALS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "narwhals":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import leadfold.integrations.dataframes
"""


def test_frames_need_narwhals() -> None:
    """Where it is not installed, the error has the pip line."""
    ended = subprocess.run(  # noqa: S603 - this interpreter, and a constant
        [sys.executable, "-c", WITHOUT_NARWHALS], capture_output=True, text=True, check=False
    )
    assert "MissingExtraError: data frames need Narwhals" in ended.stderr
    assert "pip install 'leadfold[frames]'" in ended.stderr
