"""Pieces of statements that hang on no mapping: constants, conditions, marks of rows. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.repositories.postgres.composing import fixed, identifier, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "JOINS",
    "NOTHING",
    "NULL",
    "STAGE",
    "TRUE",
    "array_of",
    "condition",
    "on_row",
    "version_of_row",
]

NOTHING, NULL, TRUE = sql.SQL(""), sql.SQL("NULL"), sql.SQL("TRUE")


def version_of_row(*columns: str) -> sql.Composable:
    """Return a 64-bit mark of a row's cells: other cells, another mark."""
    # the text of a row keeps NULL apart from empty and one cell from two
    cells = [sql.SQL("row.{}").format(identifier(column)) for column in columns]
    return sql.SQL("hashtextextended(ROW({})::text, 0)").format(sql.SQL(", ").join(cells))


def condition(where: str) -> sql.SQL:
    """Return the mapping's own condition; the line break ends a comment it may end with."""
    return fixed("(" + where.replace("%", "%%") + "\n)")


def on_row(conditions: Sequence[sql.Composed]) -> sql.Composable:
    """Return *conditions*, each of which begins with a column, on the row called row."""
    named_row = [sql.SQL("row.") + condition for condition in conditions]
    return sql.SQL(" AND ").join(named_row) if named_row else TRUE


def array_of(items: Iterable[sql.Composable]) -> sql.Composed:
    """Return an array of *items*."""
    return sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(items))


JOINS = (
    "lead_record",
    "customer_record",
    "customer_made",
    "customer_made_here",
    "around_customer_made",
)
"""What joins rows with leadfold's own tables."""

STAGE: dict[str, sql.Composable] = {
    "stage": sql.SQL("pg_temp.leadfold_stage"),
    "here": sql.SQL("stage.position >= %(low)s AND stage.position < %(high)s"),
    "note_lost": fixed(named("writing")["note_lost"]),
    "lost_values": NULL,
}
