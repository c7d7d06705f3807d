"""The contract notices a wrong adapter: each here is the in-memory store with one fault."""

from __future__ import annotations

from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import InsertCustomer, Link, PatchCustomer, Reindex
from leadfold.exceptions import LeadfoldError
from leadfold.repositories.memory import InMemoryRepository
from leadfold.testing import RepositoryContract
from repositories.memory_contract import InMemoryContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadfold.changes import Change, ChangeSet, Committed, Unit
    from leadfold.repository import Reader

pytest_plugins = ["pytester"]


def changed(
    changes: ChangeSet, wrong: Callable[[Change], Change | None], kind: type[Change]
) -> ChangeSet:
    """Return *changes* with each change of *kind* as *wrong* has it; None drops it."""

    def changed_unit(unit: Unit) -> Unit:
        written = [wrong(each) if isinstance(each, kind) else each for each in unit.changes]
        return attrs.evolve(unit, changes=tuple(each for each in written if each is not None))

    return attrs.evolve(changes, units=map(changed_unit, changes.units))


class DropsLinks(InMemoryRepository):
    """Writes everything but the links."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit without links."""
        return super().commit(changed(changes, lambda _: None, Link))


class DropsLinksAndLies(DropsLinks):
    """Writes no link, and reads back the links that it should have written."""

    def __init__(self) -> None:
        super().__init__()
        self.pretended: dict[str, str | None] = {}

    def commit(self, changes: ChangeSet) -> Committed:
        """Remember the links instead of writing them."""
        changes = attrs.evolve(changes, units=tuple(changes.units))
        links = (each for unit in changes.units for each in unit.changes if isinstance(each, Link))
        self.pretended.update((each.lead_id, each.after) for each in links)
        return super().commit(changes)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read the links that were never written."""
        pretended = (
            attrs.evolve(lead, customer_id=self.pretended.get(lead.id, lead.customer_id))
            for lead in self.leads()
        )
        view = InMemoryRepository(pretended, customers=self.customers())
        with view.reading() as reader:
            yield reader


class FoldsCase(InMemoryRepository):
    """Takes lead "A" for lead "a"."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Link the lead of the folded id."""
        units = (attrs.evolve(unit, leads={}) for unit in changes.units)
        folded = attrs.evolve(changes, units=units)
        return super().commit(changed(folded, self._folded, Link))

    def _folded(self, change: Change) -> Change:
        assert isinstance(change, Link)
        return attrs.evolve(change, lead_id=change.lead_id.lower())


class TrustsLeads(InMemoryRepository):
    """Does not look whether a lead has changed."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit without the versions of leads."""
        units = (attrs.evolve(unit, leads={}) for unit in changes.units)
        return super().commit(attrs.evolve(changes, units=units))


class TrustsCustomers(InMemoryRepository):
    """Does not look whether a customer has changed."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit without the versions of customers."""
        units = (attrs.evolve(unit, customers={}) for unit in changes.units)
        return super().commit(attrs.evolve(changes, units=units))


class IgnoresClaims(InMemoryRepository):
    """Does not look who claimed a value meanwhile."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit as if planned after every claim."""
        return super().commit(attrs.evolve(changes, claims_at=10**9))


class RefusesNothing(InMemoryRepository):
    """Skips stale units though it was told to refuse."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit what is not stale."""
        return super().commit(attrs.evolve(changes, on_stale="skip"))


class RefusesAlways(InMemoryRepository):
    """Refuses a plan with a stale unit though it was told to skip it."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit all or refuse."""
        return super().commit(attrs.evolve(changes, on_stale="refuse"))


class VersionsEverything(InMemoryRepository):
    """Takes a row for changed whatever was edited."""

    def update_lead(self, lead: object) -> None:
        """Replace the row by a new one."""
        (before,) = (row for row in self.leads() if row.id == getattr(lead, "id", None))
        self.delete_lead(before.id)
        self.insert_lead(lead)


class ReplacesMetadata(InMemoryRepository):
    """Writes metadata whole where a patch names a few keys."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, then overwrite."""
        changes = attrs.evolve(changes, units=tuple(changes.units))
        committed = super().commit(changes)
        for patch in (each for unit in changes.units for each in unit.changes):
            if isinstance(patch, PatchCustomer):
                (row,) = (row for row in self.customers() if row.id == patch.customer_id)
                self.update_customer(attrs.evolve(row, metadata=patch.after))
        return committed


class MovesJobs(InMemoryRepository):
    """Moves jobs that have a customer of their own."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Take jobs from their customer first."""
        for row in self.dependents("Job"):
            self.insert_dependent("Job", {**row, "customer_id": None})
        return super().commit(changes)


class CommitsInPieces(InMemoryRepository):
    """Commits each unit by itself."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit unit by unit, under names of their own."""
        for number, unit in enumerate(changes.units):
            run = attrs.evolve(changes.run, id=f"{changes.run.id}.{number}")
            super().commit(attrs.evolve(changes, run=run, units=[unit]))
        return super().commit(attrs.evolve(changes, units=[]))


class GivesUp(InMemoryRepository):
    """Stops at the first faulty unit."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit the units before the first fault, and leave the rest."""
        units = tuple(changes.units)
        probe = InMemoryRepository(self.leads(), customers=self.customers())
        tried = attrs.evolve(changes, units=units, on_stale="skip")
        failed = {failure.unit for failure in probe.commit(tried).failures}
        first = next((at for at, unit in enumerate(units) if unit.number in failed), len(units))
        return super().commit(attrs.evolve(changes, units=units[: first + 1]))


class KeepsHalves(InMemoryRepository):
    """Keeps what a faulty unit wrote before its fault."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Insert customers before anything can go wrong."""
        changes = attrs.evolve(changes, units=tuple(changes.units))
        committed = super().commit(changes)
        failed = {failure.unit for failure in committed.failures}
        for unit in changes.units:
            for each in unit.changes if unit.number in failed else ():
                if isinstance(each, InsertCustomer):
                    self.insert_customer({"id": each.customer_id})
        return committed


class ForgetsRuns(InMemoryRepository):
    """Knows no run again."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit under another name if the run exists."""
        try:
            return super().commit(changes)
        except LeadfoldError:
            return super().commit(attrs.evolve(changes, run=attrs.evolve(changes.run, id="other")))


class ForgetsTheIndex(InMemoryRepository):
    """Writes no index."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit without index entries."""
        return super().commit(changed(changes, lambda _: None, Reindex))


class BlursRows(InMemoryRepository):
    """Counts followed jobs, but leaves them where they are."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, then take the jobs back."""
        jobs = self.dependents("Job")
        committed = super().commit(changes)
        for row in jobs:
            self.insert_dependent("Job", row)
        return committed


class SharesTenants(InMemoryRepository):
    """Gives every tenant the same rows."""

    def for_tenant(self, tenant: str) -> InMemoryRepository:
        """Return the store itself."""
        del tenant
        return self


FAULTS = [
    (DropsLinks, "test_a_unit_is_stored"),
    (DropsLinksAndLies, "test_a_unit_is_stored"),
    (FoldsCase, "test_ids_of_mixed_case_are_different_leads"),
    (TrustsLeads, "test_a_lead_read_but_unchanged_can_be_stale"),
    (TrustsCustomers, "test_an_edited_customer_is_stale"),
    (IgnoresClaims, "test_a_value_claimed_since_is_stale"),
    (IgnoresClaims, "test_a_value_held_before_can_be_claimed_since"),
    (RefusesNothing, "test_a_deleted_lead_is_stale"),
    (RefusesAlways, "test_a_stale_unit_can_be_skipped"),
    (VersionsEverything, "test_an_unrelated_column_is_not_stale"),
    (ReplacesMetadata, "test_a_patch_touches_its_keys_alone"),
    (MovesJobs, "test_a_dependent_with_a_customer_is_left_alone"),
    (CommitsInPieces, "test_a_source_of_units_that_fails_writes_nothing"),
    (GivesUp, "test_a_faulty_unit_is_left_out_alone"),
    (KeepsHalves, "test_a_faulty_unit_leaves_nothing"),
    (ForgetsRuns, "test_a_run_is_committed_once"),
    (ForgetsTheIndex, "test_the_index_holds_what_it_was_given"),
    (BlursRows, "test_a_unit_is_stored"),
    (SharesTenants, "test_tenants_with_equal_phones_stay_apart"),
]


@pytest.mark.parametrize(
    ("broken", "test"), [pytest.param(*fault, id=fault[0].__name__) for fault in FAULTS]
)
def test_a_fault_is_noticed(broken: type[InMemoryRepository], test: str) -> None:
    """A repository with one fault fails the test that is about it; a sound one passes."""
    check = getattr(InMemoryContract(), test)
    arguments = {"column": "phone"} if "column" in signature(check).parameters else {}
    check(InMemoryRepository(), **arguments)
    with pytest.raises((AssertionError, pytest.fail.Exception, LeadfoldError)):
        check(broken(), **arguments)


PLAIN = type(
    "PlainContract",
    (RepositoryContract,),
    {hook: vars(InMemoryContract)[hook] for hook in RepositoryContract.__abstractmethods__},
)


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("test_a_field_can_hold_several_values", "one phone at most"),
        ("test_a_scope_is_read_beside_the_values", "no page_id"),
        ("test_an_open_reader_sees_one_moment", "while a reader is open"),
        ("test_a_faulty_unit_reserves_no_phone", "unique phone"),
        ("test_the_first_of_two_units_shows_a_unique_phone", "unique phone"),
        ("test_tenants_with_equal_phones_stay_apart", "no tenants"),
    ],
)
def test_an_ability_that_a_store_lacks_is_skipped(test: str, reason: str) -> None:
    """A subclass without the method of an ability skips its tests, and says why."""
    with pytest.raises(pytest.skip.Exception, match=reason):
        getattr(PLAIN(), test)(InMemoryRepository())


def test_a_contract_without_its_hooks_cannot_run() -> None:
    """A subclass that forgot a raw read is told so, before any test can pass by luck."""
    with pytest.raises(TypeError, match="raw_audit"):
        type("Forgetful", (RepositoryContract,), {})()


def test_a_failure_of_the_shipped_suite_says_why(
    pytester: pytest.Pytester, pytestconfig: pytest.Config
) -> None:
    """An adapter's author sees the two sides of a comparison, not a bare AssertionError."""
    pytester.makepyfile("""
        import pytest
        from repositories.memory_contract import InMemoryContract
        from repositories.test_contract_bites import DropsLinks

        class TestDropsLinks(InMemoryContract):
            @pytest.fixture
            def repository(self):
                return DropsLinks()
    """)
    tests = pytestconfig.rootpath / "tests"
    result = pytester.runpytest_subprocess(
        "-k", "test_a_unit_is_stored", "-o", f"pythonpath={tests}"
    )
    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["*assert {'l1': None, *} == {'l1': 'c1', *}*"])
