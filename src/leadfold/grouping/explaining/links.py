"""The links that hold a group together: a spanning set of ties, the strongest there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.disjoint import DisjointSets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.explanations import Tie
    from leadfold.grouping.explaining.evidence import EvidenceFinder

__all__ = ["links_among"]


def links_among(rows: Sequence[int], ids: Sequence[str], finder: EvidenceFinder) -> Iterator[Tie]:
    """Yield the ties that connect *rows*, a whole group: one fewer than there are leads.

    Strongest evidence first; each ties its smallest lead to those that nothing stronger connects
    with it.
    """
    if len(rows) == 1:
        return
    rows = finder.in_text_order(rows)
    joined, missing = DisjointSets(len(rows)), len(rows) - 1
    for evidence in finder.among(rows):
        first, *others = evidence.holders
        for other in others:
            if joined.find(first) != joined.find(other):
                joined.union((first, other))
                yield evidence.tie(ids[rows[first]], ids[rows[other]])
                missing -= 1
        if not missing:
            return
