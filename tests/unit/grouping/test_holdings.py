"""What groups hold of one kind: read once, looked at and joined while levels go by."""

from __future__ import annotations

import pytest

from leadfold import Identifier, IdentifierRule, Policy, group
from leadfold.disjoint import DisjointSets
from leadfold.grouping import Columns
from leadfold.grouping.columns import Column
from leadfold.grouping.explaining.nearby import ClosedSets
from leadfold.grouping.holdings import Holdings
from leadfold.model import Ruling

X, Y, Z = "+12125550143", "+12125550144", "+12125550145"


def holdings(*cells: tuple[str, ...]) -> Holdings:
    """Return what groups hold, each of one row."""
    column = Column()
    for row, cell in enumerate(cells):
        column.first.append(cell[0] if cell else None)
        if cell[1:]:
            column.more[row] = cell[1:]
    return Holdings(column, range(len(cells)), len(cells))


def test_a_value_of_several_groups_is_noted_with_each_further_one() -> None:
    """The first holder once, the others each; a value of one group not at all."""
    held = holdings((X,), (Y,), (X, Z), (), (X,))
    assert list(zip(held.values, held.firsts, held.groups, strict=True)) == [
        (X, 0, 2),
        (X, 0, 4),
    ]


def test_a_group_that_is_given_a_value_again_holds_it_once() -> None:
    """Two rows of one group with one value are no two holders."""
    held = Holdings(Column([X, X, Y, X, Y]), [0, 0, 0, 1, 0], 2)
    assert sorted(held.of(0)) == [X, Y]
    assert held.groups == [1]


@pytest.mark.parametrize(
    ("groups", "together"),
    [
        pytest.param([3], set(), id="nothing"),
        pytest.param([0, 3], {X}, id="one"),
        pytest.param([0, 1], {X, Y}, id="two"),
        pytest.param([2, 0], {X, Z}, id="several in a group"),
    ],
)
def test_what_groups_hold_together(groups: list[int], together: set[str]) -> None:
    """Each value once, of groups with none, one or several; whether any differ."""
    held = holdings((X,), (Y,), (X, Z), ())
    assert held.together(groups) == together
    assert held.differ(groups) == (len(together) > 1)
    assert [held.any(group) for group in (0, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("groups", "together"),
    [
        pytest.param([0, 1], {X}, id="the first has it"),
        pytest.param([1, 0], {X}, id="another has it"),
        pytest.param([0, 4], {X}, id="both have it"),
        pytest.param([1, 2], set(), id="nobody has one"),
        pytest.param([0, 3], {X, Y, Z}, id="they differ"),
        pytest.param([3, 1], {Y, Z}, id="several in the first"),
        pytest.param([1, 3], {Y, Z}, id="several in another"),
    ],
)
def test_the_first_of_joined_groups_holds_what_all_of_them_held(
    groups: list[int], together: set[str]
) -> None:
    """What the others hold afterwards nobody asks."""
    held = holdings((X,), (), (), (Y, Z), (X,))
    held.join(groups)
    assert set(held.of(groups[0])) == together


def test_a_value_is_held_often_by_more_groups_than_that() -> None:
    """All its holders are named; a value with as many is none."""
    held = holdings((X,), (X,), (X, Y), (Y,))
    assert held.held_often(2) == {X: [0, 1, 2]}
    often = {value: sorted(groups) for value, groups in held.held_often(1).items()}
    assert often == {X: [0, 1, 2], Y: [2, 3]}
    assert held.held_often(3) == {}


def test_holders_can_be_forgotten() -> None:
    """What the groups hold stays."""
    held = holdings((X,), (X,))
    held.forget_holders()
    assert (held.values, held.firsts, held.groups) == ([], [], [])
    assert set(held.of(1)) == {X}


def test_joined_members_have_the_smallest_for_a_name() -> None:
    """In whichever order they come; a member joined with itself stays."""
    sets = DisjointSets(5)
    sets.join(3, 1)
    sets.join(1, 4)
    sets.join(2, 2)
    assert [sets.find(member) for member in range(5)] == [0, 1, 2, 1, 1]


def test_a_closed_set_is_what_values_and_rulings_connect() -> None:
    """Whatever a ruling names, and all that hangs on it; the others are left out."""
    ids = ["a", "b", "c", "d", "e", "f"]
    columns = Columns(("phone",), Column([*ids]), [Column([X, X, Y, Z, Y, None])])
    in_force = [Ruling("r1", [["d"], ["b", "gone"]])]
    sets = ClosedSets(columns, in_force, {lead: row for row, lead in enumerate(ids)})
    assert sets.around(Ruling("r2", [["a", "f"]])) == [0, 1, 3, 5]
    assert sets.around(Ruling("r3", [["e"], ["nobody"]])) == [2, 4]


def test_a_generic_value_is_stopped_for_that_alone() -> None:
    """Where it is shared within a block that another value makes contested, too."""
    policy = Policy.linked(identifiers=["psid", IdentifierRule("phone", generic_after=2)])
    office, home = "212 555 0100", "212 555 0143"
    leads = [
        {"id": "a", "psid": "24000000000000001", "phone": (home, office)},
        {"id": "b", "psid": "24000000000000002", "phone": (home, office)},
        {"id": "c", "psid": "24000000000000003", "phone": office},
        {"id": "d", "phone": home},
    ]
    reasons = {stop.identifier: stop.reasons for stop in group(leads, policy).stops}
    assert reasons == {
        Identifier("phone", "+12125550100"): ("generic",),
        Identifier("phone", "+12125550143"): ("contested",),
    }
