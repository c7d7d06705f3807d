"""Two groupings held against each other: worked examples, and what cannot be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold import Group, Lead, Policy, group
from leadfold.compare import Comparison, compare
from leadfold.evaluate import UnevenLeadsError, evaluate, labels_of

if TYPE_CHECKING:
    from leadfold.compare import Parted, Regrouping

LEADS = [
    Lead("a1", psid="1001", phone="212 555 0143"),
    Lead("a2", psid="1001", email="ann@mailbox.org"),
    Lead("b1", phone="212 555 0143"),
    Lead("c1", email="cy@mailbox.org"),
    Lead("c2", email="cy@mailbox.org", phone="212 555 0188"),
]


def _ids(regrouping: Regrouping) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    return (
        [group.lead_ids for group in regrouping.before],
        [group.lead_ids for group in regrouping.after],
    )


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param("ab", "ab", "same", id="same"),
        pytest.param("ab", "a b", "split", id="split"),
        pytest.param("a b", "ab", "merged", id="merged"),
        pytest.param("ab c", "a bc", "moved", id="moved"),
        pytest.param("ab c d", "a bcd", "moved", id="one of several moved"),
    ],
)
def test_what_became_of_groups(before: str, after: str, kind: str) -> None:
    """Groups that share leads are one regrouping, named by how many became how many."""
    sides = [
        {lead: number for number, part in enumerate(side.split()) for lead in part}
        for side in (before, after)
    ]
    found = compare(*sides)

    assert found.counts == {"same": 0, "split": 0, "merged": 0, "moved": 0} | {kind: 1}
    for regrouping in found.regroupings:
        assert _ids(regrouping) == tuple(
            [tuple(part) for part in side.split()] for side in (before, after)
        )


class TestReasons:
    """What the sides can say of two leads that one of them has together."""

    def test_a_merge_names_what_joins_now_and_what_had_stopped_it(self) -> None:
        """`keyed` against `linked`: the stop of the one, the tie of the other."""
        found = compare(group(LEADS, Policy.keyed()), group(LEADS, Policy.linked()))
        merged, _ = found.regroupings

        (witness,) = found.reasons(merged)
        assert (witness.side, witness.lead_id, witness.other_id) == ("after", "a1", "b1")
        assert str(witness) == (
            "after: a1 and b1 share phone:+1…43; before: phone:+1…43 did not join: "
            "they have stronger keys, or keys of their own"
        )

    def test_a_split_names_the_tie_that_is_gone(self) -> None:
        """The other way round it is the same pair."""
        found = compare(group(LEADS, Policy.linked()), group(LEADS, Policy.keyed()))
        split, _ = found.regroupings

        (witness,) = found.reasons(split)
        assert (witness.side, split.kind) == ("before", "split")
        assert witness.tie is not None
        assert [stop.reasons for stop in witness.stops] == [("weaker",)]

    def test_each_part_but_one_has_its_pair(self) -> None:
        """Three parts are shown to have been one by two ties, whatever else tied them."""
        leads = [Lead(name, phone="212 555 0143", email="a@mailbox.org") for name in "abcd"]
        apart = {"a": 1, "b": 2, "c": 2, "d": 3}
        found = compare(group(leads), apart)

        (torn,) = found.parted
        assert torn.parts == (("a",), ("b", "c"), ("d",))
        assert len(found.reasons(torn)) == 2

    def test_labels_say_nothing(self) -> None:
        """Where neither side is a resolution the pair alone is told."""
        found = compare({"a": 1, "b": 1}, {"a": 1, "b": 2})

        assert [str(each) for each in found.reasons(found.regroupings[0])] == [
            "before: a and b are together"
        ]


class TestAnotherToolsClusters:
    """A mapping of lead ids to labels, as two columns of its output make it."""

    def test_labels_of_any_type_will_do(self) -> None:
        """Numbers, texts, tuples: they are only compared with each other."""
        ours = group(LEADS, Policy.keyed())
        labels = {"a1": 0, "a2": 0, "b1": "b", "c1": ("c", 1), "c2": ("c", 2)}

        assert compare(ours, labels).counts == compare(ours, labels_of(ours.groups)).counts

    @pytest.mark.parametrize("missing", [None, float("nan")])
    def test_a_lead_without_a_label_is_by_itself(self, missing: object) -> None:
        """Tools leave out what matched nothing: two such leads are not one cluster."""
        found = compare({"a": missing, "b": missing}, {"a": 1, "b": 2})

        assert found.counts["same"] == 2

    def test_ids_of_other_types_become_text_as_those_of_leads_do(self) -> None:
        """A column of whole numbers fits leads whose ids are whole numbers."""
        found = compare(group([Lead(1), Lead(2)]), {1: "x", 2: "y"})  # type: ignore[dict-item]

        assert found.counts["same"] == 2

    def test_other_leads_cannot_be_compared(self) -> None:
        """The error names them."""
        with pytest.raises(UnevenLeadsError, match=r"1 \(b\) in the first alone"):
            compare({"a": 1, "b": 1}, {"a": 1})


@attrs.frozen
class _Found:
    """What another program may hold its groups in."""

    groups: tuple[Group, ...]


def test_anything_that_has_groups_can_be_a_side() -> None:
    """In whatever order its groups and their leads come."""
    others = _Found((Group("2", "x", ("c2", "c1")), Group("1", "x", ("b1", "a2", "a1"))))
    found = compare(group(LEADS, Policy.linked()), others)

    assert found.counts["same"] == 2
    assert not found.regroupings


def test_the_worst_mistakes_come_first() -> None:
    """Against the truth, `parted` is wrongly together and `joined` wrongly apart, by pairs."""
    found = compare(
        {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": 3},
        {"a": "x", "b": "y", "c": "z", "d": "u", "e": "v", "f": "v"},
    )

    assert [(each.group.lead_ids, each.pairs) for each in found.parted] == [
        (("a", "b", "c"), 3),
        (("d", "e"), 1),
    ]
    assert [(each.group.lead_ids, each.pairs) for each in found.joined] == [(("e", "f"), 1)]


def test_it_says_briefly_what_it_is() -> None:
    """In a console too."""
    found = compare({"a": 1, "b": 1}, {"a": 1, "b": 2})

    assert repr(found) == "<Comparison over 2 leads: same: 0, split: 1, merged: 0, moved: 0>"
    assert isinstance(found, Comparison)


def test_nothing_differs_from_itself() -> None:
    """And its page says so."""
    ours = group(LEADS, Policy.linked())
    found = compare(ours, ours)

    assert found.same == tuple(ours.groups)
    assert not found.regroupings
    assert "Nothing differs" in found.to_html()


def test_parted_counts_the_pairs_that_evaluate_counts() -> None:
    """The two say the same of one grouping and its truth."""
    truth = {"a1": 1, "a2": 2, "b1": 2, "c1": 3, "c2": 3}
    ours = group(LEADS, Policy.linked())
    figures = evaluate(labels_of(ours.groups), truth)
    found = compare(ours, truth)

    assert _pairs(found.parted) == figures.predicted_pairs - figures.shared_pairs > 0
    assert _pairs(found.joined) == figures.true_pairs - figures.shared_pairs


def _pairs(torn: tuple[Parted, ...]) -> int:
    return sum(each.pairs for each in torn)
