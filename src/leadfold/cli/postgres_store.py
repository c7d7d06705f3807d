"""PostgreSQL on the command line: how a store is named, opened and shown. The driver loads late."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from leadfold.repository import Repository

if TYPE_CHECKING:
    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repositories.postgres import PostgresRepository

__all__ = ["Store", "is_postgres", "open_postgres", "shown_store"]

_SCHEMES = ("postgresql://", "postgres://")
_SECRET = re.compile(r"(?<=:)[^:@/]*(?=@)|(?<=password=)[^&]*", re.IGNORECASE)


class Store(Repository, Protocol):
    """What the command line asks of a store beside the port."""

    def validation_sql(self) -> str:
        """Return the checks of a validation that are plain SQL, over the tables the store has."""
        ...

    def trigger_sql(self) -> str:
        """Return triggers that put leads on the queue which somebody else edits."""
        ...


def is_postgres(store: str) -> bool:
    """Tell whether *store* names a PostgreSQL database.

    >>> is_postgres("postgresql://localhost/crm"), is_postgres("sqlite:///crm.db")
    (True, False)
    """
    return store.startswith(_SCHEMES)


def open_postgres(
    store: str, mapping: StoreMapping | None, tenant: str | None
) -> PostgresRepository:
    """Return the repository over the database that *store* names.

    Raises:
        MissingExtraError: the driver is not installed.
    """
    from leadfold.repositories.postgres import PostgresRepository  # noqa: PLC0415 - an extra

    return PostgresRepository(store, mapping=mapping, tenant=tenant)


def shown_store(store: str) -> str:
    """Return *store* as it may be shown: without a password.

    >>> shown_store("postgresql://ann:secret@db.example/crm")
    'postgresql://ann:…@db.example/crm'
    """
    return _SECRET.sub("…", store) if is_postgres(store) else store
