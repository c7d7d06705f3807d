"""Units that are left out: which, why, and how they are told of. Values only; no SQL runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import attrs

from leadfold.changes import Link, UnitFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.changes import Unit
    from leadfold.repositories.postgres.steps import Row

__all__ = ["STALE", "Names", "StaleFoundError", "failure_of", "names_by_position"]

STALE = "changed since the plan was made: {}"


@attrs.define
class Names:
    """What makes one unit stale: its leads, or whatever else."""

    leads: set[str] = attrs.field(factory=set)
    others: set[str] = attrs.field(factory=set)

    def of(self, unit: Unit) -> set[str]:
        """Return what names the reason: leads where there are any."""
        return (
            self.leads
            or set(unit.leads)
            or self.others
            or {f"customer:{name}" for name in unit.customers}
            or {f"unit {unit.number}"}
        )


def names_by_position(rows: Iterable[Row]) -> dict[int, Names]:
    """Return what is stale by position, as the queries for misfits tell it."""
    found: dict[int, Names] = {}
    for position, what, name in rows:
        if what in {"again", "broken"}:
            continue
        names = found.setdefault(cast("int", position), Names())
        if what == "lead":
            names.leads.add(str(name))
        else:
            names.others |= {f"customer:{name}"} if what == "customer" else {str(name)} - {""}
    return found


def failure_of(unit: Unit, cause: Literal["fault", "stale"], message: str) -> UnitFailure:
    """Return how a unit that was left out is reported."""
    linked = (change.lead_id for change in unit.changes if isinstance(change, Link))
    return UnitFailure(unit.number, tuple(sorted({*unit.leads, *linked})), cause, message)


class StaleFoundError(Exception):
    """Units that rest on what is not so any more; `names` says by position what."""

    def __init__(self, names: dict[int, Names]) -> None:
        self.names = names
        super().__init__()
