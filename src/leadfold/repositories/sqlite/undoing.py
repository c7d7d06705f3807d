"""What a commit writes beside a backfill: customers that go and come, rows that move, rulings.

Batch by batch like the rest of a commit, from the tables of `staging_undoing.sql`.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from leadfold.exceptions import MappingError, UnitError
from leadfold.repositories.copies import blanked
from leadfold.repositories.sqlite.cells import dump, load
from leadfold.repositories.sqlite.images import (
    Undecodable,
    cell_text,
    image_of,
    row_of,
    shown,
)
from leadfold.repositories.sqlite.schema import unmapped
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.repositories.sqlite.fitted import Fitted
    from leadfold.repositories.sqlite.session import Row, Session
    from leadfold.repositories.sqlite.staging import Stage
    from leadfold.repositories.tables import PointingTable

__all__ = ["Undoing", "require"]


def require(written: int, count: int) -> None:
    """Object where a trigger has quietly left rows out: the ledger must not claim them."""
    if written != count:
        msg = f"the store wrote {written} of {count} rows"
        raise UnitError(msg)


class Undoing:
    """Writes what is staged of the changes that no backfill makes; *bound* as every statement's."""

    def __init__(
        self,
        session: Session,
        found: Fitted,
        stage: Stage,
        bound: Mapping[str, object],
    ) -> None:
        self._session = session
        self._found = found
        self._shapes = found.writing
        self._stage = stage
        self._bound = bound
        self._pointing = found.mapping.pointing
        self._given_up: dict[tuple[object, str], object] = {}

    def misfits(self) -> Iterator[Row]:
        """Yield the units that rest on what is not so any more: number, what, and its name."""
        for name in self._stage.named["relink"]:
            yield from self._session.rows(*self._for_table("relink_misfits", name))
        for table, query in (("retire", "retire_misfits"), ("rule", "rule_misfits")):
            if self._stage.counts[table]:
                yield from self._rows(query)

    def make_room(self) -> None:
        """Let customers that retire give up what is unique to those that come in their place.

        They cannot go before: until rows have moved, something points at them.
        """
        self._given_up = {}
        counts = self._stage.counts
        if not counts["retire"] or not (counts["restore"] or counts["insert"]):
            return
        table = self._shapes.mapping.customer
        for field in sorted(self._found.facts.unique):
            column = self._found.catalog.column(table.table, getattr(table, field))
            if not column.not_null:
                cursor = self._session.execute(self._shapes.giving_up("unique_cells", field))
                for customer_id, cell in self._session.fetch(cursor, -1, cell_text):
                    self._given_up[customer_id, column.name] = cell
                self._session.execute(self._shapes.giving_up("give_up", field))

    def restore(self) -> None:
        """Insert the rows of customers that come back, whatever columns each image has."""
        if not (count := self._stage.counts["restore"]):
            return
        for (customer_id,) in self._rows("present_customers"):
            msg = f"there is a customer {customer_id} already"
            raise UnitError(msg)
        rows: dict[tuple[str, ...], list[Mapping[str, object]]] = defaultdict(list)
        for customer_id, image in self._rows("images_to_restore"):
            row = self._restored(str(customer_id), image)
            rows[tuple(sorted(row))].append(row)
        for columns, alike in rows.items():
            for part in self._stage.parts(alike, len(columns)):
                places = [f"({', '.join(_place(row[name]) for name in columns)})" for row in part]
                cells = [_bindable(row[name]) for row in part for name in columns]
                written = self._session.execute(self._shapes.restore(columns, places), cells)
                require(written.rowcount, len(part))
        require(self._run("log_restores"), count)

    def move(self) -> None:
        """Let rows take another customer: all that point at one, then single rows."""
        for name in self._stage.named["carry"]:
            logged = self._execute("log_carries", name)
            require(self._execute("carry_rows", name), logged)
        for name in self._stage.named["relink"]:
            logged = self._execute("log_relinks", name)
            require(self._execute("relink_rows", name), logged)

    def rule(self) -> None:
        """Bring rulings into force, and out of it."""
        if count := self._stage.counts["rule"]:
            require(self._run("make_rulings") + self._run("lift_rulings"), count)
            self._run("log_rulings")

    def retire(self) -> None:
        """Delete the rows of customers at which nothing points any more; the ledger keeps them."""
        if not (count := self._stage.counts["retire"]):
            return
        self._require_declared()
        for customer_id, table, rows in self._session.rows(self._shapes.still_pointing()):
            msg = f"customer {customer_id} still has {rows} rows in {table}"
            raise UnitError(msg)
        self._stage.add("image", self._images())
        require(self._run("log_retirements"), count)
        require(self._run("retire_customers"), count)

    def erase(self) -> None:
        """Blank what customers' rows, and the ledger's copies of them, have from erased leads."""
        if self._stage.counts["blank"]:
            self._stage.counts["blanked"] = self._run("find_to_blank")
            for field, count in self._rows("fields_to_blank"):
                bound = {**self._bound, "field": field}
                statement = self._shapes.blanking(str(field))
                require(self._session.execute(statement, bound).rowcount, cast("int", count))
            self._run("log_erasures")
        if self._stage.counts["copy"]:
            self._blank_copies()

    def forget(self) -> None:
        """Take erased leads out of the index, once it holds nothing for them any more."""
        if self._stage.counts["erase"]:
            self._run("index_erase")

    def queue(self) -> None:
        """Put leads on the queue, and take them off it."""
        if self._stage.counts["queue"]:
            self._run("leave_queue")
            self._run("join_queue")

    def _require_declared(self) -> None:
        """Object at once where rows might point at customers that nobody has told of."""
        if self._found.facts.foreign_keys:
            raise MappingError(undeclared(self._found.facts.foreign_keys))

    def _images(self) -> list[Row]:
        query = self._shapes.customer_rows(self._found.columns)
        cursor = self._session.execute(query, self._bound)
        rows = self._session.fetch(cursor, -1, cell_text)
        return [(*head, dump(self._image(head[1], cells))) for *head, cells in map(_parted, rows)]

    def _image(self, customer_id: object, cells: Sequence[object]) -> dict[str, object]:
        whole = [
            self._given_up.get((customer_id, name), cell)
            for name, cell in zip(self._found.columns, cells, strict=True)
        ]
        return image_of(self._found.columns, whole, self._shapes.mapping.customer)

    def _restored(self, customer_id: str, image: object) -> dict[str, object]:
        """Return the cells of a staged image, which is that of this customer and this tenant."""
        table = self._shapes.mapping.customer
        row = row_of(cast("Mapping[str, object]", load(image)), table, self._found.columns)
        if str(row.get(table.id)) != customer_id:
            msg = f"customer {customer_id} cannot be restored: the image is another customer's"
            raise UnitError(msg)
        if table.tenant is not None and str(row.get(table.tenant)) != self._bound["tenant"]:
            msg = f"customer {customer_id} cannot be restored: the image is another tenant's"
            raise UnitError(msg)
        return row

    def _blank_copies(self) -> None:
        rows = self._rows("copies_to_blank")
        for (sequence, image), group in groupby(rows, key=itemgetter(0, 1)):
            values = [(str(field), str(value)) for *_, field, value in group]
            held = cast("Mapping[str, object]", load(image))
            if without := blanked(held, values, self._without_key, shown=shown):
                bound = {"sequence": sequence, "image": dump(without)}
                self._session.execute(self._shapes.statement("blank_copy"), bound)

    def _without_key(self, metadata: str) -> str:
        query = self._shapes.statement("without_key")
        [(text,)] = self._session.rows(query, {"metadata": metadata})
        return str(text)

    def _for_table(self, statement: str, name: str) -> tuple[str, dict[str, object]]:
        """Return a statement for the table called *name*, with what it binds."""
        action = "link" if name == LEAD else "follow"
        bound = {**self._bound, "name": name, "action": action}
        return self._shapes.pointing(statement, self._table(name)), bound

    def _table(self, name: str) -> PointingTable:
        if name not in self._pointing:
            raise unmapped(name)
        return self._pointing[name]

    def _execute(self, statement: str, name: str) -> int:
        return self._session.execute(*self._for_table(statement, name)).rowcount

    def _rows(self, name: str) -> list[Row]:
        return self._session.rows(self._shapes.statement(name), self._bound)

    def _run(self, name: str) -> int:
        return self._session.execute(self._shapes.statement(name), self._bound).rowcount


def _parted(row: Row) -> tuple[object, object, object, Sequence[object]]:
    """Return what is staged of a retirement, then the cells of the customer's row."""
    unit, customer_id, successor, *cells = row
    return unit, customer_id, successor, cells


def _place(cell: object) -> str:
    """Return the place of a value: a text that is not UTF-8 can be bound as its bytes alone."""
    return "CAST(? AS TEXT)" if isinstance(cell, Undecodable) else "?"


def _bindable(cell: object) -> object:
    return cell.raw if isinstance(cell, Undecodable) else cell
