"""What every object that a notebook shows has in common: its sheet, drawn as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.sheets.drawing import drawn
from leadfold.sheets.naming import Names

if TYPE_CHECKING:
    from leadfold.sheets.blocks import Sheet

__all__ = ["Shown"]


class Shown:
    """An object that a notebook shows as a `Sheet`: figures, tables and notes, without scripts."""

    __slots__ = ()

    def sheet(self, names: Names) -> Sheet:
        """Return what is shown, identifiers written as *names* says."""
        raise NotImplementedError

    def to_html(self, *, show_values: bool = False) -> str:
        """Return what a notebook shows, as HTML that stands alone: no script, nothing fetched.

        Identifiers are masked unless *show_values*. Long lists are cut, and say by how much.
        """
        return drawn(self.sheet(Names(show_values=show_values)))

    def _repr_html_(self) -> str:
        return self.to_html()
