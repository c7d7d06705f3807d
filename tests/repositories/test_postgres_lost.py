"""The connection is lost on the way: in the middle of a message, of a COPY, at COMMIT.

A relay loses it, at a byte. The client cannot know how far the server came; the store is as before
or as planned all the same, and the run's id tells which.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from leadfold import aio, backfill
from leadfold.exceptions import RetryableError, RunExistsError, StoreError
from leadfold.repositories.postgres import AsyncPostgresRepository, PostgresRepository
from repositories.kill_children import difference
from repositories.kill_deeds import BACKFILL, plan_of
from repositories.postgres_pictures import applied, copied, filled_database, picture
from repositories.postgres_relay import after_bytes, after_text, relayed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.backfill import Plan
    from repositories.kill_children import Tables
    from repositories.postgres_relay import Sees, Way

WAYS: tuple[Way, ...] = ("to the server", "to the client")


def untouched(_: Way, __: bytes) -> None:
    """Pass everything on."""


class Scene:
    """A database, a plan, and what it holds before and after that plan is applied."""

    def __init__(self, server: str, dsn: str) -> None:
        self.server = server
        self.dsn = dsn
        with PostgresRepository(dsn) as repository:
            self.plan: Plan = plan_of(repository)
        self.before = picture(dsn)
        with copied(server, dsn) as other, relayed(other, untouched) as relay:
            assert applied(relay.dsn, self.plan)
            relay.settle()
            self.after: Tables = picture(other)
            self.passed = dict(relay.passed)


@pytest.fixture(scope="module")
def scene(postgres_dsn: str) -> Iterator[Scene]:
    """Make a database of a hundred leads, and the plan of its backfill."""
    with filled_database(postgres_dsn, every=10) as dsn:
        yield Scene(postgres_dsn, dsn)


@pytest.mark.parametrize("moments", [8, pytest.param(150, marks=pytest.mark.full)])
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_lost_at_any_byte(scene: Scene, way: Way, moments: int) -> None:
    """However far a message came, in either direction, nothing is written by halves."""
    outcomes: Counter[tuple[bool, str]] = Counter()
    with ExitStack() as exits:
        dsn = exits.enter_context(copied(scene.server, scene.dsn))
        # half of them anywhere, half of them one by one before the last byte: around COMMIT
        ends = [scene.passed[way] * (2 * n + 1) // moments for n in range(moments // 2)]
        ends += [scene.passed[way] - n for n in range(1, moments // 2 + 1)]
        for at in ends:
            with relayed(dsn, after_bytes(way, at)) as relay:
                done = applied(relay.dsn, scene.plan)
                relay.settle()
            found = picture(dsn)
            after = found == scene.after
            if after:
                dsn = exits.enter_context(copied(scene.server, scene.dsn))
            else:
                assert not done
                assert found == scene.before, f"{at}: {difference(found, scene.before)}"
            outcomes[done, "after" if after else "before"] += 1
    print(f"{way}, {moments} moments, (done, what is there): {dict(outcomes)}")  # noqa: T201 - pytest -s
    assert outcomes[False, "before"] > 0


@pytest.mark.parametrize(
    "sees",
    [
        pytest.param(after_text(b"COPY pg_temp", answered=False), id="before it"),
        pytest.param(after_text(b"COPY pg_temp", answered=True), id="before its first row"),
        pytest.param(after_text(b"l0500", answered=False), id="in the middle of a row"),
        pytest.param(after_text(b"ANALYZE", answered=False), id="after its last row"),
    ],
)
def test_a_connection_lost_during_the_copy(scene: Scene, sees: Sees) -> None:
    """Rows that were copied are gone with the transaction, and the plan can be applied again."""
    with copied(scene.server, scene.dsn) as dsn:
        with relayed(dsn, sees) as relay:
            assert not applied(relay.dsn, scene.plan)
            relay.settle()
            assert relay.cut
        assert picture(dsn) == scene.before
        assert applied(dsn, scene.plan)
        assert picture(dsn) == scene.after


def test_a_connection_that_never_was_is_not_lost(tmp_path: Path) -> None:
    """No server, or none there: the message says that none could be made."""
    dsn = f"postgresql:///crm?host={tmp_path}&user=ann"
    made = "^no connection to the store could be made: .*No such file or directory"
    with pytest.raises(RetryableError, match=made), PostgresRepository(dsn) as repository:
        plan_of(repository)

    async def asynchronously() -> None:
        async with AsyncPostgresRepository(dsn) as repository:
            await aio.plan(repository)

    with pytest.raises(RetryableError, match=made):
        asyncio.run(asynchronously())


@pytest.mark.parametrize("answered", [False, True], ids=["before it", "before its answer"])
def test_a_connection_lost_while_leads_are_read(scene: Scene, *, answered: bool) -> None:
    """A plan is made of all leads or it is not made: what was read so far is no plan."""
    with relayed(scene.dsn, after_text(b"FETCH FORWARD", answered=answered)) as relay:
        with (
            PostgresRepository(relay.dsn) as repository,
            pytest.raises(StoreError, match="connection to the store was lost"),
        ):
            plan_of(repository)
        assert relay.cut


@pytest.mark.parametrize("landed", [False, True], ids=["before it", "before its answer"])
def test_a_connection_lost_at_commit(scene: Scene, *, landed: bool) -> None:
    """The message says that nobody knows; the list of runs does, and a second try is safe."""
    with copied(scene.server, scene.dsn) as dsn:
        with relayed(dsn, after_text(b"COMMIT\0", answered=landed)) as relay:
            with (
                PostgresRepository(relay.dsn) as repository,
                pytest.raises(StoreError, match="whether it was committed, the list of runs tells"),
            ):
                backfill.apply(scene.plan, repository)
            relay.settle()
        assert picture(dsn) == (scene.after if landed else scene.before)
        with PostgresRepository(dsn) as repository:
            with repository.reading() as reader:
                assert len(reader.runs(ids=[BACKFILL])) == landed
            if landed:
                with pytest.raises(RunExistsError):
                    backfill.apply(scene.plan, repository)
            else:
                backfill.apply(scene.plan, repository)
        assert picture(dsn) == scene.after
