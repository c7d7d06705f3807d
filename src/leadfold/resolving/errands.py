"""The resolver's verbs, for whichever kind of repository: look, decide, write, and look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.planning import decide
from leadfold.backfill.snapshot import refuse_unmapped
from leadfold.backfill.units import forgotten as forgotten_unit
from leadfold.backfill.waiting import EDITED
from leadfold.changes import ChangeSet, Queue, Unit, planned_stats
from leadfold.errands import look, write
from leadfold.exceptions import DecisionError, IndexOutdatedError, RetryableError, StalePlanError
from leadfold.model import columns_of, text_ids
from leadfold.repository import LEAD, LeadBatch
from leadfold.resolving.closure import TooLargeError, connected_with
from leadfold.resolving.deciding import Decision, decisions, events_of, without_rows
from leadfold.resolving.queueing import REASON, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.backfill.units import PlannedUnits
    from leadfold.changes import Run
    from leadfold.errands import Errand
    from leadfold.policy import Policy
    from leadfold.repository import StoreFacts
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

ATTEMPTS = 5
"""How often a decision is made anew when others wrote what it rested on."""


@attrs.frozen
class Settings:
    """What a resolver was made with; *new_run* and *new_id* are the shell's clock and ids."""

    policy: Policy
    max_set: int
    adopt: bool
    stored_phone: StoredPhone
    new_run: Callable[[], Run]
    new_id: Callable[[], str]


@attrs.frozen
class Found:
    """What was decided in one look, and what would be written for it."""

    decisions: tuple[Decision, ...]
    changes: ChangeSet
    owned: bool


def previewing(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*; write nothing."""
    try:
        found = yield from look(decided(leads, settings))
    except TooLargeError:
        found = yield from look(_waiting(leads[0], settings))
    return found.decisions


def resolving(leads: Sequence[object], settings: Settings) -> Errand[tuple[Decision, ...]]:
    """Decide on *leads*, and write it; where that is too much at once, on one by one."""
    try:
        return (yield from settled(lambda: decided(leads, settings))).decisions
    except TooLargeError:
        if len(leads) == 1:
            return (yield from settled(lambda: _waiting(leads[0], settings))).decisions
    one_by_one: list[Decision] = []
    for lead in leads:
        one_by_one += yield from resolving([lead], settings)
    return tuple(one_by_one)


def forgetting(lead_id: str, settings: Settings) -> Errand[None]:
    """Decide what becomes of those that were connected with a lead that is gone, and write it."""
    try:
        yield from settled(lambda: _forgotten_if_gone(lead_id, settings))
    except TooLargeError:
        yield from settled(lambda: _still_to_forget(lead_id, settings))


def settled(decided: Callable[[], Asks[Found]]) -> Errand[Found]:
    """Write what *decided* comes to; decide again where somebody was faster."""
    for attempt in range(1, ATTEMPTS + 1):
        found = yield from look(decided())
        if not found.changes.units:
            return found
        try:
            yield from write(found.changes)
        except StalePlanError as e:
            if not found.owned:
                msg = "others wrote what this rests on: roll your transaction back and try again"
                raise RetryableError(msg) from e
            if attempt == ATTEMPTS:
                raise
        else:
            return found
    raise AssertionError


def decided(leads: Sequence[object], settings: Settings) -> Asks[Found]:
    """Return what is decided on *leads*, and what writes that.

    Raises:
        TooLargeError: too much is connected with them.
    """
    given = _given(leads, settings.policy)
    facts = yield from _checked(settings, given.ids)
    rulings = yield from asking.rulings()
    snapshot, rowless = yield from connected_with(
        settings.policy, facts, rulings, given, max_set=settings.max_set
    )
    run = settings.new_run()
    units = yield from _units(snapshot, settings, run)
    written = list(units)
    kept = list(without_rows(written, rowless))
    made = decisions(units, written, given.ids)
    return Found(made, _change_set(facts, run, kept), facts.owns_transaction)


def _waiting(lead: object, settings: Settings) -> Asks[Found]:
    """Return what a lead comes to that has too much connected with it."""
    given = _given([lead], settings.policy)
    facts = yield from _checked(settings, given.ids)
    run = settings.new_run()
    decision, units = yield from waiting(
        given, facts, settings.policy, lambda snapshot: _units(snapshot, settings, run)
    )
    return Found((decision,), _change_set(facts, run, units), facts.owns_transaction)


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
    facts = yield from _checked(settings, [])
    held = yield from asking.recorded(lead_id)
    history = yield from asking.history(LEAD, lead_id).whole()
    customers = [str(entry.after) for entry in history[-1:] if entry.after is not None]
    rulings = yield from asking.rulings()
    snapshot, _ = yield from connected_with(
        settings.policy,
        facts,
        rulings,
        _given([], settings.policy),
        max_set=settings.max_set,
        values=held or (),
        customers=customers,
    )
    run = settings.new_run()
    units = list((yield from _units(snapshot, settings, run)))
    units += [forgotten_unit(len(units), lead_id)] if known else []
    events = events_of(change for unit in units for change in unit.changes)
    made = Decision(lead_id, None, "forgotten", events=tuple(events))
    return Found((made,), _change_set(facts, run, units), facts.owns_transaction)


def _still_to_forget(lead_id: str, settings: Settings) -> Asks[Found]:
    """Let a lead that is gone wait, with its index entry: that says who must be parted."""
    facts = yield from _checked(settings, [])
    decision = Decision(lead_id, None, "queued", (REASON,))
    waits = Unit(0, {}, {}, (Queue(lead_id, EDITED),))
    changes = _change_set(facts, settings.new_run(), [waits])
    return Found((decision,), changes, facts.owns_transaction)


def _units(snapshot: Snapshot, settings: Settings, run: Run) -> Asks[PlannedUnits]:
    """Return what a backfill of *snapshot* alone would write."""
    leads = snapshot.ids[: snapshot.leads]
    decided = yield from decide(
        snapshot,
        settings.policy,
        run,
        new_id=settings.new_id,
        stored_phone=settings.stored_phone,
        adopt=settings.adopt,
        among=leads,
    )
    return decided.units


def _change_set(facts: StoreFacts, run: Run, units: list[Unit]) -> ChangeSet:
    stats = planned_stats(units)
    return ChangeSet(run, units, stats, facts.clock, on_fault="refuse")


def _checked(settings: Settings, given: Collection[str]) -> Asks[StoreFacts]:
    """Return the store's facts, if its index was written as the policy normalizes now.

    A store that has no leads but those *given* needs none: its index begins with them.
    """
    facts = yield from asking.facts()
    refuse_unmapped(facts, settings.policy)
    if facts.fingerprint is None:
        stored = asking.leads()
        while batches := (yield from stored.take()):
            if any(not {*given}.issuperset(batch.ids) for batch in batches):
                raise IndexOutdatedError
    elif facts.fingerprint != settings.policy.fingerprint:
        raise IndexOutdatedError
    return facts


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
