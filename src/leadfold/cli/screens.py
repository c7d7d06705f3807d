"""Which screen a command writes to: chosen once, by what is installed and who watches."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from leadfold.cli.plain import PlainScreen, lenient

if TYPE_CHECKING:
    from leadfold.cli.screen import Screen

__all__ = ["choose_screen"]


def choose_screen(*, verbose: bool, silent: bool = False) -> Screen:
    """Return the screen for this process; *silent* where a machine reads, and nobody watches.

    Lines about the work are written if *verbose*, or if standard error is a terminal.
    """
    out, err = lenient(sys.stdout), lenient(sys.stderr)
    talks = verbose or (err.isatty() and not silent)
    if silent or not (out.isatty() or err.isatty()) or not _has_rich():
        return PlainScreen(out, err, talks)
    from leadfold.cli.rich_screen import RichScreen  # noqa: PLC0415 - an optional extra

    return RichScreen(out, err, talks=talks)


def _has_rich() -> bool:
    """Tell whether rich is installed and the terminal is one that it can draw on."""
    return os.environ.get("TERM") != "dumb" and importlib.util.find_spec("rich") is not None
