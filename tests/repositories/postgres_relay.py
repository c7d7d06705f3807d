"""A relay between a client and a server that loses the connection at a byte of one's choice."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import attrs
import psycopg
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Way = Literal["to the server", "to the client"]
    Sees = Callable[[Way, bytes], int | None]

__all__ = ["Relay", "after_bytes", "after_text", "relayed"]


@attrs.define
class Relay:
    """Passes on what it is told to; *passed* counts the bytes of the connections so far.

    *sees* is asked before a chunk is passed on and returns how many bytes of it still go; then
    neither side hears of the other again. None: all of it.
    """

    dsn: str
    sees: Sees
    passed: dict[Way, int] = attrs.field(factory=lambda: {"to the server": 0, "to the client": 0})
    cut: bool = False
    threads: list[threading.Thread] = attrs.field(factory=list)

    def settle(self) -> None:
        """Wait until the server has ended its side of every connection."""
        for thread in self.threads:
            thread.join()

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on both ways until one side ends or the connection is to be lost."""
        with client, server:
            while not self.cut:
                ready, _, _ = select.select([client, server], [], [])
                way: Way = "to the server" if client in ready else "to the client"
                chunk = ready[0].recv(65_536)
                goes = self.sees(way, chunk)
                self.cut = goes is not None
                other = server if way == "to the server" else client
                with suppress(BrokenPipeError):
                    other.sendall(chunk[:goes])
                self.passed[way] += len(chunk[:goes])
                if not chunk:
                    break
            client.close()
            # the server rolls back, or ends what it was told to, before it ends its side
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            while server.recv(65_536):
                pass


def after_bytes(way: Way, count: int) -> Sees:
    """Lose the connection once so many bytes went one way."""
    left = count

    def sees(towards: Way, chunk: bytes) -> int | None:
        nonlocal left
        if towards != way:
            return None
        goes = left if left <= len(chunk) else None
        left -= len(chunk)
        return goes

    return sees


def after_text(text: bytes, *, answered: bool) -> Sees:
    """Lose the connection instead of passing *text* to the server, or its answer to the client."""
    sent = False

    def sees(towards: Way, chunk: bytes) -> int | None:
        nonlocal sent
        if towards == "to the client":
            return 0 if sent else None
        sent = text in chunk
        return chunk.index(text) if sent and not answered else None

    return sees


@contextmanager
def relayed(dsn: str, sees: Sees) -> Iterator[Relay]:
    """Listen, and pass on to the server of *dsn* as *sees* says."""
    with psycopg.connect(dsn) as connection:
        host, port = connection.info.host, connection.info.port
    with TemporaryDirectory(prefix="leadfold-") as folder, socket.socket(socket.AF_UNIX) as ear:
        ear.bind(str(Path(folder, ".s.PGSQL.5432")))
        ear.listen()
        relay = Relay(make_conninfo(dsn, host=folder, port=5432), sees)
        accepting = threading.Thread(target=_accept, args=[relay, ear, host, port])
        accepting.start()
        try:
            yield relay
        finally:
            ear.shutdown(socket.SHUT_RDWR)
            accepting.join()
            relay.settle()


def _accept(relay: Relay, ear: socket.socket, host: str, port: int) -> None:
    with suppress(OSError):  # no longer listening
        while True:
            client, _ = ear.accept()
            if host.startswith("/"):
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(Path(host, f".s.PGSQL.{port}")))
            else:
                server = socket.create_connection((host, port))
            thread = threading.Thread(target=relay.serve, args=[client, server])
            relay.threads.append(thread)
            thread.start()
