"""The columns of a frame read into the engine's: ids checked, all faults told at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import FrameError
from leadfold.grouping.columns import Column, Columns, KindReader
from leadfold.integrations.cells import cells_of, merged
from leadfold.integrations.columnar import SeriesColumn, read_texts
from leadfold.integrations.narwhal import nw
from leadfold.masking import some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.grouping.columns import Refusal
    from leadfold.integrations.narwhal import Data, Series
    from leadfold.model import Cell
    from leadfold.policy import Policy

__all__ = ["FrameReader"]

_BATCH = 4096  # cells read at a time, as `leadfold.group` does


@attrs.define
class FrameReader:
    """Reads one *frame* by its *sources*; *faults* grows with all that is wrong."""

    frame: Data = attrs.field(repr=False)
    policy: Policy
    sources: Mapping[str, tuple[str, ...]]
    faults: list[str]

    def columns(self) -> Columns:
        """Return the leads of the frame, in its order.

        Raises:
            FrameError: ids or cells that cannot be read, or faults found before.
        """
        ids = self._ids()
        found = {kind: self._texts(kind) for kind in self.policy.kinds}
        texts = {kind: series for kind, series in found.items() if series is not None}
        cells = {f: self._cells(f) for f in self.sources if f != "id" and f not in texts}
        if self.faults:
            raise FrameError(self.faults)
        return self._read(ids, texts, cells)

    def _read(
        self,
        ids: Column,
        texts: Mapping[str, Series],
        cells: Mapping[str, Sequence[Cell]],
    ) -> Columns:
        readers = {rule.kind: KindReader(self.policy, rule) for rule in self.policy.identifiers}
        at_sight, refused = read_texts(texts, readers)
        by_kind: list[Column] = []
        for kind, reader in readers.items():
            column: Column | None = at_sight.get(kind)
            if column is None:
                column = Column()
                refused += _read_batches(reader, cells, column, len(ids))
            by_kind.append(column)
        return Columns(self.policy.kinds, ids, by_kind, refused)

    def _ids(self) -> Column:
        """Return the ids as text; faults tell of missing ones, and of those that several have."""
        names = self.sources.get("id")
        if not names:
            return Column()
        if (texts := self._whole(names[0])) is not None and _are_sound(texts):
            return SeriesColumn(texts)
        cells = self._cells_of(names[0], "id")
        if without := [row for row, cell in enumerate(cells) if not cell]:
            rows = some(map(str, without))
            self.faults.append(f"column {names[0]!r} (id), row {rows}: no id: give every lead one")
        counts = Counter(cell for cell in cells if isinstance(cell, str) and cell)
        if again := sorted(lead for lead, count in counts.items() if count > 1):
            self.faults.append(
                f"column {names[0]!r} (id) has some more than once: {some(again)}: "
                "give every lead an id of its own"
            )
        return Column([*counts])

    def _texts(self, kind: str) -> Series | None:
        """Return the column of *kind* if it can be read whole: one of texts, without a scope."""
        [rule] = [rule for rule in self.policy.identifiers if rule.kind == kind]
        names = self.sources.get(kind, ())
        if len(names) != 1 or rule.scope is not None:
            return None
        return self._whole(names[0]) if self.policy.normalizer(rule).plain() else None

    def _whole(self, name: str) -> Series | None:
        """Return a column of texts in a library that is quick with them; None if it is no such."""
        series = self.frame[name]
        if series.dtype != nw.String:
            return None
        return series if series.implementation.is_polars() else _in_arrow(series)

    def _cells(self, field: str) -> list[Cell]:
        return merged([self._cells_of(name, field) for name in self.sources[field]])

    def _cells_of(self, name: str, field: str) -> list[Cell]:
        """Return the cells of one column; a fault tells of those that are no text."""
        told: dict[str, list[int]] = {}
        cells = cells_of(self.frame[name], lambda row, why: told.setdefault(why, []).append(row))
        self.faults += [
            f"column {name!r} ({field}), row {some(map(str, rows))}: {why}"
            for why, rows in told.items()
        ]
        return cells


def _in_arrow(series: Series) -> Series | None:
    """Return *series* in Arrow; None where there is no PyArrow, or it cannot hold the texts."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - who has no PyArrow gets the same answers without
    except ModuleNotFoundError:
        return None
    try:
        found = series.to_arrow()
        whole = found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])
        in_arrow: Series = nw.from_native(whole.cast(pa.string()), series_only=True)
    except (UnicodeEncodeError, pa.ArrowInvalid):  # a lone surrogate; more than two gigabytes
        return None
    return in_arrow


def _are_sound(ids: Series) -> bool:
    """Tell whether none of *ids* is missing, empty or there twice: mostly so, and quick to tell."""
    return not (ids.is_null().any() or (ids == "").any()) and ids.n_unique() == len(ids)


def _read_batches(
    reader: KindReader, cells: Mapping[str, Sequence[Cell]], column: Column, rows: int
) -> list[Refusal]:
    """Let *reader* read what there is of its kind and scope."""
    nothing = [None] * rows
    values = cells.get(reader.kind, nothing)
    scopes = cells.get(reader.scope, nothing) if reader.scope else None
    refused = []
    for start in range(0, rows, _BATCH):
        batch = slice(start, start + _BATCH)
        refused += reader.read(values[batch], scopes and scopes[batch], start, column)
    return refused
