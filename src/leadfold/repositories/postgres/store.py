"""What a repository does with its store, as steps: the one text behind its two faces."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import RetryableError, StoreError, UnitError
from leadfold.repositories.postgres.at_once import AtOnce
from leadfold.repositories.postgres.catalog import condition_faults, read_catalog
from leadfold.repositories.postgres.faults import ChangedShapeError, GivenWayError
from leadfold.repositories.postgres.light import LightCommit, TooHeavyError, is_light
from leadfold.repositories.postgres.reading import Reading
from leadfold.repositories.postgres.schema import create_schema, lock
from leadfold.repositories.postgres.shapes import Shapes
from leadfold.repositories.postgres.transactions import (
    CHECKED,
    OWN_COMMIT,
    as_was_set,
    in_savepoint,
    in_transaction,
    opening,
    savepoint,
)
from leadfold.repositories.postgres.writing import commit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repositories.postgres.catalog import Catalog
    from leadfold.repositories.postgres.steps import Steps

__all__ = ["LOCK_TIMEOUT", "Store"]

LOCK_TIMEOUT = 5.0
"""For how many seconds a decision waits for what others hold."""

_POINT = "leadfold"
_RETRIES = 10  # of a decision that gave way to other transactions


@attrs.define(eq=False)
class Seen:
    """The tables as they were when last looked at; *light* for statements that decisions make."""

    known: Shapes | None = None
    light: AtOnce | None = None


@attrs.frozen(eq=False)
class Store:
    """A store as it is mapped: whose rows, and in which schema *own* leadfold's tables are.

    *owned* tells whether leadfold begins and ends transactions there; *patience* for how many
    milliseconds a decision waits for others, unless the connection says. What was *seen* of it
    serves other connections too.
    """

    owned: bool
    tenant: str | None
    own: str
    mapping: StoreMapping
    patience: int
    seen: Seen = attrs.field(factory=Seen)

    def shapes(self, *, known: bool = False) -> Steps[Shapes]:
        """Return what the statements are composed of, or raise what does not fit.

        With *known* the tables as they were when last looked at are good enough.
        """
        if known and self.seen.known is not None:
            return self.seen.known
        catalog = yield from self._fitting()
        if self.seen.known is not None and self.seen.known.catalog == catalog:
            return self.seen.known
        mapping = catalog.fitted(self.mapping, self.tenant, [])
        shapes = Shapes(mapping, catalog, self.own, indexed=catalog.has_own)
        self.seen.known, self.seen.light = shapes if catalog.has_own else None, None
        return shapes

    def reading(self, *, known: bool = False) -> Steps[Reading]:
        """Return what can be asked of the snapshot that is open."""
        return Reading((yield from self.shapes(known=known)), self.tenant, self.owned)

    @contextmanager
    def known_again(self) -> Iterator[None]:
        """Let tables that turn out to be others than they were known be looked at next time."""
        try:
            yield
        except ChangedShapeError as e:
            self.seen.known = None
            msg = f"{e}: the tables were changed since they were looked at, try again"
            raise RetryableError(msg) from e

    def commit(self, changes: ChangeSet) -> Steps[Committed]:
        """Write *changes* in one transaction, or inside the caller's."""
        if changes.open:
            changes = attrs.evolve(changes, units=list(changes.units))
        try:
            if is_light(changes):
                with suppress(TooHeavyError):
                    return (yield from self._commit_lightly(changes))
            steps = self._commit(changes)
            if self.owned:
                return (yield from in_transaction(steps))
            return (yield from in_savepoint(_POINT, as_was_set(steps), ends=(OWN_COMMIT,)))
        except UnitError as e:
            msg = f"nothing was written: {e}"
            raise StoreError(msg) from None

    def create_schema(self) -> Steps[None]:
        """Make leadfold's schema and tables."""
        steps = self._create_schema()
        yield from in_transaction(steps) if self.owned else in_savepoint(_POINT, steps)

    def _create_schema(self) -> Steps[None]:
        yield lock(self.own, None)
        yield from create_schema(self.own)

    def _commit_lightly(self, changes: ChangeSet) -> Steps[Committed]:
        """Write a decision; what gave way to others is tested and written again."""
        retries = _RETRIES if self.owned else 0
        while True:
            looked = self.seen.known is None
            at_once = yield from self._light_shapes()
            light = LightCommit(at_once, changes, self.tenant, self.own, owned=self.owned)
            try:
                return (yield from self._kept(light))
            except GivenWayError:
                if not retries:
                    raise
                retries -= 1
            except ChangedShapeError:
                if looked:
                    raise
                self.seen.known = None

    def _kept(self, light: LightCommit) -> Steps[Committed]:
        if self.owned:
            return (yield from in_transaction(light.steps(opening(self.patience)), begin=None))
        steps = light.steps([savepoint(_POINT)])
        ends = (OWN_COMMIT, CHECKED)
        return (yield from in_savepoint(_POINT, steps, ends=ends, begin=False))

    def _light_shapes(self) -> Steps[AtOnce]:
        """Return the shapes of statements that bring what they write with them."""
        if self.seen.known is None:
            looking = self.shapes()
            yield from in_transaction(looking) if self.owned else looking
        if self.seen.known is None:
            raise TooHeavyError
        if self.seen.light is None:
            self.seen.light = AtOnce(self.seen.known.bound())
        return self.seen.light

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
