"""From a snapshot to a finished plan: purely, with ids and times handed in. Nothing is written.

Only `make_plan` asks the store; everything below it decides from what was read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from heapq import nsmallest
from itertools import chain
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.filling import fill, needs_one
from leadfold.backfill.following import Dependents
from leadfold.backfill.pinning import pinned, rulings_with
from leadfold.backfill.plan import Drift, GroupSize, Plan
from leadfold.backfill.reconciling import reconcile
from leadfold.backfill.snapshot import read_snapshot
from leadfold.backfill.tallying import is_blank_record
from leadfold.backfill.units import PlannedUnits
from leadfold.backfill.waiting import gone
from leadfold.changes import Stats
from leadfold.exceptions import MappingError
from leadfold.grouping import group_columns
from leadfold.model import INDIVIDUAL, JOB
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

    from leadfold.asking import Asks
    from leadfold.backfill.filling import Assignment
    from leadfold.backfill.pinning import Pins
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import Run
    from leadfold.founding import Following
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy
    from leadfold.reporter import Reporter
    from leadfold.survivorship import StoredPhone

__all__ = ["Decided", "decide", "make_plan", "new_values"]

_LARGE = 20  # how many of the largest groups a plan names


def make_plan(
    policy: Policy,
    run: Run,
    *,
    new_id: Callable[[], str],
    stored_phone: StoredPhone,
    adopt: bool,
    reporter: Reporter,
) -> Asks[Plan]:
    """Return the plan of *run* over everything in the store; its mode says by which rules.

    *new_id* mints a customer id; it is called once for each new customer, in the order of their
    oldest leads.
    """
    as_received = stored_phone == "as_received"
    snapshot = yield from read_snapshot(policy, reporter, keep_raw_phones=as_received)
    snapshot.gone = yield from gone(snapshot, run.at)
    unexplained: Collection[str] = ()
    if run.mode == "reconcile" and not adopt:
        unexplained = frozenset((yield from asking.unexplained().whole()))
    decided = decide(
        snapshot, policy, run, new_id=new_id, stored_phone=stored_phone, unexplained=unexplained
    )
    yield from asking.dependents().each(decided.dependents.add)
    decided.dependents.finish()
    return _plan(decided, policy)


@attrs.frozen
class Decided:
    """What a snapshot comes to: the units, and what is told beside them.

    The *dependents* are to be given the counts of rows, and finished, before units are walked.
    """

    units: PlannedUnits
    dependents: Dependents
    pins: Pins

    def hide(self, shown: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        """Let only the first customer show a value of a unique column; note who leaves it NULL.

        *shown* are values, by column, that customers beyond these show.
        """
        return tuple(_hidden(self.units, shown))


def decide(
    snapshot: Snapshot,
    policy: Policy,
    run: Run,
    *,
    new_id: Callable[[], str],
    stored_phone: StoredPhone,
    unexplained: Collection[str],
) -> Decided:
    """Return what *run* comes to over *snapshot*: the whole store, or a closed set of it.

    *unexplained* are the leads whose link nobody knows the reason of: ``reconcile`` pins them.
    """
    pins: Pins = {}
    fixed: Container[int] = range(len(snapshot.ids))  # no link changes
    if run.mode == "reconcile":
        pins = pinned(snapshot, unexplained)
        fixed = _fixed(snapshot, unexplained)
    follows: dict[str, tuple[Following, ...]] = {}
    units = _decided(snapshot, policy, run, pins, fixed, stored_phone, new_id, follows)
    return Decided(units, Dependents(units, follows), pins)


def _decided(  # noqa: PLR0917 - all that decides
    snapshot: Snapshot,
    policy: Policy,
    run: Run,
    pins: Pins,
    fixed: Container[int],
    stored_phone: StoredPhone,
    new_id: Callable[[], str],
    follows: Mapping[str, tuple[Following, ...]],
) -> PlannedUnits:
    """Return the units, the dependents' part of which is in *follows* later."""
    resolution = group_columns(snapshot.columns, policy, rulings_with(pins, snapshot))
    assignment = (
        reconcile(snapshot, resolution, policy, pins, fixed)
        if run.mode == "reconcile"
        else fill(snapshot, resolution, policy, fixed)
    )
    _refuse_undeclared(assignment, snapshot)
    customer_of, minted = _with_new(snapshot, resolution, assignment, fixed, new_id)
    facts = snapshot.facts
    return PlannedUnits(
        snapshot,
        resolution,
        assignment,
        run,
        stored_phone,
        customer_of,
        minted,
        set(),
        fixed,
        follows,
        Counter(link for link in snapshot.links[: snapshot.leads] if link is not None),
        (LEAD, *(dependent.name for dependent in facts.dependents), *facts.carried),
    )


def _plan(decided: Decided, policy: Policy) -> Plan:
    units, dependents, pins = decided.units, decided.dependents, decided.pins
    snapshot, resolution = units.snapshot, units.resolution
    drift = tuple(_drift(units))
    retired = units.assignment.retired
    rows = [row for rows in pins.values() for row in rows if snapshot.is_lead(row)]
    return Plan(
        run=units.run,
        stats=_stats(units, dependents=dependents, drift=drift),
        counts=_counts(snapshot, resolution),
        leads=snapshot.leads,
        strategy=policy.strategy,
        units=units,
        claims_at=snapshot.facts.clock,
        drift=drift,
        mismatches=tuple(dependents.mismatches),
        notes=decided.hide({}),
        unreadable=tuple(snapshot.unreadable),
        large=_large(resolution),
        merges=tuple((old, units.customer_of[group]) for old, group in sorted(retired.items())),
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
        elif not assignment.linked[number] or needs_one(number, snapshot, resolution, fixed):
            customers[number] = new_id()
            minted[number] = True
        else:
            customers[number] = assignment.linked[number][0]
    return customers, minted


def new_values(units: PlannedUnits) -> dict[str, list[str]]:
    """Return what new customers would show in each unique column."""
    founded = [
        units.founding(number).row
        for component in units.assignment.components
        for number in component
        if units.minted[number]
    ]
    return {
        column: [str(row[column]) for row in founded if row[column] is not None]
        for column in sorted(units.snapshot.facts.unique)
    }


def _hidden(units: PlannedUnits, beyond: Mapping[str, Collection[str]]) -> Iterable[str]:
    """Hide what is shown already, and yield a note for each."""
    snapshot = units.snapshot
    for column in sorted(snapshot.facts.unique):
        shown = {getattr(customer, column) for customer in snapshot.customers.values()}
        shown.update(beyond.get(column, ()))
        for component in units.assignment.components:
            for number in component:
                if not units.minted[number]:
                    continue
                value = units.founding(number).row[column]
                if value is not None and value in shown:
                    units.hidden.add((number, column))
                    customer = units.customer_of[number]
                    yield f"{customer} shows no {column}: another customer has it already"
                shown.add(value)


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
            if assignment.linked[number] and not is_blank_record(snapshot, resolution, number)
        }
        customers = {link for links in stay.values() for link in links} & snapshot.customers.keys()
        linked = [number for number, links in stay.items() if links]
        if len(customers) > 1 or len(linked) > 1:
            keys = sorted(resolution.keys[number] for number in linked)
            if len(linked) != len(customers) or any(len(stay[n]) > 1 for n in linked):
                yield Drift(tuple(keys), tuple(sorted(customers)))


def _stats(units: PlannedUnits, *, dependents: Dependents, drift: tuple[Drift, ...]) -> Stats:
    snapshot, resolution, assignment = units.snapshot, units.resolution, units.assignment
    waiting = len(snapshot.queued) + len(snapshot.gone)
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
            **({"rejectedBy": refusals} if (refusals := _refusals(snapshot)) else {}),
            **({"leadsMoved": moved - unlinked} if units.run.mode == "reconcile" else {}),
            **({"customersRetired": len(assignment.retired)} if assignment.retired else {}),
            **({"queueSettled": waiting} if waiting else {}),
        },
    )


def _refusals(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """Return how many values took no part, by field and reason."""
    counts = Counter((field, reason.value) for _, field, reason, _ in snapshot.columns.refused)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (field, reason), count in sorted(counts.items()):
        found[field][reason] = count
    return dict(found)


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
