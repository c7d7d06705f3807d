"""What a grouping or a plan says, as columns of plain values; masked unless asked otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

from leadfold.changes import Link
from leadfold.grouping import Resolution
from leadfold.integrations.columnar import SeriesColumn
from leadfold.integrations.narwhal import nw
from leadfold.masking import mask, mask_key
from leadfold.model import INDIVIDUAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leadfold.backfill.plan import Plan
    from leadfold.grouping.columns import Column
    from leadfold.integrations.narwhal import Backend, Data, Series

__all__ = ["GROUP_COLUMNS", "group_table", "tables_of"]

_T = TypeVar("_T")

Row = tuple[str | int | None, ...]
Show = bool
_TableOf = tuple[tuple[str, ...], Callable[[_T, Show], Iterator[Row]]]
"""The names of its columns, and what makes its rows of a thing."""

GROUP_COLUMNS: Final = ("group_key", "group_kind", "group")
_WHOLE: Final = frozenset({"group", "stop", "case", "leads", "groups", "impact"})


def group_table(resolution: Resolution, backend: Backend) -> Data:
    """Return key, kind and number of the group of every lead, in the order the leads were read.

    The number is the group's place in `Resolution.groups`.
    """
    names = (*resolution.policy.kinds, INDIVIDUAL)
    partition = resolution.partition
    if partition.labels is partition.keys.labels:
        return _by_key(names, partition.keys.blocks, backend)[partition.labels]
    kinds = [names[kind] for kind, _ in resolution.group_keys]
    groups = _frame(GROUP_COLUMNS, (resolution.keys, kinds, _places(resolution)), backend)
    return groups[partition.labels]


def _by_key(names: tuple[str, ...], blocks: tuple[Column, ...], backend: Backend) -> Data:
    """Return the same of groups that are keys, block by block: texts stay where they are."""
    tables, start = {}, 0
    for name, block in sorted(zip(names, blocks, strict=True), key=lambda each: f"{each[0]}:"):
        values = _series(block, backend).alias("value").to_frame().with_row_index("number")
        # Whole columns number their values in order, which Polars knows by a flag.
        placed = values.sort("value").with_row_index("place").sort("number")
        key, kind = nw.concat_str(nw.lit(f"{name}:"), nw.col("value")), nw.lit(name)
        tables[name] = placed.select(
            key.alias("group_key"),
            kind.alias("group_kind"),
            (nw.col("place").cast(nw.Int64) + start).alias("group"),
        )
        start += len(block)
    return _in_one_piece(nw.concat([tables[name] for name in names]))


def _series(column: Column, backend: Backend) -> Series:
    """Return the values of *column*, which are all there."""
    if isinstance(column, SeriesColumn) and column.values.implementation.value == backend:
        return column.values
    return nw.new_series("value", column.first, nw.String, backend=backend)


def _in_one_piece(table: Data) -> Data:
    """Return *table* as rows are picked from it in a third of the time, or less."""
    native = table.to_native()
    if table.implementation.is_polars():
        native = native.rechunk()
    elif table.implementation.is_pyarrow():
        native = native.combine_chunks()
    return nw.from_native(native, eager_only=True)


def _places(resolution: Resolution) -> list[int]:
    """Return each group's place in order of key, by the engine's number."""
    places = [0] * resolution.partition.size
    for place, number in enumerate(resolution.groups.order):
        places[number] = place
    return places


def _frame(names: tuple[str, ...], columns: Iterable[Iterable[object]], backend: Backend) -> Data:
    schema = {name: nw.Int64() if name in _WHOLE else nw.String() for name in names}
    data = {name: list(column) for name, column in zip(names, columns, strict=True)}
    return nw.from_dict(data, schema, backend=backend)


def _stops(resolution: Resolution, show: Show) -> Iterator[Row]:
    for number, stop in enumerate(resolution.stops):
        found = stop.identifier
        value = found.value if show else mask(found.kind, found.value)
        reasons, leads = ", ".join(stop.reasons), len(stop.lead_ids)
        for lead_id in stop.lead_ids:
            yield number, found.kind, value, reasons, leads, len(stop.group_keys), lead_id


def _rejected(resolution: Resolution, show: Show) -> Iterator[Row]:
    for each in resolution.rejected:
        raw = str(each.value)
        value = raw if show else mask(each.field, raw)
        yield each.lead_id, each.field, each.reason.value, value


def _review(resolution: Resolution, show: Show) -> Iterator[Row]:
    key_of: Callable[[str], str] = str if show else mask_key
    for number, case in enumerate(resolution.review()):
        for role, groups in (("group", (case.group,)), ("claimant", case.claimants)):
            for group in groups:
                for lead_id in group:
                    yield number, case.reason, role, key_of(group.key), case.impact, lead_id


def _links(plan: Plan, _: Show) -> Iterator[Row]:
    for unit in plan.units:
        for change in unit.changes:
            if isinstance(change, Link):
                yield change.lead_id, change.before, change.after, change.reason


def _leads(resolution: Resolution, show: Show) -> Iterator[Row]:
    names = (*resolution.policy.kinds, INDIVIDUAL)
    keys = resolution.keys if show else [mask_key(key) for key in resolution.keys]
    places = _places(resolution)
    for lead_id, label in zip(resolution.columns.ids, resolution.partition.labels, strict=True):
        yield lead_id, keys[label], names[resolution.group_keys[label][0]], places[label]


_OF_A_RESOLUTION: Mapping[str, _TableOf[Resolution]] = {
    "leads": (("lead_id", *GROUP_COLUMNS), _leads),
    "stops": (("stop", "kind", "value", "reasons", "leads", "groups", "lead_id"), _stops),
    "rejected": (("lead_id", "field", "reason", "value"), _rejected),
    "review": (("case", "reason", "role", "group_key", "impact", "lead_id"), _review),
}
_OF_A_PLAN: Mapping[str, _TableOf[Plan]] = {
    "links": (("lead_id", "before", "after", "reason"), _links),
}


def tables_of(source: Resolution | Plan, what: str | None, backend: Backend, *, show: bool) -> Data:
    """Return the table *what* of *source*, by default the first it has.

    Raises:
        ValueError: there is no such table.
    """
    if isinstance(source, Resolution):
        return _table(_chosen(_OF_A_RESOLUTION, what), source, backend, show=show)
    return _table(_chosen(_OF_A_PLAN, what), source, backend, show=show)


def _chosen(known: Mapping[str, _TableOf[_T]], what: str | None) -> _TableOf[_T]:
    chosen = next(iter(known)) if what is None else what
    if chosen not in known:
        msg = f"no table {what!r}: there is {', '.join(known)}"
        raise ValueError(msg)
    return known[chosen]


def _table(chosen: _TableOf[_T], source: _T, backend: Backend, *, show: bool) -> Data:
    """Return the rows of *source* as a frame; one without rows has its columns all the same."""
    names, rows_of = chosen
    columns = tuple(zip(*rows_of(source, show), strict=True)) or ((),) * len(names)
    return _frame(names, columns, backend)
