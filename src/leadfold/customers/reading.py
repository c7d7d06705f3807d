"""Rows of the store as a decision about customers asks for them: one customer, its leads by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.exceptions import UnknownCustomerError
from leadfold.model import Customer
from leadfold.repository import LEAD, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.asking import Asks
    from leadfold.repository import Maker, Reference

__all__ = ["StoredCustomer", "find_customer", "leads_among", "read_customer"]


@attrs.frozen
class StoredCustomer:
    """A customer's row and who made it."""

    row: Customer
    made_by: Maker | None

    @property
    def records(self) -> frozenset[str]:
        """Return the record that the customer itself is in grouping, if it is one."""
        return frozenset() if self.made_by else frozenset({RECORD + self.row.id})


def find_customer(customer_id: str) -> Asks[StoredCustomer | None]:
    """Return the customer of that id, or None."""
    for batch in (yield from asking.customers([customer_id]).whole()):
        for place, found in enumerate(batch.ids):
            row = Customer(
                found,
                batch.names[place],
                batch.phones[place],
                batch.emails[place],
                batch.metadata[place],
                batch.created_at[place],
            )
            return StoredCustomer(row, batch.made_by[place])
    return None


def read_customer(customer_id: str) -> Asks[StoredCustomer]:
    """Return the customer of that id.

    Raises:
        UnknownCustomerError: there is none.
    """
    found = yield from find_customer(customer_id)
    if found is None:
        raise UnknownCustomerError(customer_id)
    return found


def leads_among(references: Iterable[Reference], customer_id: str) -> tuple[str, ...]:
    """Return the ids of the leads that point at the customer, in text order."""
    return tuple(
        sorted(r.row for r in references if r.table == LEAD and r.customer_id == customer_id)
    )
