"""The engine. Leads and a policy in, a resolution out: no clock, no I/O, no logging."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from leadfold.grouping.columns import Columns, Scanner
from leadfold.grouping.linked import link
from leadfold.grouping.partition import keys_of
from leadfold.grouping.resolution import Groups, Resolution
from leadfold.grouping.ruled import start
from leadfold.grouping.rulings import RowRulings
from leadfold.model import columns_of, text_ids
from leadfold.policy import Policy
from leadfold.rulings import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.model import Ruling

__all__ = ["Columns", "Groups", "Resolution", "Scanner", "group", "group_columns"]

_BATCH = 4096  # leads read at a time: small enough for the processor's cache


def group(
    leads: Iterable[object], policy: Policy | None = None, *, rulings: Iterable[Ruling] = ()
) -> Resolution:
    """Return which of *leads* are one customer.

    Args:
        leads: `Lead` objects, mappings, or any objects with those attributes, in any order.
        policy: default `Policy.keyed()`.
        rulings: people's decisions, honoured in order of creation.

    Raises:
        DuplicateLeadError: several leads share an id.
        ConflictingRulingsError: the rulings contradict each other.
        TypeError: an id or a value is of a type that cannot be read; the field is named.

    >>> from leadfold import Lead
    >>> leads = [Lead("l1", phone="(555) 123-4567"), Lead("l7", phone="555.123.4567")]
    >>> [(g.key, g.kind, g.lead_ids) for g in group(leads).groups]
    [('phone:+15551234567', 'phone', ('l1', 'l7'))]
    """
    policy = Policy() if policy is None else policy
    scanner = Scanner(policy)
    remaining = iter(leads)
    while batch := list(islice(remaining, _BATCH)):
        fields = columns_of(batch, ("id", *policy.fields))
        scanner.add(text_ids(fields["id"]), fields)
    return group_columns(scanner.finish(), policy, rulings)


def group_columns(columns: Columns, policy: Policy, rulings: Iterable[Ruling] = ()) -> Resolution:
    """Return the groups of leads that are normalized already; see `Scanner`."""
    ordered = in_order(tuple(rulings))
    keys = keys_of(columns)
    by_rows = RowRulings.of(ordered, columns.ids)
    partition = start(keys, by_rows)
    if policy.strategy == "linked":
        partition = link(columns, policy, partition, by_rows)
    return Resolution(policy, columns, partition, ordered)
