"""The whole backfill on PostgreSQL against an expert's SQL, the server's own floor, and a pattern.

All run on one server of this script's own, each in a process of its own on a fresh copy of one
database, taking turns. Run: ``PYTHONPATH=tests python benchmarks/postgres.py [leads ...]
[--rounds N] [--explain] [--against PEER ...]`` (default: 3 rounds, 10,000 and 100,000).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg
from backfill import peak_kb
from machine import describe
from postgres_peers import SERVER, UNSHARED, bare, expert, pattern, recorded, replay, traced
from psycopg import sql
from psycopg.conninfo import make_conninfo
from stores import fill_postgres

from leadfold import backfill, group
from leadfold.repositories.postgres import PostgresRepository
from leadfold.testing import sample_leads
from postgres_server import own_server

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
}
"""Durable as in production; the same for every peer."""

PATTERN_AT_MOST = 10_000
CLIENT = "Python's processor"
OTHERS = {"statements", "bytes", "bytes of the plan"}


def fill(dsn: str, count: int) -> dict[str, float]:
    """Make the database that every case gets a copy of."""
    fill_postgres(dsn, [sample.lead for sample in sample_leads(count, seed=1)])
    return {}


def run_leadfold(dsn: str, _: int) -> dict[str, float]:
    """Plan and apply; return seconds by stage, statements of the apply, and memory in bytes."""
    before, processor = peak_kb(), time.process_time()
    with PostgresRepository(dsn) as repository:
        start = time.perf_counter()
        with traced() as reading:
            plan = backfill.plan(repository)
        planned = time.perf_counter()
        plan_kb = peak_kb()
        with traced() as writing:
            report = backfill.apply(plan, repository)
        end = time.perf_counter()
    return {
        "read": reading["read"],
        "group and plan": planned - start - reading["read"],
        **writing,
        SERVER: reading[SERVER] + writing[SERVER],
        CLIENT: time.process_time() - processor,
        "total": end - start,
        "statements": report.statements,
        "bytes of the plan": (plan_kb - before) * 1024,
        "bytes": (peak_kb() - before) * 1024,
    }


def run_expert(dsn: str, _: int, *, explain: bool = False) -> dict[str, float]:
    """Run the expert's statements."""
    seconds = expert(dsn, explain=explain)
    return {**seconds, "total": sum(seconds.values()) - seconds[SERVER]}


def run_floor(dsn: str, _: int) -> dict[str, float]:
    """Send what leadfold sent to an equal copy of the database."""
    with TemporaryDirectory() as folder:
        with recorded(Path(folder)), PostgresRepository(make_conninfo(dsn)) as repository:
            backfill.apply(backfill.plan(repository), repository)
        _renew(dsn)
        found = replay(dsn, Path(folder))
        bare(Path(folder))
        _renew(dsn)
        return {**found, "without ledger and index": replay(dsn, Path(folder))["total"]}


def run_pattern(dsn: str, count: int) -> dict[str, float]:
    """Write every group by itself."""
    leads = {sample.lead.id: sample.lead for sample in sample_leads(count, seed=1)}
    groups = []
    for each in group(list(leads.values())).groups:
        found = [leads[lead] for lead in each.lead_ids]
        phone, email = (
            next((cell for cell in cells if isinstance(cell, str)), None)
            for cells in ([lead.phone for lead in found], [lead.email for lead in found])
        )
        groups.append((phone, email, list(each.lead_ids)))
    start = time.perf_counter()
    statements = pattern(dsn, groups)
    return {"total": time.perf_counter() - start, "statements": statements}


CASES = {
    "fill": fill,
    "leadfold": run_leadfold,
    "expert": run_expert,
    "floor": run_floor,
    "pattern": run_pattern,
}


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """Make a copy of the database *template*, yield its DSN, and drop it in the end."""
    with psycopg.connect(server, autocommit=True) as connection:
        _copy(connection, template)
        connection.execute("CHECKPOINT")
        try:
            yield make_conninfo(server, dbname="benchmark", application_name=template)
        finally:
            connection.execute("DROP DATABASE benchmark WITH (FORCE)")


def _copy(connection: psycopg.Connection, template: str) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE benchmark TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(template)
        )
    )


def _renew(dsn: str) -> None:
    """Put the database of *dsn* back to what it was a copy of: its name is the application's."""
    with psycopg.connect(dsn) as connection:
        [template] = connection.execute("SHOW application_name").fetchone() or ()
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE benchmark WITH (FORCE)")
        _copy(connection, template)
        connection.execute("CHECKPOINT")


def case(name: str, dsn: str, count: int) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--case", name, dsn, str(count)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    found: dict[str, float] = json.loads(out.stdout)
    return found


def measure(server: str, count: int, rounds: int, only: list[str]) -> None:
    """Print medians and ratios for *count* leads."""
    template = f"leads_{count}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
    case("fill", make_conninfo(server, dbname=template), count)
    names = [name for name in only if name != "fill"]
    if "pattern" in names and count > PATTERN_AT_MOST:
        names.remove("pattern")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with copied(server, template) as dsn:
                found[name].append(case(name, dsn, count))
    medians = {
        name: {stage: median(run.get(stage, 0) for run in runs) for stage in runs[0]}
        for name, runs in found.items()
    }
    tell(count, medians)


def tell(count: int, medians: dict[str, dict[str, float]]) -> None:
    """Print what was measured: seconds by stage, then ratios."""
    print(f"\n{count:,} leads, {count // 2:,} jobs")
    for name, stages in medians.items():
        seconds = {stage: round(value, 2) for stage, value in stages.items() if stage not in OTHERS}
        print(f"  {name:9}", ", ".join(f"{stage} {value}" for stage, value in seconds.items()))
    mine = medians["leadfold"]
    bare = mine["total"] - sum(mine.get(stage, 0) for stage in UNSHARED)
    print(f"  statements of the apply: {mine['statements']:.0f}")
    print(f"  peak memory a lead: {mine['bytes'] / count:,.0f} bytes", end="")
    print(f" ({mine['bytes of the plan'] / count:,.0f} when planned)")
    if "expert" in medians:
        processor = (mine[CLIENT] + mine[SERVER]) / medians["expert"][SERVER]
        print(f"  with them: {processor:.2f} x expert's processor time")
        print(f"  without ledger and index: {bare / medians['expert']['total']:.2f} x expert")
        print(f"  with them: {mine['total'] / medians['expert']['total']:.2f} x expert")
    if "floor" in medians:
        print(f"  with them: {mine['total'] / medians['floor']['total']:.2f} x floor")
    if {"floor", "expert"} <= medians.keys():
        least = medians["floor"]["without ledger and index"] / medians["expert"]["total"]
        print(f"  the floor itself, without ledger and index: {least:.2f} x expert")
    if "pattern" in medians:
        times = medians["pattern"]["total"] / mine["total"]
        statements = medians["pattern"]["statements"]
        print(f"  {times:.0f} x faster than the pattern, which sends {statements:,.0f} statements")


def main() -> None:
    """Measure each size that is asked for."""
    if sys.argv[1:2] == ["--case"]:
        name, dsn, count = sys.argv[2:]
        print(json.dumps(CASES[name](dsn, int(count))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("leads", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--explain", action="store_true", help="print the expert's plans, too")
    peers = ["expert", "floor", "pattern"]
    parser.add_argument("--against", nargs="*", choices=peers, default=peers, help="which peers")
    told = parser.parse_args()
    with own_server(SETTINGS) as own:
        server = own.dsn
        with psycopg.connect(server) as connection:
            version = connection.info.parameter_status("server_version")
        settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
        print(describe(), f"PostgreSQL {version}: {settings}", sep="\n")
        for count in told.leads:
            measure(server, count, told.rounds, ["leadfold", *told.against])
            if told.explain:
                with copied(server, f"leads_{count}") as dsn:
                    run_expert(dsn, count, explain=True)


if __name__ == "__main__":
    main()
