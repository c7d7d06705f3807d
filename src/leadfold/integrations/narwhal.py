"""Narwhals, or an error with the pip line; and its types as they are written here."""

from __future__ import annotations

from typing import Any, Literal

from leadfold.exceptions import MissingExtraError

try:
    import narwhals.stable.v2 as nw
except ModuleNotFoundError as e:
    if e.name != "narwhals":
        raise
    msg = "data frames need Narwhals: pip install 'leadfold[frames]'"
    raise MissingExtraError(msg, name=e.name) from e

__all__ = ["Backend", "Data", "Series", "nw"]

Backend = Literal["polars", "pandas", "pyarrow"]
"""A library whose frames can be made."""

Data = nw.DataFrame[Any]
"""Columns in memory, of whichever library."""

Series = nw.Series[Any]
"""One column of such."""
