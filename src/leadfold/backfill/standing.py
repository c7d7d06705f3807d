"""What of a run still stands: its ledger beside the store as it is now. It reads, decides nothing.

The ledger is read in portions of whole units, so that a run of a million links is never held at
once; of the store only the rows that a portion names are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import MappingError
from leadfold.repository import CUSTOMER, LEAD, RULING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from leadfold.changes import Run
    from leadfold.repository import LedgerEntry, Maker, Reader, StoreFacts

__all__ = [
    "UNDOES",
    "Now",
    "Place",
    "built_upon",
    "later_deeds",
    "portions",
    "read_now",
    "undone_by",
]

UNDOES = "undoes"
"""The key of `Run.extra` under which a rollback names the run it takes back."""

PORTION = 20_000

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


def later_deeds(reader: Reader, run: Run) -> list[Deed]:
    """Return what later runs did to rows of *run*, in the order written, without any image."""
    return [
        ((entry.table, entry.row), entry.action, entry.run_id) for entry in reader.later(run.id)
    ]


def undone_by(
    reader: Reader, run: Run, deeds: Collection[Deed]
) -> tuple[Run | None, dict[str, str]]:
    """Return the rollback in force that took *run* back, and what later rollbacks took back.

    The second is a mapping from the id of each later rollback to the run it undoes.
    """
    ids = {run_id for _, _, run_id in deeds}
    later = reader.runs(len(ids), ids=ids) if ids else ()
    rollbacks = {each.id: str(each.extra[UNDOES]) for each in later if UNDOES in each.extra}
    undone: set[str] = set()
    taken_back = None
    for each in later:  # newest first: whether a rollback is in force is known before it counts
        if each.id in rollbacks and each.id not in undone:
            undone.add(rollbacks[each.id])
            if rollbacks[each.id] == run.id:
                taken_back = each
    return taken_back, rollbacks


def built_upon(deeds: Iterable[Deed], rollbacks: Mapping[str, str]) -> dict[Place, tuple[str, ...]]:
    """Return the later runs that did *deeds* which still stand, by row.

    What a run did to a row and its rollback undid is no trace, nor is a rollback that was itself
    rolled back, however often to and fro; an erasure builds on nothing.
    """
    standing: dict[Place, dict[str, str]] = defaultdict(dict)
    last: dict[Place, str] = {}
    for place, action, run_id in deeds:
        if action == "erase" or last.get(place) == run_id:
            continue
        last[place] = run_id
        turned = run_id
        while turned in rollbacks:
            turned = rollbacks[turned]
        if standing[place].pop(turned, None) is None:
            standing[place][turned] = run_id
    return {place: tuple(runs.values()) for place, runs in standing.items() if runs}


def portions(entries: Iterator[LedgerEntry]) -> Iterator[list[list[LedgerEntry]]]:
    """Yield the entries of whole units, some `PORTION` of entries at a time."""
    portion: list[list[LedgerEntry]] = []
    size = 0
    for _, unit in groupby(entries, key=attrgetter("unit")):
        portion.append(list(unit))
        size += len(portion[-1])
        if size >= PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def read_now(reader: Reader, units: Sequence[Sequence[LedgerEntry]]) -> Now:
    """Read the rows that the entries of *units* name.

    Raises:
        MappingError: the run changed rows of a table that the store's mapping no longer names.
    """
    rows: dict[str, list[str]] = defaultdict(list)
    customers: set[str] = set()
    for entry in (entry for unit in units for entry in unit):
        if entry.table == CUSTOMER:
            customers.add(entry.row)
        elif entry.table != RULING:
            rows[entry.table].append(entry.row)
            ends = {entry.before, entry.after}
            customers.update(end for end in ends if isinstance(end, str))
    _refuse_unknown(rows.keys(), reader.facts())
    links = {
        (each.table, each.row): each.customer_id
        for table, ids in rows.items()
        for each in reader.links(table, ids)
    }
    pointing: dict[str, set[Place]] = defaultdict(set)
    lead_of: dict[Place, str] = {}
    for each in reader.pointing_at(customers):
        pointing[each.customer_id or ""].add((each.table, each.row))
        if each.lead_id is not None:
            lead_of[each.table, each.row] = each.lead_id
    return Now(
        links,
        _customers(reader, customers),
        {customer: frozenset(places) for customer, places in pointing.items()},
        lead_of,
        frozenset(ruling.id for ruling in reader.rulings()),
    )


def _refuse_unknown(tables: AbstractSet[str], facts: StoreFacts) -> None:
    known = {LEAD, *facts.carried, *(dependent.name for dependent in facts.dependents)}
    if unknown := sorted(tables - known):
        raise MappingError(
            f"the run changed rows of {table}, which is no longer mapped: map it as it was"
            for table in unknown
        )


def _customers(reader: Reader, ids: Collection[str]) -> dict[str, Shown]:
    return {
        id_: Shown({"name": name, "phone": phone, "email": email, "metadata": metadata}, made_by)
        for batch in reader.customers(ids)
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
