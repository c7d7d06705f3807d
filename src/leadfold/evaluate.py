"""How well a grouping agrees with the truth: pairwise and B-cubed figures, from counts alone.

No pair is ever enumerated: a group and a person with *n* leads in common share n·(n-1)/2 pairs.
"""

from __future__ import annotations

from collections import Counter
from math import comb, fsum
from typing import TYPE_CHECKING, Protocol

import attrs

from leadfold.exceptions import DuplicateLeadError, LeadfoldError
from leadfold.sheets import Figures, Sheet, Shown, Table

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from leadfold.sheets import Names

__all__ = [
    "Evaluation",
    "Score",
    "UnevenLeadsError",
    "evaluate",
    "labels_of",
]

_SHOWN = 3


class UnevenLeadsError(LeadfoldError, ValueError):
    """Two groupings name different leads; the ids that one side alone has are attached.

    *sides* are what the message calls them.
    """

    def __init__(
        self,
        only_predicted: Iterable[str],
        only_true: Iterable[str],
        sides: tuple[str, str] = ("prediction", "truth"),
    ) -> None:
        self.only_predicted = tuple(sorted(only_predicted))
        self.only_true = tuple(sorted(only_true))
        one, other = sides
        super().__init__(
            f"{one} and {other} differ in their leads: {_counted(self.only_predicted)} in the "
            f"{one} alone, {_counted(self.only_true)} in the {other} alone: compare equal sets"
        )


def _counted(ids: Sequence[str]) -> str:
    """Return how many *ids* there are, with the first few as examples."""
    if not ids:
        return "0"
    more = ", …" if len(ids) > _SHOWN else ""
    return f"{len(ids)} ({', '.join(ids[:_SHOWN])}{more})"


@attrs.frozen
class Score:
    """Precision and recall, each between 0 and 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean of the two; 0.0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def __str__(self) -> str:
        return f"precision {self.precision:.3f}  recall {self.recall:.3f}  F1 {self.f1:.3f}"


@attrs.frozen
class Evaluation(Shown):
    """A grouping held against the truth: the figures of `evaluate` and the counts behind them.

    *predicted_pairs* lie in one group, *true_pairs* in one person, *shared_pairs* in both.
    """

    leads: int
    groups: int
    people: int
    predicted_pairs: int
    true_pairs: int
    shared_pairs: int
    b_cubed: Score

    @property
    def pairwise(self) -> Score:
        """Return the share of predicted pairs that are true, and of true pairs predicted."""
        return Score(
            precision=_share(self.shared_pairs, self.predicted_pairs),
            recall=_share(self.shared_pairs, self.true_pairs),
        )

    def __str__(self) -> str:
        return (
            f"{self.leads} leads, {self.groups} groups, {self.people} people\n"
            f"pairwise  {self.pairwise}  ({self.shared_pairs} pairs right of "
            f"{self.predicted_pairs} predicted and {self.true_pairs} true)\n"
            f"B-cubed   {self.b_cubed}"
        )

    def sheet(self, names: Names) -> Sheet:
        """Return the figures, and precision, recall and F1 of pairs and of leads."""
        del names  # nothing here names anybody
        figures = (
            ("leads", self.leads),
            ("groups", self.groups),
            ("people", self.people),
            ("pairs wrongly together", self.predicted_pairs - self.shared_pairs),
            ("pairs wrongly apart", self.true_pairs - self.shared_pairs),
        )
        scores = (("pairs of leads", self.pairwise), ("leads (B-cubed)", self.b_cubed))
        rows = tuple(
            (name, f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}")
            for name, score in scores
        )
        measured = Table("Agreement", ("of", "precision", "recall", "F1"), rows, len(rows))
        return Sheet("Evaluation", "the groups against the truth", (Figures(figures), measured))


class _HasLeadIds(Protocol):
    """Anything that names its leads, such as `leadfold.Group`."""

    @property
    def lead_ids(self) -> Iterable[str]: ...


def evaluate(predicted: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Evaluation:
    """Hold *predicted* against *truth*; both map every lead id to the label of its group.

    Labels are only compared within a side, so any will do: group keys, numbers, person ids.

    - **Pairwise**: of the pairs of leads put in one group, how many are one person (precision);
      of the pairs that are one person, how many are in one group (recall). The usual measure of
      record linkage; Manning, Raghavan and Schütze, *Introduction to Information Retrieval*
      (2008), section 16.3. Large groups weigh most: *n* leads make n·(n-1)/2 pairs.
    - **B-cubed**: for each lead, the share of its group that is its person (precision), and the
      share of its person that is in its group (recall), averaged over the leads. Bagga and
      Baldwin, *Algorithms for Scoring Coreference Chains* (1998). Every lead weighs the same.

    What is empty is perfect: without predicted pairs pairwise precision is 1.0, without true
    pairs recall is 1.0, and without leads all four figures are 1.0.

    >>> evaluate({"a": 1, "b": 1, "c": 1}, {"a": "ann", "b": "ann", "c": "cy"}).pairwise
    Score(precision=0.3333333333333333, recall=1.0)

    Raises:
        UnevenLeadsError: the two do not name the same leads.
    """
    if predicted.keys() != truth.keys():
        raise UnevenLeadsError(predicted.keys() - truth.keys(), truth.keys() - predicted.keys())
    groups, people = Counter(predicted.values()), Counter(truth.values())
    overlaps = Counter((label, truth[lead]) for lead, label in predicted.items())
    return Evaluation(
        leads=len(truth),
        groups=len(groups),
        people=len(people),
        predicted_pairs=_pairs(groups.values()),
        true_pairs=_pairs(people.values()),
        shared_pairs=_pairs(overlaps.values()),
        b_cubed=_b_cubed(overlaps, groups, people),
    )


def labels_of(groups: Iterable[_HasLeadIds]) -> dict[str, int]:
    """Number *groups* and return the number of each lead's group, ready for `evaluate`.

    >>> from leadfold.model import Group
    >>> labels_of([Group("psid:1", "psid", ("a", "b")), Group("phone:+1", "phone", ("c",))])
    {'a': 0, 'b': 0, 'c': 1}

    Raises:
        DuplicateLeadError: a lead is in several groups, or several times in one.
    """
    labelled = [(lead, number) for number, group in enumerate(groups) for lead in group.lead_ids]
    labels = dict(labelled)
    if len(labels) < len(labelled):
        counts = Counter(lead for lead, _ in labelled)
        raise DuplicateLeadError(lead for lead, times in counts.items() if times > 1)
    return labels


def _pairs(sizes: Iterable[int]) -> int:
    """Return how many pairs lie within sets of these *sizes*."""
    return sum(comb(size, 2) for size in sizes)


def _b_cubed(
    overlaps: Mapping[tuple[Hashable, Hashable], int],
    groups: Mapping[Hashable, int],
    people: Mapping[Hashable, int],
) -> Score:
    """Average over the leads; those of one overlap all score alike, hence its square."""
    # fsum rounds once, at the end: the order of the leads cannot show in the last digit.
    right = fsum(n * n / groups[group] for (group, _), n in overlaps.items())
    found = fsum(n * n / people[person] for (_, person), n in overlaps.items())
    leads = sum(groups.values())
    return Score(precision=_share(right, leads), recall=_share(found, leads))


def _share(part: float, whole: int) -> float:
    """Return *part* of *whole*; nothing of nothing is all of it."""
    return part / whole if whole else 1.0
