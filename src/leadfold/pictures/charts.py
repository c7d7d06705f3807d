"""Charts of a resolution and of a comparison, drawn by Altair. Needs the extra ``pictures``.

Altair's own way into a notebook fetches scripts from the network; `Picture` shows the SVG that
vl-convert draws of it instead: nothing is fetched, and it follows light and dark.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from leadfold.model import INDIVIDUAL
from leadfold.pictures.bands import bands_of
from leadfold.pictures.frame import framed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.compare import Comparison
    from leadfold.grouping import Resolution
    from leadfold.pictures.bands import Band

__all__ = ["Picture", "flow", "group_sizes", "share_by_kind", "stops_by_reason"]

WIDTH = 460
_INK, _LINE = "currentColor", "rgba(127,127,127,.3)"
_MARK = "#4c78a8"
_PALETTE = ["#4c78a8", "#e0964a", "#5fa777", "#b279a2", "#d0605e", "#8c9cad"]
_HAPPENED = {"same": "#8c9cad", "split": "#e0964a", "merged": "#4c78a8", "moved": "#b279a2"}
_MARGIN, _SIDE = 16, 32  # aside there is room for a font wider than what vl-convert measured with
_SIZES = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 100))

Row = dict[str, str | int | float]


class Picture:
    """A chart as a notebook shows it: SVG, in the theme's own colours, nothing fetched.

    *chart* is Altair's, to restyle or combine. The picture holds counts and kinds alone: no
    identifier is in it.
    """

    def __init__(self, title: str, chart: alt.TopLevelMixin) -> None:
        self.title = title
        self.chart = chart

    @cached_property
    def svg(self) -> str:
        """Return the chart as an SVG document that stands alone, for light and dark."""
        inside = vl_convert.vegalite_to_svg(self.chart.to_dict())
        width, height = _size(inside, "width"), _size(inside, "height")
        place = f'x="{_SIDE}" y="{_MARGIN}" overflow="visible"'
        placed = f"<svg {place}{inside.removeprefix('<svg')}"
        return framed(placed, width + 2 * _SIDE, height + 2 * _MARGIN, self.title)

    def _repr_html_(self) -> str:
        return self.svg


def group_sizes(resolution: Resolution) -> Picture:
    """Return how many customers have how many leads."""
    sizes = Counter(map(len, resolution.rows))
    rows: list[Row] = [
        {"leads": str(low) if low == high else f"{low} to {high}", "customers": count}
        for low, high in _SIZES
        if (count := sum(sizes[size] for size in range(low, high + 1)))
    ]
    last = _SIZES[-1][1]
    if more := sum(count for size, count in sizes.items() if size > last):
        rows.append({"leads": f"more than {last}", "customers": more})
    return _picture("Customers by how many leads they have", _bars(rows, "customers", "leads"))


def share_by_kind(resolution: Resolution) -> Picture:
    """Return the share of customers, and of leads, whose strongest identifier is of each kind."""
    names = (*resolution.policy.kinds, INDIVIDUAL)
    leads = dict.fromkeys(names, 0)
    for (place, _), rows in zip(resolution.group_keys, resolution.rows, strict=True):
        leads[names[place]] += len(rows)
    rows_: list[Row] = [
        {"of": of, "kind": kind, "count": counts[kind], "order": order}
        for of, counts in (("customers", resolution.counts), ("leads", leads))
        for order, kind in enumerate(names)
    ]
    chart = (
        alt.Chart(_data(rows_))
        .mark_bar(height=26)
        .encode(
            x=alt.X(
                "count:Q", stack="normalize", title=None, axis=alt.Axis(format="%", tickCount=5)
            ),
            y=alt.Y("of:N", title=None, sort=None),
            color=_colour("kind", names),
            order="order:Q",
        )
        .properties(width=WIDTH, height=90)
    )
    return _picture("Customers and leads by their strongest identifier", chart)


def stops_by_reason(resolution: Resolution) -> Picture:
    """Return how many values did not join all that hold them, by reason and kind."""
    kinds = resolution.policy.kinds
    counts = Counter(
        (reason, kinds[each.place]) for each in resolution.stopped for reason in each.reasons
    )
    rows: list[Row] = [
        {"reason": reason, "kind": kind, "identifiers": count}
        for (reason, kind), count in sorted(counts.items())
    ]
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(height=20)
        .encode(
            x=alt.X(
                "identifiers:Q", title="identifiers", axis=alt.Axis(tickMinStep=1, tickCount=6)
            ),
            y=alt.Y("reason:N", title=None, sort="-x"),
            color=_colour("kind", kinds),
        )
        .properties(width=WIDTH, height=alt.Step(30))
    )
    return _picture("Shared between customers and not joined, by reason", chart)


def flow(comparison: Comparison) -> Picture:
    """Return where the leads went: from kinds of groups before to kinds of groups after."""
    bands = bands_of(comparison.flows)
    edges = [
        {"x": x, "low": low, "high": high, "band": number, "what": band.what}
        for number, band in enumerate(bands)
        for x, low, high in band.outline()
    ]
    area = (
        alt.Chart(_data(edges))
        .mark_area(opacity=0.72)
        .encode(
            x=_across(),
            y=alt.Y("low:Q", axis=None, scale=alt.Scale(reverse=True, nice=False)),
            y2="high:Q",
            detail="band:N",
            color=_colour("what", tuple(_HAPPENED), tuple(_HAPPENED.values()), "leads were in"),
        )
    )
    chart = alt.LayerChart(layer=[area, *_ends(bands)]).properties(width=WIDTH, height=260)
    return _picture("Where the leads went, before (left) to after (right)", chart)


def _ends(bands: Sequence[Band]) -> list[alt.Chart]:
    """Return a bar and a name at either end of the bands, for each kind of group."""
    left = alt.MarkDef(type="text", align="right", dx=-8, color=_INK)
    right = alt.MarkDef(type="text", align="left", dx=8, color=_INK)
    return [*_end(bands, 0, left), *_end(bands, 1, right)]


def _end(bands: Sequence[Band], side: int, text: alt.MarkDef) -> list[alt.Chart]:
    rows = [
        {"x": side, "low": low, "high": high, "middle": (low + high) / 2}
        | {"name": f"{kind} · {high - low:,.0f}"}
        for kind, (low, high) in _spans(bands, side).items()
    ]
    bar = alt.Chart(_data(rows)).mark_rule(strokeWidth=5, color=_LINE)
    return [
        bar.encode(x=_across(), y="low:Q", y2="high:Q"),
        alt.Chart(_data(rows), mark=text).encode(x=_across(), y="middle:Q", text="name:N"),
    ]


def _spans(bands: Iterable[Band], side: int) -> Mapping[str, tuple[float, float]]:
    """Return from where to where the bands of each kind reach on that *side*, 0 or 1."""
    found: dict[str, tuple[float, float]] = {}
    for band in bands:
        above = (band.start, band.end)[side]
        low, high = found.get(band.kinds[side], (above, above))
        found[band.kinds[side]] = min(low, above), max(high, above + band.leads)
    return found


def _across() -> alt.X:
    return alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))


def _bars(rows: Sequence[Row], count: str, name: str) -> alt.LayerChart:
    base = alt.Chart(_data(rows)).encode(
        x=alt.X(f"{count}:Q", axis=None), y=alt.Y(f"{name}:N", sort=None, title=name)
    )
    labels = base.mark_text(align="left", dx=5, color=_INK).encode(
        text=alt.Text(f"{count}:Q", format=",")
    )
    bars = base.mark_bar(color=_MARK, height=16)
    return alt.LayerChart(layer=[bars, labels]).properties(width=WIDTH, height=alt.Step(24))


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _colour(
    field: str, names: Sequence[str], colours: Sequence[str] = (), title: str | None = None
) -> alt.Color:
    palette = list(colours) or [_PALETTE[n % len(_PALETTE)] for n in range(len(names))]
    scale = alt.Scale(domain=list(names), range=palette)
    return alt.Color(f"{field}:N", scale=scale, title=title or field, sort=list(names))


def _picture(title: str, chart: alt.Chart | alt.LayerChart) -> Picture:
    """Return *chart* in the one look that all have."""
    styled = (
        chart.properties(title=alt.TitleParams(title, anchor="start", offset=12, color=_INK))
        .properties(background="transparent", padding=0)
        .configure(font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            gridColor=_LINE,
            domain=False,
            tickColor=_LINE,
            labelFontSize=12,
            titleFontWeight="normal",
        )
        .configure_legend(
            labelColor=_INK, titleColor=_INK, titleFontWeight="normal", orient="bottom", offset=12
        )
        .configure_title(fontSize=13, fontWeight=600)
        .configure_text(fontSize=12)
    )
    return Picture(title, styled)


def _size(svg: str, side: str) -> float:
    found = re.search(rf'^<svg[^>]* {side}="([0-9.]+)"', svg)
    return float(found[1]) if found else 0.0
