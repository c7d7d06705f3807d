"""The part of the contract about what is taken away, brought back and ruled on.

All that a merge, a rollback and a ruling ask of a store.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold.changes import Carry, Erase, Relink, Retire, Rule
from leadfold.exceptions import LeadfoldError, StoreError
from leadfold.model import Customer, Identifier, Lead, Ruling
from leadfold.repository import CUSTOMER, LEAD, RULING
from leadfold.testing.abilities import (
    NotNullLinks,
    UndeclaredReferences,
    UniquePhones,
    UnmappedColumns,
)
from leadfold.testing.changesets import (
    AT,
    follow,
    link,
    new_customer,
    read_basis,
    reindex,
    ruling,
    run_of,
    told,
)
from leadfold.testing.contract_hooks import (
    ADDRESS,
    SourceFailedError,
    StoreHooks,
    bare,
    job,
    read_customers,
    read_entries,
    read_leads,
    read_rulings,
    read_runs,
    restored,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold.changes import Change, Unit
    from leadfold.repository import Repository

__all__ = ["UndoingContract"]

X = Identifier("phone", "+15551230001")
Y = Identifier("email", "a@b.co")
POINTERS = (LEAD, "Job", "Conversation", ADDRESS)


class UndoingContract(StoreHooks):
    """What was written is moved, taken away and brought back, whole; the ledger says how it was."""

    # A customer goes, and comes back.

    def test_a_retired_customer_is_gone(self, repository: Repository) -> None:
        """The row is deleted; the ledger keeps what it showed, and who took its place."""
        customer = Customer("c1", "Ann", X.value, Y.value, {"leadCount": 2}, AT)
        self.seed(repository, customers=[customer, Customer("c2", "Bea")])
        (entry,) = written(repository, Retire("c1", "c2"))
        assert set(self.raw_customers(repository)) == set(read_customers(repository)) == {"c2"}
        image = cast("Mapping[str, object]", entry.before)
        assert (entry.table, entry.row, entry.action) == (CUSTOMER, "c1", "retire")
        assert [image[column] for column in ("name", "phone", "email")] == ["Ann", X.value, Y.value]
        assert entry.after == "c2"

    def test_a_customer_can_retire_without_heir(self, repository: Repository) -> None:
        """Nobody need take the place of a customer that goes."""
        self.seed(repository, customers=bare("c1"))
        (entry,) = written(repository, Retire("c1"))
        assert entry.after is None
        assert self.raw_customers(repository) == {}

    def test_a_restored_customer_is_what_it_was(self, repository: Repository) -> None:
        """The image in the ledger gives back the very row; the ledger tells of that too."""
        metadata = {"createdBy": "crm", "own": {"nested": ["text", None, 1.5]}, "leadCount": 2}
        customer = Customer("c1", "Ann", X.value, Y.value, metadata, AT)
        self.seed(repository, customers=[customer, Customer("c2")])
        before, read = self.raw_customers(repository), read_customers(repository)
        for number, key in enumerate(before):
            into = None if key == "c1" else "c1"
            (gone,) = written(repository, Retire(key, into), number=2 * number)
            (back,) = written(repository, restored(gone), number=2 * number + 1)
            assert told([back]) == [(CUSTOMER, key, "restore", into, gone.before)]
        assert self.raw_customers(repository) == before
        shown = attrs.evolve(read_customers(repository)["c1"], version=read["c1"].version)
        assert shown == read["c1"]

    def test_a_restored_customer_keeps_what_is_not_mapped(self, repository: Repository) -> None:
        """Columns that leadfold was not told of come back as they were, whatever they hold."""
        if not isinstance(self, UnmappedColumns):
            pytest.skip("customers of this store have no columns but those mapped")
        repository = self.with_unmapped_columns(repository, "c1")
        before = self.raw_customers(repository)["c1"]
        (gone,) = written(repository, Retire("c1"))
        assert self.raw_customers(repository) == {}
        written(repository, restored(gone), number=2)
        after = self.raw_customers(repository)["c1"]
        assert after == before
        assert {key: type(cell) for key, cell in after.items()} == {
            key: type(cell) for key, cell in before.items()
        }

    def test_a_customer_of_leadfold_comes_back_as_such(self, repository: Repository) -> None:
        """Who made a customer is known when it is back, whatever name its metadata gives."""
        written(repository, new_customer("c1", metadata={"createdBy": "our importer"}))
        (gone,) = written(repository, Retire("c1"), number=2)
        written(repository, restored(gone), number=3)
        assert read_customers(repository)["c1"].made_by == "leadfold"

    @pytest.mark.parametrize("table", POINTERS)
    def test_a_customer_in_use_cannot_retire(self, repository: Repository, table: str) -> None:
        """A unit that retires a customer at which a row points is at fault, its neighbours not."""
        basis = self.seeded(repository, customers=["c1", "c2", "c3"])
        self.point(repository, table, {"r1": "c2"})
        units = [basis.unit(number, Retire(f"c{number}")) for number in (1, 2, 3)]
        committed = repository.commit(basis.changeset(*units))
        assert [(each.unit, each.cause) for each in committed.failures] == [(2, "fault")]
        assert set(self.raw_customers(repository)) == {"c2"}
        assert self.pointers(repository, table) == {"r1": "c2"}
        assert {entry.row for entry in read_entries(repository, "run-1")} == {"c1", "c3"}

    def test_a_customer_in_use_elsewhere_cannot_retire(self, repository: Repository) -> None:
        """Rows that leadfold was not told of keep their customer: a fault, or a refusal."""
        if not isinstance(self, UndeclaredReferences):
            pytest.skip("no row of this store points at customers undeclared")
        basis = self.seeded(repository, customers=["c1"])
        self.refer_undeclared(repository, "c1")
        with suppress(LeadfoldError):
            committed = repository.commit(basis.changeset(basis.unit(1, Retire("c1"))))
            assert [failure.cause for failure in committed.failures] == ["fault"]
        assert set(self.raw_customers(repository)) == {"c1"}
        assert list(self.raw_undeclared(repository)) == ["c1"]

    def test_a_missing_customer_cannot_retire(self, repository: Repository) -> None:
        """A customer that is gone refuses the plan, whether or not the plan saw it."""
        basis = self.seeded(repository, customers=["c1"])
        self.refuses(repository, basis.changeset(basis.unit(1, Retire("nobody"))))
        written(repository, Retire("c1"))
        again = basis.changeset(basis.unit(1, Retire("c1")), run=run_of("run-2"))
        self.refuses(repository, again)
        unseen = attrs.evolve(
            again, units=[attrs.evolve(basis.unit(1, Retire("c1")), customers={})]
        )
        self.refuses(repository, unseen)

    def test_a_changed_customer_cannot_retire(self, repository: Repository) -> None:
        """A customer whose phone was edited since refuses the plan."""
        basis = self.seeded(repository, customers=["c1"])
        self.edit_customer(repository, "c1", phone="555.9")
        self.refuses(repository, basis.changeset(basis.unit(1, Retire("c1"))))

    def test_nobody_is_restored_over(self, repository: Repository) -> None:
        """A unit that restores a customer that is there is at fault, its neighbours not."""
        self.seed(repository, customers=[Customer("c1", "Ann"), Customer("c2", "Bea")])
        (gone,) = written(repository, Retire("c1"))
        self.seed(repository, customers=[Customer("c1", "Cleo")])
        basis = read_basis(repository)
        units = (basis.unit(1, restored(gone)), basis.unit(2, Retire("c2")))
        committed = repository.commit(basis.changeset(*units, run=run_of("run-2")))
        assert [(each.unit, each.cause) for each in committed.failures] == [(1, "fault")]
        stored = self.raw_customers(repository)
        assert {key: row["name"] for key, row in stored.items()} == {"c1": "Cleo"}

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_unit_is_true_together_when_a_customer_goes(
        self, repository: Repository, *, backwards: bool
    ) -> None:
        """A customer retires though its rows are moved by changes that the unit lists later."""
        leads = [Lead("l1", customer_id="c1"), Lead("l2")]
        jobs = [job("j1", "l1", "c1"), job("j2", None, "c1")]
        self.seeded(repository, *leads, customers=["c1", "c2"], jobs=jobs)
        self.point(repository, ADDRESS, {"a1": "c1", "a2": "c1"})
        changes = (
            Retire("c1", "c2"),
            Carry(ADDRESS, "c1", "c2"),
            Relink("Job", "j2", "c1", None),
            follow("Job", "l1", "c2", before="c1"),
            link("l1", "c2", before="c1"),
        )
        written(repository, *(reversed(changes) if backwards else changes))
        assert set(self.raw_customers(repository)) == {"c2"}
        assert self.links(repository) == {"l1": "c2", "l2": None}
        assert self.pointers(repository, "Job") == {"j1": "c2", "j2": None}
        assert self.pointers(repository, ADDRESS) == {"a1": "c2", "a2": "c2"}

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_unit_is_true_together_when_a_customer_comes(
        self, repository: Repository, *, backwards: bool
    ) -> None:
        """Rows go back to a customer that the unit restores, wherever it lists that."""
        jobs = [job("j1", "l1", "c2"), job("j2", "l1")]
        self.seeded(repository, Lead("l1", customer_id="c2"), customers=["c1", "c2"], jobs=jobs)
        self.point(repository, ADDRESS, {"a1": "c2"})
        (gone,) = written(repository, Retire("c1", "c2"))
        changes: tuple[Change, ...] = (
            link("l1", "c1", before="c2"),
            Relink("Job", "j1", "c2", "c1"),
            follow("Job", "l1", "c1"),
            Relink(ADDRESS, "a1", "c2", "c1"),
            restored(gone),
        )
        if backwards:
            changes = changes[::-1]
        written(repository, *changes, number=2)
        assert set(self.raw_customers(repository)) == {"c1", "c2"}
        assert self.links(repository) == {"l1": "c1"}
        assert self.pointers(repository, "Job") == {"j1": "c1", "j2": "c1"}
        assert self.pointers(repository, ADDRESS) == {"a1": "c1"}

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_unique_phone_goes_from_one_to_the_other(
        self, repository: Repository, *, backwards: bool
    ) -> None:
        """A unit can bring back a customer with the phone of one that it retires."""
        if not isinstance(self, UniquePhones):
            pytest.skip("customers of this store cannot have a unique phone")
        repository = self.with_unique_phones(repository)
        self.seed(repository, customers=[Customer("c1", phone=X.value)])
        (gone,) = written(repository, Retire("c1"))
        made = (new_customer("c2", phone=X.value), link("l1", "c2"))
        self.seed(repository, [Lead("l1")])
        written(repository, *made, number=2)
        changes = (Retire("c2", "c1"), link("l1", "c1", before="c2"), restored(gone))
        written(repository, *(reversed(changes) if backwards else changes), number=3)
        stored = {key: row["phone"] for key, row in self.raw_customers(repository).items()}
        assert stored == {"c1": X.value}
        assert self.links(repository) == {"l1": "c1"}

    def test_a_link_that_must_not_be_null_stays(self, repository: Repository) -> None:
        """Where a lead must have a customer, a unit that takes it away is at fault."""
        if not isinstance(self, NotNullLinks):
            pytest.skip("the link of a lead of this store can always be null")
        repository = self.with_not_null_links(repository)
        leads = (Lead("l1", customer_id="c1"), Lead("l2", customer_id="c1"))
        basis = self.seeded(repository, *leads, customers=["c1", "c2"])
        units = (
            basis.unit(1, link("l1", None, before="c1")),
            basis.unit(2, link("l2", "c2", before="c1")),
        )
        committed = repository.commit(basis.changeset(*units))
        assert [(each.unit, each.cause) for each in committed.failures] == [(1, "fault")]
        assert self.links(repository) == {"l1": "c1", "l2": "c2"}
        with repository.reading() as reader:
            assert reader.facts().not_null[LEAD]

    # Rulings.

    def test_a_ruling_comes_into_force(self, repository: Repository) -> None:
        """A ruling is read back whole, and the ledger holds it."""
        made = ruling("r1", ["l1", "l2"], ['l"3', "ł4"])
        (entry,) = written(repository, Rule(made, in_force=True))
        assert read_rulings(repository) == (made,)
        assert (entry.table, entry.row, entry.action) == (RULING, "r1", "rule")
        assert entry.before is None
        assert Ruling.from_dict(cast("Mapping[str, object]", entry.after)) == made

    def test_a_ruling_goes_out_of_force(self, repository: Repository) -> None:
        """A ruling that was lifted is read no more; the ledger holds what it was."""
        made, other = ruling("r1", ["l1", "l2"]), ruling("r2", ["l1"], ["l3"], minute=1)
        written(repository, Rule(made, in_force=True), Rule(other, in_force=True))
        (entry,) = written(repository, Rule(made, in_force=False), number=2)
        assert read_rulings(repository) == (other,)
        assert (entry.action, entry.after) == ("rule", None)
        assert Ruling.from_dict(cast("Mapping[str, object]", entry.before)) == made

    def test_a_ruling_can_come_again(self, repository: Repository) -> None:
        """What was lifted can be in force again, and has a past."""
        made = ruling("r1", ["l1", "l2"])
        for number, in_force in enumerate([True, False, True]):
            written(repository, Rule(made, in_force=in_force), number=number)
        assert read_rulings(repository) == (made,)
        with repository.reading() as reader:
            past = [(entry.run_id, entry.after is None) for entry in reader.history(RULING, "r1")]
        assert past == [("run-0", False), ("run-1", True), ("run-2", False)]

    def test_rulings_are_read_in_order_of_creation(self, repository: Repository) -> None:
        """Rulings come by the time they were made, then by id, whenever they were written."""
        made = [ruling(key, ["l1", "l2"], minute=at) for key, at in (("b", 2), ("c", 1), ("a", 2))]
        for number, each in enumerate(made):
            written(repository, Rule(each, in_force=True), number=number)
        assert [each.id for each in read_rulings(repository)] == ["c", "a", "b"]

    def test_a_ruling_in_that_state_is_stale(self, repository: Repository) -> None:
        """What is in force cannot come into force, what is not cannot go out of it."""
        made, basis = ruling("r1", ["l1", "l2"]), read_basis(repository)
        into = basis.unit(1, Rule(made, in_force=True))
        out_of = basis.unit(1, Rule(made, in_force=False))
        self.refuses(repository, basis.changeset(out_of))
        written(repository, Rule(made, in_force=True))
        self.refuses(repository, basis.changeset(into, run=run_of("run-2")))
        written(repository, Rule(made, in_force=False), number=2)
        self.refuses(repository, basis.changeset(out_of, run=run_of("run-3")))
        assert read_rulings(repository) == ()

    # What a run does with faults, and its figures.

    def test_the_figures_count_what_was_undone(self, repository: Repository) -> None:
        """Every kind of change is counted, without those of units that were left out."""
        leads = [Lead("l1", customer_id="c1"), Lead("l2", customer_id="c2")]
        customers = ["c1", "c2", "c3", "c4"]
        self.seeded(repository, *leads, customers=customers, jobs=[job("j1", None, "c3")])
        (gone,) = written(repository, Retire("c4"), number=0)
        basis = read_basis(repository)
        rules = [Rule(ruling(f"r{each}", ["l1", "l2"]), in_force=True) for each in (1, 2)]
        units = (
            basis.unit(1, link("l1", "c2", before="c1"), Retire("c1", "c2")),
            basis.unit(2, link("l2", None, before="c2"), restored(gone)),
            basis.unit(3, Retire("c3"), rules[0]),
            basis.unit(4, rules[1]),
        )
        committed = repository.commit(basis.changeset(*units, run=run_of("run-2")))
        extra = committed.stats.extra
        assert [failure.unit for failure in committed.failures] == [3]
        assert committed.stats.leads_linked == 1
        names = ("customersRetired", "customersRestored", "leadsUnlinked", "rulingsMade")
        assert {name: extra[name] for name in names} == dict.fromkeys(names, 1)
        assert read_runs(repository)[0].extra == extra

    def test_a_fault_can_refuse_the_run(self, repository: Repository) -> None:
        """With ``on_fault="refuse"`` nothing at all is written where a unit is at fault."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1", "taken"])
        bad = basis.founding(2, "l2", "taken")
        good = basis.unit(1, Retire("c1"), link("l1", "taken"), reindex("l1", X))
        before = self.image(repository)
        for units in ([good, bad], [bad, good]):
            with pytest.raises(StoreError):
                repository.commit(basis.changeset(*units, on_fault="refuse"))
            assert self.image(repository) == before
            assert read_runs(repository) == ()
            assert read_leads(repository)["l1"].indexed is None

    def test_a_run_without_fault_is_not_refused(self, repository: Repository) -> None:
        """With ``on_fault="refuse"`` a run that the store takes is written as any other."""
        basis = self.seeded(repository, Lead("l1"), customers=["c1"])
        unit = basis.unit(1, Retire("c1"), *basis.founding(1, "l1", "c2").changes)
        committed = repository.commit(basis.changeset(unit, on_fault="refuse"))
        assert committed.failures == ()
        assert self.links(repository) == {"l1": "c2"}
        assert set(self.raw_customers(repository)) == {"c2"}

    def test_a_stale_unit_is_no_fault(self, repository: Repository) -> None:
        """With ``on_fault="refuse"`` a stale unit can be skipped all the same."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        self.edit_lead(repository, "l1", phone="555.9")
        units = (basis.founding(1, "l1", "c1"), basis.founding(2, "l2", "c2"))
        changes = basis.changeset(*units, on_stale="skip", on_fault="refuse")
        assert [each.cause for each in repository.commit(changes).failures] == ["stale"]
        assert self.links(repository) == {"l1": None, "l2": "c2"}

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(Retire("c1"), id="retire"),
            pytest.param(Relink("Job", "j1", "c2", "c3"), id="relink"),
            pytest.param(Rule(ruling("r1", ["l1", "l2"]), in_force=True), id="rule"),
        ],
    )
    def test_two_units_cannot_do_the_same(self, repository: Repository, change: Change) -> None:
        """The second of two units that hold one change does not find what it rests on."""
        jobs = [job("j1", None, "c2")]
        basis = self.seeded(repository, customers=["c1", "c2", "c3"], jobs=jobs)
        units = [basis.unit(number, change) for number in (1, 2)]
        self.refuses(repository, basis.changeset(*units))
        committed = repository.commit(basis.changeset(*units, on_stale="skip"))
        assert [(each.unit, each.cause) for each in committed.failures] == [(2, "stale")]
        assert [entry.unit for entry in read_entries(repository, "run-1")] == [1]

    # All or nothing.

    def test_units_that_fail_midway_undo_nothing(self, repository: Repository) -> None:
        """An error raised after a merge was handed over leaves everything as it was."""
        unit = self.merging(repository)
        before, indexed = self.image(repository), read_leads(repository)

        def units() -> Iterator[Unit]:
            yield unit
            raise SourceFailedError

        basis = read_basis(repository)
        with pytest.raises(SourceFailedError):
            repository.commit(attrs.evolve(basis.changeset(run=run_of("run-2")), units=units()))
        assert self.image(repository) == before
        assert read_leads(repository) == indexed
        assert (read_rulings(repository), read_entries(repository, "run-2")) == ((), ())
        assert [run.id for run in read_runs(repository)] == ["run-1"]

    @pytest.mark.parametrize("cause", ["stale", "fault"])
    def test_a_merge_left_out_leaves_nothing(self, repository: Repository, cause: str) -> None:
        """A merge that is stale or at fault changes no row, no ruling, no index, no ledger."""
        unit = self.merging(repository)
        if cause == "stale":
            self.edit_lead(repository, "l1", phone="555.9")
        else:
            unit = attrs.evolve(unit, changes=(*unit.changes, new_customer("c2")))
        before, indexed = self.image(repository), read_leads(repository)
        changes = read_basis(repository).changeset(unit, run=run_of("run-2"), on_stale="skip")
        committed = repository.commit(changes)
        assert [failure.cause for failure in committed.failures] == [cause]
        assert {**self.image(repository), "audit": ()} == {**before, "audit": ()}
        assert read_leads(repository) == indexed
        assert (read_rulings(repository), read_entries(repository, "run-2")) == ((), ())

    def merging(self, repository: Repository) -> Unit:
        """Seed two customers with rows; return the unit that merges them, and rules and erases."""
        leads = (Lead("l1", customer_id="c1"), Lead("l2", customer_id="c2"), Lead("l3"))
        jobs = [job("j1", "l1", "c1"), job("j2", None, "c1")]
        self.seeded(repository, *leads, customers=["c1", "c2"], jobs=jobs)
        self.point(repository, ADDRESS, {"a1": "c1"})
        written(repository, reindex("l1", X), reindex("l3", X))
        return read_basis(repository).unit(
            1,
            Retire("c1", "c2"),
            link("l1", "c2", before="c1"),
            Carry(LEAD, "c1", "c2"),
            Carry(ADDRESS, "c1", "c2"),
            follow("Job", "l1", "c2", before="c1"),
            Relink("Job", "j2", "c1", "c2"),
            Rule(ruling("r1", ["l1", "l2"]), in_force=True),
            Erase("l3", {}, {}),
        )
