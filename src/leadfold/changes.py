"""What is written: units of changes, the run they belong to, and its figures. Values only.

A plan makes these, an adapter writes them, a rollback reads them back. Nothing here decides.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.exceptions import IndexOutdatedError
from leadfold.masking import mask_key
from leadfold.model import JOB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from leadfold.model import Identifier, Ruling

__all__ = [
    "OPEN",
    "Await",
    "Carry",
    "Change",
    "ChangeSet",
    "Chunk",
    "Committed",
    "Erase",
    "Follow",
    "InsertCustomer",
    "Link",
    "OnFault",
    "OnStale",
    "PatchCustomer",
    "Queue",
    "Reindex",
    "Relink",
    "Restore",
    "Retire",
    "Rule",
    "Run",
    "Stats",
    "Unit",
    "UnitFailure",
    "Version",
]

Version = int | str
"""An adapter's own mark of a row: changes with its link or a mapped identifier, else never."""

OnStale = Literal["refuse", "skip"]

OnFault = Literal["refuse", "skip"]

OPEN = "open"
"""The status of a run that many writes are made under, each a commit of its own."""


@attrs.frozen
class InsertCustomer:
    """A new customer row; *row* holds name, phone, email, metadata and created_at.

    *sources* names the lead that each of ``name``, ``phone``, ``email`` and ``groupKey`` came
    from: what an erasure of that lead must blank.
    """

    customer_id: str
    row: Mapping[str, object] = attrs.field(repr=False)
    sources: Mapping[str, str] = attrs.field(factory=dict)


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
class Await:
    """A lead that has no row yet is to be inserted with customer *after*; it was *before*, if ever.

    The ledger has it as the link that it will be. *until* is how long it counts without a row.
    """

    lead_id: str
    before: str | None
    after: str
    reason: str
    until: datetime


@attrs.frozen
class Follow:
    """Rows of dependent *table* that point at *lead_id* and at *before* take *customer_id*.

    *before* None means those that point at no customer; *count* is how many rows the plan saw.
    """

    table: str
    lead_id: str
    customer_id: str
    count: int
    before: str | None = None


@attrs.frozen
class Carry:
    """Every row of *table* that points at customer *before* takes *after*, whoever wrote it.

    *table* is ``Lead``, a dependent, or a table declared to be carried.
    """

    table: str
    before: str
    after: str


@attrs.frozen
class Relink:
    """One *row* of *table* (not ``Lead``), which points at *before*, takes *after*."""

    table: str
    row: str
    before: str | None
    after: str | None


@attrs.frozen
class Retire:
    """The customer's row goes; the ledger keeps it whole, unmapped columns included.

    When the unit is written, nothing may point at the customer any more. *into* is the customer
    that takes its place, if one does.
    """

    customer_id: str
    into: str | None = None


@attrs.frozen
class Restore:
    """The row of a retired customer comes back as *image*, the ledger's copy, has it.

    *into* is the customer that had taken its place, if one did.
    """

    customer_id: str
    image: Mapping[str, object] = attrs.field(repr=False)
    into: str | None = None


@attrs.frozen
class Rule:
    """*ruling* comes into force, or out of it."""

    ruling: Ruling
    in_force: bool


@attrs.frozen
class Erase:
    """All that leadfold keeps of *lead_id* goes: its index entry, and values it gave to customers.

    *rows* and *images* say, by customer, what to blank where a column (``name``, ``phone``,
    ``email``, or ``groupKey`` of the metadata) still holds exactly that value: in the customer's
    row, and in every copy of the row that the ledger keeps. Such a copy then lists the columns
    it lost under ``erased``.
    """

    lead_id: str
    rows: Mapping[str, Mapping[str, str]] = attrs.field(repr=False)
    images: Mapping[str, Mapping[str, str]] = attrs.field(repr=False)


@attrs.frozen
class Reindex:
    """The index holds exactly *identifiers* for *record_id* (a lead, or ``customer:<id>``)."""

    record_id: str
    identifiers: tuple[Identifier, ...]


@attrs.frozen
class Queue:
    """*lead_id* is still to be decided, for this *reason*; None: it is not any more.

    A lead that waits already keeps its place and its reason. This is work to do and no data: no
    ledger has it, and no rollback brings it back.
    """

    lead_id: str
    reason: str | None


Change = (
    InsertCustomer
    | PatchCustomer
    | Link
    | Await
    | Follow
    | Carry
    | Relink
    | Retire
    | Restore
    | Rule
    | Erase
    | Reindex
    | Queue
)
"""In whatever order a unit lists them, what it holds is true together: no order is implied."""


@attrs.frozen
class Unit:
    """What is written together or not at all.

    *leads* and *customers* are the existing rows the decision rests on, id to version: if one
    has another version now, the unit is stale.
    """

    number: int
    leads: Mapping[str, Version]
    customers: Mapping[str, Version]
    changes: Sequence[Change]


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
class Chunk:
    """Which units of its plan a change set holds: those from *start* to before *end*.

    Units are counted as the plan yields them, from 0. *end* None: all that are left, so that the
    run is finished with them. *plan* marks the plan: chunks of another are none of this run's.
    """

    plan: str
    start: int
    end: int | None


@attrs.frozen
class ChangeSet:
    """Everything one run writes, or one chunk of it: all that a repository's `commit` takes.

    *units* may be a generator and is read once. *expected* are the figures if all of them are
    written. *claims_at* is the store's clock when the plan was made: a value claimed later makes
    its unit stale. The index takes the run's *policy* as its fingerprint; an empty one leaves it
    be. With *on_fault* ``refuse`` a unit that the store will not take is no outcome of its own:
    then nothing at all is written. *chunk* says which part of the run this is, None: the whole.
    *ends* is an unfinished or open run, as it was read, that nobody may go on with after this.

    Under a run of status `OPEN` any number of change sets are written, each whole: the first
    begins it, nothing ends it but a rollback. Its figures are those of its ledger. Without
    *audit* the audit trail tells nothing of these changes.
    """

    run: Run
    units: Iterable[Unit] = attrs.field(repr=False)
    expected: Stats = attrs.field(factory=Stats)
    claims_at: int | str = 0
    on_stale: OnStale = "refuse"
    on_fault: OnFault = "skip"
    chunk: Chunk | None = None
    ends: Run | None = None
    audit: bool = True

    @property
    def open(self) -> bool:
        """Tell whether others may write under the same run."""
        return self.run.status == OPEN

    @property
    def finishes(self) -> bool:
        """Tell whether the plan is written with these changes."""
        return self.chunk is None or self.chunk.end is None

    @property
    def audited(self) -> bool:
        """Tell whether the audit trail gets its entry with these changes."""
        return self.audit and self.finishes

    def numbered(self, numbers: Iterable[int]) -> ChangeSet:
        """Return the changes with other *numbers* of units: those of an open run are its own."""
        units = [
            attrs.evolve(unit, number=number)
            for number, unit in zip(numbers, self.units, strict=False)
        ]
        return attrs.evolve(self, units=units)

    def fingerprint(self, held: str | None) -> str | None:
        """Return the index's fingerprint after these changes; it was *held* before them.

        An index that a policy has written in part only has none.

        Raises:
            IndexOutdatedError: the run is open, and another policy has written the index since.
        """
        policy = self.run.policy
        if not policy or policy == held:
            return held
        if self.open and held:
            raise IndexOutdatedError
        return policy if self.finishes else None

    def outcome(
        self, failed: Iterable[tuple[Unit, UnitFailure]], followed: Mapping[str, int]
    ) -> Stats:
        """Return the figures of what was written: the expected ones less the *failed* units.

        *followed* counts the dependents that were linked, by table.
        """
        failed = tuple(failed)
        lost = figures(change for unit, _ in failed for change in unit.changes)
        extra = {
            name: figure - lost[name] if isinstance(figure, int) else figure
            for name, figure in self.expected.extra.items()
        }
        return attrs.evolve(
            self.expected,
            customers_created=self.expected.customers_created - lost["customersCreated"],
            leads_linked=self.expected.leads_linked - lost["leadsLinked"],
            jobs_linked=followed.get(JOB.name, 0),
            errors=(*self.expected.errors, *(failure.to_dict() for _, failure in failed)),
            extra={**extra, "dependentsLinked": dict(sorted(followed.items()))},
        )

    def audit_payload(self, stats: Stats) -> dict[str, object]:
        """Return what the audit entry of this run says, in the original's shape."""
        return {
            "timestamp": timestamp(self.run.at),
            "stats": stats.to_dict(),
            "script": self.run.created_by,
            "version": self.run.versions.get("leadfold", ""),
            "run": self.run.id,
            **self.run.extra,
        }


@attrs.frozen
class Committed:
    """What a repository wrote: the figures, the units it left out, the statements it took."""

    stats: Stats
    failures: tuple[UnitFailure, ...] = ()
    statements: int = 0


def figures(changes: Iterable[Change]) -> Counter[str]:
    """Count what *changes* do, by the names that figures and their extra have for it."""
    found = Counter[str]()
    for change in changes:
        match change:
            case InsertCustomer():
                found["customersCreated"] += 1
            case Retire():
                found["customersRetired"] += 1
            case Restore():
                found["customersRestored"] += 1
            case Relink():
                found["dependentsRelinked"] += 1
            case Link(after=after):
                found["leadsLinked" if after is not None else "leadsUnlinked"] += 1
            case Rule(in_force=in_force):
                found["rulingsMade" if in_force else "rulingsLifted"] += 1
            case Queue(reason=reason):
                found["queueSettled" if reason is None else "queued"] += 1
    return found


def planned_stats(units: Iterable[Unit]) -> Stats:
    """Return the figures of *units* that are no backfill."""
    found = figures(change for unit in units for change in unit.changes)
    created, linked = found.pop("customersCreated", 0), found.pop("leadsLinked", 0)
    return Stats(customers_created=created, leads_linked=linked, extra=dict(found))


def counts_patch(
    customer_id: str, metadata: Mapping[str, object] | None, leads: int
) -> PatchCustomer | None:
    """Return what sets the two counts in a customer's *metadata* to *leads*; None if they are."""
    after: dict[str, object] = {"leadCount": leads, "multipleLeads": leads > 1}
    held = metadata or {}
    before = {key: held[key] for key in after if key in held}
    return None if before == after else PatchCustomer(customer_id, before, after)


def timestamp(moment: datetime) -> str:
    """Return a UTC *moment* as the original's JSON has it: milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reason_of(key: str) -> str:
    """Return a group *key* as a link's reason: masked, for ledgers outlive what they explain."""
    return mask_key(key)
