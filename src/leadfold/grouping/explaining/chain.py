"""Why two leads are together: the shortest chain of ties between them. Breadth first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.explanations import Tie
    from leadfold.grouping.explaining.evidence import Evidence, EvidenceFinder

__all__ = ["chain_between"]


def chain_between(
    row: int, other: int, rows: Sequence[int], ids: Sequence[str], finder: EvidenceFinder
) -> tuple[Tie, ...]:
    """Return the shortest chain of ties from *row* to *other*, two of a whole group's *rows*.

    Of chains equally short, the one with the fewest ties of the weakest strength, then of the
    next, and so on; of these the smallest in text order, lead by lead, told from the smaller of
    the two ids. So it is the same chain from either end.
    """
    rows = finder.in_text_order(rows)
    place_of = {row: place for place, row in enumerate(rows)}
    start, end = sorted((place_of[row], place_of[other]))
    search = _Search(len(rows), list(finder.among(rows)))
    search.spread(end, start)
    steps = [
        evidence.tie(ids[rows[one]], ids[rows[next_one]])
        for one, evidence, next_one in search.walk(start, end)
    ]
    if start != place_of[row]:
        steps = [step.reversed() for step in reversed(steps)]
    return tuple(steps)


class _Search:
    """Distances of leads from one end, in ties; and of all shortest chains, the cheapest cost.

    A chain's cost says how many ties of each strength it has: it is a number in a base that no
    count reaches, whose highest digit is the weakest strength's.
    """

    def __init__(self, size: int, evidence: Sequence[Evidence]) -> None:
        self._evidence = evidence
        self._held: list[list[int]] = [[] for _ in range(size)]
        for number, each in enumerate(evidence):
            for place in each.holders:
                self._held[place].append(number)
        strengths = sorted({each.strength for each in evidence})
        weights = {strength: size**rank for rank, strength in enumerate(strengths)}
        self._weight = [weights[each.strength] for each in evidence]
        self._cost: dict[int, int] = {}
        self._behind: dict[int, int] = {}  # evidence: the cheapest cost of the lead it leads to

    def spread(self, end: int, start: int) -> None:
        """Find the costs of all leads that are nearer to *end* than *start* is, and *start*'s."""
        self._cost[end] = 0
        layer = [end]
        while start not in self._cost:
            layer = self._next_layer(layer)

    def _next_layer(self, layer: Sequence[int]) -> list[int]:
        """Go one tie further from *layer*; return the leads that are reached first by it."""
        behind: dict[int, int] = {}
        for place in layer:
            for number in self._held[place]:
                if number not in self._behind:
                    cost = self._cost[place]
                    behind[number] = min(cost, behind.get(number, cost))
        self._behind |= behind
        reached: dict[int, int] = {}
        for number, cost in behind.items():
            further = cost + self._weight[number]
            for place in self._evidence[number].holders:
                if place not in self._cost:
                    reached[place] = min(further, reached.get(place, further))
        self._cost |= reached
        return list(reached)

    def walk(self, start: int, end: int) -> list[tuple[int, Evidence, int]]:
        """Return the cheapest chain from *start* to *end*, of several the first in text order."""
        steps = []
        place = start
        while place != end:
            following, number = min(self._onward(place))
            steps.append((place, self._evidence[number], following))
            place = following
        return steps

    def _onward(self, place: int) -> Iterator[tuple[int, int]]:
        """Yield the leads that a cheapest chain from *place* may go to, and by which evidence."""
        for number in self._held[place]:
            behind = self._behind.get(number)
            if behind is not None and behind + self._weight[number] == self._cost[place]:
                for other in self._evidence[number].holders:
                    if self._cost.get(other) == behind:  # equal costs: equally far from the end
                        yield other, number
