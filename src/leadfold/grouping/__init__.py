"""The engine. Leads and a policy in, a resolution out: no clock, no I/O, no logging."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from leadfold.grouping.columns import Columns, Scanner
from leadfold.grouping.resolution import Groups, Resolution, WhatIf
from leadfold.model import columns_of, text_ids
from leadfold.pausing import collector_paused
from leadfold.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.model import Ruling

__all__ = ["Columns", "Groups", "Resolution", "Scanner", "WhatIf", "group", "group_columns"]

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
        with collector_paused():
            _scan(batch, policy, scanner)
    return group_columns(scanner.finish(), policy, rulings)


def _scan(leads: Sequence[object], policy: Policy, scanner: Scanner) -> None:
    """Read *leads*, in a frame of its own: no later error may show their raw cells as locals."""
    fields = columns_of(leads, ("id", *policy.fields))
    scanner.add(text_ids(fields["id"]), fields)


def group_columns(columns: Columns, policy: Policy, rulings: Iterable[Ruling] = ()) -> Resolution:
    """Return the groups of leads that are normalized already; see `Scanner`."""
    with collector_paused():
        return Resolution.of(columns, policy, rulings)
