"""All that is connected with some leads: by identifiers, rulings and customers. Never a scan.

What such a set becomes depends on it alone (law 2), so deciding it anew is exact. A value that is
left out for being generic (`Cut`) ties the set to nobody; the engine is told of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold import asking
from leadfold.backfill.snapshot import Gathering
from leadfold.model import INDIVIDUAL, Identifier
from leadfold.repository import RECORD
from leadfold.resolving.cutting import Cut
from leadfold.resolving.known import Asked, Known, Reach
from leadfold.resolving.pinning import Unexplained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.grouping import Resolution
    from leadfold.model import Ruling
    from leadfold.policy import Policy
    from leadfold.repository import Awaited, DependentCount, LeadBatch, StoreFacts

__all__ = ["Bounds", "Connected", "TooLargeError"]

Batch = TypeVar("Batch")

FEW = 100
"""How many holders of a value, or leads of a customer, are asked for at first."""


class TooLargeError(Exception):
    """More records are connected than may be decided at once; *leads* are some of them."""

    def __init__(self, leads: Iterable[str] = ()) -> None:
        super().__init__()
        self.leads = frozenset(leads)


@attrs.frozen
class Bounds:
    """How far a set may go.

    It has at most *max_set* records. A lead without a row counts while *now* is before the end of
    its time. With *cutting* generic values may be left out; with *pinning* links that nobody
    explains are asked for.
    """

    max_set: int
    now: datetime
    cutting: bool
    pinning: bool


class Connected:
    """The set as far as it is known, grown round by round until nothing new is met.

    *given* are leads that the store may have no row of yet; a row it has counts in their place.
    The lead *without* does not take part, whatever the index says of it. *rowless* are the leads of
    the set that have no row, with what they hold.
    """

    def __init__(
        self, policy: Policy, given: LeadBatch, bounds: Bounds, *, without: str | None = None
    ) -> None:
        self.rowless: dict[str, tuple[Identifier, ...]] = {}
        self.unexplained = Unexplained(wanted=bounds.pinning)
        self._policy = policy
        self._bounds = bounds
        self._without = without
        self._reach = Reach(policy)
        self._known = Known(self._reach)
        self._cut = Cut(policy, self._known, allowed=bounds.cutting)
        self._given: dict[str, tuple[LeadBatch, int]] = {}
        self._known.add_leads(given, self._given)
        self._seen: set[str | Identifier] = set()
        self._todo: list[str | Identifier] = []
        self._missing: list[str | Identifier] = []
        self._members: list[str] = []
        self._facts: StoreFacts | None = None
        self._rulings: tuple[Ruling, ...] = ()
        self._ruled: dict[str, list[Ruling]] = defaultdict(list)
        self._want(self._given)
        for lead in self._given:
            self._follow(self._held(lead))

    def include(self, values: Iterable[Identifier], customers: Iterable[str]) -> None:
        """Let what is connected with these be part of it: what a lead had that is gone now."""
        self._follow(tuple(values))
        self._want(RECORD + customer for customer in customers)

    def grow(self) -> Asks[StoreFacts]:
        """Read all that is connected; return what the store said of itself.

        Raises:
            TooLargeError: that is more than ``max_set`` records.
        """
        while self._walk() or self._facts is None:
            yield from self._look_up()
        if questions := self.unexplained.questions(self._leads):
            self.unexplained.note((yield from asking.together(*questions)))
        return self._facts

    def open(self, values: Iterable[Identifier]) -> None:
        """Let *values* tie, however many hold them."""
        self._todo += self._cut.open(values)

    def crossed(self, resolution: Resolution) -> set[Identifier]:
        """Return the values left out that would not be generic under *resolution*."""
        return self._cut.crossed(resolution, self._customers)

    @property
    def dependents(self) -> Iterable[DependentCount]:
        """Return the counts of rows that point at leads of the set, and at some others."""
        return self._known.dependents.values()

    @property
    def generic(self) -> frozenset[Identifier]:
        """Return the values that were left out for being generic."""
        return frozenset(self._cut.values)

    def snapshot(self) -> Snapshot:
        """Return the set as the batch would read it."""
        known = self._known
        facts = cast("StoreFacts", self._facts)
        gathered = Gathering(self._policy, facts, self._rulings, raw_phones=True)
        rows = (known.leads[lead] for lead in self._leads if lead not in self.rowless)
        for leads, places in _by_batch(rows):
            gathered.add_leads(leads.only(places))
        for lead in sorted(self.rowless):
            self._add_rowless(lead, gathered)
        stored = (known.customers[each] for each in self._customers if each in known.customers)
        for customers, places in _by_batch(stored):
            gathered.add_customers(customers.only(places))
        snapshot = gathered.finish()
        snapshot.columns.generic = self.generic
        return snapshot

    def _add_rowless(self, lead: str, gathered: Gathering) -> None:
        link, entry = self._awaited_by(lead), self._known.entries.get(lead)
        if lead in self._given:
            batch, place = self._given[lead]
            indexed = [None if entry is None else entry.identifiers]
            gathered.add_leads(
                attrs.evolve(batch.only([place]), customer_ids=[link], indexed=indexed)
            )
        elif entry is not None:
            awaited = attrs.evolve(cast("Awaited", entry.awaited), customer_id=link or "")
            gathered.add_awaited(lead, entry.identifiers, awaited)

    @property
    def _leads(self) -> list[str]:
        return [record for record in self._members if not record.startswith(RECORD)]

    @property
    def _customers(self) -> list[str]:
        records = (record for record in self._members if record.startswith(RECORD))
        return [record.removeprefix(RECORD) for record in records]

    def _want(self, things: Iterable[str | Identifier]) -> None:
        """Put on the list what never was: leads, customers as records, identifiers."""
        for thing in things:
            if thing not in self._seen:
                self._seen.add(thing)
                self._todo.append(thing)

    def _walk(self) -> bool:
        """Go as far as what is known leads; tell whether there is something to look up."""
        while self._todo:
            thing = self._todo.pop()
            if isinstance(thing, Identifier):
                done = self._value(thing)
            elif thing.startswith(RECORD):
                done = self._customer(thing)
            else:
                done = thing == self._without or self._lead(thing)
            if not done:
                self._missing.append(thing)
        return bool(self._missing)

    def _lead(self, lead: str) -> bool:
        known = self._known
        if lead not in known.looked_for:
            return False
        if awaited := self._awaited(lead):
            self._want([RECORD + awaited.customer_id])  # it lends its id where it has no lead
        if lead in known.leads:
            batch, place = known.leads[lead]
            link = batch.customer_ids[place]
        elif lead in self._given or self._is_awaited(lead):
            self.rowless[lead] = self._held(lead)
            link = self._awaited_by(lead)
        else:
            return True  # its row is gone: what the index says of it holds no more
        self._add(lead)
        if link is not None:
            self._want([RECORD + link])
        self._tie(lead)
        return True

    def _customer(self, record: str) -> bool:
        known, customer = self._known, record.removeprefix(RECORD)
        if customer not in known.of_customer or not self._is_complete(customer):
            return False
        self._add(record)
        self._want(known.of_customer[customer])
        if record in known.held:
            self._tie(record)
        return True

    def _value(self, value: Identifier) -> bool:
        known = self._known
        if not known.tells_holders_of(value):
            return False
        if self._cut.takes(value):
            return True
        if not self._is_complete(value):
            return False
        ties, entries = self._reach.ties, known.entries
        self._want(
            record
            for record in known.holders[value]
            # what a customer that leadfold made holds is the key of a lead that it lends itself to
            if record.startswith(RECORD) or value in ties(entries[record].identifiers)
        )
        return True

    def _add(self, record: str) -> None:
        self._members.append(record)
        if len(self._members) > self._bounds.max_set:
            raise TooLargeError(self._leads)

    def _tie(self, record: str) -> None:
        """Want what ties *record* to others: what it holds, held before, and is ruled."""
        entry = self._known.entries.get(record)
        holds, held = self._held(record), () if entry is None else entry.identifiers
        self._follow(holds)
        self._follow(held)
        if not holds and not held:
            self._want([Identifier(INDIVIDUAL, record)])
        for ruling in self._ruled.get(record, ()):
            self._want(sorted({each for part in ruling.parts for each in part}))

    def _follow(self, held: tuple[Identifier, ...]) -> None:
        """Want what ties those who hold *held*, or did: the key among it, however many hold it.

        Who held a key beside others may have been what kept these apart.
        """
        ties = self._reach.ties(held)
        key = self._reach.strongest(ties)
        self.open([value for value in ties if value.kind == key])
        self._want(ties)

    def _held(self, record: str) -> tuple[Identifier, ...]:
        """Return what *record* holds by its row, or else by the index."""
        held = self._known.held.get(record)
        return self._known.entries[record].identifiers if held is None else held

    def _awaited(self, lead: str) -> Awaited | None:
        entry = self._known.entries.get(lead)
        return None if entry is None else entry.awaited

    def _is_awaited(self, lead: str) -> bool:
        awaited = self._awaited(lead)
        return awaited is not None and self._bounds.now < awaited.until

    def _awaited_by(self, lead: str) -> str | None:
        """Return the customer that *lead*, which has no row, is to be inserted with."""
        awaited = self._awaited(lead)
        if awaited is None or not self._is_awaited(lead):
            return None
        customer, known = awaited.customer_id, self._known
        gone = customer in known.of_customer and customer not in known.customers
        return None if gone else customer

    def _is_complete(self, thing: Identifier | str) -> bool:
        """Tell whether all of *thing* is known; raise if that is more than may be."""
        told = self._known.crowded.get(thing)
        if told is not None and told >= self._bounds.max_set:
            raise TooLargeError(self._leads)
        return told is None

    def _look_up(self) -> Asks[None]:
        """Ask for what is missing, and beside it for what explains the leads met so far."""
        missing, self._missing = self._missing, []
        asked = self._asked(missing)
        first = self._facts is None
        answers = yield from asking.together(
            # first, for in a caller's transaction what is read later may see more than they do
            *([asking.facts(), asking.rulings()] if first else []),
            asked.question(),
            *self.unexplained.questions([*self._leads, *self._given]),
        )
        if first:
            self._facts, self._rulings, *answers = answers
            self._index_rulings()
        around, *rest = answers
        self._known.learn(asked, around)
        self.unexplained.note(rest)
        self._todo += reversed(missing)

    def _asked(self, missing: Sequence[str | Identifier]) -> Asked:
        """Return what to look up; all holders of what turned out to have many."""
        values = frozenset(each for each in missing if isinstance(each, Identifier))
        records = {each for each in missing if isinstance(each, str)}
        customers = {each.removeprefix(RECORD) for each in records if each.startswith(RECORD)}
        leads = frozenset(each for each in records if not each.startswith(RECORD))
        crowded, few = self._known.crowded, min(FEW, self._bounds.max_set)
        for each in crowded.keys() & {*values, *customers}:
            del crowded[each]
            few = self._bounds.max_set
        return Asked(leads, values, frozenset(customers), few)

    def _index_rulings(self) -> None:
        for ruling in self._rulings:
            for record in sorted({each for part in ruling.parts for each in part}):
                self._ruled[record].append(ruling)


def _by_batch(rows: Iterable[tuple[Batch, int]]) -> Iterator[tuple[Batch, list[int]]]:
    """Yield each batch that *rows* are of, with their places in it."""
    found: dict[int, tuple[Batch, list[int]]] = {}
    for batch, place in rows:
        found.setdefault(id(batch), (batch, []))[1].append(place)
    yield from found.values()
