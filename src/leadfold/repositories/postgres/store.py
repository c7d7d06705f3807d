"""What a repository does with its store, as steps: the one text behind its two faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import StoreError, UnitError
from leadfold.repositories.postgres.catalog import condition_faults, read_catalog
from leadfold.repositories.postgres.reading import Reading
from leadfold.repositories.postgres.schema import create_schema, lock
from leadfold.repositories.postgres.shapes import Shapes
from leadfold.repositories.postgres.transactions import as_was_set, in_savepoint, in_transaction
from leadfold.repositories.postgres.writing import commit

if TYPE_CHECKING:
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repositories.postgres.catalog import Catalog
    from leadfold.repositories.postgres.steps import Steps

__all__ = ["Store"]


@attrs.frozen
class Store:
    """A store as it is mapped: whose rows, and in which schema *own* leadfold's tables are.

    *owned* tells whether leadfold begins and ends transactions there.
    """

    owned: bool
    tenant: str | None
    own: str
    mapping: StoreMapping

    def shapes(self) -> Steps[Shapes]:
        """Return what the statements are composed of, or raise what does not fit."""
        catalog = yield from self._fitting()
        mapping = catalog.fitted(self.mapping, self.tenant, [])
        return Shapes(mapping, catalog, self.own, indexed=catalog.has_own)

    def reading(self) -> Steps[Reading]:
        """Return what can be asked of the snapshot that is open."""
        return Reading((yield from self.shapes()), self.tenant, self.owned)

    def commit(self, changes: ChangeSet) -> Steps[Committed]:
        """Write *changes* in one transaction, or inside the caller's."""
        steps = self._commit(changes)
        kept = in_transaction(steps) if self.owned else in_savepoint("leadfold", as_was_set(steps))
        try:
            return (yield from kept)
        except UnitError as e:
            msg = f"nothing was written: {e}"
            raise StoreError(msg) from None

    def create_schema(self) -> Steps[None]:
        """Make leadfold's schema and tables."""
        steps = self._create_schema()
        yield from in_transaction(steps) if self.owned else in_savepoint("leadfold", steps)

    def _create_schema(self) -> Steps[None]:
        yield lock(self.own, None)
        yield from create_schema(self.own)

    def _commit(self, changes: ChangeSet) -> Steps[Committed]:
        catalog = yield from self._fitting()
        tenant = self.tenant or ""
        yield lock(self.own, *([tenant] if catalog.has_own else [None, tenant]))
        if not catalog.has_own:
            yield from create_schema(self.own)
        mapping = catalog.fitted(self.mapping, self.tenant, [])
        shapes = Shapes(mapping, catalog, self.own, indexed=True)
        return (yield from commit(shapes, changes, self.tenant, self.own, owned=self.owned))

    def _fitting(self) -> Steps[Catalog]:
        """Return what the database has, or raise everything of the mapping that does not fit."""
        catalog = yield from read_catalog(self.mapping, self.own)
        faults = yield from condition_faults(catalog, self.mapping)
        catalog.fitted(self.mapping, self.tenant, faults)
        return catalog
