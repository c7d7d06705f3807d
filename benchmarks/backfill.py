"""The whole backfill on sample leads: seconds a stage and peak memory a lead, both built-in stores.

Each case runs in a process of its own, so that its memory is its own. Run:
``python benchmarks/backfill.py [leads ...]`` (default: 10,000 and 100,000).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from machine import describe
from stores import fill_sqlite

from leadfold import InMemoryRepository, backfill, group
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repository import Repository

STAGES = ("group", "plan", "apply", "plan again", "apply again")


def peak_kb() -> int:
    """Return this process's peak memory so far, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Note how long the block takes under *stage*."""
    start = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - start, 2)


def run(repository: Repository, seconds: dict[str, float]) -> None:
    """Plan and apply, twice."""
    for again in ("", " again"):
        with timed(seconds, "plan" + again):
            plan = backfill.plan(repository)
        with timed(seconds, "apply" + again):
            backfill.apply(plan, repository)


def case(store: str, count: int) -> dict[str, object]:
    """Measure one store at one size."""
    seconds: dict[str, float] = {}
    leads = [sample.lead for sample in sample_leads(count, seed=1)]
    with timed(seconds, "group"):
        group(leads)
    with TemporaryDirectory() as folder:
        if store == "memory":
            repository = InMemoryRepository(leads=leads)
            before = peak_kb()
            run(repository, seconds)
        else:
            path = Path(folder) / "crm.db"
            fill_sqlite(path, leads)
            leads.clear()
            before = peak_kb()
            with SQLiteRepository(path) as sqlite:
                run(sqlite, seconds)
    return {"seconds": seconds, "bytes": (peak_kb() - before) * 1024 // count}


def main() -> None:
    """Print a row a case."""
    if sys.argv[1:2] == ["--case"]:
        print(json.dumps(case(sys.argv[2], int(sys.argv[3]))))
        return
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    print(describe())
    print(f"{'store':8}{'leads':>10}", *(f"{stage:>12}" for stage in STAGES), "   bytes a lead")
    for size in sizes:
        for store in ("memory", "sqlite"):
            command = [sys.executable, __file__, "--case", store, str(size)]
            out = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            found = json.loads(out.stdout)
            figures = (f"{found['seconds'][stage]:>10} s" for stage in STAGES)
            print(f"{store:8}{size:>10,}", *figures, f"{found['bytes']:>15,}", flush=True)


if __name__ == "__main__":
    main()
