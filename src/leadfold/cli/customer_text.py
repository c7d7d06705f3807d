"""A customer as a person or a machine reads it; what identifies anybody is masked unless asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.changes import timestamp
from leadfold.cli.lines import few
from leadfold.cli.screen import Table
from leadfold.masking import MASK, mask, mask_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from leadfold.cli.screen import Screen
    from leadfold.customers import CustomerLead, CustomerView
    from leadfold.model import Identifier

__all__ = ["customer_json", "show_customer"]

_PLAIN = frozenset({"groupType", "leadCount", "createdBy", "createdAt", "multipleLeads"})
"""What of a customer's metadata identifies nobody; ``groupKey`` has a mask of its own."""

_WIDTH = 16


def customer_json(view: CustomerView, *, show_values: bool) -> dict[str, object]:
    """Return all of *view*."""
    return {
        "customer": _row(view, show_values=show_values),
        "leads": [_lead(lead, show_values=show_values) for lead in view.leads],
        "dependents": dict(view.dependents),
        "runs": [
            {
                "run": touch.run.id,
                "at": timestamp(touch.run.at),
                "action": touch.run.action,
                "changes": dict(touch.changes),
            }
            for touch in view.runs
        ],
        "rulings": [ruling.to_dict() for ruling in view.rulings],
        "former_ids": list(view.former_ids),
    }


def _row(view: CustomerView, *, show_values: bool) -> dict[str, object]:
    row = view.customer
    return {
        "id": row.id,
        "name": row.name if show_values or row.name is None else MASK,
        "phone": _value("phone", row.phone, show_values=show_values),
        "email": _value("email", row.email, show_values=show_values),
        "created_at": _moment(row.created_at),
        "made_by": view.made_by,
        "metadata": _metadata(view, show_values=show_values),
    }


def _lead(lead: CustomerLead, *, show_values: bool) -> dict[str, object]:
    held = lead.identifiers
    return {
        "id": lead.id,
        "created_at": _moment(lead.created_at),
        "identifiers": None
        if held is None
        else [_identifier(each, show_values=show_values) for each in held],
    }


def show_customer(view: CustomerView, screen: Screen, *, show_values: bool) -> None:
    """Show *view*: the row, its leads, rulings that name them, the runs that touched it."""
    screen.data(f"Customer {view.customer.id}")
    facts = [*_facts(view, show_values=show_values)]
    width = max(_WIDTH, *(len(name) + 2 for name, _ in facts))
    for name, value in facts:
        screen.data(f"   {name + ':':<{width}}{value}")
    screen.data()
    leads = [
        (lead.id, _moment(lead.created_at), _held(lead.identifiers, show_values=show_values))
        for lead in view.leads
    ]
    screen.table(Table(("lead", "created_at", "identifiers"), leads, title="Leads"))
    screen.data()
    if view.rulings:
        screen.table(Table(("ruling", "at", "actor", "says"), [*_rulings(view)], title="Rulings"))
        screen.data()
    runs = [
        (touch.run.id, timestamp(touch.run.at), touch.run.action, _counted(touch.changes))
        for touch in view.runs
    ]
    screen.table(Table(("run", "at", "action", "changes"), runs, title="Runs that touched it"))


def _facts(view: CustomerView, *, show_values: bool) -> Iterator[tuple[str, object]]:
    found = _row(view, show_values=show_values)
    for name in ("name", "phone", "email", "created_at"):
        yield name, "" if found[name] is None else found[name]
    yield "made by", view.made_by or "somebody else"
    yield from _metadata(view, show_values=show_values).items()
    for table, count in view.dependents.items():
        yield f"{table}es" if table.endswith("s") else f"{table}s", count
    if view.former_ids:
        yield "formerly", ", ".join(view.former_ids)


def _rulings(view: CustomerView) -> Iterator[tuple[str | None, ...]]:
    for ruling in view.rulings:
        says = "one person" if ruling.is_must_link else "different persons"
        parts = " | ".join(few(part) for part in ruling.parts)
        yield ruling.id, _moment(ruling.created_at), ruling.actor, f"{says}: {parts}"


def _metadata(view: CustomerView, *, show_values: bool) -> dict[str, object]:
    """Return what a customer's metadata says; another program's may be anything, under any key."""
    metadata = view.customer.metadata or {}
    if show_values:
        return dict(metadata)
    if view.made_by is None:
        return dict.fromkeys(metadata, MASK)
    return {key: _shown(key, value) for key, value in metadata.items()}


def _shown(key: str, value: object) -> object:
    if key == "groupKey" and isinstance(value, str):
        return mask_key(value)
    return value if key in _PLAIN else MASK


def _held(identifiers: tuple[Identifier, ...] | None, *, show_values: bool) -> str:
    if identifiers is None:
        return "(not read by any run yet)"
    return " ".join(_identifier(each, show_values=show_values) for each in identifiers)


def _identifier(identifier: Identifier, *, show_values: bool) -> str:
    return identifier.key if show_values else str(identifier)


def _value(kind: str, value: str | None, *, show_values: bool) -> str | None:
    return value if show_values or value is None else mask(kind, value)


def _counted(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{action} {count}" for action, count in changes.items())


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
