"""The groups of leads written to a file: one row a lead, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING

from leadfold.cli.encodings import is_gzipped
from leadfold.cli.faults import unreadable_as_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

__all__ = ["COLUMNS", "inert", "write_groups", "write_groups_csv", "write_groups_json"]

COLUMNS = ("lead_id", "group_key", "group_kind")

# What makes a spreadsheet run a cell (OWASP, "CSV Injection"), its full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_JSON = frozenset({".jsonl", ".ndjson", ".json"})

GroupRow = tuple[str, str, str]


def inert(cell: str) -> str:
    """Return *cell* with an apostrophe before it if a spreadsheet would run it as a formula.

    Group keys begin with their kind, so a phone's ``+`` is never touched. A lead id may be: read
    such ids back from JSON Lines, where every text is written as it is.

    >>> inert("=1+1"), inert("phone:+15551234567")
    ("'=1+1", 'phone:+15551234567')
    """
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def write_groups(path: Path, rows: Iterable[GroupRow]) -> None:
    """Write lead id, group key and group kind of *rows* to *path*.

    JSON Lines where the name ends in ``.jsonl``, ``.ndjson`` or ``.json``, else CSV; compressed
    where ``.gz`` follows. Both hold raw identifiers: they are what was asked for.

    Raises:
        UnreadableFileError: the file cannot be written.
    """
    with unreadable_as_named(path), _open_new(path) as file:
        stem = path.with_suffix("") if is_gzipped(path) else path
        write = write_groups_json if stem.suffix.lower() in _JSON else write_groups_csv
        write(file, rows)


def write_groups_csv(file: TextIO, rows: Iterable[GroupRow]) -> None:
    """Write *rows* to *file* as CSV with a header, cells that look like formulas made inert."""
    bare = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    bare.writerow(COLUMNS)
    for row in rows:
        cells = [inert(cell) for cell in row]
        # With these line ends the module would leave a carriage return bare, and end the row there.
        (quoted if "\r" in "".join(cells) else bare).writerow(cells)


def write_groups_json(file: TextIO, rows: Iterable[GroupRow]) -> None:
    """Write *rows* to *file* as JSON Lines, every text exactly as it is."""
    file.writelines(
        json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
    )


def _open_new(path: Path) -> TextIO:
    if is_gzipped(path):
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")
