"""Rulings among themselves: their order, what contradicts, what a newer one takes out of force."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import chain, combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadfold import Lead, Policy, group
from leadfold.model import Ruling
from leadfold.rulings import contradiction, in_order, lifted_by, unruly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import FrameType

DAY = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def must(id_: str, leads: str) -> Ruling:
    """Return a must-link of one-letter leads."""
    return Ruling(id_, [list(leads)])


def cannot(id_: str, *parts: str) -> Ruling:
    """Return a cannot-link of one-letter leads."""
    return Ruling(id_, [list(part) for part in parts])


def lifted(new: Ruling, *in_force: Ruling) -> list[str]:
    """Return the ids of what *new* takes out of force."""
    return [ruling.id for ruling in lifted_by(new, in_force)]


def test_rulings_are_in_order_of_creation_then_id() -> None:
    """Those of one moment are ordered by id, whatever order they come in."""
    given_ = [Ruling("c", [["a"]], LATER), Ruling("b", [["a"]], DAY), Ruling("a", [["a"]], LATER)]
    assert [ruling.id for ruling in in_order(given_)] == ["b", "a", "c"]


def test_a_ruling_without_a_date_is_last() -> None:
    """Undated ones come after the dated, by id."""
    given_ = [Ruling("b", [["a"]]), Ruling("a", [["a"]]), Ruling("z", [["a"]], LATER)]
    assert [ruling.id for ruling in in_order(given_)] == ["z", "a", "b"]


def test_the_store_tells_rulings_in_that_order() -> None:
    """A time in another zone is the moment it means."""
    early = Ruling("z", [["a"]], datetime.fromisoformat("2026-01-02T00:30:00+02:00"))
    late = Ruling("a", [["a"]], datetime.fromisoformat("2026-01-01T23:00:00+00:00"))
    assert [ruling.id for ruling in in_order([late, early])] == ["z", "a"]


def test_rulings_that_hold_together_are_not_unruly() -> None:
    """A must-link inside one part, and one of leads that no cannot-link names."""
    assert unruly([must("m", "ab"), must("n", "xy"), cannot("c", "ab", "z")]) == frozenset()
    assert unruly([]) == frozenset()


def test_a_must_link_across_two_parts_is_unruly() -> None:
    """Both are named, others are not."""
    assert unruly([must("m", "ab"), cannot("c", "a", "b"), must("n", "xy")]) == {"m", "c"}


def test_a_chain_across_is_unruly_with_all_of_its_links() -> None:
    """It takes both links of the chain to cross."""
    assert unruly([must("m", "ax"), must("n", "xb"), cannot("c", "a", "b")]) == {"m", "n", "c"}


def test_what_only_hangs_on_a_chain_is_not_unruly() -> None:
    """A must-link with one foot on the chain does not help it across."""
    given_ = [must("m", "ax"), must("n", "xb"), must("o", "bz"), must("p", "xy")]
    assert unruly([*given_, cannot("c", "a", "b")]) == {"m", "n", "c"}


def test_a_contradiction_names_the_members_that_meet() -> None:
    """Of the parts those that the chain joins; a third part has nothing to do with it."""
    met = contradiction({"m": "ab"}, {"c": ["a", "bd", "e"]})
    assert met == (frozenset({"m", "c"}), frozenset({"a", "b"}))


def test_a_merge_takes_out_the_split_that_it_joins_parts_of() -> None:
    """One that it touches in one part alone stays in force."""
    assert lifted(must("new", "ab"), cannot("c", "a", "b"), cannot("d", "ab", "x")) == ["c"]


def test_a_merge_takes_out_a_split_that_it_crosses_with_the_help_of_others() -> None:
    """The older must-link stays; it is the split that cannot hold any more."""
    assert lifted(must("new", "ax"), must("m", "xb"), cannot("c", "a", "b")) == ["c"]


def test_a_merge_takes_out_every_split_in_its_way() -> None:
    """Two older splits, one of three parts."""
    in_force = cannot("c", "a", "b"), cannot("d", "x", "a", "b")
    assert lifted(must("new", "ab"), *in_force) == ["c", "d"]


def test_a_split_takes_out_every_merge_across_its_parts() -> None:
    """Also where one of them alone would be enough to contradict it."""
    in_force = must("m", "ab"), must("n", "abx"), must("o", "xy")
    assert lifted(cannot("new", "a", "b"), *in_force) == ["m", "n"]


def test_a_split_takes_out_a_chain_of_merges_as_a_whole() -> None:
    """Nobody can say which link of it was meant."""
    assert lifted(cannot("new", "a", "b"), must("m", "ax"), must("n", "xb")) == ["m", "n"]


def test_a_split_leaves_what_hangs_on_a_chain() -> None:
    """Merges beside the chain go on holding: the split says nothing of them."""
    in_force = must("m", "ax"), must("n", "xb"), must("o", "bz"), must("p", "xy")
    assert lifted(cannot("new", "a", "b"), *in_force) == ["m", "n"]


def test_a_split_leaves_a_chain_that_a_merge_across_had_closed() -> None:
    """With the one merge across gone, the rest of its chain runs across no more."""
    in_force = must("m", "ab"), must("n", "ax"), must("o", "by")
    assert lifted(cannot("new", "a", "b"), *in_force) == ["m"]


def test_what_led_to_a_merge_across_stays() -> None:
    """The one that joins two parts goes, and with it the way of the other into them."""
    in_force = must("m", "ax"), must("n", "xbc")
    assert lifted(cannot("new", "a", "b", "c"), *in_force) == ["n"]


def test_rulings_of_a_kind_never_contradict() -> None:
    """Merges beside merges, splits beside splits."""
    assert lifted(must("new", "ab"), must("m", "bc")) == []
    assert lifted(cannot("new", "a", "b"), cannot("c", "b", "a"), cannot("d", "a", "b")) == []


def test_a_split_within_what_is_merged_in_part_alone_is_no_contradiction() -> None:
    """A must-link that touches one part, and leads that no part names."""
    assert lifted(cannot("new", "a", "b"), must("m", "axyz"), must("n", "bw")) == []


def test_what_is_lifted_comes_in_the_order_it_was_in_force() -> None:
    """So that a ledger tells it in order."""
    in_force = must("z", "ab"), must("a", "ab"), must("m", "ab")
    assert lifted(cannot("new", "a", "b"), *in_force) == ["z", "a", "m"]


_LEADS = "abcde"


@st.composite
def _a_ruling(draw: st.DrawFn) -> list[list[str]]:
    order = draw(st.permutations(_LEADS))
    ends = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    parts, start = [], 0
    for size in ends:
        parts.append(order[start : start + size])
        start += size
    return [part for part in parts if part]


@settings(max_examples=500)
@given(st.lists(_a_ruling(), min_size=1, max_size=8))
def test_what_remains_in_force_never_contradicts(drawn: list[list[list[str]]]) -> None:
    """Whatever is decided one after the other, the rulings in force hold together."""
    in_force: list[Ruling] = []
    for number, parts in enumerate(drawn):
        new = Ruling(f"r{number}", parts)
        gone = lifted_by(new, in_force)
        in_force = [*(each for each in in_force if each not in gone), new]
        assert _hold_together(in_force)
        assert unruly(in_force) == frozenset()


@settings(max_examples=500)
@given(st.lists(_a_ruling(), min_size=1, max_size=8))
def test_nothing_is_lifted_that_need_not_be(drawn: list[list[list[str]]]) -> None:
    """A merge lifts the splits it crosses; a split the merges across it, and whole chains."""
    in_force: list[Ruling] = []
    for number, parts in enumerate(drawn):
        new = Ruling(f"r{number}", parts)
        gone = lifted_by(new, in_force)
        musts = [each for each in in_force if each.is_must_link]
        if new.is_must_link:
            assert {*gone} == {
                each
                for each in in_force
                if not each.is_must_link and _cross([*musts, new], each.parts)
            }
        else:
            across = {each for each in musts if _cross([each], new.parts)}
            rest = [each for each in musts if each not in across]
            assert across <= {*gone}
            assert {*gone} - across <= _chained(rest, new.parts)
        in_force = [*(each for each in in_force if each not in gone), new]


def _blocks(musts: Iterable[Ruling]) -> list[set[str]]:
    """Join the leads of *musts*, the plain way."""
    blocks: list[set[str]] = []
    for each in musts:
        joined = set(each.parts[0])
        apart = [block for block in blocks if block.isdisjoint(joined)]
        blocks = [*apart, joined.union(*(block for block in blocks if block & joined))]
    return blocks


def _cross(musts: Iterable[Ruling], parts: Sequence[Collection[str]]) -> bool:
    """Tell whether *musts* together join two of *parts*."""
    return any(sum(not block.isdisjoint(part) for part in parts) > 1 for block in _blocks(musts))


def _hold_together(rulings: Sequence[Ruling]) -> bool:
    musts = [each for each in rulings if each.is_must_link]
    return not any(_cross(musts, each.parts) for each in rulings if not each.is_must_link)


def _chained(musts: Sequence[Ruling], parts: Sequence[Collection[str]]) -> set[Ruling]:
    """Return the must-links of every chain across: of sets that cross, and no part of them does."""
    subsets = chain.from_iterable(combinations(musts, n) for n in range(1, len(musts) + 1))
    chains: list[set[Ruling]] = []
    for subset in map(set, subsets):
        if _cross(subset, parts) and not any(each <= subset for each in chains):
            chains.append(subset)
    return set().union(*chains)


@pytest.mark.parametrize("length", [2, 3, 50])
def test_a_chain_of_any_length_is_found(length: int) -> None:
    """Lead 0 to lead *length*, two by two."""
    links = [Ruling(f"m{n}", [[f"l{n}", f"l{n + 1}"]]) for n in range(length)]
    new = Ruling("new", [["l0"], [f"l{length}"]])
    assert lifted_by(new, links) == tuple(links)


def test_twice_the_links_made_by_hand_are_twice_the_work() -> None:
    """Every link that somebody else made is a must-link and a part of one cannot-link.

    Counted are the calls, of this package or of built-in functions.
    """
    calls_of(1)  # the first of a process reads what normalizing needs
    assert calls_of(400) < 2.5 * calls_of(200)


def calls_of(pairs: int) -> int:
    """Return how many calls it takes to group so many pairs that are linked by hand."""
    leads = [Lead(f"l{number}", phone=f"+1202{2_000_000 + number}") for number in range(2 * pairs)]
    parts = [[f"l{number}", f"l{number + pairs}"] for number in range(pairs)]
    rulings = [*(Ruling(f"pin {part[0]}", [part]) for part in parts), Ruling("pins", parts)]
    count = 0

    def on(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(on)
    try:
        found = group(leads, Policy.linked(), rulings=rulings)
    finally:
        sys.setprofile(None)
    assert len(found.groups) == pairs
    return count
