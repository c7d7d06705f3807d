"""The contract notices a wrong adapter: each here is the in-memory store with one fault."""

from __future__ import annotations

from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any, Self

import attrs
import pytest

from leadfold.changes import (
    Carry,
    Erase,
    InsertCustomer,
    Link,
    PatchCustomer,
    Reindex,
    Relink,
    Restore,
    Retire,
    Rule,
)
from leadfold.exceptions import LeadfoldError
from leadfold.repositories.memory import AuditEntry, InMemoryRepository
from leadfold.repositories.memory.reading import MemoryReader
from leadfold.repository import LEAD
from leadfold.testing import RepositoryContract
from repositories.memory_contract import REFERENCES, InMemoryContract

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from leadfold.changes import Change, ChangeSet, Committed, Unit
    from leadfold.repository import LedgerEntry, Reader, Reference

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

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - whatever the store takes
        super().__init__(**options)
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

    def for_tenant(self, tenant: str) -> Self:
        """Return the store itself."""
        del tenant
        return self


class DropsCarries(InMemoryRepository):
    """Carries nothing."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit without carries."""
        return super().commit(changed(changes, lambda _: None, Carry))


class RelinksBlindly(InMemoryRepository):
    """Does not look where a job points before it takes another customer."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Expect whatever is there."""
        now = {row["id"]: str(row["customer_id"]) for row in self.dependents("Job")}

        def blind(change: Change) -> Change:
            assert isinstance(change, Relink)
            return attrs.evolve(change, before=now.get(change.row, change.before))

        return super().commit(changed(changes, blind, Relink))


class LetsGo(InMemoryRepository):
    """Takes the customer from the jobs of one that retires, as under ON DELETE SET NULL."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Unlink the jobs first."""
        units = map(self._letting_go, changes.units)
        return super().commit(attrs.evolve(changes, units=units))

    def _letting_go(self, unit: Unit) -> Unit:
        gone = {each.customer_id for each in unit.changes if isinstance(each, Retire)}
        relinks = (
            Relink("Job", str(row["id"]), str(row["customer_id"]), None)
            for row in self.dependents("Job")
            if row["customer_id"] in gone
        )
        return attrs.evolve(unit, changes=(*relinks, *unit.changes))


class RetiresNobody(InMemoryRepository):
    """Takes a customer that is gone for one that has retired."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Leave out who is not there."""
        here = {row.id for row in self.customers()}

        def known(change: Change) -> Change | None:
            assert isinstance(change, Retire)
            return change if change.customer_id in here else None

        units = (attrs.evolve(unit, customers={}) for unit in changes.units)
        return super().commit(changed(attrs.evolve(changes, units=units), known, Retire))


class RestoresOver(InMemoryRepository):
    """Restores a customer over the row that is there."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Delete that row first."""
        changes = attrs.evolve(changes, units=tuple(changes.units))
        for each in (each for unit in changes.units for each in unit.changes):
            if isinstance(each, Restore) and each.customer_id in {c.id for c in self.customers()}:
                self.delete_customer(each.customer_id)
        return super().commit(changes)


class RestoresHalves(InMemoryRepository):
    """Restores a customer without its metadata."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit half the image."""

        def half(change: Change) -> Change:
            assert isinstance(change, Restore)
            return attrs.evolve(change, image={**change.image, "metadata": None})

        return super().commit(changed(changes, half, Restore))


class TakesUnitsInOrder(InMemoryRepository):
    """Writes the changes of a unit one by one, in the order listed."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit every change as a unit of its own."""
        units = (
            attrs.evolve(unit, changes=(change,), leads={}, customers={})
            for unit in changes.units
            for change in unit.changes
        )
        return super().commit(attrs.evolve(changes, units=units))


class RulesTwice(InMemoryRepository):
    """Does not mind a ruling that is in that state already."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Leave out such rulings."""
        with self.reading() as reader:
            in_force = {each.id for each in reader.rulings()}

        def news(change: Change) -> Change | None:
            assert isinstance(change, Rule)
            return change if (change.ruling.id in in_force) != change.in_force else None

        return super().commit(changed(changes, news, Rule))


class KeepsTheIndex(InMemoryRepository):
    """Erases a lead, but still knows what it held."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Erase a lead of another name."""

        def missed(change: Change) -> Change:
            assert isinstance(change, Erase)
            return attrs.evolve(change, lead_id=f"not {change.lead_id}")

        return super().commit(changed(changes, missed, Erase))


class KeepsImages(InMemoryRepository):
    """Erases what customers show, not what the ledger keeps of them."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Erase no image."""

        def kept(change: Change) -> Change:
            assert isinstance(change, Erase)
            return attrs.evolve(change, images={})

        return super().commit(changed(changes, kept, Erase))


class ErasesBlindly(InMemoryRepository):
    """Blanks names whatever they are now."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Erase the names that are there."""
        names = {row.id: row.name for row in self.customers()}

        def blind(change: Change) -> Change:
            assert isinstance(change, Erase)
            rows = {
                key: {**values, "name": names.get(key) or ""} for key, values in change.rows.items()
            }
            return attrs.evolve(change, rows=rows)

        return super().commit(changed(changes, blind, Erase))


class LosesSources(InMemoryRepository):
    """Does not keep where a customer's values came from."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Insert without sources."""

        def bare(change: Change) -> Change:
            assert isinstance(change, InsertCustomer)
            return attrs.evolve(change, sources={})

        return super().commit(changed(changes, bare, InsertCustomer))


class CountsPlans(InMemoryRepository):
    """Counts what was planned, not what was written."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, and tell the expected figures."""
        return attrs.evolve(super().commit(changes), stats=changes.expected)


class SkipsFaults(InMemoryRepository):
    """Leaves faulty units out though it was told to refuse."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit what is not at fault."""
        return super().commit(attrs.evolve(changes, on_fault="skip"))


class RefusesFaults(InMemoryRepository):
    """Refuses a run with a faulty unit though it was told to leave it out."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit all or nothing."""
        return super().commit(attrs.evolve(changes, on_fault="refuse"))


class Misread(InMemoryRepository):
    """Reads with a reader that has a fault."""

    reader: type[MemoryReader]

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the same snapshot for another reader."""
        with super().reading() as sound:
            assert isinstance(sound, MemoryReader)
            yield self.reader(sound.tables, sound.shape, sound.tenant)


class ForgetsCarries(Misread):
    """Has no entry of what was carried from one customer to another."""

    class reader(MemoryReader):  # noqa: N801 - takes the place of an attribute
        """Reads only entries of rows that pointed at nobody."""

        def entries(self, run_id: str) -> Iterator[LedgerEntry]:
            """Leave the others out."""
            moves = {"link", "follow"}
            told = super().entries(run_id)
            return (each for each in told if each.action not in moves or each.before is None)


class KeepsNoImage(Misread):
    """Keeps the id of a retired customer, and nothing else."""

    class reader(MemoryReader):  # noqa: N801
        """Reads images without their values."""

        def entries(self, run_id: str) -> Iterator[LedgerEntry]:
            """Blank them."""
            for each in super().entries(run_id):
                blank = dict.fromkeys(("name", "phone", "email", "metadata"))
                yield attrs.evolve(each, before=blank) if each.action == "retire" else each


class TellsByTable(Misread):
    """Tells of a run table by table, as it was written."""

    class reader(MemoryReader):  # noqa: N801
        """Reads entries in the order of their tables."""

        def entries(self, run_id: str) -> Iterator[LedgerEntry]:
            """Sort them."""
            return iter(sorted(super().entries(run_id), key=lambda each: each.table))


class TellsTenants(InMemoryRepository):
    """Tells a tenant what the runs of others did later."""

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the runs of all tenants in one."""
        with super().reading() as sound:
            assert isinstance(sound, MemoryReader)
            every = self._store.tables.values()
            ledger = {run: told for tables in every for run, told in tables.ledger.items()}
            runs = {key: run for tables in every for key, run in tables.runs.items()}
            told = {run: entries for run, entries in ledger.items() if run not in sound.tables.runs}
            mixed = attrs.evolve(
                sound.tables,
                runs=runs,
                ledger={**told, **sound.tables.ledger},
                written=(
                    *sound.tables.written,
                    *((run, 0, len(entries)) for run, entries in told.items()),
                ),
            )
            yield TellsOfAll(sound.tables, sound.shape, sound.tenant, mixed)


@attrs.frozen
class TellsOfAll(MemoryReader):
    """Reads what came later from the runs of *every* tenant."""

    every: Any = None

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        """Read them all."""
        return MemoryReader(self.every, self.shape, self.tenant).later(run_id)


class TellsEarlier(Misread):
    """Takes whatever another run did for later."""

    class reader(MemoryReader):  # noqa: N801
        """Reads earlier runs too."""

        def later(self, run_id: str) -> Iterator[LedgerEntry]:
            """Read every other run."""
            rows = {(each.table, each.row) for each in self.entries(run_id)}
            others = (self.entries(run) for run in self.tables.runs if run != run_id)
            return (each for told in others for each in told if (each.table, each.row) in rows)


class TellsOfRowsAlone(Misread):
    """Has no links in the history of a customer."""

    class reader(MemoryReader):  # noqa: N801
        """Reads entries of the very row."""

        def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
            """Leave the others out."""
            return (each for each in super().history(table, row) if each.table == table)


class OverlooksLeads(Misread):
    """Does not see the leads that point at a customer."""

    class reader(MemoryReader):  # noqa: N801
        """Reads jobs, conversations and addresses."""

        def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
            """Leave leads out."""
            return (each for each in super().pointing_at(customer_ids) if each.table != LEAD)


class ForgetsItsClaims(InMemoryRepository):
    """Takes what the chunks before claimed for somebody else's claims."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit as a run that claimed nothing yet."""
        tables = self._tables
        runs = {
            key: attrs.evolve(run, extra=_without_clocks(run.extra))
            for key, run in tables.runs.items()
        }
        self._store.tables[self._tenant] = attrs.evolve(tables, runs=runs)
        return super().commit(changes)


def _without_clocks(extra: Mapping[str, Any]) -> dict[str, object]:
    told = extra.get("progress")
    return {**extra, "progress": {**told, "clocks": []}} if told else {**extra}


class AuditsEveryChunk(InMemoryRepository):
    """Leaves an audit entry as soon as anything is written."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, and tell of it."""
        committed = super().commit(changes)
        if not changes.finishes:
            run = changes.run
            entry = AuditEntry(run.actor, run.action, {}, run.at)
            tables = self._tables
            audit = (*tables.audit, entry)
            self._store.tables[self._tenant] = attrs.evolve(tables, audit=audit)
        return committed


class GoesOnRegardless(InMemoryRepository):
    """Does not look whether a run has been put an end to."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, and put an end to nothing."""
        return super().commit(attrs.evolve(changes, ends=None))


class EndsBlindly(InMemoryRepository):
    """Puts an end to a run however far it came."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit as if the run had been read just now."""
        ends = changes.ends and self._tables.runs[changes.ends.id]
        return super().commit(attrs.evolve(changes, ends=ends))


class MarksTooSoon(InMemoryRepository):
    """Says that the index is complete with the first chunk."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, and mark the index."""
        committed = super().commit(changes)
        self._tables.index.fingerprint = changes.run.policy
        return committed


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
    (DropsCarries, "test_a_carry_takes_what_came_since"),
    (ForgetsCarries, "test_a_carry_moves_every_row"),
    (RelinksBlindly, "test_a_relink_of_a_moved_row_is_stale"),
    (LetsGo, "test_a_customer_in_use_cannot_retire"),
    (RetiresNobody, "test_a_missing_customer_cannot_retire"),
    (KeepsNoImage, "test_a_retired_customer_is_gone"),
    (RestoresOver, "test_nobody_is_restored_over"),
    (RestoresHalves, "test_a_restored_customer_is_what_it_was"),
    (TakesUnitsInOrder, "test_a_unit_is_true_together_when_a_customer_goes"),
    (RulesTwice, "test_a_ruling_in_that_state_is_stale"),
    (KeepsTheIndex, "test_an_erased_lead_is_not_in_the_index"),
    (KeepsImages, "test_an_erasure_blanks_every_image"),
    (KeepsImages, "test_an_erased_value_is_nowhere_in_the_ledger"),
    (ErasesBlindly, "test_an_erasure_leaves_what_somebody_edited"),
    (LosesSources, "test_the_ledger_keeps_the_sources_of_a_customer"),
    (CountsPlans, "test_the_figures_count_what_was_undone"),
    (SkipsFaults, "test_a_fault_can_refuse_the_run"),
    (RefusesFaults, "test_a_faulty_unit_is_left_out_alone"),
    (CommitsInPieces, "test_units_that_fail_midway_undo_nothing"),
    (TellsByTable, "test_the_ledger_is_read_unit_by_unit"),
    (TellsTenants, "test_a_tenant_reads_nothing_of_another"),
    (TellsEarlier, "test_later_entries_are_about_rows_of_this_run"),
    (TellsOfRowsAlone, "test_a_customer_has_a_history"),
    (OverlooksLeads, "test_what_points_at_a_customer_is_read"),
    (ForgetsItsClaims, "test_a_run_is_not_stale_for_itself"),
    (IgnoresClaims, "test_a_value_that_others_claim_between_is_stale"),
    (AuditsEveryChunk, "test_a_run_is_unfinished_until_its_last_chunk"),
    (GoesOnRegardless, "test_a_run_that_was_stopped_does_not_go_on"),
    (EndsBlindly, "test_only_a_run_as_it_was_read_is_stopped"),
    (MarksTooSoon, "test_an_index_written_in_part_has_no_policy"),
    (CommitsInPieces, "test_a_chunk_that_fails_leaves_those_before"),
]

ARGUMENTS: Mapping[str, object] = {"column": "phone", "table": "Job", "backwards": False}
"""What a test that is parametrized is given."""


@pytest.mark.parametrize(
    ("broken", "test"), [pytest.param(*fault, id=fault[0].__name__) for fault in FAULTS]
)
def test_a_fault_is_noticed(broken: type[InMemoryRepository], test: str) -> None:
    """A repository with one fault fails the test that is about it; a sound one passes."""
    check = getattr(InMemoryContract(), test)
    wanted = signature(check).parameters
    arguments = {name: value for name, value in ARGUMENTS.items() if name in wanted}
    check(InMemoryRepository(references=REFERENCES), **arguments)
    with pytest.raises((AssertionError, pytest.fail.Exception, LeadfoldError)):
        check(broken(references=REFERENCES), **arguments)


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
        ("test_a_tenant_reads_nothing_of_another", "no tenants"),
        ("test_a_restored_customer_keeps_what_is_not_mapped", "no columns but those mapped"),
        ("test_a_customer_in_use_elsewhere_cannot_retire", "undeclared"),
        ("test_a_link_that_must_not_be_null_stays", "can always be null"),
        ("test_links_are_read_of_what_is_a_lead_no_more", "every row of this store is a lead"),
        ("test_a_run_of_the_original_is_known_as_such", "never was the original's"),
    ],
)
def test_an_ability_that_a_store_lacks_is_skipped(test: str, reason: str) -> None:
    """A subclass without the method of an ability skips its tests, and says why."""
    with pytest.raises(pytest.skip.Exception, match=reason):
        getattr(PLAIN(), test)(InMemoryRepository(references=REFERENCES))


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
