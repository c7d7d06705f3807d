"""The resolver's verbs, for whichever kind of repository: look, decide, write, and look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.planning import decide, new_values
from leadfold.backfill.snapshot import refuse_unmapped
from leadfold.changes import ChangeSet, Reindex, Retire, Unit, planned_stats
from leadfold.errands import look, write
from leadfold.exceptions import (
    BusyError,
    DecisionError,
    IndexOutdatedError,
    RetryableError,
    RunExistsError,
    StalePlanError,
)
from leadfold.model import columns_of, text_ids
from leadfold.repository import LEAD, LeadBatch
from leadfold.resolving.closure import Bounds, Connected, TooLargeError
from leadfold.resolving.deciding import Decision, decisions, without_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import timedelta

    from leadfold.asking import Asks
    from leadfold.backfill.planning import Decided
    from leadfold.changes import Run
    from leadfold.errands import Errand
    from leadfold.policy import Policy
    from leadfold.repository import StoreFacts
    from leadfold.resolving.running import Running
    from leadfold.survivorship import StoredPhone

__all__ = ["Settings", "forgetting", "previewing", "resolving"]

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
class _Found:
    """What was decided in one look, and what would be written for it."""

    decisions: tuple[Decision, ...]
    changes: ChangeSet
    owned: bool

    @property
    def retires(self) -> bool:
        """Tell whether a customer's row would go."""
        changes = (change for unit in self.changes.units for change in unit.changes)
        return any(isinstance(change, Retire) for change in changes)


def previewing(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*; write nothing."""
    found = yield from look(_decided(leads, settings), brief=True)
    return found.decisions


def resolving(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*, and write it."""
    return (yield from _settled(lambda: _decided(leads, settings), settings))


def forgetting(lead_id: str, settings: Settings) -> Errand[None]:
    """Decide what becomes of those that were connected with a lead that is gone, and write it."""
    yield from _settled(lambda: _forgotten(lead_id, settings), settings)


def _settled(
    decided: Callable[[], Asks[_Found]], settings: Settings
) -> Errand[tuple[Decision, ...]]:
    """Write what *decided* comes to; decide again where somebody was faster."""
    for attempt in range(1, ATTEMPTS + 1):
        found = yield from look(decided(), brief=True)
        if found.retires:  # a customer goes only where all that refers to customers is known
            found = yield from look(decided())
        if not found.changes.units:
            return found.decisions
        try:
            return (yield from _written(found))
        except (StalePlanError, RunExistsError) as e:
            if attempt == ATTEMPTS:
                raise
            if isinstance(e, RunExistsError):
                settings.running.over(found.changes.run)
    raise AssertionError


def _written(found: _Found) -> Errand[tuple[Decision, ...]]:
    """Write what was *found*; where somebody holds the store, say that instead."""
    try:
        yield from write(found.changes)
    except BusyError:
        if not found.decisions:
            raise
        return tuple(Decision(each.lead_id, None, "busy") for each in found.decisions)
    except StalePlanError as e:
        if found.owned:
            raise
        msg = "others wrote what this rests on: roll your transaction back and try again"
        raise RetryableError(msg) from e
    return found.decisions


def _decided(leads: Sequence[object], settings: Settings) -> Asks[_Found]:
    given = _given(leads, settings.policy)
    run = settings.running.run()
    connected = Connected(settings.policy, given, settings.bounds(run))
    try:
        decided, facts = yield from _settle(connected, settings, run, given.ids)
    except TooLargeError:
        facts = yield from asking.facts()
        queued = tuple(Decision(lead, None, "queued") for lead in given.ids)
        return _Found(queued, _change_set(facts, settings, run, []), facts.owns_transaction)
    written = list(decided.units)
    kept = list(without_rows(written, connected.rowless, run.at + settings.grace))
    made = decisions(decided.units, written, given.ids)
    return _Found(made, _change_set(facts, settings, run, kept), facts.owns_transaction)


def _forgotten(lead_id: str, settings: Settings) -> Asks[_Found]:
    around, present, history = yield from asking.together(
        asking.around([lead_id], [], [], at_most=1),
        asking.links(LEAD, [lead_id]),
        asking.history(LEAD, lead_id),
    )
    if present:
        msg = f"lead {lead_id} is still there: delete its row first, then forget it"
        raise DecisionError(msg)
    held = around.entries[lead_id].identifiers
    customers = [str(entry.after) for entry in history[-1:] if entry.after is not None]
    run, none = settings.running.run(), _given([], settings.policy)
    connected = Connected(settings.policy, none, settings.bounds(run), without=lead_id)
    connected.include(held, customers)
    units: list[Unit] = []
    try:
        decided, facts = yield from _settle(connected, settings, run, [])
        units = list(without_rows(decided.units, connected.rowless, run.at + settings.grace))
    except TooLargeError:
        facts = yield from asking.facts()
    if held:
        units.append(Unit(len(units), {}, {}, (Reindex(lead_id, ()),)))
    return _Found((), _change_set(facts, settings, run, units), facts.owns_transaction)


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
            unexplained=connected.beside.unexplained,
        )
        crossed = connected.crossed(decided.units.resolution)
        if not crossed:
            break
        connected.open(crossed)
    for count in connected.beside.dependents:
        decided.dependents.add(count)
    decided.dependents.finish()
    shown: dict[str, Collection[str]] = {}
    for column, values in new_values(decided.units).items():
        if values:
            shown[column] = yield from asking.shown(column, values)
    decided.hide(shown)
    return decided, facts


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


def _given(leads: Sequence[object], policy: Policy) -> LeadBatch:
    """Return *leads* as a store would give them, if it had their rows."""
    fields = columns_of(leads, ("id", *policy.fields))
    names = columns_of(leads, ("name", "created_at"))
    count = len(leads)
    return LeadBatch(
        text_ids(fields.pop("id")),
        fields,
        [name if isinstance(name, str) else None for name in names["name"]],
        names["created_at"],  # type: ignore[arg-type]  # as in a store that is not typed
        [None] * count,
        [0] * count,
        [None] * count,
    )
