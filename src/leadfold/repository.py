"""The port: what leadfold asks of a store. Many reads, one write; adapters need not inherit.

Reads come in columns, batch by batch, from one consistent snapshot. The only write is
`Repository.commit`. `leadfold.testing.RepositoryContract` checks an adapter against this text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from leadfold.changes import ChangeSet, Committed, Run, Version
    from leadfold.model import Dependent, Identifier, Ruling

__all__ = [
    "Action",
    "Around",
    "Awaited",
    "CustomerBatch",
    "DependentCount",
    "Entry",
    "Holders",
    "LeadBatch",
    "LedgerEntry",
    "Queued",
    "Reader",
    "Reference",
    "Repository",
    "Rowless",
    "StoreFacts",
    "undeclared",
]

RECORD = "customer:"
"""What the id of a customer that takes part as a record of its own begins with."""

LEAD, CUSTOMER, RULING = "Lead", "Customer", "Ruling"
"""What the ledger calls these tables, whatever the store does."""

Action = Literal["insert", "patch", "link", "follow", "retire", "restore", "rule", "erase"]

Maker = Literal["leadfold", "original"]

ORIGINAL = "backfill-customers.ts"
"""What the script that leadfold replaces wrote as ``metadata.createdBy``."""


def _counted(column: Sequence[object]) -> str:
    return f"<{len(column)}>"


def _named(columns: Mapping[str, object]) -> str:
    return repr(sorted(columns))


@attrs.frozen
class StoreFacts:
    """What a plan must know of a store before it reads rows.

    *fields* are the lead fields (kinds and scopes) the store maps, or None where it takes any
    name. *unique* are the customer columns declared unique, of ``phone`` and ``email``.
    *fingerprint* is what the identity index was written with (None: no index yet), *clock* marks
    the moment: a claim that this does not know of yet is later. *carried* names the tables, beside
    leads and dependents, whose rows a merge carries over. *foreign_keys* are the undeclared
    columns that reference customers, as ``table.column``. *not_null* are the tables whose link
    cannot be null, with the statement that would let it.
    """

    tenant: str | None = None
    fields: frozenset[str] | None = None
    unique: frozenset[str] = frozenset()
    dependents: tuple[Dependent, ...] = ()
    carried: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()
    not_null: Mapping[str, str] = attrs.field(factory=dict)
    fingerprint: str | None = None
    clock: int | str = 0
    owns_transaction: bool = True


def undeclared(columns: Iterable[str]) -> list[str]:
    """Return a fault for each of *columns* that references customers, known to no mapping."""
    return [
        f"{column} references customers and is not declared: map it as a dependent, or as a "
        'reference with treatment "carry" or "ignore"'
        for column in columns
    ]


@attrs.frozen
class LeadBatch:
    """Columns of leads, equally long. *fields* holds raw values by kind and scope name.

    A cell is one text, a tuple of texts, or None. *indexed* is what the identity index holds for
    each lead: its identifiers sorted, or None where it has never seen the lead.
    *unreadable* names rows that could not be read, with the reason; they are in no column.
    *queued* are those of the leads that are still to be decided: see `Queued`.
    """

    ids: Sequence[str] = attrs.field(repr=_counted)
    fields: Mapping[str, Sequence[object]] = attrs.field(repr=_named)
    names: Sequence[str | None] = attrs.field(repr=False)
    created_at: Sequence[datetime | None] = attrs.field(repr=False)
    customer_ids: Sequence[str | None] = attrs.field(repr=False)
    versions: Sequence[Version] = attrs.field(repr=False)
    indexed: Sequence[tuple[Identifier, ...] | None] = attrs.field(repr=False)
    unreadable: Sequence[tuple[str, str]] = ()
    queued: frozenset[str] = frozenset()

    def only(self, places: Sequence[int]) -> LeadBatch:
        """Return the rows at *places* alone, in their order."""
        return LeadBatch(
            [self.ids[place] for place in places],
            {name: [cells[place] for place in places] for name, cells in self.fields.items()},
            [self.names[place] for place in places],
            [self.created_at[place] for place in places],
            [self.customer_ids[place] for place in places],
            [self.versions[place] for place in places],
            [self.indexed[place] for place in places],
            queued=self.queued.intersection(self.ids[place] for place in places),
        )


@attrs.frozen
class CustomerBatch:
    """Columns of customers, equally long.

    *made_by* says who made each: leadfold (its ledger or ``createdBy`` says so), the original,
    or None for anybody else. *metadata* is the parsed object, or None. *indexed* as in
    `LeadBatch`, for the record ``customer:<id>``.
    """

    ids: Sequence[str] = attrs.field(repr=_counted)
    names: Sequence[str | None] = attrs.field(repr=False)
    phones: Sequence[str | None] = attrs.field(repr=False)
    emails: Sequence[str | None] = attrs.field(repr=False)
    metadata: Sequence[Mapping[str, object] | None] = attrs.field(repr=False)
    created_at: Sequence[datetime | None] = attrs.field(repr=False)
    made_by: Sequence[Maker | None] = attrs.field(repr=False)
    versions: Sequence[Version] = attrs.field(repr=False)
    indexed: Sequence[tuple[Identifier, ...] | None] = attrs.field(repr=False)

    def only(self, places: Sequence[int]) -> CustomerBatch:
        """Return the rows at *places* alone, in their order."""
        return CustomerBatch(
            [self.ids[place] for place in places],
            [self.names[place] for place in places],
            [self.phones[place] for place in places],
            [self.emails[place] for place in places],
            [self.metadata[place] for place in places],
            [self.created_at[place] for place in places],
            [self.made_by[place] for place in places],
            [self.versions[place] for place in places],
            [self.indexed[place] for place in places],
        )


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
class Queued:
    """A lead that is still to be decided, and since when.

    *reason* is ``large`` (more was connected with it than may be decided at once) or ``edited``
    (its row came, changed or went without a word). There may be no row of it.
    """

    lead_id: str
    reason: str
    at: datetime


@attrs.frozen
class Rowless:
    """A record of the identity index that is no row; of a lead that has none yet, *until* when.

    After that it is as if it had never been.
    """

    record_id: str
    until: datetime | None = None

    def is_awaited(self, now: datetime) -> bool:
        """Tell whether its row may still come."""
        return self.until is not None and now < self.until


@attrs.frozen
class Awaited:
    """A lead that was resolved before it had a row: it is to be inserted with *customer_id*.

    Until *until* it counts without one; then it is as if it had never been.
    """

    customer_id: str
    until: datetime


@attrs.frozen
class Entry:
    """What the identity index holds for a record, and the customer that its row has now.

    *customer_id* is None where there is no row or no link; of a customer's own record it is the
    customer. *awaited* says what became of a lead when it had no row yet. Of one that is *queued*
    the index may hold something since, of which its link knows nothing.
    """

    identifiers: tuple[Identifier, ...]
    customer_id: str | None = None
    awaited: Awaited | None = None
    queued: bool = False


@attrs.frozen
class Around:
    """What is met one step from some leads, identifiers and customers; no row twice.

    *holders* has the records that hold each identifier asked for, in any order, and *entries* what
    the index knows of these and of the leads asked for. *leads* are the rows of both, and of all
    leads linked to a customer that one of them is linked to or that was asked for; *customers* are
    the rows of those customers. There may be more holders and entries: where a store can say so at
    once, all holders of what else these records hold. Of a *crowded* identifier or customer only as
    many records as were asked for at most are told; of such an identifier no rows come.
    *dependents* counts the rows that point at the leads asked for and at those told.
    """

    leads: tuple[LeadBatch, ...]
    customers: tuple[CustomerBatch, ...]
    holders: Mapping[Identifier, tuple[str, ...]]
    entries: Mapping[str, Entry]
    dependents: tuple[DependentCount, ...] = ()
    crowded: frozenset[Identifier | str] = frozenset()


@attrs.frozen
class Reference:
    """A *row* of *table* (``Lead``, a dependent, a carried table) that points at a customer.

    *lead_id* is the lead that a dependent's row points at, if it does.
    """

    table: str
    row: str
    customer_id: str | None
    lead_id: str | None = None


@attrs.frozen
class LedgerEntry:
    """One row that a run changed: what it was, what it became, and why.

    | action | table | before | after |
    |---|---|---|---|
    | insert | Customer | None | the row, and its ``sources`` where there are any |
    | patch | Customer | the keys of metadata it touched | likewise |
    | link | Lead | customer id or None | likewise |
    | follow | any other | customer id or None | likewise |
    | retire | Customer | the whole row: an image | the id of the customer in its place, or None |
    | restore | Customer | the id of the customer that had its place, or None | the image |
    | rule | Ruling | the ruling if it was in force, or None | likewise |
    | erase | Customer | None | the columns that were blanked |

    An image holds the mapped columns by field (``name``, ``phone`` ...) and the others in
    ``columns``, all as the store keeps them; a ruling is `Ruling.to_dict`.
    """

    run_id: str
    unit: int
    table: str
    row: str
    action: Action
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

    def dependents(self, leads: Collection[str] | None = None) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer.

        *leads* None means all rows; otherwise those that point at one of these leads.
        """
        ...

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        ...

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """Return what is met one step from these, by look-up alone: nothing is scanned."""
        ...

    def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """Return those of *values* that customers show: *column* is ``phone`` or ``email``."""
        ...

    def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """Return what the identity index holds for a record, even one whose row is gone.

        None where it has never seen the record.
        """
        ...

    def queued(self) -> Iterator[Queued]:
        """Yield the leads that are still to be decided, those that wait longest first."""
        ...

    def edited(self, since: datetime) -> Iterator[str]:
        """Yield the leads whose row came or was edited at *since* or later, in any order.

        One that does not say when is among them.

        Raises:
            MappingError: no column is mapped that tells.
        """
        ...

    def rowless(self) -> Iterator[Rowless]:
        """Yield the records of the identity index that hold something and are no row, in any order.

        A lead of the index whose row the mapping takes for none is among them.
        """
        ...

    def rulings(self) -> tuple[Ruling, ...]:
        """Return the rulings in force, in order of creation."""
        ...

    def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the latest runs, newest first; of *ids*, *action*, *status*, where given.

        The figures of an open run are those of its ledger.
        """
        ...

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run unit by unit, each in the order it was written."""
        ...

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield what other runs did to rows after this run first changed them.

        In the order written, which is the order of the entries: runs may take turns.
        """
        ...

    def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
        """Yield every entry about a row, in the order written; *table* as the ledger calls it.

        About a customer are also the links from and to it, and who was retired into it.
        """
        ...

    def unexplained(self, leads: Collection[str] | None = None) -> Iterator[str]:
        """Yield the leads whose customer is not what the ledger's last entry for them says.

        *leads* None means all; otherwise only these are looked at.
        Those that have one and of which the ledger knows nothing are among them.
        """
        ...

    def links(self, table: str, rows: Collection[str]) -> Iterator[Reference]:
        """Yield the present customer of those *rows* of *table* that exist, in any order.

        Rows count whatever condition a mapping puts on leads: one that a run linked may meet it
        no more.
        """
        ...

    def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
        """Yield every row that points at one of these customers, in any order, likewise.

        Of leads, dependents and carried tables.
        """
        ...

    def is_original(self, run_id: str) -> bool:
        """Tell whether an audit entry of that id was written by the script `ORIGINAL`."""
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

        Stale are: a row of ``leads`` or ``customers`` that has another version or is gone; a
        `Link`, `Relink` or `PatchCustomer` that does not find its *before*; a `Retire` that finds
        no row; a `Rule` that finds its ruling in that state already. A `Retire` of a customer
        that something still points at is a data fault, as a `Restore` where there is a row.

        Under a run of status `leadfold.changes.OPEN` there may be any number of commits, each of
        them whole; the store gives their units numbers that no other unit of the run has.

        With a `Chunk` this holds of each chunk of a run: `leadfold.progress.opened` says whether
        the run can go on, `Progress.closed` what its row becomes; what is answered are the
        figures of the whole run so far, and the failures of this chunk. What the run itself
        claimed makes none of its units stale. The audit entry comes with the last chunk, and with
        none where the change set asks for none.
        """
        ...
