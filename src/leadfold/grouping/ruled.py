"""Where grouping starts: leads with equal keys together, as far as rulings let them.

Must-links join first and are never parted; then equal keys join under rule 3, each cannot-link
being a unique guard stronger than all kinds, whose values are its parts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leadfold.disjoint import DisjointSets
from leadfold.grouping.partition import Partition, numbered
from leadfold.grouping.settling import Guard, held_apart, settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.grouping.partition import Keys, Stopped
    from leadfold.grouping.rulings import RowRulings

__all__ = ["start"]

Blocks = dict[int, list[int]]
"""Rows that must-links keep together, by the first of them."""


def start(keys: Keys, rulings: RowRulings) -> Partition:
    """Return the groups that equal keys and *rulings* make."""
    if not rulings.musts and not rulings.cannots:
        return Partition(keys.labels, keys.size, keys)
    joined = DisjointSets(keys.size)
    for rows in rulings.musts:
        joined.union(keys.labels[row] for row in rows)
    roots = [joined.find(label) for label in keys.labels]
    stopped = _part(roots, keys, rulings)
    return Partition(*numbered(roots), keys, stopped)


def _part(roots: list[int], keys: Keys, rulings: RowRulings) -> Stopped:
    """Settle the disputed groups of *roots*, in place, under the cannot-links; return the stops."""
    parts_of = _parts_of(rulings)
    together = DisjointSets(len(roots))
    for must in rulings.musts:
        together.union(must)
    disputed = {roots[row] for row in parts_of}
    blocks_in: dict[int, Blocks] = defaultdict(lambda: defaultdict(list))
    for row, root in enumerate(roots):
        if root in disputed:
            blocks_in[root][together.find(row)].append(row)
    stopped: Stopped = {}
    past = keys.size
    for blocks in blocks_in.values():
        values = {block: {keys.labels[row] for row in rows} for block, rows in blocks.items()}
        pieces, divisions = settle(list(blocks), values, _guards(blocks, parts_of))
        for parts, reason in divisions:
            for label, met in held_apart(parts, values).items():
                value = (keys.kinds[label], keys.values[label])
                step = (reason, tuple(met))  # a block is its first row
                stopped[value] = (*stopped.get(value, ()), step)
        for piece in pieces:
            for row in (row for block in piece for row in blocks[block]):
                roots[row] = past + piece[0]  # past every label: a name of its own
    return stopped


def _parts_of(rulings: RowRulings) -> Mapping[int, Sequence[tuple[int, int]]]:
    """Return, for each row that cannot-links name, their numbers and those of its parts."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, parts in enumerate(rulings.cannots):
        for place, part in enumerate(parts):
            for row in part:
                found[row].append((number, place))
    return found


def _guards(blocks: Blocks, parts_of: Mapping[int, Sequence[tuple[int, int]]]) -> list[Guard]:
    """Return each cannot-link that names rows of *blocks* as a unique guard over these."""
    held: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for block, rows in blocks.items():
        for row in rows:
            for number, place in parts_of.get(row, ()):
                held[number][block].add(place)
    return [Guard(1, "ruled", held[number]) for number in sorted(held)]
