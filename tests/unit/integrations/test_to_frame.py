"""What a resolution and a plan say, as frames: one row a lead, masked unless asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, assert_type

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from frame_kinds import rows_of
from leadfold import InMemoryRepository, Policy, backfill, group
from leadfold.exceptions import FrameError, MissingExtraError
from leadfold.integrations.dataframes import to_frame

if TYPE_CHECKING:
    from leadfold import Resolution

LEADS = [
    {"id": "a", "psid": "24000000000000001", "phone": "212 555 0143"},
    {"id": "b", "psid": "24000000000000002", "phone": "212 555 0143"},
    {"id": "c", "phone": "(212) 555-0143", "email": "n/a"},
]


@pytest.fixture
def resolution() -> Resolution:
    """Return three leads of which two contend for the third."""
    return group(LEADS, Policy.linked())


def test_leads_come_in_the_order_they_were_read(resolution: Resolution) -> None:
    """With key, kind and number of their group."""
    found = to_frame(resolution, like=pl.DataFrame)
    assert_type(found, pl.DataFrame)
    assert found.rows() == [
        ("a", "psid:…01", "psid", 1),
        ("b", "psid:…02", "psid", 2),
        ("c", "phone:+1…43", "phone", 0),
    ]
    shown = to_frame(resolution, show_values=True, like=pl.DataFrame)
    assert shown["group_key"].to_list() == [resolution.group_of(lead).key for lead in "abc"]


def test_stops_have_a_row_for_each_holder(resolution: Resolution) -> None:
    """Number, identifier, reasons, how many hold it, and who."""
    found = to_frame(resolution, "stops", like=pa.Table)
    assert rows_of(found) == [
        {
            "stop": 0,
            "kind": "phone",
            "value": "+1…43",
            "reasons": "contested",
            "leads": 3,
            "groups": 3,
            "lead_id": lead,
        }
        for lead in "abc"
    ]
    shown = to_frame(resolution, "stops", show_values=True, like=pl.DataFrame)
    assert shown["value"].to_list() == ["+12125550143"] * 3


def test_rejected_values_have_a_row_each(resolution: Resolution) -> None:
    """Lead, field, reason; the raw value masked."""
    found = to_frame(resolution, "rejected", like=pd.DataFrame)
    assert rows_of(found) == [
        {"lead_id": "c", "field": "email", "reason": "malformed", "value": "…"}
    ]
    shown = to_frame(resolution, "rejected", show_values=True, like=pd.DataFrame)
    assert list(shown["value"]) == ["n/a"]


def test_review_has_a_row_for_each_lead_concerned(resolution: Resolution) -> None:
    """Those of the group, and those of its claimants."""
    found = to_frame(resolution, "review", like=pl.DataFrame)
    assert found.rows() == [
        (0, "contested", "group", "phone:+1…43", 3, "c"),
        (0, "contested", "claimant", "psid:…01", 3, "a"),
        (0, "contested", "claimant", "psid:…02", 3, "b"),
    ]
    shown = to_frame(resolution, "review", show_values=True, like=pl.DataFrame)
    assert shown["group_key"][0] == "phone:+12125550143"


def test_a_plan_has_a_row_for_each_link() -> None:
    """Lead, customer before and after, and the masked key that is the reason."""
    plan = backfill.plan(InMemoryRepository(leads=LEADS))
    found = to_frame(plan, like=pl.DataFrame)
    assert sorted(found["lead_id"]) == ["a", "b", "c"]
    assert found["before"].null_count() == 3
    assert found["after"].n_unique() == 3
    assert "phone:+1…43" in set(found["reason"])
    assert to_frame(plan, "links", like=pl.DataFrame).equals(found)


@pytest.mark.parametrize("what", ["leads", "stops", "rejected", "review"])
@pytest.mark.parametrize("like", [pl.DataFrame, pd.DataFrame, pa.Table])
def test_what_is_empty_has_its_columns_all_the_same(what: str, like: type[pl.DataFrame]) -> None:
    """Names and types, without a row."""
    found = to_frame(group([]), what, like=like)  # type: ignore[call-overload]
    assert type(found) is like
    assert rows_of(found) == []
    names = found.column_names if isinstance(found, pa.Table) else list(found.columns)
    assert "lead_id" in names


def test_the_default_is_what_the_program_uses(
    resolution: Resolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that is imported; else the first that is installed; else the pip line."""
    assert isinstance(to_frame(resolution), pl.DataFrame)
    monkeypatch.delitem(sys.modules, "polars")
    assert isinstance(to_frame(resolution), pd.DataFrame)
    monkeypatch.delitem(sys.modules, "pandas")
    monkeypatch.delitem(sys.modules, "pyarrow")
    module = "leadfold.integrations.dataframes.find_spec"
    monkeypatch.setattr(module, lambda name: name == "pyarrow" or None)
    with monkeypatch.context() as back:
        back.setitem(sys.modules, "pyarrow", pa)
        assert isinstance(to_frame(resolution), pa.Table)
    monkeypatch.setattr(module, lambda _: None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        to_frame(resolution)


def test_what_there_is_not_is_refused(resolution: Resolution) -> None:
    """No such table; no such class of frames."""
    with pytest.raises(ValueError, match="no table 'links': there is leads, stops"):
        to_frame(resolution, "links")
    with pytest.raises(FrameError, match="LazyFrame is no frame to make"):
        to_frame(resolution, like=pl.LazyFrame)  # type: ignore[type-var]
