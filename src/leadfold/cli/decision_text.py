"""What a merge, a split or an erasure did, as its ledger has it. Ids only, no identifier."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.lines import few
from leadfold.repository import CUSTOMER, LEAD, RULING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.backfill import Report
    from leadfold.repository import LedgerEntry

__all__ = ["Deeds", "decision_json", "erase_lines", "merge_lines", "split_lines"]


@attrs.frozen
class Deeds:
    """What one decision changed: leads by their customer now, other rows by table.

    *founded* are the new customers, *lifted* the rulings that went out of force, *blanked* the
    columns that were, by customer.
    """

    leads: Mapping[str, tuple[str, ...]]
    others: Mapping[str, int]
    founded: tuple[str, ...]
    lifted: tuple[str, ...]
    blanked: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, entries: Iterable[LedgerEntry]) -> Deeds:
        """Return what the ledger *entries* of a decision tell."""
        leads: dict[str, list[str]] = defaultdict(list)
        others: dict[str, int] = defaultdict(int)
        founded, lifted, blanked = [], [], {}
        for entry in entries:
            if entry.table == LEAD:
                leads[str(entry.after)].append(entry.row)
            elif entry.action == "follow":
                others[entry.table] += 1
            elif entry.table == CUSTOMER and entry.action == "insert":
                founded.append(entry.row)
            elif entry.table == RULING and entry.after is None:
                lifted.append(entry.row)
            elif entry.action == "erase" and isinstance(entry.after, (list, tuple)):
                blanked[entry.row] = tuple(map(str, entry.after))
        return cls(
            {customer: tuple(found) for customer, found in leads.items()},
            dict(others),
            tuple(founded),
            tuple(lifted),
            blanked,
        )


def merge_lines(keep: str, absorb: str, deeds: Deeds) -> Iterator[str]:
    """Yield what a merge did."""
    moved = [f"{len(deeds.leads.get(keep, ()))} lead(s)"]
    moved += [f"{count} {table} row(s)" for table, count in deeds.others.items()]
    yield f"Merged customer {absorb} into {keep}: {', '.join(moved)} moved"
    yield from _lifted(deeds)


def split_lines(customer: str, staying: tuple[str, ...], deeds: Deeds) -> Iterator[str]:
    """Yield what a split did; *staying* are the leads that keep the customer."""
    yield f"Split customer {customer}: it keeps {_leads(staying)}"
    for new in deeds.founded:
        yield f"New customer {new} has {_leads(deeds.leads.get(new, ()))}"
    yield from _lifted(deeds)


def erase_lines(lead: str, deeds: Deeds) -> Iterator[str]:
    """Yield what an erasure did."""
    yield f"Erased what was kept of lead {lead}: this cannot be undone"
    for customer, columns in deeds.blanked.items():
        yield f"Blanked on customer {customer}: {', '.join(columns)}"


def _leads(ids: tuple[str, ...]) -> str:
    return f"{len(ids)} lead(s): {few(ids)}"


def _lifted(deeds: Deeds) -> Iterator[str]:
    if deeds.lifted:
        yield f"Out of force now, for it contradicts them: ruling(s) {few(deeds.lifted)}"


def decision_json(report: Report, deeds: Deeds) -> dict[str, object]:
    """Return what every decision tells a machine."""
    return {
        "run": report.run_id,
        "leads_moved": {customer: list(found) for customer, found in deeds.leads.items()},
        "other_rows_moved": dict(deeds.others),
        "rulings_lifted": list(deeds.lifted),
        "stats": report.stats.to_dict(),
        "extra": dict(report.stats.extra),
        "statements": report.statements,
    }
