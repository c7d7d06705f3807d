"""The charts: they hold the counts, no identifier, fetch nothing; without the extra they say so."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from leadfold import Lead, Policy, group, pictures
from leadfold.compare import compare
from leadfold.exceptions import MissingExtraError
from leadfold.pictures import flow, group_sizes, share_by_kind, stops_by_reason
from leadfold.pictures.bands import bands_of
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from leadfold import Resolution
    from leadfold.pictures import Picture

LEADS = [sample.lead for sample in sample_leads(400)]


@pytest.fixture(scope="module", name="found")
def _found() -> Resolution:
    return group(LEADS, Policy.linked())


@pytest.fixture(scope="module", name="drawn")
def _drawn(found: Resolution) -> dict[str, Picture]:
    compared = compare(group(LEADS, Policy.keyed()), found)
    return {
        "group_sizes": group_sizes(found),
        "share_by_kind": share_by_kind(found),
        "stops_by_reason": stops_by_reason(found),
        "flow": flow(compared),
    }


CHARTS = ("group_sizes", "share_by_kind", "stops_by_reason", "flow")


def _rows(picture: Picture) -> list[dict[str, Any]]:
    """Return the rows that the chart's one set of data holds."""
    (rows,) = picture.chart.to_dict()["datasets"].values()
    return list(rows)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_svg_that_fetches_nothing(name: str, drawn: dict[str, Picture]) -> None:
    """It is drawn here: no script, and no address but names of languages."""
    svg = drawn[name].svg

    assert {*re.findall(r"https?://[^\"]*", svg)} == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<script" not in svg
    assert drawn[name]._repr_html_() == svg
    assert drawn[name].title in svg


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_takes_the_ink_of_the_page(name: str, drawn: dict[str, Picture]) -> None:
    """Its texts are in no colour of their own: they follow light and dark."""
    texts = re.findall(r"<text[^>]*>", drawn[name].svg)

    assert texts
    assert all('fill="currentColor"' in text for text in texts)


def test_sizes_sum_to_the_customers(found: Resolution, drawn: dict[str, Picture]) -> None:
    """Every customer is in one bar."""
    rows = _rows(drawn["group_sizes"])

    assert sum(row["customers"] for row in rows) == len(found.groups)


def test_a_group_beyond_every_bar_has_a_bar() -> None:
    """Sizes have no upper end."""
    leads = [Lead(f"l{n}", phone="212 555 0143") for n in range(150)]

    assert _rows(group_sizes(group(leads))) == [{"leads": "more than 100", "customers": 1}]


def test_shares_are_counted_in_customers_and_in_leads(
    found: Resolution, drawn: dict[str, Picture]
) -> None:
    """By kind, in the order of the policy."""
    rows = _rows(drawn["share_by_kind"])

    assert {r["kind"]: r["count"] for r in rows if r["of"] == "customers"} == found.counts
    assert sum(r["count"] for r in rows if r["of"] == "leads") == len(LEADS)


def test_stops_are_counted_by_reason_and_kind(found: Resolution, drawn: dict[str, Picture]) -> None:
    """As the resolution lists them; a value with two reasons counts under both."""
    rows = _rows(drawn["stops_by_reason"])

    expected = sum(len(stop.reasons) for stop in found.stops)
    assert sum(row["identifiers"] for row in rows) == expected > 0


def test_bands_hold_every_lead_and_never_overlap() -> None:
    """On either side they lie one below the other."""
    flows = compare(group(LEADS, Policy.keyed()), group(LEADS, Policy.linked())).flows
    bands = bands_of(flows)

    assert sum(band.leads for band in bands) == len(LEADS)
    for edge in ("start", "end"):
        tops = sorted((getattr(band, edge), band.leads) for band in bands)
        assert all(top + leads <= below for (top, leads), (below, _) in pairwise(tops))


def test_without_the_extra_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs need nothing; a chart names the pip line."""
    monkeypatch.delitem(sys.modules, "leadfold.pictures.charts")
    monkeypatch.setitem(sys.modules, "altair", None)
    monkeypatch.delitem(vars(pictures), "flow", raising=False)

    with pytest.raises(
        MissingExtraError, match=r"flow needs altair: pip install 'leadfold\[pictures\]'"
    ):
        _ = pictures.flow
    assert pictures.identity_graph(group(LEADS), "l1").svg()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module; what there is can be listed."""
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        _ = pictures.pie
    assert {*CHARTS} <= {*dir(pictures)}
