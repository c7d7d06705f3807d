"""What an adapter's logic asks a driver to execute, and what it gets back. Values only.

Logic is written as generators that yield steps and are sent answers, so that one text serves a
blocking driver and an asynchronous one. An error of the store is thrown into the generator.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from psycopg.sql import SQL, Composed

__all__ = ["Answer", "CopyIn", "Parameters", "Query", "Row", "Statement", "Step", "Steps"]

T = TypeVar("T")
R = TypeVar("R")

Row = tuple[object, ...]
Parameters = Mapping[str, object]


@attrs.frozen
class Statement:
    """One statement; without *parameters* the text may hold several, sent in one go."""

    query: SQL | Composed
    parameters: Parameters | None = None


@attrs.frozen
class CopyIn:
    """A COPY from the client; *blocks*, whole rows in COPY's text format, are made as they go."""

    query: SQL | Composed
    blocks: Iterable[str] = attrs.field(repr=False)


@attrs.frozen
class Answer:
    """The rows of a query, or how many rows a statement wrote."""

    rows: Sequence[Row]
    count: int


Step = Statement | CopyIn

Steps = Generator[Step, Answer, R]


@attrs.frozen
class Query(Generic[T]):
    """A query whose rows are read in batches; *made* turns a batch into what is wanted."""

    statement: Statement
    made: Callable[[Sequence[Row]], T]
