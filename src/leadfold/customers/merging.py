"""Two customers become one, because a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import asking
from leadfold.backfill.minting import new_run
from leadfold.changes import Carry, Link, Retire
from leadfold.customers.deciding import decide, recounted, ruled
from leadfold.customers.reading import leads_among, read_customer
from leadfold.errands import run
from leadfold.exceptions import DecisionError, MappingError
from leadfold.model import Ruling
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.applying import Report
    from leadfold.changes import Change, Run
    from leadfold.errands import Errand
    from leadfold.repository import Repository

__all__ = ["merge", "merging"]


def merge(
    repository: Repository,
    keep: str,
    absorb: str,
    *,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Let the customer *keep* take over all that points at *absorb*, whose row goes.

    Leads, dependents and the rows of carried tables (addresses, notes) point at *keep*
    afterwards; its name, phone and email stay as they are. The ledger keeps the row of *absorb*
    whole, so that a rollback brings it back under its id; until then
    `leadfold.customers.customer_id_now` leads from it to where its leads live. That they are one
    person is recorded as a ruling, which takes older rulings that say otherwise out of force.

    Args:
        repository: the store.
        keep: the id of the customer that stays.
        absorb: the id of the one whose row goes.
        actor: who decided it.
        run_id: the run's id; default: a new one.
        now: the time of the run; default: the present.

    Raises:
        UnknownCustomerError: there is no such customer.
        DecisionError: *keep* and *absorb* are the same.
        MappingError: an undeclared foreign key may point at *absorb*.
        StalePlanError, StoreError: nothing was written.
    """
    return run(merging(keep, absorb, actor=actor, run_id=run_id, now=now), repository)


def merging(
    keep: str, absorb: str, *, actor: str, run_id: str | None, now: datetime | None
) -> Errand[Report]:
    """Merge in whichever kind of repository; see `merge`."""
    if keep == absorb:
        msg = f"customer {keep} cannot be merged with itself: name two customers"
        raise DecisionError(msg)
    made = new_run("merge_customers", actor=actor, run_id=run_id, now=now)
    return (yield from decide(made, _merged(keep, absorb, made)))


def _merged(keep: str, absorb: str, made: Run) -> Asks[list[Change]]:
    keeper = yield from read_customer(keep)
    yield from read_customer(absorb)
    facts = yield from asking.facts()
    if facts.foreign_keys:
        raise MappingError(undeclared(facts.foreign_keys))
    pointing = yield from asking.pointing_at([keep, absorb]).whole()
    moving, staying = leads_among(pointing, absorb), leads_among(pointing, keep)
    # Whatever comes to point at it until this is written is carried along, leads included.
    carried = (LEAD, *(each.name for each in facts.dependents), *facts.carried)
    changes: list[Change] = [
        *(Link(lead, absorb, keep, f"merge of {absorb}") for lead in moving),
        *(Carry(table, absorb, keep) for table in carried),
        Retire(absorb, into=keep),
        *recounted(keeper, len(moving) + len(staying)),
    ]
    members = {*moving, *staying, *keeper.records}
    if len(members) > 1:
        changes += yield from ruled(Ruling(made.id, [members], made.at, made.actor))
    return changes
