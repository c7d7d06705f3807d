"""The statements for one mapping and one database: templates in, statements out.

What a template holds in braces is a name of the mapping or a piece made from its names; the only
text taken as it stands is the mapping's own ``where``, which is SQL by intention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
from psycopg import sql

from leadfold.repositories.postgres.auditing import audit_cells
from leadfold.repositories.postgres.castable import cast_where_castable
from leadfold.repositories.postgres.composing import composed, fixed, identifier, named, quoted
from leadfold.repositories.postgres.pieces import (
    JOINS,
    NOTHING,
    NULL,
    STAGE,
    TRUE,
    array_of,
    condition,
    on_row,
    version_of_row,
)
from leadfold.repositories.postgres.steps import Statement
from leadfold.repository import LEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from leadfold.repositories.mapping import DependentTable, StoreMapping, Table
    from leadfold.repositories.postgres.catalog import Catalog
    from leadfold.repositories.postgres.steps import Parameters
    from leadfold.repositories.tables import PointingTable

__all__ = ["IMAGE_FIELDS", "Shapes"]

IMAGE_FIELDS = ("id", "name", "phone", "email", "metadata", "created_at", "updated_at", "tenant")
"""The mapped columns of a customer, as an image has them."""

_FILES = ("reading", "writing", "undoing", "validation", "triggers")
_MOMENTS = ("created_at", "updated_at")
_TEMPORAL = {"date", "timestamp without time zone"}
_ZONED = "timestamp with time zone"


class Shapes:
    """Composes the statements for *mapping* over what *catalog* says of the database.

    *own* is the schema of leadfold's tables; *indexed* tells whether they exist. With *bound*
    what is staged comes with each statement as a parameter, else it is in a temporary table.
    """

    def __init__(
        self,
        mapping: StoreMapping,
        catalog: Catalog,
        own: str,
        *,
        indexed: bool,
        bound: bool = False,
    ) -> None:
        self.mapping = mapping
        self.catalog = catalog
        self._own = own
        self._whole: dict[tuple[object, ...], sql.SQL] = {}
        self._templates = {name: text for file in _FILES for name, text in named(file).items()}
        self._names: dict[str, sql.Composable] = {
            "own": identifier(own),
            "unit_numbers": quoted(sql.Identifier(own, "unit_numbers").as_string(None)),
            **self._of("lead", mapping.lead),
            **self._of("customer", mapping.customer),
        }
        if mapping.audit is not None:
            self._names |= self._of("audit", mapping.audit)
        self._names |= self._bound_stage() if bound else STAGE
        self._names |= self._sources()
        self._names |= self._cells()
        self._names |= self._inserts()
        self._names |= self._pieces(
            "entry_columns", "inserted", "counted", "mark", "own_commits", "run_columns"
        )
        self._names |= self._pieces("own_version")
        self._names |= self._casts()
        self._names |= self._index() if indexed else self._no_index()
        self._names |= self._pieces("lead_columns", "customer_columns")
        self._names["group_key"] = NULL
        if self.patches:
            self._names |= self._pieces("group_key")

    def bound(self) -> Shapes:
        """Return the same for statements whose stage comes with them."""
        return Shapes(self.mapping, self.catalog, self._own, indexed=True, bound=True)

    def statement(
        self, name: str, parameters: Parameters | None = None, **pieces: sql.Composable
    ) -> Statement:
        """Return the statement called *name*, with further *pieces* put in."""
        query = self.text(name, **pieces) if pieces else self._composed_once(name)
        return Statement(query, {} if parameters is None else parameters)

    def _composed_once(self, *names: str) -> sql.SQL:
        """Return the text of the query called so, or of several in one, which nothing varies."""
        return self._once(names, lambda: sql.SQL("\nUNION ALL\n").join(map(self.text, names)))

    def _once(self, key: tuple[object, ...], compose: Callable[[], sql.Composed]) -> sql.SQL:
        """Return what *compose* makes, which is made once for each *key*."""
        if key not in self._whole:
            self._whole[key] = fixed(compose().as_string(None))
        return self._whole[key]

    def text(self, name: str, **pieces: sql.Composable) -> sql.Composed:
        """Return the text of the statement or piece called *name*."""
        return composed(self._templates[name], {**self._names, **pieces})

    def leads(self, parameters: Parameters, *, chosen: bool) -> Statement:
        """Return the query for all leads, or for the *chosen*, those whose ids are bound."""
        picked = self._chosen("lead", chosen=chosen)
        return self.statement("leads", parameters, lead_chosen=picked)

    def customers(self, parameters: Parameters, *, chosen: bool) -> Statement:
        """Return the query for all customers, or for the *chosen*."""
        picked = self._chosen("customer", chosen=chosen)
        made = self._names["customer_made_here" if chosen else "customer_made"]
        return self.statement("customers", parameters, customer_chosen=picked, customer_made=made)

    def around(self, parameters: Parameters) -> Statement:
        """Return the query for what is met one step from what *parameters* name."""

        def compose() -> sql.Composed:
            parts = (
                self.text("around_dependents", **self._dependent(table))
                for table in self.mapping.dependents
            )
            return self.text("around", around_dependents=sql.SQL("\n").join(parts))

        return Statement(self._once(("around",), compose), parameters)

    def shown(self, field: str, parameters: Parameters) -> Statement:
        """Return the query for values that customers show in a mapped *field*."""
        table = self.mapping.customer
        kind = self._type(table.table, getattr(table, field))
        column = sql.SQL("row.") + self._names[f"customer.{field}"]
        return self.statement("shown", parameters, column=column, type=kind)

    def unexplained(self, name: str, parameters: Parameters, *, chosen: bool) -> Statement:
        """Return the query called *name* for leads, or for the *chosen*."""
        picked = self._chosen("lead", chosen=chosen)
        query = self._once((name, chosen), lambda: self.text(name, lead_chosen=picked))
        return Statement(query, parameters)

    def dependent(self, name: str, table: DependentTable, parameters: Parameters) -> Statement:
        """Return the statement called *name* for a dependent *table*."""
        query = self._once((name, table), lambda: self.text(name, **self._dependent(table)))
        return Statement(query, parameters)

    def dependents(
        self, table: DependentTable, parameters: Parameters, *, chosen: bool
    ) -> Statement:
        """Return the count of all rows of a dependent *table*, or of those of *chosen* leads."""

        def compose() -> sql.Composed:
            names = self._dependent(table)
            own = {"id": names["dependent.lead_id"], "type": names["dependent.lead_type"]}
            picked = composed(self._templates["chosen"], own) if chosen else TRUE
            return self.text("dependents", dependent_chosen=picked, **names)

        return Statement(self._once(("dependents", table, chosen), compose), parameters)

    def of_dependent(
        self, name: str, table: DependentTable, **pieces: sql.Composable
    ) -> sql.Composed:
        """Return the text of the statement called *name* for a dependent *table*."""
        names = self._dependent(table)
        return self.text(name, **names, mine=names["dependent_mine"], **pieces)

    def pointing(self, name: str, table: PointingTable, parameters: Parameters) -> Statement:
        """Return the statement called *name* for a *table* that points at customers."""
        return Statement(self._pointing(name, table), parameters)

    def misfits(self, parameters: Parameters, *, claims: bool, links: bool) -> Statement:
        """Return the query for stale units: by later *claims*, and by *links* too, if asked."""
        parts = ["leads", "customers", "follows", "retired", "rulings"]
        parts += ["patches"] if self.patches else []
        parts += ["holders", "records", "erased"] if claims else []
        parts += ["links"] if links else []
        return Statement(self._composed_once(*(f"misfit_{part}" for part in parts)), parameters)

    @property
    def patches(self) -> bool:
        """Tell whether customers have metadata that can be patched."""
        return self.mapping.customer.metadata is not None

    def still_pointing(self, parameters: Parameters) -> Statement:
        """Return the query for a row, of any table, that points at a customer to be retired."""
        tables = self.mapping.pointing.values()
        queries = [self._pointing("still_pointing", table) for table in tables]
        return Statement(
            sql.SQL("\nUNION ALL\n").join(queries) + sql.SQL("\nORDER BY 1, 2 LIMIT 1"), parameters
        )

    def giving_up(self, name: str, field: str, parameters: Parameters) -> Statement:
        """Return the statement called *name* for a unique *field* of customers to be retired."""
        column = self._names[f"customer.{field}"]
        return self.statement(name, {**parameters, "field": field}, column=column)

    def retirements(self, parameters: Parameters, kept: Iterable[str]) -> Statement:
        """Return what writes customers' images; cells of *kept* fields come from the stage."""
        table = self.mapping.customer
        mapped = {
            field: column for field in IMAGE_FIELDS if (column := getattr(table, field)) is not None
        }
        cells = {field: self._cell_text(column) for field, column in mapped.items()}
        for field in kept:
            cells[field] = self.text("kept_cell", cell=cells[field], field=quoted(field))
        further = [
            column.name
            for column in self.catalog.stored(table.table)
            if column.name not in mapped.values()
        ]
        return self.statement(
            "log_retirements",
            parameters,
            image_fields=array_of(map(quoted, cells)),
            image_cells=array_of(cells.values()),
            column_names=array_of(map(quoted, further)),
            column_cells=array_of(map(self._cell_text, further)),
        )

    def restoring(self, columns: Sequence[str], parameters: Parameters) -> Statement:
        """Return the insertion of rows that have these *columns*, each from its text."""
        table = self.mapping.customer.table
        cells = [
            sql.SQL("CAST(stage.reason::json ->> {} AS {})").format(
                quoted(column), self._type(table, column)
            )
            for column in columns
        ]
        names = sql.SQL(", ").join(map(identifier, columns))
        return self.statement(
            "restore_customers",
            parameters,
            row_columns=names,
            row_values=sql.SQL(", ").join(cells),
        )

    def blanking(self, field: str, parameters: Parameters) -> Statement:
        """Return what blanks a mapped *field* of customers, or the group key in their metadata."""
        bound = {**parameters, "field": field}
        if field == "groupKey":
            pieces = {"column": self._names["customer.metadata"], "blank": self.text("no_key")}
            return self.statement("blank_customers", bound, cell=self._names["group_key"], **pieces)
        column = getattr(self.mapping.customer, field)
        pieces = {"column": identifier(column), "blank": NULL}
        return self.statement("blank_customers", bound, cell=self._cell_text(column), **pieces)

    def closing(self, parameters: Parameters, *, audited: bool) -> Statement:
        """Return what writes a run's figures, the state of the index, and an audit entry if due."""
        entry = self._audit_entry() if audited else self.text("no_audit")
        return self.statement("close_run", parameters, audit_entry=entry)

    def audit(self, parameters: Parameters) -> Statement:
        """Return what adds an entry to the audit trail."""
        return Statement(self._audit_entry(), parameters)

    def _audit_entry(self) -> sql.Composed:
        """Return the insertion into the user's audit table, or else into leadfold's."""
        table = self.mapping.audit
        if table is None:
            return self.text("own_audit")
        needs_id = self.catalog.audit_needs_id(self.mapping)
        return self.text("user_audit", **audit_cells(table, self._type, needs_id=needs_id))

    def _of(self, prefix: str, table: Table | PointingTable) -> dict[str, sql.Composable]:
        """Return the quoted table and single columns of *table*, each under its field's name."""
        values = attrs.asdict(table, recurse=False)
        columns: dict[str, sql.Composable] = {
            f"{prefix}.{field}": identifier(value)
            for field, value in values.items()
            if isinstance(value, str) and field not in {"where", "name", "treatment"}
        }
        if isinstance(name := values.get("name"), str):
            columns[f"{prefix}.name"] = identifier(name)
        types = {"lead_id": "lead_type", "customer_id": "customer_type", "id": "id_type"}
        for field, kind in types.items():
            if isinstance(column := values.get(field), str):
                columns[f"{prefix}.{kind}"] = self._type(table.table, column)
        names = self.catalog.relations[table.table].names
        return {**columns, f"{prefix}.table": identifier(*names)}

    def _sources(self) -> dict[str, sql.Composable]:
        """Return the leads and customers that take part: of this tenant, and as *where* says."""
        lead, customer = self.mapping.lead, self.mapping.customer
        tenant = [self._owned(lead.table, lead.tenant)] if lead.tenant is not None else []
        conditions = [] if lead.where is None else [condition(lead.where)]
        owned = (
            [self._owned(customer.table, customer.tenant)] if customer.tenant is not None else []
        )
        sources: dict[str, sql.Composable] = {
            "leads": self._source("lead", [*conditions, *tenant]),
            "customers": self._source("customer", owned),
            "tenant_leads": self._source("lead", tenant),
            "customer_owned": on_row(owned),
            "lead_owned": on_row(tenant),
            "staged_lead": self._staged(lead.table, lead.id),
            "staged_customer": self._staged(customer.table, customer.id),
            "lead_taking_part": NOTHING,
        }
        if conditions:
            piece = composed(self._templates["lead_taking_part"], {**self._names, **sources})
            sources["lead_taking_part"] = piece
        return sources

    def _type(self, table: str, column: str) -> sql.SQL:
        return fixed(self.catalog.type_of(table, column).replace("%", "%%"))

    def _owned(self, table: str, column: str) -> sql.Composed:
        """Return the condition that a row is the tenant's, without the row's name before it."""
        return sql.SQL("{} = CAST({} AS {})").format(
            identifier(column),
            fixed("%(tenant)s::text"),
            self._type(table, column),
        )

    def _staged(self, table: str, column: str) -> sql.Composed:
        """Return the staged id as the type of a *column*, so that its index can serve."""
        return sql.SQL("CAST(stage.id AS {})").format(self._type(table, column))

    def _source(self, prefix: str, conditions: Sequence[sql.Composable]) -> sql.Composable:
        table = self._names[f"{prefix}.table"]
        if not conditions:
            return table
        joined = sql.SQL(" AND ").join(conditions)
        return composed(self._templates["rows_that"], {"table": table, "conditions": joined})

    def _chosen(self, prefix: str, *, chosen: bool) -> sql.Composable:
        if not chosen:
            return TRUE
        names = {"id": self._names[f"{prefix}.id"], "type": self._names[f"{prefix}.id_type"]}
        return composed(self._templates["chosen"], names)

    def _cells(self) -> dict[str, sql.Composable]:
        lead, customer = self.mapping.lead, self.mapping.customer
        evidence = [sql.SQL(", ") + self._cell_text(column) for column in lead.evidence]
        shown = [column for column in (customer.phone, customer.email) if column is not None]
        cells: dict[str, sql.Composable] = {
            "lead_name": self._text(lead.name),
            "lead_created_at": self._moment(lead.table, lead.created_at),
            "lead_updated_at": self._moment(lead.table, lead.updated_at),
            "lead_version": version_of_row(lead.customer_id, *lead.evidence),
            "lead_cells": sql.Composed(evidence),
            "customer_name": self._text(customer.name),
            "customer_phone": self._text(customer.phone),
            "customer_email": self._text(customer.email),
            "customer_metadata": self._text(customer.metadata),
            "customer_created_at": self._moment(customer.table, customer.created_at),
            "customer_version": version_of_row(*shown),
        }
        if customer.metadata is not None:
            kind = self.catalog.type_of(customer.table, customer.metadata)
            cells["customer.metadata_type"] = fixed(kind)
        return cells

    def _text(self, column: str | None) -> sql.Composable:
        return NULL if column is None else self._cell_text(column)

    def _cell_text(self, column: str) -> sql.Composed:
        return sql.SQL("row.{}::text").format(identifier(column))

    def _moment(self, table: str, column: str | None) -> sql.Composable:
        """Return a moment that Python can hold, in UTC; of no such type, as text."""
        if column is None:
            return NULL
        kind, cell = self.catalog.type_of(table, column), identifier(column)
        if kind not in {_ZONED, *_TEMPORAL}:
            return self._cell_text(column)
        bounded = sql.SQL(
            "CASE WHEN row.{0} BETWEEN '0001-01-02' AND '9999-12-30' THEN row.{0}{1} END"
        )
        zone = sql.SQL(" AT TIME ZONE 'UTC'" if kind == _ZONED else "::timestamp")
        return bounded.format(cell, zone)

    def _inserts(self) -> dict[str, sql.Composable]:
        """Return the columns of a new customer and where each value is staged."""
        table = self.mapping.customer
        cells = {"id": "stage.id", **dict.fromkeys(_MOMENTS, "coalesce(stage.reason, %(at)s)")}
        cells |= {field: f"stage.shown_{field}" for field in ("name", "phone", "email")}
        cells["metadata"] = "stage.after"
        columns = {
            column: cell
            for field, cell in cells.items()
            if (column := getattr(table, field)) is not None
        }
        if table.tenant is not None:
            columns[table.tenant] = "%(tenant)s::text"
        values = [
            sql.SQL("CAST({} AS {})").format(fixed(cell), self._type(table.table, column))
            for column, cell in columns.items()
        ]
        return {
            "insert_columns": sql.SQL(", ").join(map(identifier, columns)),
            "insert_values": sql.SQL(", ").join(values),
        }

    def _index(self) -> dict[str, sql.Composable]:
        made = self._pieces("customer_made", "customer_made_here")
        return {
            **made,
            **self._pieces("lead_record", "customer_record"),
            **self._pieces("around_held", "around_records", "around_further"),
            "around_customer_made": made["customer_made_here"],
            "claimed_later": self.text("is_later", version=fixed("identity.version")),
            "erased_later": self.text("is_later", version=fixed("state.erased_at")),
            "indexed": sql.SQL("record.identifiers"),
            "queued": sql.SQL("waiting.record_id IS NOT NULL"),
            "customer_inserted": sql.SQL("made.row_id IS NOT NULL"),
        }

    def _no_index(self) -> dict[str, sql.Composable]:
        return {
            "indexed": NULL,
            "queued": sql.SQL("FALSE"),
            **dict.fromkeys(JOINS, NOTHING),
            "customer_inserted": sql.SQL("FALSE"),
            "around_held": self.text("around_held_nothing"),
            "around_records": self.text("around_records_nothing"),
            "around_further": self.text("around_further_nothing"),
        }

    def _casts(self) -> dict[str, sql.Composable]:
        """Return ids that come as text, as the types of the columns that they are looked up in."""
        places = {
            "direct_lead": ("direct.record_id", "lead.id_type"),
            "named_lead": ("named.record_id", "lead.id_type"),
            "reached_link": ("reached.customer_id", "lead.customer_type"),
            "reached_customer": ("reached.customer_id", "customer.id_type"),
            "recorded_lead": ("lead.record_id", "lead.id_type"),
        }
        return {
            name: cast_where_castable(text, cast("sql.SQL", self._names[kind]))
            for name, (text, kind) in places.items()
        }

    def _bound_stage(self) -> dict[str, sql.Composable]:
        named = {"stage": "bound_stage", "lost_values": "lost_values"}
        pieces = {piece: self.text(name) for piece, name in named.items()}
        return {**pieces, "here": TRUE, "note_lost": sql.SQL("SELECT 1")}

    def _pieces(self, *names: str) -> dict[str, sql.Composable]:
        return {name: self.text(name) for name in names}

    def _dependent(self, table: DependentTable) -> dict[str, sql.Composable]:
        names = {**self._of("dependent", table), "dependent_mine": TRUE}
        lead = cast("sql.SQL", self._names["lead.id_type"])
        same = names["dependent.lead_type"] == lead
        named_lead = "found.lead_id" if same else "found.lead_id::text"
        names["dependent_lead"] = (
            fixed(named_lead) if same else cast_where_castable(named_lead, lead)
        )
        names["dependent_name"] = quoted(table.name)
        names["recorded_dependent"] = cast_where_castable(
            "lead.record_id", cast("sql.SQL", names["dependent.lead_type"])
        )
        if self.mapping.lead.tenant is not None:
            names["dependent_mine"] = self.text("dependent_mine", **names)
        return names

    def _pointing(self, name: str, table: PointingTable) -> sql.Composed:
        names = self._of("pointing", table)
        names |= {"pointing_mine": TRUE, "customer_mine": TRUE}
        names["pointing_lead"] = self._text(table.lead_id)
        if self.mapping.lead.tenant is not None:
            names["customer_mine"] = self.text("customer_mine", **names)
            names["pointing_mine"] = self._mine(table, names)
        return self.text(name, **names, pointing_name=quoted(table.name))

    def _mine(self, table: PointingTable, names: Mapping[str, sql.Composable]) -> sql.Composable:
        """Return the condition on a row of *table* that it is no other tenant's."""
        if table.name == LEAD:
            return self.text("lead_mine")
        if table.lead_id is None:
            return names["customer_mine"]
        places = {
            "dependent.lead_id": names["pointing.lead_id"],
            "dependent.customer_id": names["pointing.customer_id"],
        }
        return self.text("dependent_mine", **places)
