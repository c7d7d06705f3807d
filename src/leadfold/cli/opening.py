"""What the command line names, opened: a store, a policy, a mapping, a plan. Faults are usage."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from leadfold.backfill import Plan
from leadfold.cli.outcomes import UsageError, asked_for
from leadfold.cli.postgres_store import is_postgres, open_postgres
from leadfold.exceptions import PolicyError
from leadfold.policy import Policy
from leadfold.repositories.mapping import StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repositories.sqlite.session import connect

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from leadfold.cli.postgres_store import Store

__all__ = ["open_plan", "open_policy", "open_store", "open_store_to_read", "sqlite_path"]

_SQLITE = "sqlite:///"
_TIMEOUT = 30.0  # seconds to wait for another program that writes


def sqlite_path(store: str) -> Path:
    """Return the file that *store* names: three slashes and its path, a fourth if absolute.

    >>> str(sqlite_path("sqlite:///crm.db"))
    'crm.db'

    Raises:
        UsageError: *store* is of another form, or of a kind this version does not have.
    """
    if is_postgres(store):
        msg = "a demo makes a store of its own: STORE must be sqlite:///FILE"
        raise UsageError(msg)
    path = store.removeprefix(_SQLITE)
    if path == store or not path or path == ":memory:":
        hint = f" (did you mean {_SQLITE}{store}?)" if Path(store).is_file() else ""
        msg = (
            f"STORE must be {_SQLITE}FILE, such as {_SQLITE}crm.db, or postgresql://HOST/DATABASE, "
            f"not {store!r}{hint}"
        )
        raise UsageError(msg)
    return Path(path)


@contextmanager
def open_store(arguments: Namespace) -> Iterator[Store]:
    """Open the store that *arguments* name, with their mapping and tenant.

    Raises:
        UsageError: no such store, no such file, or a mapping that says nothing.
        MappingError: the store does not have the tables of the mapping.
    """
    mapping = _mapping(arguments.mapping)
    if is_postgres(arguments.store):
        with open_postgres(arguments.store, mapping, arguments.tenant) as postgres:
            yield postgres
        return
    path = _existing(arguments.store)
    with SQLiteRepository(path, mapping=mapping, tenant=arguments.tenant) as repository:
        yield repository


@contextmanager
def open_store_to_read(arguments: Namespace) -> Iterator[Store]:
    """Open the store that *arguments* name as `open_store` does, so that nothing can be written."""
    mapping = _mapping(arguments.mapping)
    if is_postgres(arguments.store):  # it reads in transactions that are read-only
        with open_postgres(arguments.store, mapping, arguments.tenant) as postgres:
            yield postgres
        return
    path = _existing(arguments.store)
    # Not mode=ro: that would leave behind the side files of a store in WAL mode.
    with closing(connect(path, timeout=_TIMEOUT, mode="rw")) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield SQLiteRepository(connection, mapping=mapping, tenant=arguments.tenant)


def _existing(store: str) -> Path:
    """Return the path of *store*, which must be a file that can be read."""
    path = sqlite_path(store)
    with asked_for(path):
        path.open("rb").close()
    return path


def _mapping(path: str | None) -> StoreMapping:
    if path is None:
        return StoreMapping()
    with asked_for(path):
        return StoreMapping.from_toml(path)


def open_policy(arguments: Namespace) -> Policy:
    """Return the policy that *arguments* name, with their region and speed put over it."""
    policy = Policy()
    if arguments.policy is not None:
        with asked_for(arguments.policy):
            policy = Policy.from_toml(arguments.policy)
    if arguments.region is not None:
        policy = _in_region(policy, arguments.region)
    return policy if arguments.fast else attrs.evolve(policy, fast=False)


def _in_region(policy: Policy, region: str) -> Policy:
    wanted = None if region.lower() == "none" else region.upper()
    try:
        return attrs.evolve(policy, region=wanted)
    except PolicyError as e:
        msg = f"--region {region}: two letters such as US, or none for international numbers only"
        raise UsageError(msg) from e


def open_plan(path: str) -> Plan:
    """Return the plan saved at *path*."""
    with asked_for(path):
        return Plan.load(path)
