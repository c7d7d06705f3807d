"""Two groupings of the same leads held against each other: what differs, and why. It only reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from leadfold.disjoint import DisjointSets
from leadfold.evaluate import UnevenLeadsError, labels_of
from leadfold.masking import some
from leadfold.model import INDIVIDUAL, Group, text_id
from leadfold.normalizers.reason import is_missing
from leadfold.pausing import collector_paused
from leadfold.regrouping import Kind, Parted, Regrouping, Witness
from leadfold.sheets import FEW, Figures, Note, Sheet, Shown, table

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from leadfold.explanations import Tie, WhyNot
    from leadfold.regrouping import SideName
    from leadfold.sheets import Names

__all__ = ["Comparison", "Grouped", "Kind", "Parted", "Regrouping", "Witness", "compare"]

CLUSTER = "cluster"
"""The kind of a group that another tool's label stands for."""


class Grouped(Protocol):
    """Anything that has groups, such as `leadfold.Resolution`."""

    @property
    def groups(self) -> Iterable[Group]: ...  # noqa: D102 - as there


@runtime_checkable
class Explains(Protocol):
    """What can say why, such as `leadfold.Resolution`."""

    def links_of(self, lead_id: str) -> Sequence[Tie]: ...
    def why_not(self, lead_id: str, other_id: str) -> WhyNot: ...


Side = Grouped | Mapping[str, "Hashable"]


class Comparison(Shown):
    """How two groupings of the same leads differ; made by `compare`."""

    def __init__(self, before: Side, after: Side) -> None:
        self._given = {"before": before, "after": after}
        self.before = _groups_of(before)
        self.after = _groups_of(after)
        self._labels = {"before": labels_of(self.before), "after": labels_of(self.after)}
        mine, theirs = self._labels["before"].keys(), self._labels["after"].keys()
        if mine != theirs:
            raise UnevenLeadsError(mine - theirs, theirs - mine, ("first", "second"))

    def __repr__(self) -> str:
        counts = ", ".join(f"{kind}: {count}" for kind, count in self.counts.items())
        return f"<Comparison over {len(self._labels['before'])} leads: {counts}>"

    @property
    def counts(self) -> dict[Kind, int]:
        """Return how many changes there are of each kind; ``same`` counts groups."""
        found = Counter[Kind](each.kind for each in self.regroupings)
        found["same"] = len(self.same)
        return {kind: found[kind] for kind in ("same", "split", "merged", "moved")}

    @cached_property
    def regroupings(self) -> tuple[Regrouping, ...]:
        """Return what is not the same, the most leads first."""
        changed = [n for n, group in enumerate(self.before) if not self._is_same(group)]
        with_leads = ((each, each.lead_ids) for each in self._regrouped(changed))
        ordered = sorted(with_leads, key=lambda each: (-len(each[1]), each[1]))
        return tuple(each for each, _ in ordered)

    @cached_property
    def same(self) -> tuple[Group, ...]:
        """Return the groups of *before* whose leads are a group of *after* too."""
        return tuple(group for group in self.before if self._is_same(group))

    @cached_property
    def parted(self) -> tuple[Parted, ...]:
        """Return the groups of *before* that are not together after, the most pairs first.

        Where *after* is the truth, these are the leads that are wrongly together.
        """
        return self._parted("before", self.before, self._labels["after"])

    @cached_property
    def joined(self) -> tuple[Parted, ...]:
        """Return the groups of *after* that were not together before, the most pairs first.

        Where *after* is the truth, these are the leads that are wrongly apart.
        """
        return self._parted("after", self.after, self._labels["before"])

    @property
    def flows(self) -> dict[tuple[str, str, Kind], int]:
        """Return how many leads went from a kind of group to a kind of group, by what happened."""
        after, labels = self.after, self._labels["after"]
        found = Counter[tuple[str, str, Kind]]()
        for group in self.same:
            found[group.kind, after[labels[group.lead_ids[0]]].kind, "same"] += len(group)
        for each in self.regroupings:
            found.update(
                (group.kind, after[labels[lead]].kind, each.kind)
                for group in each.before
                for lead in group.lead_ids
            )
        return dict(found)

    def reasons(self, of: Regrouping | Parted) -> tuple[Witness, ...]:
        """Return pairs of leads that show why: one for each part that was cut off or joined.

        A side that is a resolution says what ties them, or what stopped it; another tool's labels
        say nothing.
        """
        torn = (of,) if isinstance(of, Parted) else self._torn(of)
        return tuple(witness for each in torn for witness in self._witnesses(each))

    def sheet(self, names: Names) -> Sheet:
        """Return how much is the same, and the largest changes with the reason of each."""
        changes = table(
            "Changes, the most leads first",
            ("change", "leads", "before", "after", "for example"),
            self.regroupings,
            lambda change: (
                change.kind,
                len(change.lead_ids),
                _divided(change.before),
                _divided(change.after),
                next(iter(self.reasons(change))).sentence(names.identifier),
            ),
        )
        leads = len(self._labels["before"])
        about = f"{len(self.before):,} groups before, {len(self.after):,} after"
        figures = Figures((("leads", leads), *self.counts.items()))
        return Sheet(
            "Comparison", about, (figures, *(changes or (Note("Nothing differs", "good"),)))
        )

    def _is_same(self, group: Group) -> bool:
        """Tell whether the leads of *group*, one of *before*, are a group of *after*."""
        labels = self._labels["after"]
        number = labels[group.lead_ids[0]]
        return len(self.after[number]) == len(group) and all(labels[i] == number for i in group)

    def _regrouped(self, changed: Sequence[int]) -> Iterator[Regrouping]:
        """Yield the connected sets among the groups of *before* that *changed*, by their number."""
        start, labels = len(self.before), self._labels["after"]
        sets = DisjointSets(start + len(self.after))
        members: dict[int, tuple[list[Group], list[Group]]] = defaultdict(lambda: ([], []))
        for number in changed:
            leads = self.before[number].lead_ids
            sets.union((number, *(start + labels[lead] for lead in leads)))
        for number in changed:
            members[sets.find(number)][0].append(self.before[number])
        for number in sorted({labels[lead] for n in changed for lead in self.before[n].lead_ids}):
            members[sets.find(start + number)][1].append(self.after[number])
        for before, after in members.values():
            yield Regrouping(_kind(len(before), len(after)), tuple(before), tuple(after))

    def _parted(
        self, side: SideName, groups: Iterable[Group], labels: Mapping[str, int]
    ) -> tuple[Parted, ...]:
        found = [
            Parted(side, group, parts)
            for group in groups
            if len(parts := _parts(group, labels)) > 1
        ]
        return tuple(sorted(found, key=lambda each: (-each.pairs, each.group.lead_ids)))

    def _torn(self, change: Regrouping) -> Iterator[Parted]:
        yield from self._parted("before", change.before, self._labels["after"])
        yield from self._parted("after", change.after, self._labels["before"])

    def _witnesses(self, torn: Parted) -> Iterator[Witness]:
        """Yield a pair for each part but the first, with what the two sides say of it."""
        other: SideName = "after" if torn.side == "before" else "before"
        apart = self._given[other]
        for lead, mate, tie in self._pairs(torn, self._labels[other]):
            stops = apart.why_not(lead, mate).stops if isinstance(apart, Explains) else ()
            yield Witness(torn.side, lead, mate, tie, stops)

    def _pairs(
        self, torn: Parted, labels: Mapping[str, int]
    ) -> Iterator[tuple[str, str, Tie | None]]:
        together = self._given[torn.side]
        first = torn.group.lead_ids[0]
        if not isinstance(together, Explains):
            yield from ((first, part[0], None) for part in torn.parts if part[0] != first)
            return
        place = {labels[part[0]]: number for number, part in enumerate(torn.parts)}
        sets = DisjointSets(len(torn.parts))
        for tie in together.links_of(first):
            ends = place[labels[tie.lead_id]], place[labels[tie.other_id]]
            if sets.find(ends[0]) != sets.find(ends[1]):
                sets.union(ends)
                yield tie.lead_id, tie.other_id, tie


def compare(before: Side, after: Side) -> Comparison:
    """Return what is the same in two groupings, what was split, merged and moved, and why.

    Each side is a `leadfold.Resolution`, anything else that has ``groups``, or a mapping of every
    lead id to the label of its cluster, as Splink, dedupe or a column of true persons has it: two
    columns make one with ``dict(zip(ids, labels))``. A lead whose label is None or NaN is by
    itself.

    >>> from leadfold import Lead, group
    >>> ours = group([Lead("l1", phone="212 555 0143"), Lead("l2", phone="(212) 555-0143")])
    >>> found = compare(ours, {"l1": "a", "l2": "b"})
    >>> found.counts
    {'same': 0, 'split': 1, 'merged': 0, 'moved': 0}
    >>> print(found.reasons(found.regroupings[0])[0])
    before: l1 and l2 share phone:+1…43, the key of both

    Raises:
        UnevenLeadsError: the two do not name the same leads.
        DuplicateLeadError: a lead is in several groups of one side.
    """
    with collector_paused():
        return Comparison(before, after)


def _groups_of(side: Side) -> tuple[Group, ...]:
    """Return the groups of *side*, those of labels in order of their first lead."""
    if not isinstance(side, Mapping):
        return tuple(side.groups)
    members: dict[object, list[str]] = defaultdict(list)
    alone = []
    for given, label in side.items():
        lead = text_id(given, "lead id")
        if is_missing(label):
            alone.append(Group(f"{INDIVIDUAL}:{lead}", INDIVIDUAL, (lead,)))
        else:
            members[label].append(lead)
    groups = [
        Group(f"{CLUSTER}:{label}", CLUSTER, tuple(sorted(leads)))
        for label, leads in members.items()
    ]
    return tuple(sorted([*groups, *alone], key=lambda group: group.lead_ids))


def _divided(groups: Sequence[Group]) -> str:
    """Return the leads of *groups*, with a stroke between one group and the next."""
    told = " | ".join(some(group.lead_ids, FEW) for group in groups[:FEW])
    left = len(groups) - FEW
    return f"{told} and {left} groups more" if left > 0 else told


def _kind(before: int, after: int) -> Kind:
    """Return what it is that so many groups became so many."""
    if before == 1:
        return "same" if after == 1 else "split"
    return "merged" if after == 1 else "moved"


def _parts(group: Group, labels: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """Return the leads of *group* by their label on the other side, in text order."""
    parts: dict[int, list[str]] = defaultdict(list)
    for lead in group.lead_ids:
        parts[labels[lead]].append(lead)
    return tuple(tuple(part) for part in parts.values())
