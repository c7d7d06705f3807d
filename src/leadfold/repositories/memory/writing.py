"""How the in-memory store writes a unit: whole, or not at all. No staleness, no run.

A unit's rows are staged beside the tables until all of them are right; only then are they kept.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import UnitError
from leadfold.masking import mask
from leadfold.repositories.memory.pointers import Pointers
from leadfold.repositories.memory.rows import blanked
from leadfold.repositories.memory.staged import Staged
from leadfold.repository import Queued

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadfold.changes import Erase, Queue, Run, Unit
    from leadfold.model import Customer, Lead
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import Draft
    from leadfold.repository import LedgerEntry

__all__ = ["Writer"]

_IMAGES = {"insert": "after", "retire": "before", "restore": "after"}
"""Which side of a ledger entry holds a copy of a customer's row."""


class Writer:
    """Writes units on a draft, and keeps the ledger of it."""

    def __init__(self, draft: Draft, shape: Shape, run: Run) -> None:
        self.draft = draft
        self.shape = shape
        self.run = run
        self.entries: list[LedgerEntry] = []
        self.followed: Counter[str] = Counter()
        self.made: set[str] = set()
        self._pointers = Pointers(draft)
        self._taken = {
            column: {getattr(row, column): row.id for row in draft.before.customers.rows.values()}
            for column in sorted(shape.unique)
        }

    def write(self, unit: Unit) -> None:
        """Write all changes of *unit*, or raise `UnitError` and write none."""
        staged = Staged(self.draft, self.shape, self._pointers, self.run.id, unit)
        self._check(staged)
        self._keep(staged)

    def _check(self, staged: Staged) -> None:
        rows: list[Lead | Customer] = [*staged.customers.maps[0].values()]
        rows += staged.leads.maps[0].values()
        for row in rows:
            for constraint in self.shape.constraints:
                if message := constraint(row):
                    raise UnitError(message)
        for column, taken in self._taken.items():
            _check_unique(column, taken, staged)

    def _keep(self, staged: Staged) -> None:
        self._pointers.move(staged.moves)
        for customer in staged.customers.maps[0].values():
            self.draft.customers.put(customer.id, customer)
            for column, taken in self._taken.items():
                taken[getattr(customer, column)] = customer.id
        for retired in staged.retired:
            for column, taken in self._taken.items():
                taken.pop(getattr(staged.customers[retired], column), None)
            self.draft.customers.drop(retired)
        for lead in staged.leads.maps[0].values():
            self.draft.leads.put(lead.id, lead)
        for (name, row_id), customer_id in staged.moved.items():
            self.draft.pointing(name).link(row_id, customer_id)
        self.followed += staged.followed
        for ruling in staged.rulings.values():
            self._rule(ruling.id, staged)
        self._index(staged)
        for queue in staged.queued:
            self._queue(queue)
        self.made.update(entry.row for entry in staged.entries if entry.action == "insert")
        self.entries += staged.entries

    def _index(self, staged: Staged) -> None:
        for entry in staged.entries:
            if entry.action == "link" and entry.before is not None:
                self.draft.index.move(entry.row)
        for record in staged.records:
            self.draft.index.record(record.record_id, record.identifiers)
        if staged.awaited:
            self.draft.index.awaited.update(staged.awaited)
        for erase in staged.erased:
            self.draft.index.forget(erase.lead_id)
            self._blank_images(erase)

    def _queue(self, queue: Queue) -> None:
        if queue.reason is None:
            self.draft.queue.pop(queue.lead_id, None)
        else:
            entry = Queued(queue.lead_id, queue.reason, self.run.at)
            self.draft.queue.setdefault(queue.lead_id, entry)

    def _rule(self, ruling_id: str, staged: Staged) -> None:
        if staged.in_force[ruling_id]:
            self.draft.rulings[ruling_id] = staged.rulings[ruling_id]
        else:
            self.draft.rulings.pop(ruling_id, None)

    def _blank_images(self, erase: Erase) -> None:
        for run, entries in [*self.draft.ledger.items()]:
            if any(entry.row in erase.images for entry in entries):
                self.draft.ledger[run] = tuple(
                    _without(entry, erase.images.get(entry.row, {})) for entry in entries
                )


def _without(entry: LedgerEntry, values: Mapping[str, str]) -> LedgerEntry:
    """Return *entry* with *values* blanked in the copy of a row that it holds."""
    side = _IMAGES.get(entry.action)
    if side is None or not values:
        return entry
    image, lost = blanked(getattr(entry, side), values)
    if not lost:
        return entry
    sources = image.get("sources")
    if isinstance(sources, dict):
        image["sources"] = {name: lead for name, lead in sources.items() if name not in lost}
    image["erased"] = sorted({*cast("list[str]", image.get("erased", [])), *lost})
    if side == "before":
        return attrs.evolve(entry, before=image)
    return attrs.evolve(entry, after=image)


def _check_unique(column: str, taken: dict[object, str], staged: Staged) -> None:
    """Raise if a staged customer shows a value of *column* that another customer shows."""
    shown: dict[object, str] = {}
    for customer in staged.customers.maps[0].values():
        value = getattr(customer, column)
        if value is None:
            continue
        holder = shown.setdefault(value, taken.get(value, customer.id))
        if holder != customer.id and holder not in staged.retired:
            msg = f"{column} {mask(column, value)} is unique and customer {holder} shows it"
            raise UnitError(msg)
