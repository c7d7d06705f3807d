"""The kinds of frames that leads are read from: how each is made of columns, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["KINDS", "every_kind", "frame", "rows_of"]

Columns = "Mapping[str, Sequence[object]]"


def _duckdb(columns: Mapping[str, Sequence[object]]) -> duckdb.DuckDBPyRelation:
    return duckdb.connect().from_arrow(pa.table(dict(columns)))


KINDS: Mapping[str, Callable[[Mapping[str, Sequence[object]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas of objects": lambda columns: pd.DataFrame(columns, dtype=object),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "polars lazy": lambda columns: pl.DataFrame(columns, strict=False).lazy(),
    "pyarrow": lambda columns: pa.table(dict(columns)),
    "duckdb": _duckdb,
}

every_kind = pytest.mark.parametrize("kind", KINDS)
"""Runs a test on each kind of frame."""


def frame(kind: str, columns: Mapping[str, Sequence[object]]) -> Any:  # noqa: ANN401 - any of these
    """Return a frame of *kind* with *columns*."""
    return KINDS[kind](columns)


def rows_of(native: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any of these
    """Return the rows of a frame of any kind, what is missing as None."""
    if isinstance(native, pl.LazyFrame):
        native = native.collect()
    if isinstance(native, pl.DataFrame):
        return native.to_dicts()
    if isinstance(native, pd.DataFrame):
        plain = native.astype(object).where(native.notna(), None)
        return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]
    table = native if isinstance(native, pa.Table) else native.to_arrow_table()
    found: list[dict[str, Any]] = table.to_pylist()
    return found
