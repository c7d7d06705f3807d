"""The commit of the in-memory store: tables and a change set in, the next tables out. No state.

A unit that is stale or faulty leaves nothing behind; whatever is raised here leaves the tables
as they were, for what is written is a draft until it is handed back.
"""

from __future__ import annotations

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
from leadfold.exceptions import RunExistsError, StalePlanError, StoreError, UnitError
from leadfold.repositories.memory.rows import AuditEntry
from leadfold.repositories.memory.tables import Draft
from leadfold.repositories.memory.writing import Writer

if TYPE_CHECKING:
    from typing import Literal

    from leadfold.changes import Change, ChangeSet, Stats, Unit
    from leadfold.model import Identifier
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import Tables

__all__ = ["commit"]
_STALE = "changed since the plan was made: {}"


def commit(tables: Tables, shape: Shape, changes: ChangeSet) -> tuple[Tables, Committed]:
    """Return the tables after *changes*, and what was written."""
    if changes.run.id in tables.runs:
        raise RunExistsError(changes.run.id)
    writer = Writer(Draft(tables), shape, changes.run.id)
    failed: list[tuple[Unit, UnitFailure]] = []
    stale: set[str] = set()
    for unit in changes.units:
        if leads := _stale_leads(tables, writer.draft, unit, changes.claims_at):
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
    return _recorded(writer, changes, stats), Committed(stats, failures)


def _recorded(writer: Writer, changes: ChangeSet, stats: Stats) -> Tables:
    """Return the written tables with the run, its ledger and its audit entry."""
    run = attrs.evolve(
        changes.run, stats=stats.to_dict(), extra={**changes.run.extra, **stats.extra}
    )
    payload = changes.audit_payload(stats)
    if run.policy:
        writer.draft.index.fingerprint = run.policy
    writer.draft.ledger[run.id] = tuple(writer.entries)
    tables = writer.draft.finished()
    entry = AuditEntry(run.actor, run.action, payload, run.at, id=run.id)
    return attrs.evolve(
        tables,
        runs={**tables.runs, run.id: run},
        audit=(*tables.audit, entry),
        made=tables.made | writer.made,
    )


def _failure(unit: Unit, cause: Literal["fault", "stale"], message: str) -> UnitFailure:
    linked = (change.lead_id for change in unit.changes if isinstance(change, Link))
    return UnitFailure(unit.number, tuple(sorted({*unit.leads, *linked})), cause, message)


def _stale_leads(tables: Tables, draft: Draft, unit: Unit, claims_at: int) -> set[str]:
    """Return the leads (or ``customer:<id>``) for which *unit* rests on what is no longer so.

    Versions are those of before the run; what changes find is what earlier units left. Where a
    customer changed, or a value was claimed, that is every lead of the unit.
    """
    leads = _changed_leads(tables, draft, unit)
    customers = _changed_customers(tables, draft, unit)
    if (
        customers
        or tables.index.claimed_after(claims_at, _values(tables, unit))
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
