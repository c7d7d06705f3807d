"""Rows of a Parquet file, by whichever reader is installed: PyArrow (it streams), else Polars.

pandas is not asked: it reads Parquet through PyArrow itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.faults import unreadable_as_named
from leadfold.exceptions import MissingExtraError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leadfold.cli.faults import OnFault
    from leadfold.cli.rows import Row

__all__ = ["ParquetFile", "open_parquet"]

_BATCH = 50_000


@attrs.frozen
class _Library:
    """A library that reads Parquet: how it gives names, and columns of plain Python values."""

    names: Callable[[Path], Sequence[str]]
    columns: Callable[[Path, list[str]], Iterator[list[Sequence[object]]]]
    errors: tuple[type[Exception], ...]


@attrs.frozen
class ParquetFile:
    """A Parquet file; its lines are the numbers of its rows."""

    path: Path
    header: tuple[str, ...]
    library: _Library

    def rows(self, columns: Sequence[str], on_fault: OnFault) -> Iterator[Row]:  # noqa: ARG002 - a Parquet row cannot be broken
        """Yield number and values of *columns* of every row."""
        number = 0
        with _named(self.path, self.library.errors):
            for batch in self.library.columns(self.path, list(columns)):
                for cells in zip(*batch, strict=True):
                    number += 1
                    yield number, cells


def open_parquet(path: Path) -> ParquetFile:
    """Read the names of the columns of *path*.

    Raises:
        MissingExtraError: neither PyArrow nor Polars is installed.
        UnreadableFileError: *path* is no Parquet file.
    """
    library = _pyarrow() or _polars()
    if library is None:
        msg = f"reading {path.name} needs PyArrow: pip install pyarrow"
        raise MissingExtraError(msg, name="pyarrow")
    with _named(path, library.errors):
        return ParquetFile(path, tuple(library.names(path)), library)


@contextmanager
def _named(path: Path, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what a library says of *path* into an error of ours."""
    with unreadable_as_named(path):
        try:
            yield
        except errors as e:
            msg = f"{path}: not readable as Parquet: {e}"
            raise UnreadableFileError(msg) from e


def _pyarrow() -> _Library | None:
    try:
        parquet, pyarrow = import_module("pyarrow.parquet"), import_module("pyarrow")
    except ModuleNotFoundError:
        return None

    def columns(path: Path, names: list[str]) -> Iterator[list[Sequence[object]]]:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH, columns=names):
                yield [batch.column(name).to_pylist() for name in names]

    def names(path: Path) -> list[str]:
        return list(parquet.read_schema(path).names)

    # ValueError: a time finer than a microsecond, which Python cannot hold.
    return _Library(names, columns, (pyarrow.ArrowException, ValueError))


def _polars() -> _Library | None:
    try:
        polars = import_module("polars")
    except ModuleNotFoundError:
        return None

    def columns(path: Path, names: list[str]) -> Iterator[list[Sequence[object]]]:
        frame = polars.read_parquet(path, columns=names)
        yield [frame[name].to_list() for name in names]

    def names(path: Path) -> list[str]:
        return list(polars.read_parquet_schema(path))

    return _Library(names, columns, (polars.exceptions.PolarsError,))
