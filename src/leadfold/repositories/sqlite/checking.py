"""The checks of a validation that are plain SQL, as a script for a DBA. It runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.backfill.checking import EXPLAINED_BY, LARGE
from leadfold.repositories.checks_told import HEADER, OF_DEPENDENTS
from leadfold.repositories.sqlite.shapes import Shapes, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.mapping import DependentTable, StoreMapping

__all__ = ["validation_sql"]

_TENANT = "-- Bind :tenant, as with .parameter set :tenant 'NAME', before you run it."


def validation_sql(mapping: StoreMapping) -> str:
    r"""Return the checks that are plain SQL over the tables of *mapping*, as a script for SQLite.

    Tables the mapping calls optional are taken to exist; `SQLiteRepository.validation_sql` leaves
    out those that do not.

    >>> from leadfold.repositories.mapping import StoreMapping
    >>> print(validation_sql(StoreMapping()).split("\n\n")[1])
    SELECT 'leads linked' AS "check", '100%' AS expected,
        count(row."customer_id") || '/' || count(*) || ' ('
        || coalesce(100 * count(row."customer_id") / nullif(count(*), 0), 100) || '%)' AS actual
    FROM main."Lead" AS row;
    """
    header = HEADER if mapping.lead.tenant is None else f"{HEADER}\n{_TENANT}"
    statements = (f"{statement};" for statement in _statements(mapping))
    return "\n\n".join([header, *statements]) + "\n"


def _statements(mapping: StoreMapping) -> Iterator[str]:
    shapes = Shapes(mapping, indexed=False)
    for name in ("linked", "customer", "not_null"):
        yield shapes.statement(f"check_leads_{name}")
    for table in mapping.dependents:
        pieces = _pieces(shapes, table)
        for statement, name in OF_DEPENDENTS.items():
            named = {**pieces, "title": literal(name.format(table.name))}
            yield shapes.statement(f"check_{statement}", **named)
    if mapping.customer.metadata is not None:
        yield shapes.statement("check_idle")
    for kind in ("phone", "email"):
        column = getattr(mapping.customer, kind)
        if column is not None:
            pieces = {
                "column": quote(column),
                "title": literal(f"{kind}s shown by several customers"),
            }
            yield shapes.statement("check_shown_twice", **pieces)
    yield shapes.statement("check_large", large=str(LARGE))
    if mapping.audit is not None:
        yield shapes.statement("check_audit", actions=", ".join(map(literal, EXPLAINED_BY)))


def _pieces(shapes: Shapes, table: DependentTable) -> dict[str, str]:
    """Return what the templates of a dependent *table* hold in braces."""
    names = {
        "dependent.table": f"main.{quote(table.table)}",
        "dependent.lead_id": quote(table.lead_id),
        "dependent.customer_id": quote(table.customer_id),
    }
    tenanted = shapes.mapping.lead.tenant is not None
    mine = shapes.statement("dependent_mine", **names) if tenanted else "1"
    return {**names, "mine": mine}
