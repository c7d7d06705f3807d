"""Questions of generators are answered alike by a blocking and by an async reader."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from inspect import signature
from typing import TYPE_CHECKING

import pytest

from leadfold import AsyncInMemoryRepository, InMemoryRepository, asking
from leadfold.asking import aread, read
from leadfold.async_repository import AsyncReader, AsyncRepository
from leadfold.errands import arun, look, run, write
from leadfold.exceptions import RunExistsError, StoreError
from leadfold.model import Identifier
from leadfold.repository import Reader, Repository
from leadfold.testing.changesets import read_basis, run_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator

    from leadfold.asking import Asks
    from leadfold.errands import Errand
    from leadfold.repository import LeadBatch, StoreFacts

LEADS = [{"id": "l1", "phone": "202-555-0141"}, {"id": "l2", "phone": "202-555-0142"}]

VERBS = sorted(name for name in vars(Reader) if not name.startswith("_"))


def answered(asks: Callable[[], Asks[object]]) -> list[object]:
    """Return what *asks* comes to, by a blocking and by an async reader."""

    async def awaited() -> object:
        async with AsyncInMemoryRepository(leads=LEADS).reading() as reader:
            return await aread(asks(), reader)

    with InMemoryRepository(leads=LEADS).reading() as reader:
        return [read(asks(), reader), asyncio.run(awaited())]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_port_can_be_asked_and_awaited(verb: str) -> None:
    """Both readers and the questions have the same verbs with the same parameters."""
    wanted = [str(each) for each in signature(getattr(Reader, verb)).parameters.values()]
    awaited = [str(each) for each in signature(getattr(AsyncReader, verb)).parameters.values()]
    asked = [str(each) for each in signature(getattr(asking, verb)).parameters.values()]
    assert awaited == wanted == ["self", *asked]


def test_both_repositories_have_the_same_verbs() -> None:
    """What a store does is the same for both kinds."""
    verbs = [
        {name for name in vars(port) if not name.startswith("_")}
        for port in (Repository, AsyncRepository)
    ]
    assert verbs == [{"reading", "commit"}] * 2


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_answered_alike(verb: str) -> None:
    """Whatever is asked, both kinds of reader are given the same arguments and say the same."""
    given: dict[str, tuple[object, ...]] = {
        "around": (["l1"], [Identifier("phone", "+12025550141")], []),
        "edited": (datetime(2026, 1, 2, tzinfo=UTC),),
        "entries": ("run",),
        "history": ("Lead", "l1"),
        "holders": ([Identifier("phone", "+12025550141")],),
        "is_original": ("run",),
        "later": ("run",),
        "leads": (["l1"],),
        "links": ("Lead", ["l1", "nobody"]),
        "pointing_at": (["c1"],),
        "recorded": ("l1",),
        "shown": ("phone", ["+12025550141"]),
    }

    def asks() -> Asks[object]:
        most = {"at_most": 1} if verb in {"around", "holders"} else {}
        question = getattr(asking, verb)(*given.get(verb, ()), **most)
        if isinstance(question, asking.Stream):
            return (yield from question.whole())
        found: object = yield from question
        return found

    blocking, awaited = answered(asks)
    assert blocking == awaited


class Batches:
    """A reader of three batches of leads, which notes how far each of its streams was read."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def leads(self, ids: Collection[str] | None = None) -> Iterator[str]:
        """Yield three batches; the third is never had."""
        try:
            yield f"{ids} first"
            yield f"{ids} second"
            self.heard.append("third")
            msg = "the disk is gone"
            raise StoreError(msg)
        finally:
            self.heard.append(f"{ids} closed")


class AsyncBatches(Batches):
    """The same, awaited."""

    async def leads(  # type: ignore[override]
        self, ids: Collection[str] | None = None
    ) -> AsyncIterator[str]:
        """Yield what the blocking one does."""
        batches = super().leads(ids)
        try:
            for batch in batches:
                await asyncio.sleep(0)
                yield batch
        finally:
            batches.close()  # type: ignore[attr-defined]


def of_batches(asks: Callable[[], Asks[object]]) -> list[tuple[object, list[object]]]:
    """Return what *asks* comes to with both readers of batches, and what these heard."""
    blocking, awaiting = Batches(), AsyncBatches()
    first = read(asks(), blocking)  # type: ignore[arg-type]
    second = asyncio.run(aread(asks(), awaiting))  # type: ignore[arg-type]
    return [(first, blocking.heard), (second, awaiting.heard)]


def test_streams_can_be_open_at_once_and_are_closed_in_the_end() -> None:
    """Each goes on where it was, and one that was not read to its end is closed."""

    def asks() -> Asks[object]:
        first, second = asking.leads(["a"]), asking.leads(["b"])
        return [
            (yield from first.take()),
            (yield from second.take()),
            (yield from first.take()),
        ]

    for found, heard in of_batches(asks):
        assert found == [["['a'] first"], ["['b'] first"], ["['a'] second"]]
        assert heard == ["['a'] closed", "['b'] closed"]


def test_one_batch_at_a_time_is_read() -> None:
    """No batch is asked for before the one before it was dealt with."""

    def asks() -> Asks[object]:
        seen: list[LeadBatch] = []
        taken = asking.leads()
        seen += yield from taken.take()
        return seen

    for found, heard in of_batches(asks):
        assert found == ["None first"]
        assert "third" not in heard


def test_an_error_of_the_store_is_thrown_where_it_was_asked() -> None:
    """What asks can deal with it, and go on asking."""

    def asks() -> Asks[object]:
        found: list[object] = []
        try:
            yield from asking.leads().each(found.append)
        except StoreError as e:
            found.append(str(e))
        again = yield from asking.leads().take()
        return [*found, *again]

    for found, _ in of_batches(asks):
        assert found == ["None first", "None second", "the disk is gone", "None first"]


def test_an_error_of_what_asks_closes_what_it_read() -> None:
    """Whoever answers is left with no open stream."""

    def asks() -> Asks[object]:
        yield from asking.leads().take()
        raise KeyError

    blocking, awaiting = Batches(), AsyncBatches()
    with pytest.raises(KeyError):
        read(asks(), blocking)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        asyncio.run(aread(asks(), awaiting))  # type: ignore[arg-type]
    assert blocking.heard == awaiting.heard == ["None closed"]


def test_an_errand_meets_what_its_commit_raises() -> None:
    """It can look again and commit something else, with either kind of repository."""
    basis = read_basis(InMemoryRepository(leads=LEADS))

    def errand() -> Errand[tuple[str, StoreFacts]]:
        yield from write(basis.changeset(run=run_of("first")))
        try:
            yield from write(basis.changeset(run=run_of("first")))
        except RunExistsError as e:
            facts = yield from look(asking.facts())
            yield from write(basis.changeset(run=run_of("second")))
            return str(e), facts
        raise AssertionError

    blocking, awaiting = InMemoryRepository(leads=LEADS), AsyncInMemoryRepository(leads=LEADS)
    assert run(errand(), blocking) == asyncio.run(arun(errand(), awaiting))
    assert [entry.id for entry in blocking.audit()] == ["first", "second"]
    assert [entry.id for entry in awaiting.audit()] == ["first", "second"]
