"""The units of a plan, made one at a time from columns: a million are never held at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.changes import (
    Follow,
    InsertCustomer,
    Link,
    Reindex,
    Unit,
    counts_patch,
    reason_of,
    timestamp,
)
from leadfold.model import INDIVIDUAL
from leadfold.survivorship import first_text, shown_phone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.backfill.filling import Assignment
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import (
        Change,
        Run,
    )
    from leadfold.grouping import Resolution
    from leadfold.survivorship import StoredPhone

__all__ = ["PlannedUnits"]


@attrs.frozen(eq=False)
class PlannedUnits:
    """The units that change something, in order of their oldest lead; may be walked repeatedly.

    *customer_of* has the customer of every group, *minted* the groups whose customer is new, and
    *hidden* the shown columns that a new customer leaves NULL, as (group, column). *follows* has
    the dependents to link, by lead: table and count. *counts* has how many leads each existing
    customer had.
    """

    snapshot: Snapshot = attrs.field(repr=False)
    resolution: Resolution = attrs.field(repr=False)
    assignment: Assignment = attrs.field(repr=False)
    run: Run
    stored_phone: StoredPhone
    customer_of: list[str] = attrs.field(repr=False)
    minted: set[int] = attrs.field(repr=False)
    hidden: set[tuple[int, str]] = attrs.field(repr=False)
    follows: Mapping[str, list[tuple[str, int]]] = attrs.field(repr=False)
    counts: Mapping[str, int] = attrs.field(repr=False)

    def __iter__(self) -> Iterator[Unit]:
        """Yield each unit with its changes: customers first, then links, dependents, index."""
        number = 0
        for component in self.assignment.components:
            if self._is_touched(component):
                yield self._unit(number, component)
                number += 1

    def _is_touched(self, component: Sequence[int]) -> bool:
        return any(self._touches(row) for group in component for row in self.resolution.rows[group])

    def _touches(self, row: int) -> bool:
        snapshot = self.snapshot
        return (
            snapshot.links[row] is None
            or row in snapshot.changed
            or (bool(self.follows) and snapshot.ids[row] in self.follows)
        )

    def _unit(self, number: int, component: Sequence[int]) -> Unit:
        snapshot = self.snapshot
        rows = [row for group in component for row in self.resolution.rows[group]]
        involved = {self.customer_of[group] for group in component if group not in self.minted}
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
            group: [row for row in self.resolution.rows[group] if self.snapshot.links[row] is None]
            for group in component
        }
        yield from self._customers(newly)
        for group, rows in newly.items():
            yield from self._links(group, rows)
        for group in component:
            yield from self._rest(group)

    def _customers(self, newly: Mapping[int, Sequence[int]]) -> Iterator[Change]:
        """Yield new customers, and the counts of existing ones that gain leads."""
        gained: dict[str, int] = {}
        for group, rows in newly.items():
            if group in self.minted:
                yield self.founding(group)
            elif rows:
                customer = self.customer_of[group]
                gained[customer] = gained.get(customer, 0) + len(rows)
        for customer, gain in sorted(gained.items()):
            yield from self._recount(customer, gain)

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
        snapshot = self.snapshot
        taken = (row for row in self.resolution.rows[group] if snapshot.links[row] is None)
        rows = sorted(taken, key=snapshot.order)
        named, name = first_text(rows, snapshot.names)
        phoned, phone = self._phone(rows)
        mailed, email = self._first("email", rows)
        row: dict[str, object] = {
            "name": name,
            "phone": phone,
            "email": email,
            "metadata": self._metadata(group, len(rows)),
            "created_at": self.run.at,
        }
        sources = {
            "name": named,
            "phone": phoned,
            "email": mailed,
            "groupKey": self._keyed(group, rows),
        }
        return InsertCustomer(
            self.customer_of[group],
            {key: None if (group, key) in self.hidden else value for key, value in row.items()},
            {
                key: snapshot.ids[source]
                for key, source in sources.items()
                if source is not None and (group, key) not in self.hidden
            },
        )

    def _keyed(self, group: int, rows: Sequence[int]) -> int | None:
        """Return the first of *rows* that has the group's key; nobody is known by a lead's id."""
        kind, value = self.resolution.group_keys[group]
        columns = self.snapshot.columns
        if kind == len(columns.kinds):
            return None
        return next((row for row in rows if value in columns.by_kind[kind].of(row)), None)

    def _phone(self, rows: Sequence[int]) -> tuple[int | None, str | None]:
        row, e164 = self._first("phone", rows)
        raw = None
        if self.stored_phone == "as_received" and row is not None:
            cell = self.snapshot.raw_phones[row]
            raw = cell if isinstance(cell, str) else e164
        return row, shown_phone(e164, raw, self.stored_phone)

    def _first(self, kind: str, rows: Sequence[int]) -> tuple[int | None, str | None]:
        """Return the first of *rows* with a usable value of *kind*, and it without its scope."""
        columns = self.snapshot.columns
        if kind not in columns.kinds:
            return None, None
        place = columns.kinds.index(kind)
        scoped = self.resolution.policy.identifiers[place].scope is not None
        for row in rows:
            value = columns.by_kind[place].first[row]
            if value is not None:
                return row, value.partition("/")[2] if scoped else value
        return None, None

    def _metadata(self, group: int, leads: int) -> dict[str, object]:
        """Return the six keys of the original, as it wrote them."""
        names = (*self.resolution.policy.kinds, INDIVIDUAL)
        return {
            "groupType": names[self.resolution.group_keys[group][0]],
            "groupKey": self.resolution.keys[group],
            "leadCount": leads,
            "createdBy": self.run.created_by,
            "createdAt": timestamp(self.run.at),
            "multipleLeads": leads > 1,
        }

    def _links(self, group: int, rows: Sequence[int]) -> Iterator[Link]:
        ids, reason = self.snapshot.ids, reason_of(self.resolution.keys[group])
        for row in sorted(rows, key=ids.__getitem__):
            yield Link(ids[row], None, self.customer_of[group], reason)

    def _rest(self, group: int) -> Iterator[Change]:
        """Yield the dependents to link and the index entries to write, lead by lead."""
        snapshot = self.snapshot
        for row in sorted(self.resolution.rows[group], key=snapshot.ids.__getitem__):
            record = snapshot.ids[row]
            customer = snapshot.links[row] or self.customer_of[group]
            if snapshot.is_lead(row):
                for table, count in self.follows.get(record, ()):
                    yield Follow(table, record, customer, count)
            if row in snapshot.changed:
                yield Reindex(record, snapshot.columns.identifiers(row))
