"""No room is left while a run is written: exactly as before, and a plain message.

As root the database is put on a small file system of its own, which is filled up but for so many
bytes. Elsewhere a trigger raises what a full disk does, with its code, and the test says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from leadfold import backfill
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres import PostgresRepository
from postgres_server import give_to_server
from repositories.kill_children import difference
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import copied, filled_database, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 48 * 1024 * 1024


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a file system in memory that holds no more than `SIZE`; the server may write to it."""
    folder = Path(mkdtemp(prefix="leadfold-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=777", "leadfold", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)  # noqa: S603 - a constant
        try:
            give_to_server(folder)
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607
    finally:
        folder.rmdir()


def no_disk() -> str:
    """Return why no file system can be mounted here, or nothing."""
    if "DATABASE_URL" in os.environ:
        return "the server is not ours"
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root can mount a file system"
    try:
        with small_disk():
            return ""
    except (OSError, subprocess.SubprocessError) as e:
        return f"mounting failed: {e}"


class Ballast:
    """Takes all room on a file system but so many bytes."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ballast"
        self.folder = folder

    def leave(self, room: int) -> None:
        """Leave so much room."""
        self.file.unlink(missing_ok=True)
        state = os.statvfs(self.folder)
        with self.file.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - room))


@contextmanager
def on_a_small_disk(server: str, filled: str) -> Iterator[tuple[str, Ballast]]:
    """Copy a database to a small disk."""
    with small_disk() as folder, psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(f"leadfold_test_{folder.name}")
        where = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
        connection.execute(where.format(name, sql.Literal(str(folder))))
        try:
            with copied(server, filled) as dsn:
                database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
                move = sql.SQL("ALTER DATABASE {} SET TABLESPACE {}")
                connection.execute(move.format(database, name))
                yield dsn, Ballast(folder)
        finally:
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(name))


def test_a_full_disk(postgres_dsn: str) -> None:
    """Whatever there is no more room for, nothing is written; with room, the plan is."""
    reason = no_disk()
    if reason:
        pytest.skip(f"no small disk ({reason}); a trigger stands in for it in the next test")
    with filled_database(postgres_dsn) as filled, ExitStack() as exits:
        with PostgresRepository(filled) as repository:
            plan = plan_of(repository)
        before = picture(filled)
        dsn, ballast = exits.enter_context(on_a_small_disk(postgres_dsn, filled))
        assert picture(dsn) == before  # and the server has the files that it makes when it is asked
        told = []
        for room in (0, 32_768, 131_072, 262_144, 524_288, 1_048_576):
            ballast.leave(room)
            with PostgresRepository(dsn) as repository:
                try:
                    backfill.apply(plan, repository)
                except StoreError as e:
                    told.append(str(e))
                else:
                    break
            ballast.leave(SIZE // 4)  # to look at it takes some room, too
            found = picture(dsn)
            assert found == before, f"{room} bytes left: {difference(found, before)}"
        assert len(told) >= 3, told
        assert all("No space left on device" in each for each in told), told
        ballast.leave(SIZE // 4)
        with PostgresRepository(dsn) as repository:
            backfill.apply(plan, repository)
        with copied(postgres_dsn, filled) as roomy:
            with PostgresRepository(roomy) as repository:
                backfill.apply(plan, repository)
            assert picture(dsn) == picture(roomy)


@pytest.mark.parametrize("table", ['"Customer"', '"Lead"', '"Job"', '"Audit"'])
def test_a_table_that_cannot_grow(postgres_dsn: str, table: str) -> None:
    """A failure that is nobody's data's ends the run: no halving, no unit left out."""
    with filled_database(postgres_dsn, every=10) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                """CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"""
            )
            trigger = """CREATE TRIGGER full_up AFTER INSERT OR UPDATE ON {} EXECUTE FUNCTION
                full_up()"""
            connection.execute(trigger.replace("{}", table))  # type: ignore[arg-type, unused-ignore]
        before = picture(dsn)
        with PostgresRepository(dsn) as repository:
            plan = plan_of(repository)
            with pytest.raises(StoreError, match="could not extend file") as raised:
                backfill.apply(plan, repository)
        assert type(raised.value) is StoreError
        assert picture(dsn) == before
