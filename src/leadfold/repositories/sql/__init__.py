"""The SQL that adapters run, as files. It reads them and cuts them up; it runs nothing."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

__all__ = ["migrations", "named", "read"]

_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def read(path: str) -> str:
    """Return the text of the SQL file at *path*, such as ``sqlite/schema.sql``."""
    return resources.files(__name__).joinpath(path).read_text(encoding="utf-8")


@cache
def named(path: str) -> dict[str, str]:
    """Return the statements of the file at *path* by the name in the comment above each.

    Further comments, each a line of its own, are for who reads the file.
    """
    _, *pieces = _NAME.split(read(path))
    return {
        name: _COMMENT.sub("", text).strip().rstrip(";")
        for name, text in zip(pieces[::2], pieces[1::2], strict=True)
    }


@cache
def migrations(store: str) -> tuple[tuple[int, str, str], ...]:
    """Return the number, name and text of each migration of *store*, in order."""
    folder = resources.files(__name__).joinpath(store, "migrations")
    names = sorted(entry.name for entry in folder.iterdir())
    return tuple(
        (int(name.partition("_")[0]), name, folder.joinpath(name).read_text(encoding="utf-8"))
        for name in names
    )
