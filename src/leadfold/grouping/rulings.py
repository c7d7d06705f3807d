"""Rulings over rows: which rows must be together, which apart, and whether that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import ConflictingRulingsError
from leadfold.rulings import contradiction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.model import Ruling

__all__ = ["Parts", "RowRulings"]

Parts = tuple[tuple[int, ...], ...]
"""The parts of a ruling as rows; leads that are not here are left out."""


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
        named = {lead for ruling in rulings for part in ruling.parts for lead in part}
        row_of = {lead: row for row, lead in enumerate(ids) if lead in named}
        parts = {ruling.id: _parts(ruling, row_of) for ruling in rulings}
        musts = {r.id: parts[r.id][0] for r in rulings if r.is_must_link and parts[r.id]}
        cannots = {
            r.id: parts[r.id] for r in rulings if not r.is_must_link and len(parts[r.id]) > 1
        }
        found = contradiction(musts, cannots)
        if found is not None:
            names, rows = found
            raise ConflictingRulingsError(names, {ids[row] for row in rows})
        return cls(tuple(musts.values()), tuple(cannots.values()))


def _parts(ruling: Ruling, row_of: Mapping[str, int]) -> Parts:
    parts = (tuple(row_of[lead] for lead in part if lead in row_of) for part in ruling.parts)
    return tuple(part for part in parts if part)
