"""The checks of a validation that are plain SQL, as a script for a DBA. It runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.backfill.checking import EXPLAINED_BY, LARGE
from leadfold.repositories.checks_told import HEADER, OF_DEPENDENTS
from leadfold.repositories.postgres.composing import identifier, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.postgres.shapes import Shapes

__all__ = ["validation_sql"]

_TENANT = "-- Run it with psql -v tenant=NAME."


def validation_sql(shapes: Shapes) -> str:
    """Return the checks that are plain SQL over the tables of *shapes*, as a script for psql."""
    header = HEADER if shapes.mapping.lead.tenant is None else f"{HEADER}\n{_TENANT}"
    statements = (f"{_scripted(statement)};" for statement in _statements(shapes))
    return "\n\n".join([header, *statements]) + "\n"


def _scripted(statement: sql.Composed) -> str:
    """Return *statement* as psql reads it: a variable where the driver has a parameter."""
    return statement.as_string(None).replace("%(tenant)s", ":'tenant'").replace("%%", "%")


def _statements(shapes: Shapes) -> Iterator[sql.Composed]:
    mapping = shapes.mapping
    for name in ("linked", "customer", "not_null"):
        yield shapes.text(f"check_leads_{name}")
    for table in mapping.dependents:
        for statement, name in OF_DEPENDENTS.items():
            title = quoted(name.format(table.name))
            yield shapes.of_dependent(f"check_{statement}", table, title=title)
    if mapping.customer.metadata is not None:
        yield shapes.text("check_idle", made_by=shapes.text("created_by"))
    for kind in ("phone", "email"):
        column = getattr(mapping.customer, kind)
        if column is not None:
            title = quoted(f"{kind}s shown by several customers")
            yield shapes.text("check_shown_twice", column=identifier(column), title=title)
    yield shapes.text("check_large", large=sql.SQL(str(LARGE)))
    if mapping.audit is not None:
        actions = sql.SQL(", ").join(map(quoted, EXPLAINED_BY))
        yield shapes.text("check_audit", actions=actions)
