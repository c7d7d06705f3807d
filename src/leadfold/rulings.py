"""Rulings among themselves: their order, and which of them cannot hold together. No leads read."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeVar

from leadfold.disjoint import DisjointSets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from leadfold.model import Ruling

__all__ = ["contradiction", "in_order", "lifted_by", "unruly"]

T = TypeVar("T")


def in_order(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Return *rulings* in order of creation; one without a date comes after those with."""
    dated = sorted((r for r in rulings if r.created_at), key=lambda r: (r.created_at, r.id))
    undated = sorted((r for r in rulings if not r.created_at), key=lambda r: r.id)
    return (*dated, *undated)


def contradiction(
    musts: Mapping[str, Collection[T]], cannots: Mapping[str, Sequence[Collection[T]]]
) -> tuple[frozenset[str], frozenset[T]] | None:
    """Return a chain of *musts* across two parts of one of *cannots*: the names, the members.

    The names are those of one shortest chain, not of what else hangs on it. None where all of
    them can hold together.
    """
    places: dict[T, list[tuple[str, int]]] = defaultdict(list)
    for name, parts in cannots.items():
        for place, part in enumerate(parts):
            for member in part:
                places[member].append((name, place))
    for names, members in _chains(musts):
        met: dict[str, dict[int, list[T]]] = defaultdict(lambda: defaultdict(list))
        for member in members:
            for name, place in places.get(member, ()):
                met[name][place].append(member)
        if broken := {name for name, parts_met in met.items() if len(parts_met) > 1}:
            name = next(each for each in cannots if each in broken)
            touched = [cannots[name][place] for place in sorted(met[name])]
            chain = _across({each: musts[each] for each in names}, touched)
            return frozenset({name, *chain}), frozenset().union(*met[name].values())
    return None


def _across(musts: Mapping[str, Collection[T]], parts: Sequence[Collection[T]]) -> Sequence[str]:
    """Return the names of a shortest chain from the first of *parts* to another."""
    holding: dict[T, list[str]] = defaultdict(list)
    for name, must in musts.items():
        for member in must:
            holding[member].append(name)
    ends = {member for part in parts[1:] for member in part}
    seen: set[str] = set()
    queue = deque((member, list[str]()) for member in parts[0])
    while queue:
        member, chain = queue.popleft()
        for name in holding.pop(member, ()):
            if not ends.isdisjoint(musts[name]):
                return [*chain, name]
            if name not in seen:
                seen.add(name)
                queue.extend((other, [*chain, name]) for other in musts[name])
    return []


def _chains(musts: Mapping[str, Collection[T]]) -> Iterator[tuple[list[str], set[T]]]:
    """Yield the must-links that hang together, by name, with the members they join."""
    number = {member: n for n, member in enumerate({m for must in musts.values() for m in must})}
    sets = DisjointSets(len(number))
    for must in musts.values():
        sets.union(number[member] for member in must)
    chains: dict[int, tuple[list[str], set[T]]] = defaultdict(lambda: ([], set()))
    for name, must in musts.items():
        names, members = chains[sets.find(number[next(iter(must))])]
        names.append(name)
        members.update(must)
    yield from chains.values()


def unruly(rulings: Iterable[Ruling]) -> frozenset[str]:
    """Return the ids of *rulings* that contradict each other; empty where all hold together."""
    musts, cannots = _apart(rulings)
    found = contradiction(musts, cannots)
    return found[0] if found else frozenset()


def lifted_by(new: Ruling, in_force: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Return those of *in_force* that *new* contradicts: a newer decision takes them out of force.

    A must-link takes out every cannot-link it would join parts of; a cannot-link every must-link
    across its parts, and where a chain of others still runs across, that whole chain.
    """
    known = {ruling.id: ruling for ruling in in_force}
    lifted: set[str] = set()
    if not new.is_must_link:
        lifted = {name for name, old in known.items() if old.is_must_link and _spans(old, new)}
    while contradicting := unruly((new, *(known[name] for name in known.keys() - lifted))):
        lifted |= {
            name
            for name in contradicting - {new.id}
            if known[name].is_must_link != new.is_must_link
        }
    return tuple(known[name] for name in known if name in lifted)


def _spans(must: Ruling, cannot: Ruling) -> bool:
    """Tell whether *must* by itself joins parts of *cannot*."""
    leads = set(must.parts[0])
    return sum(not leads.isdisjoint(part) for part in cannot.parts) > 1


def _apart(
    rulings: Iterable[Ruling],
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[tuple[str, ...], ...]]]:
    rulings = tuple(rulings)
    musts = {ruling.id: ruling.parts[0] for ruling in rulings if ruling.is_must_link}
    return musts, {ruling.id: ruling.parts for ruling in rulings if not ruling.is_must_link}
