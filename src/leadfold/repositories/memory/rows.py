"""Rows of the in-memory store: what the application hands over, as frozen values. No tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.model import Customer, Lead, field_of, text_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from leadfold.model import Cell

__all__ = [
    "AuditEntry",
    "Constraint",
    "DependentRow",
    "Shape",
    "blanked",
    "customer_of",
    "image_of",
    "lead_of",
]

DependentRow = Mapping[str, object]
"""A row of a dependent table: ``id``, its lead and its customer by column, and anything else."""

Constraint = Callable[[Lead | Customer], str | None]
"""A check constraint: what is wrong with a row about to be written, or None."""

IDENTIFIERS = ("psid", "phone", "email")
_COLUMNS = frozenset({"id", *IDENTIFIERS, "name", "created_at", "customer_id"})


@attrs.frozen
class AuditEntry:
    """One row of the audit trail, which only grows."""

    actor: str
    action: str
    payload: Mapping[str, object] = attrs.field(repr=False)
    created_at: datetime
    lead_id: str | None = None
    id: str = ""


@attrs.frozen
class Shape:
    """What is declared of the tables, as a schema would.

    *fields* are the names that hold identifiers and scopes; None takes every name a lead has,
    but for its name, time and customer.
    """

    fields: frozenset[str] | None = None
    unique: frozenset[str] = frozenset()
    link_nullable: bool = True
    constraints: tuple[Constraint, ...] = ()

    def basis(self, lead: Lead) -> object:
        """Return what a lead's version stands for: its link and what it is identified by."""
        if self.fields is None:
            return lead.customer_id, lead.psid, lead.phone, lead.email, lead.fields
        return lead.customer_id, {name: field_of(lead, name) for name in self.fields}


def lead_of(source: object) -> Lead:
    """Return *source* (a Lead, a mapping or any object with those attributes) as a Lead.

    >>> lead_of({"id": 7, "phone": "555", "stage": "new"}).fields
    {'stage': 'new'}
    """
    if isinstance(source, Lead):
        return source
    link = field_of(source, "customer_id")
    return Lead(
        id=field_of(source, "id"),
        psid=_cell(field_of(source, "psid")),
        phone=_cell(field_of(source, "phone")),
        email=_cell(field_of(source, "email")),
        name=cast("str | None", field_of(source, "name")),
        created_at=cast("datetime | None", field_of(source, "created_at")),
        customer_id=None if link is None else text_id(link, "customer_id"),
        fields={name: _cell(field_of(source, name)) for name in _further_names(source)},
    )


def customer_of(source: object) -> Customer:
    """Return *source* (a Customer, a mapping or any such object) as a Customer."""
    if isinstance(source, Customer):
        return source
    return Customer(
        id=field_of(source, "id"),
        name=cast("str | None", field_of(source, "name")),
        phone=cast("str | None", field_of(source, "phone")),
        email=cast("str | None", field_of(source, "email")),
        metadata=cast("Mapping[str, object] | None", field_of(source, "metadata")),
        created_at=cast("datetime | None", field_of(source, "created_at")),
    )


def image_of(customer: Customer) -> dict[str, object]:
    """Return the whole row of *customer*, as the ledger keeps it."""
    return attrs.asdict(customer, recurse=False)


def blanked(
    row: Mapping[str, object], values: Mapping[str, str]
) -> tuple[dict[str, object], list[str]]:
    """Return *row* without the *values* that it still holds, and the columns that lost theirs.

    >>> blanked({"name": "Ann", "metadata": {"groupKey": "k"}}, {"name": "Bea", "groupKey": "k"})
    ({'name': 'Ann', 'metadata': {'groupKey': None}}, ['groupKey'])
    """
    kept, lost = dict(row), []
    for column, value in sorted(values.items()):
        metadata = cast("Mapping[str, object]", kept.get("metadata") or {})
        if column == "groupKey" and metadata.get(column) == value:
            kept["metadata"] = {**metadata, column: None}
        elif kept.get(column) == value:
            kept[column] = None
        else:
            continue
        lost.append(column)
    return kept, lost


def _cell(raw: object) -> Cell:
    """Return *raw* as it stands; a list becomes a tuple, so that no row changes unseen."""
    return cast("Cell", tuple(raw) if isinstance(raw, list) else raw)


def _further_names(source: object) -> Iterator[str]:
    """Yield the names that *source* holds beyond the columns every lead has."""
    return (name for name in _names(source) if name not in _COLUMNS and not name.startswith("_"))


def _names(source: object) -> Iterable[str]:
    if isinstance(source, Mapping):
        return source
    slots = (name for cls in type(source).__mro__ for name in vars(cls).get("__slots__", ()))
    return dict.fromkeys((*slots, *getattr(source, "__dict__", ())))
