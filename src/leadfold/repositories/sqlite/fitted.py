"""A store's tables as a mapping names them, looked at again only once they were changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from leadfold.repositories.sqlite.schema import Catalog, facts
from leadfold.repositories.sqlite.shapes import Shapes

if TYPE_CHECKING:
    from leadfold.repositories.mapping import StoreMapping
    from leadfold.repositories.sqlite.session import Session
    from leadfold.repository import StoreFacts

__all__ = ["Fitted", "fitted"]


@attrs.frozen
class Fitted:
    """What a store has, and the statements to read it with and to write it with.

    *schema* is SQLite's own count of the changes of its tables; *facts* lack what changes with
    rows: the state of the index. *columns* are those of customers that hold what was written,
    *required* those that a new one must have and the mapping does not name.
    """

    schema: int
    catalog: Catalog
    mapping: StoreMapping
    facts: StoreFacts
    columns: tuple[str, ...]
    required: tuple[str, ...]
    audit_with_id: bool
    reading: Shapes
    writing: Shapes


def fitted(
    session: Session, mapping: StoreMapping, tenant: str | None, known: Fitted | None
) -> Fitted:
    """Return what the store has now, as it is *known* where no table was changed since.

    Raises:
        MappingError: the *mapping* does not fit it.
    """
    schema = cast("int", session.rows("PRAGMA schema_version")[0][0])
    if known is not None and known.schema == schema:
        return known
    catalog = Catalog.of(session, mapping)
    fitting = catalog.fit(session, mapping, tenant)
    untyped = catalog.untyped(fitting)
    return Fitted(
        schema,
        catalog,
        fitting,
        facts(session, catalog, fitting, tenant),
        catalog.stored(fitting.customer.table),
        catalog.required(fitting),
        catalog.audit_needs_id(fitting),
        Shapes(fitting, indexed=catalog.has_own, untyped=untyped),
        Shapes(fitting, indexed=True, untyped=untyped),
    )
