"""Which tables and columns of a user's own schema leadfold works on. Names only; it runs no SQL."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold.exceptions import MappingError
from leadfold.model import CONVERSATION, JOB
from leadfold.repositories.tables import (
    TREATMENTS,
    UPDATED_AT,
    AuditTable,
    CustomerTable,
    DependentTable,
    LeadTable,
    PointingTable,
    ReferenceTable,
    Table,
    build,
    wrong_treatment,
)
from leadfold.repository import CUSTOMER, LEAD, RULING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

__all__ = [
    "AuditTable",
    "CustomerTable",
    "DependentTable",
    "LeadTable",
    "ReferenceTable",
    "StoreMapping",
    "Table",
    "tells_no_edits",
]

T = TypeVar("T", DependentTable, ReferenceTable)
A = TypeVar("A", AuditTable, ReferenceTable)

_WAY_OUT = "say what they are called in a StoreMapping (on the command line, --mapping TOML)"


def _dependents(tables: Iterable[DependentTable]) -> tuple[DependentTable, ...]:
    return tuple(tables)


def _references(tables: Iterable[ReferenceTable]) -> tuple[ReferenceTable, ...]:
    return tuple(tables)


@attrs.frozen
class StoreMapping:
    """The user's tables, by default those of the application leadfold grew up with.

    *references* are the tables beside leads and *dependents* whose rows point at customers.
    Without an *audit* table (None) leadfold keeps the audit trail in one of its own.

    >>> StoreMapping(lead=LeadTable(table="contacts", identifiers={"phone": "mobile"})).fields
    frozenset({'phone'})
    """

    lead: LeadTable = attrs.field(factory=LeadTable)
    customer: CustomerTable = attrs.field(factory=CustomerTable)
    dependents: tuple[DependentTable, ...] = attrs.field(
        factory=lambda: (DependentTable.of(JOB), DependentTable.of(CONVERSATION)),
        converter=_dependents,
    )
    audit: AuditTable | None = attrs.field(factory=lambda: AuditTable(optional=True))
    references: tuple[ReferenceTable, ...] = attrs.field(
        factory=lambda: (
            ReferenceTable("CustomerAddress", optional=True),
            ReferenceTable("MemoryNote", optional=True),
        ),
        converter=_references,
    )

    @property
    def fields(self) -> frozenset[str]:
        """Return the lead fields it maps: kinds and scopes."""
        return frozenset(self.lead.identifiers) | frozenset(self.lead.scopes)

    @property
    def carried(self) -> tuple[ReferenceTable, ...]:
        """Return the references whose rows are carried."""
        return tuple(table for table in self.references if table.treatment == "carry")

    @cached_property
    def pointing(self) -> dict[str, PointingTable]:
        """Return the tables whose rows the ledger follows from customer to customer, by name."""
        tables = (
            PointingTable(LEAD, self.lead.table, self.lead.id, self.lead.customer_id),
            *(
                PointingTable(each.name, each.table, each.id, each.customer_id, each.lead_id)
                for each in self.dependents
            ),
            *(
                PointingTable(each.name, each.table, each.id, each.customer_id)
                for each in self.carried
            ),
        )
        return {table.name: table for table in tables}

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> StoreMapping:
        """Read a mapping from a TOML file; ``false`` stands for a column or table that is not.

        Its tables are ``[lead]`` (with ``[lead.identifiers]`` and ``[lead.scopes]``),
        ``[customer]``, ``[[dependent]]``, ``[[reference]]`` and ``[audit]``; what is left out
        keeps its default.

        Raises:
            MappingError: with every table and key it does not know.
        """
        try:
            document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as e:
            msg = f"{path} is no TOML: {e}"
            raise MappingError([msg]) from e
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
            lead=_dated(self.lead, folded, fold),
            dependents=(
                table
                for table in self.dependents
                if not table.optional or fold(table.table) in folded
            ),
            references=(
                table for table in self.references if _if_present(table, folded, fold) is not None
            ),
            audit=_if_present(self.audit, folded, fold),
        )
        missing = [*_missing(present, folded, fold)]
        faults = [*_contradictions(present), *missing]
        if faults:
            raise MappingError(faults, _WAY_OUT if missing else None)
        return present

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return every table it names."""
        audit = () if self.audit is None else (self.audit,)
        return (self.lead, self.customer, *self.dependents, *self.references, *audit)


def tells_no_edits(lead: LeadTable) -> MappingError:
    """Return the error for a question when rows of *lead* were edited, if no column tells."""
    fault = (
        f'no column of "{lead.table}" says when a row was edited: map its updated_at, or compare '
        "all leads: refresh the index without since"
    )
    return MappingError([fault])


def _dated(
    lead: LeadTable, catalog: Mapping[str, Collection[str]], fold: Callable[[str], str]
) -> LeadTable:
    """Return *lead* without the column that tells of edits, where the default is not there."""
    if lead.updated_at != UPDATED_AT or fold(UPDATED_AT) in catalog.get(fold(lead.table), ()):
        return lead
    return attrs.evolve(lead, updated_at=None)


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
    for table in mapping.references:
        if table.treatment not in TREATMENTS:
            yield wrong_treatment(f"the treatment of {table.table}")
    dependents = (dependent.name for dependent in mapping.dependents)
    references = (table.name for table in mapping.references)
    names = Counter((LEAD, CUSTOMER, RULING, *dependents, *references))
    for name in sorted(name for name, count in names.items() if count > 1):
        yield f"several tables are called {name}"


def _if_present(
    table: A | None, catalog: Mapping[str, Collection[str]], fold: Callable[[str], str]
) -> A | None:
    """Return *table*, or None where it is optional and not there with all its columns."""
    if table is None or not table.optional:
        return table
    columns = catalog.get(fold(table.table), ())
    return table if all(fold(column) in columns for column in table.columns) else None


def _parse(document: Mapping[str, object], faults: list[str]) -> StoreMapping:
    """Build the mapping a TOML *document* describes; what is wrong with it goes to *faults*."""
    known = {"lead", "customer", "dependent", "reference", "audit"}
    faults.extend(f"unknown table [{name}]" for name in sorted(set(document) - known))
    default = StoreMapping()
    audit: object = default.audit
    if "audit" in document:
        told = document["audit"]
        audit = None if told is False else build(AuditTable, "audit", told, faults)
    return StoreMapping(
        lead=build(LeadTable, "lead", document.get("lead", {}), faults) or default.lead,
        customer=build(CustomerTable, "customer", document.get("customer", {}), faults)
        or default.customer,
        dependents=_listed(DependentTable, "dependent", document, faults, default.dependents),
        references=_listed(ReferenceTable, "reference", document, faults, default.references),
        audit=cast("AuditTable | None", audit),
    )


def _listed(
    cls: type[T],
    where: str,
    document: Mapping[str, object],
    faults: list[str],
    default: tuple[T, ...],
) -> tuple[T, ...]:
    """Return the tables that *document* lists under *where*, or the *default*."""
    if where not in document:
        return default
    raw = document[where]
    rows = raw if isinstance(raw, list) else [raw]
    built = (build(cls, where, row, faults) for row in rows)
    return tuple(table for table in built if table is not None)
