"""What a person decides about customers, and asks of them: merge, split, erase, who is this.

Every decision is a run: planned, written whole or not at all, kept in the ledger, and undone by
`leadfold.backfill.rollback` (an erasure excepted). Merges and splits are recorded as rulings,
which later runs honour.
"""

from __future__ import annotations

from leadfold.customers.erasing import erase
from leadfold.customers.former import customer_id_now
from leadfold.customers.merging import merge
from leadfold.customers.splitting import split
from leadfold.customers.viewing import CustomerLead, CustomerView, Touch, customer

__all__ = [
    "CustomerLead",
    "CustomerView",
    "Touch",
    "customer",
    "customer_id_now",
    "erase",
    "merge",
    "split",
]
