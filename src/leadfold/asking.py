"""What a generator asks of a reader, whichever kind: the verbs of the port, put as questions.

Logic that reads yields questions and is sent the answers: `read` answers them from a
`leadfold.repository.Reader`, `aread` from an async one. An error of the store is thrown into the
generator. What decides takes what was read, and is a plain function.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

import attrs

from leadfold.driving import adrive, drive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from leadfold.async_repository import AsyncReader
    from leadfold.changes import Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repository import (
        Around,
        CustomerBatch,
        DependentCount,
        Holders,
        LeadBatch,
        LedgerEntry,
        Queued,
        Reader,
        Reference,
        Rowless,
        StoreFacts,
    )

__all__ = [
    "PORTION",
    "Asks",
    "AsyncBundling",
    "Bundling",
    "Call",
    "Question",
    "Stream",
    "Take",
    "Together",
    "aread",
    "around",
    "audited",
    "customers",
    "dependents",
    "edited",
    "entries",
    "facts",
    "history",
    "holders",
    "is_original",
    "later",
    "leads",
    "links",
    "pointing_at",
    "queued",
    "read",
    "recorded",
    "rowless",
    "rulings",
    "runs",
    "shown",
    "together",
    "unexplained",
]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

PORTION = 20_000
"""How many rows of a stream are asked for at once."""


@attrs.frozen
class Call:
    """A verb of the reader and what it is given, to be answered whole."""

    verb: str
    given: tuple[object, ...] = attrs.field(default=(), repr=False)
    named: Mapping[str, object] = attrs.field(factory=dict, repr=False)


@attrs.frozen(eq=False)
class Stream(Generic[T_co]):
    """A verb of the reader whose answer comes bit by bit, as far as it is taken.

    No more than a *portion* is ever held. Several can be open at once, and are closed in the end
    by whoever answers.
    """

    call: Call
    portion: int = PORTION

    def take(self) -> Asks[list[T_co]]:
        """Return the next portion of it, or nothing at its end."""
        return cast("list[T_co]", (yield Take(self)))

    def each(self, consume: Callable[[T_co], object]) -> Asks[None]:
        """Give all of it to *consume*, one by one."""
        while portion := (yield from self.take()):
            for one in portion:
                consume(one)

    def whole(self) -> Asks[list[T_co]]:
        """Return all of it: where it is known to be small."""
        found: list[T_co] = []
        yield from self.each(found.append)
        return found


@attrs.frozen
class Take:
    """The next portion of a stream: a list, empty at its end."""

    stream: Stream[object]


@attrs.frozen
class Together:
    """Questions whose answers do not hang on each other: one way there and back, if that can be.

    Of a stream all is told at once: where it is known to be small.
    """

    calls: tuple[Call, ...]


Question = Call | Take | Together
"""What is asked at once; logic puts questions through the functions below."""

Asks = Generator[Question, object, R]


class Bundling(Protocol):
    """A reader that can answer several questions in one way there and back."""

    def together(self, calls: Sequence[Call]) -> list[object]:
        """Return the answers in order; of what is told bit by bit, a list of all."""
        ...


class AsyncBundling(Protocol):
    """The same, awaited."""

    async def together(self, calls: Sequence[Call]) -> list[object]:
        """Return what `Bundling.together` does."""
        ...


def read(asks: Asks[R], reader: Reader) -> R:
    """Answer all that *asks* asks from *reader*, and return what it comes to."""
    answers = _Answers(reader)
    try:
        return drive(asks, answers.to)
    finally:
        answers.close()


async def aread(asks: Asks[R], reader: AsyncReader) -> R:
    """Answer all that *asks* asks from the async *reader*, and return what it comes to."""
    answers = _AsyncAnswers(reader)
    try:
        return await adrive(asks, answers.to)
    finally:
        await answers.close()


def facts() -> Asks[StoreFacts]:
    """Ask `Reader.facts`."""
    return cast("StoreFacts", (yield Call("facts")))


def leads(ids: Collection[str] | None = None) -> Stream[LeadBatch]:
    """Ask `Reader.leads`; one batch is held at a time."""
    return Stream(Call("leads", (ids,)), portion=1)


def customers(ids: Collection[str] | None = None) -> Stream[CustomerBatch]:
    """Ask `Reader.customers`; one batch is held at a time."""
    return Stream(Call("customers", (ids,)), portion=1)


def dependents(leads: Collection[str] | None = None) -> Stream[DependentCount]:
    """Ask `Reader.dependents`."""
    return Stream(Call("dependents", (leads,)))


def holders(identifiers: Collection[Identifier], *, at_most: int) -> Asks[Holders]:
    """Ask `Reader.holders`."""
    return cast("Holders", (yield Call("holders", (identifiers,), {"at_most": at_most})))


def around(
    leads: Collection[str],
    identifiers: Collection[Identifier],
    customers: Collection[str],
    *,
    at_most: int,
) -> Asks[Around]:
    """Ask `Reader.around`."""
    asked = (leads, identifiers, customers)
    return cast("Around", (yield Call("around", asked, {"at_most": at_most})))


def shown(column: str, values: Collection[str]) -> Asks[Collection[str]]:
    """Ask `Reader.shown`."""
    return cast("Collection[str]", (yield Call("shown", (column, values))))


def recorded(record_id: str) -> Asks[tuple[Identifier, ...] | None]:
    """Ask `Reader.recorded`."""
    return cast("tuple[Identifier, ...] | None", (yield Call("recorded", (record_id,))))


def queued() -> Stream[Queued]:
    """Ask `Reader.queued`."""
    return Stream(Call("queued"))


def edited(since: datetime) -> Stream[str]:
    """Ask `Reader.edited`."""
    return Stream(Call("edited", (since,)))


def rowless() -> Stream[Rowless]:
    """Ask `Reader.rowless`."""
    return Stream(Call("rowless"))


def rulings() -> Asks[tuple[Ruling, ...]]:
    """Ask `Reader.rulings`."""
    return cast("tuple[Ruling, ...]", (yield Call("rulings")))


def runs(
    limit: int = 20,
    *,
    ids: Collection[str] | None = None,
    action: str | None = None,
    status: str | None = None,
) -> Asks[tuple[Run, ...]]:
    """Ask `Reader.runs`."""
    named = {"ids": ids, "action": action, "status": status}
    return cast("tuple[Run, ...]", (yield Call("runs", (limit,), named)))


def entries(run_id: str) -> Stream[LedgerEntry]:
    """Ask `Reader.entries`."""
    return Stream(Call("entries", (run_id,)))


def later(run_id: str) -> Stream[LedgerEntry]:
    """Ask `Reader.later`."""
    return Stream(Call("later", (run_id,)))


def history(table: str, row: str) -> Stream[LedgerEntry]:
    """Ask `Reader.history`."""
    return Stream(Call("history", (table, row)))


def unexplained(leads: Collection[str] | None = None) -> Stream[str]:
    """Ask `Reader.unexplained`."""
    return Stream(Call("unexplained", (leads,)))


def links(table: str, rows: Collection[str]) -> Stream[Reference]:
    """Ask `Reader.links`."""
    return Stream(Call("links", (table, rows)))


def pointing_at(customer_ids: Collection[str]) -> Stream[Reference]:
    """Ask `Reader.pointing_at`."""
    return Stream(Call("pointing_at", (customer_ids,)))


def together(*asked: Asks[object] | Stream[object]) -> Asks[list[Any]]:
    """Put several questions at once, of a stream for all of it; return the answers in order."""
    calls = [one.call if isinstance(one, Stream) else next(one) for one in asked]
    return cast("list[Any]", (yield Together(cast("tuple[Call, ...]", tuple(calls)))))


def is_original(run_id: str) -> Asks[bool]:
    """Ask `Reader.is_original`."""
    return cast("bool", (yield Call("is_original", (run_id,))))


def audited() -> Asks[Mapping[str, int]]:
    """Ask `Reader.audited`."""
    return cast("Mapping[str, int]", (yield Call("audited")))


class _Answers:
    """Answers questions from a reader; keeps the streams that are open."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._open: dict[Stream[object], Iterator[object]] = {}

    def to(self, question: Question) -> object:
        """Return the answer to *question*."""
        if isinstance(question, Call):
            return _called(self._reader, question)
        if isinstance(question, Together):
            return self._all(question.calls)
        stream = question.stream
        if stream not in self._open:
            self._open[stream] = cast("Iterator[object]", _called(self._reader, stream.call))
        return list(islice(self._open[stream], stream.portion))

    def _all(self, calls: tuple[Call, ...]) -> list[object]:
        if hasattr(self._reader, "together"):
            return cast("Bundling", self._reader).together(calls)
        answers = (_called(self._reader, call) for call in calls)
        return [list(found) if isinstance(found, Iterator) else found for found in answers]

    def close(self) -> None:
        """Close every stream that was not taken to its end."""
        for iterator in self._open.values():
            if isinstance(iterator, Generator):
                iterator.close()


class _AsyncAnswers:
    """Answers questions from an async reader; keeps the streams that are open."""

    def __init__(self, reader: AsyncReader) -> None:
        self._reader = reader
        self._open: dict[Stream[object], AsyncIterator[object]] = {}

    async def to(self, question: Question) -> object:
        """Return the answer to *question*."""
        if isinstance(question, Call):
            return await cast("Awaitable[object]", _called(self._reader, question))
        if isinstance(question, Together):
            return await self._all(question.calls)
        stream = question.stream
        if stream not in self._open:
            self._open[stream] = cast("AsyncIterator[object]", _called(self._reader, stream.call))
        portion: list[object] = []
        async for one in self._open[stream]:
            portion.append(one)
            if len(portion) == stream.portion:
                break
        return portion

    async def _all(self, calls: tuple[Call, ...]) -> list[object]:
        if hasattr(self._reader, "together"):
            return await cast("AsyncBundling", self._reader).together(calls)
        answers: list[object] = []
        for call in calls:
            found = _called(self._reader, call)
            if isinstance(found, AsyncIterator):
                answers.append([one async for one in found])
            else:
                answers.append(await cast("Awaitable[object]", found))
        return answers

    async def close(self) -> None:
        """Close every stream that was not taken to its end."""
        for iterator in self._open.values():
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()


def _called(reader: Reader | AsyncReader, call: Call) -> object:
    method: Callable[..., object] = getattr(reader, call.verb)
    return method(*call.given, **call.named)
