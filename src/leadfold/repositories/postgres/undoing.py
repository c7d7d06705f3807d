"""What a commit writes beside a backfill: customers that go and come, rows that move, rulings.

Steps over the units that are staged between two positions; they run nothing themselves.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import MappingError, UnitError
from leadfold.repositories.cells import dump, load
from leadfold.repositories.copies import blanked
from leadfold.repositories.postgres.reading import unmapped
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.staging import Counts
    from leadfold.repositories.postgres.steps import Row, Statement, Steps
    from leadfold.repositories.tables import PointingTable

__all__ = ["Undoing", "require"]

_BLANKED = ("name", "phone", "email", "groupKey")
_PARTS = ("carry", "relink", "retire", "restore", "rule")


def require(written: int, count: int) -> None:
    """Object where a trigger has quietly left rows out: the ledger must not claim them."""
    if written != count:
        msg = f"the store wrote {written} of {count} rows"
        raise UnitError(msg)


@attrs.frozen
class Undoing:
    """Writes what is staged between two positions; *bound* is what every statement binds."""

    shapes: Shapes
    counts: Counts
    bound: Mapping[str, object]

    def misfits(self) -> Steps[Sequence[Row]]:
        """Return the units that rest on what is not so any more: position, what, and its name."""
        if any(self._count(part) for part in _PARTS):
            answer = yield self._statement("several_of_one")
            if answer.rows[0][0]:
                msg = "several changes of one row"
                raise UnitError(msg)
        found: list[Row] = []
        for name in self._names("relink"):
            answer = yield self._pointing("relink_misfits", name)
            found += answer.rows
        return found

    def make_room(self) -> Steps[tuple[str, ...]]:
        """Let customers that retire give up what is unique to those that come in their place.

        They cannot go before: until rows have moved, something points at them. Return the fields.
        """
        if not self._count("retire") or not (self._count("restore") or self._count("insert")):
            return ()
        mapping, catalog = self.shapes.mapping, self.shapes.catalog
        table = mapping.customer
        fields = tuple(
            field
            for field in catalog.unique_fields(mapping)
            if not catalog.column(table.table, getattr(table, field)).not_null
        )
        for field in fields:
            yield self.shapes.giving_up("keep_cells", field, self.bound)
            yield self.shapes.giving_up("give_up", field, self.bound)
        return fields

    def restore(self) -> Steps[None]:
        """Insert the rows of customers that come back, whatever columns each image has."""
        for shape in self._names("restore"):
            columns = cast("list[str]", load(shape))
            answer = yield self.shapes.restoring(columns, {**self.bound, "shape": shape})
            require(answer.count, self.counts["restore", shape])

    def move(self) -> Steps[None]:
        """Let rows take another customer: all that point at one, then single rows.

        At those that retire nothing else comes to point from here on.
        """
        if self._count("retire"):
            yield self._statement("hold_retired")
        for name in self._names("carry"):
            yield self._pointing("carry_rows", name)
        for name in self._names("relink"):
            answer = yield self._pointing("relink_rows", name)
            require(answer.count, self.counts["relink", name])

    def rule(self) -> Steps[None]:
        """Bring rulings into force, and out of it."""
        if count := self._count("rule"):
            made = yield self._statement("make_rulings")
            lifted = yield self._statement("lift_rulings")
            require(made.count + lifted.count, count)

    def retire(self, kept: Iterable[str]) -> Steps[None]:
        """Delete the rows of customers at which nothing points any more; the ledger keeps them."""
        if not (count := self._count("retire")):
            return
        if unknown := self.shapes.catalog.undeclared(self.shapes.mapping):
            raise MappingError(undeclared(unknown))
        answer = yield self.shapes.still_pointing(self.bound)
        for customer_id, table, rows in answer.rows:
            msg = f"customer {customer_id} still has {rows} rows in {table}"
            raise UnitError(msg)
        logged = yield self.shapes.retirements(self.bound, kept)
        require(logged.count, count)
        gone = yield self._statement("retire_customers")
        require(gone.count, count)

    def erase(self) -> Steps[None]:
        """Blank what customers' rows, and the ledger's copies of them, have from erased leads."""
        table = self.shapes.mapping.customer
        fields = set(self._names("blank")) & set(_BLANKED)
        for field in sorted(fields):
            column = table.metadata if field == "groupKey" else getattr(table, field)
            if column is not None:
                yield self.shapes.blanking(field, self.bound)
        if fields:
            yield self._statement("log_erasures")
        if self._count("copy"):
            yield from self._blank_copies()

    def forget(self) -> Steps[None]:
        """Take erased leads out of the index, once it holds nothing for them any more."""
        if self._count("erase"):
            yield self._statement("index_erase")

    def queue(self) -> Steps[None]:
        """Put leads on the queue, and take them off it."""
        if self._count("queue"):
            yield self._statement("queue")

    def _blank_copies(self) -> Steps[None]:
        answer = yield self._statement("copies_to_blank")
        runs: list[object] = []
        sequences: list[object] = []
        images: list[str | None] = []
        for (run, sequence, image), group in groupby(answer.rows, key=itemgetter(0, 1, 2)):
            values = [(str(field), str(value)) for *_, field, value in group]
            held = cast("Mapping[str, object]", load(image))
            if without := blanked(held, values, _without_key):
                runs.append(run)
                sequences.append(sequence)
                images.append(dump(without))
        if runs:
            told = {"runs": runs, "sequences": sequences, "images": images}
            yield self.shapes.statement("blank_copies", told)

    def _names(self, part: str) -> list[str]:
        return sorted(str(name) for each, name in self.counts if each == part)

    def _count(self, part: str) -> int:
        return sum(count for (each, _), count in self.counts.items() if each == part)

    def _statement(self, name: str) -> Statement:
        return self.shapes.statement(name, self.bound)

    def _pointing(self, statement: str, name: str) -> Statement:
        """Return a statement for the table called *name*."""
        action = "link" if name == LEAD else "follow"
        bound = {**self.bound, "name": name, "action": action}
        return self.shapes.pointing(statement, self._table(name), bound)

    def _table(self, name: str) -> PointingTable:
        if name not in self.shapes.mapping.pointing:
            raise unmapped(name)
        return self.shapes.mapping.pointing[name]


def _without_key(metadata: str) -> str:
    held = cast("dict[str, object]", load(metadata))
    return str(dump({**held, "groupKey": None}))
