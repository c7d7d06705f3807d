"""All that is connected with some leads: by identifiers, rulings and customers. Never a scan.

What such a set becomes depends on it alone (law 2), so deciding it anew is exact. A value that is
generic, before and after, and nobody's key in the set ties it to nothing: what holds it beside
is left out, and the engine is told.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.snapshot import RECORD, Gathering
from leadfold.resolving.known import Known
from leadfold.resolving.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.grouping import Resolution
    from leadfold.model import Identifier, Ruling
    from leadfold.policy import Policy
    from leadfold.repository import DependentCount, StoreFacts
    from leadfold.resolving.given import Given

__all__ = ["Connected", "TooLargeError"]

FEW = 100
"""How many holders of a value are read at first: more are few people's, or nobody's."""


class TooLargeError(Exception):
    """More records are connected than may be decided at once."""


@attrs.define
class _Frontier:
    """What is wanted, and what was ever wanted."""

    wanted: list[object] = attrs.field(factory=list)
    seen: set[object] = attrs.field(factory=set)

    def want(self, things: Iterable[object]) -> None:
        """Put on the list what was never on it."""
        new = {*things} - self.seen
        self.seen |= new
        self.wanted += sorted(new, key=repr)


class Connected:
    """The set as far as it is known, grown round by round until nothing new is met.

    *given* are leads that the store may have no row of yet; a row it has counts in their place.
    With *cutting* values may be left out for being generic: their owners are told apart by the
    customers they are linked to, so links must be what the grouping says.
    """

    def __init__(
        self, policy: Policy, given: Given, *, max_set: int, cutting: bool, pinning: bool
    ) -> None:
        self.reach = Reach(policy)
        self.rowless: set[str] = set()
        self.dependents: list[DependentCount] = []
        self.unexplained: set[str] = set()
        self._policy = policy
        self._given = given
        self._known = Known(self.reach, given)
        self._max_set = max_set
        self._cutting = cutting and policy.strategy == "linked"
        self._pinning = pinning
        self._rulings: tuple[Ruling, ...] = ()
        self._leads, self._customers, self._values = _Frontier(), _Frontier(), _Frontier()
        self._included: dict[str, None] = {}
        self._customers_included: dict[str, None] = {}
        self._keys: set[Identifier] = set()
        self._cut: set[Identifier] = set()
        self._opened: set[Identifier] = set()
        self._asked_beside: set[str] = set()
