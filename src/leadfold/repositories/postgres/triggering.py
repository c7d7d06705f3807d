"""The triggers that tell the queue of edited leads, as a script for psql. It runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.repositories.postgres.composing import fixed, identifier
from leadfold.repositories.postgres.pieces import condition
from leadfold.repositories.triggers_told import HEADER

if TYPE_CHECKING:
    from leadfold.repositories.postgres.shapes import Shapes

__all__ = ["trigger_sql"]

_NOTHING, _TRUE, _OR = sql.SQL(""), sql.SQL("TRUE"), sql.SQL(" OR ")


def trigger_sql(shapes: Shapes) -> str:
    """Return the script for the table of leads of *shapes*.

    leadfold's own writes set the link alone, which look-ups read anyway: no trigger looks at it.
    The function writes to the queue with the rights of its owner, whoever edits the lead.
    """
    changed = _changed(shapes)
    where = shapes.mapping.lead.where
    when = _NOTHING if where is not None else sql.SQL("WHEN ({}) ").format(changed)
    statements = (_function(shapes, changed), shapes.text("triggers", when=when))
    scripts = (f"{_scripted(statement)};" for statement in statements)
    return "\n\n".join([HEADER, *scripts]) + "\n"


def _scripted(statement: sql.Composed) -> str:
    return statement.as_string(None).replace("%%", "%")


def _changed(shapes: Shapes) -> sql.Composed:
    """Return the condition that an update touched what leads are told by."""
    lead = shapes.mapping.lead
    watched = (lead.id, *lead.evidence, *([lead.tenant] if lead.tenant else []))
    differs = sql.SQL("OLD.{0}::text IS DISTINCT FROM NEW.{0}::text")
    return _OR.join([differs.format(identifier(column)) for column in watched])


def _function(shapes: Shapes, changed: sql.Composed) -> sql.Composed:
    lead = shapes.mapping.lead
    alias = identifier(shapes.catalog.relations[lead.table].name)
    pieces: dict[str, sql.Composable] = {
        "alias": alias,
        "taking_part": _TRUE if lead.where is None else condition(lead.where),
        "owner": sql.SQL("''"),
        "changed": changed,
    }
    if lead.tenant is not None:
        pieces["owner"] = sql.SQL("{}.{}::text").format(alias, identifier(lead.tenant))
    old, new = (shapes.text("put", version=sql.SQL(name), **pieces) for name in ("OLD", "NEW"))
    same: sql.Composable = _NOTHING
    if lead.where is not None:
        same = shapes.text("unless_same", **pieces) + sql.SQL(";\n    ")
    tag = _tag(lead.where or "")
    return shapes.text("trigger_function", tag=tag, unless_same=same, put_old=old, put_new=new)


def _tag(text: str) -> sql.SQL:
    """Return a dollar quote that *text* does not hold."""
    name = "leadfold"
    while name in text:
        name += "_"
    return fixed(f"${name}$")
