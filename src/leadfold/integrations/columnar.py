"""Whole columns read at sight: plain texts by the frame library, all others by the engine's reader.

It recognizes and it numbers; who is who is the engine's business. A text is taken at sight only
if a `PlainShape` of the normalizer's own claims it and no blocked value can be it.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from leadfold.grouping.columns import Column
from leadfold.integrations.narwhal import nw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.grouping.columns import KindReader, Refusal
    from leadfold.integrations.narwhal import Series
    from leadfold.normalizers.blocked import BlockedValues
    from leadfold.normalizers.plain_shape import PlainShape

__all__ = ["SeriesColumn", "at_sight", "read_texts"]


class SeriesColumn(Column):
    """Ids, or the usable values of one kind, one a row at most, in the frame library's own column.

    Texts are made of them where something but the keys is asked for.
    """

    def __init__(self, values: Series) -> None:
        super().__init__()
        del self.first  # the base's own list: texts are made when looked at
        self.values = values

    @cached_property
    def first(self) -> list[str | None]:  # type: ignore[override]  # made when looked at
        """Return the value of each row."""
        return self.values.to_list()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.values)

    def number(
        self, rows: Sequence[int], labels: list[int], start: int
    ) -> tuple[Sequence[int], Column]:
        """Label rows as `Column.number` does; the numbers are in order of the values."""
        whole = self.values.alias("value").to_frame().with_row_index("row")
        frame = whole if len(rows) == len(whole) else whole[list(rows)]
        held = frame.filter(~nw.col("value").is_null())
        distinct = held["value"].unique().sort()
        numbers = distinct.to_frame().with_row_index("number")
        numbered = held.join(numbers, on="value")
        places = numbered["row"].to_list(), numbered["number"].to_list()
        for row, number in zip(*places, strict=True):
            labels[row] = start + number
        without = frame.filter(nw.col("value").is_null())["row"].to_list()
        return without, SeriesColumn(distinct)


def read_texts(
    texts: Mapping[str, Series], readers: Mapping[str, KindReader]
) -> tuple[dict[str, SeriesColumn], list[Refusal]]:
    """Return the usable values of *texts*, columns of text by kind, and what was refused.

    Kinds are left out whose normalizer tells no shape.
    """
    kinds = [kind for kind in texts if readers[kind].normalizer.plain()]
    with ThreadPoolExecutor() as threads:  # the frame library lets other threads of Python run
        seen = [*threads.map(lambda kind: at_sight(texts[kind], readers[kind]), kinds)]
    found: dict[str, SeriesColumn] = {}
    refused: list[Refusal] = []
    for kind, values in zip(kinds, seen, strict=True):
        whole, refusals = _with_the_rest(values, texts[kind], readers[kind])
        found[kind] = SeriesColumn(whole)
        refused += refusals
    return found, refused


def _with_the_rest(
    values: Series, texts: Series, reader: KindReader
) -> tuple[Series, list[Refusal]]:
    """Let *reader* read those *texts* that have no value yet."""
    rows = _left(values, texts)
    if not len(rows):
        return values, []
    places, column = rows.to_list(), Column()
    refused = reader.read(texts[rows].to_list(), None, 0, column)
    read = nw.new_series("read", column.first, nw.String, backend=values.implementation)
    return values.scatter(rows, read), [
        (places[at], kind, why, raw) for at, kind, why, raw in refused
    ]


def at_sight(texts: Series, reader: KindReader) -> Series:
    """Return the values of plain *texts*, null for all others."""
    first, *others = reader.normalizer.plain()
    values = _of_shape(texts, first, reader.blocked)
    for shape in others:
        rows = _left(values, texts)
        values = values.scatter(rows, _of_shape(texts[rows], shape, reader.blocked))
    return values


def _left(values: Series, texts: Series) -> Series:
    """Return the rows of *texts* that have no value yet."""
    return (values.is_null() & ~texts.is_null()).arg_true()


def _of_shape(texts: Series, shape: PlainShape, blocked: BlockedValues) -> Series:
    """Return the values of those *texts* that are of *shape* and not blocked, null for others."""
    text, value = nw.col("text"), nw.col("value")
    if shape.trimmed:
        texts = texts.str.strip_chars(shape.trimmed)
    is_usable = text.str.contains(shape.pattern)
    for pattern in shape.unless:
        is_usable &= ~text.str.contains(pattern)
    if blocked.exact:
        is_usable &= ~value.is_in(sorted(blocked.exact))
    if blocked.suspects is not None:
        is_usable &= ~value.str.contains(blocked.suspects)
    whole = texts.alias("text").to_frame()
    spelled = whole.with_columns(_bare(texts, shape).alias("value")).with_columns(_spelled(shape))
    return spelled.select(nw.when(is_usable).then(value).alias("value"))["value"]


def _spelled(shape: PlainShape) -> nw.Expr:
    """Return what the answer is of a text that is of *shape*, and `_bare` already."""
    text = nw.col("value")
    if shape.last is not None:
        text = text.str.tail(shape.last)
    if shape.lowered:
        text = text.str.to_lowercase()
    return nw.concat_str(nw.lit(shape.prefix), text).alias("value") if shape.prefix else text


def _bare(texts: Series, shape: PlainShape) -> Series:
    """Cut and replace; Polars searches for many characters at once in half the time."""
    if shape.cut is not None:
        texts = texts.str.replace(shape.cut, "")
    if texts.implementation.is_polars() and shape.replaced:
        found = texts.to_native().str.replace_many(shape.replaced)
        return nw.from_native(found, series_only=True)
    for new, old in groupby(shape.replaced, key=shape.replaced.__getitem__):
        texts = texts.str.replace_all(f"[{re.escape(''.join(old))}]{'' if new else '+'}", new)
    return texts
