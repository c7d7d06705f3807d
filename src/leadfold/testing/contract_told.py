"""The part of the contract about what is told of runs: ledger, histories, who points at whom.

Also that tenants hear nothing of each other.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold.changes import Carry, Erase, PatchCustomer, Relink, Retire, Rule
from leadfold.model import Identifier, Lead
from leadfold.repository import CUSTOMER, LEAD, RULING
from leadfold.testing.abilities import ConditionalLeads, OriginalRuns, Tenants
from leadfold.testing.changesets import (
    follow,
    link,
    new_customer,
    read_basis,
    reindex,
    ruling,
    run_of,
)
from leadfold.testing.contract_hooks import (
    ADDRESS,
    StoreHooks,
    bare,
    commit,
    job,
    read_entries,
    read_history,
    read_holders,
    read_leads,
    read_rulings,
    restored,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.changes import Change
    from leadfold.repository import LedgerEntry, Reference, Repository

__all__ = ["ToldContract"]

X = Identifier("phone", "+15551230001")
MANY = 100_000
POINTERS = (LEAD, "Job", "Conversation", ADDRESS)
THEIRS = (
    Carry(LEAD, "c-theirs", "c-ours"),
    Carry("Job", "c-theirs", "c-ours"),
    Carry(ADDRESS, "c-theirs", "c-ours"),
    Relink("Job", "j-theirs", "c-theirs", "c-ours"),
    Relink(ADDRESS, "a-theirs", "c-theirs", "c-ours"),
    follow("Job", "l-theirs", "c-ours", before="c-theirs"),
    Retire("c-theirs", "c-ours"),
    Retire("free-theirs"),
    Erase("l-theirs", {"c-theirs": {"phone": X.value}}, {"c-theirs": {"phone": X.value}}),
)
"""What one tenant cannot do to another's rows."""


class ToldContract(StoreHooks):
    """What runs did is told by row and by run, until it is erased; tenants hear nothing of it."""

    # Runs and ledger are read.

    def test_runs_are_found_by_id(self, repository: Repository) -> None:
        """Only the runs asked for are listed, newest first, however many came after them."""
        for number in range(1, 5):
            written(repository, number=number)
        with repository.reading() as reader:
            asked = reader.runs(ids=["run-1", "nobody", "run-3"])
            assert [run.id for run in asked] == ["run-3", "run-1"]
            assert [run.id for run in reader.runs(1, ids=["run-1"])] == ["run-1"]
            assert reader.runs(ids=[]) == ()

    def test_the_ledger_is_read_unit_by_unit(self, repository: Repository) -> None:
        """The entries of a unit stand together, in whatever order the units were written."""
        numbers = [7, 3, 9, *range(20, 60), 1]
        leads = [Lead(f"l{each}", customer_id=f"c{each}") for each in numbers]
        jobs = [job(f"j{each}", None, f"c{each}") for each in numbers]
        customers = [f"c{each}" for each in numbers]
        basis = self.seeded(repository, *leads, customers=[*customers, "heir"], jobs=jobs)
        units = [
            basis.unit(
                each,
                new_customer(f"new-{each}"),
                link(f"l{each}", f"new-{each}", before=f"c{each}"),
                Carry("Job", f"c{each}", "heir"),
                Retire(f"c{each}", "heir"),
                Rule(ruling(f"r{each}", [f"l{each}", "other"]), in_force=True),
            )
            for each in numbers
        ]
        repository.commit(basis.changeset(*units))
        entries = read_entries(repository, "run-1")
        together = {unit: list(group) for unit, group in groupby(entries, attrgetter("unit"))}
        assert sum(map(len, together.values())) == len(entries)
        for each in numbers:
            rows = {entry.row for entry in together[each]}
            assert rows == {f"new-{each}", f"l{each}", f"j{each}", f"c{each}", f"r{each}"}

    def test_later_entries_are_about_rows_of_this_run(self, repository: Repository) -> None:
        """What later runs did to the rows of a run is told in order, and nothing else."""
        self.seeded(repository, Lead("l1"), Lead("l2"), Lead("c1"), jobs=[job("j1", "l1")])
        written(repository, new_customer("c0"), number=0)
        first = (new_customer("c1"), link("l1", "c1"), follow("Job", "l1", "c1"))
        written(repository, *first, number=1)
        written(repository, link("l2", "c1"), link("c1", "c0"), number=2)
        written(
            repository, link("l1", "c0", before="c1"), Relink("Job", "j1", "c1", "c0"), number=3
        )
        written(repository, PatchCustomer("c1", {}, {"own": 1}), number=4)
        told_of = {number: self.later(repository, f"run-{number}") for number in range(6)}
        assert sorted(told_of[1][:2]) == [("run-3", "Job", "j1"), ("run-3", LEAD, "l1")]
        assert told_of[1][2:] == [("run-4", CUSTOMER, "c1")]
        assert [told_of[number] for number in (0, 2, 3, 4, 5)] == [[]] * 5

    def test_a_customer_has_a_history(self, repository: Repository) -> None:
        """All that befell a customer is told in order, the links from and to it too."""
        self.seeded(repository, Lead("l1"), Lead("l2"), Lead("c1"), customers=["c2"])
        written(repository, new_customer("c1"), link("l1", "c1"))
        written(repository, link("l2", "c2"), link("c1", "c2"), number=2)
        written(repository, PatchCustomer("c1", {}, {"own": 1}), number=3)
        written(repository, link("l1", "c2", before="c1"), number=4)
        written(repository, Retire("c1", "c2"), number=5)
        past = read_history(repository, CUSTOMER, "c1")
        steps = [(entry.run_id, entry.table, entry.row, entry.action) for entry in past]
        assert sorted(steps[:2]) == [
            ("run-1", CUSTOMER, "c1", "insert"),
            ("run-1", LEAD, "l1", "link"),
        ]
        assert steps[2:] == [
            ("run-3", CUSTOMER, "c1", "patch"),
            ("run-4", LEAD, "l1", "link"),
            ("run-5", CUSTOMER, "c1", "retire"),
        ]

    def test_a_lead_and_a_job_have_a_history(self, repository: Repository) -> None:
        """All that befell a row is told in order; rows of that id elsewhere do not matter."""
        self.seeded(repository, Lead("x"), Lead("y"), customers=["x", "c2"], jobs=[job("x", "x")])
        written(repository, link("x", "x"), link("y", "c2"), follow("Job", "x", "x"))
        written(repository, link("x", "c2", before="x"), Relink("Job", "x", "x", None), number=2)
        lead = told_by_run(read_history(repository, LEAD, "x"))
        assert lead == [("run-1", LEAD, "x", None, "x"), ("run-2", LEAD, "x", "x", "c2")]
        jobs = told_by_run(read_history(repository, "Job", "x"))
        assert jobs == [("run-1", "Job", "x", None, "x"), ("run-2", "Job", "x", "x", None)]
        assert read_history(repository, LEAD, "nobody") == ()

    def test_the_ledger_keeps_the_sources_of_a_customer(self, repository: Repository) -> None:
        """The entry of an insertion names the lead of each value, where that is known."""
        insert = attrs.evolve(new_customer("c1", name="Ann"), sources={"name": "l1", "phone": "l2"})
        written(repository, insert, new_customer("c2"))
        told_of = {
            entry.row: cast("Mapping[str, object]", entry.after)
            for entry in read_entries(repository, "run-1")
        }
        assert told_of["c1"].get("sources") == {"name": "l1", "phone": "l2"}
        assert not told_of["c2"].get("sources")

    # Who points at whom.

    @pytest.mark.parametrize("table", POINTERS)
    def test_present_links_are_read_by_row(self, repository: Repository, table: str) -> None:
        """The rows asked for come with their customer of now; rows that are not there do not."""
        self.pointing_rows(repository)
        stored = self.pointers(repository, table)
        asked = [*list(stored)[:2], "nobody"]
        with repository.reading() as reader:
            assert targets(reader.links(table, asked)) == {
                (table, row, stored[row]) for row in asked if row in stored
            }
            assert targets(reader.links(table, list(stored))) == {
                (table, row, customer) for row, customer in stored.items()
            }
            assert targets(reader.links(table, [])) == set()

    def test_what_points_at_a_customer_is_read(self, repository: Repository) -> None:
        """Every row that points at one of the customers is found, in all tables."""
        self.pointing_rows(repository)
        stored = {
            (table, row, customer)
            for table in POINTERS
            for row, customer in self.pointers(repository, table).items()
        }
        with repository.reading() as reader:
            for asked in (["c1"], ["c1", "c2", "nobody"], ["c3"], []):
                found = {each for each in stored if each[2] in asked}
                assert targets(reader.pointing_at(asked)) == found

    def test_many_rows_are_asked_for_at_once(self, repository: Repository) -> None:
        """There is no limit to how many rows or customers one question names."""
        self.pointing_rows(repository)
        many = [f"nobody-{number}" for number in range(MANY)]
        with repository.reading() as reader:
            assert targets(reader.links("Job", [*many, "Job-1"])) == {("Job", "Job-1", "c1")}
            assert len(targets(reader.pointing_at([*many, "c1"]))) == len(POINTERS)

    def test_present_links_are_those_of_now(self, repository: Repository) -> None:
        """What a run moved is read where it points now."""
        self.pointing_rows(repository)
        written(repository, *(Carry(table, "c1", "c3") for table in POINTERS))
        with repository.reading() as reader:
            assert targets(reader.pointing_at(["c1"])) == set()
            assert len(targets(reader.pointing_at(["c3"]))) == len(POINTERS)
            assert targets(reader.links("Job", ["Job-1"])) == {("Job", "Job-1", "c3")}

    def test_links_that_the_ledger_explains_are_told_from_others(
        self, repository: Repository
    ) -> None:
        """A link counts as made by leadfold while it stands as its last entry says."""
        self.seed(repository, [Lead("theirs", customer_id="c1")], bare("c1", "c2"))
        self.seed(repository, [Lead(key) for key in ("ours", "moved", "cleared", "none")])
        with repository.reading() as reader:
            assert set(reader.unexplained()) == {"theirs"}
        written(repository, *(link(key, "c1") for key in ("ours", "moved", "cleared")), number=1)
        self.edit_lead(repository, "moved", customer_id="c2")
        self.edit_lead(repository, "cleared", customer_id=None)
        with repository.reading() as reader:
            assert set(reader.unexplained()) == {"theirs", "moved"}
        written(repository, link("ours", "c2", "c1"), number=2)
        self.edit_lead(repository, "ours", customer_id="c1")
        with repository.reading() as reader:
            assert set(reader.unexplained()) == {"theirs", "moved", "ours"}

    def test_links_are_read_of_what_is_a_lead_no_more(self, repository: Repository) -> None:
        """A row that fell out of a mapping's condition still says whom it points at."""
        if not isinstance(self, ConditionalLeads):
            pytest.skip("every row of this store is a lead")
        repository = self.with_named_leads(repository)
        self.seeded(repository, Lead("l1", name="Ann"), customers=["c1", "c2"])
        written(repository, link("l1", "c1"))
        self.edit_lead(repository, "l1", name=None)
        assert read_leads(repository) == {}
        with repository.reading() as reader:
            assert targets(reader.links(LEAD, ["l1"])) == {(LEAD, "l1", "c1")}
            assert targets(reader.pointing_at(["c1"])) == {(LEAD, "l1", "c1")}
        committed = commit(repository, Retire("c1"), number=2)
        assert [failure.cause for failure in committed.failures] == ["fault"]
        written(repository, Carry(LEAD, "c1", "c2"), number=3)
        assert self.links(repository) == {"l1": "c2"}

    def test_the_facts_name_what_is_carried(self, repository: Repository) -> None:
        """The carried tables are declared, beside leads and dependents."""
        with repository.reading() as reader:
            facts = reader.facts()
        assert ADDRESS in facts.carried
        assert not {LEAD, *(each.name for each in facts.dependents)} & set(facts.carried)
        assert LEAD not in facts.not_null

    def test_a_run_of_leadfold_is_not_the_originals(self, repository: Repository) -> None:
        """The audit entry of a run of leadfold's, and a run that nobody made, are not original."""
        written(repository)
        with repository.reading() as reader:
            assert not reader.is_original("run-1")
            assert not reader.is_original("nobody")

    def test_a_run_of_the_original_is_known_as_such(self, repository: Repository) -> None:
        """An audit entry that the original script wrote is told by its id."""
        if not isinstance(self, OriginalRuns):
            pytest.skip("the audit trail of this store never was the original's")
        repository = self.with_original_run(repository, "a1")
        written(repository)
        with repository.reading() as reader:
            assert reader.is_original("a1")
            assert not reader.is_original("run-1")

    # Tenants.

    @pytest.mark.parametrize("change", THEIRS, ids=lambda change: type(change).__name__)
    def test_a_tenant_cannot_change_anothers_rows(
        self, repository: Repository, change: Change
    ) -> None:
        """Whatever a tenant plans with rows of another, these and their ledger stay as they are."""
        ours, theirs = self.tenants_with_rows(repository)
        before, ledger = self.image(theirs), read_entries(theirs, "run-1")
        basis = read_basis(theirs)
        changes = read_basis(ours).changeset(
            read_basis(ours).unit(1, change), run=run_of("run-2"), on_stale="skip"
        )
        ours.commit(changes)
        assert {**self.image(theirs), "audit": ()} == {**before, "audit": ()}
        assert read_entries(theirs, "run-1") == ledger
        assert dict(read_holders(theirs, X).records) == {"l-theirs": (X,)}
        now = read_basis(theirs)
        assert (now.leads, now.customers) == (basis.leads, basis.customers)

    def test_a_tenant_cannot_restore_over_anothers_row(self, repository: Repository) -> None:
        """A customer of another tenant stays what it is, whoever restores that id."""
        ours, theirs = self.tenants_with_rows(repository)
        (gone,) = written(ours, Retire("free-ours"), number=2)
        before = self.raw_customers(theirs)
        commit(ours, attrs.evolve(restored(gone), customer_id="c-theirs"), number=3)
        assert self.raw_customers(theirs) == before

    def test_a_tenant_reads_nothing_of_another(self, repository: Repository) -> None:
        """Rulings, runs, ledgers, histories and links are those of one tenant."""
        ours, theirs = self.tenants_with_rows(repository)
        theirs_now = (Rule(ruling("r1", ["l1", "l2"]), in_force=False), Retire("free-theirs"))
        written(theirs, *theirs_now, number=2)
        names = [f"{key}-theirs" for key in "lcja"]
        with ours.reading() as reader:
            assert [each.id for each in reader.rulings()] == ["r1"]
            assert [run.id for run in reader.runs(ids=["run-1", "run-2"])] == ["run-1"]
            assert {entry.row for entry in reader.entries("run-1")} == {"r1", "l-ours", "c-ours"}
            assert list(reader.entries("run-2")) == list(reader.later("run-1")) == []
            assert [entry.run_id for entry in reader.history(RULING, "r1")] == ["run-1"]
            for name in names:
                assert list(reader.history(CUSTOMER, name)) == []
                assert list(reader.history(LEAD, name)) == []
            for table in POINTERS:
                assert list(reader.links(table, names)) == []
            assert list(reader.pointing_at(["c-theirs"])) == []
            assert len(list(reader.pointing_at(["c-ours"]))) == len([LEAD, "Job", ADDRESS])
        assert read_rulings(theirs) == ()

    # What the tests above start from.

    def pointing_rows(self, repository: Repository) -> None:
        """Write rows of every table that point at one customer, at another, and at none."""
        self.seed(repository, customers=bare("c1", "c2", "c3"))
        for table in POINTERS:
            none = {} if table == ADDRESS else {f"{table}-3": None}
            self.point(repository, table, {f"{table}-1": "c1", f"{table}-2": "c2", **none})

    def tenants_with_rows(self, repository: Repository) -> tuple[Repository, Repository]:
        """Give two tenants a row of each table, a ruling, and a run-1 of their own."""
        if not isinstance(self, Tenants):
            pytest.skip("this store keeps no tenants")
        ours, theirs = self.two_tenants(repository)
        for side, name in ((ours, "ours"), (theirs, "theirs")):
            jobs = [job(f"j-{name}", f"l-{name}", f"c-{name}")]
            self.seeded(side, Lead(f"l-{name}"), customers=[f"free-{name}"])
            made = new_customer(f"c-{name}", phone=X.value)
            rule = Rule(ruling("r1", ["l1", "l2"]), in_force=True)
            linked = link(f"l-{name}", f"c-{name}")
            written(side, made, linked, reindex(f"l-{name}", X), rule)
            self.seed(side, dependents={"Job": jobs})
            self.point(side, ADDRESS, {f"a-{name}": f"c-{name}"})
        return ours, theirs

    def later(self, repository: Repository, run_id: str) -> list[tuple[str, str, str]]:
        """Read which rows of a run later runs changed, by run and table."""
        with repository.reading() as reader:
            return [(each.run_id, each.table, each.row) for each in reader.later(run_id)]


def told_by_run(entries: Sequence[LedgerEntry]) -> list[tuple[object, ...]]:
    """Return what *entries* say, in their order and with their run."""
    return [(each.run_id, each.table, each.row, each.before, each.after) for each in entries]


def targets(references: Iterator[Reference]) -> set[tuple[str, str, str | None]]:
    """Return *references* as a set; one that comes twice is an error."""
    found = [(each.table, each.row, each.customer_id) for each in references]
    assert len(set(found)) == len(found), "a row was read twice"
    return set(found)
