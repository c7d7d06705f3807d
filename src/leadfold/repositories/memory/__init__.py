"""A store in memory: the reference of the port, and the fixture for unit tests. Nothing lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from leadfold.repositories.memory.application import ApplicationRows
from leadfold.repositories.memory.rows import AuditEntry, Constraint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Reader

__all__ = ["AuditEntry", "Constraint", "InMemoryRepository"]


class InMemoryRepository(ApplicationRows):
    """A `Repository` whose rows live as long as it does.

    *leads* and *customers* are mappings, `Lead` and `Customer` objects, or any objects with
    those attributes; what a lead holds beyond the usual columns can serve as an identifier kind
    or a scope. *dependents* are rows by table name (or `Dependent`, where the columns are named
    otherwise); Job and Conversation are always there. *references* are rows of tables that point
    at a customer and at no lead, such as addresses: a merge carries them over. *rulings* are in
    force from the start, *audit* is what others wrote there. Declare *unique* customer columns,
    other *constraints*, the identifier *fields* and whether a lead's link is nullable as a schema
    would; they bind what leadfold writes, never what the application does to its own rows.

    >>> repository = InMemoryRepository(
    ...     leads=[{"id": "l1", "phone": "555.123.4567"}],
    ...     dependents={"Job": [{"id": "j1", "lead_id": "l1"}]},
    ... )
    >>> [lead.id for lead in repository.leads()]
    ['l1']
    """

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a snapshot: later writes do not show in it."""
        yield self._reader()

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes*: every unit whole, or not at all; see `Repository.commit`."""
        return self._committed(changes)
