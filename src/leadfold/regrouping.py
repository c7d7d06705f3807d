"""What a comparison of two groupings finds: regroupings, parted groups, witnesses. Values only."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.masking import some

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.explanations import Tie
    from leadfold.model import Group, Identifier, Stop

__all__ = ["Kind", "Parted", "Regrouping", "SideName", "Witness"]

Kind = Literal["same", "split", "merged", "moved"]
"""What became of groups that share leads."""

SideName = Literal["before", "after"]


@attrs.frozen
class Regrouping:
    """Groups that share leads, and what became of them: all of *before*, all of *after*.

    *kind* is ``same`` (one group, the same leads), ``split`` (one became several), ``merged``
    (several became one) or ``moved`` (several became several others). Keys play no part.
    """

    kind: Kind
    before: tuple[Group, ...]
    after: tuple[Group, ...]

    @property
    def lead_ids(self) -> tuple[str, ...]:
        """Return the leads concerned, in text order."""
        return tuple(sorted(lead for group in self.before for lead in group.lead_ids))


@attrs.frozen
class Parted:
    """A *group* of one side whose leads are in several groups of the other: the *parts*.

    *side* is where they are together; *pairs* is how many pairs of leads are together there alone.
    """

    side: SideName
    group: Group
    parts: tuple[tuple[str, ...], ...]

    @property
    def pairs(self) -> int:
        """Return how many pairs of its leads the other side has apart."""
        return comb(len(self.group), 2) - sum(comb(len(part), 2) for part in self.parts)


@attrs.frozen
class Witness:
    """Two leads that are together on one *side* alone, and why, as far as the sides can say.

    *tie* is what holds them together there; *stops* are what the leads, or their groups, share
    on the other side, where it did not join them.
    """

    side: SideName
    lead_id: str
    other_id: str
    tie: Tie | None = None
    stops: tuple[Stop, ...] = ()

    def sentence(self, name: Callable[[Identifier], str] = str) -> str:
        """Return it as a sentence; *name* says how identifiers are written."""
        both = f"{self.lead_id} and {self.other_id} are together"
        together = self.tie.sentence(name) if self.tie else both
        other = "after" if self.side == "before" else "before"
        told = f"{self.side}: {together}"
        causes = some(
            (f"{name(s.identifier)} did not join: {s.cause(name)}" for s in self.stops), 2
        )
        return f"{told}; {other}: {causes}" if causes else told

    def __str__(self) -> str:
        return self.sentence()
