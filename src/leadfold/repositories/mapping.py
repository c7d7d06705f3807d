"""Which tables and columns of a user's own schema leadfold works on. Names only; it runs no SQL."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold.exceptions import MappingError
from leadfold.model import CONVERSATION, JOB, Dependent

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

__all__ = ["AuditTable", "CustomerTable", "DependentTable", "LeadTable", "StoreMapping"]

T = TypeVar("T", bound=attrs.AttrsInstance)


def _columns(kinds: Mapping[str, str | Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return *kinds* with every column in a tuple: one column may be given bare."""
    return {
        kind: (columns,) if isinstance(columns, str) else tuple(columns)
        for kind, columns in kinds.items()
    }


def _together(tables: Iterable[DependentTable]) -> tuple[DependentTable, ...]:
    return tuple(tables)


@attrs.frozen
class LeadTable:
    """The table of leads.

    *identifiers* names one or several columns for each kind, *scopes* one column for each lead
    attribute that a scope names. *where* is an SQL condition on the table's own columns: rows
    that do not meet it are no leads. *tenant* is the column that says whose row it is.
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

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return every identifier and scope column, in the order mapped."""
        kinds = [column for columns in self.identifiers.values() for column in columns]
        return (*kinds, *self.scopes.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping names."""
        single = (self.id, self.customer_id, self.created_at, self.name, self.tenant)
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


Table = LeadTable | CustomerTable | DependentTable | AuditTable


@attrs.frozen
class StoreMapping:
    """The user's tables, by default those of the application leadfold grew up with.

    Without an *audit* table (None) leadfold keeps the audit trail in one of its own.

    >>> StoreMapping(lead=LeadTable(table="contacts", identifiers={"phone": "mobile"})).fields
    frozenset({'phone'})
    """

    lead: LeadTable = attrs.field(factory=LeadTable)
    customer: CustomerTable = attrs.field(factory=CustomerTable)
    dependents: tuple[DependentTable, ...] = attrs.field(
        factory=lambda: (DependentTable.of(JOB), DependentTable.of(CONVERSATION)),
        converter=_together,
    )
    audit: AuditTable | None = attrs.field(factory=lambda: AuditTable(optional=True))

    @property
    def fields(self) -> frozenset[str]:
        """Return the lead fields it maps: kinds and scopes."""
        return frozenset(self.lead.identifiers) | frozenset(self.lead.scopes)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> StoreMapping:
        """Read a mapping from a TOML file; ``false`` stands for a column or table that is not.

        Its tables are ``[lead]`` (with ``[lead.identifiers]`` and ``[lead.scopes]``),
        ``[customer]``, ``[[dependent]]`` and ``[audit]``; what is left out keeps its default.

        Raises:
            MappingError: with every table and key it does not know.
        """
        with Path(path).open("rb") as file:
            document = tomllib.load(file)
        faults: list[str] = []
        mapping = _parse(document, faults)
        if faults:
            raise MappingError(faults)
        return mapping

    def fit(
        self, catalog: Mapping[str, Collection[str]], *, fold: Callable[[str], str] = str
    ) -> StoreMapping:
        """Return the mapping without the optional tables that *catalog* lacks.

        *catalog* holds the columns of each table; *fold* is how the store compares names.

        Raises:
            MappingError: with everything the catalog does not have, all at once.
        """
        folded = {fold(table): {fold(column) for column in catalog[table]} for table in catalog}
        present = attrs.evolve(
            self,
            dependents=(
                table
                for table in self.dependents
                if not table.optional or fold(table.table) in folded
            ),
            audit=_if_present(self.audit, folded, fold),
        )
        faults = [*_contradictions(present), *_missing(present, folded, fold)]
        if faults:
            raise MappingError(faults)
        return present

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return every table it names."""
        audit = () if self.audit is None else (self.audit,)
        return (self.lead, self.customer, *self.dependents, *audit)


def _missing(
    mapping: StoreMapping, catalog: Mapping[str, Collection[str]], fold: Callable[[str], str]
) -> Iterator[str]:
    for table in mapping.tables:
        columns = catalog.get(fold(table.table))
        if columns is None:
            yield f'no table "{table.table}"'
            continue
        for column in table.columns:
            if fold(column) not in columns:
                yield f'no column "{column}" in table "{table.table}"'


def _contradictions(mapping: StoreMapping) -> Iterator[str]:
    """Yield what cannot be meant, whatever the store holds."""
    lead = mapping.lead
    for kind in sorted(set(lead.identifiers) & set(lead.scopes)):
        yield f"{kind} is both an identifier and a scope"
    if lead.customer_id in {lead.id, *lead.evidence}:
        yield f'the link "{lead.customer_id}" is mapped to something else as well'
    for kind, columns in lead.identifiers.items():
        if not columns:
            yield f"identifier {kind} has no column"
    if (lead.tenant is None) != (mapping.customer.tenant is None):
        yield "map a tenant column for leads and for customers, or for neither"
    names = Counter(dependent.name for dependent in mapping.dependents)
    for name in sorted(name for name, count in names.items() if count > 1):
        yield f"several dependents are called {name}"


def _if_present(
    audit: AuditTable | None, catalog: Mapping[str, Collection[str]], fold: Callable[[str], str]
) -> AuditTable | None:
    if audit is None or not audit.optional:
        return audit
    columns = catalog.get(fold(audit.table), ())
    return audit if all(fold(column) in columns for column in audit.columns) else None


_MAPS = frozenset({"identifiers", "scopes"})


def _parse(document: Mapping[str, object], faults: list[str]) -> StoreMapping:
    """Build the mapping a TOML *document* describes; what is wrong with it goes to *faults*."""
    known = {"lead", "customer", "dependent", "audit"}
    faults.extend(f"unknown table [{name}]" for name in sorted(set(document) - known))
    default = StoreMapping()
    audit: object = default.audit
    if "audit" in document:
        told = document["audit"]
        audit = None if told is False else _build(AuditTable, "audit", told, faults)
    return StoreMapping(
        lead=_build(LeadTable, "lead", document.get("lead", {}), faults) or default.lead,
        customer=_build(CustomerTable, "customer", document.get("customer", {}), faults)
        or default.customer,
        dependents=_dependents(document["dependent"], faults)
        if "dependent" in document
        else default.dependents,
        audit=cast("AuditTable | None", audit),
    )


def _dependents(rows: object, faults: list[str]) -> tuple[DependentTable, ...]:
    rows = rows if isinstance(rows, list) else [rows]
    built = (_build(DependentTable, "dependent", row, faults) for row in rows)
    return tuple(table for table in built if table is not None)


def _build(cls: type[T], where: str, raw: object, faults: list[str]) -> T | None:
    """Return the *cls* that the TOML table *raw* describes, or None after noting its faults."""
    if not isinstance(raw, dict):
        faults.append(f"[{where}] is no table")
        return None
    fields = attrs.fields_dict(cls)
    required = {name for name, field in fields.items() if field.default is attrs.NOTHING}
    noted = len(faults)
    faults.extend(f"unknown key {where}.{key}" for key in sorted(set(raw) - set(fields)))
    faults.extend(f"{where}.{key} is missing" for key in sorted(required - set(raw)))
    values = {key: _value(f"{where}.{key}", key, raw[key], faults) for key in raw if key in fields}
    return None if len(faults) > noted else cls(**values)


def _value(where: str, key: str, raw: object, faults: list[str]) -> object:
    """Return what *raw* says for the field *key*: a name, None for false, or a table of names."""
    if key in _MAPS and isinstance(raw, dict):
        faults.extend(f"{where}.{kind} names no column" for kind in raw if not _names(raw[kind]))
        return raw
    if key == "optional" and isinstance(raw, bool):
        return raw
    if raw is False:
        return None
    if key in _MAPS or not isinstance(raw, str) or not raw:
        faults.append(f"{where} must be a name")
    return raw


def _names(raw: object) -> bool:
    """Tell whether *raw* is a column's name or a list of them."""
    names = raw if isinstance(raw, list) else [raw]
    return bool(names) and all(isinstance(name, str) and name for name in names)
