"""The statements for one mapping: SQL templates in, SQL out. Every name is quoted here, once.

What a template holds in braces is a name of the mapping or a piece made from its names; the only
text taken as it stands is the mapping's own ``where``, which is SQL by intention.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from leadfold.repositories import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadfold.repositories.mapping import DependentTable, LeadTable, StoreMapping, Table

__all__ = ["Shapes", "explain_condition", "quote"]

_PLACE = re.compile(r"\{([a-z_.]+)\}")
_MOMENTS = frozenset({"created_at", "updated_at"})


def quote(name: str) -> str:
    """Return *name* as an identifier, whatever characters it has.

    >>> quote('Lead"; DROP TABLE x')
    '"Lead""; DROP TABLE x"'
    """
    return '"' + name.replace('"', '""') + '"'


def _fill(template: str, names: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: names[place[1]], template)


def _names(prefix: str, table: Table) -> dict[str, str]:
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


def _raw(column: str | None) -> str:
    return "NULL" if column is None else f"row.{quote(column)}"


def explain_condition(lead: LeadTable) -> str:
    """Return a statement that reads nothing and fails where the lead's condition is no SQL."""
    names = {"table": f"main.{quote(lead.table)}", "conditions": _condition(lead)}
    return _fill(sql.named("sqlite/reading.sql")["explain_condition"], names)


def _condition(lead: LeadTable) -> str:
    """Return the mapping's own condition; the line break ends a comment it may end with."""
    return f"({lead.where}\n)"


class Shapes:
    """Composes the statements for *mapping*; *indexed* tells whether leadfold's tables exist."""

    def __init__(self, mapping: StoreMapping, *, indexed: bool) -> None:
        self.mapping = mapping
        files = ("reading", "writing", "validation")
        self._statements = {
            name: text for file in files for name, text in sql.named(f"sqlite/{file}.sql").items()
        }
        self._names = {
            **_names("lead", mapping.lead),
            **_names("customer", mapping.customer),
            **self._sources(),
            **self._cells(),
            **self._inserts(),
            "patch_misfits": "",
        }
        self._names |= self._index() if indexed else _NO_INDEX
        if mapping.customer.metadata is not None:
            for piece in ("metadata_is_object", "patch_misfits"):
                self._names[piece] = self.statement(piece)
        if mapping.audit is not None:
            self._names |= _names("audit", mapping.audit)

    def statement(self, name: str, **pieces: str) -> str:
        """Return the statement called *name*, with further *pieces* put in."""
        return _fill(self._statements[name], {**self._names, **pieces})

    def leads(self, *, chosen: bool) -> str:
        """Return the query for all leads, or for the *chosen*, those whose ids are bound."""
        return self.statement("leads", lead_chosen=self._chosen("lead", chosen=chosen))

    def customers(self, *, chosen: bool) -> str:
        """Return the query for all customers, or for the *chosen*."""
        picked = self._chosen("customer", chosen=chosen)
        return self.statement("customers", customer_chosen=picked)

    def dependent(self, name: str, table: DependentTable) -> str:
        """Return the statement called *name* for a dependent *table*."""
        names = _names("dependent", table)
        template = self._statements[name]
        mine = "1"
        if self.mapping.lead.tenant is not None:
            mine = _fill(self._statements["dependent_mine"], {**self._names, **names})
        return _fill(template, {**self._names, **names, "dependent_mine": mine})

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
        conditions = [] if lead.where is None else [_condition(lead)]
        if lead.tenant is not None:
            conditions.append(f"{quote(lead.tenant)} IS :tenant")
        owners = [f"{quote(customer.tenant)} IS :tenant"] if customer.tenant is not None else []
        return {
            "leads": self._source(lead.table, conditions),
            "customers": self._source(customer.table, owners),
        }

    def _source(self, table: str, conditions: list[str]) -> str:
        names = {"table": f"main.{quote(table)}", "conditions": " AND ".join(conditions)}
        return _fill(self._statements["rows_that"], names) if conditions else names["table"]

    def _chosen(self, prefix: str, *, chosen: bool) -> str:
        names = {"id": self._names[f"{prefix}.id"]}
        return _fill(self._statements["chosen"], names) if chosen else "1"

    def _cells(self) -> dict[str, str]:
        lead, customer = self.mapping.lead, self.mapping.customer
        return {
            "lead_name": _text(lead.name),
            "lead_created_at": _raw(lead.created_at),
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
        pieces = ("indexed", "lead_record", "customer_record", "customer_inserted")
        return {piece: self.statement(piece) for piece in pieces}


_NO_INDEX = {"indexed": "NULL", "lead_record": "", "customer_record": "", "customer_inserted": "0"}
