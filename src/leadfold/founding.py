"""The changes of most units of a backfill, kept in columns: objects are made when looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import attrs

from leadfold.changes import Follow, Link, Reindex
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold.changes import Change, InsertCustomer

__all__ = ["Following", "Founding", "Pairs"]

Following = tuple[str, str | None, int]
"""Rows of a dependent that follow their lead: the table, their customer so far, how many."""

Pairs = Sequence[tuple[str, str]]
"""What the identity index holds for a record: kinds and values, sorted, each pair once."""


@attrs.frozen(eq=False)
class Founding(Sequence["Change"]):
    """A new customer, and its *leads*, in order of id, none of which had one.

    *held* is what the index is to hold for each of them, None where it does so already; *follows*
    are their dependents, by lead. Equal to any sequence of the same changes.
    """

    insert: InsertCustomer
    reason: str
    leads: Sequence[str]
    held: Sequence[Pairs | None] = attrs.field(repr=False)
    follows: Mapping[str, Sequence[Following]]

    def __iter__(self) -> Iterator[Change]:
        customer = self.insert.customer_id
        yield self.insert
        for lead in self.leads:
            yield Link(lead, None, customer, self.reason)
        for lead, held in zip(self.leads, self.held, strict=True):
            for table, before, count in self.follows.get(lead, ()):
                yield Follow(table, lead, customer, count, before)
            if held is not None:
                yield Reindex(lead, tuple(Identifier(kind, value) for kind, value in held))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Change, ...]: ...
    def __getitem__(self, place: int | slice) -> Change | tuple[Change, ...]:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content
