"""What becomes of the dependents: each count of rows takes its lead's customer, or is reported."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from leadfold.backfill.plan import Mismatch

if TYPE_CHECKING:
    from leadfold.backfill.units import PlannedUnits
    from leadfold.founding import Following
    from leadfold.repository import DependentCount

__all__ = ["Dependents"]


class Dependents:
    """Which dependents to link by lead, kept in *follows*; and the figures by table."""

    def __init__(self, units: PlannedUnits, follows: dict[str, tuple[Following, ...]]) -> None:
        self.follows = follows
        self.linked: Counter[str] = Counter()
        self.already: Counter[str] = Counter()
        self.mismatches: list[Mismatch] = []
        self._units = units
        self._alike: dict[tuple[Following, ...], tuple[Following, ...]] = {}  # most are one job

    @cached_property
    def _row_of(self) -> dict[str, int]:
        snapshot = self._units.snapshot
        return {snapshot.ids[row]: row for row in range(snapshot.leads)}

    def add(self, count: DependentCount) -> None:
        """Decide whether these rows take their lead's customer; report those that do not follow."""
        row = self._row_of.get(count.lead_id or "")
        if row is None:
            self._report(count, "no lead")
            return
        snapshot = self._units.snapshot
        link, customer = snapshot.links[row], self._units.target(row)
        if link == customer and customer not in snapshot.customers:
            self._report(count, "lead without customer")
        elif count.customer_id is None or (link != customer and count.customer_id == link):
            lead, following = snapshot.ids[row], (count.table, count.customer_id, count.count)
            held = self.follows.get(lead)
            told = _sorted(*held, following) if held else (following,)
            self.follows[lead] = self._alike.setdefault(told, told)
            self.linked[count.table] += count.count
        elif count.customer_id == customer:
            self.already[count.table] += count.count
        else:
            self._report(count, "other customer")

    def finish(self) -> None:
        """Order what is reported, and let go of the leads' rows: no more counts come."""
        vars(self).pop("_row_of", None)
        self.mismatches.sort(key=lambda m: (m.table, m.lead_id or "", m.customer_id or ""))

    def _report(self, count: DependentCount, problem: str) -> None:
        self.mismatches.append(
            Mismatch(count.table, count.lead_id, count.customer_id, count.count, problem)
        )


def _sorted(*following: Following) -> tuple[Following, ...]:
    return tuple(sorted(following, key=_table_and_before))


def _table_and_before(following: Following) -> tuple[str, str]:
    return following[0], following[1] or ""
