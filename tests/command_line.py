"""The command line as its users meet it: a process of its own, with nothing but its streams."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from leadfold.repositories.sqlite import create_user_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DATA", "Ended", "leadfold", "make_store", "rows_of"]

DATA = Path(__file__).parent / "data"
_ENVIRONMENT = {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8"}


@attrs.frozen
class Ended:
    """How a process ended: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON held
        """Return standard output as JSON; the process must have written nothing else there."""
        return json.loads(self.out)


def leadfold(*words: object, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run ``leadfold`` with *words*; a traceback anywhere fails the test."""
    process = subprocess.run(  # noqa: S603 - our own interpreter and package
        [sys.executable, "-m", "leadfold", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **_ENVIRONMENT, **(env or {})},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    ended = Ended(process.returncode, process.stdout.decode(), process.stderr.decode())
    assert "Traceback" not in ended.out + ended.err, ended.err
    return ended


def make_store(
    path: Path,
    leads: Iterable[Mapping[str, object]] = (),
    jobs: Iterable[Mapping[str, object]] = (),
) -> str:
    """Make a store at *path* with the default tables, filled; return what names it."""
    with closing(sqlite3.connect(path)) as connection:
        create_user_tables(connection)
        for table, rows in (("Lead", leads), ("Job", jobs)):
            for row in rows:
                columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
                statement = f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'  # noqa: S608
                connection.execute(statement, tuple(row.values()))
        connection.commit()
    return f"sqlite:///{path}"


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what *query* finds in the file at *path*, without leadfold."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
