"""Who points at whom while a run is written: rows by lead, rows by customer. It changes no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.repository import LEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.repositories.memory.tables import Draft

__all__ = ["Move", "Place", "Pointers"]

Place = tuple[str, str]
"""A row: its table and its id."""

Move = tuple[Place, str | None, str | None]
"""A row that points at another customer than before."""


class Pointers:
    """Look-ups into the tables of *draft*, each made when it is first asked for."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._by_lead: dict[str, dict[str | None, list[str]]] = {}
        self._by_customer: dict[str, dict[Place, None]] | None = None

    def rows_of(self, name: str, lead_id: str) -> list[str]:
        """Return the ids of the rows of dependent *name* that point at *lead_id*."""
        if name not in self._by_lead:
            self._by_lead[name] = self._draft.pointing(name).by_lead()
        return self._by_lead[name].get(lead_id, [])

    def at(self, customer_id: str) -> list[Place]:
        """Return the rows that point at *customer_id*, but for the unit that is being staged."""
        if self._by_customer is None:
            self._by_customer = {}
            for place, customer in self._all():
                self._by_customer.setdefault(customer, {})[place] = None
        return list(self._by_customer.get(customer_id, ()))

    def move(self, moves: Iterable[Move]) -> None:
        """Take note of what a unit moved, if anybody has asked who points at whom."""
        if self._by_customer is None:
            return
        for place, before, after in moves:
            self._by_customer.get(before or "", {}).pop(place, None)
            if after is not None:
                self._by_customer.setdefault(after, {})[place] = None

    def _all(self) -> Iterator[tuple[Place, str]]:
        for lead in self._draft.leads.rows.values():
            if lead.customer_id is not None:
                yield (LEAD, lead.id), lead.customer_id
        for name in self._draft.before.pointing:
            table = self._draft.pointing(name)
            for row_id, row in table.rows.items():
                if (customer := table.customer_of(row)) is not None:
                    yield (name, row_id), customer
