"""Statements made of templates and names: every name goes through psycopg's composition here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.repositories import sql as templates

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["composed", "fixed", "identifier", "named", "quoted"]

_PLACE = re.compile(r"\{([a-z_.]+)\}")


def fixed(text: str) -> sql.SQL:
    """Return *text*, which is SQL by intention: a template's, a type's, the mapping's condition."""
    return sql.SQL(text)


def identifier(*parts: str) -> sql.Identifier:
    """Return a name for a statement that takes parameters: there, the driver reads a ``%``."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


def quoted(text: str) -> sql.Literal:
    """Return a text for such a statement."""
    return sql.Literal(text.replace("%", "%%"))


def composed(template: str, names: Mapping[str, sql.Composable]) -> sql.Composed:
    r"""Return *template* with each name in braces put in.

    >>> composed("SELECT {lead.id}, '{}'", {"lead.id": sql.Identifier('i"d')}).as_string(None)
    'SELECT "i""d", \'{}\''
    """
    pieces = _PLACE.split(template)
    return sql.Composed(
        [fixed(piece) if at % 2 == 0 else names[piece] for at, piece in enumerate(pieces)]
    )


def named(file: str) -> dict[str, str]:
    """Return the templates of one of PostgreSQL's files by name."""
    return templates.named(f"postgres/{file}.sql")
