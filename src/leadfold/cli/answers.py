"""What a command hands back: how it ended, and its result for a machine or for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadfold.cli.outcomes import Ending
    from leadfold.cli.screen import Screen

__all__ = ["Answer"]


@attrs.frozen
class Answer:
    """A command's *ending*, its result *as_json*, and how to *show* it: made when asked for."""

    ending: Ending
    as_json: Callable[[], Mapping[str, object]]
    show: Callable[[Screen], None]
