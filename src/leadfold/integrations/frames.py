"""The kinds of frames: how each hands over columns, and takes the new ones. Nothing is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

import attrs

from leadfold.exceptions import FrameError, MissingExtraError
from leadfold.integrations.narwhal import nw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.integrations.narwhal import Data

__all__ = ["Frame", "frame_of"]

_EAGER = ("pandas", "polars", "pyarrow")
_KEY, _ROW = "leadfold key", "leadfold row"


class Frame(Protocol):
    """A caller's frame: its column names, columns of it, and the frame with further columns."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its columns."""

    def read(self, names: Iterable[str], id_name: str | None) -> Data:
        """Return the columns *names*, row by row in an order that `joined` keeps."""

    def joined(self, added: Data) -> object:
        """Return the native frame with the columns of *added*, whose rows are those read."""


def frame_of(native: object) -> Frame:
    """Return *native* as a `Frame`.

    Raises:
        FrameError: it is no frame, or of a library that has no place here.
    """
    try:
        frame: object = nw.from_native(cast("Any", native), pass_through=True)
    except nw.exceptions.DuplicateError as e:
        raise FrameError(["several columns have one name: rename all but one"]) from e
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        kind = type(native).__name__
        fault = f"a {kind} is no frame: give one of pandas, Polars, PyArrow or DuckDB"
        raise FrameError([fault])
    library = frame.implementation.value
    if isinstance(frame, nw.DataFrame) and library in _EAGER:
        return _Eager(frame)
    if isinstance(frame, nw.LazyFrame) and library == "polars":
        return _Lazy(frame.collect())
    if library == "duckdb":
        return _DuckDB(native)
    raise FrameError([f"frames of {library} are not read: hand over a pandas, Polars or Arrow one"])


@attrs.frozen
class _Eager:
    """A frame in memory."""

    frame: Data = attrs.field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def read(self, names: Iterable[str], id_name: str | None) -> Data:  # noqa: ARG002 - rows have places
        return self.frame.select(*names)

    def joined(self, added: Data) -> object:
        return self.frame.with_columns(*(added[name] for name in added.columns)).to_native()


@attrs.frozen
class _Lazy(_Eager):
    """A lazy frame of Polars, collected once: nobody says that it gives the same order twice."""

    def joined(self, added: Data) -> object:
        whole = self.frame.with_columns(*(added[name] for name in added.columns))
        return whole.lazy().to_native()


@attrs.define
class _DuckDB:
    """A relation, which stays in its database: the new columns are joined to it by the ids."""

    relation: Any = attrs.field(repr=False)
    _keys: Any = attrs.field(default=None, repr=False)
    _id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.relation.columns)

    def read(self, names: Iterable[str], id_name: str | None) -> Data:
        """Return the columns; a relation may give another order each time, so ids are kept."""
        self._id = _quoted(id_name) if id_name else "NULL"
        columns = [f"CAST({self._id} AS VARCHAR) AS {_quoted(_KEY)}", *map(_quoted, names)]
        try:
            import pyarrow  # noqa: F401, ICN001, PLC0415 - DuckDB hands columns over through it
        except ModuleNotFoundError as e:
            msg = "reading a DuckDB relation needs PyArrow: pip install pyarrow"
            raise MissingExtraError(msg, name="pyarrow") from e
        found = self.relation.project(", ".join(columns)).to_arrow_table()
        frame: Data = nw.from_native(found, eager_only=True)
        self._keys = frame.select(_KEY).with_row_index(_ROW)
        return frame.drop(_KEY)

    def joined(self, added: Data) -> object:
        columns = ", ".join(f"answers.{_quoted(name)}" for name in added.columns)
        answers = self._keys.with_columns(*(added[c] for c in added.columns)).to_native()  # noqa: F841 - the query names it
        # Before DuckDB 2 the result looks the name up again whenever it is run: each has its own.
        leads = f"leadfold_{uuid4().hex}"
        return self.relation.query(
            leads,
            f"SELECT {leads}.*, {columns} FROM {leads} JOIN answers "  # noqa: S608 - quoted names
            f"ON CAST({leads}.{self._id} AS VARCHAR) = answers.{_quoted(_KEY)} "
            f"ORDER BY answers.{_quoted(_ROW)}",
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
