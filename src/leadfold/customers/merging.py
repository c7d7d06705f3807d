"""Two customers become one, because a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.backfill.minting import new_run
from leadfold.changes import Carry, Link, Retire, counts_patch
from leadfold.customers.deciding import ruled, write
from leadfold.customers.reading import leads_among, read_customer
from leadfold.exceptions import DecisionError, MappingError
from leadfold.model import Ruling
from leadfold.repository import LEAD, undeclared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from leadfold.backfill.applying import Report
    from leadfold.changes import Change, Run
    from leadfold.repository import Reader, Repository

__all__ = ["merge"]


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
    if keep == absorb:
        msg = f"customer {keep} cannot be merged with itself: name two customers"
        raise DecisionError(msg)
    run = new_run("merge_customers", actor=actor, run_id=run_id, now=now)
    with repository.reading() as reader:
        changes = tuple(_changes(reader, keep, absorb, run))
    return write(repository, run, changes)


def _changes(reader: Reader, keep: str, absorb: str, run: Run) -> Iterator[Change]:
    keeper = read_customer(reader, keep)
    read_customer(reader, absorb)
    facts = reader.facts()
    if facts.foreign_keys:
        raise MappingError(undeclared(facts.foreign_keys))
    pointing = tuple(reader.pointing_at([keep, absorb]))
    moving, staying = leads_among(pointing, absorb), leads_among(pointing, keep)
    for lead in moving:
        yield Link(lead, absorb, keep, f"merge of {absorb}")
    # Whatever comes to point at it until this is written is carried along, leads included.
    for table in (LEAD, *(each.name for each in facts.dependents), *facts.carried):
        yield Carry(table, absorb, keep)
    yield Retire(absorb, into=keep)
    if keeper.made_by is not None:
        patch = counts_patch(keep, keeper.row.metadata, len(moving) + len(staying))
        if patch is not None:
            yield patch
    members = {*moving, *staying, *keeper.records}
    if len(members) > 1:
        yield from ruled(Ruling(run.id, [members], run.at, run.actor), reader)
