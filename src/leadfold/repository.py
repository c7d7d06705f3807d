"""The port: what leadfold asks of a store. Many reads, one write; adapters need not inherit.

Reads come in columns, batch by batch, from one consistent snapshot. The only write is
`Repository.commit`. `leadfold.testing.RepositoryContract` checks an adapter against this text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from leadfold.changes import ChangeSet, Committed, Run, Version
    from leadfold.model import Dependent, Identifier, Ruling

__all__ = [
    "CustomerBatch",
    "DependentCount",
    "Holders",
    "LeadBatch",
    "LedgerEntry",
    "Reader",
    "Repository",
    "StoreFacts",
]

Maker = Literal["leadfold", "original"]

ORIGINAL = "backfill-customers.ts"
"""What the script that leadfold replaces wrote as ``metadata.createdBy``."""


@attrs.frozen
class StoreFacts:
    """What a plan must know of a store before it reads rows.

    *fields* are the lead fields (kinds and scopes) the store maps, or None where it takes any
    name. *unique* are the customer columns declared unique, of ``phone`` and ``email``.
    *fingerprint* is what the identity index was written with (None: no index yet), *clock* its
    latest claim. *foreign_keys* are the undeclared columns that reference customers, as
    ``table.column``.
    """

    tenant: str | None = None
    fields: frozenset[str] | None = None
    link_nullable: bool = True
    unique: frozenset[str] = frozenset()
    dependents: tuple[Dependent, ...] = ()
    foreign_keys: tuple[str, ...] = ()
    fingerprint: str | None = None
    clock: int = 0
    owns_transaction: bool = True


@attrs.frozen
class LeadBatch:
    """Columns of leads, equally long. *fields* holds raw values by kind and scope name.

    A cell is one text, a tuple of texts, or None. *indexed* is what the identity index holds for
    each lead: its identifiers sorted, or None where it has never seen the lead.
    *unreadable* names rows that could not be read, with the reason; they are in no column.
    """

    ids: Sequence[str]
    fields: Mapping[str, Sequence[object]]
    names: Sequence[str | None]
    created_at: Sequence[datetime | None]
    customer_ids: Sequence[str | None]
    versions: Sequence[Version]
    indexed: Sequence[tuple[Identifier, ...] | None]
    unreadable: Sequence[tuple[str, str]] = ()


@attrs.frozen
class CustomerBatch:
    """Columns of customers, equally long.

    *made_by* says who made each: leadfold (its ledger or ``createdBy`` says so), the original,
    or None for anybody else. *metadata* is the parsed object, or None. *indexed* as in
    `LeadBatch`, for the record ``customer:<id>``.
    """

    ids: Sequence[str]
    names: Sequence[str | None]
    phones: Sequence[str | None]
    emails: Sequence[str | None]
    metadata: Sequence[Mapping[str, object] | None]
    created_at: Sequence[datetime | None]
    made_by: Sequence[Maker | None]
    versions: Sequence[Version]
    indexed: Sequence[tuple[Identifier, ...] | None]


@attrs.frozen
class DependentCount:
    """How many rows of *table* point at *lead_id* and, now, at *customer_id*.

    *lead_known* is False where no mapped lead has that id (or it is None).
    """

    table: str
    lead_id: str | None
    customer_id: str | None
    count: int
    lead_known: bool = True


@attrs.frozen
class Holders:
    """Who holds some identifiers: all identifiers of each record found, and each value's version.

    *saturated* are the identifiers held by more records than were asked for.
    """

    records: Mapping[str, tuple[Identifier, ...]]
    versions: Mapping[Identifier, int]
    saturated: frozenset[Identifier]


@attrs.frozen
class LedgerEntry:
    """One row that a run changed: what it was, what it became, and why."""

    run_id: str
    unit: int
    table: str
    row: str
    action: Literal["insert", "patch", "link", "follow", "retire", "restore"]
    before: object = attrs.field(repr=False)
    after: object = attrs.field(repr=False)
    reason: str = ""


class Reader(Protocol):
    """One consistent snapshot of a store, open while its context is."""

    def facts(self) -> StoreFacts:
        """Return what a plan must know before it reads rows."""
        ...

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        """Yield the leads in batches, each once, in any order; *ids* None means all."""
        ...

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        """Yield the customers in batches, each once, in any order; *ids* None means all."""
        ...

    def dependents(self) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer."""
        ...

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        ...

    def rulings(self) -> tuple[Ruling, ...]:
        """Return the rulings in force, in order of creation."""
        ...

    def runs(self, limit: int = 20) -> tuple[Run, ...]:
        """Return the latest runs, newest first."""
        ...

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run in the order it was written."""
        ...

    def audited(self) -> Mapping[str, int]:
        """Return how many entries of the audit trail name each action."""
        ...


class Repository(Protocol):
    """A store of leads and customers, bound to at most one tenant."""

    def reading(self) -> AbstractContextManager[Reader]:
        """Open one consistent snapshot (the caller's transaction where it has one)."""
        ...

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction: every unit whole, or not at all.

        A unit with a data fault (a constraint, a trigger) is left out and reported, its
        neighbours are written. A stale unit raises `StalePlanError`, or is left out with
        ``on_stale="skip"``. The same run twice raises `RunExistsError`. Anything else that
        fails (also an error raised by the units iterator) leaves the store exactly as it was.
        """
        ...
