"""Two groupings of the same leads held against each other: what differs, and why. It only reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import attrs

from leadfold.disjoint import DisjointSets
from leadfold.evaluate import UnevenLeadsError, labels_of
from leadfold.masking import some
from leadfold.model import INDIVIDUAL, Group, text_id
from leadfold.normalizers.reason import is_missing
from leadfold.sheets import FEW, Figures, Note, Sheet, Shown, table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from leadfold.explanations import Tie, WhyNot
    from leadfold.model import Identifier, Stop
    from leadfold.sheets import Names

__all__ = ["Comparison", "Grouped", "Parted", "Regrouping", "Witness", "compare"]

Kind = Literal["same", "split", "merged", "moved"]
SideName = Literal["before", "after"]

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


@attrs.frozen
class Regrouping:
    """Groups that share leads, and what became of them: all of *before*, all of *after*.

    *kind* is ``same`` (one group, the same leads), ``split`` (one became several), ``merged``
    (several became one) or ``moved`` (several became several others). Keys play no part.
    """

    kind: Kind
    before: tuple[Group, ...]
    after: tuple[Group, ...]

    @property
    def lead_ids(self) -> tuple[str, ...]:
        """Return the leads concerned, in text order."""
        return tuple(sorted(lead for group in self.before for lead in group.lead_ids))


@attrs.frozen
class Parted:
    """A *group* of one side whose leads are in several groups of the other: the *parts*.

    *side* is where they are together; *pairs* is how many pairs of leads are together there alone.
    """

    side: SideName
    group: Group
    parts: tuple[tuple[str, ...], ...]

    @property
    def pairs(self) -> int:
        """Return how many pairs of its leads the other side has apart."""
        return comb(len(self.group), 2) - sum(comb(len(part), 2) for part in self.parts)


@attrs.frozen
class Witness:
    """Two leads that are together on one *side* alone, and why, as far as the sides can say.

    *tie* is what holds them together there; *stops* are what the leads, or their groups, share
    on the other side, where it did not join them.
    """

    side: SideName
    lead_id: str
    other_id: str
    tie: Tie | None = None
    stops: tuple[Stop, ...] = ()

    def sentence(self, name: Callable[[Identifier], str] = str) -> str:
        """Return it as a sentence; *name* says how identifiers are written."""
        both = f"{self.lead_id} and {self.other_id} are together"
        together = self.tie.sentence(name) if self.tie else both
        other = "after" if self.side == "before" else "before"
        told = f"{self.side}: {together}"
        causes = some(
            (f"{name(s.identifier)} did not join: {s.cause(name)}" for s in self.stops), 2
        )
        return f"{told}; {other}: {causes}" if causes else told

    def __str__(self) -> str:
        return self.sentence()


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
        found = Counter(change.kind for change in self._all)
        return {kind: found[kind] for kind in ("same", "split", "merged", "moved")}

    @cached_property
    def regroupings(self) -> tuple[Regrouping, ...]:
        """Return what is not the same, the most leads first."""
        changes = ((change, change.lead_ids) for change in self._all if change.kind != "same")
        ordered = sorted(changes, key=lambda each: (-len(each[1]), each[1]))
        return tuple(change for change, _ in ordered)

    @cached_property
    def same(self) -> tuple[Group, ...]:
        """Return the groups of *before* whose leads are a group of *after* too."""
        return tuple(change.before[0] for change in self._all if change.kind == "same")

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
        found = Counter[tuple[str, str, Kind]]()
        for each in self._all:
            kinds = {lead: group.kind for group in each.after for lead in group.lead_ids}
            for group in each.before:
                found.update((group.kind, kinds[lead], each.kind) for lead in group.lead_ids)
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

    @cached_property
    def _all(self) -> tuple[Regrouping, ...]:
        """Return every connected set of groups, *before* and *after* joined by common leads."""
        start = len(self.before)
        sets = DisjointSets(start + len(self.after))
        for lead, number in self._labels["before"].items():
            sets.union((number, start + self._labels["after"][lead]))
        members: dict[int, tuple[list[Group], list[Group]]] = defaultdict(lambda: ([], []))
        for number, group in enumerate(self.before):
            members[sets.find(number)][0].append(group)
        for number, group in enumerate(self.after, start):
            members[sets.find(number)][1].append(group)
        return tuple(
            Regrouping(_kind(len(before), len(after)), tuple(before), tuple(after))
            for before, after in members.values()
        )

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
