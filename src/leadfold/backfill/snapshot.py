"""A store as a plan sees it: every lead and customer, in columns, asked for once."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.exceptions import PolicyError
from leadfold.grouping import Scanner
from leadfold.repository import RECORD
from leadfold.rules import IdentifierRule
from leadfold.survivorship import when

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from leadfold.asking import Asks
    from leadfold.changes import Version
    from leadfold.grouping import Columns
    from leadfold.model import Identifier, Ruling
    from leadfold.policy import Policy
    from leadfold.reporter import Reporter
    from leadfold.repository import Awaited, CustomerBatch, LeadBatch, Maker, StoreFacts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

__all__ = [
    "Gathering",
    "Snapshot",
    "StoredCustomer",
    "read_snapshot",
    "refuse_unmapped",
]


@attrs.frozen
class StoredCustomer:
    """What a plan needs of a customer row; *indexed* is what the identity index holds for it."""

    id: str
    created_at: datetime
    made_by: Maker | None
    phone: str | None = attrs.field(repr=False)
    email: str | None = attrs.field(repr=False)
    metadata: Mapping[str, object] | None = attrs.field(repr=False)
    version: Version
    indexed: tuple[Identifier, ...] | None = attrs.field(repr=False)

    @property
    def age(self) -> tuple[datetime, str]:
        """Return what orders customers oldest first, then by id."""
        return (self.created_at, self.id)


@attrs.define(repr=False)
class Snapshot:
    """Rows of leads, then rows of the customers that are records; equally long columns.

    *columns* has the ids and usable identifiers. *ages* are microseconds since 1970. *changed*
    marks the rows whose entry in the identity index is not what the policy makes of them now.
    *queued* are the leads that are still to be decided, and *gone* those whose row is no more.
    """

    facts: StoreFacts
    rulings: tuple[Ruling, ...]
    columns: Columns
    leads: int = 0
    names: list[str | None] = attrs.field(factory=list)
    raw_phones: list[object] = attrs.field(factory=list)
    ages: array[int] = attrs.field(factory=partial(array, "q"))
    links: list[str | None] = attrs.field(factory=list)
    versions: array[int] | list[Version] = attrs.field(factory=partial(array, "q"))
    changed: bytearray = attrs.field(factory=bytearray)
    customers: dict[str, StoredCustomer] = attrs.field(factory=dict)
    unreadable: list[tuple[str, str]] = attrs.field(factory=list)
    queued: set[str] = attrs.field(factory=set)
    gone: list[str] = attrs.field(factory=list)

    @property
    def ids(self) -> list[str]:
        """Return the ids of the rows."""
        return self.columns.ids

    def is_lead(self, row: int) -> bool:
        """Tell whether *row* is a lead, and not a customer taking part as a record."""
        return row < self.leads

    def order(self, row: int) -> tuple[int, str]:
        """Return what orders rows oldest first, then by id."""
        return (self.ages[row], self.columns.ids[row])

    def add_versions(self, versions: Sequence[Version]) -> None:
        """Append *versions*: numbers take eight bytes each, until there is one of another sort."""
        if isinstance(self.versions, array):
            try:
                self.versions.extend(array("q", versions))  # type: ignore[arg-type] # or it raises
            except (TypeError, OverflowError):
                self.versions = list(self.versions)
            else:
                return
        self.versions.extend(versions)


def read_snapshot(
    policy: Policy,
    reporter: Reporter,
    *,
    keep_raw_phones: bool,
    lead_ids: Collection[str] | None = None,
    customer_ids: Collection[str] | None = None,
) -> Asks[Snapshot]:
    """Read the store, or only the rows of these ids, normalizing batch by batch.

    Raises:
        PolicyError: the policy names a field that the store does not map.
        DuplicateLeadError: two leads, or a lead and a customer record, share an id.
    """
    facts = yield from asking.facts()
    refuse_unmapped(facts, policy)
    gathered = Gathering(policy, facts, (yield from asking.rulings()), raw_phones=keep_raw_phones)

    def add_leads(batch: LeadBatch) -> None:
        gathered.add_leads(batch)
        reporter.leads_read(len(batch.ids))

    yield from asking.leads(lead_ids).each(add_leads)
    yield from asking.customers(customer_ids).each(gathered.add_customers)
    return gathered.finish()


class Gathering:
    """Makes a snapshot of batches: all of leads first, then those of customers."""

    def __init__(
        self, policy: Policy, facts: StoreFacts, rulings: tuple[Ruling, ...], *, raw_phones: bool
    ) -> None:
        self._scanner = Scanner(policy)
        self._snapshot = Snapshot(facts, rulings, self._scanner.columns)
        self._raw_phones = raw_phones

    def add_leads(self, batch: LeadBatch) -> None:
        """Append a batch of leads."""
        _add_leads(self._snapshot, self._scanner, batch)
        if self._raw_phones:
            cells = batch.fields.get("phone", [None] * len(batch.ids))
            self._snapshot.raw_phones.extend(cells)
        self._snapshot.leads = len(self._snapshot.ids)

    def add_awaited(self, lead: str, identifiers: tuple[Identifier, ...], by: Awaited) -> None:
        """Append a lead that has no row yet, as the identity index knows it."""
        snapshot = self._snapshot
        self._scanner.add_usable(lead, identifiers)
        snapshot.names.append(None)
        snapshot.ages.append(_age(by.until))
        snapshot.links.append(by.customer_id or None)
        snapshot.add_versions([0])
        snapshot.changed.append(False)
        if self._raw_phones:
            snapshot.raw_phones.append(None)
        snapshot.leads = len(snapshot.ids)

    def add_customers(self, batch: CustomerBatch) -> None:
        """Append a batch of customers."""
        _add_customers(self._snapshot, self._scanner, batch)

    def finish(self) -> Snapshot:
        """Return the snapshot.

        Raises:
            DuplicateLeadError: two leads, or a lead and a customer record, share an id.
        """
        self._scanner.finish()
        return self._snapshot


def refuse_unmapped(facts: StoreFacts, policy: Policy) -> None:
    """Raise PolicyError if *policy* reads a field that the store does not map."""
    if facts.fields is None:
        return
    missing = [name for name in policy.fields if name not in facts.fields]
    if missing:
        has = ", ".join(sorted(facts.fields))
        raise PolicyError(
            f"the store maps no lead column to {name!r} (it maps {has}): map one, or take it "
            f"out of the policy{_line_without(missing, policy)}"
            for name in missing
        )


def _line_without(missing: Collection[str], policy: Policy) -> str:
    """Return the line of a policy without the kinds that are *missing*.

    Empty where none is left, or where bare kinds would lose what the policy's rules say.
    """
    left = [rule for rule in policy.identifiers if rule.kind not in missing]
    if not left or any(rule != IdentifierRule(rule.kind) for rule in left):
        return ""
    return ": identifiers = [" + ", ".join(f'"{rule.kind}"' for rule in left) + "]"


def _add_leads(snapshot: Snapshot, scanner: Scanner, batch: LeadBatch) -> None:
    start = len(snapshot.ids)
    scanner.add(batch.ids, batch.fields)
    snapshot.names.extend(batch.names)
    snapshot.ages.extend(map(_age, batch.created_at))
    snapshot.links.extend(batch.customer_ids)
    snapshot.add_versions(batch.versions)
    snapshot.unreadable.extend(batch.unreadable)
    snapshot.queued |= batch.queued
    _note_changed(snapshot, start, batch.indexed)


def _add_customers(snapshot: Snapshot, scanner: Scanner, batch: CustomerBatch) -> None:
    """Keep every customer; those that neither leadfold nor the original made become records."""
    stored = [
        StoredCustomer(id_, when(created_at), made_by, phone, email, metadata, version, indexed)
        for id_, created_at, made_by, phone, email, metadata, version, indexed in zip(
            batch.ids,
            batch.created_at,
            batch.made_by,
            batch.phones,
            batch.emails,
            batch.metadata,
            batch.versions,
            batch.indexed,
            strict=True,
        )
    ]
    snapshot.customers.update((customer.id, customer) for customer in stored)
    records = [place for place, customer in enumerate(stored) if customer.made_by is None]
    start = len(snapshot.ids)
    scanner.add(
        [RECORD + stored[place].id for place in records],
        {
            "phone": [stored[place].phone for place in records],
            "email": [stored[place].email for place in records],
        },
    )
    snapshot.names.extend(None for _ in records)
    snapshot.ages.extend(_age(stored[place].created_at) for place in records)
    snapshot.links.extend(stored[place].id for place in records)
    snapshot.add_versions([stored[place].version for place in records])
    _note_changed(snapshot, start, [batch.indexed[place] for place in records])


def _note_changed(
    snapshot: Snapshot, start: int, indexed: Sequence[tuple[Identifier, ...] | None]
) -> None:
    """Remember the rows whose index entry is missing or says something else."""
    identifiers = snapshot.columns.identifiers
    snapshot.changed.extend(
        held is None or held != identifiers(row) for row, held in enumerate(indexed, start)
    )


def _age(created_at: datetime | None) -> int:
    return (when(created_at) - _EPOCH) // _MICROSECOND
