"""The part of the contract about open runs: many commits, each whole, under one run without end.

Runs take turns then, so that what came after what is told by the ledger, row by row.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold import backfill
from leadfold.changes import OPEN
from leadfold.exceptions import IndexOutdatedError, RetryableError, RunExistsError
from leadfold.model import Identifier, Lead
from leadfold.policy import Policy
from leadfold.progress import STOPPED
from leadfold.resolver import Resolver
from leadfold.testing.changesets import follow, link, new_customer, patch, read_basis, reindex
from leadfold.testing.changesets import run_of as closed_run
from leadfold.testing.contract_hooks import StoreHooks, commit, job, read_entries, read_runs

if TYPE_CHECKING:
    from leadfold.changes import Change, Run
    from leadfold.repository import Repository

__all__ = ["OpenContract"]

X = Identifier("phone", "+15551230001")
VALUES = {
    "psid": (None, None, "24000000000000001", "24000000000000002"),
    "phone": (None, "212 555 0143", "(212) 555-0143", "212 555 0177"),
    "email": (None, "ann@mailbox.org", "Bob@mailbox.org"),
}
WRITES = 3
SEQUENCES = 4
STEPS = 10


def run_of(run_id: str = "run-1", *, minute: int = 0, policy: str = "policy-1") -> Run:
    """Return an open run."""
    return attrs.evolve(closed_run(run_id, minute=minute, policy=policy), status=OPEN)


def go_on(
    repository: Repository, *changes: Change, run: Run | None = None, audit: bool = False
) -> None:
    """Commit one unit of *changes*, planned now, under the open *run*."""
    basis = read_basis(repository)
    made = basis.changeset(basis.unit(0, *changes), run=run or run_of(), on_fault="refuse")
    repository.commit(attrs.evolve(made, audit=audit))


class OpenContract(StoreHooks):
    """Writes under an open run are each whole; together they are told of and taken back."""

    def test_an_open_run_goes_on(self, repository: Repository) -> None:
        """One row in the list of runs, with the figures of its ledger; each unit has a number."""
        jobs = [job("j1", "l1")]
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"], jobs=jobs)
        go_on(repository, new_customer("n1"), link("l1", "n1"), follow("Job", "l1", "n1"))
        go_on(repository, link("l2", "c1"))
        go_on(repository, link("l2", None, before="c1"))
        (run,) = read_runs(repository)
        assert (run.id, run.status) == ("run-1", OPEN)
        assert {name: figure for name, figure in run.stats.items() if figure} == {
            "customersCreated": 1,
            "leadsLinked": 2,
            "jobsLinked": 1,
        }
        told = {"leadsUnlinked": 1, "dependentsLinked": {"Job": 1}, "entries": 5}
        assert run.extra == told
        units = {entry.unit for entry in read_entries(repository, "run-1")}
        assert len(units) == WRITES

    def test_the_audit_trail_tells_if_asked(self, repository: Repository) -> None:
        """Without that it says nothing of what is written under an open run."""
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        go_on(repository, link("l1", "c1"))
        assert self.raw_audit(repository) == []
        go_on(repository, link("l2", "c1"), audit=True)
        assert len(self.raw_audit(repository)) == 1

    def test_a_closed_run_is_not_gone_on_with(self, repository: Repository) -> None:
        """Nor does a plan go on with an open one."""
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        commit(repository, link("l1", "c1"), number=1)
        with pytest.raises(RunExistsError):
            go_on(repository, link("l2", "c1"))
        go_on(repository, link("l2", "c1"), run=run_of("run-2"))
        with pytest.raises(RunExistsError):
            commit(repository, link("l2", None, before="c1"), number=2)

    def test_an_index_of_another_policy_is_left_alone(self, repository: Repository) -> None:
        """Who decides lead by lead must decide as the index was written."""
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        go_on(repository, link("l1", "c1"), reindex("l1", X))
        with pytest.raises(IndexOutdatedError):
            go_on(repository, link("l2", "c1"), run=run_of("run-2", policy="policy-2"))
        assert self.links(repository) == {"l1": "c1", "l2": None}

    def test_what_came_later_is_told_by_row(self, repository: Repository) -> None:
        """Of runs that take turns each is later than the other in rows it changed after it."""
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1", "c2"])
        go_on(repository, link("l1", "c1"))
        go_on(repository, link("l2", "c1"), run=run_of("run-2", minute=1))
        go_on(repository, link("l1", "c2", before="c1"), run=run_of("run-2", minute=1))
        go_on(repository, link("l2", "c2", before="c1"))
        assert self._later(repository, "run-1") == [("l1", "run-2")]
        assert self._later(repository, "run-2") == [("l2", "run-1")]

    def _later(self, repository: Repository, run_id: str) -> list[tuple[str, str]]:
        with repository.reading() as reader:
            return [(entry.row, entry.run_id) for entry in reader.later(run_id)]

    # Taken back.

    def test_an_open_run_is_taken_back_whole(self, repository: Repository) -> None:
        """However often its writes met in a row, it is as before the first; then it is over."""
        jobs = [job("j1", "l1")]
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"], jobs=jobs)
        self.edit_customer(repository, "c1", metadata={"leadCount": 0, "theirs": 1})
        before = {**self.image(repository), "audit": ()}
        go_on(repository, new_customer("n1"), link("l1", "n1"), follow("Job", "l1", "n1"))
        go_on(repository, link("l2", "n1"), patch("n1", {"leadCount": 1}, {"leadCount": 2}))
        go_on(repository, link("l1", "c1", before="n1"), follow("Job", "l1", "c1", before="n1"))
        go_on(repository, patch("c1", {"leadCount": 0}, {"leadCount": 1, "new": True}))
        go_on(repository, patch("c1", {"leadCount": 1}, {"leadCount": 5}))
        report = backfill.rollback("run-1", repository)
        assert {**self.image(repository), "audit": ()} == before
        _, run = read_runs(repository)
        assert (run.status, run.stats["leadsLinked"]) == (STOPPED, 3)
        with pytest.raises(RunExistsError):
            go_on(repository, link("l2", "c1"))
        backfill.rollback(report.run_id, repository)
        assert self.links(repository) == {"l1": "c1", "l2": "n1"}
        backfill.rollback("run-1", repository)
        assert {**self.image(repository), "audit": ()} == before

    def test_only_a_run_as_it_was_read_is_taken_back(self, repository: Repository) -> None:
        """One that went on since is read again first."""
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        go_on(repository, link("l1", "c1"))
        plan = backfill.plan_rollback("run-1", repository)
        go_on(repository, link("l2", "c1"))
        with pytest.raises(RetryableError, match="went on meanwhile"):
            backfill.apply(plan, repository)
        assert self.links(repository) == {"l1": "c1", "l2": "c1"}
        backfill.rollback("run-1", repository)
        assert self.links(repository) == {"l1": None, "l2": None}

    @pytest.mark.parametrize("seed", range(SEQUENCES))
    def test_any_day_of_a_resolver_is_taken_back(self, repository: Repository, seed: int) -> None:
        """Leads come and are edited over customers that were there; then all is as it was."""
        dice = Random(seed)  # noqa: S311 - a test's dice
        policy = Policy.linked()
        here = [self._lead(dice, f"a{number}") for number in range(4)]
        self.seed(repository, here, dependents={"Job": [job("j1", "a1"), job("j2", "a2")]})
        backfill.apply(backfill.plan(repository, policy, mode="reconcile"), repository)
        resolver = Resolver(repository, policy, "reconcile")
        cells: dict[str, Lead] = {lead.id: lead for lead in here}
        before = self._cells(repository)
        for step in range(STEPS):
            lead = self._lead(dice, dice.choice([f"l{step}", *cells]))
            if lead.id in cells:
                edited = {kind: getattr(lead, kind) for kind in VALUES}
                self.edit_lead(repository, lead.id, **edited)
            else:
                self.seed(repository, [lead])
            cells[lead.id] = lead
            resolver.resolve(lead)
        backfill.rollback(read_runs(repository, 1)[0].id, repository)
        after = self._cells(repository)
        assert {place: after.get(place) for place in before} == before
        assert {cell for place, cell in after.items() if place not in before} <= {None}

    def _lead(self, dice: Random, lead_id: str) -> Lead:
        psid, phone, email = (dice.choice(values) for values in VALUES.values())
        return Lead(lead_id, psid, phone, email)

    def _cells(self, repository: Repository) -> dict[tuple[str, str], object]:
        """Return what a resolver may change: who points at whom, and customers."""
        customers = {
            ("Customer", key): repr(sorted(cast("dict[str, object]", row["metadata"]).items()))
            for key, row in self.raw_customers(repository).items()
        }
        pointers = {
            (table, row): customer
            for table in ("Lead", "Job")
            for row, customer in self.pointers(repository, table).items()
        }
        return {**customers, **pointers}
