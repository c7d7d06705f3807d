"""Plans as files: JSON Lines, versioned, the owner's only; what a plan is, then its units.

The last line holds a digest of the lines before it: what is applied is what was saved.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs

from leadfold.changes import (
    Carry,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Queue,
    Reindex,
    Retire,
    Unit,
)
from leadfold.exceptions import PlanFormatError
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from leadfold.changes import (
        Change,
    )

__all__ = ["SavedUnits", "damaged", "write"]

FORMAT = 1
"""Raised whenever a saved plan of before would be read wrongly."""

_CHANGES: Mapping[str, type[Any]] = {
    "insert": InsertCustomer,
    "patch": PatchCustomer,
    "link": Link,
    "follow": Follow,
    "carry": Carry,
    "retire": Retire,
    "reindex": Reindex,
    "queue": Queue,
}
_NAMES = {kind: name for name, kind in _CHANGES.items()}


def write(path: Path, header: Mapping[str, object], units: Iterable[Unit]) -> None:
    """Write *header* and *units* to the new file *path*, mode 0600; a failure leaves no file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            digest = sha256()
            for line in _lines(header, units):
                text = json.dumps(line, default=_plain) + "\n"
                digest.update(text.encode())
                file.write(text)
            file.write(json.dumps({"end": digest.hexdigest()}) + "\n")
    except BaseException:
        path.unlink()
        raise


@attrs.frozen
class SavedUnits:
    """The units in a saved plan, read from its file each time they are walked."""

    path: Path

    def header(self) -> dict[str, Any]:
        """Return the first line, checked to be of this format."""
        _, first = next(self._records(), ("", {}))
        found = first.get("leadfold_plan", "none")
        if type(found) is not int or found != FORMAT:
            raise damaged(self.path, f"format {found}, where this version reads {FORMAT}")
        return first

    def count(self) -> int:
        """Walk all units once, so that a damaged file is refused before anything is written."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Unit]:
        records = self._records()
        digest = sha256(next(records, ("", {}))[0].encode())
        for line, record in records:
            if "end" in record:
                if record["end"] == digest.hexdigest() and next(records, None) is None:
                    return
                break
            digest.update(line.encode())
            yield self._unit(record)
        raise damaged(self.path, "cut short, or edited")

    def _unit(self, record: Mapping[str, Any]) -> Unit:
        try:
            changes = tuple(_change(name, fields) for name, fields in record["changes"])
            return Unit(record["number"], record["leads"], record["customers"], changes)
        except (KeyError, TypeError, ValueError) as e:
            raise damaged(self.path, f"unit {record.get('number')} cannot be read") from e

    def _records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every line, and the object it holds."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as e:
                    raise damaged(self.path, f"line {number} is not JSON") from e
                if not isinstance(record, dict):
                    raise damaged(self.path, f"line {number} is not an object")
                yield line, record


def _lines(header: Mapping[str, object], units: Iterable[Unit]) -> Iterator[dict[str, object]]:
    yield {"leadfold_plan": FORMAT, **header}
    for unit in units:
        changes = [(_NAMES[type(change)], _fields(change)) for change in unit.changes]
        yield {**_fields(unit), "changes": changes}


def _fields(value: Any) -> dict[str, object]:  # noqa: ANN401 - any attrs class
    return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}


def _plain(value: object) -> object:
    """Give json what it does not know: moments and the frozen nouns."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Identifier):
        return [value.kind, value.value]
    if attrs.has(type(value)):
        return _fields(value)
    msg = f"a plan holds no {type(value).__name__}"
    raise TypeError(msg)


def _change(name: str, fields: dict[str, Any]) -> Change:
    """Return the change that `_lines` wrote."""
    if name == "reindex":
        fields["identifiers"] = tuple(Identifier(*pair) for pair in fields["identifiers"])
    if name == "insert":
        row = fields["row"]
        row["created_at"] = datetime.fromisoformat(row["created_at"])
    made: Change = _CHANGES[name](**fields)
    return made


def damaged(path: Path, what: str) -> PlanFormatError:
    """Return the error for a file at *path* that is no plan, with *what* is wrong."""
    return PlanFormatError(f"{path} is no plan that can be applied: {what}: make a new plan")
