"""The rows of one unit, staged beside the tables; what the store has against them is raised."""

from __future__ import annotations

from collections import ChainMap, Counter
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from leadfold.changes import (
    Await,
    Carry,
    Erase,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Queue,
    Reindex,
    Relink,
    Restore,
    Retire,
    Rule,
)
from leadfold.exceptions import UnitError
from leadfold.repositories.memory.rows import blanked, customer_of, image_of
from leadfold.repository import CUSTOMER, LEAD, RULING, Awaited, LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadfold.changes import Unit
    from leadfold.model import Customer, Lead, Ruling
    from leadfold.repositories.memory.pointers import Move, Place, Pointers
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import Draft
    from leadfold.repository import Action

__all__ = ["Staged"]


class Staged:
    """What *unit* makes of some rows, seen before the tables', and the ledger of it."""

    def __init__(
        self, draft: Draft, shape: Shape, pointers: Pointers, run_id: str, unit: Unit
    ) -> None:
        self.leads = ChainMap[str, "Lead"]({}, draft.leads.rows)
        self.customers = ChainMap[str, "Customer"]({}, draft.customers.rows)
        self.retired: set[str] = set()
        self.moved: dict[Place, str | None] = {}
        self.moves: list[Move] = []
        self.followed: Counter[str] = Counter()
        self.rulings: dict[str, Ruling] = {}
        self.in_force: dict[str, bool] = {}
        self.records: list[Reindex] = []
        self.awaited: dict[str, Awaited] = {}
        self.erased: list[Erase] = []
        self.queued: list[Queue] = []
        self.entries: list[LedgerEntry] = []
        self._link_nullable = shape.link_nullable
        self._draft = draft
        self._pointers = pointers
        self._run_id = run_id
        self._unit = unit.number
        for change in sorted(unit.changes, key=lambda change: self._PLACE[type(change)]):
            self._STEPS[type(change)](self, change)

    def _insert(self, insert: InsertCustomer) -> None:
        self._refuse_present(insert.customer_id)
        customer = customer_of({**insert.row, "id": insert.customer_id})
        self.customers[customer.id] = customer
        image = dict(insert.row)
        if insert.sources:
            image["sources"] = dict(insert.sources)
        self._log(CUSTOMER, customer.id, "insert", None, image)

    def _patch(self, patch: PatchCustomer) -> None:
        customer = self.customers[patch.customer_id]
        metadata = dict(customer.metadata or {})
        kept = {key: value for key, value in metadata.items() if key not in patch.before}
        self.customers[customer.id] = attrs.evolve(customer, metadata={**kept, **patch.after})
        self._log(CUSTOMER, customer.id, "patch", dict(patch.before), dict(patch.after))

    def _link_as_told(self, link: Link) -> None:
        self._link(link.lead_id, link.before, link.after, link.reason)

    def _link(self, lead_id: str, before: str | None, after: str | None, reason: str) -> None:
        self._require(after)
        if after is None and not self._link_nullable:
            msg = f"lead {lead_id}: its customer must not be null"
            raise UnitError(msg)
        self.leads[lead_id] = attrs.evolve(self.leads[lead_id], customer_id=after)
        self.moves.append(((LEAD, lead_id), before, after))
        self._log(LEAD, lead_id, "link", before, after, reason)

    def _await(self, change: Await) -> None:
        self._require(change.after)
        self.awaited[change.lead_id] = Awaited(change.after, change.until)
        self._log(LEAD, change.lead_id, "link", change.before, change.after, change.reason)

    def _follow(self, follow: Follow) -> None:
        table = self._draft.pointing(follow.table)
        for row_id in self._pointers.rows_of(follow.table, follow.lead_id):
            if table.customer_of(table.rows[row_id]) == follow.before:
                self._relink(follow.table, row_id, follow.before, follow.customer_id)
                self.followed[follow.table] += 1

    def _index(self, reindex: Reindex) -> None:
        self.records.append(reindex)

    def _queue(self, queue: Queue) -> None:
        self.queued.append(queue)

    def _carry(self, carry: Carry) -> None:
        if carry.table != LEAD:
            self._draft.pointing(carry.table)  # which must be there, whoever points from it
        for table, row in self._pointers.at(carry.before):
            if table != carry.table:
                continue
            if table != LEAD:
                if (table, row) not in self.moved:
                    self._relink(table, row, carry.before, carry.after)
            elif self.leads[row].customer_id == carry.before:
                self._link(row, carry.before, carry.after, "")

    def _relink_as_told(self, relink: Relink) -> None:
        self._relink(relink.table, relink.row, relink.before, relink.after)

    def _relink(self, table: str, row: str, before: str | None, after: str | None) -> None:
        self._require(after)
        self.moved[table, row] = after
        self.moves.append(((table, row), before, after))
        self._log(table, row, "follow", before, after)

    def _retire(self, retire: Retire) -> None:
        left = dict.fromkeys(self._pointers.at(retire.customer_id), retire.customer_id)
        for place, _, after in self.moves:
            left[place] = after or ""
        tables = Counter(
            table for (table, _), customer in left.items() if customer == retire.customer_id
        )
        for table, rows in sorted(tables.items()):
            msg = f"customer {retire.customer_id} still has {rows} rows in {table}"
            raise UnitError(msg)
        self.retired.add(retire.customer_id)
        image = image_of(self.customers[retire.customer_id])
        self._log(CUSTOMER, retire.customer_id, "retire", image, retire.into)

    def _restore(self, restore: Restore) -> None:
        self._refuse_present(restore.customer_id)
        self.customers[restore.customer_id] = customer_of(restore.image)
        self._log(CUSTOMER, restore.customer_id, "restore", restore.into, dict(restore.image))

    def _rule(self, rule: Rule) -> None:
        self.rulings[rule.ruling.id] = rule.ruling
        self.in_force[rule.ruling.id] = rule.in_force
        told = rule.ruling.to_dict()
        before, after = (None, told) if rule.in_force else (told, None)
        self._log(RULING, rule.ruling.id, "rule", before, after)

    def _erase(self, erase: Erase) -> None:
        self.erased.append(erase)
        for customer_id, values in sorted(erase.rows.items()):
            if customer_id not in self.customers:
                continue
            row, lost = blanked(image_of(self.customers[customer_id]), values)
            if lost:
                self.customers[customer_id] = customer_of(row)
                self._log(CUSTOMER, customer_id, "erase", None, lost)

    def _log(  # noqa: PLR0917 - the columns of an entry
        self,
        table: str,
        row: str,
        action: Action,
        before: object,
        after: object,
        reason: str = "",
    ) -> None:
        entry = LedgerEntry(self._run_id, self._unit, table, row, action, before, after, reason)
        self.entries.append(entry)

    def _refuse_present(self, customer_id: str) -> None:
        if customer_id in self.customers:
            msg = f"there is a customer {customer_id} already"
            raise UnitError(msg)

    def _require(self, customer_id: str | None) -> None:
        """Hold up the foreign key to customers."""
        if customer_id is not None and customer_id not in self.customers:
            msg = f"there is no customer {customer_id}"
            raise UnitError(msg)

    _STEPS: ClassVar[Mapping[type, Callable[[Staged, Any], None]]] = {
        Restore: _restore,
        InsertCustomer: _insert,
        PatchCustomer: _patch,
        Link: _link_as_told,
        Await: _await,
        Follow: _follow,
        Carry: _carry,
        Relink: _relink_as_told,
        Rule: _rule,
        Retire: _retire,
        Erase: _erase,
        Reindex: _index,
        Queue: _queue,
    }
    """In the order of writing: customers come before what points at them, and go after it."""

    _PLACE: ClassVar = {kind: place for place, kind in enumerate(_STEPS)}
