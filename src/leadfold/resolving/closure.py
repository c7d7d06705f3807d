"""All that is connected with some leads: by identifiers, rulings and customers. Never a scan.

What such a set becomes depends on it alone (law 2), so deciding it anew is exact. A value that is
generic, before and after, and nobody's key in the set, ties it to nothing: whoever else holds it
is left out, and the engine is told.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold import asking
from leadfold.backfill.snapshot import Gathering
from leadfold.repository import RECORD
from leadfold.resolving.known import Asked, Known, Reach

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.grouping import Resolution
    from leadfold.model import Identifier, Ruling
    from leadfold.policy import Policy
    from leadfold.repository import Awaited, DependentCount, LeadBatch, StoreFacts

__all__ = ["Bounds", "Connected", "TooLargeError"]

Batch = TypeVar("Batch")

FEW = 100
"""How many holders of a value, or leads of a customer, are asked for at first."""


class TooLargeError(Exception):
    """More records are connected than may be decided at once."""


@attrs.frozen
class Bounds:
    """How far a set may go.

    It has at most *max_set* records. Leads that are awaited count while *now* is before what they
    are awaited until. With *cutting* values may be left out for being generic: owners are told apart by
    the customers they are linked to, so links must be what the grouping says. With *pinning*
    links that nobody explains are asked for.
    """

    max_set: int
    now: datetime
    cutting: bool
    pinning: bool


class Connected:
    """The set as far as it is known, grown round by round until nothing new is met.

    *given* are leads that the store may have no row of yet; a row it has counts in their place.
    The lead *without* does not take part, whatever the index says of it.
    """

    def __init__(
        self, policy: Policy, given: LeadBatch, bounds: Bounds, *, without: str | None = None
    ) -> None:
        self.rowless: set[str] = set()
        self.dependents: list[DependentCount] = []
        self.unexplained: set[str] = set()
        self._policy = policy
        self._bounds = bounds
        self._without = without
        self._reach = Reach(policy)
        self._known = Known(self._reach)
        self._given: dict[str, tuple[LeadBatch, int]] = {}
        self._known.add_leads(given, self._given)
        self._seen: set[tuple[str, object]] = set()
        self._todo: list[tuple[str, object]] = []
        self._missing: list[tuple[str, object]] = []
        self._leads: list[str] = []
        self._customers: list[str] = []
        self._keys: set[Identifier] = set()
        self._cut: set[Identifier] = set()
        self._opened: set[Identifier] = set()
        self._beside: set[str] = set()
        self._facts: StoreFacts | None = None
        self._rulings: tuple[Ruling, ...] = ()
        self._want("lead", self._given)
        self._want("value", (v for lead in self._given for v in self._ties(lead)))

    def include(self, values: Iterable[Identifier], customers: Iterable[str]) -> None:
        """Let what is connected with these be part of it: what a lead had that is gone now."""
        self._want("value", self._reach.ties(tuple(values)))
        self._want("customer", customers)

    def grow(self) -> Asks[StoreFacts]:
        """Read all that is connected; return what the store said of itself.

        Raises:
            TooLargeError: that is more than ``max_set`` records.
        """
        while self._walk() or self._facts is None:
            yield from self._look_up()
        if rest := self._not_beside():
            self._note_beside((yield from asking.together(*self._questions_beside(rest))))
        return self._facts_read

    @property
    def _facts_read(self) -> StoreFacts:
        assert self._facts is not None  # noqa: S101 - the first look-up asks for them
        return self._facts

    def snapshot(self) -> Snapshot:
        """Return the set as the batch would read it."""
        known = self._known
        gathered = Gathering(
            self._policy, self._facts_read, self._rulings, raw_phones=True
        )
        for batch, places in _by_batch(known.leads[lead] for lead in self._rows()):
            gathered.add_leads(batch.only(places))
        for lead in sorted(self.rowless):
            link = self._awaited_by(lead)
            if lead in self._given:
                batch, place = self._given[lead]
                entry = known.entries.get(lead)
                row = batch.only([place])
                indexed = [None if entry is None else entry.identifiers]
                gathered.add_leads(attrs.evolve(row, customer_ids=[link], indexed=indexed))
            else:
                entry = known.entries[lead]
                awaited = attrs.evolve(cast("Awaited", entry.awaited), customer_id=link or "")
                gathered.add_awaited(lead, entry.identifiers, awaited)
        customers = (known.customers[each] for each in self._customers if each in known.customers)
        for rows, places in _by_batch(customers):
            gathered.add_customers(rows.only(places))
        snapshot = gathered.finish()
        snapshot.columns.generic = frozenset(self._cut)
        return snapshot

    def crossed(self, resolution: Resolution) -> set[Identifier]:
        """Return the values that were left out and would not be generic under *resolution*.

        Counted are final groups, and the customers of those outside: no more than there were
        groups when the value's level began.
        """
        inside: dict[Identifier, set[int]] = defaultdict(set)
        labels = resolution.partition.labels if self._cut else ()
        for row, label in enumerate(labels):
            held = resolution.columns.identifiers(row)
            for identifier in self._cut.intersection(held):
                if self._is_weaker(identifier, held):
                    inside[identifier].add(label)
        members = {*self._customers}
        return {
            each
            for each in self._cut
            if len(self._owners(each) - members) + len(inside[each]) <= self._most(each)
        }

    def open(self, values: Collection[Identifier]) -> None:
        """Let *values* tie, whoever holds them."""
        self._cut.difference_update(values)
        self._opened.update(values)
        self._todo += [("value", value) for value in sorted(values)]

    @property
    def generic(self) -> frozenset[Identifier]:
        """Return the values that were left out for being generic."""
        return frozenset(self._cut)

    def _want(self, kind: str, things: Iterable[object]) -> None:
        for thing in things:
            if (kind, thing) not in self._seen:
                self._seen.add((kind, thing))
                self._todo.append((kind, thing))

    def _walk(self) -> bool:
        """Go as far as what is known leads; tell whether there is something to look up."""
        steps = {"lead": self._lead, "value": self._value, "customer": self._customer}
        while self._todo:
            kind, thing = self._todo.pop()
            if not steps[kind](thing):  # type: ignore[operator]
                self._missing.append((kind, thing))
        return bool(self._missing)

    def _lead(self, lead: str) -> bool:
        known = self._known
        if lead == self._without:
            return True
        if lead not in known.looked_for:
            return False
        if lead not in known.leads and lead not in self._given and not self._is_awaited(lead):
            return True  # its row is gone: what the index says of it holds no more
        self._count(self._leads, lead)
        if lead in known.leads:
            batch, place = known.leads[lead]
            self._link(batch.customer_ids[place])
        else:
            self.rowless.add(lead)
            self._link(self._awaited_by(lead))
        self._tie(lead)
        return True

    def _customer(self, customer: str) -> bool:
        known = self._known
        if customer not in known.of_customer or not self._is_complete(customer):
            return False
        self._count(self._customers, customer)
        self._want("lead", known.of_customer[customer])
        if RECORD + customer in known.held:
            self._tie(RECORD + customer)
        return True

    def _value(self, value: Identifier) -> bool:
        known = self._known
        if value not in known.holders:
            return False
        if self._is_generic(value):
            self._cut.add(value)
            return True
        if not self._is_complete(value):
            return False
        for record in known.holders[value]:
            if value in self._reach.ties(known.entries[record].identifiers):
                self._record(record)
        return True

    def _record(self, record: str) -> None:
        if record.startswith(RECORD):
            self._want("customer", [record.removeprefix(RECORD)])
        else:
            self._want("lead", [record])

    def _link(self, customer: str | None) -> None:
        if customer is not None:
            self._want("customer", [customer])

    def _count(self, members: list[str], record: str) -> None:
        members.append(record)
        if len(self._leads) + len(self._customers) > self._bounds.max_set:
            raise TooLargeError

    def _tie(self, record: str) -> None:
        """Want what ties *record* to others: what it holds, held before, and is ruled."""
        known = self._known
        ties = self._ties(record)
        strongest = self._reach.strongest(ties)
        keys = {value for value in ties if value.kind == strongest}
        self._keys |= keys
        if again := keys & self._cut:
            self.open(again)
        before = known.entries[record].identifiers if record in known.entries else ()
        self._want("value", (*ties, *self._reach.ties(before)))
        for ruling in self._ruled.get(record, ()):
            for each in sorted({lead for part in ruling.parts for lead in part}):
                self._record(each)

    def _ties(self, record: str) -> Collection[Identifier]:
        held = self._known.held.get(record)
        if held is None:
            held = self._known.entries[record].identifiers
        return self._reach.ties(held)

    def _is_awaited(self, lead: str) -> bool:
        entry = self._known.entries.get(lead)
        if entry is None or entry.awaited is None:
            return False
        return self._bounds.now < entry.awaited.until

    def _awaited_by(self, lead: str) -> str | None:
        """Return the customer that *lead*, which has no row, is to be inserted with."""
        entry = self._known.entries.get(lead)
        if entry is None or entry.awaited is None or not self._is_awaited(lead):
            return None
        customer = entry.awaited.customer_id
        looked = customer in self._known.of_customer
        return None if looked and customer not in self._known.customers else customer

    def _is_complete(self, thing: Identifier | str) -> bool:
        """Tell whether all of *thing* is known; raise if that is more than may be."""
        told = self._known.crowded.get(thing)
        if told is not None and told >= self._bounds.max_set:
            raise TooLargeError
        return told is None

    def _is_generic(self, value: Identifier) -> bool:
        if not self._bounds.cutting or value in self._opened or value in self._keys:
            return False
        return len(self._owners(value)) > self._most(value)

    def _owners(self, value: Identifier) -> set[str]:
        """Return the customers of those known holders of *value* that hold something stronger."""
        entries = (self._known.entries[record] for record in self._known.holders[value])
        return {
            each.customer_id
            for each in entries
            if each.customer_id is not None and self._is_weaker(value, each.identifiers)
        }

    def _is_weaker(self, value: Identifier, held: Iterable[Identifier]) -> bool:
        return self._places[value.kind] > min(self._places[each.kind] for each in held)

    def _most(self, value: Identifier) -> float:
        most = self._policy.identifiers[self._places[value.kind]].generic_after
        return float("inf") if most is None else most

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {kind: place for place, kind in enumerate(self._policy.kinds)}

    @cached_property
    def _ruled(self) -> Mapping[str, list[Ruling]]:
        found: dict[str, list[Ruling]] = defaultdict(list)
        for ruling in self._rulings:
            for lead in sorted({lead for part in ruling.parts for lead in part}):
                found[lead].append(ruling)
        return found

    def _look_up(self) -> Asks[None]:
        """Ask for what is missing, and beside it for what hangs on the leads met so far."""
        missing, self._missing = self._missing, []
        things: dict[str, set[object]] = {"lead": set(), "value": set(), "customer": set()}
        for kind, thing in missing:
            things[kind].add(thing)
        again = any(thing in self._known.crowded for _, thing in missing)
        asked = Asked(
            cast("frozenset[str]", frozenset(things["lead"])),
            cast("frozenset[Identifier]", frozenset(things["value"])),
            cast("frozenset[str]", frozenset(things["customer"])),
            self._bounds.max_set if again else min(FEW, self._bounds.max_set),
        )
        self._forget_crowded(missing)
        leads = self._not_beside() | (set() if self._facts else set(self._given))
        questions: list[asking.Asks[object] | asking.Stream[object]] = [
            cast("asking.Asks[object]", asked.question()),
            *self._questions_beside(leads),
        ]
        if self._facts is None:
            questions += cast("list[asking.Asks[object]]", [asking.facts(), asking.rulings()])
        answers = yield from asking.together(*questions)
        if self._facts is None:
            *answers, self._facts, self._rulings = answers
        self._known.learn(asked, answers[0])
        self._note_beside(answers[1:])
        self._todo += reversed(missing)

    def _forget_crowded(self, missing: Iterable[tuple[str, object]]) -> None:
        for _, thing in missing:
            self._known.crowded.pop(cast("Identifier | str", thing), None)

    def _rows(self) -> Iterator[str]:
        return (lead for lead in self._leads if lead not in self.rowless)

    def _not_beside(self) -> set[str]:
        return {*self._leads} - self._beside

    def _questions_beside(self, leads: Collection[str]) -> list[asking.Stream[object]]:
        if not leads:
            return []
        self._beside |= {*leads}
        questions = [asking.dependents(sorted(leads))]
        if self._bounds.pinning:
            questions.append(asking.unexplained(sorted(leads)))  # type: ignore[arg-type]
        return cast("list[asking.Stream[object]]", questions)

    def _note_beside(self, answers: list[object]) -> None:
        if answers:
            self.dependents += cast("list[DependentCount]", answers[0])
        if self._bounds.pinning and answers:
            self.unexplained.update(cast("list[str]", answers[1]))


def _by_batch(rows: Iterable[tuple[Batch, int]]) -> Iterator[tuple[Batch, list[int]]]:
    """Yield each batch that *rows* are of, with their places in it."""
    found: dict[int, tuple[Batch, list[int]]] = {}
    for batch, place in rows:
        found.setdefault(id(batch), (batch, []))[1].append(place)
    yield from found.values()
