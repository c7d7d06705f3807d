"""The command line: arguments in, calls to the library, text out. Nothing is decided here."""

from __future__ import annotations

from leadfold.cli.program import main

__all__ = ["main"]
