"""`customers.merge`: one customer takes over all of another, whose row the ledger keeps."""

from __future__ import annotations

import pytest

from leadfold import InMemoryRepository, Lead, backfill
from leadfold.backfill import rollback
from leadfold.customers import merge, split
from leadfold.exceptions import (
    DecisionError,
    MappingError,
    RunExistsError,
    StoreError,
    UnknownCustomerError,
)
from leadfold.model import Customer
from oracle.decided import (
    AT,
    Undeclared,
    X,
    Y,
    Z,
    backfilled,
    counts,
    entries,
    found,
    history,
    links,
    rename,
    rulings,
    run,
    state,
)


@pytest.fixture
def repository() -> InMemoryRepository:
    """Return a store of C1 with leads a and b, C2 with c; a job each, addresses and notes."""
    return backfilled(
        Lead("a", phone=X, name="Ann"),
        Lead("b", phone=X),
        Lead("c", phone=Y, name="Cy"),
        dependents={"Job": [{"id": f"j{lead}", "lead_id": lead} for lead in "abc"]},
        references={
            "Address": [{"id": "1", "customer_id": "C1"}, {"id": "2", "customer_id": "C2"}],
            "Note": [{"id": "1", "customer_id": None}],
        },
    )


def customers_of(rows: tuple[object, ...]) -> list[object]:
    """Return the customers that rows point at."""
    return [row["customer_id"] for row in rows if isinstance(row, dict)]


def test_leads_dependents_and_references_are_carried_over(repository: InMemoryRepository) -> None:
    """The row is gone, and nothing else changed."""
    merge(repository, "C2", "C1")
    assert links(repository) == {"a": "C2", "b": "C2", "c": "C2"}
    assert customers_of(repository.dependents("Job")) == ["C2"] * 3
    assert customers_of(repository.references("Address")) == ["C2"] * 2
    assert customers_of(repository.references("Note")) == [None]
    assert [row.id for row in repository.customers()] == ["C2"]


def test_a_row_that_follows_no_lead_is_carried_too(repository: InMemoryRepository) -> None:
    """A job of the customer alone, and one whose lead has another customer."""
    repository.insert_dependent("Job", {"id": "own", "customer_id": "C1"})
    repository.insert_dependent("Job", {"id": "odd", "lead_id": "c", "customer_id": "C1"})
    merge(repository, "C2", "C1")
    assert customers_of(repository.dependents("Job")) == ["C2"] * 5


def test_what_the_keeper_shows_stays(repository: InMemoryRepository) -> None:
    """Name, phone and email; the two counts follow its leads."""
    before = found(repository, "C2")
    merge(repository, "C2", "C1")
    after = found(repository, "C2")
    assert (after.name, after.phone, after.email) == (before.name, before.phone, before.email)
    changed = {"leadCount": 3, "multipleLeads": True}
    assert after.metadata == {**(before.metadata or {}), **changed}


def test_the_ledger_keeps_the_row_whole(repository: InMemoryRepository) -> None:
    """With what others wrote on it, and who took its place."""
    rename(repository, "C1", metadata={"vip": {"since": [2020]}}, email="a@x.co")
    row = found(repository, "C1")
    merge(repository, "C2", "C1", run_id="m")
    (entry,) = (each for each in entries(repository, "m") if each.action == "retire")
    assert entry.after == "C2"
    assert isinstance(entry.before, dict)
    assert {name: entry.before[name] for name in ("name", "phone", "email", "metadata")} == {
        "name": row.name,
        "phone": row.phone,
        "email": "a@x.co",
        "metadata": {"vip": {"since": [2020]}},
    }
    assert entry.before["created_at"] == row.created_at


def test_it_is_a_run_of_one_unit(repository: InMemoryRepository) -> None:
    """With actor, time and figures, and one entry of the audit trail."""
    report = merge(repository, "C2", "C1", actor="ann", run_id="m", now=AT)
    assert (report.run_id, report.outcome) == ("m", "done")
    with repository.reading() as reader:
        (stored,) = reader.runs(1, ids=["m"])
    assert (stored.action, stored.actor, stored.at) == ("merge_customers", "ann", AT)
    assert {entry.unit for entry in entries(repository, "m")} == {0}
    assert [entry.reason for entry in entries(repository, "m") if entry.table == "Lead"] == [
        "merge of C1"
    ] * 2
    assert (repository.audit()[-1].id, repository.audit()[-1].action) == ("m", "merge_customers")
    assert report.stats.leads_linked == 2
    assert report.stats.extra["customersRetired"] == 1
    assert report.stats.extra["rulingsMade"] == 1


def test_it_is_a_ruling_that_later_runs_honour(repository: InMemoryRepository) -> None:
    """A lead that belongs to what was absorbed goes to the keeper; no drift is reported."""
    merge(repository, "C2", "C1", run_id="m", actor="ann", now=AT)
    (ruling,) = rulings(repository)
    assert (ruling.id, ruling.parts, ruling.actor) == ("m", (("a", "b", "c"),), "ann")
    assert ruling.created_at == AT
    repository.insert_lead(Lead("new", phone=X))
    planned = backfill.plan(repository)
    assert (planned.drift, planned.stats.customers_created) == ((), 0)
    run(repository, "second")
    assert links(repository)["new"] == "C2"
    assert counts(repository) == {"C2": (4, True)}


def test_validate_finds_nothing_wrong(repository: InMemoryRepository) -> None:
    """Not even a warning."""
    merge(repository, "C2", "C1")
    assert [check.name for check in backfill.validate(repository).checks if not check.ok] == []


def test_undoing_it_brings_the_old_id_back(repository: InMemoryRepository) -> None:
    """With everything that was carried over, and the ruling is gone."""
    before = state(repository)
    merge(repository, "C2", "C1", run_id="m")
    after = state(repository)
    rollback("m", repository, new_run_id="undo")
    assert state(repository) == before
    rollback("undo", repository)
    assert state(repository) == after


@pytest.mark.parametrize("keep", ["C1", "H"])
def test_a_customer_made_by_hand_takes_part_as_a_record(keep: str) -> None:
    """It is named in the ruling where it stays, gets no counts, and its phone joins new leads."""
    repository = backfilled(
        Lead("a", phone=X), customers=[Customer("H", "Hal", Z, metadata={"own": 1})]
    )
    (absorb,) = {"C1", "H"} - {keep}
    before = state(repository)
    merge(repository, keep, absorb, run_id="m")
    assert [ruling.parts for ruling in rulings(repository)] == (
        [(("a", "customer:H"),)] if keep == "H" else []
    )
    assert links(repository) == {"a": keep}
    if keep == "H":
        assert found(repository, "H").metadata == {"own": 1}
        repository.insert_leads([Lead("x", phone=X), Lead("z", phone=Z)])
        run(repository, "second")
        assert links(repository) == {"a": "H", "x": "H", "z": "H"}
        rollback("second", repository)
        repository.delete_lead("x")
        repository.delete_lead("z")
    rollback("m", repository)
    assert state(repository) == before


def test_a_customer_of_the_original_is_counted_too() -> None:
    """The two counts follow for customers that leadfold or the original made."""
    original = {"createdBy": "backfill-customers.ts", "leadCount": 1, "multipleLeads": False}
    repository = backfilled(
        Lead("a", phone=X, customer_id="O"),
        Lead("b", phone=Y),
        customers=[Customer("O", metadata=original)],
    )
    merge(repository, "O", links(repository)["b"] or "", run_id="m")
    assert counts(repository) == {"O": (2, True)}


def test_customers_without_any_lead_can_be_merged() -> None:
    """There is nothing to rule; what points at them is carried over."""
    repository = InMemoryRepository(
        customers=[Customer("H"), Customer("I")],
        references={"Address": [{"id": "1", "customer_id": "I"}]},
    )
    before = state(repository)
    merge(repository, "H", "I", run_id="m")
    assert rulings(repository) == ()
    assert customers_of(repository.references("Address")) == ["H"]
    rollback("m", repository)
    assert state(repository) == before


def test_a_merge_takes_a_split_out_of_force(repository: InMemoryRepository) -> None:
    """The newer decision holds; undone, the split holds again."""
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    before = state(repository)
    merge(repository, "C1", "C9", run_id="m")
    assert [ruling.id for ruling in rulings(repository)] == ["m"]
    assert backfill.plan(repository).drift == ()
    rollback("m", repository)
    assert state(repository) == before
    assert [ruling.id for ruling in rulings(repository)] == ["s"]


def test_a_merge_leaves_a_split_that_it_does_not_contradict(
    repository: InMemoryRepository,
) -> None:
    """C1 and its former lead stay apart, whoever C1 is merged with."""
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    merge(repository, "C1", "C2", run_id="m")
    assert {ruling.id for ruling in rulings(repository)} == {"s", "m"}
    assert links(repository) == {"a": "C1", "b": "C9", "c": "C1"}


@pytest.mark.parametrize("pair", [("C1", "C7"), ("C7", "C1")])
def test_an_unknown_customer_is_refused(
    repository: InMemoryRepository, pair: tuple[str, str]
) -> None:
    """Named in the error; nothing is written."""
    before = state(repository)
    with pytest.raises(UnknownCustomerError, match="C7"):
        merge(repository, *pair)
    assert (state(repository), len(repository.audit())) == (before, 1)


def test_a_customer_is_not_merged_with_itself(repository: InMemoryRepository) -> None:
    """It would be gone."""
    with pytest.raises(DecisionError, match="C1 cannot be merged with itself"):
        merge(repository, "C1", "C1")


def test_a_customer_that_was_absorbed_is_not_merged_again(repository: InMemoryRepository) -> None:
    """Its id is a former one."""
    merge(repository, "C2", "C1")
    with pytest.raises(UnknownCustomerError, match="C1"):
        merge(repository, "C2", "C1")


def test_an_undeclared_foreign_key_refuses_it() -> None:
    """The error names the column and the way out; nothing is written."""
    repository = Undeclared([Lead("a", phone=X), Lead("b", phone=Y)])
    run(repository, "first")
    before = state(repository)
    with pytest.raises(MappingError, match=r"Invoice\.customer_id .* is not declared"):
        merge(repository, "C1", "C2")
    assert (state(repository), len(repository.audit())) == (before, 1)


def test_a_store_that_refuses_it_has_nothing_written() -> None:
    """A merge is no run in parts: it is an error, and leaves no run behind."""
    repository = backfilled(
        Lead("a", phone=X),
        Lead("b", phone=Y),
        constraints=[lambda row: "locked" if getattr(row, "customer_id", "") == "C9" else None],
    )
    split_off = Lead("x", phone=Y, customer_id="C9")
    repository.insert_customer(Customer("C9"))
    repository.insert_lead(split_off)
    before = state(repository)
    with pytest.raises(StoreError, match="nothing was written: locked"):
        merge(repository, "C9", "C1", run_id="m")
    assert (state(repository), len(repository.audit())) == (before, 1)
    merge(repository, "C1", "C9", run_id="m")


def test_a_run_id_serves_once(repository: InMemoryRepository) -> None:
    """The second merge of that id is refused."""
    repository.insert_customer(Customer("H"))
    merge(repository, "C2", "C1", run_id="m")
    with pytest.raises(RunExistsError, match="m"):
        merge(repository, "C2", "H", run_id="m")


class Busy(InMemoryRepository):
    """A store to which things come in while a merge is decided."""

    def commit(self, changes):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Let a lead and an address come in first."""
        if changes.run.action == "merge_customers":
            self.insert_lead(Lead("late", phone=X, customer_id="C1"))
            self.insert_reference("Address", {"id": "late", "customer_id": "C1"})
        return super().commit(changes)


def test_what_comes_to_the_absorbed_while_it_is_decided_is_carried_along() -> None:
    """Nothing is lost, and it goes back with the others."""
    repository = Busy([Lead("a", phone=X), Lead("c", phone=Y)], references={"Address": []})
    run(repository, "first")
    merge(repository, "C2", "C1", run_id="m")
    assert links(repository) == {"a": "C2", "c": "C2", "late": "C2"}
    assert customers_of(repository.references("Address")) == ["C2"]
    rollback("m", repository)
    assert links(repository) == {"a": "C1", "c": "C2", "late": "C1"}
    assert customers_of(repository.references("Address")) == ["C1"]


def test_the_history_of_both_tells_of_it(repository: InMemoryRepository) -> None:
    """The keeper's says who was retired into it."""
    merge(repository, "C2", "C1", run_id="m")
    for id_ in ("C1", "C2"):
        told = [e for e in history(repository, "Customer", id_) if e.run_id == "m"]
        assert [e.row for e in told if e.action == "retire"] == ["C1"]
