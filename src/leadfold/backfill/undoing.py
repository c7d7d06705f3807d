"""Taking a run back, decided from its ledger and the store as it is. No grouping, no normalizing.

Every entry of the ledger has one inverse. A unit whose rows are all as the run left them gets the
inverses of its entries; of any other unit only the links that still stand are taken back, if
that is asked for, and what became of its customers follows from who still points at them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

import attrs

from leadfold import asking
from leadfold.backfill.images import with_counts
from leadfold.backfill.rollback import Blocker, RollbackPlan
from leadfold.backfill.standing import (
    UNDOES,
    WholeUnits,
    built_upon,
    later_deeds,
    read_now,
    undone_by,
)
from leadfold.changes import (
    Link,
    PatchCustomer,
    Relink,
    Restore,
    Retire,
    Rule,
    Unit,
    counts_patch,
    planned_stats,
)
from leadfold.exceptions import (
    AlreadyUndoneError,
    LinkRequiredError,
    MappingError,
    NothingToUndo,
    NotUndoableError,
)
from leadfold.model import Ruling
from leadfold.repository import LEAD, RULING, undeclared
from leadfold.rulings import unruly

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from leadfold.asking import Asks
    from leadfold.backfill.standing import Now, Place
    from leadfold.changes import Change, Run
    from leadfold.repository import LedgerEntry, StoreFacts

__all__ = ["ERASURE", "make_rollback"]

ERASURE = "erase_lead"
"""The action of a run that nobody can take back."""

_LINKS = frozenset({"link", "follow"})
_MAKES = frozenset({"insert", "restore"})
_SHOWN = ("name", "phone", "email", "metadata")


def make_rollback(run_id: str, run: Run) -> Asks[RollbackPlan]:
    """Return the plan of *run*, which takes the run *run_id* back as its mode (a `Later`) says.

    Raises:
        NotUndoableError, AlreadyUndoneError, NothingToUndo, LinkRequiredError, MappingError.
    """
    undoes = yield from _find_run(run_id)
    deeds = yield from later_deeds(undoes)
    taken_back, rollbacks = yield from undone_by(undoes, deeds)
    if taken_back is not None:
        raise AlreadyUndoneError(undoes.id, taken_back.id)
    later = built_upon(deeds, rollbacks)
    found = _Undone(keeping=run.mode == "keep")
    ledger = WholeUnits(undoes)
    while units := (yield from ledger.take()):
        now = yield from read_now(units)
        for entries in units:
            found.add(_StandingUnit(entries, now, later))
    if not found.entries:
        raise NothingToUndo(undoes.id)
    found.settle_rulings((yield from asking.rulings()))
    _refuse_impossible(found.units, (yield from asking.facts()))
    return RollbackPlan(
        attrs.evolve(run, extra={**run.extra, UNDOES: undoes.id}),
        undoes,
        tuple(found.units),
        planned_stats(found.units),
        found.whole,
        found.kept,
        tuple(found.blockers),
        tuple(found.notes),
    )


def _find_run(run_id: str) -> Asks[Run]:
    """Return the run of that id, or raise why it cannot be taken back."""
    found = yield from asking.runs(1, ids=[run_id])
    if not found:
        raise NotUndoableError(
            run_id,
            "it was made by backfill-customers.ts, which kept no ledger of what it changed"
            if (yield from asking.is_original(run_id))
            else "the store has no such run: leadfold runs lists them",
        )
    (run,) = found
    if run.action == ERASURE:
        raise NotUndoableError(run_id, "it is an erasure, and what was erased is nowhere any more")
    return run


@attrs.define
class _Undone:
    """The units of a rollback so far, what blocks it, what it cannot bring back."""

    keeping: bool
    units: list[Unit] = attrs.field(factory=list)
    blockers: list[Blocker] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    entries: int = 0
    whole: int = 0
    kept: int = 0

    def add(self, unit: _StandingUnit) -> None:
        """Add what becomes of one unit of the run."""
        self.entries += len(unit.entries)
        blockers = list(unit.blockers())
        self.blockers += blockers
        if blockers and not self.keeping:
            return
        changes = unit.kept() if blockers else unit.whole()
        self.whole += not blockers
        self.kept += bool(blockers)
        self._keep(unit.number, changes)

    def _keep(self, number: int, changes: Sequence[Change]) -> None:
        if changes:
            self.units.append(Unit(number, {}, {}, tuple(changes)))
        for change in changes:
            erased = change.image.get("erased") if isinstance(change, Restore) else None
            if erased:
                columns = ", ".join(cast("list[str]", erased))
                customer = cast("Restore", change).customer_id
                self.notes.append(f"customer {customer} comes back without {columns}: erased")

    def settle_rulings(self, in_force: Collection[Ruling]) -> None:
        """Bring no ruling back that those of today contradict."""
        rules = [c for unit in self.units for c in unit.changes if isinstance(c, Rule)]
        after = {ruling.id: ruling for ruling in in_force}
        for rule in rules:
            after.pop(rule.ruling.id, None)
            if rule.in_force:
                after[rule.ruling.id] = rule.ruling
        back = {rule.ruling.id for rule in rules if rule.in_force}
        while blocked := unruly(after.values()) & back:
            for ruling_id in blocked:
                del after[ruling_id]
            units = [self._without(unit, blocked) for unit in self.units]
            self.units = [unit for unit in units if unit.changes]

    def _without(self, unit: Unit, blocked: Collection[str]) -> Unit:
        lost = [c for c in unit.changes if isinstance(c, Rule) and c.ruling.id in blocked]
        problem = "is contradicted by a newer ruling"
        self.blockers += [Blocker(unit.number, RULING, c.ruling.id, problem) for c in lost]
        return attrs.evolve(unit, changes=tuple(c for c in unit.changes if c not in lost))


class _StandingUnit:
    """One unit of the run: its entries, what stands of them, what is in the way."""

    def __init__(
        self, entries: Sequence[LedgerEntry], now: Now, later: Mapping[Place, tuple[str, ...]]
    ) -> None:
        self.entries = entries
        self.number = entries[0].unit
        self._now = now
        self._later = later
        self._retired = {entry.row: entry for entry in entries if entry.action == "retire"}
        self._made = [entry for entry in entries if entry.action in _MAKES]
        self._own = [entry for entry in entries if entry.action in _LINKS]
        self._own_places = {(entry.table, entry.row) for entry in self._own}
        self._checks: Mapping[str, Callable[[LedgerEntry], str | None]] = {
            "link": self._link_problem,
            "follow": self._link_problem,
            "insert": self._made_problem,
            "restore": self._made_problem,
            "patch": self._patch_problem,
            "retire": self._retire_problem,
            "rule": self._rule_problem,
        }
        self._gained = self._gained_by_lead()
        self._staying: set[str] = set()
        self._staying = {
            entry.row for entry in self._own if entry.table == LEAD and self._stays(entry)
        }
        self._taken = {(entry.table, entry.row): entry for entry in filter(self._stands, self._own)}

    def blockers(self) -> Iterator[Blocker]:
        """Yield every row that is not as the run left it."""
        for entry in self.entries:
            problem = self._problem(entry)
            if problem is not None:
                runs = self._later.get((entry.table, entry.row), ())
                yield Blocker(
                    self.number, entry.table, entry.row, problem, runs[-1] if runs else None
                )

    def whole(self) -> list[Change]:
        """Return the inverse of every entry; what is gone meanwhile needs none."""
        changes = (self._inverse(entry) for entry in self.entries)
        return [change for change in changes if change is not None]

    def kept(self) -> list[Change]:
        """Return what takes back only the links that stand, and what follows from that."""
        changes: list[Change] = [*self._needed_again()]
        changes += [_relinked(entry) for entry in self._taken.values()]
        changes += [
            _ruled_back(entry)
            for entry in self.entries
            if entry.action == "rule" and self._problem(entry) is None
        ]
        idle = [e for e in self._made if self._is_idle(e)]
        changes += [Retire(entry.row, _successor(entry)) for entry in idle]
        changes += self._recounted({entry.row for entry in idle})
        return changes

    def _needed_again(self) -> Iterator[Restore]:
        """Yield the retired customers that get a link back, with as many leads as come back."""
        given = [(entry.before, entry.table) for entry in self._taken.values()]
        for row, entry in self._retired.items():
            if row not in self._now.customers and any(row == before for before, _ in given):
                image = with_counts(row, cast("Any", entry.before), given.count((row, LEAD)))
                yield Restore(row, image, cast("str | None", entry.after))

    def _inverse(self, entry: LedgerEntry) -> Change | None:
        place = (entry.table, entry.row)
        if entry.action in _LINKS:
            return _relinked(entry) if place in self._taken else None
        if entry.action in _MAKES:
            return Retire(entry.row, _successor(entry)) if self._is_there(entry) else None
        if entry.action == "patch":
            before, after = cast("Any", entry.before), cast("Any", entry.after)
            there = self._is_there(entry)
            return PatchCustomer(entry.row, after, before) if there else None
        if entry.action == "retire":
            return Restore(entry.row, cast("Any", entry.before), cast("str | None", entry.after))
        return _ruled_back(entry)

    def _is_there(self, entry: LedgerEntry) -> bool:
        return entry.row in self._now.customers

    def _is_idle(self, entry: LedgerEntry) -> bool:
        """Tell whether nothing is left of a customer that the run made but its row."""
        there = self._is_there(entry) and self._problem(entry) is None
        return there and not self._left(entry.row)

    def _gained_by_lead(self) -> dict[tuple[object, str | None], list[Place]]:
        """Return the rows that came to a lead and the customer the run moved it to, by these two.

        Moved back, the lead would have another customer than they.
        """
        gained: dict[tuple[object, str | None], list[Place]] = defaultdict(list)
        moved = (e for e in self._own if e.table == LEAD and e.before is not None)
        for customer in {cast("str | None", entry.after) for entry in moved}:
            for place in self._now.pointing.get(customer or "", frozenset()) - self._own_places:
                gained[customer, self._now.lead_of.get(place)].append(place)
        return gained

    def _stays(self, entry: LedgerEntry) -> bool:
        """Tell whether the link of a lead is as the run wrote it, and something hangs on it."""
        there = self._now.links.get((entry.table, entry.row), "") == entry.after
        return there and self._problem(entry) is not None

    def _stands(self, entry: LedgerEntry) -> bool:
        """Tell whether the link of *entry* is as the run wrote it, and can be as it was."""
        there = (entry.table, entry.row) in self._now.links
        return there and self._problem(entry) is None

    def _former_is_there(self, entry: LedgerEntry) -> bool:
        former = entry.before
        return former is None or former in self._now.customers or former in self._retired

    def _problem(self, entry: LedgerEntry) -> str | None:
        """Return what is in the way of undoing *entry*, or None."""
        if runs := self._later.get((entry.table, entry.row)):
            return f"was changed again by run {runs[-1]}"
        check = self._checks.get(entry.action)
        return check(entry) if check else None

    def _link_problem(self, entry: LedgerEntry) -> str | None:
        place = (entry.table, entry.row)
        if place not in self._now.links:
            return None  # deleted since: there is no link to take back
        if (link := self._now.links[place]) != entry.after:
            return f"has {'no' if link is None else 'another'} customer by now"
        if not self._former_is_there(entry):
            return f"was linked to {entry.before}, now gone"
        rows = self._gained.get((entry.after, entry.row)) if entry.table == LEAD else None
        if rows and entry.before is not None:
            return f"has {len(rows)} more row(s) of the same customer: {_tables(rows)}"
        if self._now.lead_of.get(place) in self._staying:
            return f"follows lead {self._now.lead_of[place]}, which stays"
        return None

    def _made_problem(self, entry: LedgerEntry) -> str | None:
        """Return what has come to hang on a customer that the run made."""
        gained = self._now.pointing.get(entry.row, frozenset()) - self._own_places
        if gained:
            return f"has {len(gained)} more row(s) pointing at it: {_tables(gained)}"
        written = entry.after
        if entry.action == "insert" and isinstance(written, dict) and self._is_there(entry):
            shown = self._now.customers[entry.row].columns
            edited = [name for name in _SHOWN if shown[name] and shown[name] != written.get(name)]
            if edited:
                return f"was edited: {', '.join(edited)}"
        return None

    def _patch_problem(self, entry: LedgerEntry) -> str | None:
        if not self._is_there(entry):
            return None
        before, after = cast("Any", entry.before), cast("Any", entry.after)
        metadata = self._now.customers[entry.row].metadata
        held = {key: metadata[key] for key in {*before, *after} if key in metadata}
        return None if held == dict(after) else "had its metadata edited"

    def _retire_problem(self, entry: LedgerEntry) -> str | None:
        return "is there again" if self._is_there(entry) else None

    def _rule_problem(self, entry: LedgerEntry) -> str | None:
        in_force = entry.row in self._now.rulings
        left = "in force" if entry.after is not None else "out of force"
        return None if in_force == (entry.after is not None) else f"is no longer {left}"

    def _left(self, customer: str) -> frozenset[Place]:
        """Return who still points at *customer* once the links that stand are taken back."""
        return self._now.pointing.get(customer, frozenset()) - self._taken.keys()

    def _recounted(self, retired: Collection[str]) -> Iterator[PatchCustomer]:
        """Yield the counts of the customers that lose or get back leads and stay."""
        ends = {end for e in self._taken.values() for end in (e.before, e.after)}
        for customer in sorted(cast("set[str]", ends - {None}) - set(retired)):
            shown = self._now.customers.get(customer)
            if shown is None or shown.made_by is None:
                continue
            leads = sum(table == LEAD for table, _ in self._left(customer)) + sum(
                place[0] == LEAD and entry.before == customer
                for place, entry in self._taken.items()
            )
            patch = counts_patch(customer, shown.metadata, leads)
            if patch is not None:
                yield patch


def _tables(rows: Collection[Place]) -> str:
    return ", ".join(sorted({table for table, _ in rows}))


def _relinked(entry: LedgerEntry) -> Change:
    before, after = cast("str | None", entry.before), cast("str | None", entry.after)
    if entry.table == LEAD:
        return Link(entry.row, after, before, entry.reason)
    return Relink(entry.table, entry.row, after, before)


def _ruled_back(entry: LedgerEntry) -> Rule:
    told = cast("Mapping[str, Any]", entry.before or entry.after)
    return Rule(Ruling.from_dict(told), in_force=entry.before is not None)


def _successor(entry: LedgerEntry) -> str | None:
    """Return who took the place of a customer that *entry* brought back, if anybody did."""
    return cast("str | None", entry.before) if entry.action == "restore" else None


def _refuse_impossible(units: Collection[Unit], facts: StoreFacts) -> None:
    """Raise where the store's own shape forbids what the units would write."""
    changes = [change for unit in units for change in unit.changes]
    nulled = {
        LEAD if isinstance(change, Link) else change.table
        for change in changes
        if isinstance(change, Link | Relink) and change.after is None
    }
    if required := sorted(nulled & facts.not_null.keys()):
        raise LinkRequiredError({table: facts.not_null[table] for table in required})
    if facts.foreign_keys and any(isinstance(change, Retire) for change in changes):
        raise MappingError(undeclared(facts.foreign_keys))
