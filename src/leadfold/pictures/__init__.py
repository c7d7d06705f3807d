"""Pictures of what grouping decided. The charts need the extra ``pictures``; graphs need nothing.

Every picture is SVG without scripts, readable in light and dark, and fetches nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from leadfold.exceptions import MissingExtraError
from leadfold.pictures.graph import IdentityGraph, identity_graph

if TYPE_CHECKING:
    from leadfold.pictures.charts import (
        Picture,
        flow,
        group_sizes,
        share_by_kind,
        stops_by_reason,
    )

__all__ = [
    "IdentityGraph",
    "Picture",
    "flow",
    "group_sizes",
    "identity_graph",
    "share_by_kind",
    "stops_by_reason",
]

_CHARTS = frozenset({"Picture", "flow", "group_sizes", "share_by_kind", "stops_by_reason"})
_EXTRA = frozenset({"altair", "vl_convert"})


def __getattr__(name: str) -> object:
    """Load the charts at first use, so that the extra is missed only by who uses it."""
    if name not in _CHARTS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        home = import_module("leadfold.pictures.charts")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        msg = f"{name} needs {error.name}: pip install 'leadfold[pictures]'"
        raise MissingExtraError(msg, name=error.name) from error
    found: object = getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Name what can be loaded."""
    return sorted({*globals(), *__all__})
