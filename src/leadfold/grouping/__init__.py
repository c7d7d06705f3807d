"""The engine. Leads and a policy in, a resolution out: no clock, no I/O, no logging."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from leadfold.grouping.columns import Columns, Scanner
from leadfold.grouping.resolution import Groups, Resolution, WhatIf
from leadfold.model import column_of, text_ids
from leadfold.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.model import Ruling

__all__ = ["Columns", "Groups", "Resolution", "Scanner", "WhatIf", "group", "group_columns"]

_BATCH = 20_000  # leads read at a time: small enough for the processor's cache


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
        ids = text_ids(column_of(batch, "id"))
        scanner.add(ids, {name: column_of(batch, name) for name in policy.fields})
    return group_columns(scanner.finish(), policy, rulings)


def group_columns(columns: Columns, policy: Policy, rulings: Iterable[Ruling] = ()) -> Resolution:
    """Return the groups of leads that are normalized already; see `Scanner`."""
    return Resolution.of(columns, policy, rulings)
