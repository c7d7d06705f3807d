"""The in-memory store passes the contract; and what only it promises, as a fixture for others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import UUID

import attrs
import pytest

from leadfold.changes import PatchCustomer
from leadfold.exceptions import DuplicateLeadError, StalePlanError, StoreError
from leadfold.model import CONVERSATION, JOB, Customer, Dependent, Lead, Ruling
from leadfold.repositories.memory import InMemoryRepository
from leadfold.testing.changesets import follow, link, new_customer, read_basis, run_of
from leadfold.testing.contract_hooks import job, read_customers, read_leads, read_runs
from repositories.memory_contract import REFERENCES, InMemoryContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import Unit


class TestInMemory(InMemoryContract):
    """The contract, on rows in memory."""

    @pytest.fixture
    def repository(self) -> InMemoryRepository:
        """Return a fresh store."""
        return InMemoryRepository(references=REFERENCES)


@pytest.mark.parametrize(
    "lead",
    [
        pytest.param({"id": "l1", "phone": "555.1", "page_id": "p9"}, id="a mapping"),
        pytest.param(Lead("l1", phone="555.1", fields={"page_id": "p9"}), id="a Lead"),
        pytest.param(SimpleNamespace(id="l1", phone="555.1", page_id="p9"), id="an object"),
    ],
)
def test_leads_come_in_any_shape(lead: object) -> None:
    """A mapping, a Lead and any object with those attributes are the same lead."""
    repository = InMemoryRepository(leads=[lead])
    assert repository.leads() == (Lead("l1", phone="555.1", fields={"page_id": "p9"}),)
    assert read_leads(repository)["l1"].fields["page_id"] == "p9"


def test_objects_with_slots_are_read_by_their_slots() -> None:
    """What an object keeps in slots is found, what is private to it is not."""

    class Row:
        __slots__ = ("_secret", "id", "national_id")

        def __init__(self) -> None:
            self.id, self.national_id, self._secret = 7, "N1", "x"

    assert InMemoryRepository(leads=[Row()]).leads() == (Lead("7", fields={"national_id": "N1"}),)


def test_ids_of_any_kind_become_text() -> None:
    """Ids and links that are int or UUID become text."""
    uuid = UUID(int=1)
    (lead,) = InMemoryRepository(leads=[{"id": 7, "customer_id": uuid}]).leads()
    assert (lead.id, lead.customer_id) == ("7", str(uuid))


def test_a_list_becomes_a_tuple() -> None:
    """A list of values is copied: changing it later changes no row."""
    phones = ["555.1"]
    repository = InMemoryRepository(leads=[{"id": "l1", "phone": phones}])
    phones.append("555.2")
    assert repository.leads()[0].phone == ("555.1",)


def test_every_batch_has_the_columns_of_the_store() -> None:
    """A name that one lead holds is a column for all, None where a lead has none."""
    repository = InMemoryRepository(leads=[{"id": "l1"}, {"id": "l2", "national_id": "N1"}])
    fields = {key: row.fields for key, row in read_leads(repository).items()}
    assert [fields["l1"]["national_id"], fields["l2"]["national_id"]] == [None, "N1"]


def test_declared_fields_are_the_columns() -> None:
    """With ``fields`` nothing else is read, and nothing else changes a version."""
    lead = {"id": "l1", "phone": "555.1", "stage": "new"}
    repository = InMemoryRepository(leads=[lead], fields={"phone"})
    before = read_basis(repository)
    repository.update_lead({**lead, "stage": "won"})
    assert read_basis(repository) == before
    assert read_leads(repository)["l1"].fields == {"phone": "555.1"}
    with repository.reading() as reader:
        assert reader.facts().fields == frozenset({"phone"})


def test_leads_with_one_id_are_refused() -> None:
    """Several leads of one id are refused, and named."""
    with pytest.raises(DuplicateLeadError) as refused:
        InMemoryRepository(leads=[{"id": 1}, {"id": "1"}, {"id": 2}])
    assert refused.value.lead_ids == ("1",)


def test_an_inserted_lead_comes_last() -> None:
    """Leads are kept in order of insertion; one that is there already is refused."""
    repository = InMemoryRepository(leads=[Lead("l2")])
    repository.insert_lead(Lead("l1"))
    with pytest.raises(DuplicateLeadError):
        repository.insert_lead({"id": "l2"})
    assert [lead.id for lead in repository.leads()] == ["l2", "l1"]


def test_what_is_not_there_cannot_be_changed() -> None:
    """Editing or deleting a row that does not exist is an error that names it."""
    repository = InMemoryRepository()
    with pytest.raises(KeyError, match="there is no lead l1"):
        repository.update_lead(Lead("l1"))
    with pytest.raises(KeyError, match="there is no lead l1"):
        repository.delete_lead("l1")
    with pytest.raises(KeyError, match="there is no customer c1"):
        repository.update_customer(Customer("c1"))
    with pytest.raises(KeyError, match="there is no customer c1"):
        repository.delete_customer("c1")


def test_customers_with_one_id_are_refused() -> None:
    """A customer that is there already is not inserted again."""
    with pytest.raises(ValueError, match="c1"):
        InMemoryRepository(customers=[{"id": "c1"}, Customer("c1")])


def test_a_deleted_customer_leaves_no_link() -> None:
    """The leads and jobs of a deleted customer have none, as under ON DELETE SET NULL."""
    repository = InMemoryRepository(
        leads=[Lead("l1", customer_id="c1"), Lead("l2", customer_id="c2")],
        customers=[Customer("c1"), Customer("c2")],
        dependents={"Job": [job("j1", "l1", "c1"), job("j2", "l2", "c2")]},
    )
    repository.delete_customer("c1")
    assert [lead.customer_id for lead in repository.leads()] == [None, "c2"]
    assert [row["customer_id"] for row in repository.dependents("Job")] == [None, "c2"]
    assert [customer.id for customer in repository.customers()] == ["c2"]


def test_a_lead_that_comes_back_is_another_row() -> None:
    """A lead deleted and inserted again has a version of its own."""
    repository = InMemoryRepository(leads=[Lead("l1")])
    before = read_basis(repository)
    repository.delete_lead("l1")
    repository.insert_lead(Lead("l1"))
    assert read_basis(repository) != before


def test_dependents_can_have_columns_of_their_own() -> None:
    """A dependent whose columns are named otherwise is declared by a `Dependent`."""
    visits = Dependent("Visit", lead_id="visitor", customer_id="who")
    repository = InMemoryRepository(
        leads=[Lead("l1")], dependents={visits: [{"id": 1, "visitor": "l1", "room": "r2"}]}
    )
    basis = read_basis(repository)
    unit = basis.unit(1, new_customer("c1"), link("l1", "c1"), follow("Visit", "l1", "c1"))
    repository.commit(basis.changeset(unit))
    assert repository.dependents("Visit") == (
        {"id": 1, "visitor": "l1", "room": "r2", "who": "c1"},
    )
    with repository.reading() as reader:
        assert reader.facts().dependents == (JOB, CONVERSATION, visits)


def test_a_dependent_nobody_declared_is_an_error() -> None:
    """Following into a table that does not exist fails the commit, and writes nothing."""
    repository = InMemoryRepository(leads=[Lead("l1")])
    basis = read_basis(repository)
    unit = basis.unit(1, new_customer("c1"), follow("Visit", "l1", "c1"))
    with pytest.raises(StoreError, match="Visit"):
        repository.commit(basis.changeset(unit))
    assert repository.customers() == ()


def test_a_constraint_of_ones_own_faults_its_unit() -> None:
    """A constraint that objects to a row leaves its unit out, with its message."""

    def no_ann(row: Lead | Customer) -> str | None:
        return "nobody is called Ann" if row.name == "Ann" else None

    repository = InMemoryRepository(leads=[Lead("l1"), Lead("l2")], constraints=[no_ann])
    basis = read_basis(repository)
    units = (basis.founding(1, "l1", "c1", name="Ann"), basis.founding(2, "l2", "c2", name="Bea"))
    (failure,) = repository.commit(basis.changeset(*units)).failures
    assert (failure.unit, failure.message) == (1, "nobody is called Ann")
    assert [lead.customer_id for lead in repository.leads()] == [None, "c2"]


def test_a_constraint_sees_the_linked_lead() -> None:
    """Constraints look at leads as well as customers."""

    def no_vip(row: Lead | Customer) -> str | None:
        return "not this lead" if isinstance(row, Lead) and row.customer_id else None

    repository = InMemoryRepository(leads=[Lead("l1")], constraints=[no_vip])
    basis = read_basis(repository)
    committed = repository.commit(basis.changeset(basis.founding(1, "l1", "c1")))
    assert [failure.message for failure in committed.failures] == ["not this lead"]
    assert repository.customers() == ()


def test_a_link_that_must_not_be_null_stays() -> None:
    """Where links are not nullable, a unit that unlinks a lead is a fault."""
    repository = InMemoryRepository(
        leads=[Lead("l1", customer_id="c1")], customers=[Customer("c1")], link_nullable=False
    )
    basis = read_basis(repository)
    committed = repository.commit(basis.changeset(basis.unit(1, link("l1", None, before="c1"))))
    assert [failure.cause for failure in committed.failures] == ["fault"]
    with repository.reading() as reader:
        assert set(reader.facts().not_null) == {"Lead"}


def test_a_deleted_customer_is_stale() -> None:
    """A customer that is gone refuses the plan that patches it."""
    repository = InMemoryRepository(customers=[Customer("c1")])
    basis = read_basis(repository)
    repository.delete_customer("c1")
    unit = basis.unit(1, PatchCustomer("c1", {}, {"leadCount": 1}))
    with pytest.raises(StalePlanError) as refused:
        repository.commit(basis.changeset(unit))
    assert refused.value.lead_ids == ("customer:c1",)


def test_a_run_without_a_policy_leaves_the_index_its_mark() -> None:
    """A run that decided without a policy says nothing about how values were normalized."""
    repository = InMemoryRepository()
    basis = read_basis(repository)
    repository.commit(basis.changeset(run=run_of("run-1", policy="policy-1")))
    repository.commit(basis.changeset(run=run_of("run-2", policy="")))
    with repository.reading() as reader:
        assert reader.facts().fingerprint == "policy-1"


def test_a_row_follows_once() -> None:
    """A job whose lead is named by two units follows the first."""
    repository = InMemoryRepository(
        leads=[Lead("l1"), Lead("l2")],
        dependents={"Job": [job("j1", "l1"), job("j2", "l2")]},
        customers=[Customer("c1"), Customer("c2")],
    )
    basis = read_basis(repository)
    orders = (follow("Job", "l1", "c1"), follow("Job", "l2", "c2"), follow("Job", "l1", "c2"))
    units = [basis.unit(number, order) for number, order in enumerate(orders)]
    committed = repository.commit(basis.changeset(*units))
    assert committed.stats.jobs_linked == len(units) - 1
    assert [row["customer_id"] for row in repository.dependents("Job")] == ["c1", "c2"]


def test_rulings_are_in_order_of_creation() -> None:
    """Rulings come by time, then id; those without a time last."""
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    rulings = [
        Ruling("z", [["l1", "l2"]]),
        Ruling("b", [["l1", "l2"]], late),
        Ruling("a", [["l1", "l2"]], late),
        Ruling("c", [["l1", "l2"]], early),
    ]
    with InMemoryRepository(rulings=rulings).reading() as reader:
        assert [ruling.id for ruling in reader.rulings()] == ["c", "a", "b", "z"]


def test_a_commit_does_not_show_in_an_open_reader() -> None:
    """A reader is one moment: leads, customers, runs and index stay as they were."""
    repository = InMemoryRepository(leads=[Lead("l1")])
    basis = read_basis(repository)
    with repository.reading() as reader:
        facts = reader.facts()
        repository.commit(basis.changeset(basis.founding(1, "l1", "c1")))
        assert [batch.customer_ids for batch in reader.leads()] == [[None]]
        assert (list(reader.customers()), reader.runs(), reader.facts()) == ([], (), facts)
    assert set(read_customers(repository)) == {"c1"}


def test_a_write_while_units_are_read_is_refused() -> None:
    """Units whose source writes to the store fail the commit; what it wrote would be lost."""
    repository = InMemoryRepository(leads=[Lead("l1")])
    basis = read_basis(repository)

    def units() -> Iterator[Unit]:
        repository.insert_lead(Lead("l2"))
        yield basis.founding(1, "l1", "c1")

    with pytest.raises(StoreError, match="while units are read"):
        repository.commit(attrs.evolve(basis.changeset(), units=units()))
    repository.insert_lead(Lead("l2"))
    assert [lead.customer_id for lead in repository.leads()] == [None, None]


def test_threads_commit_one_after_the_other() -> None:
    """Commits and edits from several threads are all there in the end."""
    leads = [f"l{number}" for number in range(40)]
    repository = InMemoryRepository(leads=map(Lead, leads))
    basis = read_basis(repository)

    def commit(lead: str) -> None:
        unit = basis.founding(1, lead, f"c-{lead}")
        repository.commit(basis.changeset(unit, run=run_of(f"run-{lead}")))
        repository.insert_lead(Lead(f"new-{lead}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(commit, leads))
    linked = {lead.id: lead.customer_id for lead in repository.leads() if lead.customer_id}
    assert linked == {lead: f"c-{lead}" for lead in leads}
    assert len(repository.leads()) == 2 * len(leads)
    assert len(read_runs(repository, limit=99)) == len(leads)


def test_a_tenant_sees_its_own_rows() -> None:
    """Rows of one tenant are not another's; a view taken twice is the same store."""
    ours = InMemoryRepository(leads=[Lead("l1")], tenant="a")
    ours.for_tenant("b").insert_lead(Lead("l1"))
    theirs = ours.for_tenant("b")
    theirs.insert_lead(Lead("l2"))
    assert [lead.id for lead in ours.leads()] == ["l1"]
    assert [lead.id for lead in theirs.leads()] == ["l1", "l2"]
    with theirs.reading() as reader:
        assert reader.facts().tenant == "b"
