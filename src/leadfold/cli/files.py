"""Leads streamed from a file: CSV, JSON Lines or Parquet in, batches of columns out.

What can be read is read. A row that cannot be, or one without an id, is told of and passed over;
a value that cannot be is told of and its lead read without it. Only what leaves nothing to read
is an error: no file, no header, no column of ids, a quote that never closes.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.cells import merged, moments, single, texts
from leadfold.cli.columns import resolve
from leadfold.cli.csv_files import open_csv
from leadfold.cli.encodings import find_encoding, is_gzipped
from leadfold.cli.faults import Fault, unreadable_as_named
from leadfold.cli.json_lines import open_json_lines
from leadfold.cli.parquet import open_parquet
from leadfold.exceptions import UnreadableFileError
from leadfold.model import Lead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    from leadfold.cli.cells import Tell
    from leadfold.cli.columns import Source, Sources
    from leadfold.cli.faults import OnFault
    from leadfold.cli.json_lines import JsonLinesFile
    from leadfold.cli.rows import Row, RowFile

__all__ = ["Batch", "LeadFile", "as_leads", "open_leads"]

Batch = dict[str, list[object]]
"""Columns of equal length by field; every field of `LeadFile.sources`, and no other, is there."""

_JSON = frozenset({".jsonl", ".ndjson", ".json"})
_PARQUET = frozenset({".parquet", ".pq"})
_WORKBOOKS = frozenset({".xlsx", ".xls", ".xlsm", ".ods"})
_ABOUT_A_LEAD = ("name", "created_at", "customer_id")


@attrs.frozen
class LeadFile:
    """A file of leads whose columns are known; nothing stays open between two readings.

    *sources* says which column feeds which field, *notes* what a user should be told of how the
    file is read: an encoding that was guessed, a key that was not seen yet.
    """

    path: Path
    sources: Mapping[str, Source]
    notes: tuple[str, ...]
    _rows: RowFile = attrs.field(repr=False)

    def batches(self, on_fault: OnFault, size: int = 50_000) -> Iterator[Batch]:
        """Yield the leads as columns, up to *size* at a time, and tell *on_fault* of the rest.

        Rows that do not fit are told of when they are met, values when their batch is full.

        Raises:
            UnreadableFileError: the file stops making sense; message and file name the line.
        """
        columns = list(dict.fromkeys(c for source in self.sources.values() for c in source.columns))
        rows = self._rows.rows(columns, on_fault)
        while batch := list(islice(rows, size)):
            if columns_of_batch := self._read(batch, columns, on_fault):
                yield columns_of_batch

    def _read(self, rows: Sequence[Row], columns: Sequence[str], on_fault: OnFault) -> Batch:
        """Return *rows* as one column a field; those without an id are passed over.

        Where no column has the ids, a lead's id is the line it begins on.
        """
        if "id" in self.sources:
            ids = self._ids(rows, columns.index(self.sources["id"].columns[0]), on_fault)
        else:
            ids = [str(line) for line, _ in rows]
        if None in ids:
            rows = [row for row, lead_id in zip(rows, ids, strict=True) if lead_id]
        if not rows:
            return {}
        lines = [line for line, _ in rows]
        raw = dict(zip(columns, zip(*(cells for _, cells in rows), strict=True), strict=True))
        batch: Batch = {"id": [lead_id for lead_id in ids if lead_id]}
        for field, source in self.sources.items():
            if field != "id":
                tell = self._teller(lines, on_fault, field)
                batch[field] = _column(field, source, [raw[c] for c in source.columns], tell)
        return batch

    def _ids(self, rows: Sequence[Row], at: int, on_fault: OnFault) -> list[str | None]:
        """Return the id of every row; None, once *on_fault* knows, where it has none."""
        told: set[int] = set()
        teller = self._teller([line for line, _ in rows], on_fault, None)

        def tell(number: int, reason: str) -> None:
            told.add(number)
            teller(number, reason)

        cells = texts([row[at] for _, row in rows], tell)
        ids = single(merged([cells], self.sources["id"]), tell)
        for number, lead_id in enumerate(ids):
            if not (lead_id or "").strip():
                ids[number] = None
                if number not in told:
                    tell(number, "no id")
        return ids

    def _teller(self, lines: Sequence[int], on_fault: OnFault, field: str | None) -> Tell:
        """Return what tells *on_fault* of a cell by its place in the batch."""
        return lambda number, reason: on_fault(Fault(self.path, lines[number], reason, field))


def open_leads(
    path: str | PathLike[str],
    *,
    columns: Sources | None = None,
    fields: Iterable[str] = ("psid", "phone", "email"),
    encoding: str | None = None,
    delimiter: str | None = None,
) -> LeadFile:
    """Find out how to read the leads in *path*: its format, encoding, delimiter and columns.

    The name says the format: ``.jsonl`` and ``.ndjson`` are JSON Lines, ``.parquet`` is Parquet,
    anything else CSV; ``.gz`` after it is unpacked. *columns* says where fields come from (see
    `columns_from_flags` and `read_mapping`); all other *fields*, which are the kinds and scopes
    of a policy, come from the column of their name.

    Raises:
        UnreadableFileError: there is nothing to read; the message says what to do.
        MissingExtraError: no reader of Parquet is installed.
    """
    path, told = Path(path), columns or {}
    kind = _kind(path)
    if kind in _PARQUET:
        parquet = open_parquet(path)
        return LeadFile(path, resolve(path, parquet.header, told, fields), (), parquet)
    with unreadable_as_named(path):
        found = find_encoding(path, encoding)
    notes = (found.note,) if found.note else ()
    if kind in _JSON:
        lines, unseen = _with_told(open_json_lines(path, found.name), told)
        return LeadFile(path, resolve(path, lines.header, told, fields), (*notes, *unseen), lines)
    rows = open_csv(path, found.name, delimiter)
    return LeadFile(path, resolve(path, rows.header, told, fields), notes, rows)


def as_leads(batch: Batch) -> Iterator[Lead]:
    """Yield the leads of *batch*; fields that `Lead` has no attribute for go to its `fields`.

    >>> [lead] = as_leads({"id": ["l1"], "phone": ["212-555-0143"], "nin": ["CF21"]})
    >>> lead.id, lead.fields["nin"]
    ('l1', 'CF21')
    """
    known = ("id", "psid", "phone", "email", "name", "created_at", "customer_id")
    own = [field for field in batch if field not in known]
    for row in zip(*batch.values(), strict=True):
        lead = dict(zip(batch, row, strict=True))
        yield Lead(**{k: lead[k] for k in known if k in lead}, fields={k: lead[k] for k in own})


def _kind(path: Path) -> str:
    """Return the suffix that tells the format of *path*; refuse formats that are not read."""
    name = path.with_suffix("") if is_gzipped(path) else path
    kind = name.suffix.lower()
    if kind in _WORKBOOKS:
        msg = f"{path}: a workbook is not read: save its sheet as CSV (UTF-8) and give that"
        raise UnreadableFileError(msg)
    return kind


def _with_told(lines: JsonLinesFile, told: Sources) -> tuple[JsonLinesFile, list[str]]:
    """Return *lines* with the keys one was told of, and a note on those not seen so far.

    A key may first appear after a million lines, so a told one is believed.
    """
    named = dict.fromkeys(column for source in told.values() for column in source.columns)
    unseen = [column for column in named if column not in lines.header]
    notes = [f"{lines.path}: no key {column!r} in its first objects" for column in unseen]
    return attrs.evolve(lines, header=(*lines.header, *unseen)), notes


def _column(
    field: str, source: Source, raw: Sequence[Sequence[object]], tell: Tell
) -> list[object]:
    """Return what *field* holds in every row, from the cells of its columns."""
    if field == "created_at" and source.takes_cells_whole:
        return [*moments(raw[0], tell)]
    cells = merged([texts(column, tell) for column in raw], source)
    if field == "created_at":
        return [*moments(single(cells, tell), tell)]
    if field == "name":  # first and last name are one name
        return [" ".join(cell) if isinstance(cell, tuple) else cell for cell in cells]
    return [*single(cells, tell)] if field == "customer_id" else [*cells]
