"""What tables a PostgreSQL database has, as far as a mapping names them. It reads no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
from psycopg import sql

from leadfold.exceptions import MappingError, StoreError
from leadfold.repositories.cells import load
from leadfold.repositories.postgres.composing import composed, fixed, named
from leadfold.repositories.postgres.steps import Statement
from leadfold.repositories.postgres.transactions import in_savepoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repositories.postgres.steps import Row, Steps

__all__ = ["Catalog", "Column", "Relation", "condition_faults", "read_catalog"]

_OWN = ""
"""What leadfold's own table of migrations is called here: no user's table can be."""

_JSON = ("json", "jsonb")
_Declared = tuple[str, str, bool, bool, bool]


@attrs.frozen
class Column:
    """A column as declared."""

    name: str
    type: str
    not_null: bool
    has_default: bool
    generated: bool


@attrs.frozen
class Relation:
    """A table or view; *unique* are columns unique by themselves wherever they are not NULL.

    *references* are the columns of foreign keys to it: the oid and name of their table, and theirs.
    """

    oid: int
    schema: str
    name: str
    columns: Mapping[str, Column]
    unique: frozenset[str]
    references: tuple[tuple[int, str, str], ...]

    @property
    def identifier(self) -> sql.Identifier:
        """Return its name with that of its schema."""
        return sql.Identifier(*self.names)

    @property
    def names(self) -> tuple[str, str]:
        """Return the name of its schema, and its own."""
        return self.schema, self.name


@attrs.frozen
class Catalog:
    """The relations that a mapping names, by the name it gives them."""

    relations: Mapping[str, Relation]
    has_own: bool

    def column(self, table: str, column: str) -> Column:
        """Return a column that is known to exist."""
        return self.relations[table].columns[column]

    def type_of(self, table: str, column: str) -> str:
        """Return the type of a column, as SQL writes it."""
        return self.column(table, column).type

    def stored(self, table: str) -> tuple[Column, ...]:
        """Return the columns of *table* that hold what was written, not what is computed."""
        columns = self.relations[table].columns.values()
        return tuple(column for column in columns if not column.generated)

    def fitted(self, mapping: StoreMapping, tenant: str | None, faults: list[str]) -> StoreMapping:
        """Return *mapping* without what is optional and absent, or raise all that does not fit."""
        if tenant == "":
            faults.append("a tenant must have a name")
        if tenant is None and mapping.lead.tenant is not None:
            faults.append(f'leads have a tenant column "{mapping.lead.tenant}": say tenant=')
        columns = {name: tuple(each.columns) for name, each in self.relations.items()}
        try:
            fitted = mapping.fit(columns)
        except MappingError as e:
            raise MappingError((*faults, *e.faults), e.way_out) from None
        faults += self._misfits(fitted)
        if faults:
            raise MappingError(faults)
        return fitted

    def _misfits(self, mapping: StoreMapping) -> Iterator[str]:
        """Yield which columns have a type that leadfold cannot work with."""
        table = mapping.customer
        if table.metadata is not None:
            kind = self.type_of(table.table, table.metadata)
            if kind not in _JSON:
                yield f'column "{table.metadata}" in table "{table.table}" is {kind}, not jsonb'

    def required(self, mapping: StoreMapping) -> tuple[str, ...]:
        """Return the columns that a new customer must have and the mapping does not name."""
        table = mapping.customer
        return tuple(
            f"{table.table}.{column.name}"
            for column in self.stored(table.table)
            if column.not_null and not column.has_default and column.name not in table.columns
        )

    def unique_fields(self, mapping: StoreMapping) -> tuple[str, ...]:
        """Return which of phone and email are unique by themselves."""
        table = mapping.customer
        unique = self.relations[table.table].unique
        return tuple(field for field in ("phone", "email") if getattr(table, field) in unique)

    def undeclared(self, mapping: StoreMapping) -> tuple[str, ...]:
        """Return the columns that reference customers and that the mapping does not know."""
        links = [(mapping.lead.table, mapping.lead.customer_id)]
        links += [(each.table, each.customer_id) for each in mapping.dependents]
        links += [(each.table, each.customer_id) for each in mapping.references]
        known = {(self.relations[table].oid, column) for table, column in links}
        customers = self.relations[mapping.customer.table]
        return tuple(
            f"{table}.{column}"
            for oid, table, column in customers.references
            if (oid, column) not in known
        )

    def not_null(self, mapping: StoreMapping) -> dict[str, str]:
        """Return the tables whose link is NOT NULL, each with the statement that would end that."""
        linked = ("Lead", *(table.name for table in mapping.dependents))
        found: dict[str, str] = {}
        for name in linked:
            table = mapping.pointing[name]
            if self.column(table.table, table.customer_id).not_null:
                found[name] = (
                    sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL")
                    .format(
                        self.relations[table.table].identifier, sql.Identifier(table.customer_id)
                    )
                    .as_string(None)
                )
        return found

    def audit_needs_id(self, mapping: StoreMapping) -> bool:
        """Tell whether the user's audit table leaves its id to whoever adds a row."""
        audit = mapping.audit
        if audit is None or audit.id is None:
            return False
        return not self.column(audit.table, audit.id).has_default


def read_catalog(mapping: StoreMapping, own: str) -> Steps[Catalog]:
    """Read what the database has of the tables of *mapping*, and whether leadfold's are there."""
    wanted = [(table.table, place) for table in mapping.tables for place in _places(table.table)]
    wanted.append((_OWN, sql.Identifier(own, "migrations").as_string(None)))
    told = {"names": [name for name, _ in wanted], "candidates": [place for _, place in wanted]}
    answer = yield Statement(composed(named("catalog")["relations"], {}), told)
    relations = dict(map(_relation, answer.rows))
    has_own = relations.pop(_OWN, None) is not None
    return Catalog(relations, has_own)


def _places(name: str) -> Iterable[str]:
    """Yield what *name* can mean: one on the search path, or one of a schema before a dot."""
    yield sql.Identifier(name).as_string(None)
    for at, character in enumerate(name):
        if character == "." and 0 < at < len(name) - 1:
            yield sql.Identifier(name[:at], name[at + 1 :]).as_string(None)


def _relation(row: Row) -> tuple[str, Relation]:
    name, oid, schema, table, _, columns, unique, references = row
    made = [Column(*cells) for cells in cast("list[_Declared]", load(columns))]
    referring = cast("list[tuple[int, str, str, str]]", load(references) or [])
    return str(name), Relation(
        oid=cast("int", oid),
        schema=str(schema),
        name=str(table),
        columns={column.name: column for column in made},
        unique=frozenset(cast("list[str]", load(unique) or [])),
        references=tuple(
            (owner, each if near == schema else f"{near}.{each}", column)
            for owner, near, each, column in referring
        ),
    )


def condition_faults(catalog: Catalog, mapping: StoreMapping) -> Steps[list[str]]:
    """Return what the database has against the mapping's own condition on leads."""
    lead = mapping.lead
    if lead.where is None or lead.table not in catalog.relations:
        return []
    names = {
        "table": catalog.relations[lead.table].identifier,
        "conditions": fixed(f"({lead.where}\n)"),
    }
    explained = Statement(composed(named("catalog")["explain_condition"], names))

    def explain() -> Steps[None]:
        yield explained

    try:
        yield from in_savepoint("leadfold_condition", explain())
    except StoreError as e:
        return [f"where: {e}"]
    return []
