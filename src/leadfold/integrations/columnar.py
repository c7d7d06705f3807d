"""Whole columns read at sight: plain texts by the frame library, all others by the engine's reader.

It recognizes and it numbers; who is who is the engine's business. A text is taken at sight only
if the normalizer's own `PlainShape` claims it and no blocked value can be it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from leadfold.grouping.columns import Column
from leadfold.integrations.narwhal import nw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.grouping.columns import KindReader, Refusal
    from leadfold.integrations.narwhal import Data, Series
    from leadfold.normalizers.blocked import BlockedValues
    from leadfold.normalizers.plain_shape import PlainShape

__all__ = ["SeriesColumn", "at_sight", "read_texts"]


class SeriesColumn(Column):
    """The usable values of one kind, one a row at most, kept in the frame library's own column.

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

    def number(
        self, rows: Sequence[int], labels: list[int], start: int
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Label rows as `Column.number` does; the numbers are in order of the values."""
        whole = self.values.alias("value").to_frame().with_row_index("row")
        frame = whole if len(rows) == len(whole) else whole[list(rows)]
        held = frame.filter(~nw.col("value").is_null())
        held = held.with_columns(nw.col("row").min().over("value").alias("first"))
        distinct = (
            held.filter(nw.col("row") == nw.col("first")).select("row", "value").sort("value")
        )
        ranks = (whole["row"] * 0).scatter(
            distinct["row"], whole["row"].head(len(distinct)) + start
        )
        numbers = ranks[held["first"]].to_list()
        for row, number in zip(held["row"].to_list(), numbers, strict=True):
            labels[row] = number
        without = frame.filter(nw.col("value").is_null())["row"].to_list()
        return without, distinct["value"].to_list()


def read_texts(
    texts: Mapping[str, Series], readers: Mapping[str, KindReader]
) -> tuple[dict[str, SeriesColumn], list[Refusal]]:
    """Return the usable values of *texts*, columns of text by kind, and what was refused.

    Kinds are left out whose normalizer tells no shape.
    """
    shapes = {kind: shape for kind in texts if (shape := readers[kind].normalizer.plain())}
    seen = at_sight(texts, shapes, readers)
    found: dict[str, SeriesColumn] = {}
    refused: list[Refusal] = []
    for kind, values in seen.items():
        whole, refusals = _with_the_rest(values, texts[kind], readers[kind])
        found[kind] = SeriesColumn(whole)
        refused += refusals
    return found, refused


def _with_the_rest(
    values: Series, texts: Series, reader: KindReader
) -> tuple[Series, list[Refusal]]:
    """Let *reader* read those *texts* that have no value yet."""
    rows = (values.is_null() & ~texts.is_null()).arg_true()
    if not len(rows):
        return values, []
    places, column = rows.to_list(), Column()
    refused = reader.read(texts[places].to_list(), None, 0, column)
    read = nw.new_series("read", column.first, nw.String, backend=values.implementation)
    return values.scatter(rows, read), [
        (places[at], kind, why, raw) for at, kind, why, raw in refused
    ]


def at_sight(
    texts: Mapping[str, Series],
    shapes: Mapping[str, PlainShape],
    readers: Mapping[str, KindReader],
) -> dict[str, Series]:
    """Return the values of plain *texts*, null for all others; all kinds at once."""
    if not shapes:
        return {}
    frame = _frame({kind: texts[kind] for kind in shapes}).with_columns(
        nw.col(k).str.strip_chars(s.trimmed) for k, s in shapes.items() if s.trimmed
    )
    bare = {k: _without(frame[k], s.dropped) for k, s in shapes.items() if s.dropped}
    spelled = frame.with_columns(
        *(each.alias(f"{kind} bare") for kind, each in bare.items())
    ).select(
        *(_is_plain(kind, shape).alias(f"{kind} plain") for kind, shape in shapes.items()),
        *(_spelled(kind, shape) for kind, shape in shapes.items()),
    )
    usable = spelled.select(_usable(kind, readers[kind].blocked) for kind in shapes)
    return {kind: usable[kind] for kind in shapes}


def _frame(columns: Mapping[str, Series]) -> Data:
    first, *others = (series.alias(kind) for kind, series in columns.items())
    return first.to_frame().with_columns(*others)


def _is_plain(kind: str, shape: PlainShape) -> nw.Expr:
    is_plain = nw.col(kind).str.contains(shape.pattern)
    return is_plain if shape.unless is None else is_plain & ~nw.col(kind).str.contains(shape.unless)


def _spelled(kind: str, shape: PlainShape) -> nw.Expr:
    """Return what the answer is if the text is plain."""
    text = nw.col(f"{kind} bare" if shape.dropped else kind)
    if shape.last is not None:
        text = text.str.tail(shape.last)
    if shape.lowered:
        text = text.str.to_lowercase()
    return (
        nw.concat_str(nw.lit(shape.prefix), text).alias(kind) if shape.prefix else text.alias(kind)
    )


def _without(series: Series, characters: str) -> Series:
    """Take *characters* out; Polars searches for many texts at once in half the time."""
    if series.implementation.is_polars():
        found = series.to_native().str.replace_many(dict.fromkeys(characters, ""))
        return nw.from_native(found, series_only=True)
    escaped = "".join(f"\\{each}" if each in r"-[]\^" else each for each in characters)
    return series.str.replace_all(f"[{escaped}]+", "")


def _usable(kind: str, blocked: BlockedValues) -> nw.Expr:
    """Return the plain values that nothing can block."""
    value, is_usable = nw.col(kind), nw.col(f"{kind} plain")
    if blocked.exact:
        is_usable &= ~value.is_in(sorted(blocked.exact))
    if blocked.suspects is not None:
        is_usable &= ~value.str.contains(blocked.suspects)
    return nw.when(is_usable).then(value).alias(kind)
