"""Rulings over rows: which rows must be together, which apart, and whether that can be."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import ConflictingRulingsError
from leadfold.grouping.disjoint import DisjointSets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.model import Ruling

__all__ = ["Parts", "RowRulings", "in_order"]

Parts = tuple[tuple[int, ...], ...]
"""The parts of a ruling as rows; leads that are not here are left out."""


def in_order(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Return *rulings* in order of creation; one without a date comes after those with."""
    dated = sorted((r for r in rulings if r.created_at), key=lambda r: (r.created_at, r.id))
    undated = sorted((r for r in rulings if not r.created_at), key=lambda r: r.id)
    return (*dated, *undated)


@attrs.frozen
class RowRulings:
    """The rulings that touch these leads, in order: must-links' rows, and cannot-links' parts."""

    musts: tuple[tuple[int, ...], ...] = ()
    cannots: tuple[Parts, ...] = ()

    @classmethod
    def of(cls, rulings: Sequence[Ruling], ids: Sequence[str]) -> RowRulings:
        """Return *rulings* over the rows of *ids*.

        Raises:
            ConflictingRulingsError: must-links join leads that a cannot-link keeps apart.
        """
        if not rulings:
            return cls()
        named = {lead for ruling in rulings for part in ruling.parts for lead in part}
        row_of = {lead: row for row, lead in enumerate(ids) if lead in named}
        parts = {ruling.id: _parts(ruling, row_of) for ruling in rulings}
        musts = {r.id: parts[r.id][0] for r in rulings if r.is_must_link and parts[r.id]}
        cannots = {
            r.id: parts[r.id] for r in rulings if not r.is_must_link and len(parts[r.id]) > 1
        }
        _refuse_contradictions(musts, cannots, ids)
        return cls(tuple(musts.values()), tuple(cannots.values()))

    def must_blocks(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """Return *rows* in the blocks that must-links make, by the first row of each."""
        place = {row: number for number, row in enumerate(rows)}
        sets = DisjointSets(len(rows))
        for must in self.musts:
            sets.union(place[row] for row in must if row in place)
        blocks: dict[int, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            blocks[rows[sets.find(number)]].append(row)
        return dict(blocks)


def _parts(ruling: Ruling, row_of: Mapping[str, int]) -> Parts:
    parts = (tuple(row_of[lead] for lead in part if lead in row_of) for part in ruling.parts)
    return tuple(part for part in parts if part)


def _refuse_contradictions(
    musts: Mapping[str, tuple[int, ...]], cannots: Mapping[str, Parts], ids: Sequence[str]
) -> None:
    """Raise if a chain of must-links runs across two parts of one cannot-link."""
    rows = sorted({row for must in musts.values() for row in must})
    for block in RowRulings(tuple(musts.values())).must_blocks(rows).values():
        inside = set(block)
        for name, parts in cannots.items():
            touched = [part for part in parts if not inside.isdisjoint(part)]
            if len(touched) > 1:
                chain = {must for must, linked in musts.items() if linked[0] in inside}
                leads = {ids[row] for part in touched for row in inside.intersection(part)}
                raise ConflictingRulingsError({name, *chain}, leads)
