"""Raw leads to columns of usable identifiers: normalized, unblocked, scoped. The only reader.

Columns inside, objects outside: nothing here makes an object per lead.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import DuplicateLeadError
from leadfold.model import Identifier, Rejection
from leadfold.normalizers.messenger import parse_psids
from leadfold.normalizers.own import LONGEST
from leadfold.normalizers.reason import MISSING, Reason, is_missing, require_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.policy import Policy
    from leadfold.rules import IdentifierRule

__all__ = ["Column", "Columns", "KindReader", "Scanner"]

Answer = str | Reason

Refusal = tuple[int, str, Reason, object]
"""The row, the field, why not, and the raw value."""


@attrs.define
class Column:
    """The usable values of one kind: the first of each row, and the further ones of few rows.

    *again* says how often a row was given one of its values beyond the first time.
    """

    first: list[str | None] = attrs.field(factory=list, repr=False)
    more: dict[int, tuple[str, ...]] = attrs.field(factory=dict, repr=False)
    again: dict[tuple[int, str], int] = attrs.field(factory=dict, repr=False)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.first)

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

    def number(
        self, rows: Sequence[int], labels: list[int], start: int
    ) -> tuple[Sequence[int], Column]:
        """Label those of *rows* that hold a value: equal first values, equal numbers from *start*.

        Returns the rows that hold none, and the values numbered, in order.
        """
        first, without = self.first, []
        number_of: dict[str, int] = defaultdict(count(start).__next__)  # a new value, a new number
        for row in rows:
            value = first[row]
            if value is None:
                without.append(row)
            else:
                labels[row] = number_of[value]
        return without, Column(list(number_of))

    def only(self, rows: Sequence[int]) -> Column:
        """Return the values of *rows* alone, in their order."""
        more = {place: self.more[row] for place, row in enumerate(rows) if row in self.more}
        return Column([self.first[row] for row in rows], more)

    def put(self, rows: Sequence[int], answers: Sequence[Answer]) -> None:
        """Let each of *rows* hold its usable *answers*, each once, in the order given."""
        held: dict[int, dict[str, None]] = {}
        for row, answer in zip(rows, answers, strict=True):
            if type(answer) is str:
                values = held.setdefault(row, {})
                if answer in values:
                    self.again[row, answer] = self.again.get((row, answer), 0) + 1
                values[answer] = None
        for row, values in held.items():
            self.first[row], *more = values
            if more:
                self.more[row] = tuple(more)


@attrs.define
class Columns:
    """What the engine decides on: ids, and a column of usable values per kind, strongest first.

    Every row has an id, which no other row has. *generic* are values known to be generic whoever
    of these rows holds them: where rows are a part of the leads, others may hold them too.
    """

    kinds: tuple[str, ...]
    by_id: Column = attrs.field(factory=Column, repr=False)
    by_kind: list[Column] = attrs.field(factory=list)
    refused: list[Refusal] = attrs.field(factory=list, repr=False)
    generic: frozenset[Identifier] = frozenset()
    _by_name: list[tuple[str, Column]] = attrs.field(init=False, repr=False, eq=False)

    @_by_name.default
    def _sorted(self) -> list[tuple[str, Column]]:
        return sorted(zip(self.kinds, self.by_kind, strict=True), key=itemgetter(0))

    @property
    def ids(self) -> list[str]:
        """Return the id of each row."""
        return cast("list[str]", self.by_id.first)

    def pairs(self, row: int) -> list[tuple[str, str]]:
        """Return kinds and usable values of *row*, sorted: what the identity index holds."""
        found: list[tuple[str, str]] = []
        for kind, column in self._by_name:
            value = column.first[row]
            if row in column.more:
                found += [(kind, each) for each in sorted(column.of(row))]
            elif value is not None:
                found.append((kind, value))
        return found

    def identifiers(self, row: int) -> tuple[Identifier, ...]:
        """Return the same as identifiers."""
        return tuple([Identifier(kind, value) for kind, value in self.pairs(row)])

    def only(self, rows: Sequence[int]) -> Columns:
        """Return the columns of *rows* alone, in their order; what was refused is left out."""
        by_kind = [each.only(rows) for each in self.by_kind]
        return Columns(self.kinds, self.by_id.only(rows), by_kind, generic=self.generic)

    def rejections(self) -> Iterator[Rejection]:
        """Yield every refused value with its lead, in order of lead id and field."""
        rows = sorted(self.refused, key=lambda refusal: (self.ids[refusal[0]], refusal[1]))
        for row, field, reason, raw in rows:
            yield Rejection(self.ids[row], field, reason, raw)


class Scanner:
    """Feeds batches of raw leads into `Columns` under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._readers = [KindReader(policy, rule) for rule in policy.identifiers]
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
            columns.refused += reader.read(cells, scopes, start, column)

    def add_usable(self, record: str, identifiers: Sequence[Identifier]) -> None:
        """Append a row of which the usable *identifiers* are known already."""
        columns = self.columns
        columns.ids.append(record)
        for kind, column in zip(columns.kinds, columns.by_kind, strict=True):
            column.first.append(None)
            values = [each.value for each in identifiers if each.kind == kind]
            column.put([len(columns.ids) - 1] * len(values), values)

    def finish(self) -> Columns:
        """Return the columns; several leads with one id are an error that names them."""
        ids = self.columns.ids
        if len(set(ids)) < len(ids):
            seen: set[str] = set()
            raise DuplicateLeadError({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        return self.columns


class KindReader:
    """Reads the cells of one kind: its normalizer, blocked values and scope, compiled once."""

    def __init__(self, policy: Policy, rule: IdentifierRule) -> None:
        self.kind = rule.kind
        self.scope = rule.scope
        self.normalizer = policy.normalizer(rule)
        self.blocked = policy.blocked(rule)
        self._parse = self.normalizer.parse

    def read(
        self,
        cells: Sequence[object],
        scopes: Sequence[object] | None,
        start: int,
        column: Column,
    ) -> list[Refusal]:
        """Append the usable values of *cells* to *column*; return what was refused, and why."""
        singles, several = _told_apart(cells, self.kind)
        answers = self._answers(singles, scopes)
        column.first += [answer if type(answer) is str else None for answer in answers]
        refused = self._refused(range(start, start + len(cells)), answers, singles)
        if several:
            rows = [row for row, values in several.items() for _ in values]
            raws = _texts([value for values in several.values() for value in values], self.kind)
            answers = self._answers(raws, scopes and [scopes[row] for row in rows])
            rows = [start + row for row in rows]
            column.put(rows, answers)
            refused += self._refused(rows, answers, raws)
        return refused

    def _answers(self, raws: Sequence[object], scopes: Sequence[object] | None) -> list[Answer]:
        """Return a usable value or a reason for each of *raws*."""
        parsed = self._parse(raws)
        if len(parsed) != len(raws):  # one left out would give every later lead its neighbour's
            msg = f"{self.kind}: its normalizer gave {len(parsed)} answers for {len(raws)} values"
            raise ValueError(msg)
        answers = self._unblocked(parsed)
        return answers if scopes is None else _scoped(answers, scopes, self.scope or "")

    def _refused(
        self, rows: Sequence[int], answers: Sequence[Answer], raws: Sequence[object]
    ) -> list[Refusal]:
        """Return the answers that say why not, with row and raw value; nothing is no refusal."""
        return [
            (rows[place], self.kind, answer, raws[place])
            for place, answer in enumerate(answers)
            if type(answer) is Reason and answer is not MISSING
        ]

    def _unblocked(self, answers: list[Answer]) -> list[Answer]:
        """Replace blocked values by their reason."""
        found = self.blocked.among(answers)
        if not found:
            return answers
        return [Reason.BLOCKED if answer in found else answer for answer in answers]


_SEVERAL = (list, tuple, set, frozenset)
_TEXT_OR_NONE = frozenset({str, type(None)})


def _told_apart(
    cells: Sequence[object], field: str
) -> tuple[Sequence[object], dict[int, Sequence[object]]]:
    """Return the cells of at most one value, None for others; and those of several, by place.

    Those of a set are taken in text order.
    """
    if _TEXT_OR_NONE.issuperset(map(type, cells)):
        return cells, {}
    several: dict[int, Sequence[object]] = {
        place: sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else cell
        for place, cell in enumerate(cells)
        if isinstance(cell, _SEVERAL)
    }
    singles = [None if place in several else cell for place, cell in enumerate(cells)]
    return _texts(singles, field), several


def _texts(cells: Sequence[object], field: str) -> Sequence[object]:
    """Return *cells* as texts and None; NaN becomes None, anything else a TypeError."""
    return [None if is_missing(cell) else require_text(cell, field) for cell in cells]


def _scoped(answers: list[Answer], scopes: Sequence[object], field: str) -> list[Answer]:
    """Put each value inside its scope; one whose scope is missing or no identifier is refused.

    The scope's own ``/`` and ``%`` are escaped, so that no two pairs of scope and value look alike.
    """
    texts = parse_psids(
        (str(scope) if type(scope) is int else scope for scope in scopes), field=field
    )
    return [
        answer if type(answer) is not str else _inside(scope, answer)
        for answer, scope in zip(answers, texts, strict=True)
    ]


def _inside(scope: Answer, value: str) -> Answer:
    if isinstance(scope, Reason):
        return Reason.NO_SCOPE
    scoped = f"{scope.replace('%', '%25').replace('/', '%2F')}/{value}"
    return scoped if len(scoped) <= LONGEST else Reason.TOO_LONG
