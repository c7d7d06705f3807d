"""Columns to groups: the start that keys and rulings make, then what the strategy adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.grouping.linked import link
from leadfold.grouping.partition import keys_of
from leadfold.grouping.ruled import start
from leadfold.grouping.rulings import RowRulings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.partition import Partition
    from leadfold.model import Ruling
    from leadfold.policy import Policy

__all__ = ["partition_of"]


def partition_of(columns: Columns, policy: Policy, rulings: Sequence[Ruling]) -> Partition:
    """Return the groups of *columns* under *policy* and *rulings*, which come in order."""
    by_rows = RowRulings.of(rulings, columns.ids) if rulings else RowRulings()
    partition = start(keys_of(columns), by_rows)
    return link(columns, policy, partition, by_rows) if policy.strategy == "linked" else partition
