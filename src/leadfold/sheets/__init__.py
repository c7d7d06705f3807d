"""What a notebook shows of an object: plain blocks, drawn as HTML. Decides and computes nothing."""

from __future__ import annotations

from leadfold.sheets.blocks import SHOWN, Bars, Figures, Note, Sheet, Table, table
from leadfold.sheets.groups import FEW, groups_table
from leadfold.sheets.naming import MASKED, Names
from leadfold.sheets.shown import Shown

__all__ = [
    "FEW",
    "MASKED",
    "SHOWN",
    "Bars",
    "Figures",
    "Names",
    "Note",
    "Sheet",
    "Shown",
    "Table",
    "groups_table",
    "table",
]
