"""The triggers that tell the queue of edited leads, as a script for SQLite. It runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.repositories.sqlite.shapes import condition, literal, quote
from leadfold.repositories.triggers_told import HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.repositories.sqlite.shapes import Shapes
    from leadfold.repositories.tables import LeadTable

__all__ = ["trigger_sql"]


def trigger_sql(shapes: Shapes, columns: Sequence[str]) -> str:
    """Return the script for the table of leads of *shapes*, which has these *columns*.

    leadfold's own writes set the link alone, which look-ups read anyway: no trigger looks at it.
    """
    lead = shapes.mapping.lead
    old, new = (_Version(shapes, lead, columns, name) for name in ("OLD", "NEW"))
    watched = (lead.id, *lead.evidence, *([lead.tenant] if lead.tenant else []))
    changed = [f"OLD.{quote(column)} IS NOT NEW.{quote(column)}" for column in watched]
    if lead.where is not None:
        changed.append(f"{old.takes_part} <> {new.takes_part}")
    when = "WHEN " + "\n    OR ".join(changed) + "\n"
    triggers = (
        ("leadfold_lead_came", "INSERT", "", [new.put]),
        ("leadfold_lead_edited", "UPDATE", when, [old.put, new.put]),
        ("leadfold_lead_gone", "DELETE", "", [old.put]),
    )
    statements = (
        shapes.statement(
            "trigger",
            trigger=quote(name),
            event=event,
            table=quote(lead.table),
            when=condition_text,
            puts="".join(f"{put};\n" for put in puts),
        )
        for name, event, condition_text, puts in triggers
    )
    return "\n\n".join([HEADER, *(f"{statement};" for statement in statements)]) + "\n"


class _Version:
    """A row before or after an edit, under its table's name: the mapping's condition reads it."""

    def __init__(
        self, shapes: Shapes, lead: LeadTable, columns: Sequence[str], version: str
    ) -> None:
        alias = quote(lead.table)
        cells = ", ".join(f"{version}.{quote(column)} AS {quote(column)}" for column in columns)
        row = f"(SELECT {cells}) AS {alias}"
        taking_part = "1" if lead.where is None else condition(lead)
        tenant = lead.tenant
        owner = literal("") if tenant is None else f"CAST({alias}.{quote(tenant)} AS TEXT)"
        self.takes_part = shapes.statement("takes_part", row=row, taking_part=taking_part)
        self.put = shapes.statement(
            "put", owner=owner, id=f"{alias}.{quote(lead.id)}", row=row, taking_part=taking_part
        )
