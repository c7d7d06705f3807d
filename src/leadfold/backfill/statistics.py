"""How a store stands: customers, links, and how well they are grouped. Reads; decides nothing.

The two questions the original asked by hand: its health check, and its grouping quality.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.asking import read
from leadfold.progress import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leadfold.asking import Asks
    from leadfold.changes import Run
    from leadfold.repository import CustomerBatch, DependentCount, Reader, Repository

__all__ = ["DependentFigures", "GroupQuality", "Statistics", "statistics", "unfinished_runs"]


@attrs.frozen
class DependentFigures:
    """The rows of the dependent table *name*: how many there are, and how many are linked."""

    name: str
    rows: int
    linked: int


@attrs.frozen
class GroupQuality:
    """The customers of one group type, and how many leads each has on average.

    *type* is None for customers that no run of leadfold or the original made.
    """

    type: str | None
    count: int
    leads: int

    @property
    def avg_leads(self) -> float:
        """Return the leads linked to a customer of this type, on average."""
        return self.leads / self.count


@attrs.frozen
class Statistics:
    """The figures of a store at one moment; *unfinished* are the runs that can be gone on with."""

    customers: int
    leads: int
    leads_linked: int
    dependents: tuple[DependentFigures, ...]
    groups: tuple[GroupQuality, ...]
    unfinished: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "customers": self.customers,
            "leads": self.leads,
            "leads_linked": self.leads_linked,
            "dependents": {
                each.name: {"rows": each.rows, "linked": each.linked} for each in self.dependents
            },
            "groups": [
                {"type": group.type, "count": group.count, "avg_leads": group.avg_leads}
                for group in self.groups
            ],
            "unfinished": list(self.unfinished),
        }


def statistics(repository: Repository) -> Statistics:
    """Return the figures of *repository*, from its own tables and in one snapshot.

    Average leads are counted from the links as they are, not from what metadata says.

    >>> from leadfold import InMemoryRepository
    >>> statistics(InMemoryRepository(leads=[{"id": "l1"}])).leads_linked
    0
    """
    with repository.reading() as reader:
        links = Counter(link for batch in reader.leads() for link in batch.customer_ids)
        types = _types(reader)
        counts, leads = Counter(types.values()), Counter[str | None]()
        for customer, kind in types.items():
            leads[kind] += links[customer]
        return Statistics(
            customers=len(types),
            leads=links.total(),
            leads_linked=links.total() - links[None],
            dependents=_dependents(reader, reader.dependents()),
            groups=tuple(
                GroupQuality(kind, counts[kind], leads[kind])
                for kind in sorted(counts, key=lambda kind: (-counts[kind], kind or ""))
            ),
            unfinished=tuple(run.id for run in read(unfinished_runs(), reader)),
        )


def unfinished_runs() -> Asks[tuple[Run, ...]]:
    """Return the unfinished runs of which no later run has done the rest, newest first."""
    found = []
    for run in (yield from asking.runs(status=UNFINISHED)):
        whole = yield from asking.runs(1, action=run.action, status="done")
        if not any(later.at > run.at for later in whole):
            found.append(run)
    return tuple(found)


def _types(reader: Reader) -> dict[str, str | None]:
    """Return the group type of every customer."""
    return {customer: kind for batch in reader.customers() for customer, kind in _types_of(batch)}


def _types_of(batch: CustomerBatch) -> Iterable[tuple[str, str | None]]:
    for customer, metadata, made_by in zip(batch.ids, batch.metadata, batch.made_by, strict=True):
        yield customer, _group_type(metadata or {}) if made_by else None


def _group_type(metadata: Mapping[str, object]) -> str | None:
    kind = metadata.get("groupType")
    return kind if isinstance(kind, str) else None


def _dependents(reader: Reader, counts: Iterable[DependentCount]) -> tuple[DependentFigures, ...]:
    rows, linked = Counter[str](), Counter[str]()
    for count in counts:
        rows[count.table] += count.count
        linked[count.table] += count.count if count.customer_id is not None else 0
    names = [dependent.name for dependent in reader.facts().dependents]
    return tuple(DependentFigures(name, rows[name], linked[name]) for name in names)
