"""Processes that write, and their sudden end. For programs of one thread: they fork."""

from __future__ import annotations

import os
import select
import signal
import traceback
from typing import TYPE_CHECKING, NoReturn

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Child", "Tables", "begin", "difference", "end"]

Tables = dict[str, list[tuple[object, ...]]]
"""Every row of every table, leadfold's own and the schema included."""


@attrs.frozen
class Child:
    """A process that writes; *pipe* tells when it begins, and what it counted when it is done."""

    process: int
    pipe: int


def begin(write: Callable[[], bytes]) -> Child:
    """Fork a child that writes; return once it is about to. What *write* returns, it tells."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _run_child(write, writing)
    os.close(writing)
    begun = os.read(reading, 1)
    assert begun == b"!", "the child never began"
    return Child(process, reading)


def _run_child(write: Callable[[], bytes], pipe: int) -> NoReturn:
    """Write, tell, and end without any of the parent's business at exit."""
    status = 1
    try:
        os.write(pipe, b"!")
        os.write(pipe, write())
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is to hear of it
        traceback.print_exc()
    finally:
        os._exit(status)


def end(child: Child, after: float | None) -> tuple[bool, bytes]:
    """Wait for *child*, or for so many seconds and end it; tell whether it was killed.

    Also return what it told before it ended.
    """
    try:
        ready, _, _ = select.select([child.pipe], [], [], after)
        if not ready:
            os.kill(child.process, signal.SIGKILL)
        _, status = os.waitpid(child.process, 0)
        told = os.read(child.pipe, 1000)
    finally:
        os.close(child.pipe)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status != 0:
        msg = f"a child failed: status {status}"
        raise SystemExit(msg)
    return killed, told


def difference(
    found: Mapping[str, list[tuple[object, ...]]], wanted: Mapping[str, list[tuple[object, ...]]]
) -> str:
    """Return in which tables *found* is not *wanted*, with the numbers of rows."""
    names = sorted({*found, *wanted})
    return ", ".join(
        f"{name} ({len(found.get(name, ()))} rows, not {len(wanted.get(name, ()))})"
        for name in names
        if found.get(name) != wanted.get(name)
    )
