"""What is written: units of changes, the run they belong to, and its figures. Values only.

A plan makes these, an adapter writes them, a rollback reads them back. Nothing here decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.masking import mask_key
from leadfold.model import JOB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from leadfold.model import Identifier

__all__ = [
    "Change",
    "ChangeSet",
    "Committed",
    "Follow",
    "InsertCustomer",
    "Link",
    "OnStale",
    "PatchCustomer",
    "Reindex",
    "Run",
    "Stats",
    "Unit",
    "UnitFailure",
    "Version",
]

Version = int | str
"""An adapter's own mark of a row: changes with its link or a mapped identifier, else never."""

OnStale = Literal["refuse", "skip"]


@attrs.frozen
class InsertCustomer:
    """A new customer row; *row* holds name, phone, email, metadata and created_at."""

    customer_id: str
    row: Mapping[str, object] = attrs.field(repr=False)


@attrs.frozen
class PatchCustomer:
    """Metadata of a customer set from *before* to *after*: only the keys these name are touched.

    A key that is missing from *before* did not exist.
    """

    customer_id: str
    before: Mapping[str, object]
    after: Mapping[str, object]


@attrs.frozen
class Link:
    """A lead's customer set from *before* to *after*; *reason* is the masked key that says why."""

    lead_id: str
    before: str | None
    after: str | None
    reason: str


@attrs.frozen
class Follow:
    """Rows of dependent *table* that point at *lead_id* and at no customer take *customer_id*.

    *count* is how many rows the plan saw.
    """

    table: str
    lead_id: str
    customer_id: str
    count: int


@attrs.frozen
class Reindex:
    """The index holds exactly *identifiers* for *record_id* (a lead, or ``customer:<id>``)."""

    record_id: str
    identifiers: tuple[Identifier, ...]


Change = InsertCustomer | PatchCustomer | Link | Follow | Reindex


@attrs.frozen
class Unit:
    """What is written together or not at all.

    *leads* and *customers* are the existing rows the decision rests on, id to version: if one
    has another version now, the unit is stale.
    """

    number: int
    leads: Mapping[str, Version]
    customers: Mapping[str, Version]
    changes: tuple[Change, ...]


@attrs.frozen
class Run:
    """One write, as the runs table keeps it.

    *at* is when it was decided. *policy* is the fingerprint of its normalizing; *versions* names
    the normalizers, and leadfold's own version.
    """

    id: str
    action: str
    mode: str
    actor: str
    created_by: str
    at: datetime
    policy: str
    versions: Mapping[str, str]
    status: str = "done"
    stats: Mapping[str, object] = attrs.field(factory=dict)
    extra: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen
class UnitFailure:
    """A unit that was left out, as reported: a data fault, or a stale basis."""

    unit: int
    lead_ids: tuple[str, ...]
    cause: Literal["fault", "stale"]
    message: str

    def to_dict(self) -> dict[str, object]:
        """Return it as stored in ``errors``: ids and a message, no identifier."""
        return {
            "unit": self.unit,
            "leads": list(self.lead_ids),
            "cause": self.cause,
            "message": self.message,
        }


@attrs.frozen
class Stats:
    """The figures of a run, by the names the original gave them; the rest is in *extra*."""

    customers_created: int = 0
    customers_skipped: int = 0
    leads_linked: int = 0
    leads_already_linked: int = 0
    jobs_linked: int = 0
    jobs_already_linked: int = 0
    errors: tuple[Mapping[str, object], ...] = ()
    extra: Mapping[str, object] = attrs.field(factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the seven figures that other programs read, in their spelling.

        >>> list(Stats().to_dict())[:3]
        ['customersCreated', 'customersSkipped', 'leadsLinked']
        """
        return {
            "customersCreated": self.customers_created,
            "customersSkipped": self.customers_skipped,
            "leadsLinked": self.leads_linked,
            "leadsAlreadyLinked": self.leads_already_linked,
            "jobsLinked": self.jobs_linked,
            "jobsAlreadyLinked": self.jobs_already_linked,
            "errors": [dict(error) for error in self.errors],
        }


@attrs.frozen
class ChangeSet:
    """Everything one run writes: the only thing a repository's `commit` takes.

    *units* may be a generator and is read once. *expected* are the figures if all of them are
    written. *claims_at* is the index clock the plan was made at: a value claimed later makes its
    unit stale. The index takes the run's *policy* as its fingerprint; an empty one leaves it be.
    """

    run: Run
    units: Iterable[Unit] = attrs.field(repr=False)
    expected: Stats = attrs.field(factory=Stats)
    claims_at: int = 0
    on_stale: OnStale = "refuse"

    def outcome(
        self, failed: Iterable[tuple[Unit, UnitFailure]], followed: Mapping[str, int]
    ) -> Stats:
        """Return the figures of what was written: the expected ones less the *failed* units.

        *followed* counts the dependents that were linked, by table.
        """
        failed = tuple(failed)
        changes = [change for unit, _ in failed for change in unit.changes]
        created = sum(isinstance(change, InsertCustomer) for change in changes)
        linked = sum(isinstance(change, Link) for change in changes)
        return attrs.evolve(
            self.expected,
            customers_created=self.expected.customers_created - created,
            leads_linked=self.expected.leads_linked - linked,
            jobs_linked=followed.get(JOB.name, 0),
            errors=(*self.expected.errors, *(failure.to_dict() for _, failure in failed)),
            extra={**self.expected.extra, "dependentsLinked": dict(sorted(followed.items()))},
        )

    def audit_payload(self, stats: Stats) -> dict[str, object]:
        """Return what the audit entry of this run says, in the original's shape."""
        return {
            "timestamp": timestamp(self.run.at),
            "stats": stats.to_dict(),
            "script": self.run.created_by,
            "version": self.run.versions.get("leadfold", ""),
            "run": self.run.id,
        }


@attrs.frozen
class Committed:
    """What a repository wrote: the figures, the units it left out, the statements it took."""

    stats: Stats
    failures: tuple[UnitFailure, ...] = ()
    statements: int = 0


def timestamp(moment: datetime) -> str:
    """Return a UTC *moment* as the original's JSON has it: milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reason_of(key: str) -> str:
    """Return a group *key* as a link's reason: masked, for ledgers outlive what they explain."""
    return mask_key(key)
