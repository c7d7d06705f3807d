"""PostgreSQL passes the contract under asyncio too, by DSN and on the caller's connection."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold.repositories.postgres import AsyncPostgresRepository
from leadfold.testing import BlockingRepository
from repositories.postgres_hooks import PostgresHooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repository import Repository


class AsyncHooks(PostgresHooks):
    """The contract, every call of it run on one event loop."""

    runner: asyncio.Runner

    @pytest.fixture(autouse=True)
    def _loop(self) -> Iterator[None]:
        with asyncio.Runner() as self.runner:
            yield


class TestAsyncDsn(AsyncHooks):
    """A repository that opens connections itself."""

    def opened(self, mapping: StoreMapping | None = None, tenant: str | None = None) -> Repository:
        """Return a repository over the store, closed at the end of the test."""
        made = AsyncPostgresRepository(
            self.place.dsn, mapping=mapping, tenant=tenant, schema=self.place.own
        )
        self.exits.callback(lambda: self.runner.run(made.close()))
        return BlockingRepository(made, self.runner)

    def rename_lead_beside(self, repository: Repository, lead_id: str, name: str) -> None:
        """Write on the test's connection while the repository reads on its own."""
        self.edit_lead(repository, lead_id, name=name)


class TestAsyncConnection(AsyncHooks):
    """A repository on the caller's connection, inside a transaction that nobody commits."""

    @cached_property
    def same(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """Begin on the test's blocking connection, and return another face of its session."""
        self.raw.execute("BEGIN")
        other = psycopg.AsyncConnection[tuple[object, ...]](self.raw.pgconn)
        other.prepare_threshold = None  # two faces would give two statements one name
        return other

    def opened(self, mapping: StoreMapping | None = None, tenant: str | None = None) -> Repository:
        """Return a repository in the transaction that the test itself reads and writes in."""
        made = AsyncPostgresRepository(
            self.same, mapping=mapping, tenant=tenant, schema=self.place.own
        )
        return BlockingRepository(made, self.runner)
