"""The slow, obvious model of grouping: the semantics, sentence by sentence, and nothing clever.

Values come in normalized. It must never import the engine; being quadratic is fine. Docstrings in
quotation marks are the sentence of the semantics that a function stands for.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations, count
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from leadfold import IdentifierRule, Policy, Ruling

__all__ = [
    "Answer",
    "ContradictionError",
    "Record",
    "Shared",
    "Value",
    "model_evidence",
    "model_group",
]

INDIVIDUAL = "individual"
MANY = 5
"""More values than this of a kind weaker than the key's make a group suspicious."""


@attrs.frozen(order=True)
class Value:
    """A kind and a normalized value; *text* begins with *scope* and a slash where there is one."""

    kind: str
    text: str
    scope: str = ""

    @property
    def key(self) -> str:
        """Return ``kind:value``."""
        return f"{self.kind}:{self.text}"


@attrs.frozen
class Record:
    """A lead: its id, and its usable values in the order given."""

    id: str
    values: tuple[Value, ...] = ()


@attrs.frozen
class Shared:
    """What a stop says: who holds the value, in which groups, and what kept them apart."""

    lead_ids: tuple[str, ...]
    group_keys: tuple[str, ...]
    reasons: tuple[str, ...]


@attrs.frozen
class Answer:
    """Groups as (key, kind, lead ids); stops by ``kind:value``; keys of suspicious groups."""

    groups: tuple[tuple[str, str, tuple[str, ...]], ...]
    stops: Mapping[str, Shared]
    suspicious: tuple[str, ...]


class ContradictionError(ValueError):
    """Must-links join what a cannot-link keeps apart."""


Group = frozenset[Record]
"""Leads that are one customer, so far."""

Piece = frozenset[Group]
"""Groups that are to become one."""

Pair = frozenset[Group]


@attrs.frozen
class Guard:
    """At most *limit* of the values that *values_in* finds; *reason* is what its stops say."""

    limit: int
    reason: str
    values_in: Callable[[Group], frozenset[object]] = attrs.field(eq=False)


@attrs.frozen
class Level:
    """What one level did.

    *began* are the groups it began with, *ended* those it left. *parted* has, for each pair of
    groups that a step of it kept apart, the reasons; *joining* are the values that joined.
    """

    began: frozenset[Group]
    ended: frozenset[Group]
    joining: frozenset[Value]
    parted: Mapping[Pair, frozenset[str]]


def model_group(
    records: Iterable[Record], policy: Policy, rulings: Iterable[Ruling] = ()
) -> Answer:
    """Group *records* under *policy* and *rulings*."""
    records, rulings = tuple(records), _in_order_of_creation(rulings)
    levels = [_start(records, policy, rulings)]
    if policy.strategy == "linked":
        for rule in policy.identifiers:
            levels.append(_level(levels[-1].ended, rule, policy, rulings))
    return _answer(levels, policy, rulings)


def model_evidence(
    records: Iterable[Record], policy: Policy, rulings: Iterable[Ruling] = ()
) -> dict[tuple[str, str], frozenset[str]]:
    """Return what can have joined leads, as level and text, each with the leads it joins.

    Must-links; keys; and in ``linked`` every value that was not generic at its level.
    """
    records, rulings = tuple(records), _in_order_of_creation(rulings)
    keyed = [(_key_value(record, policy), record.id) for record in records]
    found = {
        ("ruling", ruling.id): frozenset(ruling.parts[0]) & {record.id for record in records}
        for ruling in rulings
        if ruling.is_must_link
    }
    found |= {
        ("key", key.key): frozenset(one for other, one in keyed if other == key) for key, _ in keyed
    }
    groups = _start(records, policy, rulings).ended
    for rule in policy.identifiers if policy.strategy == "linked" else ():
        level = _level(groups, rule, policy, rulings)
        for value in level.joining:
            holders = frozenset(record.id for record in records if value in record.values)
            found[rule.kind, value.key] = holders
        groups = level.ended
    return found


def _answer(levels: Sequence[Level], policy: Policy, rulings: Sequence[Ruling]) -> Answer:
    """Return what the last of *levels* leaves, and why."""
    final = levels[-1].ended
    keys = _final_keys(final, policy)
    return Answer(
        groups=tuple(sorted((keys[group], _key(group, policy)[0], _ids(group)) for group in final)),
        stops=_stops(levels, keys, policy),
        suspicious=_suspicious(keys, policy, rulings),
    )


def _held(group: Group) -> frozenset[Value]:
    """Say "A group *holds* every usable value of its leads."."""
    return frozenset(value for record in group for value in record.values)


def _ids(group: Group) -> tuple[str, ...]:
    """Say "their lead ids in text order"."""
    return tuple(sorted(record.id for record in group))


def _key_value(record: Record, policy: Policy) -> Value:
    """Say "its strongest usable identifier (the first usable of that kind in the order given)".

    And "`individual:<lead id>` if it has none".
    """
    for kind in policy.kinds:
        for value in record.values:
            if value.kind == kind:
                return value
    return Value(INDIVIDUAL, record.id)


def _key(group: Group, policy: Policy) -> tuple[str, str]:
    """Say "the strongest of its leads' keys, of several of one kind the smallest value".

    Returned as its kind and ``kind:value``.
    """
    kinds = (*policy.kinds, INDIVIDUAL)
    keys = [_key_value(record, policy) for record in group]
    strongest = min(keys, key=lambda value: (kinds.index(value.kind), value.text))
    return strongest.kind, strongest.key


def _final_keys(groups: Collection[Group], policy: Policy) -> dict[Group, str]:
    """Say "Only a ruling can leave several groups with one key".

    "each then gets `#<smallest lead id>` after it".
    """
    plain = {group: _key(group, policy)[1] for group in groups}
    often = Counter(plain.values())
    return {
        group: key if often[key] == 1 else f"{key}#{_ids(group)[0]}" for group, key in plain.items()
    }


def _in_order_of_creation(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Say "each ruling is a guard of its own, in order of creation"; one without date is last."""
    return tuple(
        sorted(
            rulings,
            key=lambda ruling: (
                ruling.created_at is None,
                "" if ruling.created_at is None else ruling.created_at.isoformat(),
                ruling.id,
            ),
        )
    )


def _must_linked(records: Sequence[Record], rulings: Sequence[Ruling]) -> frozenset[Group]:
    """Say "One part: must-link, joined with the start." and "Must-links are joined first"."""
    singles = frozenset(frozenset({record}) for record in records)
    named: Callable[[Group], frozenset[str]] = lambda group: frozenset(  # noqa: E731
        ruling.id
        for ruling in rulings
        if ruling.is_must_link and {record.id for record in group} & {*ruling.parts[0]}
    )
    return frozenset(_merge(block) for block in _connected(singles, named))


def _refuse_contradictions(groups: Collection[Group], rulings: Sequence[Ruling]) -> None:
    """Say "a chain of them across two parts of one cannot-link is a contradiction, an error"."""
    for guard in _ruling_guards(rulings):
        for group in groups:
            if len(guard.values_in(group)) > 1:
                raise ContradictionError(_ids(group))


def _ruling_guards(rulings: Sequence[Ruling]) -> Iterator[Guard]:
    """Say "cannot-link: a unique guard stronger than all kinds, whose values are the parts"."""
    for ruling in rulings:
        if not ruling.is_must_link:
            yield Guard(1, "ruled", _parts_in(ruling))


def _parts_in(ruling: Ruling) -> Callable[[Group], frozenset[object]]:
    """Return what finds the parts of *ruling* that a group's leads are in."""
    return lambda group: frozenset(
        part for part in ruling.parts if {record.id for record in group} & {*part}
    )


def _start(records: Sequence[Record], policy: Policy, rulings: Sequence[Ruling]) -> Level:
    """Say "Leads with equal keys are one group." and "then equal keys join under rule 3".

    "guards play no part in it": only the rulings are guards here.
    """
    groups = _must_linked(records, rulings)
    _refuse_contradictions(groups, rulings)
    keys_of = _keys_of(policy)
    joining = frozenset(key for group in groups for key in keys_of(group))
    return _run(groups, joining, keys_of, tuple(_ruling_guards(rulings)))


def _keys_of(policy: Policy) -> Callable[[Group], frozenset[Value]]:
    """Return what finds the keys of a group's leads."""
    return lambda group: frozenset(_key_value(record, policy) for record in group)


def _level(
    groups: frozenset[Group], rule: IdentifierRule, policy: Policy, rulings: Sequence[Ruling]
) -> Level:
    """Say "At the level of kind *k*"; "Guards of kinds at least as strong as *k* apply"."""
    values = {value for group in groups for value in _held(group) if value.kind == rule.kind}
    joining = frozenset(value for value in values if not _is_generic(value, groups, rule, policy))
    upto = policy.identifiers[: policy.kinds.index(rule.kind) + 1]
    guards = (*_ruling_guards(rulings), *_kind_guards(upto, groups))
    return _run(groups, joining, _held, guards)


def _is_generic(
    value: Value, groups: Collection[Group], rule: IdentifierRule, policy: Policy
) -> bool:
    """Say "held by more than `generic_after` groups that also hold something stronger than k"."""
    stronger = policy.kinds[: policy.kinds.index(rule.kind)]
    holders = [
        group
        for group in groups
        if value in _held(group) and any(held.kind in stronger for held in _held(group))
    ]
    return rule.generic_after is not None and len(holders) > rule.generic_after


def _kind_guards(rules: Sequence[IdentifierRule], groups: Collection[Group]) -> Iterator[Guard]:
    """Say "Each scope of a kind is a guard of its own, taken in order of scope"."""
    held = {value for group in groups for value in _held(group)}
    for rule in rules:
        if rule.limit is None:
            continue
        reason = "contested" if rule.limit == 1 else "limit"
        for scope in sorted({value.scope for value in held if value.kind == rule.kind}):
            yield Guard(rule.limit, reason, _values_in(rule.kind, scope))


def _values_in(kind: str, scope: str) -> Callable[[Group], frozenset[object]]:
    """Return what finds the values of *kind* in *scope* that a group holds."""
    return lambda group: frozenset(
        value for value in _held(group) if (value.kind, value.scope) == (kind, scope)
    )


def _run(
    groups: frozenset[Group],
    joining: frozenset[Value],
    values_of: Callable[[Group], frozenset[Value]],
    guards: Sequence[Guard],
) -> Level:
    """Say "Take the connected blocks of groups under these joins.", then apply the guards.

    "For each unique guard *u*, strongest first, in every block that exceeds it (or piece of a
    block that an earlier guard left; only what is inside the piece counts)".
    """
    holds: Callable[[Group], frozenset[Value]] = lambda group: values_of(group) & joining  # noqa: E731
    parted: dict[Pair, frozenset[str]] = {}
    pieces = _connected(groups, holds)
    for guard in guards:
        if guard.limit == 1:
            after = [(piece, _split(piece, guard, holds)) for piece in pieces]
            for piece, smaller in after:
                _note(parted, piece, smaller, {guard.reason})
            pieces = [small for _, smaller in after for small in smaller]
    ended: list[Group] = []
    for piece in pieces:
        left, reasons = _keep_or_dissolve(piece, guards)
        _note(parted, piece, left, reasons)
        ended.extend(_merge(small) for small in left)
    return Level(groups, frozenset(ended), joining, parted)


def _exceeds(piece: Piece, guard: Guard) -> bool:
    """Say "if together they would hold more than *n* values of its kind".

    "and more than any one of them holds already".
    """
    together = frozenset(value for group in piece for value in guard.values_in(group))
    most = max(len(guard.values_in(group)) for group in piece)
    return len(together) > guard.limit and len(together) > most


def _keep_or_dissolve(piece: Piece, guards: Sequence[Guard]) -> tuple[list[Piece], set[str]]:
    """Say "a piece left by the above that still exceeds any guard, unique ones included".

    "is not joined at all at this level (its groups stay as they were when the level began)".
    """
    reasons = {guard.reason for guard in guards if _exceeds(piece, guard)}
    if not reasons:
        return [piece], reasons
    return [frozenset({group}) for group in piece], reasons


def _split(piece: Piece, guard: Guard, holds: Callable[[Group], frozenset[Value]]) -> list[Piece]:
    """Say "anchors of different owners are never joined".

    "each owner's anchors and followers stay joined as far as values of *k* (any but generic ones)
    connect them"; a contested cluster "stays a cluster of its own".
    """
    if not _exceeds(piece, guard):
        return [piece]
    sides: dict[object, set[Group]] = {}
    pieces: list[Piece] = []
    for group in piece:
        if guard.values_in(group):
            sides.setdefault(guard.values_in(group), set()).add(group)
    anchors = frozenset(group for side in sides.values() for group in side)
    for cluster in _clusters(piece, anchors, guard, holds):
        claims = _claims(cluster, anchors, guard, holds)
        if len(claims) == 1:
            sides[next(iter(claims))].update(cluster)
        else:
            pieces.append(cluster)
    for side in sides.values():
        pieces.extend(_connected(frozenset(side), holds))
    return pieces


def _owners(
    value: Value,
    anchors: Collection[Group],
    guard: Guard,
    holds: Callable[[Group], frozenset[Value]],
) -> set[frozenset[object]]:
    """Say "each with an **owner**, the set of *u* values it holds", of the anchors of *value*."""
    return {guard.values_in(anchor) for anchor in anchors if value in holds(anchor)}


def _clusters(
    piece: Piece,
    anchors: Collection[Group],
    guard: Guard,
    holds: Callable[[Group], frozenset[Value]],
) -> list[Piece]:
    """Say "values with none or several owners join the free groups that hold them into clusters".

    "(a free group that shares no such value is a cluster by itself)".
    """
    return _connected(
        frozenset(group for group in piece if group not in anchors),
        lambda group: frozenset(
            value for value in holds(group) if len(_owners(value, anchors, guard, holds)) != 1
        ),
    )


def _claims(
    cluster: Piece,
    anchors: Collection[Group],
    guard: Guard,
    holds: Callable[[Group], frozenset[Value]],
) -> set[frozenset[object]]:
    """Say "a cluster's claims are the owners of all values of *k* that it holds"."""
    return {
        owner
        for group in cluster
        for value in holds(group)
        for owner in _owners(value, anchors, guard, holds)
    }


def _connected(
    groups: frozenset[Group], names: Callable[[Group], frozenset[object]]
) -> list[Piece]:
    """Return the connected blocks of *groups*: those that share one of their names belong."""
    blocks: list[set[Group]] = []
    for group in groups:
        touching = [
            block for block in blocks if any(names(group) & names(other) for other in block)
        ]
        blocks = [block for block in blocks if block not in touching]
        blocks.append({group}.union(*touching))
    return [frozenset(block) for block in blocks]


def _merge(piece: Piece) -> Group:
    """Return the one group that the groups of *piece* become."""
    return frozenset(record for group in piece for record in group)


def _note(
    parted: dict[Pair, frozenset[str]], piece: Piece, left: Sequence[Piece], reasons: Iterable[str]
) -> None:
    """Remember why the groups of *piece* that are now in different parts of it are apart."""
    number = {group: place for place, small in zip(count(), left) for group in small}
    for one, other in combinations(piece, 2):
        if number[one] != number[other]:
            parted[frozenset({one, other})] = frozenset(reasons)


def _stops(levels: Sequence[Level], keys: Mapping[Group, str], policy: Policy) -> dict[str, Shared]:
    """Say "Every usable value held in two or more final groups is a stop"."""
    stops = {}
    for value in {value for group in keys for value in _held(group)}:
        holders = [group for group in keys if value in _held(group)]
        if len(holders) > 1:
            stops[value.key] = Shared(
                lead_ids=tuple(
                    sorted(
                        record.id for group in keys for record in group if value in record.values
                    )
                ),
                group_keys=tuple(sorted(keys[group] for group in holders)),
                reasons=tuple(sorted(_reasons(value, levels, tuple(keys), policy))),
            )
    return stops


def _reasons(
    value: Value, levels: Sequence[Level], final: Collection[Group], policy: Policy
) -> set[str]:
    """Say "with the reasons of the steps that kept its holders apart".

    A value joins in two steps: leads whose key it is at the start, and its holders at the level
    of its kind; ``keyed`` has no such level: "in `keyed`, `weaker`".
    """
    place = {record: group for group in final for record in group}
    keys_of = _keys_of(policy)
    start, *later = levels
    reasons = _parted(value, start, keys_of, place)
    if later:
        return reasons | _parted(value, later[policy.kinds.index(value.kind)], _held, place)
    for one, other in combinations([group for group in final if value in _held(group)], 2):
        if value not in keys_of(one) & keys_of(other):
            reasons.add("weaker")
    return reasons


def _parted(
    value: Value,
    level: Level,
    values_of: Callable[[Group], frozenset[Value]],
    place: Mapping[Record, Group],
) -> set[str]:
    """Return why *level* kept holders of *value* apart that no other level brought together."""
    reasons: set[str] = set()
    for one, other in combinations([g for g in level.began if value in values_of(g)], 2):
        if place[next(iter(one))] != place[next(iter(other))]:
            generic = value not in level.joining
            reasons |= {"generic"} if generic else level.parted[frozenset({one, other})]
    return reasons


def _suspicious(
    keys: Mapping[Group, str], policy: Policy, rulings: Sequence[Ruling]
) -> tuple[str, ...]:
    """Say "groups that hold more than 5 values of a kind weaker than their key's".

    "largest first (a group whose leads one must-link names is confirmed and not listed)".
    """
    confirmed = [{*ruling.parts[0]} for ruling in rulings if ruling.is_must_link]
    listed = [
        group
        for group in keys
        if _holds_many(group, policy) and not any({*_ids(group)} <= part for part in confirmed)
    ]
    return tuple(keys[group] for group in sorted(listed, key=lambda g: (-len(g), keys[g])))


def _holds_many(group: Group, policy: Policy) -> bool:
    kinds = (*policy.kinds, INDIVIDUAL)
    weaker = kinds[kinds.index(_key(group, policy)[0]) + 1 :]
    return any(
        len({value for value in _held(group) if value.kind == kind}) > MANY for kind in weaker
    )
