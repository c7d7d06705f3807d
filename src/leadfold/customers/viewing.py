"""Who a customer is: the row, its leads, what depends on it, the runs that touched it. It asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.customers.former import present_id
from leadfold.customers.reading import leads_among, read_customer
from leadfold.errands import look, run
from leadfold.exceptions import AmbiguousCustomerError, UnknownCustomerError
from leadfold.repository import CUSTOMER, LEAD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.changes import Run
    from leadfold.model import Customer, Identifier, Ruling
    from leadfold.repository import LedgerEntry, Maker, Reference, Repository

__all__ = ["CustomerLead", "CustomerView", "Touch", "customer", "view"]


@attrs.frozen
class CustomerLead:
    """A lead linked to a customer; *identifiers* is None where no run has indexed it yet."""

    id: str
    created_at: datetime | None
    identifiers: tuple[Identifier, ...] | None


@attrs.frozen
class Touch:
    """A run that changed something of a customer, and how many changes of which action."""

    run: Run
    changes: Mapping[str, int]


@attrs.frozen
class CustomerView:
    """All that a store says of one customer; reprs mask what identifies a person.

    *made_by* is who made the row: ``leadfold``, ``original``, or None for anybody else.
    *dependents* counts the rows linked to it by table, *runs* are newest first. *rulings* are
    those in force that name one of its leads, *former_ids* the retired customers whose leads
    live here now.
    """

    customer: Customer
    made_by: Maker | None
    leads: tuple[CustomerLead, ...]
    dependents: Mapping[str, int]
    runs: tuple[Touch, ...]
    rulings: tuple[Ruling, ...] = ()
    former_ids: tuple[str, ...] = ()

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every identifier its leads hold, by kind and value."""
        found = {each for lead in self.leads for each in lead.identifiers or ()}
        return tuple(sorted(found))


def customer(repository: Repository, customer_id: str) -> CustomerView:
    """Return what *repository* says of the customer *customer_id*, in one snapshot.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    return run(look(view(customer_id)), repository)


def view(customer_id: str) -> Asks[CustomerView]:
    """Return what `customer` does, in one snapshot."""
    stored = yield from read_customer(customer_id)
    pointing = yield from asking.pointing_at([customer_id]).whole()
    leads = leads_among(pointing, customer_id)
    history = yield from asking.history(CUSTOMER, customer_id).whole()
    members = {*leads, *stored.records}
    rulings = yield from asking.rulings()
    return CustomerView(
        customer=stored.row,
        made_by=stored.made_by,
        leads=(yield from _leads(leads)),
        dependents=(yield from _counts(pointing)),
        runs=(yield from _touches(history)),
        rulings=tuple(each for each in rulings if any(members & {*p} for p in each.parts)),
        former_ids=(yield from _former(customer_id, history)),
    )


def _leads(ids: Collection[str]) -> Asks[tuple[CustomerLead, ...]]:
    found = [
        CustomerLead(*row)
        for batch in (yield from asking.leads(ids).whole())
        for row in zip(batch.ids, batch.created_at, batch.indexed, strict=True)
    ]
    return tuple(sorted(found, key=lambda lead: lead.id))


def _counts(pointing: Iterable[Reference]) -> Asks[dict[str, int]]:
    """Return how many rows of each table but the leads point at the customer."""
    facts = yield from asking.facts()
    tables = (*(dependent.name for dependent in facts.dependents), *facts.carried)
    counts = Counter(dict.fromkeys(tables, 0))
    counts.update(reference.table for reference in pointing if reference.table != LEAD)
    return dict(counts)


def _touches(history: Sequence[LedgerEntry]) -> Asks[tuple[Touch, ...]]:
    changes: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in history:
        changes[entry.run_id][entry.action] += 1
    found = (yield from asking.runs(len(changes), ids=changes.keys())) if changes else ()
    return tuple(Touch(each, dict(sorted(changes[each.id].items()))) for each in found)


def _former(customer_id: str, history: Iterable[LedgerEntry]) -> Asks[tuple[str, ...]]:
    """Return the retired customers whose leads live here now, whatever way they came."""
    seen = {customer_id}
    former: list[str] = []
    found = _before(customer_id, history)
    while found:
        seen |= found
        older: set[str] = set()
        for old in found:
            if (yield from _is_now(old, customer_id)):
                former.append(old)
            older |= _before(old, (yield from asking.history(CUSTOMER, old).whole()))
        found = older - seen
    return tuple(sorted(former))


def _is_now(old: str, customer_id: str) -> Asks[bool]:
    try:
        return (yield from present_id(old)) == customer_id
    except (AmbiguousCustomerError, UnknownCustomerError):
        return False


def _before(customer_id: str, history: Iterable[LedgerEntry]) -> set[str]:
    """Return the other customers that leads came from, or whose place this one took."""
    found: set[str] = set()
    for entry in history:
        if entry.action == "retire":
            found.add(entry.row)
        elif entry.action == "link" and isinstance(entry.before, str):
            found.add(entry.before)
    return found - {customer_id}
