"""The rows of each group: all of them, in order, without a list for each group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadfold.grouping.partition import Members, numbered


def test_a_group_has_its_rows_in_ascending_order() -> None:
    """Those of one row and those of several alike."""
    members = Members([0, 1, 0, 2, 0], 3)
    assert [members[number] for number in range(len(members))] == [[0, 2, 4], [1], [3]]


@given(st.lists(st.integers(0, 5)))
def test_walking_the_groups_gives_what_asking_for_each_gives(names: list[int]) -> None:
    """And every row is in exactly one of them."""
    labels, size = numbered(names)
    members = Members(labels, size)
    assert [*members] == [members[number] for number in range(size)]
    assert sorted(row for rows in members for row in rows) == [*range(len(names))]


@given(st.lists(st.integers(0, 5)))
def test_a_list_is_the_callers_own(names: list[int]) -> None:
    """Changing it changes no group."""
    labels, size = numbered(names)
    members = Members(labels, size)
    for rows in members:
        rows.append(-1)
    assert all(-1 not in members[number] for number in range(size))
