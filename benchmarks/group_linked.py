"""Grouping by ``linked`` of leads that are normalized already, against connected components.

The peers know no guard and give no reason: what they join is the plain closure. All start from
the same columns, as lists or as an Arrow table, and end with a group for each lead. Interleaved in
one process, medians. Those that are not installed are left out, and said so; to have all:
``pip install duckdb igraph networkx pyarrow scipy splink``.

Arguments: leads (a million), rounds (three).
"""

from __future__ import annotations

import statistics
import sys
import tracemalloc
from typing import TYPE_CHECKING

from closure_peers import installed_peers
from group_keyed import timed
from group_raw import records
from linked_data import contested, normalized, with_junk
from machine import describe

from leadfold import Policy, group
from leadfold.grouping import Columns, group_columns
from leadfold.grouping.columns import Column

if TYPE_CHECKING:
    from group_raw import Record
    from linked_data import Leads

    from leadfold import Resolution


JUNK = (10, 3)
"""On how many phones the junk is: with as many as ten Splink makes 5 million pairs of them."""


def grouped(leads: Leads, policy: Policy) -> Resolution:
    """Group with leadfold; nothing is looked at."""
    ids, kinds = leads
    return group_columns(
        Columns(policy.kinds, Column([*ids]), [Column(values) for values in kinds]), policy
    )


def ours(leads: Leads) -> int:
    """Group with all guards of the default policy."""
    return grouped(leads, Policy.linked()).partition.size


def raw(rows: list[Record]) -> int:
    """Group raw records, normalization included."""
    return group(rows, Policy.linked()).partition.size


def with_junk_in(rows: list[Record], values: int) -> list[Record]:
    """Return raw records, one in a hundred with one of so many phones."""
    junk = [f"(212) 555-01{10 + number}" for number in range(values)]
    return [
        row if number % 100 else {**row, "phone": junk[number // 100 % values]}
        for number, row in enumerate(rows)
    ]


def normalized_of(rows: list[Record]) -> Leads:
    """Return the same records normalized, for the peers."""
    columns = group(rows, Policy.linked()).columns
    return columns.ids, [column.first for column in columns.by_kind]


def memory(leads: Leads) -> str:
    """Return what grouping holds beyond the caller's records, in bytes a lead."""
    policy = Policy.linked()
    tracemalloc.start()
    columns = Columns(policy.kinds, Column([*leads[0]]), [Column(values) for values in leads[1]])
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    resolution = group_columns(columns, policy)
    held, peak = (figure - before for figure in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    count = len(leads[0])
    del resolution
    return f"held {held / count:.0f}, peak {peak / count:.0f} bytes a lead"


def main() -> None:
    """Print the medians and the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(describe())
    peers = installed_peers()
    leads, hard = normalized(count, seed=1), contested(count)
    rows = records(count)
    found = {name: run(leads) for name, run in {"leadfold": ours, **peers}.items()}
    print("groups: " + ", ".join(f"{name} {size:,}" for name, size in found.items()))
    splink = peers.get("splink")
    runs = {"leadfold": (ours, leads)} | {name: (run, leads) for name, run in peers.items()}
    runs["leadfold, nearly all contested"] = (ours, hard)
    for values in JUNK:
        junk = with_junk(count, values)
        runs[f"leadfold, 1 % junk on {values} phones"] = (ours, junk)
        runs[f"duckdb, 1 % junk on {values} phones"] = (peers["duckdb"], junk)
        if splink:
            runs[f"splink, 1 % junk on {values} phones"] = (splink, junk)
    raws = {"sample data": rows, f"with junk on {JUNK[-1]} phones": with_junk_in(rows, JUNK[-1])}
    if splink:
        for name, each in raws.items():
            runs[f"splink, {name}, normalized"] = (splink, normalized_of(each))
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, (run, data) in runs.items():
            times.setdefault(name, []).append(timed(run, data))
        for name, each in raws.items():
            times.setdefault(f"leadfold, {name}, raw", []).append(timed(raw, each))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in medians.items():
        print(f"{name:44} {taken:8.2f} s  {taken / medians['leadfold']:6.2f} x")
    print(f"memory, ordinary:  {memory(leads)}")
    print(f"memory, contested: {memory(hard)}")


if __name__ == "__main__":
    main()
