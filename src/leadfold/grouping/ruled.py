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
    from leadfold.grouping.rulings import Parts, RowRulings

__all__ = ["start"]


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
    disputed = {roots[row] for parts in rulings.cannots for part in parts for row in part}
    rows_in: dict[int, list[int]] = defaultdict(list)
    for row, root in enumerate(roots):
        if root in disputed:
            rows_in[root].append(row)
    stopped: Stopped = {}
    past = keys.size
    for rows in rows_in.values():
        blocks = rulings.must_blocks(rows)
        values = {block: {keys.labels[row] for row in inside} for block, inside in blocks.items()}
        guards = [_guard(parts, blocks) for parts in rulings.cannots]
        pieces, divisions = settle(list(blocks), values, guards)
        for parts, reason in divisions:
            for label, met in held_apart(parts, values).items():
                value = (keys.kinds[label], keys.values[label])
                step = (reason, tuple(met))  # a block is its first row
                stopped[value] = (*stopped.get(value, ()), step)
        for piece in pieces:
            for row in (row for block in piece for row in blocks[block]):
                roots[row] = past + piece[0]  # past every label: a name of its own
    return stopped


def _guard(parts: Parts, blocks: Mapping[int, Sequence[int]]) -> Guard:
    """Return a cannot-link as a unique guard over must-blocks."""
    part_of = {row: number for number, part in enumerate(parts) for row in part}
    held = {
        block: {part_of[row] for row in rows if row in part_of} for block, rows in blocks.items()
    }
    return Guard(1, "ruled", held)
