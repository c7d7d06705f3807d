"""Which columns of a frame feed which field of a lead, or all that is wrong with what was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from leadfold.integrations.column_names import guess_columns, looks_like_data
from leadfold.masking import some

if TYPE_CHECKING:
    from leadfold.policy import Policy

__all__ = ["ColumnsOf", "Told", "sources_of"]

ColumnsOf = str | Iterable[str] | None
"""The column of a field, or several, in order; None or an empty list: the field has none."""

Told = Mapping[str, ColumnsOf] | Literal["guess"] | None
"""Columns by field, or ``"guess"`` for what `guess_columns` says."""

Sources = dict[str, tuple[str, ...]]


def sources_of(
    names: Iterable[str], policy: Policy, told: Told, by_keyword: Mapping[str, ColumnsOf]
) -> tuple[Sources, list[str]]:
    """Return the columns of ``id`` and of every field of *policy* that has any, and the faults.

    Keywords go before *told*, which goes before the column that has the field's own name.
    """
    names, fields = tuple(names), ("id", *policy.fields)
    guessed, faults = _guessed(names, fields, told)
    chosen = {field: _listed(columns) for field, columns in {**guessed, **by_keyword}.items()}
    faults += [_unknown(field, policy) for field in chosen if field not in fields]
    faults += [
        _absent(name, field, names)
        for field, columns in chosen.items()
        for name in columns
        if name not in names
    ]
    own = {field: (field,) for field in fields if field not in chosen and field in names}
    found = {**own, **chosen}
    sources = {f: c for f in fields if (c := tuple(n for n in found.get(f, ()) if n in names))}
    return sources, [*faults, *_shortages(sources, found, names, policy)]


def _guessed(
    names: tuple[str, ...], fields: Iterable[str], told: Told
) -> tuple[Mapping[str, ColumnsOf], list[str]]:
    """Return what *told* says, or what the names seem to say."""
    if told == "guess":
        return guess_columns([name for name in names if isinstance(name, str)], fields), []
    if isinstance(told, str):
        return {}, [f"columns= takes a mapping or 'guess', not {told!r}"]
    return told or {}, []


def _listed(columns: ColumnsOf) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns or ())


def _unknown(field: str, policy: Policy) -> str:
    return f"the policy reads no field {field!r}: it reads {', '.join(policy.fields)}"


def _absent(name: str, field: str, names: tuple[str, ...]) -> str:
    return f"no column {name!r} for {field}: {_there_are(names)}"


def _shortages(
    sources: Sources, found: Sources, names: tuple[str, ...], policy: Policy
) -> Iterable[str]:
    """Yield what leads cannot do without, unless it was told and is absent."""
    if not found.get("id"):
        yield f"no column 'id': name the one with the ids of the leads, id=…; {_there_are(names)}"
    singles = {"id", *(rule.scope for rule in policy.identifiers if rule.scope)}
    for field in singles & sources.keys():
        if len(sources[field]) > 1:
            yield f"{field} takes one column, not {len(sources[field])}"
    if not any(found.get(kind) for kind in policy.kinds):
        kinds, way_out = ", ".join(policy.kinds), f"name one, such as {policy.kinds[0]}=…"
        yield f"no column for any of {kinds}: {way_out}; {_there_are(names)}"


def _there_are(names: tuple[str, ...]) -> str:
    """List the columns, unless they look like a lead."""
    if any(looks_like_data(str(name)) for name in names):  # pandas lets them be numbers
        return "its columns are named like a lead: give it a header first"
    return f"it has {some(map(str, names)) or 'none'}"
