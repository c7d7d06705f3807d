"""Files of leads for the tests of their readers: how one is written, and read as one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from leadfold.cli.columns import columns_from_flags
from leadfold.cli.files import open_leads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.cli.faults import Fault

__all__ = ["Table", "Write", "read", "told"]

Table = dict[str, list[object]]
Write = Callable[..., Path]


def read(
    path: Path, flags: Sequence[str] = (), size: int = 50_000, **how: str
) -> tuple[Table, list[Fault]]:
    """Return all leads of *path* as one table, and all faults."""
    table: Table = {}
    faults: list[Fault] = []
    file = open_leads(path, columns=columns_from_flags(flags), **how)
    for batch in file.batches(faults.append, size):
        for field, column in batch.items():
            table.setdefault(field, []).extend(column)
    return table, faults


def told(faults: Sequence[Fault]) -> list[tuple[int, str | None]]:
    """Return line and field of each fault."""
    return [(fault.line, fault.field) for fault in faults]
