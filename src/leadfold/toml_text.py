"""Plain tables as TOML: the standard library reads it and does not write it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dumps", "literal", "loads"]


def dumps(table: Mapping[str, object]) -> str:
    """Return *table* as TOML: scalars and lists of scalars first, then lists of tables.

    >>> print(dumps({"region": "US", "identifiers": [{"kind": "phone", "limit": 5}]}))
    region = "US"
    <BLANKLINE>
    [[identifiers]]
    kind = "phone"
    limit = 5
    <BLANKLINE>
    """
    lines = []
    sections = []
    for key, value in table.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                sections += ["", f"[[{key}]]", *(_line(*item) for item in entry.items())]
        else:
            lines.append(_line(key, value))
    return "\n".join([*lines, *sections]) + "\n"


def loads(text: str) -> dict[str, object]:
    """Return the tables in TOML *text*; ValueError where it is none."""
    return tomllib.loads(text)


def _line(key: str, value: object) -> str:
    return f"{key} = {literal(value)}"


def literal(value: object) -> str:
    """Write text, numbers, booleans and lists of them; JSON's escapes are TOML's, DEL excepted.

    >>> print(literal(["a", "b"]))
    ["a", "b"]
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
