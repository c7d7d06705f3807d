"""The stores that machines play their steps on: made empty, and edited past the adapter."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from leadfold.repositories.memory import InMemoryRepository
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.memory_contract import REFERENCES, InMemoryContract
from repositories.sqlite_hooks import SQLiteHooks
from repositories.sqlite_stores import new_store

if TYPE_CHECKING:
    from contextlib import ExitStack

    from leadfold.repository import Repository
    from leadfold.testing.contract_hooks import StoreHooks

__all__ = ["InMemory", "OnSQLite"]


class InMemory:
    """The in-memory store."""

    hooks: StoreHooks
    repository: Repository

    def open(self) -> None:
        """Make the empty store."""
        self.hooks = InMemoryContract()
        self.repository = InMemoryRepository(references=REFERENCES)

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer behind leadfold's back."""
        cast("InMemoryRepository", self.repository).delete_customer(customer_id)


class OnSQLite:
    """A SQLite file, edited past the adapter."""

    hooks: StoreHooks
    repository: Repository
    exits: ExitStack

    def open(self) -> None:
        """Make the empty store."""
        folder = self.exits.enter_context(TemporaryDirectory())
        path = new_store(Path(folder) / "crm.db")
        hooks = SQLiteHooks()
        hooks.tenants, hooks.exits, hooks.store = {}, self.exits, path
        hooks.raw = sqlite3.connect(path, isolation_level=None)
        self.exits.callback(hooks.raw.close)
        hooks.raw.execute("PRAGMA foreign_keys = ON")
        self.hooks = hooks
        self.repository = self.exits.enter_context(SQLiteRepository(path))

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer behind leadfold's back."""
        hooks = cast("SQLiteHooks", self.hooks)
        hooks.raw.execute('DELETE FROM "Customer" WHERE id = ?', [customer_id])
