"""The part of the contract about what points at a customer, and takes another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import Carry, Relink
from leadfold.model import Lead
from leadfold.repository import LEAD
from leadfold.testing.changesets import follow, run_of, told
from leadfold.testing.contract_hooks import (
    ADDRESS,
    StoreHooks,
    bare,
    commit,
    job,
    read_entries,
    written,
)

if TYPE_CHECKING:
    from leadfold.repository import Repository

__all__ = ["MovingContract"]

FOLLOWERS = ("Job", "Conversation", ADDRESS)
POINTERS = (LEAD, *FOLLOWERS)


class MovingContract(StoreHooks):
    """Rows follow, are carried or linked anew, each from where it was found to be."""

    def test_a_follow_moves_what_points_at_its_before(self, repository: Repository) -> None:
        """A follow with a *before* moves the lead's rows that point there, and no others."""
        jobs = [
            job("j1", "l1", "c1"),
            job("j2", "l1"),
            job("j3", "l1", "c3"),
            job("j4", "l2", "c1"),
        ]
        self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1", "c2", "c3"], jobs=jobs)
        entries = written(repository, follow("Job", "l1", "c2", before="c1"))
        moved = {"j1": "c2", "j2": None, "j3": "c3", "j4": "c1"}
        assert self.pointers(repository, "Job") == moved
        assert told(entries) == [("Job", "j1", "follow", "c1", "c2")]

    @pytest.mark.parametrize("table", POINTERS)
    def test_a_carry_moves_every_row(self, repository: Repository, table: str) -> None:
        """All rows of a table that point at one customer take another, each with its entry."""
        self.seed(repository, customers=bare("c1", "c2", "c3"))
        self.point(repository, table, {"r1": "c1", "r2": "c1", "r3": "c3", "r4": "c2"})
        entries = written(repository, Carry(table, "c1", "c2"))
        moved = {"r1": "c2", "r2": "c2", "r3": "c3", "r4": "c2"}
        assert self.pointers(repository, table) == moved
        action = "link" if table == LEAD else "follow"
        assert told(entries) == [(table, row, action, "c1", "c2") for row in ("r1", "r2")]

    @pytest.mark.parametrize("table", POINTERS)
    def test_a_carry_takes_what_came_since(self, repository: Repository, table: str) -> None:
        """Rows that somebody wrote after the plan was made are carried with the others."""
        basis = self.seeded(repository, customers=["c1", "c2"])
        self.point(repository, table, {"r1": "c1"})
        repository.commit(basis.changeset(basis.unit(1, Carry(table, "c1", "c2"))))
        assert self.pointers(repository, table) == {"r1": "c2"}
        assert [entry.row for entry in read_entries(repository, "run-1")] == ["r1"]

    @pytest.mark.parametrize("table", POINTERS)
    def test_a_carry_of_nothing_is_no_fault(self, repository: Repository, table: str) -> None:
        """Where no row points at the customer nothing is changed, and nothing is told."""
        self.seed(repository, customers=bare("c1", "c2"))
        self.point(repository, table, {"r1": "c2"})
        assert written(repository, Carry(table, "c1", "c2")) == ()
        assert self.pointers(repository, table) == {"r1": "c2"}

    @pytest.mark.parametrize("table", POINTERS)
    def test_a_carry_to_nobody_is_a_fault(self, repository: Repository, table: str) -> None:
        """Rows cannot be carried to a customer that does not exist."""
        self.seed(repository, customers=bare("c1"))
        self.point(repository, table, {"r1": "c1"})
        committed = commit(repository, Carry(table, "c1", "nobody"))
        assert [failure.cause for failure in committed.failures] == ["fault"]
        assert self.pointers(repository, table) == {"r1": "c1"}

    def test_a_carried_lead_has_another_version(self, repository: Repository) -> None:
        """A plan that rests on a lead is stale once the lead was carried."""
        basis = self.seeded(repository, Lead("l1", customer_id="c1"), customers=["c1", "c2"])
        written(repository, Carry(LEAD, "c1", "c2"))
        unit = attrs.evolve(basis.unit(1), leads=basis.leads)
        self.refuses(repository, basis.changeset(unit, run=run_of("run-2")), names={"l1"})

    @pytest.mark.parametrize("table", FOLLOWERS)
    def test_a_relink_moves_one_row(self, repository: Repository, table: str) -> None:
        """One row takes another customer; its neighbours keep theirs."""
        self.seed(repository, customers=bare("c1", "c2"))
        self.point(repository, table, {"r1": "c1", "r2": "c1"})
        entries = written(repository, Relink(table, "r1", "c1", "c2"))
        assert self.pointers(repository, table) == {"r1": "c2", "r2": "c1"}
        assert told(entries) == [(table, "r1", "follow", "c1", "c2")]

    @pytest.mark.parametrize("table", ["Job", "Conversation"])
    def test_a_relink_goes_to_none_and_back(self, repository: Repository, table: str) -> None:
        """A row can lose its customer, and take one again."""
        self.seed(repository, customers=bare("c1"))
        self.point(repository, table, {"r1": "c1"})
        entries = written(repository, Relink(table, "r1", "c1", None))
        assert self.pointers(repository, table) == {"r1": None}
        assert told(entries) == [(table, "r1", "follow", "c1", None)]
        written(repository, Relink(table, "r1", None, "c1"), number=2)
        assert self.pointers(repository, table) == {"r1": "c1"}

    @pytest.mark.parametrize("table", FOLLOWERS)
    def test_a_relink_of_a_moved_row_is_stale(self, repository: Repository, table: str) -> None:
        """A row that points elsewhere now refuses the plan."""
        basis = self.seeded(repository, customers=["c1", "c2", "c3"])
        self.point(repository, table, {"r1": "c3"})
        unit = basis.unit(1, Relink(table, "r1", "c1", "c2"))
        self.refuses(repository, basis.changeset(unit))

    @pytest.mark.parametrize("table", FOLLOWERS)
    @pytest.mark.parametrize("before", ["c1", None])
    def test_a_relink_of_a_missing_row_is_stale(
        self, repository: Repository, table: str, before: str | None
    ) -> None:
        """A row that is gone refuses the plan, wherever it pointed."""
        basis = self.seeded(repository, customers=["c1", "c2"])
        unit = basis.unit(1, Relink(table, "nobody", before, "c2"))
        self.refuses(repository, basis.changeset(unit))

    def test_a_relink_to_nobody_is_a_fault(self, repository: Repository) -> None:
        """A row cannot take a customer that does not exist."""
        self.seeded(repository, customers=["c1"], jobs=[job("j1", None, "c1")])
        committed = commit(repository, Relink("Job", "j1", "c1", "nobody"))
        assert [failure.cause for failure in committed.failures] == ["fault"]
        assert self.pointers(repository, "Job") == {"j1": "c1"}
