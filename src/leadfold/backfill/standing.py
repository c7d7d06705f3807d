"""What of a run still stands: its ledger beside the store as it is now. It asks, decides nothing.

The ledger is read in portions of whole units, so that a run of a million links is never held at
once; of the store only the rows that a portion names are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.folding import folded
from leadfold.changes import OPEN
from leadfold.exceptions import MappingError
from leadfold.progress import STOPPED
from leadfold.repository import CUSTOMER, LEAD, RULING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from leadfold.asking import Asks
    from leadfold.changes import Run
    from leadfold.repository import CustomerBatch, LedgerEntry, Maker, Reference, StoreFacts

__all__ = [
    "UNDOES",
    "Now",
    "Place",
    "WholeUnits",
    "built_upon",
    "later_deeds",
    "read_now",
    "rollback_of",
    "undone_by",
]

UNDOES = "undoes"
"""The key of `Run.extra` under which a rollback names the run it takes back."""

Place = tuple[str, str]
"""A row: its table, as the ledger calls it, and its id."""

Deed = tuple[Place, str, str]
"""What a later run did: to which row, by which action, and the run's id."""


@attrs.frozen
class Shown:
    """What of a customer's row a rollback must know."""

    columns: Mapping[str, object] = attrs.field(repr=False)
    made_by: Maker | None

    @property
    def metadata(self) -> Mapping[str, object]:
        """Return its metadata, empty where it has none."""
        found = self.columns["metadata"]
        return found if isinstance(found, dict) else {}


@attrs.frozen
class Now:
    """Rows as they are now: links by row (a row that is gone has none), customers, rulings.

    *pointing* has the rows that point at each customer that a unit names, *lead_of* the lead that
    such a row points at, if it does.
    """

    links: Mapping[Place, str | None]
    customers: Mapping[str, Shown]
    pointing: Mapping[str, frozenset[Place]]
    lead_of: Mapping[Place, str]
    rulings: Collection[str]


def later_deeds(run: Run) -> Asks[list[Deed]]:
    """Return what later runs did to rows of *run*, in the order written, without any image."""
    deeds: list[Deed] = []

    def add(entry: LedgerEntry) -> None:
        deeds.append(((entry.table, entry.row), entry.action, entry.run_id))

    yield from asking.later(run.id).each(add)
    return deeds


def undone_by(run: Run, deeds: Collection[Deed]) -> Asks[tuple[Run | None, dict[str, str]]]:
    """Return the rollback in force that took *run* back, and what later rollbacks took back.

    The second is a mapping from the id of each later rollback to the run it undoes.
    """
    ids = {run_id for _, _, run_id in deeds}
    later = (yield from asking.runs(len(ids), ids=ids)) if ids else ()
    rollbacks = {each.id: str(each.extra[UNDOES]) for each in later if UNDOES in each.extra}
    undone: set[str] = set()
    taken_back = None
    for each in later:  # newest first: whether a rollback is in force is known before it counts
        if each.id in rollbacks and each.id not in undone:
            undone.add(rollbacks[each.id])
            if rollbacks[each.id] == run.id:
                taken_back = each
    return taken_back, rollbacks


def rollback_of(run_id: str) -> Asks[str | None]:
    """Return the id of the rollback in force that took the finished run *run_id* back, or None."""
    found = yield from asking.runs(1, ids=[run_id])
    if not found or found[0].status == STOPPED:
        return None
    taken_back, _ = yield from undone_by(found[0], (yield from later_deeds(found[0])))
    return None if taken_back is None else taken_back.id


def built_upon(deeds: Iterable[Deed], rollbacks: Mapping[str, str]) -> dict[Place, tuple[str, ...]]:
    """Return the later runs that did *deeds* which still stand, by row.

    What a run did to a row and its rollback undid is no trace, nor is a rollback that was itself
    rolled back, however often to and fro; an erasure builds on nothing.
    """
    standing: dict[Place, dict[str, str]] = defaultdict(dict)
    seen: set[tuple[Place, str]] = set()
    for place, action, run_id in deeds:
        if action == "erase" or (place, run_id) in seen:
            continue
        seen.add((place, run_id))
        turned = run_id
        while turned in rollbacks:
            turned = rollbacks[turned]
        if standing[place].pop(turned, None) is None:
            standing[place][turned] = run_id
    return {place: tuple(runs.values()) for place, runs in standing.items() if runs}


class WholeUnits:
    """The units of a run's ledger, some portion of entries at a time; an open run's are folded."""

    def __init__(self, run: Run) -> None:
        self._entries = asking.entries(run.id)
        self._left: list[LedgerEntry] = []
        self._folds = run.status in {OPEN, STOPPED}  # one that was taken back may have been open

    def take(self) -> Asks[list[list[LedgerEntry]]]:
        """Return the next units, each whole, or nothing at the end."""
        if self._folds:
            return folded((yield from self._entries.whole()))
        while portion := (yield from self._entries.take()):
            self._left += portion
            units = [list(unit) for _, unit in groupby(self._left, key=attrgetter("unit"))]
            self._left = units.pop()  # it may go on
            if units:
                return units
        last, self._left = self._left, []
        return [last] if last else []


def read_now(units: Sequence[Sequence[LedgerEntry]]) -> Asks[Now]:
    """Read the rows that the entries of *units* name.

    Raises:
        MappingError: the run changed rows of a table that the store's mapping no longer names.
    """
    rows, customers = _named(units)
    _refuse_unknown(rows.keys(), (yield from asking.facts()))
    links: list[Reference] = []
    for table, ids in rows.items():
        yield from asking.links(table, ids).each(links.append)
    pointing: dict[str, set[Place]] = defaultdict(set)
    lead_of: dict[Place, str] = {}

    def point(each: Reference) -> None:
        pointing[each.customer_id or ""].add((each.table, each.row))
        if each.lead_id is not None:
            lead_of[each.table, each.row] = each.lead_id

    yield from asking.pointing_at(customers).each(point)
    shown: dict[str, Shown] = {}
    yield from asking.customers(customers).each(lambda batch: shown.update(_shown(batch)))
    return Now(
        {(each.table, each.row): each.customer_id for each in links},
        shown,
        {customer: frozenset(places) for customer, places in pointing.items()},
        lead_of,
        frozenset(ruling.id for ruling in (yield from asking.rulings())),
    )


def _named(units: Sequence[Sequence[LedgerEntry]]) -> tuple[dict[str, list[str]], set[str]]:
    """Return the rows that the entries of *units* name by table, and the customers."""
    rows: dict[str, list[str]] = defaultdict(list)
    customers: set[str] = set()
    for entry in (entry for unit in units for entry in unit):
        if entry.table == CUSTOMER:
            customers.add(entry.row)
        elif entry.table != RULING:
            rows[entry.table].append(entry.row)
            ends = {entry.before, entry.after}
            customers.update(end for end in ends if isinstance(end, str))
    return rows, customers


def _refuse_unknown(tables: AbstractSet[str], facts: StoreFacts) -> None:
    known = {LEAD, *facts.carried, *(dependent.name for dependent in facts.dependents)}
    if unknown := sorted(tables - known):
        raise MappingError(
            f"the run changed rows of {table}, which is no longer mapped: map it as it was"
            for table in unknown
        )


def _shown(batch: CustomerBatch) -> dict[str, Shown]:
    return {
        id_: Shown({"name": name, "phone": phone, "email": email, "metadata": metadata}, made_by)
        for id_, name, phone, email, metadata, made_by in zip(
            batch.ids,
            batch.names,
            batch.phones,
            batch.emails,
            batch.metadata,
            batch.made_by,
            strict=True,
        )
    }
