"""The bands of a flow: where each begins and ends, and its outline. Numbers only, no drawing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.compare import Kind

    Flow = tuple[str, str, Kind]

__all__ = ["Band", "bands_of"]

_POINTS = 24
_GAP = 0.06  # of all leads
_ORDER = ("same", "merged", "moved", "split")


@attrs.frozen
class Band:
    """So many *leads* that went from one of *kinds* to the other, and *what* happened to them.

    *start* and *end* say how far down it begins and ends, counted in leads; between kinds there is
    room for their names.
    """

    kinds: tuple[str, str]
    what: str
    leads: int
    start: float
    end: float

    def outline(self) -> Iterator[tuple[float, float, float]]:
        """Yield points from left to right: how far across, upper edge, lower edge."""
        for point in range(_POINTS + 1):
            across = point / _POINTS
            eased = across * across * (3 - 2 * across)  # level at both ends
            upper = self.start + (self.end - self.start) * eased
            yield across, upper, upper + self.leads


def bands_of(flows: Mapping[Flow, int]) -> tuple[Band, ...]:
    """Return a band for each of *flows* (kind before, kind after, what), largest kinds on top.

    >>> made = bands_of({("a", "c", "same"): 60, ("b", "c", "same"): 40})
    >>> [(band.kinds, band.start, band.end) for band in made]
    [(('a', 'c'), 0.0, 0.0), (('b', 'c'), 66.0, 60.0)]
    """
    sizes = Counter[tuple[int, str]]()
    for (before, after, _), leads in flows.items():
        sizes[0, before] += leads
        sizes[1, after] += leads

    def order(side: int, flow: Flow) -> tuple[int, str, int, str, int]:
        mine, other = flow[side], flow[1 - side]
        return (
            -sizes[side, mine],
            mine,
            -sizes[1 - side, other],
            other,
            _ORDER.index(flow[2]),
        )

    left = _stacked(sorted(flows, key=lambda flow: order(0, flow)), flows, 0)
    right = _stacked(sorted(flows, key=lambda flow: order(1, flow)), flows, 1)
    return tuple(
        Band((flow[0], flow[1]), flow[2], flows[flow], left[flow], right[flow]) for flow in left
    )


def _stacked(ordered: Sequence[Flow], leads: Mapping[Flow, int], side: int) -> dict[Flow, float]:
    """Return how far down each flow lies on that *side*, in this order, a gap between kinds."""
    gap = _GAP * sum(leads.values())
    found: dict[Flow, float] = {}
    down, kind = 0.0, None
    for flow in ordered:
        if kind not in {None, flow[side]}:
            down += gap
        found[flow], kind = down, flow[side]
        down += leads[flow]
    return found
