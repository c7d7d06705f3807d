"""What an explanation says: ties that hold leads together, and why two leads are, or are not.

Frozen values; `str` of each is readable sentences with identifiers masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.masking import mask_key, some
from leadfold.sheets import FEW, Note, Sheet, Shown, groups_table, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadfold.model import Group, Identifier, Ruling, Stop
    from leadfold.sheets import Names

__all__ = ["KEY", "RULING", "Case", "Cases", "Tie", "Why", "WhyNot"]

RULING = "ruling"
"""The level of a tie that a must-link made."""

KEY = "key"
"""The level of a tie between leads that both have the identifier as their key."""


@attrs.frozen
class Tie:
    """What holds two leads together: an identifier that both hold, or a ruling that names both.

    *level* says what joined by it: ``ruling``, ``key`` (both have it as their key), or the kind
    of the identifier. One of *identifier* and *ruling_id* is None.
    """

    lead_id: str
    other_id: str
    level: str
    identifier: Identifier | None = None
    ruling_id: str | None = None

    def reversed(self) -> Tie:
        """Return the same tie, told from the other lead."""
        return attrs.evolve(self, lead_id=self.other_id, other_id=self.lead_id)

    def sentence(self, name: Callable[[Identifier], str] = str) -> str:
        """Return the tie as a sentence; *name* says how its identifier is written.

        >>> from leadfold import Identifier
        >>> print(Tie("l1", "l2", "phone", Identifier("phone", "+15551234567")))
        l1 and l2 share phone:+1…67
        """
        if self.identifier is None:
            return f"{self.lead_id} and {self.other_id} are put together by ruling {self.ruling_id}"
        as_key = ", the key of both" if self.level == KEY else ""
        return f"{self.lead_id} and {self.other_id} share {name(self.identifier)}{as_key}"

    def __str__(self) -> str:
        return self.sentence()


@attrs.frozen
class Why(Shown):
    """Why two leads are in one group: the shortest chain of ties from the one to the other.

    *steps* is empty where a lead is asked about itself.
    """

    lead_id: str
    other_id: str
    steps: tuple[Tie, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Tie]:
        return iter(self.steps)

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def sentences(self, name: Callable[[Identifier], str] = str) -> Iterator[str]:
        """Yield a sentence for each step; *name* says how an identifier is written."""
        if not self.steps:
            yield f"{self.lead_id} is one lead"
        yield from (step.sentence(name) for step in self.steps)

    def sheet(self, names: Names) -> Sheet:
        """Return a row for each step."""
        steps = table(
            "Step by step",
            ("lead", "lead", "what ties them", ""),
            self.steps,
            lambda tie: _step(tie, names),
        )
        about = f"{self.lead_id} and {self.other_id}: one customer"
        return Sheet("Why", about, steps or (Note(f"{self.lead_id} is one lead"),))


@attrs.frozen
class WhyNot(Shown):
    """Why two leads are in different groups: what is shared between these, and did not join.

    *shared* are the stops that both leads hold, *around* those that their groups hold beyond
    these. Where both are empty, the two groups share nothing.
    """

    lead_id: str
    other_id: str
    shared: tuple[Stop, ...] = ()
    around: tuple[Stop, ...] = ()

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Return all stops, those that both leads hold first."""
        return (*self.shared, *self.around)

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def sentences(self, name: Callable[[Identifier], str] = str) -> Iterator[str]:
        """Yield a sentence for each stop; *name* says how an identifier is written."""
        both = f"{self.lead_id} and {self.other_id}"
        if not self.stops:
            yield f"{both} share nothing, and neither do their groups"
        for holders, stops in ((both, self.shared), (f"the groups of {both}", self.around)):
            for stop in stops:
                what, cause = name(stop.identifier), stop.cause(name)
                yield f"{holders} share {what}, which did not join them: {cause}"

    def sheet(self, names: Names) -> Sheet:
        """Return a row for each stop."""
        by_holder = [("both leads", stop) for stop in self.shared]
        by_holder += [("their groups", stop) for stop in self.around]
        stops = table(
            "Shared, and did not join them",
            ("shared by", "identifier", "what stopped it"),
            by_holder,
            lambda row: (
                row[0],
                names.identifier(row[1].identifier),
                row[1].cause(names.identifier),
            ),
        )
        about = f"{self.lead_id} and {self.other_id}: two customers"
        return Sheet("Why not", about, stops or (Note("They share nothing, nor do their groups"),))


@attrs.frozen
class Case(Shown):
    """A group that a person should look at, and the ruling that would settle it.

    *reason* ``contested``: several owners of a unique kind claim the group, and it is left alone;
    *claimants* are their groups. *ruling* proposes what the grouping left: that the group's leads
    are somebody else than all leads outside that share an identifier with them.

    *reason* ``suspicious``: the group holds many values of a kind weaker than its key's. *ruling*
    is a must-link that names the group whole: it is one customer indeed.

    Either ruling confirms what is there; who knows better writes another. *impact* is how many
    leads are concerned: the group's, and the claimants'. *opens* are the cases that are new once
    the ruling is handed back; it is found out when asked for.
    """

    reason: Literal["contested", "suspicious"]
    group: Group
    ruling: Ruling
    claimants: tuple[Group, ...] = ()
    _opened: Callable[[Ruling], tuple[Case, ...]] = attrs.field(
        default=lambda _: (), eq=False, repr=False, kw_only=True
    )

    @property
    def impact(self) -> int:
        """Return how many leads are concerned."""
        return len(self.group) + sum(map(len, self.claimants))

    @property
    def opens(self) -> tuple[Case, ...]:
        """Return the cases that its ruling, handed back, would newly open."""
        return self._opened(self.ruling)

    @property
    def about(self) -> tuple[str, tuple[str, ...]]:
        """Return what makes it this case: its reason, and the leads of its group."""
        return self.reason, self.group.lead_ids

    def sentence(self, name: Callable[[str], str] = mask_key) -> str:
        """Return the case as a sentence; *name* says how a group's key is written."""
        text = f"{self.reason}: {name(self.group.key)}, {len(self.group)} leads"
        if self.claimants:
            text += f", claimed by {some(name(group.key) for group in self.claimants)}"
        return text

    def __str__(self) -> str:
        return self.sentence()

    def sheet(self, names: Names) -> Sheet:
        """Return the groups concerned, and the ruling that would settle it."""
        verdict = "one customer" if self.ruling.is_must_link else "different customers"
        parts = table(
            "Its parts",
            ("leads", "lead ids"),
            self.ruling.parts,
            lambda part: (len(part), some(part, FEW)),
        )
        about = f"{names.key(self.group.key)}, {self.impact:,} leads concerned"
        groups = groups_table("Groups", (self.group, *self.claimants), names)
        note = Note(f"The ruling that would settle it says: {verdict}", "look")
        return Sheet(f"Case: {self.reason}", about, (*groups, note, *parts))


class Cases(tuple[Case, ...], Shown):
    """What a person should look at, largest impact first."""

    __slots__ = ()

    def sheet(self, names: Names) -> Sheet:
        """Return a row for each case."""
        cases = table(
            "Largest impact first",
            ("case", "group", "leads", "concerned", "lead ids", "claimed by"),
            self,
            lambda case: (
                case.reason,
                names.key(case.group.key),
                len(case.group),
                case.impact,
                some(case.group.lead_ids, FEW),
                some((names.key(group.key) for group in case.claimants), FEW),
            ),
        )
        about = "1 case" if len(self) == 1 else f"{len(self):,} cases"
        return Sheet("Review", about, cases or (Note("Nothing to look at", "good"),))


_MEANS = {KEY: "the key of both", RULING: "put together by a ruling"}


def _step(tie: Tie, names: Names) -> tuple[str | None, ...]:
    by = tie.ruling_id if tie.identifier is None else names.identifier(tie.identifier)
    return tie.lead_id, tie.other_id, _MEANS.get(tie.level, "held by both"), by
