"""One customer becomes several, because a person says so."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.filling import Assignment, Components
from leadfold.backfill.minting import id_maker, new_run
from leadfold.backfill.snapshot import read_snapshot
from leadfold.backfill.units import PlannedUnits
from leadfold.changes import Follow, Link
from leadfold.customers.deciding import decide, recounted, ruled
from leadfold.customers.reading import leads_among, read_customer
from leadfold.errands import run
from leadfold.exceptions import DecisionError
from leadfold.grouping import group_columns
from leadfold.model import Ruling, text_id
from leadfold.policy import Policy
from leadfold.reporter import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.applying import Report
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import Change, InsertCustomer, Run
    from leadfold.errands import Errand
    from leadfold.repository import CustomerBatch, DependentCount, Repository
    from leadfold.survivorship import StoredPhone

__all__ = ["split", "splitting"]


def split(
    repository: Repository,
    customer: str,
    parts: Sequence[Collection[str]],
    *,
    policy: Policy | None = None,
    stored_phone: StoredPhone = "e164",
    actor: str = "system",
    created_by: str = "leadfold",
    run_id: str | None = None,
    new_id: Callable[[], str] | None = None,
    now: datetime | None = None,
) -> Report:
    """Give each of *parts*, leads of *customer*, a customer of its own.

    The leads that no part names keep the customer; if the parts name all of them, the largest
    does (then the one with the oldest lead). Dependents follow their lead where they had the same
    customer; what points at the customer alone stays with it. That the parts are different
    persons is recorded as a ruling, which takes older rulings that say otherwise out of force.

    Args:
        repository: the store.
        customer: the id of the customer.
        parts: lead ids, part by part; a lead in one part only.
        policy: by which new customers are named; default `Policy.keyed()`.
        stored_phone: how new customers show their phone.
        actor: who decided it.
        created_by: what new customers' metadata names.
        run_id: the run's id; default: a new one.
        new_id: makes customer ids; default: ascending UUIDs.
        now: the time of the run; default: the present.

    Raises:
        UnknownCustomerError: there is no such customer.
        DecisionError: a part is empty, names a lead of another customer, or shares one with
            another part; or there are not two parts, the leads that none names included.
        StalePlanError, StoreError: nothing was written.
    """
    errand = splitting(
        customer,
        parts,
        policy=policy,
        stored_phone=stored_phone,
        actor=actor,
        created_by=created_by,
        run_id=run_id,
        new_id=new_id,
        now=now,
    )
    return run(errand, repository)


def splitting(
    customer: str,
    parts: Sequence[Collection[str]],
    *,
    policy: Policy | None,
    stored_phone: StoredPhone,
    actor: str,
    created_by: str,
    run_id: str | None,
    new_id: Callable[[], str] | None,
    now: datetime | None,
) -> Errand[Report]:
    """Split in whichever kind of repository; see `split`."""
    made = new_run("split_customer", actor=actor, created_by=created_by, run_id=run_id, now=now)
    policy = Policy() if policy is None else policy
    make_id = new_id or id_maker(made.at)
    asks = _parted(customer, parts, policy, made, stored_phone, make_id)
    return (yield from decide(made, asks))


def _parted(  # noqa: PLR0917 - the split, and what its new customers are made with
    customer: str,
    parts: Sequence[Collection[str]],
    policy: Policy,
    made: Run,
    stored_phone: StoredPhone,
    new_id: Callable[[], str],
) -> Asks[list[Change]]:
    stored = yield from read_customer(customer)
    leads = leads_among((yield from asking.pointing_at([customer]).whole()), customer)
    given = _checked(customer, leads, parts)
    as_received = stored_phone == "as_received"
    snapshot = yield from read_snapshot(
        policy, SILENT, keep_raw_phones=as_received, lead_ids=leads, customer_ids=()
    )
    staying, leaving = _staying(snapshot, leads, given)
    ruling = Ruling(made.id, [{*staying, *stored.records}, *leaving], made.at, made.actor)
    founded = _founded(snapshot, policy, made, stored_phone, staying, leaving, new_id)
    taken = yield from _taken(snapshot.facts.unique)
    following = yield from _following(customer)
    changes: list[Change] = []
    for new in founded:
        changes += _moves(customer, _hidden(new, taken), following)
    return [*changes, *recounted(stored, len(staying)), *(yield from ruled(ruling))]


def _checked(
    customer: str, leads: Sequence[str], parts: Sequence[Collection[str]]
) -> tuple[frozenset[str], ...]:
    """Return *parts* as sets, or raise what is wrong with them."""
    if isinstance(parts, str) or any(isinstance(part, str) for part in parts):
        msg = "parts must be lists of lead ids, one list for each part"
        raise DecisionError(msg)
    textual = [[text_id(lead) for lead in part] for part in parts]
    named = [lead for part in textual for lead in part]
    foreign = sorted(set(named) - set(leads))
    if foreign:
        msg = f"customer {customer} has no lead {', '.join(foreign)}: name its own leads"
        raise DecisionError(msg)
    if len(named) != len(set(named)) or not all(parts):
        msg = "every part needs a lead, and every lead can be in one part only"
        raise DecisionError(msg)
    rest = set(leads) - set(named)
    if len(parts) + bool(rest) < 2:  # noqa: PLR2004 - a split makes two
        msg = f"nothing to split: all leads of customer {customer} would stay together"
        raise DecisionError(msg)
    return tuple(map(frozenset, textual))


def _staying(
    snapshot: Snapshot, leads: Collection[str], parts: Sequence[frozenset[str]]
) -> tuple[frozenset[str], list[frozenset[str]]]:
    """Return the leads that keep the customer, and the parts that leave it."""
    rest = frozenset(leads).difference(*parts)
    if rest:
        return rest, list(parts)
    order = {snapshot.ids[row]: snapshot.order(row) for row in range(snapshot.leads)}
    largest = min(parts, key=lambda part: (-len(part), min(order[lead] for lead in part)))
    return largest, [part for part in parts if part is not largest]


@attrs.frozen
class _Founded:
    """A new customer and the leads it takes."""

    customer: InsertCustomer
    leads: tuple[str, ...]


def _founded(  # noqa: PLR0917 - what a new customer's row is made of
    snapshot: Snapshot,
    policy: Policy,
    run: Run,
    stored_phone: StoredPhone,
    staying: frozenset[str],
    parts: Sequence[frozenset[str]],
    new_id: Callable[[], str],
) -> list[_Founded]:
    """Return the new customer of each of *parts*, as a backfill would have made it."""
    musts = [Ruling(f"part {number}", [part]) for number, part in enumerate(parts)]
    snapshot.links[:] = [None] * len(snapshot.links)  # as if none of them had a customer yet
    resolution = group_columns(
        snapshot.columns, policy, [*musts, Ruling("split", [staying, *parts])]
    )
    row_of = {lead: row for row, lead in enumerate(snapshot.ids)}
    numbers = [resolution.partition.labels[row_of[min(part)]] for part in parts]
    customer_of = [""] * len(resolution.rows)
    minted = bytearray(len(customer_of))
    for number in numbers:
        customer_of[number] = new_id()
        minted[number] = True
    units = PlannedUnits(
        snapshot=snapshot,
        resolution=resolution,
        assignment=Assignment([], [], Components()),
        run=run,
        stored_phone=stored_phone,
        customer_of=customer_of,
        minted=minted,
        hidden=set(),
        fixed=(),
        follows={},
        counts={},
    )
    return [
        _Founded(units.founding(number), tuple(sorted(part)))
        for number, part in zip(numbers, parts, strict=True)
    ]


def _taken(unique: Collection[str]) -> Asks[dict[str, set[object]]]:
    """Return what customers show in the columns that must be unique."""
    taken: dict[str, set[object]] = {column: set() for column in unique}

    def add(batch: CustomerBatch) -> None:
        for column, cells in (("phone", batch.phones), ("email", batch.emails)):
            if column in taken:
                taken[column].update(cells)

    if unique:
        yield from asking.customers().each(add)
    return taken


def _hidden(new: _Founded, taken: Mapping[str, set[object]]) -> _Founded:
    """Return *new* without what another customer shows where that must be unique."""
    founded = new.customer
    hidden = {column for column, cells in taken.items() if founded.row[column] in cells}
    for column, cells in taken.items():
        cells.add(founded.row[column])
    row = {key: None if key in hidden else value for key, value in founded.row.items()}
    sources = {key: lead for key, lead in founded.sources.items() if key not in hidden}
    return attrs.evolve(new, customer=attrs.evolve(founded, row=row, sources=sources))


def _following(customer: str) -> Asks[dict[str, list[tuple[str, int]]]]:
    """Return how many rows of which table have that customer, by their lead."""
    following: dict[str, list[tuple[str, int]]] = defaultdict(list)

    def add(rows: DependentCount) -> None:
        if rows.customer_id == customer and rows.lead_id is not None:
            following[rows.lead_id].append((rows.table, rows.count))

    yield from asking.dependents().each(add)
    return following


def _moves(
    customer: str, new: _Founded, following: Mapping[str, Sequence[tuple[str, int]]]
) -> Iterator[Change]:
    """Yield what lets the new customer take its leads and what follows them."""
    yield new.customer
    for lead in new.leads:
        yield Link(lead, customer, new.customer.customer_id, f"split of {customer}")
        for table, rows in sorted(following.get(lead, ())):
            yield Follow(table, lead, new.customer.customer_id, rows, customer)
