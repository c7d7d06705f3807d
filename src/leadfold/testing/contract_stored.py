"""The first part of the contract: what is seeded is read, what is committed is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import PatchCustomer, Stats
from leadfold.model import Customer, Identifier, Lead, utc
from leadfold.repository import ORIGINAL
from leadfold.testing.abilities import BesideReaders, ScopedLeads, SeveralPhones
from leadfold.testing.changesets import (
    AT,
    follow,
    link,
    new_customer,
    read_basis,
    reindex,
    run_of,
)
from leadfold.testing.contract_hooks import (
    StoreHooks,
    job,
    read_customers,
    read_entries,
    read_leads,
    read_runs,
)
from leadfold.testing.readback import customer_rows, lead_rows

if TYPE_CHECKING:
    from leadfold.repository import Repository

__all__ = ["StoredContract"]

MANY = 100_000
X = Identifier("phone", "+15551230001")


class StoredContract(StoreHooks):
    """Reads give back what is there; a commit writes what it was given, and records it."""

    # What is seeded is read.

    def test_leads_are_read_as_they_were_seeded(self, repository: Repository) -> None:
        """A lead is read with its raw values, name, time and link, and as never indexed."""
        lead = Lead(
            "l1", psid="24001", phone="555.123", email="A@b.co", name="Ann", created_at=AT,
            customer_id="c1",
        )  # fmt: skip
        self.seed(repository, [lead], [Customer("c1")])
        row = read_leads(repository)["l1"]
        assert {kind: row.fields[kind] for kind in ("psid", "phone", "email")} == {
            "psid": "24001",
            "phone": "555.123",
            "email": "A@b.co",
        }
        assert (row.name, utc(row.created_at), row.customer_id) == ("Ann", AT, "c1")
        assert row.indexed is None

    def test_what_a_lead_lacks_is_none(self, repository: Repository) -> None:
        """A lead without values is read all the same, and holds None."""
        self.seed(repository, [Lead("l1")])
        row = read_leads(repository)["l1"]
        assert [row.fields[kind] for kind in ("psid", "phone", "email")] == [None] * 3
        assert (row.name, row.customer_id) == (None, None)

    def test_only_the_leads_asked_for_are_read(self, repository: Repository) -> None:
        """Leads are read by id; an id that nobody has is no error."""
        self.seed(repository, [Lead("l1"), Lead("l2"), Lead("l3")])
        with repository.reading() as reader:
            assert set(lead_rows(reader, ["l3", "l1", "nobody"])) == {"l1", "l3"}
            assert lead_rows(reader, []) == {}

    def test_customers_are_read_as_they_were_seeded(self, repository: Repository) -> None:
        """A customer is read with what it shows, its metadata and its time."""
        metadata = {"leadCount": 2, "multipleLeads": True, "own": {"nested": ["text", None]}}
        customer = Customer("c1", "Ann", "+15551230001", "a@b.co", metadata, AT)
        self.seed(repository, customers=[customer, Customer("c2")])
        row = read_customers(repository)["c1"]
        assert (row.name, row.phone, row.email) == ("Ann", "+15551230001", "a@b.co")
        assert (row.metadata, utc(row.created_at)) == (metadata, AT)
        with repository.reading() as reader:
            assert set(customer_rows(reader, ["c2", "nobody"])) == {"c2"}

    def test_metadata_says_who_made_a_customer(self, repository: Repository) -> None:
        """A customer is leadfold's, the original's, or anybody else's."""
        makers = {"c1": "leadfold", "c2": ORIGINAL, "c3": "crm"}
        made = [Customer(key, metadata={"createdBy": by}) for key, by in makers.items()]
        self.seed(repository, customers=[*made, Customer("c4")])
        read = {key: row.made_by for key, row in read_customers(repository).items()}
        assert read == {"c1": "leadfold", "c2": "original", "c3": None, "c4": None}

    def test_dependents_are_counted(self, repository: Repository) -> None:
        """Dependent rows are counted by table, lead and customer."""
        jobs = [job("j1", "l1"), job("j2", "l1"), job("j3", "l1", "c1"), job("j4", None)]
        talks = [job("t1", "l1")]
        dependents = {"Job": jobs, "Conversation": talks}
        self.seed(repository, [Lead("l1")], [Customer("c1")], dependents)
        with repository.reading() as reader:
            counts = {
                (count.table, count.lead_id, count.customer_id): (count.count, count.lead_known)
                for count in reader.dependents()
            }
        assert counts == {
            ("Job", "l1", None): (2, True),
            ("Job", "l1", "c1"): (1, True),
            ("Job", None, None): (1, False),
            ("Conversation", "l1", None): (1, True),
        }

    def test_ids_of_mixed_case_are_different_leads(self, repository: Repository) -> None:
        """Leads "a" and "A" are two rows: what is written to one is not written to the other."""
        basis = self.seeded(repository, Lead("a"), Lead("A"))
        repository.commit(basis.changeset(basis.founding(1, "A", "C")))
        assert set(read_leads(repository)) == {"a", "A"}
        assert self.links(repository) == {"a": None, "A": "C"}

    def test_a_field_can_hold_several_values(self, repository: Repository) -> None:
        """Several phones of a lead are read as a tuple, in their order."""
        if not isinstance(self, SeveralPhones):
            pytest.skip("a lead of this store holds one phone at most")
        repository = self.with_several_phones(repository)
        self.seed(repository, [Lead("l1", phone=("555.1", "555.2")), Lead("l2", phone="555.3")])
        rows = read_leads(repository)
        assert rows["l1"].fields["phone"] == ("555.1", "555.2")
        assert rows["l2"].fields["phone"] in {"555.3", ("555.3",)}

    def test_a_scope_is_read_beside_the_values(self, repository: Repository) -> None:
        """What a scope names is a column like any other, empty where a lead has none."""
        if not isinstance(self, ScopedLeads):
            pytest.skip("a lead of this store has no page_id")
        repository = self.with_page_id(repository)
        self.seed(repository, [Lead("l1", psid="1", fields={"page_id": "p9"}), Lead("l2")])
        assert [row.fields["page_id"] for row in read_leads(repository).values()] == ["p9", None]

    def test_an_open_reader_sees_one_moment(self, repository: Repository) -> None:
        """What others write shows in the next reader, not in the open one."""
        if not isinstance(self, BesideReaders):
            pytest.skip("nobody can write to this store while a reader is open")
        self.seed(repository, [Lead("l1", name="Ann")])
        with repository.reading() as reader:
            before = lead_rows(reader)
            self.rename_lead_beside(repository, "l1", "Bea")
            assert lead_rows(reader) == before
        assert read_leads(repository)["l1"].name == "Bea"

    # A version changes with a link or an identifier, else never.

    @pytest.mark.parametrize("column", ["phone", "email", "psid"])
    def test_an_edited_identifier_changes_the_version(
        self, repository: Repository, column: str
    ) -> None:
        """A lead has another version once one of its identifiers is edited."""
        before = self.seeded(repository, Lead("l1"), Lead("l2"))
        self.edit_lead(repository, "l1", **{column: "555.9"})
        after = read_basis(repository)
        assert after.leads["l1"] != before.leads["l1"]
        assert after.leads["l2"] == before.leads["l2"]

    def test_a_link_changes_the_version(self, repository: Repository) -> None:
        """A lead has another version once it is linked."""
        before = self.seeded(repository, Lead("l1"))
        repository.commit(before.changeset(before.founding(1, "l1", "c1")))
        assert read_basis(repository).leads["l1"] != before.leads["l1"]

    def test_a_name_changes_no_version(self, repository: Repository) -> None:
        """A lead keeps its version when its name is edited."""
        before = self.seeded(repository, Lead("l1", name="Ann"))
        self.edit_lead(repository, "l1", name="Bea")
        assert read_basis(repository).leads == before.leads

    # What is committed is stored.

    def test_a_unit_is_stored(self, repository: Repository) -> None:
        """A customer is inserted, its lead linked, and the lead's job follows."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), jobs=[job("j1", "l1")])
        row = {"name": "Ann", "phone": X.value, "email": "a@b.co", "metadata": {"leadCount": 1}}
        unit = basis.unit(1, new_customer("c1", **row), link("l1", "c1"), follow("Job", "l1", "c1"))
        committed = repository.commit(basis.changeset(unit))
        stored = self.raw_customers(repository)
        assert {key: stored["c1"][key] for key in row} == row
        assert utc(read_customers(repository)["c1"].created_at) == AT
        assert self.links(repository) == {"l1": "c1", "l2": None}
        assert self.raw_dependents(repository, "Job")["j1"]["customer_id"] == "c1"
        assert (committed.stats.jobs_linked, committed.failures) == (1, ())

    def test_a_dependent_with_a_customer_is_left_alone(self, repository: Repository) -> None:
        """Only rows that point at no customer follow; the figures count those."""
        jobs = [job("j1", "l1"), job("j2", "l1", "c1"), job("j3", "l2"), job("j4", "l1")]
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"], jobs=jobs)
        unit = basis.unit(1, new_customer("c2"), link("l1", "c2"), follow("Job", "l1", "c2"))
        committed = repository.commit(basis.changeset(unit))
        stored = self.raw_dependents(repository, "Job")
        assert [stored[key]["customer_id"] for key in sorted(stored)] == ["c2", "c1", None, "c2"]
        followed = {"Job": len(["j1", "j4"])}
        assert committed.stats.extra["dependentsLinked"] == followed
        assert committed.stats.jobs_linked == followed["Job"]

    def test_a_lead_can_be_moved_and_unlinked(self, repository: Repository) -> None:
        """A link goes from one customer to another, or to none."""
        basis = self.seeded(
            repository, Lead("l1", customer_id="c1"), Lead("l2", customer_id="c1"),
            customers=["c1", "c2"],
        )  # fmt: skip
        moves = (link("l1", "c2", before="c1"), link("l2", None, before="c1"))
        repository.commit(basis.changeset(basis.unit(1, *moves)))
        assert self.links(repository) == {"l1": "c2", "l2": None}

    def test_a_patch_touches_its_keys_alone(self, repository: Repository) -> None:
        """Metadata keys that a patch does not name stay; one it names in *before* alone goes."""
        metadata = {"leadCount": 1, "groupKey": "individual:l1", "theirs": [1, {"x": None}]}
        self.seed(repository, customers=[Customer("c1", "Ann", metadata=metadata)])
        before = {"leadCount": 1, "groupKey": "individual:l1"}
        patch = PatchCustomer("c1", before, {"leadCount": 2, "multipleLeads": True})
        basis = read_basis(repository)
        repository.commit(basis.changeset(basis.unit(1, patch)))
        stored = self.raw_customers(repository)["c1"]
        assert stored["metadata"] == {
            "leadCount": 2, "multipleLeads": True, "theirs": [1, {"x": None}],
        }  # fmt: skip
        assert stored["name"] == "Ann"

    def test_metadata_can_begin_with_a_patch(self, repository: Repository) -> None:
        """A customer without metadata gets the keys of the patch."""
        basis = self.seeded(repository, customers=["c1"])
        repository.commit(basis.changeset(basis.unit(1, PatchCustomer("c1", {}, {"leadCount": 1}))))
        assert self.raw_customers(repository)["c1"]["metadata"] == {"leadCount": 1}

    def test_what_a_run_made_is_leadfolds(self, repository: Repository) -> None:
        """The ledger says who made a customer, whatever name its metadata gives."""
        basis = self.seeded(repository, Lead("l1"))
        unit = basis.founding(1, "l1", "c1", metadata={"createdBy": "our importer"})
        repository.commit(basis.changeset(unit))
        assert read_customers(repository)["c1"].made_by == "leadfold"

    def test_units_by_the_hundred_thousand(self, repository: Repository) -> None:
        """A run of 100,000 units is written whole."""
        basis = self.seeded(repository, *(Lead(f"l{number}") for number in range(MANY)))
        units = (basis.founding(number, f"l{number}", f"c{number}") for number in range(MANY))
        expected = Stats(customers_created=MANY, leads_linked=MANY)
        committed = repository.commit(
            attrs.evolve(basis.changeset(), units=units, expected=expected)
        )
        assert committed.stats.customers_created == MANY
        assert len(self.raw_customers(repository)) == MANY
        links = self.links(repository)
        assert all(links[f"l{number}"] == f"c{number}" for number in range(MANY))

    # A run is recorded: itself, its ledger, its audit entry.

    def test_a_run_is_read_as_it_was_written(self, repository: Repository) -> None:
        """The runs table keeps the run, with the figures of what was written."""
        basis = self.seeded(repository, Lead("l1"))
        run = attrs.evolve(run_of(), extra={"drift": 0})
        committed = repository.commit(basis.changeset(basis.founding(1, "l1", "c1"), run=run))
        (stored,) = read_runs(repository)
        assert stored.stats == committed.stats.to_dict()
        assert stored.extra == {"drift": 0, **committed.stats.extra}
        assert attrs.evolve(stored, stats=run.stats, extra=run.extra) == run

    def test_runs_are_listed_newest_first(self, repository: Repository) -> None:
        """The latest run comes first, and no more are listed than were asked for."""
        basis = read_basis(repository)
        for minute, run_id in enumerate(["run-b", "run-c", "run-a"]):
            repository.commit(basis.changeset(run=run_of(run_id, minute=minute)))
        assert [run.id for run in read_runs(repository)] == ["run-a", "run-c", "run-b"]
        assert [run.id for run in read_runs(repository, limit=2)] == ["run-a", "run-c"]

    def test_a_run_without_units_is_recorded(self, repository: Repository) -> None:
        """A run that changes nothing writes its row and one audit entry, no more."""
        basis = self.seeded(repository, Lead("l1"), customers=["c1"])
        before = self.image(repository)
        repository.commit(basis.changeset())
        after = self.image(repository)
        assert len(read_runs(repository)) == len(self.raw_audit(repository)) == 1
        assert {**after, "audit": ()} == before

    def test_the_ledger_explains_every_change(self, repository: Repository) -> None:
        """Each row that was changed has an entry: what it was, what it became, and why."""
        basis = self.seeded(repository, Lead("l1"), customers=["c0"], jobs=[job("j1", "l1")])
        changes = (
            new_customer("c1", name="Ann"),
            PatchCustomer("c0", {}, {"leadCount": 1}),
            link("l1", "c1"),
            follow("Job", "l1", "c1"),
            reindex("l1", X),
        )
        repository.commit(basis.changeset(basis.unit(7, *changes)))
        entries = read_entries(repository, "run-1")
        assert {(entry.run_id, entry.unit) for entry in entries} == {("run-1", 7)}
        (inserted,) = (entry for entry in entries if entry.action == "insert")
        assert (inserted.table, inserted.row, inserted.before) == ("Customer", "c1", None)
        others = {
            (entry.table, entry.row, entry.action): (entry.before, entry.after, entry.reason)
            for entry in entries
            if entry is not inserted
        }
        assert others == {
            ("Customer", "c0", "patch"): ({}, {"leadCount": 1}, ""),
            ("Lead", "l1", "link"): (None, "c1", "individual:l1"),
            ("Job", "j1", "follow"): (None, "c1", ""),
        }

    def test_the_ledger_keeps_an_inserted_customer_whole(self, repository: Repository) -> None:
        """The entry of an insertion holds the columns that were written."""
        basis = self.seeded(repository, Lead("l1"))
        repository.commit(basis.changeset(basis.founding(1, "l1", "c1", name="Ann", phone="5")))
        after = next(e.after for e in read_entries(repository, "run-1") if e.action == "insert")
        assert isinstance(after, dict)
        assert (after["name"], after["phone"], after["email"]) == ("Ann", "5", None)
        assert after["metadata"] == {"createdBy": "leadfold", "leadCount": 1}

    def test_a_ledger_holds_its_own_run_alone(self, repository: Repository) -> None:
        """Entries are asked for by run; a run that nobody made has none."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        for number in (1, 2):
            unit = basis.founding(number, f"l{number}", f"c{number}")
            repository.commit(basis.changeset(unit, run=run_of(f"run-{number}", minute=number)))
        rows = [entry.row for entry in read_entries(repository, "run-2")]
        assert sorted(rows) == ["c2", "l2"]
        assert read_entries(repository, "run-3") == ()

    def test_the_audit_entry_says_what_the_run_says(self, repository: Repository) -> None:
        """Actor and action are the run's, the payload is that of the change set."""
        basis = self.seeded(repository, Lead("l1"))
        changes = basis.changeset(basis.founding(1, "l1", "c1"))
        committed = repository.commit(changes)
        (entry,) = self.raw_audit(repository)
        assert (entry["actor"], entry["action"]) == ("system", "backfill_customers")
        assert entry["payload"] == changes.audit_payload(committed.stats)

    def test_the_audit_trail_is_counted_by_action(self, repository: Repository) -> None:
        """A reader counts the entries of each action; before there are any, none."""
        with repository.reading() as reader:
            assert not reader.audited()
        basis = read_basis(repository)
        for minute, action in enumerate(["backfill_customers", "rollback_customers"] * 2):
            run = attrs.evolve(run_of(f"run-{minute}", minute=minute), action=action)
            repository.commit(basis.changeset(run=run))
        with repository.reading() as reader:
            assert reader.audited() == {"backfill_customers": 2, "rollback_customers": 2}
