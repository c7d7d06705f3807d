"""What tables a SQLite file has, and how it gets leadfold's own. It reads and writes no rows."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import MappingError, StoreError
from leadfold.repositories import sql
from leadfold.repositories.sqlite.cells import dump
from leadfold.repositories.sqlite.loosening import loosening
from leadfold.repositories.sqlite.shapes import explain_condition
from leadfold.repository import LEAD, StoreFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold.repositories.mapping import DependentTable, ReferenceTable, StoreMapping
    from leadfold.repositories.sqlite.session import Session

__all__ = [
    "Catalog",
    "Column",
    "create_user_tables",
    "facts",
    "migrate",
    "statements_of",
    "unmapped",
]

_OWN = "leadfold_migrations"
_NOT_NULL = re.compile(
    r"\)\s*WHERE\s+\W?(?P<column>.+?)\W?\s+IS\s+NOT\s+NULL\s*$", re.IGNORECASE | re.DOTALL
)


def fold(name: str) -> str:
    """Return *name* as SQLite compares it: the case of ASCII letters does not count.

    >>> fold("Lead"), fold("LÉAD")
    ('lead', 'lÉad')
    """
    return "".join(c.lower() if c.isascii() else c for c in name)


@attrs.frozen
class Column:
    """A column as declared."""

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: bool


@attrs.frozen
class Catalog:
    """The tables that matter here and their columns, by folded name."""

    tables: Mapping[str, Mapping[str, Column]]

    @classmethod
    def of(cls, session: Session, mapping: StoreMapping) -> Catalog:
        """Read what the store has of the tables of *mapping*, and of leadfold's own."""
        tables: dict[str, dict[str, Column]] = {}
        query = sql.named("sqlite/reading.sql")["columns"]
        names = dump([_OWN, *(fold(table.table) for table in mapping.tables)])
        for table, *row in session.rows(query, {"tables": names}):
            column = _column(*row)
            tables.setdefault(fold(str(table)), {})[fold(column.name)] = column
        return cls(tables)

    @property
    def has_own(self) -> bool:
        """Tell whether leadfold's own tables exist."""
        return _OWN in self.tables

    def column(self, table: str, column: str) -> Column:
        """Return a column that is known to exist."""
        return self.tables[fold(table)][fold(column)]

    def fit(self, session: Session, mapping: StoreMapping, tenant: str | None) -> StoreMapping:
        """Return *mapping* without what is optional and absent, or raise what does not fit."""
        faults = list(self._bad_condition(session, mapping))
        if tenant == "":
            faults.append("a tenant must have a name")
        if tenant is None and mapping.lead.tenant is not None:
            faults.append(f'leads have a tenant column "{mapping.lead.tenant}": say tenant=')
        try:
            fitted = mapping.fit(self.tables, fold=fold)
        except MappingError as e:
            raise MappingError((*faults, *e.faults), e.way_out) from None
        if faults:
            raise MappingError(faults)
        return fitted

    def stored(self, table: str) -> tuple[str, ...]:
        """Return the columns of *table* that hold what was written, not what is computed."""
        columns = self.tables[fold(table)].values()
        return tuple(column.name for column in columns if not column.generated)

    def named(self, table: str) -> tuple[str, ...]:
        """Return all columns of *table*."""
        return tuple(column.name for column in self.tables[fold(table)].values())

    def untyped(self, mapping: StoreMapping) -> frozenset[tuple[str, str]]:
        """Return which tables and columns that point at customers or leads have no type.

        Text compared with a number in such a column is another value, whatever it says.
        """
        pointing = (
            (table.table, column)
            for table in mapping.pointing.values()
            for column in (table.id, table.customer_id, table.lead_id)
            if column is not None
        )
        return frozenset(
            names for names in pointing if self.column(*names).type.upper() in {"", "BLOB"}
        )

    def required(self, mapping: StoreMapping) -> tuple[str, ...]:
        """Return the columns that a new customer must have and the mapping does not name."""
        table = mapping.customer
        named = {fold(column) for column in table.columns}
        return tuple(
            f"{table.table}.{column.name}"
            for name, column in sorted(self.tables[fold(table.table)].items())
            if column.not_null and column.default is None and not column.generated
            if name not in named
        )

    def _bad_condition(self, session: Session, mapping: StoreMapping) -> Iterator[str]:
        """Yield what SQLite has against the mapping's own condition."""
        lead = mapping.lead
        if lead.where is None or fold(lead.table) not in self.tables:
            return
        try:
            session.rows(explain_condition(lead))
        except StoreError as e:
            yield f"where: {e}"

    def audit_needs_id(self, mapping: StoreMapping) -> bool:
        """Tell whether the user's audit table leaves its id to whoever adds a row."""
        audit = mapping.audit
        if audit is None or audit.id is None:
            return False
        column = self.column(audit.table, audit.id)
        return column.default is None and "INT" not in column.type.upper()


def _column(
    name: object, kind: object, not_null: object, default: object, hidden: object
) -> Column:
    return Column(
        str(name), str(kind), bool(not_null), cast("str | None", default), generated=bool(hidden)
    )


def facts(
    session: Session, catalog: Catalog, mapping: StoreMapping, tenant: str | None
) -> StoreFacts:
    """Return what a plan must know of the store, but for the state of its index."""
    return StoreFacts(
        tenant=tenant,
        fields=mapping.fields,
        unique=frozenset(_unique_fields(session, mapping)),
        dependents=tuple(table.dependent for table in mapping.dependents),
        carried=tuple(table.name for table in mapping.carried),
        foreign_keys=tuple(_undeclared_columns(session, mapping)),
        not_null=dict(_not_null(session, catalog, mapping)),
        owns_transaction=session.owned,
    )


def _unique_fields(session: Session, mapping: StoreMapping) -> Iterator[str]:
    """Yield which of phone and email are unique by themselves, wherever they are not NULL."""
    query = sql.named("sqlite/reading.sql")["unique_columns"]
    rows = session.rows(query, {"table": mapping.customer.table})
    unique = {
        fold(str(column))
        for _, column, partial, definition in rows
        if column is not None and (not partial or _only_not_null(str(definition), str(column)))
    }
    for field in ("phone", "email"):
        column = getattr(mapping.customer, field)
        if column is not None and fold(column) in unique:
            yield field


def _only_not_null(definition: str, column: str) -> bool:
    """Tell whether an index leaves out nothing but NULLs of its own *column*."""
    found = _NOT_NULL.search(definition)
    return found is not None and fold(found["column"]) == fold(column)


def _not_null(
    session: Session, catalog: Catalog, mapping: StoreMapping
) -> Iterator[tuple[str, str]]:
    """Yield the tables of leads and dependents whose link is NOT NULL, and what would end that."""
    linked = (LEAD, *(table.name for table in mapping.dependents))
    query = sql.named("sqlite/reading.sql")["definition"]
    for name in linked:
        table = mapping.pointing[name]
        column = catalog.column(table.table, table.customer_id)
        if column.not_null:
            [(stored, definition)] = session.rows(query, {"table": table.table})
            yield name, loosening(str(stored), column.name, str(definition), fold)


def _undeclared_columns(session: Session, mapping: StoreMapping) -> Iterator[str]:
    """Yield the columns that reference customers and that the mapping does not know."""
    known = {(fold(mapping.lead.table), fold(mapping.lead.customer_id))}
    declared: tuple[DependentTable | ReferenceTable, ...]
    declared = (*mapping.dependents, *mapping.references)
    known |= {(fold(each.table), fold(each.customer_id)) for each in declared}
    query = sql.named("sqlite/reading.sql")["foreign_keys"]
    for table, column in session.rows(query, {"table": mapping.customer.table}):
        if (fold(str(table)), fold(str(column))) not in known:
            yield f"{table}.{column}"


def unmapped(table: str) -> StoreError:
    """Return the error for a *table* that a change or a question names and no mapping does."""
    return StoreError(f"the store maps no table called {table}: declare it in its mapping")


def migrate(session: Session, catalog: Catalog) -> None:
    """Bring leadfold's own tables to this version, inside the transaction that is open."""
    done = 0
    if catalog.has_own:
        [(last,)] = session.rows("SELECT coalesce(max(number), 0) FROM leadfold_migrations")
        done = cast("int", last)
    known = sql.migrations("sqlite")
    if done > known[-1][0]:
        msg = f"the store was made by a newer leadfold (migration {done}): upgrade leadfold"
        raise StoreError(msg)
    for number, name, text in known[done:]:
        for statement in statements_of(text):
            session.execute(statement)
        session.execute("INSERT INTO leadfold_migrations VALUES (?, ?)", (number, name))


def create_user_tables(connection: sqlite3.Connection) -> None:
    """Create the tables that the default mapping expects: for demos, docs and tests.

    >>> connection = sqlite3.connect(":memory:")
    >>> create_user_tables(connection)
    >>> connection.execute('SELECT count(*) FROM "Lead"').fetchone()
    (0,)
    """
    for statement in statements_of(sql.read("sqlite/user_tables.sql")):
        connection.execute(statement)


def statements_of(text: str) -> Iterator[str]:
    """Yield the statements of an SQL script; `executescript` would commit the caller's work."""
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
