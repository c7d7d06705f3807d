"""Keyed grouping of leads that are normalized already, against DuckDB's GROUP BY of the same.

Interleaved in one process, medians of several rounds; also what grouping holds in memory beyond
the caller's records. Run: ``python benchmarks/group_keyed.py [leads] [rounds]``.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
import tracemalloc

import duckdb
import pyarrow as pa
from machine import describe

from leadfold import Policy
from leadfold.grouping import Columns, group_columns
from leadfold.grouping.columns import Column


def normalized(count: int, seed: int) -> tuple[list[str], list[list[str | None]]]:
    """Return ids, and columns of psid, phone and email of sample data, 1.6 leads a person."""
    rng = random.Random(seed)  # noqa: S311 - sample data
    people = max(1, int(count / 1.6))
    ids = [f"l{number}" for number in range(count)]
    owners = [rng.randrange(people) for _ in range(count)]
    psid = [str(24_000_000_000_000_000 + p) if rng.random() < 0.55 else None for p in owners]
    phone = [f"+1{2_125_550_000 + p}" if rng.random() < 0.62 else None for p in owners]
    email = [f"user{p}@mail.test" if rng.random() < 0.46 else None for p in owners]
    return ids, [psid, phone, email]


def ours(ids: list[str], kinds: list[list[str | None]]) -> int:
    """Group with leadfold; return the number of groups."""
    policy = Policy.keyed()
    columns = Columns(policy.kinds, Column([*ids]), [Column(values) for values in kinds])
    return group_columns(columns, policy).partition.size


def theirs(table: pa.Table) -> int:
    """Group with DuckDB: each lead's key, then the members of each key."""
    connection = duckdb.connect()  # its own choice of threads: all of them
    connection.register("leads", table)
    query = (
        "SELECT coalesce('psid:' || psid, 'phone:' || phone, 'email:' || email, "
        "'individual:' || id) AS key, list(id) AS ids FROM leads GROUP BY key"
    )
    return int(connection.sql(query).to_arrow_table().num_rows)


def timed(run: object, *arguments: object) -> float:
    """Return the seconds that *run* takes."""
    gc.collect()
    start = time.perf_counter()
    run(*arguments)  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    """Print both medians, their ratio, and the bytes a lead."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ids, kinds = normalized(count, seed=1)
    table = pa.table({"id": ids, "psid": kinds[0], "phone": kinds[1], "email": kinds[2]})
    assert ours(ids, kinds) == theirs(table)
    rows = [(timed(ours, ids, kinds), timed(theirs, table)) for _ in range(rounds)]
    mine, peer = (statistics.median(column) for column in zip(*rows, strict=True))
    print(describe())
    print(f"{count:,} leads: leadfold {mine:.2f} s, DuckDB {peer:.2f} s: {mine / peer:.2f} x")
    tracemalloc.start()
    policy = Policy.keyed()
    columns = Columns(policy.kinds, Column([*ids]), [Column(values) for values in kinds])
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    resolution = group_columns(columns, policy)
    held, peak = (figure - before for figure in tracemalloc.get_traced_memory())
    print(f"memory: held {held / count:.0f}, peak {peak / count:.0f} bytes a lead")
    print(resolution.counts)


if __name__ == "__main__":
    main()
