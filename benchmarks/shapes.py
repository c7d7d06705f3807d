"""Time and memory of ``linked`` by size, where everything hangs together: both must be linear.

A chain of leads, a star around one email, one phone for all, and everything contested; with the
guards of the default policy, and without any. Arguments: sizes (1,000 to 1,000,000).
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING

from group_linked import grouped
from linked_data import SHAPES
from machine import describe

from leadfold import IdentifierRule, Policy

if TYPE_CHECKING:
    from linked_data import Leads

CLOSURE = Policy.linked(
    identifiers=[
        IdentifierRule(kind, limit=None, generic_after=None) for kind in ("psid", "phone", "email")
    ]
)


def measured(leads: Leads, policy: Policy) -> tuple[float, float, int]:
    """Return microseconds a lead, bytes a lead at the peak, and the number of groups."""
    count = len(leads[0])
    gc.collect()
    start = time.perf_counter()
    size = grouped(leads, policy).partition.size
    taken = time.perf_counter() - start
    tracemalloc.start()
    grouped(leads, policy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return taken / count * 1e6, peak / count, size


def main() -> None:
    """Print a line for each shape, policy and size."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000]
    print(describe())
    for name, shape in SHAPES.items():
        for label, policy in (("guards", Policy.linked()), ("closure", CLOSURE)):
            for size in sizes:
                micros, peak, groups = measured(shape(size), policy)
                print(
                    f"{name:10} {label:8} {size:>9,} leads: {micros:6.2f} us and {peak:4.0f} bytes "
                    f"a lead at the peak, {groups:,} groups"
                )


if __name__ == "__main__":
    main()
