"""The resolver's verbs, for whichever kind of repository: look, decide, write, and look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.planning import decide, new_values
from leadfold.backfill.snapshot import refuse_unmapped
from leadfold.backfill.units import forgotten as forgotten_unit
from leadfold.backfill.waiting import EDITED
from leadfold.changes import ChangeSet, Queue, Retire, Unit, planned_stats
from leadfold.errands import look, write
from leadfold.exceptions import (
    BusyError,
    DecisionError,
    IndexOutdatedError,
    RetryableError,
    RunExistsError,
    StalePlanError,
)
from leadfold.repository import LEAD
from leadfold.resolving.closure import Bounds, Connected, TooLargeError
from leadfold.resolving.deciding import Decision, decisions, events_of, resting_on, without_rows
from leadfold.resolving.given import batch_of, named
from leadfold.resolving.queueing import REASON, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime, timedelta

    from leadfold.asking import Asks
    from leadfold.backfill.planning import Decided
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.backfill.units import PlannedUnits
    from leadfold.changes import Run
    from leadfold.errands import Errand
    from leadfold.policy import Policy
    from leadfold.repository import StoreFacts
    from leadfold.resolving.running import Running
    from leadfold.survivorship import StoredPhone

__all__ = [
    "Found",
    "Settings",
    "decided",
    "forgetting",
    "forgotten",
    "previewing",
    "resolving",
    "settled",
]

ATTEMPTS = 100
"""How often a decision is made anew when others wrote what it rested on: each time one did."""


@attrs.frozen
class Settings:
    """What a resolver was made with; *running* and *new_id* have the shell's clock and ids."""

    policy: Policy
    max_set: int
    grace: timedelta
    adopt: bool
    stored_phone: StoredPhone
    audit: bool
    running: Running
    new_id: Callable[[], str]

    def bounds(self, run: Run) -> Bounds:
        """Return how far the set of a decision of *run* may go."""
        reconciles = run.mode == "reconcile"
        return Bounds(
            self.max_set,
            run.at,
            cutting=reconciles,
            pinning=reconciles and not self.adopt,
        )


@attrs.frozen
class Found:
    """What was decided in one look, and what would be written for it."""

    decisions: tuple[Decision, ...]
    changes: ChangeSet
    owned: bool

    @property
    def retires(self) -> bool:
        """Tell whether a customer's row would go."""
        changes = (change for unit in self.changes.units for change in unit.changes)
        return any(isinstance(change, Retire) for change in changes)

    @property
    def is_busy(self) -> bool:
        """Tell whether somebody holds the store, so that nothing was written."""
        return any(each.outcome == "busy" for each in self.decisions)


def previewing(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*; write nothing."""
    try:
        found = yield from look(decided(leads, settings), brief=True)
    except TooLargeError:
        found = yield from look(_waiting(leads[0], settings))
    return found.decisions


def resolving(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*, and write it; where that is too much at once, on one by one."""
    try:
        return (yield from settled(lambda: decided(leads, settings), settings)).decisions
    except TooLargeError:
        if len(leads) == 1:
            waits = yield from settled(lambda: _waiting(leads[0], settings), settings)
            return waits.decisions
    one_by_one: list[Decision] = []
    for lead in leads:
        one_by_one += yield from resolving([lead], settings)
    return tuple(one_by_one)


def forgetting(named_id: object, settings: Settings) -> Errand[None]:
    """Decide what becomes of those that were connected with a lead that is gone, and write it."""
    lead_id = named(named_id)
    try:
        found = yield from settled(lambda: _forgotten_if_gone(lead_id, settings), settings)
    except TooLargeError:
        found = yield from settled(lambda: _still_to_forget(lead_id, settings), settings)
    if found.is_busy:
        raise BusyError


def settled(decided: Callable[[], Asks[Found]], settings: Settings) -> Errand[Found]:
    """Write what *decided* comes to; decide again where somebody was faster."""
    for attempt in range(1, ATTEMPTS + 1):
        found = yield from look(decided(), brief=True)
        if found.retires:  # a customer goes only where all that refers to customers is known
            found = yield from look(decided())
        if not found.changes.units:
            return found
        try:
            return (yield from _written(found))
        except (StalePlanError, RunExistsError) as e:
            if attempt == ATTEMPTS:
                raise
            if isinstance(e, RunExistsError):
                settings.running.over(found.changes.run)
    raise AssertionError


def _written(found: Found) -> Errand[Found]:
    """Write what was *found*; where somebody holds the store, say that instead."""
    try:
        yield from write(found.changes)
    except BusyError:
        busy = tuple(Decision(each.lead_id, None, "busy") for each in found.decisions)
        return attrs.evolve(found, decisions=busy, changes=attrs.evolve(found.changes, units=()))
    except StalePlanError as e:
        if found.owned:
            raise
        msg = "others wrote what this rests on: roll your transaction back and try again"
        raise RetryableError(msg) from e
    return found


def decided(leads: Sequence[object], settings: Settings) -> Asks[Found]:
    """Return what is decided on *leads*, and what writes that.

    Raises:
        TooLargeError: too much is connected with them.
    """
    given = batch_of(leads, settings.policy)
    run = settings.running.run()
    connected = Connected(settings.policy, given, settings.bounds(run))
    decided, facts = yield from _settle(connected, settings, run, given.ids)
    written = list(decided.units)
    kept = _kept(written, connected, decided.units.snapshot, run.at + settings.grace)
    made = decisions(decided.units, written, given.ids)
    return Found(made, _change_set(facts, settings, run, kept), facts.owns_transaction)


def _waiting(lead: object, settings: Settings) -> Asks[Found]:
    """Return what a lead comes to that has too much connected with it."""
    given, run = batch_of([lead], settings.policy), settings.running.run()
    facts = yield from asking.facts()
    yield from _check(facts, settings.policy, given.ids)

    def alone(snapshot: Snapshot) -> PlannedUnits:
        return decide(
            snapshot,
            settings.policy,
            run,
            new_id=settings.new_id,
            stored_phone=settings.stored_phone,
            unexplained=(),
        ).units

    until = run.at + settings.grace
    decision, units = yield from waiting(given, facts, settings.policy, alone, until)
    return Found((decision,), _change_set(facts, settings, run, units), facts.owns_transaction)


def _forgotten_if_gone(lead_id: str, settings: Settings) -> Asks[Found]:
    for batch in (yield from asking.leads([lead_id]).whole()):
        if batch.ids or batch.unreadable:
            msg = f"lead {lead_id} is still there: delete its row first, then forget it"
            raise DecisionError(msg)
    known = (yield from asking.recorded(lead_id)) or (yield from _is_queued(lead_id))
    return (yield from forgotten(lead_id, settings, known=bool(known)))


def _is_queued(lead_id: str) -> Asks[bool]:
    """Tell whether a lead that the index holds nothing of waits all the same."""
    return any(entry.lead_id == lead_id for entry in (yield from asking.queued().whole()))


def forgotten(lead_id: str, settings: Settings, *, known: bool = True) -> Asks[Found]:
    """Return what becomes of those that were connected with a lead that is gone.

    It is taken out of the index and off the queue, where it is *known* to be in one of them.

    Raises:
        TooLargeError: these are too many.
    """
    around, history = yield from asking.together(
        asking.around([lead_id], [], [], at_most=1), asking.history(LEAD, lead_id)
    )
    held = around.entries[lead_id].identifiers
    customers = [str(entry.after) for entry in history[-1:] if entry.after is not None]
    run, none = settings.running.run(), batch_of([], settings.policy)
    connected = Connected(settings.policy, none, settings.bounds(run), without=lead_id)
    connected.include(held, customers)
    decided, facts = yield from _settle(connected, settings, run, [])
    until = run.at + settings.grace
    units = _kept(decided.units, connected, decided.units.snapshot, until)
    units += [forgotten_unit(len(units), lead_id)] if known else []
    events = events_of(change for unit in units for change in unit.changes)
    made = Decision(lead_id, None, "forgotten", events=tuple(events))
    return Found((made,), _change_set(facts, settings, run, units), facts.owns_transaction)


def _still_to_forget(lead_id: str, settings: Settings) -> Asks[Found]:
    """Let a lead that is gone wait, with its index entry: that says who must be parted."""
    facts = yield from asking.facts()
    decision = Decision(lead_id, None, "queued", (REASON,))
    waits = Unit(0, {}, {}, (Queue(lead_id, EDITED),))
    changes = _change_set(facts, settings, settings.running.run(), [waits])
    return Found((decision,), changes, facts.owns_transaction)


def _settle(
    connected: Connected, settings: Settings, run: Run, given: Collection[str]
) -> Asks[tuple[Decided, StoreFacts]]:
    """Return what a backfill of the connected set alone would come to.

    A value that was left out for being generic, and is no longer so after the decision, ties
    those that hold it: they are decided with the rest.
    """
    while True:
        facts = yield from connected.grow()
        yield from _check(facts, settings.policy, given)
        decided = decide(
            connected.snapshot(),
            settings.policy,
            run,
            new_id=settings.new_id,
            stored_phone=settings.stored_phone,
            unexplained=connected.unexplained.leads,
        )
        crossed = connected.crossed(decided.units.resolution)
        if not crossed:
            break
        connected.open(crossed)
    for count in connected.dependents:
        decided.dependents.add(count)
    decided.dependents.finish()
    shown: dict[str, Collection[str]] = {}
    for column, values in new_values(decided.units).items():
        if values:
            shown[column] = yield from asking.shown(column, values)
    decided.hide(shown)
    return decided, facts


def _kept(
    units: Iterable[Unit], connected: Connected, snapshot: Snapshot, until: datetime
) -> list[Unit]:
    """Return *units* as they are written: what they rest on, leads without a row awaited."""
    return resting_on(without_rows(units, connected.rowless, until), snapshot, connected.rowless)


def _change_set(facts: StoreFacts, settings: Settings, run: Run, units: list[Unit]) -> ChangeSet:
    stats = planned_stats(units)
    return ChangeSet(run, units, stats, facts.clock, on_fault="refuse", audit=settings.audit)


def _check(facts: StoreFacts, policy: Policy, given: Collection[str]) -> Asks[None]:
    """Raise unless the store's index was written as *policy* normalizes now.

    A store that has no leads but those *given* needs none: its index begins with them.
    """
    refuse_unmapped(facts, policy)
    if facts.fingerprint is None:
        stored = asking.leads()
        while batches := (yield from stored.take()):
            if any(not {*given}.issuperset(batch.ids) for batch in batches):
                raise IndexOutdatedError
    elif facts.fingerprint != policy.fingerprint:
        raise IndexOutdatedError
