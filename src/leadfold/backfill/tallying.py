"""What the checks count: links of leads, dependents, and what customers show. It judges nothing.

Every tally is a counter by the id (or masked identifier) that a sample would name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold.grouping import Scanner
from leadfold.masking import MASK, mask_key
from leadfold.model import Identifier
from leadfold.rules import IdentifierRule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from leadfold.backfill.snapshot import Snapshot
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy
    from leadfold.repository import DependentCount, Queued, Rowless

__all__ = ["Aside", "DependentTally", "Tally", "groups_apart", "groups_mixed", "shown_twice"]

NO_LEAD = "(no lead)"
"""What stands for the lead of a row that names none."""

_NAMED = 3  # the customers that a sample names


@attrs.define
class DependentTally:
    """The rows of one dependent table; what is wrong with them, by lead or by customer."""

    rows: int = 0
    unlinked: Counter[str] = attrs.field(factory=Counter)
    without_lead: Counter[str] = attrs.field(factory=Counter)
    without_customer: Counter[str] = attrs.field(factory=Counter)
    mismatched: Counter[str] = attrs.field(factory=Counter)


@attrs.define
class Aside:
    """Leads that wait to be decided, and records of the index that have no row, each once.

    A lead whose row may still come, *now*, is none of them.
    """

    now: datetime
    waiting: Counter[str] = attrs.field(factory=Counter)
    rowless: Counter[str] = attrs.field(factory=Counter)

    def wait(self, entry: Queued) -> None:
        """Count a lead of the queue in."""
        self.waiting[entry.lead_id] += 1

    def miss(self, record: Rowless) -> None:
        """Count a record without a row in."""
        if not record.is_awaited(self.now):
            self.rowless[record.record_id] += 1


class Tally:
    """A tally of every dependent table of the store, in the order it declares them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.tables = {dependent.name: DependentTally() for dependent in snapshot.facts.dependents}
        self._links = dict(zip(snapshot.ids[: snapshot.leads], snapshot.links, strict=False))
        self._customers = snapshot.customers

    def add(self, rows: DependentCount) -> None:
        """Count *rows* in."""
        tally, lead, customer = self.tables[rows.table], rows.lead_id, rows.customer_id
        tally.rows += rows.count
        if lead is not None and not rows.lead_known:
            tally.without_lead[lead] += rows.count
        if customer is None:
            tally.unlinked[NO_LEAD if lead is None else lead] += rows.count
            return
        if customer not in self._customers:
            tally.without_customer[customer] += rows.count
        expected = None if lead is None else self._links.get(lead)
        if lead is not None and expected not in {None, customer}:
            tally.mismatched[lead] += rows.count


def shown_twice(snapshot: Snapshot, kind: str, policy: Policy) -> Counter[str]:
    """Return the values of *kind* that several customers show, masked, with who shows them.

    Values are compared as *policy* normalizes them; what it refuses or blocks is no duplicate.
    """
    rules = [rule for rule in policy.identifiers if rule.kind == kind]
    rule = attrs.evolve(rules[0], scope=None) if rules else IdentifierRule(kind)
    scanner = Scanner(attrs.evolve(policy, identifiers=[rule]))
    ids = list(snapshot.customers)
    scanner.add(ids, {kind: [getattr(snapshot.customers[id_], kind) for id_ in ids]})
    holders: dict[str, list[str]] = defaultdict(list)
    for row, value in scanner.columns.by_kind[0].pairs():
        holders[value].append(ids[row])
    return Counter(
        f"{Identifier(kind, value)}: {_listed(found)}"
        for value, found in holders.items()
        if len(found) > 1
    )


def is_blank_record(snapshot: Snapshot, resolution: Resolution, group: int) -> bool:
    """Tell whether *group* is but the record of a customer that holds nothing.

    It says of nobody who they are: leads that its customer has are not apart from it.
    """
    row, *others = resolution.rows[group]
    return not others and not snapshot.is_lead(row) and not snapshot.columns.pairs(row)


def groups_mixed(snapshot: Snapshot, resolution: Resolution) -> Counter[str]:
    """Return the groups that are linked to several customers, by masked key."""
    mixed: Counter[str] = Counter()
    for number, rows in enumerate(resolution.rows):
        customers = snapshot.customers.keys() & {snapshot.links[row] for row in rows}
        if len(customers) > 1:
            mixed[f"{mask_key(resolution.keys[number])}: {_listed(customers)}"] += 1
    return mixed


def groups_apart(snapshot: Snapshot, resolution: Resolution) -> Counter[str]:
    """Return the customers that several groups are linked to, by id."""
    group_of: dict[str, int] = {}
    apart: set[str] = set()
    for link, group in zip(snapshot.links, resolution.partition.labels, strict=True):
        if link is None or is_blank_record(snapshot, resolution, group):
            continue
        if group_of.setdefault(link, group) != group:
            apart.add(link)
    return Counter(apart)


def _listed(customers: Iterable[str]) -> str:
    """Return the first of *customers*, and a sign where there are more."""
    named = sorted(customers)
    return ", ".join([*named[:_NAMED], *([MASK] if len(named) > _NAMED else [])])
