"""Kills processes that write to a SQLite store, and checks what they leave: all or nothing.

A program of one thread, for it forks: ``python -m repositories.kill_driver --help``. Each round
copies a store, forks a child that writes to it for real, and ends the child with SIGKILL: from
outside after a random part of the time that the write takes, or by the child itself at a random
statement or a random step of SQLite's machine. It prints what it counted as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import attrs

from leadfold import backfill
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.kill_children import begin, difference, end
from repositories.kill_deeds import (
    ACTS,
    FIRST,
    leads_and_phones,
    merge_and_back,
    phones_of_known,
    plan_of,
)
from repositories.sqlite_stores import changed, new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from leadfold.repository import Repository
    from repositories.kill_children import Tables

STEPS = 200  # of SQLite's machine, between two calls of its progress handler
AGAIN = 5  # every so many kills that came too early, the write is made up for
AUDIT = """
CREATE TABLE Audit (id TEXT PRIMARY KEY, actor TEXT, action TEXT, payload TEXT, created_at TEXT)
"""  # its ids are no random ones


def fill(path: Path) -> None:
    """Make a store of so many leads, a job each, and some customers."""
    new_store(path, "DROP TABLE Audit", AUDIT)
    leads = leads_and_phones()
    at = "'2025-06-01T00:00:00.000Z'"
    changed(
        path,
        f"INSERT INTO Lead (id, name, phone, created_at, updated_at) VALUES (?, ?, ?, {at}, {at})",  # noqa: S608 - a constant of ours
        *leads,
    )
    changed(
        path,
        "INSERT INTO Job (id, lead_id) VALUES (?, ?)",
        *((f"j{number:04}", lead) for number, (lead, *_) in enumerate(leads)),
    )
    changed(
        path,
        "INSERT INTO Customer (id, name, phone) VALUES (?, 'Known', ?)",
        *phones_of_known(),
    )


@attrs.frozen
class Deed:
    """A write and the store it is made to, in the *journal* mode that the file has."""

    name: str
    journal: str
    path: Path
    act: Callable[[Repository], str] = attrs.field(repr=False)

    def __str__(self) -> str:
        return f"{self.name} in {self.journal} mode"


def deeds(folder: Path) -> Iterator[Deed]:
    """Make the stores, and yield every write in both journal modes."""
    fill(folder / "backfill.db")
    with SQLiteRepository(folder / "backfill.db") as repository:
        plan = plan_of(repository)

    def fill_in(repository: Repository) -> str:
        return backfill.apply(plan, repository).run_id

    _made(folder, "rollback", "backfill", fill_in)
    shutil.copy(folder / "rollback.db", folder / "split.db")
    _made(folder, "merge", "rollback")
    for table in ("CustomerAddress", "MemoryNote"):
        insert = f"INSERT INTO {table} (id, customer_id) VALUES (?, 'c1')"  # noqa: S608 - as above
        changed(folder / "merge.db", insert, *((f"{table}{number}",) for number in range(50)))
    _made(folder, "erase", "merge", merge_and_back)
    blank = "UPDATE Lead SET name = NULL, phone = NULL WHERE id = ?"
    changed(folder / "erase.db", blank, [FIRST])
    acts = {**ACTS, "backfill": fill_in}
    for name, act in acts.items():
        for journal in ("wal", "delete"):
            path = folder / f"{name}-{journal}.db"
            shutil.copy(folder / f"{name}.db", path)
            with closing(sqlite3.connect(path)) as connection:
                [(mode,)] = connection.execute(f"PRAGMA journal_mode = {journal}")
                assert mode == journal
            yield Deed(name, journal, path, act)


def _made(
    folder: Path, name: str, before: str, act: Callable[[Repository], str] | None = None
) -> None:
    """Copy the store *before*, and do something to it."""
    path = folder / f"{name}.db"
    shutil.copy(folder / f"{before}.db", path)
    if act is not None:
        with SQLiteRepository(path) as repository:
            act(repository)


# In the child.


@attrs.frozen
class Bomb:
    """When a child ends itself: at which statement or at which step, counted from 1; or never."""

    statement: int | None = None
    steps: int | None = None


@attrs.define
class Fuse:
    """Counts what SQLite does on a connection, and ends the process where *bomb* says."""

    bomb: Bomb
    statements: int = 0
    steps: int = 0

    def lay(self, connection: sqlite3.Connection) -> None:
        """Hear of every statement and every so many steps."""
        connection.set_trace_callback(self._statement)
        connection.set_progress_handler(self._step, STEPS)

    def _statement(self, _: str) -> None:
        self.statements += 1
        if self.statements == self.bomb.statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def _step(self) -> int:
        self.steps += 1
        if self.steps == self.bomb.steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


def write(deed: Deed, path: Path, fuse: Fuse | None) -> None:
    """Do *deed* to the file at *path*, read back what was done, and close the file.

    In WAL mode the repository opens the file, unless a *fuse* is to be laid: then, and where the
    file shall stay in DELETE mode, the connection is the caller's and its cache is so small that
    pages reach the file before the commit.
    """
    if deed.journal == "wal" and fuse is None:
        with SQLiteRepository(path) as repository:
            _written(deed, repository)
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = 10")
        if fuse is not None:
            fuse.lay(connection)
        repository = SQLiteRepository(connection)
        _written(deed, repository, connection)


def _written(
    deed: Deed, repository: SQLiteRepository, connection: sqlite3.Connection | None = None
) -> None:
    run_id = deed.act(repository)
    if connection is not None:
        connection.execute("COMMIT")
    with repository.reading() as reader:
        assert [run.id for run in reader.runs(ids=[run_id])] == [run_id]
        assert all(entry.run_id == run_id for entry in reader.entries(run_id))


def told_of(deed: Deed, path: Path, fuse: Fuse | None) -> Callable[[], bytes]:
    """Return what a child does: it writes, and tells how long that took and what was counted."""

    def writing() -> bytes:
        began = perf_counter()
        write(deed, path, fuse)
        counted = (0, 0) if fuse is None else (fuse.statements, fuse.steps)
        return json.dumps([perf_counter() - began, *counted]).encode()

    return writing


# In the parent.


def read_tables(path: Path) -> Tables:
    """Open the file anew, which recovers it, and return all it holds; it must be sound."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        checked = connection.execute("PRAGMA integrity_check").fetchall()
        checked += connection.execute("PRAGMA foreign_key_check").fetchall()
        schema = connection.execute("SELECT name, type, sql FROM sqlite_schema ORDER BY name")
        tables = {"sqlite_schema": schema.fetchall(), "check": checked}
        for name, kind, _ in tables["sqlite_schema"]:
            if kind == "table":
                rows = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a name of ours
                tables[name] = rows.fetchall()
    return tables


@attrs.frozen
class Measured:
    """What a store holds before and after a write, and what the write takes undisturbed."""

    before: Tables = attrs.field(repr=False)
    after: Tables = attrs.field(repr=False)
    seconds: float
    statements: int
    steps: int


def measure(deed: Deed, path: Path) -> Measured:
    """Write three times in full: twice for the time it takes, once for its steps."""
    before, after, seconds = read_tables(deed.path), None, []
    for fuse in (None, None, Fuse(Bomb())):
        child = begin(told_of(deed, _fresh(deed, path), fuse))
        killed, told = end(child, None)
        assert not killed
        took, statements, steps = json.loads(told)
        found = read_tables(path)
        after = after or found
        assert found == after, f"{deed}: {difference(found, after)}"
        seconds.append(took)
    assert after is not None
    assert difference(after, before), f"{deed}: it wrote nothing"
    return Measured(before, after, min(seconds[:2]), statements, steps)


def _fresh(deed: Deed, path: Path) -> Path:
    """Put a copy of the store at *path*, with nothing of the round before beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(deed.path, path)
    return path


@attrs.frozen
class Round:
    """One attempt to kill a writer: by the parent *after* so many seconds, or by its own *bomb*."""

    deed: Deed
    after: float | None = None
    bomb: Bomb | None = None

    @classmethod
    def draw(cls, deed: Deed, measured: Measured, how: str, dice: random.Random) -> Round:
        """Draw a moment of *how* a child is killed, uniformly over the whole of its write."""
        if how == "from outside":
            return cls(deed, after=dice.uniform(0, measured.seconds))
        if dice.random() < 0.5:
            return cls(deed, bomb=Bomb(statement=dice.randint(1, measured.statements)))
        return cls(deed, bomb=Bomb(steps=dice.randint(1, measured.steps)))

    def kill(self, path: Path) -> bool:
        """Play the round; tell whether the child was killed."""
        fuse = None if self.bomb is None else Fuse(self.bomb)
        child = begin(told_of(self.deed, _fresh(self.deed, path), fuse))
        killed, _ = end(child, self.after)
        return killed


@attrs.frozen
class Count:
    """What was counted: kills by what they left, by deed, by who killed."""

    left: Counter[str] = attrs.field(factory=Counter)
    by: Counter[str] = attrs.field(factory=Counter)
    missed: Counter[str] = attrs.field(factory=Counter)
    remains: Counter[str] = attrs.field(factory=Counter)

    @property
    def kills(self) -> int:
        """Return how many children were really killed."""
        return self.left.total()


def play(stores: Mapping[Deed, Measured], kills: int, path: Path, dice: random.Random) -> Count:
    """Kill so many children, every deed and both ways of killing in turn."""
    counted = Count()
    turns = [(deed, how) for how in ("from outside", "by itself") for deed in stores]
    while counted.kills < kills:
        deed, how = turns[counted.kills % len(turns)]
        turn = Round.draw(deed, stores[deed], how, dice)
        if not turn.kill(path):
            counted.missed[how] += 1  # the child was faster
            if counted.missed.total() > kills:
                msg = f"too many children end before they are killed: {dict(counted.missed)}"
                raise SystemExit(msg)
            continue
        counted.remains.update(_side_files(path))
        outcome = judge(turn, stores[deed], path)
        counted.left[outcome] += 1
        counted.by[f"{deed}, {how}: {outcome}"] += 1
        if outcome == "before" and counted.left["before"] % AGAIN == 0:
            make_up(turn, stores[deed], path)
    return counted


def _side_files(path: Path) -> Iterable[str]:
    """Return which files of a write that did not end are beside the store, with anything in."""
    for suffix in ("-wal", "-journal"):
        file = Path(f"{path}{suffix}")
        if file.exists() and file.stat().st_size:
            yield suffix


def judge(turn: Round, measured: Measured, path: Path) -> str:
    """Return whether the store is as before or as planned; anything else ends the program."""
    found = read_tables(path)
    if found == measured.before:
        return "before"
    if found == measured.after:
        return "after"
    msg = (
        f"{turn}: neither as before nor as planned.\n"
        f"Other than before: {difference(found, measured.before)}\n"
        f"Other than planned: {difference(found, measured.after)}\n"
        f"Checks: {found['check']}"
    )
    raise SystemExit(msg)


def make_up(turn: Round, measured: Measured, path: Path) -> None:
    """Write to the store that a killed writer left as before: now it comes to what was planned."""
    write(turn.deed, path, None)
    missing = difference(read_tables(path), measured.after)
    if missing:
        msg = f"{turn}: made up for, and other than planned: {missing}"
        raise SystemExit(msg)


def main() -> None:
    """Kill, check, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder to work in")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = perf_counter()
    path = arguments.folder / "round.db"
    stores = {deed: measure(deed, path) for deed in deeds(arguments.folder)}
    measured = perf_counter()
    counted = play(stores, arguments.kills, path, random.Random(arguments.seed))  # noqa: S311
    report = {
        "seed": arguments.seed,
        "kills": counted.kills,
        **attrs.asdict(counted),
        "writes": {
            str(deed): [round(each.seconds, 4), each.statements, each.steps]
            for deed, each in stores.items()
        },
        "seconds": [round(measured - began, 1), round(perf_counter() - measured, 1)],
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
