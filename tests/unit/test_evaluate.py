"""Pairwise and B-cubed figures: worked examples from the literature, and a slow brute force."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.evaluate import (
    Evaluation,
    Score,
    UnevenLeadsError,
    evaluate,
    labels_of,
)
from leadfold.exceptions import DuplicateLeadError, LeadfoldError
from leadfold.model import Group

if TYPE_CHECKING:
    from random import Random

Labels = dict[str, int]


def labels(*groups: str) -> Labels:
    """Label each letter with the number of the text it stands in."""
    return {letter: number for number, group in enumerate(groups) for letter in group}


@st.composite
def two_groupings(draw: st.DrawFn) -> tuple[Labels, Labels]:
    """Draw two groupings of the same leads, small enough to enumerate their pairs."""
    ids = draw(st.lists(st.text(max_size=3), unique=True, max_size=12))
    label = st.integers(0, 4)
    return {i: draw(label) for i in ids}, {i: draw(label) for i in ids}


def together(grouping: Labels) -> set[tuple[str, str]]:
    """Return every pair of leads that *grouping* puts together, the slow way."""
    return {(a, b) for a, b in combinations(sorted(grouping), 2) if grouping[a] == grouping[b]}


def mean_share(of: Labels, within: Labels) -> float:
    """Average, over the leads, the share of a lead's set in *within* that is with it in *of*."""
    shares = []
    for lead in within:
        mates = [other for other in within if within[other] == within[lead]]
        shares.append(sum(of[mate] == of[lead] for mate in mates) / len(mates))
    return sum(shares) / len(shares) if shares else 1.0


class TestWorkedExamples:
    """Figures that others published."""

    TRUTH = labels("12345", "67", "89ABC")

    @pytest.mark.parametrize(
        ("response", "precision"),
        [
            pytest.param(labels("12345", "6789ABC"), 16 / 21, id="small error, 76.2 %"),
            pytest.param(labels("1234589ABC", "67"), 7 / 12, id="large error, 58.3 %"),
        ],
    )
    def test_bagga_and_baldwin_1998(self, response: Labels, precision: float) -> None:
        """B-cubed punishes the join of two large sets more than that of a small one."""
        score = evaluate(response, self.TRUTH).b_cubed

        assert score.precision == pytest.approx(precision)
        assert score.recall == 1.0

    def test_manning_2008_section_16_3(self) -> None:
        """Three clusters of 17 documents: 20 pairs right of 40 predicted and 44 true."""
        clusters = ["xxxxxo", "xoooov", "xxvvv"]
        documents = [(n, kind) for n, cluster in enumerate(clusters) for kind in cluster]

        found = evaluate(
            {str(i): n for i, (n, _) in enumerate(documents)},
            {str(i): kind for i, (_, kind) in enumerate(documents)},
        )

        assert (found.shared_pairs, found.predicted_pairs, found.true_pairs) == (20, 40, 44)
        assert found.pairwise == Score(precision=20 / 40, recall=20 / 44)
        assert found.pairwise.f1 == pytest.approx(10 / 21)


class TestAgainstBruteForce:
    """Counting gives what enumerating gives."""

    @given(two_groupings())
    def test_pairs_are_those_one_would_enumerate(self, both: tuple[Labels, Labels]) -> None:
        """The three counts of pairs equal the sizes of the enumerated sets."""
        predicted, truth = together(both[0]), together(both[1])

        found = evaluate(*both)

        assert found.predicted_pairs == len(predicted)
        assert found.true_pairs == len(truth)
        assert found.shared_pairs == len(predicted & truth)

    @given(two_groupings())
    def test_b_cubed_is_the_average_over_the_leads(self, both: tuple[Labels, Labels]) -> None:
        """Precision and recall equal the definition, lead by lead."""
        score = evaluate(*both).b_cubed

        assert score.precision == pytest.approx(mean_share(of=both[1], within=both[0]))
        assert score.recall == pytest.approx(mean_share(of=both[0], within=both[1]))

    @given(two_groupings())
    def test_the_sides_swapped_swap_precision_and_recall(self, both: tuple[Labels, Labels]) -> None:
        """What is precision one way round is recall the other."""
        forth, back = evaluate(*both), evaluate(*reversed(both))

        assert (forth.b_cubed.precision, forth.b_cubed.recall) == (
            back.b_cubed.recall,
            back.b_cubed.precision,
        )
        assert forth.pairwise.f1 == pytest.approx(back.pairwise.f1)

    @given(two_groupings(), st.randoms())
    def test_order_and_names_of_labels_do_not_matter(
        self, both: tuple[Labels, Labels], random: Random
    ) -> None:
        """Shuffled leads under other labels give the same figures to the last digit."""
        predicted, truth = both
        shuffled = random.sample(sorted(predicted), len(predicted))

        assert evaluate(predicted, truth) == evaluate(
            {lead: f"group {predicted[lead]}" for lead in shuffled}, truth
        )


class TestEdges:
    """What is empty is perfect, and what cannot be compared is refused."""

    def test_no_leads_are_grouped_perfectly(self) -> None:
        """Without leads every figure is 1.0."""
        found = evaluate({}, {})

        assert (found.pairwise, found.b_cubed) == (Score(1.0, 1.0), Score(1.0, 1.0))

    def test_no_predicted_pair_is_no_false_pair(self) -> None:
        """Leads left alone have precision 1.0, and miss every true pair."""
        found = evaluate(labels("a", "b"), labels("ab"))

        assert found.pairwise == Score(precision=1.0, recall=0.0)
        assert found.pairwise.f1 == 0.0

    def test_no_true_pair_is_no_missed_pair(self) -> None:
        """Where all are strangers, recall is 1.0 and every predicted pair is false."""
        assert evaluate(labels("ab"), labels("a", "b")).pairwise == Score(0.0, 1.0)

    def test_f1_of_nothing_right_is_zero(self) -> None:
        """Precision 0 with recall 0 divides by nothing."""
        assert evaluate(labels("ab", "cd"), labels("ac", "bd")).pairwise.f1 == 0.0

    def test_leads_on_one_side_only_are_counted_and_named(self) -> None:
        """The error says how many leads each side has alone, names some and carries all."""
        with pytest.raises(UnevenLeadsError, match=r"4 \(a, b, c, …\) in the prediction") as caught:
            evaluate(labels("abcdx"), labels("xy"))

        assert caught.value.only_predicted == ("a", "b", "c", "d")
        assert caught.value.only_true == ("y",)
        assert isinstance(caught.value, (LeadfoldError, ValueError))

    def test_a_side_that_lacks_nothing_counts_zero(self) -> None:
        """The message says 0 where a side has no lead of its own."""
        with pytest.raises(UnevenLeadsError, match="0 in the truth alone"):
            evaluate(labels("ab"), labels("a"))

    def test_prints_counts_and_figures(self) -> None:
        """An evaluation reads as three lines."""
        found = Evaluation(3, 1, 2, 3, 1, 1, b_cubed=Score(5 / 9, 1.0))

        assert str(found) == (
            "3 leads, 1 groups, 2 people\n"
            "pairwise  precision 0.333  recall 1.000  F1 0.500"
            "  (1 pairs right of 3 predicted and 1 true)\n"
            "B-cubed   precision 0.556  recall 1.000  F1 0.714"
        )


@attrs.frozen
class AnyGroup:
    """A group that is none of leadfold's own."""

    lead_ids: list[str]


class TestLabelsOf:
    """Groups become labels."""

    def test_every_lead_gets_the_number_of_its_group(self) -> None:
        """Groups of any make are numbered in the order given."""
        groups = (Group("psid:1", "psid", ("a", "b")), AnyGroup(["c"]))

        assert labels_of(groups) == {"a": 0, "b": 0, "c": 1}

    @pytest.mark.parametrize("groups", [[["a"], ["b", "a"]], [["a", "b", "a"]]])
    def test_a_lead_named_twice_is_an_error_that_names_it(self, groups: list[list[str]]) -> None:
        """Groups that share a lead are no grouping."""
        with pytest.raises(DuplicateLeadError, match="share an id: a:"):
            labels_of(AnyGroup(ids) for ids in groups)
