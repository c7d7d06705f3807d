"""The commit of the in-memory store: tables and a change set in, the next tables out. No state.

A unit that is stale or faulty leaves nothing behind; whatever is raised here leaves the tables
as they were, for what is written is a draft until it is handed back.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import (
    Committed,
    Link,
    PatchCustomer,
    Reindex,
    Relink,
    Retire,
    Rule,
    UnitFailure,
)
from leadfold.exceptions import StalePlanError, StoreError, UnitError
from leadfold.progress import STOPPED, gone_on, opened
from leadfold.repositories.cells import clock_of
from leadfold.repositories.memory.rows import AuditEntry
from leadfold.repositories.memory.tables import Draft
from leadfold.repositories.memory.writing import Writer

if TYPE_CHECKING:
    from typing import Literal

    from leadfold.changes import Change, ChangeSet, Stats, Unit
    from leadfold.model import Identifier
    from leadfold.progress import Progress
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import Tables

__all__ = ["commit"]
_STALE = "changed since the plan was made: {}"


def commit(tables: Tables, shape: Shape, changes: ChangeSet) -> tuple[Tables, Committed]:
    """Return the tables after *changes*, and what was written."""
    progress = opened(tables.runs.get(changes.run.id), changes)
    _end(tables, changes)
    if changes.open:
        changes = changes.numbered(count(tables.next_unit(changes.run.id)))
    writer = Writer(Draft(tables), shape, changes.run)
    since = _Since(clock_of(changes.claims_at), progress.clocks)
    failed: list[tuple[Unit, UnitFailure]] = []
    stale: set[str] = set()
    for unit in changes.units:
        if leads := _stale_leads(tables, writer.draft, unit, since):
            stale |= leads
            failed.append((unit, _failure(unit, "stale", _STALE.format(", ".join(sorted(leads))))))
            continue
        try:
            writer.write(unit)
        except UnitError as error:
            if changes.on_fault == "refuse":
                msg = f"nothing was written: {error}"
                raise StoreError(msg) from error
            failed.append((unit, _failure(unit, "fault", str(error))))
    if stale and changes.on_stale == "refuse":
        raise StalePlanError(stale)
    stats = changes.outcome(failed, writer.followed)
    failures = tuple(failure for _, failure in failed)
    after, total = _recorded(writer, changes, progress, stats)
    return after, Committed(total, failures)


def _end(tables: Tables, changes: ChangeSet) -> None:
    """Object where a run that *changes* put an end to is not as it was read."""
    ends = changes.ends
    if ends is not None and tables.run(ends.id) != ends:
        raise gone_on(ends)


def _recorded(
    writer: Writer, changes: ChangeSet, progress: Progress, stats: Stats
) -> tuple[Tables, Stats]:
    """Return the written tables with the run, its ledger and its audit entry; and its figures."""
    draft, run_id = writer.draft, changes.run.id
    if changes.run.policy:
        draft.index.fingerprint = changes.fingerprint(draft.index.fingerprint)
    held = draft.ledger.get(run_id, ())
    draft.ledger[run_id] = (*held, *writer.entries)
    tables = draft.finished()
    clock = tables.index.clock if tables.index.clock > draft.before.index.clock else None
    run, total = progress.closed(changes, stats, clock)
    runs = {**tables.runs, run_id: run}
    if changes.ends is not None:
        runs[changes.ends.id] = attrs.evolve(changes.ends, status=STOPPED)
    payload = changes.audit_payload(total)
    entry = AuditEntry(run.actor, run.action, payload, run.at, id=run_id)
    after = attrs.evolve(
        tables,
        runs=runs,
        written=(*tables.written, (run_id, len(held), len(held) + len(writer.entries))),
        audit=(*tables.audit, entry) if changes.audited else tables.audit,
        made=tables.made | writer.made,
    )
    return after, total


@attrs.frozen
class _Since:
    """The claim that a plan was made at, and those that its own run has made since."""

    claims_at: int
    own: tuple[int, ...]


def _failure(unit: Unit, cause: Literal["fault", "stale"], message: str) -> UnitFailure:
    linked = (change.lead_id for change in unit.changes if isinstance(change, Link))
    return UnitFailure(unit.number, tuple(sorted({*unit.leads, *linked})), cause, message)


def _stale_leads(tables: Tables, draft: Draft, unit: Unit, since: _Since) -> set[str]:
    """Return the leads (or ``customer:<id>``) for which *unit* rests on what is no longer so.

    Versions are those of before the run; what changes find is what earlier units left. Where a
    customer changed, or a value was claimed, that is every lead of the unit.
    """
    leads = _changed_leads(tables, draft, unit)
    customers = _changed_customers(tables, draft, unit)
    if (
        customers
        or tables.index.claimed_after(since.claims_at, _values(tables, unit), but=since.own)
        or any(_finds_another_state(draft, change) for change in unit.changes)
    ):
        records = {f"customer:{customer}" for customer in (*unit.customers, *customers)}
        return leads or set(unit.leads) or records or {f"unit {unit.number}"}
    return leads


def _changed_leads(tables: Tables, draft: Draft, unit: Unit) -> set[str]:
    versions = tables.leads.versions
    changed = {lead for lead, version in unit.leads.items() if versions.get(lead) != version}
    links = (change for change in unit.changes if isinstance(change, Link))
    return changed | {link.lead_id for link in links if not _links_from(draft, link)}


def _changed_customers(tables: Tables, draft: Draft, unit: Unit) -> set[str]:
    versions = tables.customers.versions
    changed = {row for row, version in unit.customers.items() if versions.get(row) != version}
    retired = {change.customer_id for change in unit.changes if isinstance(change, Retire)}
    patches = (change for change in unit.changes if isinstance(change, PatchCustomer))
    changed |= {patch.customer_id for patch in patches if not _patches_from(draft, patch)}
    return changed | {row for row in retired if row not in draft.customers.rows}


def _links_from(draft: Draft, link: Link) -> bool:
    lead = draft.leads.rows.get(link.lead_id)
    return lead is not None and lead.customer_id == link.before


def _finds_another_state(draft: Draft, change: Change) -> bool:
    """Tell whether a row or ruling is not as *change* expects to find it."""
    match change:
        case Relink():
            table = draft.pointing(change.table)
            row = table.rows.get(change.row)
            return row is None or table.customer_of(row) != change.before
        case Rule():
            return (change.ruling.id in draft.rulings) == change.in_force
    return False


def _patches_from(draft: Draft, patch: PatchCustomer) -> bool:
    """Tell whether the keys that *patch* touches are as it found them."""
    customer = draft.customers.rows.get(patch.customer_id)
    if customer is None:
        return False
    metadata = customer.metadata or {}
    touched = {*patch.before, *patch.after}
    return {key: metadata[key] for key in touched if key in metadata} == dict(patch.before)


def _values(tables: Tables, unit: Unit) -> set[Identifier]:
    """Return the identifiers that *unit* claims: those its records hold or come to hold."""
    seen = tables.index.seen
    records = (*unit.leads, *(f"customer:{customer}" for customer in unit.customers))
    values = {value for record in records for value in seen.get(record, ())}
    for change in unit.changes:
        if isinstance(change, Reindex):
            values.update(change.identifiers)
    return values
