"""Fixtures for the tests of the command line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from lead_files import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a new file and returns its path."""

    def write(content: str | bytes, name: str = "leads.csv", encoding: str = "utf-8") -> Path:
        data = content.encode(encoding) if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write
