"""Groups of leads as a table: the one shape in which every sheet shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.masking import some
from leadfold.sheets.blocks import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.model import Group
    from leadfold.sheets.blocks import Table
    from leadfold.sheets.naming import Names

__all__ = ["FEW", "groups_table"]

FEW = 5
"""How many ids of leads a cell holds: they may be long."""


def groups_table(
    title: str, groups: Sequence[Group], names: Names, *, total: int | None = None
) -> tuple[Table, ...]:
    """Return the first few *groups* by key, with how many leads they have and the first of these.

    *total* says how many there are, where *groups* holds the first few alone.
    """
    return table(
        title,
        ("group", "leads", "lead ids"),
        groups,
        lambda group: (names.key(group.key), len(group), some(group.lead_ids, FEW)),
        total=total,
    )
