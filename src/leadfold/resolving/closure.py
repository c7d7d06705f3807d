"""All that is connected with some leads: by identifiers, rulings and customers. Never a scan.

What such a set becomes depends on it alone (law 2), so deciding it anew is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.snapshot import RECORD, Gathering
from leadfold.grouping import Scanner
from leadfold.repository import LEAD, LeadBatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.model import Identifier, Ruling
    from leadfold.policy import Policy
    from leadfold.repository import CustomerBatch, Reference, StoreFacts

__all__ = ["Connected", "TooLargeError", "connected_with", "only"]


class TooLargeError(Exception):
    """More records are connected than may be decided at once; *leads* are some of them."""

    def __init__(self, leads: Iterable[str] = ()) -> None:
        super().__init__()
        self.leads = frozenset(leads)


@attrs.define
class _Frontier:
    """What is still to be looked at, and what was."""

    wanted: set[str] = attrs.field(factory=set)
    seen: set[str] = attrs.field(factory=set)

    def want(self, names: Iterable[str]) -> None:
        """Put *names* on the list, but for those that were there before."""
        self.wanted |= {*names} - self.seen

    def next(self) -> list[str]:
        """Return what was wanted, in order; it counts as seen."""
        now = sorted(self.wanted)
        self.seen |= self.wanted
        self.wanted = set()
        return now


class Connected:
    """The set as far as it is known, grown round by round until nothing new is met.

    *given* are leads that the store may have no row of yet; a row it has counts in their place.
    """

    def __init__(
        self,
        policy: Policy,
        facts: StoreFacts,
        rulings: tuple[Ruling, ...],
        given: LeadBatch,
        *,
        max_set: int,
    ) -> None:
        self._policy = policy
        self._facts = facts
        self._rulings = rulings
        self._given = given
        self._max_set = max_set
        self._leads, self._customers = _Frontier(), _Frontier()
        self._values: set[Identifier] = set()
        self._values_seen: set[Identifier] = set()
        self._lead_batches: list[LeadBatch] = []
        self._customer_batches: list[CustomerBatch] = []
        self.rowless: frozenset[str] = frozenset()

    def grow(
        self, leads: Iterable[str], values: Iterable[Identifier], customers: Iterable[str]
    ) -> Asks[Snapshot]:
        """Return all that is connected with *leads*, *values* and *customers*.

        Raises:
            TooLargeError: that is more than ``max_set`` records.
        """
        self._leads.want(leads)
        self._customers.want(customers)
        self._values |= {*values}
        while self._leads.wanted or self._customers.wanted or self._values:
            yield from self._read_leads()
            yield from self._read_customers()
            yield from self._look_up()
            if len(self._leads.seen) + len(self._customers.seen) > self._max_set:
                raise TooLargeError(self._leads.seen)
        gathered = Gathering(self._policy, self._facts, self._rulings, raw_phones=True)
        for leads_found in self._lead_batches:
            gathered.add_leads(leads_found)
        for customers_found in self._customer_batches:
            gathered.add_customers(customers_found)
        return gathered.finish()

    def _read_leads(self) -> Asks[None]:
        ids = self._leads.next()
        if not ids:
            return
        found: set[str] = set()
        batches = yield from asking.leads(ids).whole()
        for batch in batches:
            found.update(batch.ids)
            self._add_leads(batch)
        missing = only(self._given, {*ids} - found)
        if missing.ids:
            self.rowless |= {*missing.ids}
            self._add_leads(missing)
        self._follow_rulings(ids)

    def _add_leads(self, batch: LeadBatch) -> None:
        self._lead_batches.append(batch)
        scanner = Scanner(self._policy)
        scanner.add(batch.ids, batch.fields)
        self._want_values(scanner.columns.identifiers(row) for row in range(len(batch.ids)))
        # What it held before counts too: those it was with may part now.
        self._want_values(held for held in batch.indexed if held is not None)
        self._customers.want(link for link in batch.customer_ids if link is not None)

    def _follow_rulings(self, leads: Iterable[str]) -> None:
        for ruling in self._rulings:
            named = {lead for part in ruling.parts for lead in part}
            if not named.isdisjoint(leads):
                self._want_records(named)

    def _read_customers(self) -> Asks[None]:
        ids = self._customers.next()
        if not ids:
            return
        for batch in (yield from asking.customers(ids).whole()):
            self._customer_batches.append(batch)
            self._want_values(held for held in batch.indexed if held is not None)
            scanner = Scanner(self._policy)
            records = [p for p, made_by in enumerate(batch.made_by) if made_by is None]
            scanner.add(
                [batch.ids[place] for place in records],
                {
                    "phone": [batch.phones[place] for place in records],
                    "email": [batch.emails[place] for place in records],
                },
            )
            self._want_values(scanner.columns.identifiers(row) for row in range(len(records)))
            self._follow_rulings(RECORD + batch.ids[place] for place in records)
        yield from asking.pointing_at(ids).each(self._follow)

    def _follow(self, reference: Reference) -> None:
        if reference.table == LEAD:
            self._leads.want([reference.row])

    def _look_up(self) -> Asks[None]:
        values = sorted(self._values)
        self._values_seen |= self._values
        self._values = set()
        if not values:
            return
        found = yield from asking.holders(values, at_most=self._max_set)
        if found.saturated:
            raise TooLargeError({*self._leads.seen, *found.records})
        self._want_records(found.records)

    def _want_records(self, records: Iterable[str]) -> None:
        for record in records:
            if record.startswith(RECORD):
                self._customers.want([record.removeprefix(RECORD)])
            else:
                self._leads.want([record])

    def _want_values(self, held: Iterable[tuple[Identifier, ...]]) -> None:
        for identifiers in held:
            self._values.update(value for value in identifiers if value not in self._values_seen)


def connected_with(
    policy: Policy,
    facts: StoreFacts,
    rulings: tuple[Ruling, ...],
    given: LeadBatch,
    *,
    max_set: int,
    values: Iterable[Identifier] = (),
    customers: Iterable[str] = (),
) -> Asks[tuple[Snapshot, frozenset[str]]]:
    """Return the closed set around *given* leads, and which of these have no row.

    *values* and *customers* are looked up besides: what a lead had that is gone now.

    Raises:
        TooLargeError: more than *max_set* records are connected.
    """
    connected = Connected(policy, facts, rulings, given, max_set=max_set)
    snapshot = yield from connected.grow(given.ids, values, customers)
    return snapshot, connected.rowless


def only(batch: LeadBatch, ids: set[str]) -> LeadBatch:
    """Return the rows of *batch* that *ids* name."""
    places = [place for place, lead in enumerate(batch.ids) if lead in ids]
    return LeadBatch(
        [batch.ids[place] for place in places],
        {name: [cells[place] for place in places] for name, cells in batch.fields.items()},
        [batch.names[place] for place in places],
        [batch.created_at[place] for place in places],
        [batch.customer_ids[place] for place in places],
        [batch.versions[place] for place in places],
        [batch.indexed[place] for place in places],
    )
