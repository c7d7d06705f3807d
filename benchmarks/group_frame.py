"""From a Polars frame of raw records to the same frame with keyed groups, against DuckDB SQL.

Both start from one frame and end with its columns and three more: key, kind and number of the
group. The SQL normalizes by regexp, as in `group_raw`, and so answers worse. Also: what reading
whole columns gains over the batch doors, kind by kind, from a column of text to usable values.

Interleaved in one process, medians of wall clock and of processor time, which counts all threads
and is the fairer where the machine does other work too. Arguments: leads (a million), rounds (5).
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

import duckdb
import polars as pl
from group_raw import CLEAN, KEY, records
from machine import describe

from leadfold import Policy
from leadfold.grouping.columns import Column, KindReader
from leadfold.integrations.columnar import read_texts
from leadfold.integrations.dataframes import group_frame
from leadfold.integrations.narwhal import nw

if TYPE_CHECKING:
    from collections.abc import Callable

QUERY = f"""
{CLEAN}, keyed AS (SELECT *, {KEY} AS group_key FROM clean)
SELECT id, psid, phone, email, group_key, split_part(group_key, ':', 1) AS group_kind,
       dense_rank() OVER (ORDER BY group_key) - 1 AS "group"
FROM keyed
"""  # noqa: S608 - constants


def ours(frame: pl.DataFrame) -> pl.DataFrame:
    """Group with leadfold."""
    return group_frame(frame)


def theirs(frame: pl.DataFrame) -> pl.DataFrame:
    """Group with DuckDB, with as many threads as it likes."""
    connection = duckdb.connect()
    connection.register("leads", frame)
    found: pl.DataFrame = connection.sql(QUERY).pl()
    return found


def at_sight(texts: pl.Series, reader: KindReader) -> object:
    """Return the usable values of a column, read whole."""
    return read_texts({reader.kind: nw.from_native(texts, series_only=True)}, {reader.kind: reader})


def by_door(texts: pl.Series, reader: KindReader) -> object:
    """Return the usable values of a column, read by the batch door, 4,096 at a time."""
    column, cells = Column(), texts.to_list()
    for start in range(0, len(cells), 4096):
        reader.read(cells[start : start + 4096], None, start, column)
    return pl.Series(column.first, dtype=pl.String)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that *run* takes, by the clock and of the processor."""
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def compared(
    one: Callable[[], object], other: Callable[[], object], rounds: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the medians of both, taking turns: wall clock and processor."""
    times = [(timed(one), timed(other)) for _ in range(rounds)]
    mine, peer = zip(*times, strict=True)
    return _medians(mine), _medians(peer)


def _medians(times: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    wall, processor = (statistics.median(each) for each in zip(*times, strict=True))
    return wall, processor


def main() -> None:
    """Print the medians and their ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    frame = pl.DataFrame(records(count)).rechunk()
    print(describe(), f"Polars {pl.__version__}, DuckDB {duckdb.__version__}", sep="\n")
    print("load before: " + ", ".join(f"{load:.2f}" for load in os.getloadavg()))
    mine, peer = ours(frame), theirs(frame)
    assert mine.columns == peer.columns
    assert len(mine) == len(peer) == count
    print(f"groups: leadfold {mine['group'].n_unique():,}, DuckDB {peer['group'].n_unique():,}")
    us, them = compared(lambda: ours(frame), lambda: theirs(frame), rounds)
    for name, place in (("wall clock", 0), ("processor", 1)):
        ratio = us[place] / them[place]
        print(f"{name}: leadfold {us[place]:.2f} s, DuckDB {them[place]:.2f} s: {ratio:.2f} x")
    policy = Policy.keyed()
    for rule in policy.identifiers:
        texts, reader = frame[rule.kind], KindReader(policy, rule)
        values = len(texts) - texts.null_count()
        whole, door = compared(
            lambda t=texts, r=reader: at_sight(t, r),  # type: ignore[misc]
            lambda t=texts, r=reader: by_door(t, r),  # type: ignore[misc]
            rounds,
        )
        a, b = (1e6 * each[1] / values for each in (whole, door))
        wall = door[0] / whole[0]
        print(f"{rule.kind}: at sight {a:.2f} us, door {b:.2f} us a value: {b / a:.1f} x", end="")
        print(f" ({wall:.1f} x by the clock)")
    print("load after: " + ", ".join(f"{load:.2f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
