"""From a snapshot to a finished plan: purely, with ids and times handed in. Nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from heapq import nsmallest
from itertools import chain
from typing import TYPE_CHECKING

import attrs

from leadfold.backfill.filling import fill
from leadfold.backfill.pinning import pinned, rulings_with
from leadfold.backfill.plan import Drift, GroupSize, Mismatch, Plan
from leadfold.backfill.reconciling import reconcile
from leadfold.backfill.snapshot import read_snapshot
from leadfold.backfill.units import PlannedUnits
from leadfold.changes import Stats
from leadfold.exceptions import MappingError
from leadfold.grouping import group_columns
from leadfold.model import INDIVIDUAL, JOB
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

    from leadfold.backfill.filling import Assignment
    from leadfold.backfill.pinning import Pins
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.backfill.units import Following
    from leadfold.changes import Run
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy
    from leadfold.reporter import Reporter
    from leadfold.repository import DependentCount, Reader
    from leadfold.survivorship import StoredPhone

__all__ = ["Dependents", "make_plan"]

_LARGE = 20  # how many of the largest groups a plan names


def make_plan(
    reader: Reader,
    policy: Policy,
    run: Run,
    *,
    new_id: Callable[[], str],
    stored_phone: StoredPhone,
    adopt: bool,
    reporter: Reporter,
) -> Plan:
    """Return the plan of *run* over everything *reader* sees; its mode says by which rules.

    *new_id* mints a customer id; it is called once for each new customer, in the order of their
    oldest leads.
    """
    snapshot = read_snapshot(
        reader, policy, reporter, keep_raw_phones=stored_phone == "as_received"
    )
    pins: Pins = {}
    fixed: Container[int] = range(len(snapshot.ids))  # no link changes
    if run.mode == "reconcile":
        unexplained = frozenset() if adopt else frozenset(reader.unexplained())
        pins = pinned(snapshot, unexplained)
        fixed = _fixed(snapshot, unexplained)
    resolution = group_columns(snapshot.columns, policy, rulings_with(pins, snapshot))
    assignment = (
        reconcile(snapshot, resolution, policy, pins)
        if run.mode == "reconcile"
        else fill(snapshot, resolution, policy)
    )
    _refuse_undeclared(assignment, snapshot)
    customer_of, minted = _with_new(snapshot, resolution, assignment, fixed, new_id)
    dependents = Dependents()
    hidden = set[tuple[int, str]]()
    facts = snapshot.facts
    units = PlannedUnits(
        snapshot,
        resolution,
        assignment,
        run,
        stored_phone,
        customer_of,
        minted,
        hidden,
        fixed,
        dependents.follows,
        Counter(link for link in snapshot.links[: snapshot.leads] if link is not None),
        (LEAD, *(dependent.name for dependent in facts.dependents), *facts.carried),
    )
    _follow(dependents, units, reader.dependents())
    notes = _hide_taken(units, hidden)
    drift = tuple(_drift(units))
    merges = tuple(
        (customer, customer_of[group]) for customer, group in sorted(assignment.retired.items())
    )
    rows = [row for rows in pins.values() for row in rows if snapshot.is_lead(row)]
    return Plan(
        run=run,
        stats=_stats(units, dependents=dependents, drift=drift),
        counts=_counts(snapshot, resolution),
        leads=snapshot.leads,
        strategy=policy.strategy,
        units=units,
        claims_at=snapshot.facts.clock,
        drift=drift,
        mismatches=tuple(dependents.mismatches),
        notes=notes,
        unreadable=tuple(snapshot.unreadable),
        large=_large(resolution),
        merges=merges,
        pinned=tuple(sorted(snapshot.ids[row] for row in rows)),
    )


def _fixed(snapshot: Snapshot, unexplained: Collection[str]) -> frozenset[int]:
    """Return the rows that ``reconcile`` may not move: customers' own, and what nobody explains."""
    foreign = (row for row in range(snapshot.leads) if snapshot.ids[row] in unexplained)
    gone = (row for row in foreign if snapshot.links[row] not in snapshot.customers)
    return frozenset((*gone, *range(snapshot.leads, len(snapshot.ids))))


def _refuse_undeclared(assignment: Assignment, snapshot: Snapshot) -> None:
    if assignment.retired and snapshot.facts.foreign_keys:
        raise MappingError(undeclared(snapshot.facts.foreign_keys))


def _with_new(
    snapshot: Snapshot,
    resolution: Resolution,
    assignment: Assignment,
    fixed: Container[int],
    new_id: Callable[[], str],
) -> tuple[list[str], bytearray]:
    """Return every group's customer, and a mark for each group whose customer is new.

    A group none of whose leads may be linked anew gets no new one, though its customers are gone.
    """
    customers: list[str] = [""] * len(assignment.existing)
    minted = bytearray(len(customers))
    for number in chain.from_iterable(assignment.components):
        existing = assignment.existing[number]
        if existing is not None:
            customers[number] = existing
        elif not assignment.linked[number] or any(
            snapshot.is_lead(row) and (snapshot.links[row] is None or row not in fixed)
            for row in resolution.rows[number]
        ):
            customers[number] = new_id()
            minted[number] = True
        else:
            customers[number] = assignment.linked[number][0]
    return customers, minted


@attrs.define
class Dependents:
    """What becomes of the dependents: which to link by lead, and the figures by table."""

    follows: dict[str, tuple[Following, ...]] = attrs.field(factory=dict)
    linked: Counter[str] = attrs.field(factory=Counter)
    already: Counter[str] = attrs.field(factory=Counter)
    mismatches: list[Mismatch] = attrs.field(factory=list)


def _follow(found: Dependents, units: PlannedUnits, counts: Iterable[DependentCount]) -> None:
    """Decide which dependents take their lead's customer; report those that do not follow."""
    snapshot = units.snapshot
    row_of: dict[str, int] = {}
    alike: dict[tuple[Following, ...], tuple[Following, ...]] = {}  # most are one job: one object
    for count in counts:
        if not row_of:
            row_of = {snapshot.ids[row]: row for row in range(snapshot.leads)}
        row = row_of.get(count.lead_id or "")
        if row is None:
            found.mismatches.append(_mismatch(count, "no lead"))
            continue
        link, customer = snapshot.links[row], units.target(row)
        if link == customer and customer not in snapshot.customers:
            found.mismatches.append(_mismatch(count, "lead without customer"))
        elif count.customer_id is None or (link != customer and count.customer_id == link):
            lead, following = snapshot.ids[row], (count.table, count.customer_id, count.count)
            told = tuple(sorted((*found.follows.get(lead, ()), following), key=_table_and_before))
            found.follows[lead] = alike.setdefault(told, told)
            found.linked[count.table] += count.count
        elif count.customer_id == customer:
            found.already[count.table] += count.count
        else:
            found.mismatches.append(_mismatch(count, "other customer"))
    found.mismatches.sort(key=lambda m: (m.table, m.lead_id or "", m.customer_id or ""))


def _table_and_before(following: Following) -> tuple[str, str]:
    return following[0], following[1] or ""


def _mismatch(count: DependentCount, problem: str) -> Mismatch:
    return Mismatch(count.table, count.lead_id, count.customer_id, count.count, problem)


def _hide_taken(units: PlannedUnits, hidden: set[tuple[int, str]]) -> tuple[str, ...]:
    """Let only the first customer show a value of a unique column; note who leaves it NULL."""
    snapshot, notes = units.snapshot, []
    for column in sorted(snapshot.facts.unique):
        shown = {getattr(customer, column) for customer in snapshot.customers.values()}
        for component in units.assignment.components:
            for number in component:
                if not units.minted[number]:
                    continue
                value = units.founding(number).row[column]
                if value is not None and value in shown:
                    hidden.add((number, column))
                    customer = units.customer_of[number]
                    notes.append(f"{customer} shows no {column}: another customer has it already")
                shown.add(value)
    return tuple(notes)


def _drift(units: PlannedUnits) -> Iterable[Drift]:
    """Yield every unit whose links are not one customer to one group, and will not be either."""
    snapshot, resolution, assignment = units.snapshot, units.resolution, units.assignment
    for component in assignment.components if any(assignment.linked) else ():
        stay = {
            number: {
                link
                for row in resolution.rows[number]
                if (link := snapshot.links[row]) is not None and not units.moves(row)
            }
            for number in component
            if assignment.linked[number]
        }
        customers = {link for links in stay.values() for link in links} & snapshot.customers.keys()
        linked = [number for number, links in stay.items() if links]
        if len(customers) > 1 or len(linked) > 1:
            keys = sorted(resolution.keys[number] for number in linked)
            if len(linked) != len(customers) or any(len(stay[n]) > 1 for n in linked):
                yield Drift(tuple(keys), tuple(sorted(customers)))


def _stats(units: PlannedUnits, *, dependents: Dependents, drift: tuple[Drift, ...]) -> Stats:
    snapshot, resolution, assignment = units.snapshot, units.resolution, units.assignment
    moved = sum(map(units.moves, range(snapshot.leads)))
    unlinked = sum(link is None for link in snapshot.links[: snapshot.leads])
    reused = {
        customer
        for customer, rows in zip(assignment.existing, resolution.rows, strict=True)
        if customer is not None and any(map(snapshot.is_lead, rows))
    }
    tables: dict[str, dict[str, int]] = defaultdict(dict)
    for table in sorted({*dependents.linked, *dependents.already}):
        tables[table] = {"linked": dependents.linked[table], "already": dependents.already[table]}
    problems = Counter[str]()
    for mismatch in dependents.mismatches:
        problems[mismatch.problem] += mismatch.count
    return Stats(
        customers_created=sum(units.minted),
        customers_skipped=len(reused),
        leads_linked=moved,
        leads_already_linked=snapshot.leads - moved,
        jobs_linked=dependents.linked[JOB.name],
        jobs_already_linked=dependents.already[JOB.name],
        extra={
            "dependents": dict(tables),
            "dependentsNotFollowing": dict(sorted(problems.items())),
            "drift": len(drift),
            "rejected": len(snapshot.columns.refused),
            "indexed": sum(snapshot.changed),
            "unreadable": len(snapshot.unreadable),
            **({"leadsMoved": moved - unlinked} if units.run.mode == "reconcile" else {}),
            **({"customersRetired": len(assignment.retired)} if assignment.retired else {}),
        },
    )


def _counts(snapshot: Snapshot, resolution: Resolution) -> Mapping[str, int]:
    """Return groups by kind, without those that hold customer records alone."""
    names = (*resolution.policy.kinds, INDIVIDUAL)
    found = Counter(
        resolution.group_keys[number][0]
        for number, rows in enumerate(resolution.rows)
        if any(map(snapshot.is_lead, rows))
    )
    return {name: found[place] for place, name in enumerate(names)}


def _large(resolution: Resolution) -> tuple[GroupSize, ...]:
    sizes = ((-len(rows), resolution.keys[n], n) for n, rows in enumerate(resolution.rows))
    return tuple(
        GroupSize(key, -size, _to_block(resolution, number))
        for size, key, number in nsmallest(_LARGE, sizes)
    )


def _to_block(resolution: Resolution, number: int) -> str:
    """Return what a policy would block of the key of the group *number*."""
    place, value = resolution.group_keys[number]
    rules = resolution.policy.identifiers
    scoped = place < len(rules) and rules[place].scope is not None
    return value.partition("/")[2] if scoped else value
