"""What is done with a repository, whichever kind: looks in a snapshot, and commits, in order.

An errand is a generator that yields looks and writes: `run` does them with a
`leadfold.repository.Repository`, `arun` with an async one. Errors are thrown into it, so that one
may look again where what it rested on has changed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold.asking import aread, read
from leadfold.driving import adrive, drive

if TYPE_CHECKING:
    from leadfold.asking import Asks
    from leadfold.async_repository import AsyncRepository
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Repository

__all__ = ["Errand", "Look", "Write", "arun", "look", "run", "write"]

R = TypeVar("R")


@attrs.frozen
class Look:
    """What to ask in one snapshot."""

    asks: Asks[object]


@attrs.frozen
class Write:
    """What to commit."""

    changes: ChangeSet


Errand = Generator[Look | Write, object, R]


def look(asks: Asks[R]) -> Errand[R]:
    """Ask *asks* in one snapshot, and return what it comes to."""
    return cast("R", (yield Look(asks)))


def write(changes: ChangeSet) -> Errand[Committed]:
    """Commit *changes*."""
    return cast("Committed", (yield Write(changes)))


def run(errand: Errand[R], repository: Repository) -> R:
    """Do *errand* with *repository*, and return what it comes to."""

    def do(step: Look | Write) -> object:
        if isinstance(step, Write):
            return repository.commit(step.changes)
        with repository.reading() as reader:
            return read(step.asks, reader)

    return drive(errand, do)


async def arun(errand: Errand[R], repository: AsyncRepository) -> R:
    """Do *errand* with the async *repository*, and return what it comes to."""

    async def do(step: Look | Write) -> object:
        if isinstance(step, Write):
            return await repository.commit(step.changes)
        async with repository.reading() as reader:
            return await aread(step.asks, reader)

    return await adrive(errand, do)
