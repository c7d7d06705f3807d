"""The conformance suite of the port: every adapter passes the same one.

A subclass gives the fixture ``repository`` (fresh, empty, with the dependents Job and
Conversation, and with CustomerAddress as a carried table) and what `StoreHooks` asks for;
`leadfold.testing.abilities` names what it may give besides. This part says what is not written,
and what the identity index answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import PatchCustomer
from leadfold.exceptions import RunExistsError
from leadfold.model import Customer, Identifier, Lead
from leadfold.testing.abilities import Tenants, UniquePhones
from leadfold.testing.changesets import follow, link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_chunks import ChunkContract
from leadfold.testing.contract_erasing import ErasingContract
from leadfold.testing.contract_hooks import (
    SourceFailedError,
    job,
    read_holders,
    read_leads,
    read_runs,
)
from leadfold.testing.contract_moving import MovingContract
from leadfold.testing.contract_open import OpenContract
from leadfold.testing.contract_queue import QueueContract
from leadfold.testing.contract_resolving import ResolvingContract
from leadfold.testing.contract_stored import StoredContract
from leadfold.testing.contract_told import ToldContract
from leadfold.testing.contract_undoing import UndoingContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadfold.changes import Unit
    from leadfold.repository import Repository

__all__ = ["RepositoryContract"]

X = Identifier("phone", "+15551230001")
Y = Identifier("email", "a@b.co")


class RepositoryContract(
    StoredContract,
    MovingContract,
    UndoingContract,
    ToldContract,
    ErasingContract,
    ChunkContract,
    OpenContract,
    ResolvingContract,
    QueueContract,
):
    """What every repository does; subclass it as ``TestMyStore``."""

    # A stale unit: what it rests on is not so any more.

    def test_a_lead_linked_since_is_stale(self, repository: Repository) -> None:
        """A lead that somebody linked after the plan was made refuses the plan, and is named."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["theirs"])
        self.edit_lead(repository, "l1", customer_id="theirs")
        units = (basis.founding(1, "l1", "c1"), basis.founding(2, "l2", "c2"))
        self.refuses(repository, basis.changeset(*units), names={"l1"})

    @pytest.mark.parametrize("column", ["phone", "email", "psid"])
    def test_an_edited_identifier_is_stale(self, repository: Repository, column: str) -> None:
        """A lead whose identifier was edited after the plan was made refuses the plan."""
        basis = self.seeded(repository, Lead("l1", phone="555.1", email="a@b.co", psid="1"))
        self.edit_lead(repository, "l1", **{column: "555.9"})
        self.refuses(repository, basis.changeset(basis.founding(1, "l1", "c1")), names={"l1"})

    def test_a_lead_read_but_unchanged_can_be_stale(self, repository: Repository) -> None:
        """A unit rests on all leads it names, also those it does not write."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        unit = attrs.evolve(basis.founding(1, "l1", "c1"), leads=basis.leads)
        self.edit_lead(repository, "l2", phone="555.9")
        self.refuses(repository, basis.changeset(unit), names={"l2"})

    def test_a_deleted_lead_is_stale(self, repository: Repository) -> None:
        """A lead that is gone refuses the plan."""
        basis = self.seeded(repository, Lead("l1"))
        self.delete_lead(repository, "l1")
        self.refuses(repository, basis.changeset(basis.founding(1, "l1", "c1")), names={"l1"})

    def test_every_stale_lead_is_named(self, repository: Repository) -> None:
        """A refusal names all the leads that changed, and only those."""
        leads = [f"l{number}" for number in range(6)]
        basis = self.seeded(repository, *map(Lead, leads))
        for lead in leads[::2]:
            self.edit_lead(repository, lead, phone="555.9")
        units = [basis.founding(number, lead, f"c{number}") for number, lead in enumerate(leads)]
        self.refuses(repository, basis.changeset(*units), names={"l0", "l2", "l4"})

    def test_an_unrelated_column_is_not_stale(self, repository: Repository) -> None:
        """A lead whose name was edited is written as planned, and keeps its new name."""
        basis = self.seeded(repository, Lead("l1", name="Ann"))
        self.edit_lead(repository, "l1", name="Bea")
        repository.commit(basis.changeset(basis.founding(1, "l1", "c1")))
        assert self.links(repository) == {"l1": "c1"}
        assert self.raw_leads(repository)["l1"]["name"] == "Bea"

    def test_a_lead_that_came_since_is_not_stale(self, repository: Repository) -> None:
        """A lead inserted after the plan was made is the next run's work."""
        basis = self.seeded(repository, Lead("l1", phone="555.1"))
        self.seed(repository, [Lead("l2", phone="555.1")])
        repository.commit(basis.changeset(basis.founding(1, "l1", "c1")))
        assert self.links(repository) == {"l1": "c1", "l2": None}

    @pytest.mark.parametrize("column", ["phone", "email"])
    def test_an_edited_customer_is_stale(self, repository: Repository, column: str) -> None:
        """A customer whose phone or email was edited since refuses the plan that joins it."""
        basis = self.seeded(repository, Lead("l1"), customers=["c1"])
        self.edit_customer(repository, "c1", **{column: "555.9"})
        self.refuses(repository, basis.changeset(basis.unit(1, link("l1", "c1"))), names={"l1"})

    def test_a_renamed_customer_is_not_stale(self, repository: Repository) -> None:
        """A customer whose name was edited takes the lead as planned."""
        basis = self.seeded(repository, Lead("l1"), customers=["c1"])
        self.edit_customer(repository, "c1", name="Bea")
        repository.commit(basis.changeset(basis.unit(1, link("l1", "c1"))))
        assert self.links(repository) == {"l1": "c1"}

    @pytest.mark.parametrize(
        "now",
        [
            pytest.param({"leadCount": 7}, id="another value"),
            pytest.param({}, id="gone"),
            pytest.param({"leadCount": 1, "groupKey": "x"}, id="a key that was not there"),
        ],
    )
    def test_metadata_that_changed_is_stale(
        self, repository: Repository, now: dict[str, object]
    ) -> None:
        """A patch is refused where its keys are not as it found them."""
        customer = Customer("c1", metadata={"leadCount": 1})
        self.seed(repository, [Lead("l1")], [customer])
        basis = read_basis(repository)
        patch = PatchCustomer("c1", {"leadCount": 1}, {"leadCount": 2, "groupKey": "y"})
        self.edit_customer(repository, "c1", metadata=now)
        self.refuses(repository, basis.changeset(basis.unit(1, link("l1", "c1"), patch)))

    def test_other_metadata_is_not_stale(self, repository: Repository) -> None:
        """A patch is written where keys that it does not name were edited, and they stay so."""
        self.seed(repository, customers=[Customer("c1", metadata={"leadCount": 1, "own": 1})])
        basis = read_basis(repository)
        self.edit_customer(repository, "c1", metadata={"leadCount": 1, "own": 2})
        patch = PatchCustomer("c1", {"leadCount": 1}, {"leadCount": 2})
        repository.commit(basis.changeset(basis.unit(1, patch)))
        assert self.raw_customers(repository)["c1"]["metadata"] == {"leadCount": 2, "own": 2}

    def test_a_value_claimed_since_is_stale(self, repository: Repository) -> None:
        """A value that a later commit gave to another lead refuses the plan that claims it."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        repository.commit(basis.changeset(basis.unit(1, reindex("l2", X))))
        unit = basis.unit(1, new_customer("c1"), link("l1", "c1"), reindex("l1", X))
        changes = basis.changeset(unit, run=run_of("run-2", minute=1))
        self.refuses(repository, changes, names={"l1"})

    def test_a_value_held_before_can_be_claimed_since(self, repository: Repository) -> None:
        """A unit also claims what the index says that its leads hold already."""
        first = self.seeded(repository, Lead("l1"), Lead("l2"))
        repository.commit(first.changeset(first.unit(1, reindex("l1", X))))
        basis = read_basis(repository)
        second = basis.unit(1, reindex("l2", X))
        repository.commit(basis.changeset(second, run=run_of("run-2", minute=1)))
        changes = basis.changeset(basis.founding(1, "l1", "c1"), run=run_of("run-3", minute=2))
        self.refuses(repository, changes, names={"l1"})

    def test_a_value_of_a_record_that_changed_since_is_stale(self, repository: Repository) -> None:
        """A record that came to hold more claims all that it holds: it may have no row."""
        first = self.seeded(repository, Lead("l1"))
        repository.commit(first.changeset(first.unit(1, reindex("none", X))))
        basis = read_basis(repository)
        second = basis.unit(1, reindex("none", X, Y))
        repository.commit(basis.changeset(second, run=run_of("run-2", minute=1)))
        changes = basis.changeset(basis.unit(1, reindex("l1", X)), run=run_of("run-3", minute=2))
        self.refuses(repository, changes, names={"l1"})

    def test_a_value_of_a_lead_that_moved_since_is_stale(self, repository: Repository) -> None:
        """A lead that is another customer's now claims what it holds: owners are counted."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        founding = basis.unit(1, new_customer("c2"), link("l2", "c2"), reindex("l2", X))
        repository.commit(basis.changeset(founding))
        basis = read_basis(repository)
        moved = basis.unit(1, new_customer("c3"), link("l2", "c3", before="c2"))
        repository.commit(basis.changeset(moved, run=run_of("run-2", minute=1)))
        changes = basis.changeset(basis.unit(1, reindex("l1", X)), run=run_of("run-3", minute=2))
        self.refuses(repository, changes, names={"l1"})

    def test_another_value_claimed_since_is_not_stale(self, repository: Repository) -> None:
        """A commit that claimed other values does not matter."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        repository.commit(basis.changeset(basis.unit(1, reindex("l2", Y))))
        unit = basis.unit(1, new_customer("c1"), link("l1", "c1"), reindex("l1", X))
        repository.commit(basis.changeset(unit, run=run_of("run-2", minute=1)))
        assert self.links(repository) == {"l1": "c1", "l2": None}

    def test_units_of_one_run_can_claim_one_value(self, repository: Repository) -> None:
        """A value that two units hold is claimed by both: a run is not stale for itself."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        units = (basis.unit(1, reindex("l1", X)), basis.unit(2, reindex("l2", X)))
        repository.commit(basis.changeset(*units))
        assert set(read_holders(repository, X).records) == {"l1", "l2"}

    def test_a_stale_unit_can_be_skipped(self, repository: Repository) -> None:
        """With ``on_stale="skip"`` the stale unit is left out whole and reported, no other."""
        jobs = [job("j1", "l1"), job("j2", "l2")]
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), jobs=jobs)
        self.edit_lead(repository, "l1", phone="555.9")
        units = [
            basis.unit(
                number,
                new_customer(f"c{number}"),
                link(f"l{number}", f"c{number}"),
                follow("Job", f"l{number}", f"c{number}"),
                reindex(f"l{number}", X),
            )
            for number in (1, 2)
        ]
        committed = repository.commit(basis.changeset(*units, on_stale="skip"))
        (failure,) = committed.failures
        assert (failure.unit, failure.lead_ids, failure.cause) == (1, ("l1",), "stale")
        assert self.links(repository) == {"l1": None, "l2": "c2"}
        assert set(self.raw_customers(repository)) == {"c2"}
        assert self.raw_dependents(repository, "Job")["j1"]["customer_id"] is None
        assert read_leads(repository)["l1"].indexed is None

    # A faulty unit: the store has something against one of its rows.

    def test_a_faulty_unit_is_left_out_alone(self, repository: Repository) -> None:
        """A unit that the store refuses is reported; those before and after it are written."""
        basis = self.seeded(repository, *map(Lead, ["l1", "l2", "l3"]), customers=["taken"])
        bad = basis.founding(2, "l2", "taken")
        good = (basis.founding(1, "l1", "c1"), basis.founding(3, "l3", "c3"))
        committed = repository.commit(basis.changeset(good[0], bad, good[1]))
        (failure,) = committed.failures
        assert (failure.unit, failure.lead_ids, failure.cause) == (2, ("l2",), "fault")
        assert failure.message
        assert self.links(repository) == {"l1": "c1", "l2": None, "l3": "c3"}
        assert set(self.raw_customers(repository)) == {"taken", "c1", "c3"}

    def test_a_faulty_unit_leaves_nothing(self, repository: Repository) -> None:
        """What a unit changed before its fault is not there either, nor in ledger and index."""
        jobs = [job("j1", "l1")]
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), jobs=jobs)
        unit = basis.unit(
            1,
            new_customer("c1"),
            link("l1", "c1"),
            follow("Job", "l1", "c1"),
            reindex("l1", X),
            link("l2", "nobody"),
        )
        before = self.image(repository)
        committed = repository.commit(basis.changeset(unit))
        assert [failure.cause for failure in committed.failures] == ["fault"]
        assert {**self.image(repository), "audit": ()} == before
        assert read_leads(repository)["l1"].indexed is None
        with repository.reading() as reader:
            assert tuple(reader.entries("run-1")) == ()

    def test_a_few_faulty_units_among_many(self, repository: Repository) -> None:
        """However many units there are, exactly the faulty ones are left out."""
        leads = [f"l{number}" for number in range(300)]
        bad = {0, 17, 18, 150, 299}
        basis = self.seeded(repository, *map(Lead, leads), customers=["taken"])
        units = [
            basis.founding(number, lead, "taken" if number in bad else f"c{number}")
            for number, lead in enumerate(leads)
        ]
        committed = repository.commit(basis.changeset(*units))
        assert {failure.unit for failure in committed.failures} == bad
        assert self.links(repository) == {
            lead: None if number in bad else f"c{number}" for number, lead in enumerate(leads)
        }

    def test_stale_and_faulty_units_are_both_reported(self, repository: Repository) -> None:
        """Where stale units are skipped, faulty ones are too; the rest is written."""
        basis = self.seeded(repository, *map(Lead, ["l1", "l2", "l3"]), customers=["taken"])
        self.edit_lead(repository, "l1", phone="555.9")
        units = (
            basis.founding(1, "l1", "c1"),
            basis.founding(2, "l2", "taken"),
            basis.founding(3, "l3", "c3"),
        )
        committed = repository.commit(basis.changeset(*units, on_stale="skip"))
        causes = {failure.unit: failure.cause for failure in committed.failures}
        assert causes == {1: "stale", 2: "fault"}
        assert self.links(repository) == {"l1": None, "l2": None, "l3": "c3"}
        assert committed.stats.customers_created == 1

    def test_figures_count_what_was_written(self, repository: Repository) -> None:
        """A unit that was left out counts as an error, not as customers and links."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["taken"])
        units = (basis.founding(1, "l1", "c1"), basis.founding(2, "l2", "taken"))
        stats = repository.commit(basis.changeset(*units)).stats
        assert (stats.customers_created, stats.leads_linked) == (1, 1)
        assert [error["unit"] for error in stats.errors] == [2]
        (run,) = read_runs(repository)
        assert run.stats == stats.to_dict()

    def test_a_faulty_unit_reserves_no_phone(self, repository: Repository) -> None:
        """A good unit is written though a faulty one before it shows the same unique phone."""
        if not isinstance(self, UniquePhones):
            pytest.skip("customers of this store cannot have a unique phone")
        repository = self.with_unique_phones(repository)
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        bad = basis.unit(1, new_customer("c1", phone=X.value), link("l1", "nobody"))
        good = basis.founding(2, "l2", "c2", phone=X.value)
        committed = repository.commit(basis.changeset(bad, good))
        assert [failure.unit for failure in committed.failures] == [1]
        assert self.links(repository) == {"l1": None, "l2": "c2"}

    def test_the_first_of_two_units_shows_a_unique_phone(self, repository: Repository) -> None:
        """Of two units that show one unique phone the first is written, the other reported."""
        if not isinstance(self, UniquePhones):
            pytest.skip("customers of this store cannot have a unique phone")
        repository = self.with_unique_phones(repository)
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), Lead("l3"))
        units = [
            basis.founding(number, f"l{number}", f"c{number}", phone=phone)
            for number, phone in enumerate([X.value, X.value, None], start=1)
        ]
        committed = repository.commit(basis.changeset(*units))
        assert [failure.unit for failure in committed.failures] == [2]
        assert X.value not in committed.failures[0].message
        assert self.links(repository) == {"l1": "c1", "l2": None, "l3": "c3"}

    # All or nothing.

    def test_a_run_is_committed_once(self, repository: Repository) -> None:
        """The same run again is refused, and writes nothing."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        repository.commit(basis.changeset(basis.founding(1, "l1", "c1")))
        before = self.image(repository)
        again = read_basis(repository)
        with pytest.raises(RunExistsError) as refused:
            repository.commit(again.changeset(again.founding(1, "l2", "c2")))
        assert refused.value.run_id == "run-1"
        assert self.image(repository) == before
        assert len(read_runs(repository)) == 1

    def test_a_source_of_units_that_fails_writes_nothing(self, repository: Repository) -> None:
        """An error raised between two units comes out as it is; nothing at all was written."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), jobs=[job("j1", "l1")])
        before = self.image(repository)
        with pytest.raises(SourceFailedError):
            repository.commit(attrs.evolve(basis.changeset(), units=_failing(basis.founding)))
        assert self.image(repository) == before
        assert read_runs(repository) == ()
        assert read_leads(repository)["l1"].indexed is None

    def test_a_run_that_failed_can_be_committed(self, repository: Repository) -> None:
        """A run of which nothing was written was never made: its id is free."""
        basis = self.seeded(repository, Lead("l1"))
        unit = basis.founding(1, "l1", "c1")
        with pytest.raises(SourceFailedError):
            repository.commit(attrs.evolve(basis.changeset(), units=_failing(basis.founding)))
        repository.commit(basis.changeset(unit))
        assert self.links(repository) == {"l1": "c1"}

    # The identity index: who holds what.

    def test_the_index_holds_what_it_was_given(self, repository: Repository) -> None:
        """A record is read with its identifiers, sorted; a record without any as seen."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        changes = (reindex("l1", X, Y), reindex("l2"), reindex("customer:c1", X))
        repository.commit(basis.changeset(basis.unit(1, *changes)))
        leads = {key: row.indexed for key, row in read_leads(repository).items()}
        assert leads == {"l1": (Y, X), "l2": ()}
        with repository.reading() as reader:
            (batch,) = reader.customers()
        assert list(batch.indexed) == [(X,)]

    def test_holders_come_with_all_they_hold(self, repository: Repository) -> None:
        """A look-up returns every holder, lead or customer record, with all its identifiers."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        changes = (reindex("l1", X, Y), reindex("l2", Y), reindex("customer:c1", X))
        repository.commit(basis.changeset(basis.unit(1, *changes)))
        found = read_holders(repository, X)
        assert dict(found.records) == {"l1": (Y, X), "customer:c1": (X,)}
        assert found.saturated == frozenset()
        assert read_holders(repository, Identifier("psid", "nobody's")).records == {}

    def test_a_value_of_too_many_is_saturated(self, repository: Repository) -> None:
        """No more holders are returned than were asked for; a value with more is named."""
        leads = [f"l{number}" for number in range(5)]
        basis = self.seeded(repository, *map(Lead, leads))
        changes = (*(reindex(lead, X) for lead in leads[1:]), reindex("l0", Y))
        repository.commit(basis.changeset(basis.unit(1, *changes)))
        too_few, all_of_them = 3, 4
        few = read_holders(repository, X, Y, at_most=too_few)
        enough = read_holders(repository, X, Y, at_most=all_of_them)
        assert few.saturated == {X}
        assert len(few.records.keys() - {"l0"}) <= too_few
        assert few.records["l0"] == (Y,)
        assert (enough.saturated, set(enough.records)) == (frozenset(), set(leads))

    def test_an_entry_is_replaced(self, repository: Repository) -> None:
        """A record holds what it was given last; a value it lost has another version."""
        basis = self.seeded(repository, Lead("l1"))
        repository.commit(basis.changeset(basis.unit(1, reindex("l1", X))))
        before = read_holders(repository, X, Y).versions
        basis = read_basis(repository)
        changes = basis.changeset(basis.unit(1, reindex("l1", Y)), run=run_of("run-2", minute=1))
        repository.commit(changes)
        found = read_holders(repository, X, Y)
        assert dict(found.records) == {"l1": (Y,)}
        assert found.versions.get(X, 0) != before[X]
        assert found.versions[Y] > before.get(Y, 0)

    def test_an_entry_written_again_changes_no_version(self, repository: Repository) -> None:
        """A record that holds what it held leaves the value's version alone: no plan is stale."""
        basis = self.seeded(repository, Lead("l1"))
        repository.commit(basis.changeset(basis.unit(1, reindex("l1", X))))
        before, basis = read_holders(repository, X), read_basis(repository)
        for number in (2, 3):
            unit = basis.unit(1, reindex("l1", X))
            run = run_of(f"run-{number}", minute=number)
            repository.commit(basis.changeset(unit, run=run))
        assert read_holders(repository, X) == before

    def test_a_claim_is_later_than_what_was_read_before_it(self, repository: Repository) -> None:
        """A commit that adds a holder gives the value another version, and every plan its place."""
        before = self.seeded(repository, Lead("l1"), Lead("l2"), Lead("l3"))
        repository.commit(before.changeset(before.unit(1, reindex("l1", X))))
        one, basis = read_holders(repository, X), read_basis(repository)
        changes = basis.changeset(basis.unit(1, reindex("l2", X)), run=run_of("run-2", minute=1))
        repository.commit(changes)
        assert read_holders(repository, X).versions[X] != one.versions[X]
        late = run_of("run-3", minute=2)
        self.refuses(repository, basis.changeset(basis.unit(1, reindex("l3", X)), run=late))
        after = read_basis(repository)
        repository.commit(after.changeset(after.unit(1, reindex("l3", X)), run=late))
        assert set(read_holders(repository, X).records) == {"l1", "l2", "l3"}

    def test_a_run_marks_the_index_with_its_policy(self, repository: Repository) -> None:
        """The index carries the fingerprint of the run that wrote it last, or None."""
        basis = self.seeded(repository, Lead("l1"))
        marks = [fingerprint(repository)]
        repository.commit(basis.changeset(basis.unit(1, reindex("l1", X))))
        marks.append(fingerprint(repository))
        basis = read_basis(repository)
        changes = basis.changeset(run=run_of("run-2", minute=1, policy="policy-2"))
        repository.commit(changes)
        marks.append(fingerprint(repository))
        assert marks == [None, "policy-1", "policy-2"]

    def test_tenants_with_equal_phones_stay_apart(self, repository: Repository) -> None:
        """Two tenants hold one phone: neither sees the other's leads, claims or runs."""
        if not isinstance(self, Tenants):
            pytest.skip("this store keeps no tenants")
        ours, theirs = self.two_tenants(repository)
        basis = {"l1": self.seeded(ours, Lead("l1", phone="555.1"))}
        basis["l2"] = self.seeded(theirs, Lead("l2", phone="555.1"))
        for side, lead in ((ours, "l1"), (theirs, "l2")):
            changes = (new_customer(f"c-{lead}"), link(lead, f"c-{lead}"), reindex(lead, X))
            run = run_of(f"run-{lead}")
            side.commit(basis[lead].changeset(basis[lead].unit(1, *changes), run=run))
        for side, lead in ((ours, "l1"), (theirs, "l2")):
            rows = read_leads(side)
            assert {key: row.customer_id for key, row in rows.items()} == {lead: f"c-{lead}"}
            assert dict(read_holders(side, X).records) == {lead: (X,)}
            assert [run.id for run in read_runs(side)] == [f"run-{lead}"]


def fingerprint(repository: Repository) -> str | None:
    """Read what the index is marked with."""
    with repository.reading() as reader:
        return reader.facts().fingerprint


def _failing(founding: Callable[[int, str, str], Unit]) -> Iterator[Unit]:
    yield founding(1, "l1", "c1")
    raise SourceFailedError
