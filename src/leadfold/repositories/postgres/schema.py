"""How a database gets leadfold's own tables, and the usual ones for demos and tests."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.exceptions import StoreError
from leadfold.repositories.postgres.composing import composed, fixed, named
from leadfold.repositories.postgres.steps import Statement
from leadfold.repositories.sql import migrations, read

if TYPE_CHECKING:
    import psycopg

    from leadfold.repositories.postgres.steps import Steps

__all__ = ["create_schema", "create_user_tables", "lock", "lock_shared", "migrate", "schema_sql"]

_DENIED = "may not do that"


def lock(own: str, *tenants: str | None) -> Statement:
    """Return what waits for others that lock that schema for one of *tenants*, None for itself.

    The locks end with the transaction: no session of a pooler keeps one.
    """
    keys = [_key(own, tenant) for tenant in tenants]
    return Statement(composed(named("writing")["lock"], {}), {"locks": keys})


def lock_shared(own: str, tenant: str) -> Statement:
    """Return what waits for who has locked *tenant* with `lock`, and not for its own like."""
    return Statement(composed(named("writing")["lock_shared"], {}), {"key": _key(own, tenant)})


def _key(own: str, tenant: str | None) -> int:
    digest = blake2b(repr(("leadfold", own, tenant)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def schema_sql(own: str, *, done: int = 0) -> str:
    """Return the script that makes leadfold's tables, or what comes after migration *done*."""
    return _script(own, done, create=done == 0).as_string(None)


def create_schema(own: str) -> Steps[None]:
    """Make leadfold's schema and tables, under the lock of that schema."""
    answer = yield Statement(composed(named("catalog")["schema_exists"], {}), {"schema": own})
    [(exists, complete)] = answer.rows
    if complete:
        return
    try:
        yield Statement(_script(own, 0, create=not exists))
    except StoreError as e:
        if _DENIED not in str(e):
            raise
        msg = (
            f"{e}: leadfold keeps its tables in a schema {own}, which this role cannot make. Let "
            "one that can run what `leadfold schema STORE --print` prints"
        )
        raise StoreError(msg) from None


def migrate(own: str, *, done: int) -> Steps[None]:
    """Bring leadfold's own tables from migration *done* to this version."""
    last = max(number for number, _, _ in migrations("postgres"))
    if done > last:
        msg = f"the store was made by a newer leadfold (migration {done}): upgrade leadfold"
        raise StoreError(msg)
    if done < last:
        yield lock(own, None)
        yield Statement(_script(own, done, create=False))


def _script(own: str, done: int, *, create: bool) -> sql.Composed:
    name = sql.Identifier(own)
    parts: list[sql.Composable] = []
    if create:
        parts.append(sql.SQL("CREATE SCHEMA {};\n").format(name))
    for number, file, text in migrations("postgres"):
        if number > done:
            note = named("catalog")["note_migration"]
            told = {"own": name, "number": sql.Literal(number), "name": sql.Literal(file)}
            parts += [composed(text, {"own": name}), composed(note, told), fixed(";\n")]
    return sql.SQL("\n").join(parts)


def create_user_tables(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Create the tables that the default mapping expects: for demos, docs and tests."""
    connection.execute(fixed(read("postgres/user_tables.sql")))
