"""What a person should look at: groups left contested, and suspicious ones nobody confirmed."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING

from leadfold.explanations import Case
from leadfold.grouping.explaining.claims import claims_on
from leadfold.grouping.explaining.stops import stopped_values
from leadfold.model import Ruling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.partition import Partition
    from leadfold.model import Group
    from leadfold.policy import Policy

__all__ = ["Reviewer"]


class Reviewer:
    """Finds the cases of a partition, each with the ruling that would settle it.

    *group_of* makes the group with the engine's own number; *opened* says what a ruling opens.
    """

    def __init__(
        self,
        columns: Columns,
        policy: Policy,
        partition: Partition,
        rulings: Sequence[Ruling],
        *,
        group_of: Callable[[int], Group],
        opened: Callable[[Ruling], tuple[Case, ...]],
    ) -> None:
        self._ids = columns.ids
        self._stopped = [
            each
            for place in range(len(policy.kinds))
            for each in stopped_values(place, columns, policy, partition)
        ]
        self._claims = claims_on(self._stopped, columns, policy, partition, rulings)
        self._names = {ruling.id for ruling in rulings}
        self._group_of = group_of
        self._opened = opened

    def cases(self, suspicious: Iterable[Group]) -> tuple[Case, ...]:
        """Return the cases of *suspicious* groups and contested ones, by impact, reason, key."""
        found = [*self._contested(), *map(self._suspicious, suspicious)]
        return tuple(sorted(found, key=lambda case: (-case.impact, case.reason, case.group.key)))

    def _suspicious(self, group: Group) -> Case:
        ruling = Ruling(self._new_name("suspicious", group), [group.lead_ids])
        return Case("suspicious", group, ruling, opened=self._opened)

    def _contested(self) -> Iterator[Case]:
        """Yield a case for each group that several owners claim.

        Its ruling keeps it from every lead outside that shares a usable value with it, generic
        ones included: whoever may claim it next is one of these, so the case is settled for good.
        """
        sharing = self._sharing()
        for number, claimants in self._claims.items():
            group = self._group_of(number)
            others = {self._ids[row] for row in sharing[number]}.difference(group.lead_ids)
            ruling = Ruling(self._new_name("contested", group), [group.lead_ids, others])
            found = sorted(map(self._group_of, claimants), key=lambda claimant: claimant.key)
            yield Case("contested", group, ruling, tuple(found), opened=self._opened)

    def _sharing(self) -> dict[int, set[int]]:
        """Return, for each group that is claimed, the rows that hold a value of it."""
        found: dict[int, set[int]] = defaultdict(set)
        for each in self._stopped:
            for group in self._claims.keys() & each.groups:
                found[group].update(each.rows)
        return found

    def _new_name(self, reason: str, group: Group) -> str:
        """Return an id for a ruling about *group* that no ruling in force has."""
        plain = f"review:{reason}:{group.lead_ids[0]}"
        names = (f"{plain}:{n}" if n else plain for n in count())
        return next(name for name in names if name not in self._names)
