"""Another policy and other data, as columns: what `group` would have read. Nothing is re-read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import NotHeldError, PolicyError
from leadfold.grouping.columns import Column
from leadfold.model import Identifier
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from leadfold.grouping.columns import Columns
    from leadfold.policy import Policy
    from leadfold.rules import IdentifierRule

__all__ = ["identifier_of", "suppose_absent", "suppose_blocked", "supposed_policy"]


def identifier_of(given: Identifier | str) -> Identifier:
    """Return *given*, or the identifier that a text ``kind:value`` names."""
    if isinstance(given, Identifier):
        return given
    kind, _, value = given.partition(":")
    return Identifier(kind, value)


def supposed_policy(
    policy: Policy,
    block: Iterable[Identifier],
    limits: Mapping[str, int | None],
    generic_after: Mapping[str, int | None],
) -> Policy:
    """Return *policy* with further blocked values, other limits and other bounds, by kind.

    Raises:
        PolicyError: a kind that the policy does not have, or what no policy allows.
    """
    block = tuple(block)
    named = {*limits, *generic_after, *(identifier.kind for identifier in block)}
    if unknown := sorted(named - {*policy.kinds}):
        raise PolicyError([f"it has no kind {kind!r}" for kind in unknown])
    return attrs.evolve(
        policy,
        identifiers=[
            attrs.evolve(
                rule,
                limit=limits.get(rule.kind, rule.limit),
                generic_after=generic_after.get(rule.kind, rule.generic_after),
                blocked=(*rule.blocked, *_entries(rule, block)),
            )
            for rule in policy.identifiers
        ],
    )


def _entries(rule: IdentifierRule, block: Iterable[Identifier]) -> list[str]:
    return [_unscoped(rule, each.value) for each in block if each.kind == rule.kind]


def _unscoped(rule: IdentifierRule, value: str) -> str:
    """Return *value* as a policy blocks it: in every scope."""
    scope, slash, inside = value.partition("/")
    return inside if rule.scope is not None and slash else scope + slash + inside


def suppose_absent(
    columns: Columns, without: Iterable[tuple[str, Identifier]], row_of: Mapping[str, int]
) -> Columns:
    """Return *columns* as if each lead had never held the identifier it is to be *without*.

    Raises:
        UnknownLeadError: none of these leads.
        NotHeldError: a lead that does not hold the identifier.
    """
    gone: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for lead, identifier in without:
        row = row_of[lead]
        if identifier not in columns.identifiers(row):
            raise NotHeldError(lead, identifier.kind, identifier.value)
        gone[identifier.kind][row].add(identifier.value)
    return attrs.evolve(
        columns,
        by_kind=[
            _without(column, gone[kind]) if kind in gone else column
            for kind, column in zip(columns.kinds, columns.by_kind, strict=True)
        ],
    )


def suppose_blocked(columns: Columns, policy: Policy, kinds: Collection[str]) -> Columns:
    """Return *columns* as if *policy* had read them, where it blocks more values of *kinds*.

    Like *policy* it lists what it blocks as rejected; of the raw value only the normalized one
    is known here.
    """
    by_kind, refused = list(columns.by_kind), list(columns.refused)
    for place, rule in enumerate(policy.identifiers):
        if rule.kind not in kinds:
            continue
        column = columns.by_kind[place]
        blocked = _blocked_among(column, policy, rule)
        by_kind[place] = _without(column, blocked)
        if rule.scope is not None:
            refused = [*_blocked_before_scope(refused, policy, rule)]
        refused += [
            (row, rule.kind, Reason.BLOCKED, value)
            for row, values in blocked.items()
            for value in sorted(values)
            for _ in range(column.again.get((row, value), 0) + 1)
        ]
    return attrs.evolve(columns, by_kind=by_kind, refused=refused)


def _blocked_among(column: Column, policy: Policy, rule: IdentifierRule) -> dict[int, set[str]]:
    """Return the values of *column* that *rule* blocks, by row."""
    values = {value: _unscoped(rule, value) for _, value in column.pairs()}
    among = policy.blocked(rule).among(values.values())
    found: dict[int, set[str]] = defaultdict(set)
    for row, value in column.pairs() if among else ():
        if values[value] in among:
            found[row].add(value)
    return found


def _without(column: Column, gone: Mapping[int, Collection[str]]) -> Column:
    """Return *column* with the values *gone* of some rows; the next value becomes the first."""
    first, more = list(column.first), dict(column.more)
    for row, values in gone.items():
        left = [value for value in column.of(row) if value not in values]
        first[row] = left[0] if left else None
        more.pop(row, None)
        if left[1:]:
            more[row] = tuple(left[1:])
    return Column(first, more, column.again)


def _blocked_before_scope(
    refused: Iterable[tuple[int, str, Reason, object]], policy: Policy, rule: IdentifierRule
) -> Iterable[tuple[int, str, Reason, object]]:
    """Yield *refused* with BLOCKED where it comes first: a value is blocked before it is scoped.

    Of what was refused with its scope only the raw value is known; these few are read again.
    """
    parse, blocked = policy.normalizer(rule).parse, policy.blocked(rule)
    for row, field, reason, raw in refused:
        if field == rule.kind and reason in {Reason.NO_SCOPE, Reason.TOO_LONG}:
            (answer,) = parse([raw])
            if isinstance(answer, str) and blocked.matches(answer):
                yield row, field, Reason.BLOCKED, raw
                continue
        yield row, field, reason, raw
