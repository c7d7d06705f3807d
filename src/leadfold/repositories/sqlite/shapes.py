"""The statements for one mapping: SQL templates in, SQL out. Every name is quoted here, once.

What a template holds in braces is a name of the mapping or a piece made from its names; the only
text taken as it stands is the mapping's own ``where``, which is SQL by intention.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from leadfold.repositories import sql
from leadfold.repository import LEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from leadfold.repositories.mapping import DependentTable, LeadTable, StoreMapping, Table
    from leadfold.repositories.tables import PointingTable

__all__ = ["Shapes", "condition", "explain_condition", "literal", "quote"]

_PLACE = re.compile(r"\{([a-z_.]+)\}")
_MOMENTS = frozenset({"created_at", "updated_at"})


def quote(name: str) -> str:
    """Return *name* as an identifier, whatever characters it has.

    >>> quote('Lead"; DROP TABLE x')
    '"Lead""; DROP TABLE x"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Return *value* as an SQL text, whatever characters it has.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def _fill(template: str, names: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: names[place[1]], template)


def _names(prefix: str, table: Table | PointingTable) -> dict[str, str]:
    """Return the quoted table and single columns of *table*, each under its field's name."""
    values = attrs.asdict(table, recurse=False)
    columns = {
        f"{prefix}.{field}": quote(value)
        for field, value in values.items()
        if isinstance(value, str) and field != "where"
    }
    return {**columns, f"{prefix}.table": f"main.{quote(table.table)}"}


def _version(*columns: str | None) -> str:
    """Return the mark of a row: it changes with *columns* and with nothing else."""
    cells = ", ".join(f"CAST(row.{quote(column)} AS BLOB)" for column in columns if column)
    return f"leadfold_version({cells})"


def _text(column: str | None) -> str:
    """Return a cell as text: a whole number kept as REAL has no decimal point."""
    if column is None:
        return "NULL"
    cell = f"row.{quote(column)}"
    whole = f"CAST(CAST({cell} AS INTEGER) AS TEXT)"
    return (
        f"CASE typeof({cell}) WHEN 'text' THEN {cell} WHEN 'real' THEN "
        f"CASE WHEN {cell} = CAST({cell} AS INTEGER) THEN {whole} ELSE CAST({cell} AS TEXT) END "
        f"ELSE CAST({cell} AS TEXT) END"
    )


def _as_text(column: str | None) -> str:
    return "NULL" if column is None else f"CAST(row.{quote(column)} AS TEXT)"


def _raw(column: str | None) -> str:
    return "NULL" if column is None else f"row.{quote(column)}"


def explain_condition(lead: LeadTable) -> str:
    """Return a statement that reads nothing and fails where the lead's condition is no SQL."""
    names = {"table": f"main.{quote(lead.table)}", "conditions": condition(lead)}
    return _fill(sql.named("sqlite/reading.sql")["explain_condition"], names)


def condition(lead: LeadTable) -> str:
    """Return the mapping's own condition; the line break ends a comment it may end with."""
    return f"({lead.where}\n)"


class Shapes:
    """Composes the statements for *mapping*; *indexed* tells whether leadfold's tables exist.

    *untyped* are the tables and columns whose ids must be made text before they are compared.
    """

    def __init__(
        self,
        mapping: StoreMapping,
        *,
        indexed: bool,
        untyped: Container[tuple[str, str]] = frozenset(),
    ) -> None:
        self.mapping = mapping
        self._untyped = untyped
        self._whole: dict[tuple[object, ...], str] = {}
        files = ("reading", "writing", "undoing", "validation", "triggers")
        self._statements = {
            name: text for file in files for name, text in sql.named(f"sqlite/{file}.sql").items()
        }
        self._names = {
            **_names("lead", mapping.lead),
            **_names("customer", mapping.customer),
            **self._sources(),
            **self._cells(),
            **self._inserts(),
            "group_key": "NULL",
        }
        self._names |= self._pieces("entry_columns", "counted", "claimed_later")
        self._names |= self._index() if indexed else _NO_INDEX
        if mapping.customer.metadata is not None:
            self._names |= self._pieces("metadata_is_object")
            self._names |= self._pieces("group_key")
        if mapping.audit is not None:
            self._names |= _names("audit", mapping.audit)

    def statement(self, name: str, **pieces: str) -> str:
        """Return the statement called *name*, with further *pieces* put in."""
        if pieces:
            return self._text(name, **pieces)
        return self._once((name,), lambda: self._text(name))

    def _once(self, key: tuple[object, ...], compose: Callable[[], str]) -> str:
        """Return what *compose* makes, which is made once for each *key*."""
        if key not in self._whole:
            self._whole[key] = compose()
        return self._whole[key]

    def _text(self, name: str, **pieces: str) -> str:
        """Return the text of the statement or piece called *name*."""
        return _fill(self._statements[name], {**self._names, **pieces})

    def leads(self, *, chosen: bool) -> str:
        """Return the query for all leads, or for the *chosen*, those whose ids are bound."""
        return self._of_rows("leads", "lead", chosen=chosen)

    def customers(self, *, chosen: bool) -> str:
        """Return the query for all customers, or for the *chosen*."""
        return self._of_rows("customers", "customer", chosen=chosen)

    def shown(self, column: str) -> str:
        """Return the query for values that customers show in the mapped *column*."""
        return self.statement("shown", column=f"row.{self._names[f'customer.{column}']}")

    def unexplained(self, name: str, *, chosen: bool) -> str:
        """Return the query called *name* for leads, or for the *chosen*."""
        return self._of_rows(name, "lead", chosen=chosen)

    def _of_rows(self, name: str, prefix: str, *, chosen: bool) -> str:
        def compose() -> str:
            own = {"id": self._names[f"{prefix}.id"]}
            picked = _fill(self._statements["chosen"], own) if chosen else "1"
            return self._text(name, **{f"{prefix}_chosen": picked})

        return self._once((name, chosen), compose)

    def dependent(self, name: str, table: DependentTable, *, chosen: bool = False) -> str:
        """Return the statement called *name* for a dependent *table*, or for *chosen* leads'."""
        key = (name, table, chosen)
        return self._once(key, lambda: self._dependent(name, table, chosen=chosen))

    def _dependent(self, name: str, table: DependentTable, *, chosen: bool) -> str:
        names = {
            **_names("dependent", table),
            "dependent_lead": self._comparable(table.table, table.lead_id),
        }
        template = self._statements[name]
        mine = "1"
        if self.mapping.lead.tenant is not None:
            mine = _fill(self._statements["dependent_mine"], {**self._names, **names})
        picked = _fill(self._statements["dependent_chosen"], names) if chosen else "1"
        pieces = {"dependent_mine": mine, "dependent_chosen": picked}
        return _fill(template, {**self._names, **names, **pieces})

    def pointing(self, name: str, table: PointingTable) -> str:
        """Return the statement called *name* for a *table* that points at customers."""
        return self._once((name, table), lambda: self._pointing(name, table))

    def _pointing(self, name: str, table: PointingTable) -> str:
        names = {
            **_names("pointing", table),
            "pointing_row": self._comparable(table.table, table.id),
            "pointing_target": self._comparable(table.table, table.customer_id),
            "pointing_lead": _as_text(table.lead_id),
        }
        mine = {"pointing_mine": "1", "customer_mine": "1"}
        if self.mapping.lead.tenant is not None:
            mine["customer_mine"] = self._piece("customer_mine", names)
            mine["pointing_mine"] = self._mine(table, names)
        pieces = {**names, **mine, "pointing_name": literal(table.name)}
        return self._text(name, **pieces)

    def misfits(self, parts: Sequence[str]) -> str:
        """Return the query for stale units, as far as it is about *parts*: all in one."""
        names = tuple(f"misfit_{part}" for part in parts)
        return self._once(names, lambda: "\nUNION ALL\n".join(map(self._text, names)))

    def still_pointing(self) -> str:
        """Return the query for a row, of any table, that points at a customer to be retired."""
        tables = self.mapping.pointing.values()
        queries = (self.pointing("still_pointing", table) for table in tables)
        return "\nUNION ALL\n".join(queries) + "\nORDER BY 1, 2 LIMIT 1"

    def customer_rows(self, columns: Sequence[str]) -> str:
        """Return the query for whole rows, of these *columns*, of customers to be retired."""
        cells = ", ".join(f"row.{quote(column)}" for column in columns)
        return self.statement("rows_to_retire", row_cells=cells)

    def giving_up(self, name: str, field: str) -> str:
        """Return the statement called *name* for a unique *field* of customers to be retired."""
        return self.statement(name, column=self._names[f"customer.{field}"])

    def restore(self, columns: Sequence[str], rows: Sequence[str]) -> str:
        """Return the insertion of *rows*, the places of their values, into these *columns*."""
        names = ", ".join(map(quote, columns))
        return self.statement("restore_customers", row_columns=names, row_values=", ".join(rows))

    def blanking(self, field: str) -> str:
        """Return what blanks a mapped *field* of customers, or the group key in their metadata."""
        if field == "groupKey":
            column = self._names["customer.metadata"]
            return self.statement("blank_customers", column=column, blank=self.statement("no_key"))
        column = self._names[f"customer.{field}"]
        return self.statement("blank_customers", column=column, blank="NULL")

    def audit(self, *, with_id: bool) -> str:
        """Return the statement that adds to the user's audit table."""
        table = self.mapping.audit
        assert table is not None  # noqa: S101 - asked only where one is mapped
        cells = {
            table.actor: ":actor",
            table.action: ":action",
            table.payload: ":payload",
            table.created_at: ":at",
        }
        if with_id and table.id is not None:
            cells[table.id] = ":id"
        return self.statement(
            "user_audit",
            audit_columns=", ".join(map(quote, cells)),
            audit_values=", ".join(cells.values()),
        )

    def _sources(self) -> dict[str, str]:
        """Return the leads and customers that take part: of this tenant, and as *where* says."""
        lead, customer = self.mapping.lead, self.mapping.customer
        tenant = [] if lead.tenant is None else [f"{quote(lead.tenant)} IS :tenant"]
        conditions = [] if lead.where is None else [condition(lead)]
        conditions += tenant
        owners = [f"{quote(customer.tenant)} IS :tenant"] if customer.tenant is not None else []
        return {
            "leads": self._source(lead.table, conditions),
            "customers": self._source(customer.table, owners),
            "tenant_leads": self._source(lead.table, tenant),
            "customer_owned": " AND ".join(f"row.{owner}" for owner in owners) or "1",
        }

    def _source(self, table: str, conditions: list[str]) -> str:
        names = {"table": f"main.{quote(table)}", "conditions": " AND ".join(conditions)}
        return _fill(self._statements["rows_that"], names) if conditions else names["table"]

    def _cells(self) -> dict[str, str]:
        lead, customer = self.mapping.lead, self.mapping.customer
        return {
            "lead_name": _text(lead.name),
            "lead_created_at": _raw(lead.created_at),
            "lead_updated_at": _raw(lead.updated_at),
            "lead_version": _version(lead.customer_id, *lead.evidence),
            "lead_cells": ", ".join(map(_text, lead.evidence)) or "NULL",
            "customer_name": _text(customer.name),
            "customer_phone": _text(customer.phone),
            "customer_email": _text(customer.email),
            "customer_metadata": _text(customer.metadata),
            "customer_created_at": _raw(customer.created_at),
            "customer_version": _version(customer.phone, customer.email),
        }

    def _inserts(self) -> dict[str, str]:
        """Return the columns of a new customer and where each value is staged."""
        table = self.mapping.customer
        staged = ("id", "name", "phone", "email", "metadata", *sorted(_MOMENTS))
        columns = {
            column: "coalesce(created_at, :at)" if field in _MOMENTS else field
            for field in staged
            if (column := getattr(table, field)) is not None
        }
        if table.tenant is not None:
            columns[table.tenant] = ":tenant"
        return {
            "insert_columns": ", ".join(map(quote, columns)),
            "insert_values": ", ".join(columns.values()),
        }

    def _index(self) -> dict[str, str]:
        return self._pieces(
            "indexed",
            "queued",
            "lead_record",
            "customer_record",
            "customer_inserted",
            "asked_record",
            "awaited",
        )

    def _pieces(self, *names: str) -> dict[str, str]:
        return {name: self._text(name) for name in names}

    def _piece(self, name: str, names: Mapping[str, str]) -> str:
        return _fill(self._statements[name], {**self._names, **names})

    def _comparable(self, table: str, column: str) -> str:
        """Return the id in a *column* for a comparison: as it is where an index can serve."""
        cell = _raw(column)
        return f"CAST({cell} AS TEXT)" if (table, column) in self._untyped else cell

    def _mine(self, table: PointingTable, names: Mapping[str, str]) -> str:
        """Return the condition on a row of *table* that it is no other tenant's."""
        if table.name == LEAD:
            return self._piece("lead_mine", names)
        if table.lead_id is None:
            return self._piece("customer_mine", names)
        places = {
            "dependent.lead_id": names["pointing.lead_id"],
            "dependent.customer_id": names["pointing.customer_id"],
        }
        return self._piece("dependent_mine", places)


_NO_INDEX = {
    "indexed": "NULL",
    "queued": "0",
    "lead_record": "",
    "customer_record": "",
    "customer_inserted": "0",
    "asked_record": "",
    "awaited": "NULL, NULL, NULL",
}
