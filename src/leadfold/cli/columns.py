"""Which column of a file feeds which field of a lead: told by flag or mapping file, or by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import UnreadableFileError
from leadfold.integrations.column_names import folded, looks_like_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["SINGLE", "Source", "Sources", "columns_from_flags", "read_mapping", "resolve"]

SINGLE = ("id", "created_at", "customer_id")
"""Fields that hold one value, taken from one column."""

_ABOUT_A_LEAD = (*SINGLE, "name")
_SHOWN = 40


@attrs.frozen
class Source:
    """Where a field comes from: columns, and how their cells are cut into values.

    *pattern* finds the values in a cell (its first group if it has one, else the whole match);
    *split* cuts what is then left at every occurrence. No column at all switches a field off.
    """

    columns: tuple[str, ...]
    pattern: re.Pattern[str] | None = None
    split: str | None = None

    @property
    def takes_cells_whole(self) -> bool:
        """Tell whether a cell is one value, as it stands."""
        return self.pattern is None and self.split is None

    def values(self, cell: str) -> list[str]:
        """Return the values in *cell*, without the empty ones.

        >>> Source(("ids",), pattern=re.compile("nin::([^|]*)")).values("nin::CF21|art::K-8")
        ['CF21']
        >>> Source(("phones",), split=";").values("555 0100; 555 0101;")
        ['555 0100', '555 0101']
        """
        found = [cell] if self.pattern is None else [_group(m) for m in self.pattern.finditer(cell)]
        if self.split is not None:
            found = [part.strip() for text in found for part in text.split(self.split)]
        return [text for text in found if text]


def _group(match: re.Match[str]) -> str:
    """Return the first group of *match*, or all of it where the pattern has none."""
    return match.group(1 if match.re.groups else 0) or ""


Sources = Mapping[str, Source]
"""Sources by field."""


def columns_from_flags(flags: Iterable[str]) -> dict[str, Source]:
    """Return the sources that ``--column FIELD=COLUMN`` flags name; one field may have several.

    ``FIELD=`` without a column switches the field off.

    >>> columns_from_flags(["phone=Phone", "phone=Mobile", "email="])["phone"].columns
    ('Phone', 'Mobile')

    Raises:
        UnreadableFileError: a flag without a field or without ``=``.
    """
    columns: dict[str, tuple[str, ...]] = {}
    for flag in flags:
        field, equals, column = flag.partition("=")
        if not field or not equals:
            msg = f"--column {flag!r}: write FIELD=COLUMN, such as phone=Mobile"
            raise UnreadableFileError(msg)
        columns[field] = columns.get(field, ()) + ((column,) if column else ())
    return {field: Source(names) for field, names in columns.items()}


def read_mapping(path: Path) -> dict[str, Source]:
    """Return the sources that the TOML file *path* describes, one key a field.

    A value is a column (``id = "Lead ID"``), several (``phone = ["Phone", "Mobile"]``), none
    (``email = []``), or a table: ``nin = { column = "other_ids", pattern = 'nin::([^|]*)' }``
    with any of *column*, *columns*, *pattern* and *split*.

    Raises:
        UnreadableFileError: the file is no TOML, or says what no mapping can; all faults at once.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as e:
        msg = f"{path}: {e.strerror or e}"
        raise UnreadableFileError(msg) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        msg = f"{path}: not TOML: {e}"
        raise UnreadableFileError(msg) from e
    return _sources(path, table)


def _sources(path: Path, table: Mapping[str, object]) -> dict[str, Source]:
    """Read every entry of *table*, then complain of all that are wrong at once."""
    sources, faults = {}, []
    for field, entry in table.items():
        try:
            sources[field] = _source(entry)
        except ValueError as e:
            faults.append(f"{field}: {e}")
    if faults:
        msg = f"{path}: " + "; ".join(faults)
        raise UnreadableFileError(msg)
    return sources


def _source(entry: object) -> Source:
    """Return the source that one TOML value describes."""
    if not isinstance(entry, dict):
        return Source(_names(entry))
    if unknown := sorted(entry.keys() - {"column", "columns", "pattern", "split"}):
        msg = f"knows column, columns, pattern and split, not {', '.join(unknown)}"
        raise ValueError(msg)
    if ("column" in entry) == ("columns" in entry):
        msg = "needs either column or columns"
        raise ValueError(msg)
    names = _names(entry["column"] if "column" in entry else entry["columns"])
    return Source(names, _pattern(entry.get("pattern")), _separator(entry.get("split")))


def _names(entry: object) -> tuple[str, ...]:
    names = [entry] if isinstance(entry, str) else entry
    if isinstance(names, list) and all(isinstance(name, str) and name for name in names):
        return tuple(names)
    msg = "must be a column, a list of columns, or a table"
    raise ValueError(msg)


def _pattern(entry: object) -> re.Pattern[str] | None:
    if entry is None:
        return None
    try:
        return re.compile(entry)  # type: ignore[call-overload, no-any-return]
    except (re.error, TypeError) as e:
        msg = f"pattern is no regular expression: {e}"
        raise ValueError(msg) from e


def _separator(entry: object) -> str | None:
    if entry is None or (isinstance(entry, str) and entry):
        return entry or None
    msg = "split must be a text to split at"
    raise ValueError(msg)


def resolve(
    path: Path, header: Sequence[str], told: Sources, fields: Iterable[str]
) -> dict[str, Source]:
    """Return the source of every field that *path* can fill, its columns spelled as in *header*.

    What is *told* goes first. The other *fields*, and id, created_at, customer_id and name, are
    taken from the column of their name, however it writes capitals and separators
    (``Created At`` is created_at), unless that column is told to feed another field. An ``id``
    told to come from no column is left out: leads then go by their lines.

    Raises:
        UnreadableFileError: a told column is not there or twice, no column has the ids, or none
            an identifier; the message lists the columns that are there.
    """
    found = {field: _spelled(path, header, field, source) for field, source in told.items()}
    taken = {name for source in found.values() for name in source.columns}
    free = [name for name in header if name not in taken]
    for field in (*_ABOUT_A_LEAD, *fields):
        if field not in found:
            found[field] = Source(_named(path, free, field))
    used = {field: source for field, source in found.items() if source.columns}
    if "id" not in found or ("id" not in told and not found["id"].columns):
        flag = "id=COLUMN, or --column id= to name leads by their line"
        raise _unfilled(path, header, "the ids of the leads", flag)
    if not used.keys() - {*_ABOUT_A_LEAD}:
        raise _unfilled(path, header, f"any of {', '.join(fields)}", "phone=COLUMN")
    return used


def _spelled(path: Path, header: Sequence[str], field: str, source: Source) -> Source:
    """Return *source* with its columns as *header* spells them; refuse those it does not have."""
    if field in SINGLE and len(source.columns) > 1:
        msg = f"{path}: {field} comes from one column, not {len(source.columns)}: choose one"
        raise UnreadableFileError(msg)
    columns = tuple(name for column in source.columns for name in _named(path, header, column))
    if len(columns) < len(source.columns):
        missing = [column for column in source.columns if not _named(path, header, column)]
        raise _unfilled(path, header, " and ".join(map(repr, missing)), f"{field}=COLUMN")
    return attrs.evolve(source, columns=columns)


def _named(path: Path, header: Sequence[str], column: str) -> tuple[str, ...]:
    """Return the one name in *header* that means *column*, exactly or but for its spelling."""
    same = [name for name in header if name == column]
    same = same or [name for name in header if folded(name) == folded(column)]
    if len(same) > 1:
        msg = f"{path}: several columns are named {column!r}: rename all but one in the file"
        raise UnreadableFileError(msg)
    return tuple(same)


def _unfilled(path: Path, header: Sequence[str], what: str, flag: str) -> UnreadableFileError:
    """Return the error that says which columns there are, and how to point at one."""
    msg = f"{path}: no column for {what}; "
    if any(map(looks_like_data, header)):  # somebody's, and not to be shown
        return UnreadableFileError(
            f"{msg}its first line looks like a lead: put names of columns above"
        )
    names = ", ".join(name or "(no name)" for name in header[:_SHOWN])
    more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
    return UnreadableFileError(f"{msg}give --column {flag}. Its columns: {names}{more}")
