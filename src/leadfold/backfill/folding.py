"""An open run's ledger, folded: what all its writes came to, row by row. Values in, values out.

Many writes of such a run meet in the same rows. Taken back they are together or not at all: sets
of units that have a row or a customer in common, with one entry a row, from what it was before
the first of them to what it was after the last.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

import attrs

from leadfold.backfill.images import patched
from leadfold.disjoint import DisjointSets
from leadfold.repository import CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.repository import LedgerEntry

__all__ = ["folded"]


def folded(entries: Sequence[LedgerEntry]) -> list[list[LedgerEntry]]:
    """Return what *entries*, in the order written, come to: a list for each connected set.

    Each set counts as the unit that was first of it; what came to nothing has no entry.
    """
    rows: dict[int, dict[tuple[str, str], list[LedgerEntry]]] = defaultdict(dict)
    for entry, number in zip(entries, _sets(entries), strict=True):
        place = (entry.table, entry.row)
        rows[number].setdefault(place, []).append(attrs.evolve(entry, unit=number))
    nets = ([net for each in places.values() for net in _net(each)] for places in rows.values())
    return [net for net in nets if net]


def _sets(entries: Sequence[LedgerEntry]) -> list[int]:
    """Return for each entry the first unit of those that are connected with its own."""
    sets = DisjointSets(len(entries))
    met: dict[object, int] = {}
    for at, entry in enumerate(entries):
        for name in _names(entry):
            sets.join(met.setdefault(name, at), at)
    return [entries[sets.find(at)].unit for at in range(len(entries))]


def _names(entry: LedgerEntry) -> Iterator[object]:
    """Yield what *entry* has in common with any other that it must be taken back with."""
    yield entry.unit
    yield entry.table, entry.row
    yield from ((CUSTOMER, end) for end in (entry.before, entry.after) if isinstance(end, str))


def _net(entries: Sequence[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield the one entry that the *entries* about a row come to, if it is another row now."""
    first, last = entries[0], entries[-1]
    if len(entries) == 1:
        yield first
    elif first.table == CUSTOMER:
        yield from _net_customer(entries)
    elif first.before != last.after:
        yield attrs.evolve(first, after=last.after, reason=last.reason)


def _net_customer(entries: Sequence[LedgerEntry]) -> Iterator[LedgerEntry]:
    first, last = entries[0], entries[-1]
    before, after = _patches(entry for entry in entries if entry.action == "patch")
    made, gone = first.action == "insert", last.action == "retire"
    if made and not gone:
        yield attrs.evolve(first, after=patched(cast("Any", first.after), before, after))
    elif gone and not made:
        yield attrs.evolve(last, before=patched(cast("Any", last.before), after, before))
    elif not made and before != after:
        yield attrs.evolve(first, before=before, after=after)


def _patches(
    entries: Iterable[LedgerEntry],
) -> tuple[dict[str, object], dict[str, object]]:
    """Return what several patches of one customer's metadata come to: before and after."""
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    met: set[str] = set()
    for entry in entries:
        was, became = cast("tuple[Mapping[str, object], ...]", (entry.before, entry.after))
        before |= {key: value for key, value in was.items() if key not in met}
        met |= {*was, *became}
        after = {key: value for key, value in after.items() if key not in was} | {**became}
    return before, after
