"""What an adapter's logic asks a driver to execute, and what it gets back. Values only.

Logic is written as generators that yield steps and are sent answers, so that one text serves a
blocking driver and an asynchronous one. An error of the store is thrown into the generator.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from leadfold.repositories.postgres.numbering import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from psycopg.sql import SQL, Composed

__all__ = [
    "Answer",
    "CopyIn",
    "Parameters",
    "Query",
    "Row",
    "Statement",
    "Step",
    "Steps",
    "Together",
    "together",
]

T = TypeVar("T")
R = TypeVar("R")

Row = tuple[object, ...]
Parameters = Mapping[str, object]


@attrs.frozen
class Statement:
    """One statement; without *parameters* the text may hold several, sent in one go."""

    query: SQL | Composed
    parameters: Parameters | None = None

    def numbered(self) -> tuple[str, list[object]]:
        """Return the text with its parameters numbered, and what they are in that order."""
        text, names = numbered(self.query.as_string())
        given = self.parameters or {}
        return text, [given[name] for name in names]


@attrs.frozen
class CopyIn:
    """A COPY from the client; *blocks*, whole rows in COPY's text format, are made as they go."""

    query: SQL | Composed
    blocks: Iterable[str] = attrs.field(repr=False)


@attrs.frozen
class Together:
    """Statements, each single, that travel together: one round trip, as if one after the other.

    Where one fails those after it are not run.
    """

    statements: tuple[Statement, ...]


@attrs.frozen
class Answer:
    """The rows of a query, or how many rows a statement wrote; *each* has those of `Together`."""

    rows: Sequence[Row] = ()
    count: int = 0
    each: tuple[Answer, ...] = ()


Step = Statement | CopyIn | Together

Steps = Generator[Step, Answer, R]


def together(*statements: Statement) -> Steps[tuple[Answer, ...]]:
    """Send *statements* in one round trip; return the answer to each."""
    answer = yield Together(statements)
    return answer.each


@attrs.frozen
class Query(Generic[T]):
    """A query whose rows are read in batches; *made* turns a batch into what is wanted."""

    statement: Statement
    made: Callable[[Sequence[Row]], T]
