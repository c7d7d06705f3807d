"""What the tests of law 3 share: a store that objects to scans, and the parts its links make."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from leadfold import InMemoryRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from leadfold import Lead
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Reader

__all__ = ["NeverScans", "Overtaken", "partition"]


class NeverScans(InMemoryRepository):
    """A store that objects when all of it is read, once it `is_strict`."""

    is_strict = False

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a snapshot that cannot be scanned."""
        with super().reading() as reader:
            yield cast("Reader", _NoScan(reader)) if self.is_strict else reader


class Overtaken(InMemoryRepository):
    """A store in which somebody else is faster, once."""

    overtakes: Callable[[], object] | None = None

    def commit(self, changes: ChangeSet) -> Committed:
        """Let the other one write first."""
        overtakes, self.overtakes = self.overtakes, None
        if overtakes is not None:
            overtakes()
        return super().commit(changes)


class _NoScan:
    def __init__(self, reader: object) -> None:
        self._asked = reader

    def __getattr__(self, verb: str) -> object:
        return getattr(self._asked, verb)

    def leads(self, ids: Sequence[str] | None = None) -> object:
        assert ids is not None, "all leads were read"
        return self._asked.leads(ids)  # type: ignore[attr-defined]

    def customers(self, ids: Sequence[str] | None = None) -> object:
        assert ids is not None, "all customers were read"
        return self._asked.customers(ids)  # type: ignore[attr-defined]

    def dependents(self, leads: Sequence[str] | None = None) -> object:
        assert leads is not None, "all dependents were counted"
        return self._asked.dependents(leads)  # type: ignore[attr-defined]

    def unexplained(self, leads: Sequence[str] | None = None) -> object:
        assert leads is not None, "all links were looked at"
        return self._asked.unexplained(leads)  # type: ignore[attr-defined]


def partition(leads: Sequence[Lead]) -> set[frozenset[str]]:
    """Return the leads by the customer they are linked to."""
    found: dict[str | None, set[str]] = defaultdict(set)
    for lead in leads:
        assert lead.customer_id is not None, f"{lead.id} has no customer"
        found[lead.customer_id].add(lead.id)
    return {frozenset(ids) for ids in found.values()}
