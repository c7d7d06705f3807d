"""What is done with a repository, whichever kind: looks in a snapshot, and commits, in order.

An errand is a generator that yields looks and writes: `run` does them with a
`leadfold.repository.Repository`, `arun` with an async one. Errors are thrown into it, so that one
may look again where what it rested on has changed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import attrs

from leadfold.asking import aread, read
from leadfold.driving import adrive, drive

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from leadfold.asking import Asks
    from leadfold.async_repository import AsyncReader, AsyncRepository
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Reader, Repository

__all__ = [
    "AsyncGlancing",
    "Errand",
    "Glancing",
    "Look",
    "Write",
    "arun",
    "look",
    "run",
    "write",
]

R = TypeVar("R")


@attrs.frozen
class Look:
    """What to ask in one snapshot; *brief*: it is little, and often asked (see `Glancing`)."""

    asks: Asks[object]
    brief: bool = False


@attrs.frozen
class Write:
    """What to commit."""

    changes: ChangeSet


Errand = Generator[Look | Write, object, R]


class Glancing(Protocol):
    """A repository that need not look at its tables anew for every look.

    What it knows of their shape may be some time old: where that must not be, look in full.
    """

    def glancing(self) -> AbstractContextManager[Reader]:
        """Open what `Repository.reading` does, from what is known of the tables."""
        ...


class AsyncGlancing(Protocol):
    """The same, awaited."""

    def glancing(self) -> AbstractAsyncContextManager[AsyncReader]:
        """Open what `Glancing.glancing` does."""
        ...


def look(asks: Asks[R], *, brief: bool = False) -> Errand[R]:
    """Ask *asks* in one snapshot, and return what it comes to."""
    return cast("R", (yield Look(asks, brief)))


def write(changes: ChangeSet) -> Errand[Committed]:
    """Commit *changes*."""
    return cast("Committed", (yield Write(changes)))


def run(errand: Errand[R], repository: Repository) -> R:
    """Do *errand* with *repository*, and return what it comes to."""

    def do(step: Look | Write) -> object:
        if isinstance(step, Write):
            return repository.commit(step.changes)
        brief = step.brief and hasattr(repository, "glancing")
        glancing = cast("Glancing", repository).glancing if brief else repository.reading
        with glancing() as reader:
            return read(step.asks, reader)

    return drive(errand, do)


async def arun(errand: Errand[R], repository: AsyncRepository) -> R:
    """Do *errand* with the async *repository*, and return what it comes to."""

    async def do(step: Look | Write) -> object:
        if isinstance(step, Write):
            return await repository.commit(step.changes)
        brief = step.brief and hasattr(repository, "glancing")
        glancing = cast("AsyncGlancing", repository).glancing if brief else repository.reading
        async with glancing() as reader:
            return await aread(step.asks, reader)

    return await adrive(errand, do)
