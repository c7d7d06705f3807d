"""Raw leads to columns of usable identifiers: normalized, unblocked, scoped. The only reader.

Columns inside, objects outside: nothing here makes an object per lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import DuplicateLeadError
from leadfold.model import Identifier, Rejection
from leadfold.normalizers.messenger import parse_psids
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from leadfold.policy import Policy
    from leadfold.rules import IdentifierRule

__all__ = ["Columns", "Scanner"]

Answer = str | Reason


@attrs.define
class Column:
    """The usable values of one kind: the first of each row, and the further ones of few rows."""

    first: list[str | None] = attrs.field(factory=list)
    more: dict[int, tuple[str, ...]] = attrs.field(factory=dict)

    def of(self, row: int) -> tuple[str, ...]:
        """Return all values of *row*, in the order given."""
        value = self.first[row]
        return () if value is None else (value, *self.more.get(row, ()))

    def pairs(self) -> Iterator[tuple[int, str]]:
        """Yield every row with each of its values."""
        for row, value in enumerate(self.first):
            if value is not None:
                yield row, value
        for row, values in self.more.items():
            for value in values:
                yield row, value


@attrs.define
class Columns:
    """What the engine decides on: ids, and a column of usable values per kind, strongest first."""

    kinds: tuple[str, ...]
    ids: list[str] = attrs.field(factory=list)
    by_kind: list[Column] = attrs.field(factory=list)
    refused: list[tuple[int, str, Reason, object]] = attrs.field(factory=list)

    def identifiers(self, row: int) -> tuple[Identifier, ...]:
        """Return the usable identifiers of *row*, sorted: what the identity index holds."""
        found = [
            Identifier(kind, value)
            for kind, column in zip(self.kinds, self.by_kind, strict=True)
            for value in column.of(row)
        ]
        return tuple(sorted(found))

    def rejections(self) -> Iterator[Rejection]:
        """Yield every refused value with its lead, in order of lead id and field."""
        rows = sorted(self.refused, key=lambda refusal: (self.ids[refusal[0]], refusal[1]))
        for row, field, reason, raw in rows:
            yield Rejection(self.ids[row], field, reason, raw)


class Scanner:
    """Feeds batches of raw leads into `Columns` under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._readers = [_KindReader(policy, rule) for rule in policy.identifiers]
        self.columns = Columns(policy.kinds, by_kind=[Column() for _ in policy.kinds])

    def add(self, ids: Sequence[str], fields: Mapping[str, Sequence[object]]) -> None:
        """Append a batch: *ids*, and raw cells by field name, each as long as *ids*."""
        columns = self.columns
        start = len(columns.ids)
        columns.ids.extend(ids)
        nothing = [None] * len(ids)
        for reader, column in zip(self._readers, columns.by_kind, strict=True):
            cells = fields.get(reader.kind, nothing)
            scopes = fields.get(reader.scope, nothing) if reader.scope else None
            refused = reader.read(cells, scopes, start, column)
            columns.refused.extend(refused)

    def finish(self) -> Columns:
        """Return the columns; several leads with one id are an error that names them."""
        ids = self.columns.ids
        if len(set(ids)) < len(ids):
            seen: set[str] = set()
            raise DuplicateLeadError({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        return self.columns


class _KindReader:
    """Reads the cells of one kind: its normalizer, blocked values and scope, compiled once."""

    def __init__(self, policy: Policy, rule: IdentifierRule) -> None:
        self.kind = rule.kind
        self.scope = rule.scope
        self._parse = policy.normalizer(rule).parse
        self._is_blocked: Callable[[str], bool] | None = (
            policy.blocked(rule).matches if rule.blocked else None
        )

    def read(
        self,
        cells: Sequence[object],
        scopes: Sequence[object] | None,
        start: int,
        column: Column,
    ) -> Iterable[tuple[int, str, Reason, object]]:
        """Append the usable values of *cells* to *column*; return what was refused, and why."""
        flat, rows = _flatten(cells)
        answers = self._unblocked(self._parse(flat))
        if scopes is not None:
            spread = scopes if rows is None else [scopes[row] for row in rows]
            answers = _scoped(answers, spread)
        where: Sequence[int] = range(len(cells)) if rows is None else rows
        _append(column, answers, where, start, len(cells))
        return [
            (start + row, self.kind, answer, raw)
            for row, answer, raw in zip(where, answers, flat, strict=True)
            if type(answer) is Reason and answer is not Reason.MISSING
        ]

    def _unblocked(self, answers: list[Answer]) -> list[Answer]:
        """Replace blocked values by their reason."""
        is_blocked = self._is_blocked
        if is_blocked is None:
            return answers
        return [
            Reason.BLOCKED if type(answer) is str and is_blocked(answer) else answer
            for answer in answers
        ]


def _flatten(cells: Sequence[object]) -> tuple[Sequence[object], list[int] | None]:
    """Return single values, and the row of each where some cell holds several (else None)."""
    if not any(issubclass(t, (list, tuple, set, frozenset)) for t in set(map(type, cells))):
        return cells, None
    flat: list[object] = []
    rows: list[int] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, (set, frozenset)):  # no order of its own: take the text order
            cell = sorted(cell)  # noqa: PLW2901 - the cell, put in order
        several = cell if isinstance(cell, (list, tuple)) else (cell,)
        flat.extend(several)
        rows.extend([row] * len(several))
    return flat, rows


def _scoped(answers: list[Answer], scopes: Sequence[object]) -> list[Answer]:
    """Put each value inside its scope; one whose scope is missing or no identifier is refused.

    The scope's own ``/`` and ``%`` are escaped, so that no two pairs of scope and value look alike.
    """
    texts = parse_psids(str(scope) if type(scope) is int else scope for scope in scopes)
    return [
        answer
        if type(answer) is not str
        else f"{scope.replace('%', '%25').replace('/', '%2F')}/{answer}"
        if isinstance(scope, str)
        else Reason.NO_SCOPE
        for answer, scope in zip(answers, texts, strict=True)
    ]


def _append(
    column: Column, answers: list[Answer], where: Sequence[int], start: int, count: int
) -> None:
    """Append the usable *answers* of *count* rows to *column*, further ones of a row to `more`."""
    if isinstance(where, range):
        column.first.extend([a if type(a) is str else None for a in answers])
        return
    held: dict[int, dict[str, None]] = {}
    for row, answer in zip(where, answers, strict=True):
        if type(answer) is str:
            held.setdefault(row, {})[answer] = None
    for row in range(count):
        first, *more = held.get(row) or [None]
        column.first.append(first)
        if more:
            column.more[start + row] = tuple(value for value in more if value is not None)
