"""What a notebook shows of a resolution: made from counts, and from the few groups it names."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from leadfold.model import Identifier
from leadfold.sheets import SHOWN, Bars, Figures, Note, Sheet, groups_table, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.grouping.explaining.stops import Stopped
    from leadfold.model import Group
    from leadfold.sheets import Names

__all__ = ["resolution_sheet", "what_if_sheet"]


def resolution_sheet(
    names: Names,
    *,
    about: str,
    leads: int,
    counts: Mapping[str, int],
    kinds: Sequence[str],
    largest: Sequence[Group],
    suspicious: Sequence[Group],
    stopped: Sequence[Stopped],
    refused: Mapping[tuple[str, str], int],
) -> Sheet:
    """Return the sheet of a resolution of so many *leads* into groups, *counts* by kind.

    *refused* counts the values not used by field and reason.
    """
    figures = (
        ("leads", leads),
        ("customers", sum(counts.values())),
        ("shared, not joined", len(stopped)),
        ("values not used", sum(refused.values())),
        ("suspicious groups", len(suspicious)),
    )
    several = [group for group in largest if len(group) > 1]
    widest = nsmallest(SHOWN, stopped, key=lambda each: (-len(each.groups), each.place, each.value))
    return Sheet(
        "Resolution",
        about,
        (
            Figures(figures),
            Bars("Customers by their strongest identifier", tuple(counts.items())),
            *groups_table("Largest groups", several, names),
            *groups_table("Suspicious: they hold many values of a weaker kind", suspicious, names),
            *table(
                "Shared between groups, and did not join them",
                ("identifier", "leads", "groups", "why not"),
                widest,
                lambda each: (
                    names.identifier(Identifier(kinds[each.place], each.value)),
                    len(each.rows),
                    len(each.groups),
                    ", ".join(sorted(each.reasons)),
                ),
                total=len(stopped),
            ),
            *table(
                "Values not used",
                ("field", "reason", "values"),
                sorted(refused.items(), key=lambda item: (-item[1], item[0])),
                lambda item: (*item[0], item[1]),
            ),
        ),
    )


def what_if_sheet(
    names: Names, before: Sequence[Group], after: Sequence[Group], counts: Mapping[str, int]
) -> Sheet:
    """Return the sheet of what would change: groups *before*, *after*, and *counts* then."""
    if not before:
        return Sheet(
            "What if", "nothing would change", (Note("Every group stays as it is", "good"),)
        )
    return Sheet(
        "What if",
        f"{len(before):,} groups are no more, {len(after):,} are new",
        (
            *groups_table("No more", before, names),
            *groups_table("New", after, names),
            Bars("Customers then, by their strongest identifier", tuple(counts.items())),
        ),
    )
