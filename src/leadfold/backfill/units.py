"""The units of a plan, made one at a time from columns: a million are never held at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import (
    Carry,
    Follow,
    InsertCustomer,
    Link,
    Queue,
    Reindex,
    Retire,
    Unit,
    counts_patch,
    reason_of,
    timestamp,
)
from leadfold.founding import Founding
from leadfold.model import INDIVIDUAL
from leadfold.repository import RECORD
from leadfold.survivorship import first_text, shown_phone

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from leadfold.backfill.filling import Assignment
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import (
        Change,
        Run,
    )
    from leadfold.founding import Following
    from leadfold.grouping import Resolution
    from leadfold.survivorship import StoredPhone

__all__ = ["PlannedUnits", "forgotten"]


@attrs.frozen(eq=False)
class PlannedUnits:
    """The units that change something, in order of their oldest lead; may be walked repeatedly.

    *customer_of* has the customer of every group, *minted* marks those whose customer is new, and
    *hidden* the shown columns that a new customer leaves NULL, as (group, column). *fixed* are the
    rows whose link stays, if they have one. *follows* has the dependents to link, by lead: table,
    customer before, and count. *counts* has how many leads each existing customer had, *tables*
    the tables whose rows follow a customer that retires.
    """

    snapshot: Snapshot = attrs.field(repr=False)
    resolution: Resolution = attrs.field(repr=False)
    assignment: Assignment = attrs.field(repr=False)
    run: Run
    stored_phone: StoredPhone
    customer_of: list[str] = attrs.field(repr=False)
    minted: bytearray = attrs.field(repr=False)
    hidden: set[tuple[int, str]] = attrs.field(repr=False)
    fixed: Container[int] = attrs.field(repr=False)
    follows: Mapping[str, Sequence[Following]] = attrs.field(repr=False)
    counts: Mapping[str, int] = attrs.field(repr=False)
    tables: Sequence[str] = ()
    _names: tuple[str, ...] = attrs.field(init=False, repr=False)
    _shown: Mapping[str, tuple[list[str | None], bool]] = attrs.field(init=False, repr=False)
    _created_at: str = attrs.field(init=False, repr=False)

    @_names.default
    def _kinds(self) -> tuple[str, ...]:
        return (*self.resolution.policy.kinds, INDIVIDUAL)

    @_shown.default
    def _columns(self) -> Mapping[str, tuple[list[str | None], bool]]:
        """Return, for each kind, the first value of every row, and whether it is scoped."""
        rules, columns = self.resolution.policy.identifiers, self.snapshot.columns.by_kind
        pairs = zip(rules, columns, strict=True)
        return {rule.kind: (column.first, rule.scope is not None) for rule, column in pairs}

    @_created_at.default
    def _stamp(self) -> str:
        return timestamp(self.run.at)

    def __iter__(self) -> Iterator[Unit]:
        """Yield each unit with its changes: customers first, then links, dependents, index."""
        number = 0
        linked = self.assignment.linked
        for component in self.assignment.components:
            group = component[0]
            if self.minted[group] and not linked[group] and len(component) == 1:
                yield self._new_unit(number, group)
            elif self._is_touched(component):
                yield self._unit(number, component)
            else:
                continue
            number += 1
        customers = self.snapshot.customers
        for customer, entry in sorted(self.assignment.lenders.items()):
            record = Reindex(RECORD + customer, entry)
            yield Unit(number, {}, {customer: customers[customer].version}, (record,))
            number += 1
        for lead in self.snapshot.gone:
            yield forgotten(number, lead)
            number += 1

    def target(self, row: int) -> str:
        """Return the customer that *row* is linked to afterwards."""
        link = self.snapshot.links[row]
        if link is not None and row in self.fixed:
            return link
        return self.customer_of[self.resolution.partition.labels[row]]

    def moves(self, row: int) -> bool:
        """Tell whether *row* is linked anew."""
        return self.snapshot.links[row] != self.target(row)

    def _is_touched(self, component: Sequence[int]) -> bool:
        return any(self._touches(row) for group in component for row in self.resolution.rows[group])

    def _touches(self, row: int) -> bool:
        snapshot = self.snapshot
        return (
            self.moves(row)
            or bool(snapshot.changed[row])
            or (bool(self.follows) and snapshot.ids[row] in self.follows)
            or (bool(snapshot.queued) and snapshot.ids[row] in snapshot.queued)
        )

    def _new_unit(self, number: int, group: int) -> Unit:
        """Return what `_unit` does, for most: a group of leads alone, none of them linked yet."""
        snapshot, rows = self.snapshot, self.resolution.rows[group]
        ids, versions, changed = snapshot.ids, snapshot.versions, snapshot.changed
        ordered = rows
        if len(rows) > 1:
            ordered, rows = sorted(rows, key=snapshot.order), sorted(rows, key=ids.__getitem__)
        pairs, follows = snapshot.columns.pairs, self.follows
        leads = [ids[row] for row in rows]
        if not snapshot.queued.isdisjoint(leads):
            return self._unit(number, [group])
        founding = Founding(
            self._founding(group, ordered),
            reason_of(self.resolution.keys[group]),
            leads,
            [pairs(row) if changed[row] else None for row in rows],
            {lead: follows[lead] for lead in leads if lead in follows},
        )
        return Unit(number, {ids[row]: versions[row] for row in rows}, {}, founding)

    def _unit(self, number: int, component: Sequence[int]) -> Unit:
        snapshot = self.snapshot
        rows = [row for group in component for row in self.resolution.rows[group]]
        involved = {self.customer_of[group] for group in component if not self.minted[group]}
        involved.update(
            customer for group in component for customer in self.assignment.linked[group]
        )
        stored = sorted(involved & snapshot.customers.keys())
        return Unit(
            number,
            {snapshot.ids[row]: snapshot.versions[row] for row in rows if snapshot.is_lead(row)},
            {customer: snapshot.customers[customer].version for customer in stored},
            tuple(self._changes(component)),
        )

    def _changes(self, component: Sequence[int]) -> Iterator[Change]:
        """Yield what becomes of a component, in the order a store can write it."""
        newly = {
            group: [row for row in self.resolution.rows[group] if self.moves(row)]
            for group in component
        }
        yield from self._customers(newly)
        for group, rows in newly.items():
            yield from self._links(group, rows)
        for group in component:
            yield from self._rest(group)
        yield from self._retirements(component)

    def _customers(self, newly: Mapping[int, Sequence[int]]) -> Iterator[Change]:
        """Yield new customers, and the counts of existing ones that gain or lose leads."""
        gained = Counter[str]()
        for group, rows in newly.items():
            links = (self.snapshot.links[row] for row in rows)
            gained.subtract(link for link in links if link is not None)
            if self.minted[group]:
                yield self.founding(group)
            elif rows:
                gained[self.customer_of[group]] += len(rows)
        for customer, gain in sorted(gained.items()):
            if customer in self.snapshot.customers and customer not in self.assignment.retired:
                yield from self._recount(customer, gain)

    def _retirements(self, component: Sequence[int]) -> Iterator[Change]:
        """Yield what becomes of the customers that no group is left for."""
        going = {customer for group in component for customer in self.assignment.linked[group]}
        for customer in sorted(going & self.assignment.retired.keys()):
            into = self.customer_of[self.assignment.retired[customer]]
            for table in self.tables:
                yield Carry(table, customer, into)
            yield Retire(customer, into)

    def _recount(self, customer: str, gain: int) -> Iterator[Change]:
        """Set the two counts in the metadata of a customer that leadfold or the original made."""
        stored = self.snapshot.customers[customer]
        if stored.made_by is None:
            return
        count = self.counts.get(customer, 0) + gain
        patch = counts_patch(customer, stored.metadata, count)
        if patch is not None:
            yield patch

    def founding(self, group: int) -> InsertCustomer:
        """Return the insertion of the new customer of *group*: it shows what its leads hold.

        A lead that stays linked elsewhere, though to a customer that is gone, is none of its own.
        """
        rows = filter(self.moves, self.resolution.rows[group])
        return self._founding(group, sorted(rows, key=self.snapshot.order))

    def _founding(self, group: int, rows: Sequence[int]) -> InsertCustomer:
        """Return the insertion of the new customer of *group*, whose own are *rows*."""
        snapshot = self.snapshot
        named, name = first_text(rows, snapshot.names)
        phoned, phone = self._phone(rows)
        mailed, email = self._first("email", rows)
        keyed = self._keyed(group, rows)
        metadata = self._metadata(group, len(rows))
        row = {
            "name": name,
            "phone": phone,
            "email": email,
            "metadata": metadata,
            "created_at": self.run.at,
        }
        sources = {"name": named, "phone": phoned, "email": mailed, "groupKey": keyed}
        if self.hidden:
            for column in [key for key in row if (group, key) in self.hidden]:
                row[column] = sources[column] = None
        return InsertCustomer(
            self.customer_of[group],
            row,
            {key: snapshot.ids[source] for key, source in sources.items() if source is not None},
        )

    def _keyed(self, group: int, rows: Sequence[int]) -> int | None:
        """Return the first of *rows* that has the group's key; nobody is known by a lead's id."""
        kind, value = self.resolution.group_keys[group]
        columns = self.snapshot.columns
        if kind == len(columns.kinds):
            return None
        column = columns.by_kind[kind]
        for row in rows:
            if column.first[row] == value or value in column.of(row):
                return row
        return None

    def _phone(self, rows: Sequence[int]) -> tuple[int | None, str | None]:
        row, e164 = self._first("phone", rows)
        raw = None
        if self.stored_phone == "as_received" and row is not None:
            cell = self.snapshot.raw_phones[row]
            raw = cell if isinstance(cell, str) else e164
        return row, shown_phone(e164, raw, self.stored_phone)

    def _first(self, kind: str, rows: Sequence[int]) -> tuple[int | None, str | None]:
        """Return the first of *rows* with a usable value of *kind*, and it without its scope."""
        if kind not in self._shown:
            return None, None
        first, scoped = self._shown[kind]
        for row in rows:
            value = first[row]
            if value is not None:
                return row, value.partition("/")[2] if scoped else value
        return None, None

    def _metadata(self, group: int, leads: int) -> dict[str, object]:
        """Return the six keys of the original, as it wrote them."""
        return {
            "groupType": self._names[self.resolution.group_keys[group][0]],
            "groupKey": self.resolution.keys[group],
            "leadCount": leads,
            "createdBy": self.run.created_by,
            "createdAt": self._created_at,
            "multipleLeads": leads > 1,
        }

    def _links(self, group: int, rows: Sequence[int]) -> Iterator[Link]:
        ids, reason = self.snapshot.ids, reason_of(self.resolution.keys[group])
        for row in sorted(rows, key=ids.__getitem__):
            yield Link(ids[row], self.snapshot.links[row], self.customer_of[group], reason)

    def _rest(self, group: int) -> Iterator[Change]:
        """Yield the dependents to link and the index entries to write, lead by lead."""
        snapshot = self.snapshot
        for row in sorted(self.resolution.rows[group], key=snapshot.ids.__getitem__):
            record = snapshot.ids[row]
            if snapshot.is_lead(row):
                for table, before, count in self.follows.get(record, ()):
                    yield Follow(table, record, self.target(row), count, before)
            if snapshot.changed[row]:
                yield Reindex(record, snapshot.columns.identifiers(row))
            if record in snapshot.queued:
                yield Queue(record, None)


def forgotten(number: int, lead_id: str) -> Unit:
    """Return the unit that takes a lead without a row out of the index, and off the queue."""
    return Unit(number, {}, {}, (Reindex(lead_id, ()), Queue(lead_id, None)))
