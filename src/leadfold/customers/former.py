"""Where the leads of a customer live now that the customer itself is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import asking
from leadfold.customers.reading import find_customer
from leadfold.errands import look, run
from leadfold.exceptions import AmbiguousCustomerError, UnknownCustomerError
from leadfold.repository import CUSTOMER, LEAD

if TYPE_CHECKING:
    from leadfold.asking import Asks
    from leadfold.repository import Repository

__all__ = ["customer_id_now", "present_id"]


def customer_id_now(repository: Repository, old: str) -> str:
    """Return the customer where the leads of *old* live now: *old* itself while it is there.

    Raises:
        AmbiguousCustomerError: they live with several; its ``customer_ids`` are these.
        UnknownCustomerError: there never was such a customer, or its leads have none now.
    """
    return run(look(present_id(old)), repository)


def present_id(old: str) -> Asks[str]:
    """Return what `customer_id_now` does, in one snapshot."""
    seen = {old}
    customer: str | None = old
    while customer is not None:
        if (yield from find_customer(customer)) is not None:
            return customer
        living, successor = yield from _gone(customer)
        if len(living) > 1:
            raise AmbiguousCustomerError(old, living)
        customer = next(iter(living), successor)
        if customer in seen:
            break
        seen.add(customer or "")
    raise UnknownCustomerError(old)


def _gone(customer: str) -> Asks[tuple[frozenset[str], str | None]]:
    """Return where the leads it had when it was retired live now, and who took its place."""
    history = yield from asking.history(CUSTOMER, customer).whole()
    fates = [e for e in history if e.action in {"retire", "restore"} and e.row == customer]
    if not fates or fates[-1].action == "restore":  # then it was somebody else who deleted it
        return frozenset(), None
    last = fates[-1]
    leads = [
        entry.row
        for entry in history
        if entry.run_id == last.run_id and entry.table == LEAD and entry.before == customer
    ]
    living = {link.customer_id for link in (yield from asking.links(LEAD, leads).whole())}
    successor = last.after if isinstance(last.after, str) else None
    return frozenset(each for each in living if each is not None), successor
