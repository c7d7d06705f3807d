"""Rule 3 on groups that are numbers: who stays joined under the guards, and what was divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.disjoint import DisjointSets
from leadfold.grouping.settling import Guard, connected, held_apart, settle

if TYPE_CHECKING:
    from random import Random

Held = dict[int, set[str]]
HELD = st.dictionaries(st.integers(0, 6), st.sets(st.sampled_from("xyz"), min_size=1))


def unique(held: dict[int, str]) -> Guard:
    """Return a unique guard; each letter is a value."""
    return Guard(1, "contested", {group: {*values} for group, values in held.items()})


def settled(values: Held, *guards: Guard, block: list[int] | None = None) -> list[list[int]]:
    """Return what is joined of *block*, by default all groups that hold a value."""
    joined, _ = settle(sorted(values) if block is None else block, values, guards)
    return sorted(joined)


class TestGuard:
    """When a set of groups exceeds a guard."""

    @pytest.mark.parametrize(
        ("limit", "held", "exceeded"),
        [
            pytest.param(1, {0: "a", 1: "b"}, True, id="two values of a unique kind"),
            pytest.param(1, {0: "a", 1: "a"}, False, id="one value twice"),
            pytest.param(1, {0: "a"}, False, id="a value and none"),
            pytest.param(1, {}, False, id="nothing held"),
            pytest.param(2, {0: "a", 1: "b"}, False, id="as many as the limit"),
            pytest.param(2, {0: "ab", 1: "c"}, True, id="more than the limit"),
            pytest.param(1, {0: "ab", 1: "b"}, False, id="no more than one held already"),
            pytest.param(1, {0: "ab", 1: "c"}, True, id="more than one held already"),
            pytest.param(1, {2: "a", 3: "b"}, False, id="held by others only"),
        ],
    )
    def test_it_is_exceeded_by_more_than_limit_and_than_any_one(
        self, limit: int, held: dict[int, str], *, exceeded: bool
    ) -> None:
        """Together more values than the limit, and more than one of them brings alone."""
        guard = Guard(limit, "limit", {group: {*values} for group, values in held.items()})
        assert guard.exceeded_by([0, 1]) is exceeded


class TestSettle:
    """What a level joins of a connected block."""

    def test_without_guards_a_block_stays_whole(self) -> None:
        """Nothing is divided, so nothing is told."""
        assert settle([2, 0, 1], {}, []) == ([[0, 1, 2]], [])

    def test_a_guard_that_is_not_exceeded_divides_nothing(self) -> None:
        """A free group follows its only owner."""
        joined, divisions = settle([0, 1], {0: {"x"}, 1: {"x"}}, [unique({0: "a"})])
        assert joined == [[0, 1]]
        assert divisions == []

    def test_a_free_group_between_two_owners_is_contested(self) -> None:
        """It stays by itself."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}}
        assert settled(values, unique({0: "a", 1: "b"})) == [[0], [1], [2]]

    def test_a_free_group_follows_the_owner_of_its_value(self) -> None:
        """The value that both anchors hold is another one."""
        values = {0: {"x", "z"}, 1: {"y", "z"}, 2: {"x"}, 3: {"y"}}
        assert settled(values, unique({0: "a", 1: "b"})) == [[0, 2], [1, 3]]

    def test_anchors_of_one_owner_stay_joined(self) -> None:
        """As far as values of the level connect them."""
        values = {0: {"x"}, 1: {"x", "y"}, 2: {"y"}}
        assert settled(values, unique({0: "a", 1: "a", 2: "b"})) == [[0, 1], [2]]

    def test_anchors_of_one_owner_that_nothing_connects_part(self) -> None:
        """Here only the other owner's anchor lay between them."""
        values = {0: {"x"}, 1: {"x", "y"}, 2: {"y"}}
        assert settled(values, unique({0: "a", 1: "b", 2: "a"})) == [[0], [1], [2]]

    def test_followers_connect_the_anchors_of_their_owner(self) -> None:
        """A value of theirs is no less a value of the level."""
        values = {0: {"x"}, 1: {"x", "y"}, 2: {"y", "z"}, 3: {"z"}}
        assert settled(values, unique({0: "a", 2: "a", 3: "b"})) == [[0, 1, 2], [3]]

    def test_an_owner_is_the_whole_set_a_group_holds(self) -> None:
        """Two values and one of them are two owners."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}}
        assert settled(values, unique({0: "ab", 1: "a", 2: "c"})) == [[0], [1], [2]]
        assert settled(values, unique({0: "ab", 1: "ab", 2: "c"})) == [[0, 1], [2]]

    def test_free_groups_cluster_by_values_without_an_owner(self) -> None:
        """The cluster is claimed by both and stays a cluster."""
        values = {0: {"x"}, 1: {"x", "z"}, 2: {"z", "y"}, 3: {"y"}}
        assert settled(values, unique({0: "a", 3: "b"})) == [[0], [1, 2], [3]]

    def test_free_groups_cluster_by_values_with_several_owners(self) -> None:
        """What is contested between owners still holds its free holders together."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}, 3: {"x"}}
        assert settled(values, unique({0: "a", 1: "b"})) == [[0], [1], [2, 3]]

    def test_an_owned_value_does_not_cluster(self) -> None:
        """Two followers of two owners share it, yet each goes its own way."""
        values = {0: {"x"}, 1: {"y", "w"}, 2: {"x", "w"}, 3: {"y"}}
        assert settled(values, unique({0: "a", 1: "b"})) == [[0], [1, 3], [2]]

    def test_a_cluster_with_one_claim_follows_it_whole(self) -> None:
        """Also the member that holds no value of the owner."""
        values = {0: {"x", "y"}, 1: {"x", "z"}, 2: {"z"}, 3: {"y"}}
        assert settled(values, unique({0: "a", 3: "b"})) == [[0, 1, 2], [3]]

    def test_guards_are_applied_one_after_the_other(self) -> None:
        """The second looks at the pieces that the first left, and only at what is inside."""
        values = {0: {"x"}, 1: {"x", "y"}, 2: {"y"}, 3: {"x"}}
        first, second = unique({0: "a", 2: "b"}), unique({1: "p", 2: "q"})
        assert settled(values, first) == [[0, 3], [1], [2]]
        assert settled(values, first, second) == [[0, 3], [1], [2]]
        assert settled(values, second) == [[0, 1, 3], [2]]

    def test_a_limit_that_a_piece_exceeds_undoes_it(self) -> None:
        """Its groups stay as they were when the level began."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}}
        two = Guard(2, "limit", {0: {"a"}, 1: {"b"}, 2: {"c"}})
        joined, divisions = settle([0, 1, 2], values, [two])
        assert joined == [[0], [1], [2]]
        assert divisions == [([[0], [1], [2]], "limit")]

    def test_only_the_piece_that_exceeds_is_undone(self) -> None:
        """Its neighbours stay joined."""
        values = {0: {"x"}, 1: {"x", "z"}, 2: {"z", "y"}, 3: {"y"}}
        two = Guard(2, "limit", {2: {"c", "d"}, 3: {"e"}})
        assert settled(values, unique({0: "a", 1: "a", 3: "b", 2: "b"})) == [[0, 1], [2, 3]]
        assert settled(values, unique({0: "a", 1: "a", 3: "b", 2: "b"}), two) == [[0, 1], [2], [3]]

    def test_a_division_says_the_strongest_guard_that_a_piece_breaks(self) -> None:
        """Of several that it exceeds, the first in order."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}}
        held = {0: {"a"}, 1: {"b"}, 2: {"c"}}
        _, divisions = settle([0, 1, 2], values, [Guard(2, "first", held), Guard(2, "then", held)])
        assert [reason for _, reason in divisions] == ["first"]

    def test_a_unique_guard_may_still_be_exceeded_afterwards(self) -> None:
        """A later unique guard can leave a piece that breaks an earlier one: it is undone."""
        values = {0: {"x"}, 1: {"x"}, 2: {"x"}}
        held: dict[int, str] = {0: "a", 1: "b", 2: "c"}
        guard = unique(held)
        joined, divisions = settle([0, 1, 2], values, [guard, unique({})])
        assert joined == [[0], [1], [2]]
        assert [reason for parts, reason in divisions if len(parts) > 1] == ["contested"]


class TestConnected:
    """Which groups shared values connect."""

    def test_groups_are_connected_through_others(self) -> None:
        """In ascending order, each set and the sets."""
        values = {5: {"x"}, 3: {"x", "y"}, 1: {"y"}, 2: {"z"}}
        assert connected([5, 3, 2, 1], values) == [[1, 3, 5], [2]]

    def test_a_group_without_values_is_by_itself(self) -> None:
        """It is not lost."""
        assert connected([1, 0], {}) == [[0], [1]]

    def test_values_of_groups_left_out_connect_nothing(self) -> None:
        """Only what is inside counts."""
        assert connected([0, 2], {0: {"x"}, 1: {"x", "y"}, 2: {"y"}}) == [[0], [2]]

    def test_a_long_chain_needs_no_recursion(self) -> None:
        """Five thousand groups in a row."""
        values = {n: {n, n + 1} for n in range(5000)}
        assert connected(range(5000), values) == [[*range(5000)]]

    def test_a_group_after_one_that_was_reached_is_still_looked_at(self) -> None:
        """Sets come in order of their first group; of no groups there is none."""
        assert connected([0, 1, 2], {0: {"x"}, 1: {"x"}, 2: {"y"}}) == [[0, 1], [2]]
        assert connected([], {}) == []


class TestHeldApart:
    """Which values groups of more than one part hold."""

    @pytest.mark.parametrize(
        ("parts", "apart"),
        [
            pytest.param([[0, 1], [2]], {"y"}, id="in two parts"),
            pytest.param([[0, 1, 2]], set(), id="in one part"),
            pytest.param([[0], [1], [2]], {"x", "y"}, id="each by itself"),
            pytest.param([], set(), id="no parts"),
        ],
    )
    def test_values_across_parts_are_held_apart(
        self, parts: list[list[int]], apart: set[str]
    ) -> None:
        """Twice in one part is not apart."""
        assert set(held_apart(parts, {0: {"x"}, 1: {"x", "y"}, 2: {"y"}})) == apart

    def test_a_group_that_holds_nothing_is_passed_over(self) -> None:
        """It keeps no value from joining."""
        assert set(held_apart([[0], [1]], {0: {"x"}})) == set()

    def test_a_value_of_one_part_is_not_held_apart(self) -> None:
        """Whatever other values the parts have; the groups are those of all parts."""
        assert held_apart([[0], [1]], {0: {"x", "y"}, 1: {"x", "z"}}) == {"x": [0, 1]}


class TestDisjointSets:
    """Which numbers belong together."""

    def test_a_set_is_named_by_its_smallest_member(self) -> None:
        """In whatever order its members come."""
        sets = DisjointSets(6)
        sets.union([5, 3])
        sets.union([4, 5, 1])
        assert [sets.find(n) for n in range(6)] == [0, 1, 2, 1, 1, 1]

    def test_no_members_are_no_set(self) -> None:
        """And one alone joins nothing."""
        sets = DisjointSets(2)
        sets.union([])
        sets.union([1])
        assert [sets.find(n) for n in range(2)] == [0, 1]


@given(HELD, HELD, HELD, st.randoms(use_true_random=False))
def test_the_order_of_the_block_does_not_matter(
    values: Held, strong: Held, weak: Held, random: Random
) -> None:
    """The same parts, and the same values held apart."""
    guards = [Guard(1, "contested", strong), Guard(2, "limit", weak)]
    shuffled = random.sample(range(7), 7)
    joined, divisions = settle(range(7), values, guards)
    again, others = settle(shuffled, values, guards)
    assert sorted(again) == sorted(joined)
    assert [reason for _, reason in others] == [reason for _, reason in divisions]


@given(HELD, HELD, HELD)
def test_no_group_is_lost_and_no_guard_is_exceeded(values: Held, strong: Held, weak: Held) -> None:
    """The pieces are a partition of the block, each within every guard."""
    guards = [Guard(1, "contested", strong), Guard(2, "limit", weak)]
    joined, _ = settle(range(7), values, guards)
    assert sorted(group for piece in joined for group in piece) == [*range(7)]
    assert not any(guard.exceeded_by(piece) for piece in joined for guard in guards)


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=8))
def test_unions_are_an_equivalence(unions: list[list[int]]) -> None:
    """As a slow merging of sets has it."""
    sets, slow = DisjointSets(10), [{n} for n in range(10)]
    for members in unions:
        sets.union(members)
        touched = [each for each in slow if each & {*members}]
        slow = [each for each in slow if each not in touched]
        slow += [set().union(*touched)] if touched else []
    assert [sets.find(n) for n in range(10)] == [
        next(min(each) for each in slow if n in each) for n in range(10)
    ]
