"""Runs the Python examples of README and docs as tests, each file in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

_ROOT = Path(__file__).parent


def _enter(namespace: dict[str, Any]) -> None:
    """Work in an empty folder: examples write files, and must find none."""
    namespace["_folder"] = folder = TemporaryDirectory()
    namespace["_before"] = os.getcwd()  # noqa: PTH109 - to go back to
    os.chdir(folder.name)


def _leave(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_before"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    path=str(_ROOT),
    patterns=["README.md", "docs/*.md", "docs/how-to/*.md"],
    setup=_enter,
    teardown=_leave,
).pytest()
