"""The tables of a mapping: names of a user's tables and columns. Values only; it runs no SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import attrs

from leadfold.model import Dependent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "TREATMENTS",
    "UPDATED_AT",
    "AuditTable",
    "CustomerTable",
    "DependentTable",
    "LeadTable",
    "PointingTable",
    "ReferenceTable",
    "Table",
    "Treatment",
    "build",
    "wrong_treatment",
]

Treatment = Literal["carry", "ignore"]

TREATMENTS: tuple[Treatment, ...] = ("carry", "ignore")

UPDATED_AT = "updated_at"
"""The column of leads that a store may do without, though a mapping has it by default."""

T = TypeVar("T", bound=attrs.AttrsInstance)


def _columns(kinds: Mapping[str, str | Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return *kinds* with every column in a tuple: one column may be given bare."""
    return {
        kind: (columns,) if isinstance(columns, str) else tuple(columns)
        for kind, columns in kinds.items()
    }


@attrs.frozen
class LeadTable:
    """The table of leads.

    *identifiers* names one or several columns for each kind, *scopes* one column for each lead
    attribute that a scope names. *where* is an SQL condition on the table's own columns: rows
    that do not meet it are no leads. *tenant* is the column that says whose row it is.
    *updated_at* tells when a row was last edited: its default may be missing from the table.
    """

    table: str = "Lead"
    id: str = "id"
    customer_id: str = "customer_id"
    created_at: str | None = "created_at"
    name: str | None = "name"
    identifiers: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=lambda: {"psid": "messengerPsid", "phone": "phone", "email": "email"},
        converter=_columns,
    )
    scopes: Mapping[str, str] = attrs.field(factory=dict)
    where: str | None = None
    tenant: str | None = None
    updated_at: str | None = UPDATED_AT

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return every identifier and scope column, in the order mapped."""
        kinds = [column for columns in self.identifiers.values() for column in columns]
        return (*kinds, *self.scopes.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        times = (self.created_at, self.updated_at)
        single = (self.id, self.customer_id, *times, self.name, self.tenant)
        return (*(column for column in single if column is not None), *self.evidence)


@attrs.frozen
class CustomerTable:
    """The table of customers; every column but *id* may be None: the table has no such column."""

    table: str = "Customer"
    id: str = "id"
    name: str | None = "name"
    phone: str | None = "phone"
    email: str | None = "email"
    metadata: str | None = "metadata"
    created_at: str | None = "created_at"
    updated_at: str | None = "updated_at"
    tenant: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        named = (self.id, self.name, self.phone, self.email, self.metadata)
        rest = (self.created_at, self.updated_at, self.tenant)
        return tuple(column for column in (*named, *rest) if column is not None)


@attrs.frozen
class DependentTable:
    """A table whose rows take their lead's customer; *name* is what figures call it.

    *optional* says that a store without the table is as good.
    """

    name: str
    table: str
    id: str = "id"
    lead_id: str = "lead_id"
    customer_id: str = "customer_id"
    optional: bool = False

    @classmethod
    def of(cls, dependent: Dependent) -> DependentTable:
        """Return the optional table that has the name and columns of *dependent*."""
        return cls(
            name=dependent.name,
            table=dependent.name,
            lead_id=dependent.lead_id,
            customer_id=dependent.customer_id,
            optional=True,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        return (self.id, self.lead_id, self.customer_id)

    @property
    def dependent(self) -> Dependent:
        """Return it as the port names it."""
        return Dependent(self.name, self.lead_id, self.customer_id)


@attrs.frozen
class ReferenceTable:
    """A further table whose rows point at a customer, and at no lead.

    With *treatment* ``carry`` they take the customer in whose favour theirs retires; ``ignore``
    leaves them to the store's own rule for a row that goes. *optional* says that a store without
    the table, or without its columns, is as good. *name* is what the ledger calls it, the table's
    unless told: a table with a second column of customers is declared once for each.
    """

    table: str
    id: str = "id"
    customer_id: str = "customer_id"
    treatment: Treatment = "carry"
    optional: bool = False
    name: str = attrs.field(default=attrs.Factory(lambda table: table.table, takes_self=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        return (self.id, self.customer_id)


@attrs.frozen
class PointingTable:
    """A table whose rows point at customers, under the *name* that the ledger calls it by."""

    name: str
    table: str
    id: str
    customer_id: str
    lead_id: str | None = None


@attrs.frozen
class AuditTable:
    """The user's audit table; *id*, where mapped, is set to the run's id."""

    table: str = "Audit"
    id: str | None = "id"
    actor: str = "actor"
    action: str = "action"
    payload: str = "payload"
    created_at: str = "created_at"
    optional: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        named = (self.id, self.actor, self.action, self.payload, self.created_at)
        return tuple(column for column in named if column is not None)


Table = LeadTable | CustomerTable | DependentTable | ReferenceTable | AuditTable


def build(cls: type[T], where: str, raw: object, faults: list[str]) -> T | None:
    """Return the *cls* that the TOML table *raw* describes, or None after noting its faults."""
    if not isinstance(raw, dict):
        faults.append(f"[{where}] is no table")
        return None
    fields = attrs.fields_dict(cls)
    required = {name for name, field in fields.items() if field.default is attrs.NOTHING}
    found = [f"unknown key {where}.{key}" for key in sorted(set(raw) - set(fields))]
    found += [f"{where}.{key} is missing" for key in sorted(required - set(raw))]
    for key in sorted(set(raw) & set(fields)):
        found += _faults(f"{where}.{key}", raw[key], str(fields[key].type))
    faults.extend(found)
    values = {
        key: None if value is False and key != "optional" else value for key, value in raw.items()
    }
    return None if found else cls(**values)


def _faults(where: str, raw: object, declared: str) -> list[str]:
    """Return what is wrong with *raw* where a field is *declared* a name, a flag or a table."""
    if declared == "bool":
        return [] if isinstance(raw, bool) else [f"{where} must be true or false"]
    if declared == "Treatment":
        return [] if raw in TREATMENTS else [wrong_treatment(where)]
    if declared.startswith("Mapping"):
        if not isinstance(raw, dict):
            return [f"{where} must be a table"]
        lists = "tuple" in declared
        return [
            f"{where}.{kind} names no column" for kind in raw if not _names(raw[kind], lists=lists)
        ]
    if raw is False and declared.endswith("None"):
        return []
    return [] if isinstance(raw, str) and raw else [f"{where} must be a name"]


def wrong_treatment(where: str) -> str:
    """Return the fault of a treatment that is no such word."""
    return f"{where} must be {' or '.join(TREATMENTS)}"


def _names(raw: object, *, lists: bool) -> bool:
    """Tell whether *raw* is a column's name or, where *lists* may be, several."""
    names = raw if lists and isinstance(raw, list) else [raw]
    return bool(names) and all(isinstance(name, str) and name for name in names)
