"""The part of the contract about runs that are written in chunks: each whole, the run resumable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.backfill.chunking import chunks
from leadfold.exceptions import RetryableError, RunExistsError, StalePlanError, StoreError
from leadfold.model import Identifier, Lead
from leadfold.progress import STOPPED, UNFINISHED
from leadfold.repository import CUSTOMER
from leadfold.testing.changesets import follow, link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import (
    SourceFailedError,
    StoreHooks,
    job,
    read_entries,
    read_holders,
    read_leads,
    read_runs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import ChangeSet, Run, Unit
    from leadfold.repository import Repository
    from leadfold.testing.changesets import Basis

__all__ = ["ChunkContract"]

X = Identifier("phone", "+15551230001")
UNITS = 7
CHUNK = 3
BAD = frozenset({1, 3, 5})
"""Units that the store refuses, in several chunks."""


class ChunkContract(StoreHooks):
    """Chunks of a run come to what the run in one transaction does; between them it stands."""

    # Between two chunks.

    def test_a_run_is_unfinished_until_its_last_chunk(self, repository: Repository) -> None:
        """Its row says so and how far it came, with the figures so far; no audit entry yet."""
        first, *_ = chunks(self._planned(repository), CHUNK)
        committed = repository.commit(first)
        (run,) = read_runs(repository)
        assert (run.status, run.stats) == (UNFINISHED, committed.stats.to_dict())
        assert (run.stats["customersCreated"], run.stats["jobsLinked"]) == (CHUNK, CHUNK)
        assert self._linked(repository) == {f"l{number}" for number in range(CHUNK)}
        assert {entry.unit for entry in read_entries(repository, "run-1")} == set(range(CHUNK))
        assert self.raw_audit(repository) == []

    def test_an_index_written_in_part_has_no_policy(self, repository: Repository) -> None:
        """Nobody is told that the index is complete before it is."""
        fingerprints = []
        for part in chunks(self._planned(repository), CHUNK):
            repository.commit(part)
            fingerprints.append(_fingerprint(repository))
        assert fingerprints == [None, None, "policy-1"]

    def test_an_index_of_that_policy_keeps_it(self, repository: Repository) -> None:
        """An index that was complete stays so while a further run of its policy is unfinished."""
        repository.commit(read_basis(repository).changeset(run=run_of("run-0")))
        first, *_ = chunks(self._planned(repository), CHUNK)
        repository.commit(first)
        assert _fingerprint(repository) == "policy-1"

    # All of them.

    def test_chunks_come_to_the_whole(self, repository: Repository) -> None:
        """All rows, one run of all figures and one audit entry, as if written at once."""
        whole = self._planned(repository)
        for part in chunks(whole, CHUNK):
            committed = repository.commit(part)
        expected = whole.outcome((), {"Job": UNITS})
        assert committed.stats == expected
        assert self.links(repository) == {f"l{n}": f"c{n}" for n in range(UNITS)}
        assert set(self.pointers(repository, "Job").values()) == set(self.raw_customers(repository))
        (run,) = read_runs(repository)
        assert (run.status, run.stats, run.extra) == ("done", expected.to_dict(), expected.extra)
        (entry,) = self.raw_audit(repository)
        assert entry["payload"] == whole.audit_payload(expected)
        assert [e.unit for e in read_entries(repository, "run-1")] == [
            number for number in range(UNITS) for _ in ("insert", "link", "follow")
        ]

    def test_a_unit_is_never_cut(self, repository: Repository) -> None:
        """One with more leads than a chunk is to have is written by itself."""
        basis = self.seeded(repository, *(Lead(f"l{number}") for number in range(4)))
        units = [
            basis.founding(0, "l0", "c0"),
            basis.unit(1, new_customer("c1"), link("l1", "c1"), link("l2", "c1")),
            basis.founding(2, "l3", "c3"),
        ]
        linked = []
        for part in chunks(basis.changeset(*units), 1):
            repository.commit(part)
            linked.append(len(self._linked(repository)))
        assert linked == [1, 3, 4]

    def test_a_plan_without_units_is_finished(self, repository: Repository) -> None:
        """A run that changes nothing is one chunk, and leaves its audit entry."""
        (part,) = chunks(read_basis(repository).changeset(), CHUNK)
        repository.commit(part)
        assert [run.status for run in read_runs(repository)] == ["done"]
        assert len(self.raw_audit(repository)) == 1

    def test_faulty_units_of_all_chunks_are_reported(self, repository: Repository) -> None:
        """Each is left out alone; the figures of the run count and list them in order."""
        whole = self._planned(repository, taken=BAD)
        reported = [
            failure.unit
            for part in chunks(whole, CHUNK)
            for failure in repository.commit(part).failures
        ]
        (run,) = read_runs(repository)
        errors = run.stats["errors"]
        assert isinstance(errors, list)
        assert reported == [each["unit"] for each in errors] == sorted(BAD)
        assert run.stats["customersCreated"] == UNITS - len(BAD)
        assert self._linked(repository) == {f"l{n}" for n in range(UNITS) if n not in BAD}

    # Going on.

    def test_the_rest_can_be_one_chunk(self, repository: Repository) -> None:
        """Going on needs no chunk of the same size, nor several."""
        whole = self._planned(repository)
        first, *_ = chunks(whole, CHUNK)
        repository.commit(first)
        (rest,) = chunks(whole, None, CHUNK)
        assert repository.commit(rest).stats == whole.outcome((), {"Job": UNITS})
        assert len(self._linked(repository)) == UNITS

    def test_a_chunk_is_written_once(self, repository: Repository) -> None:
        """One that was written already is refused: somebody else went on with the run."""
        first, *_ = chunks(self._planned(repository), CHUNK)
        repository.commit(first)
        self._refuses(repository, first, RetryableError)

    def test_a_chunk_cannot_be_left_out(self, repository: Repository) -> None:
        """One that is not the next is refused."""
        first, _, third = chunks(self._planned(repository), CHUNK)
        self._refuses(repository, third, StoreError)
        repository.commit(first)
        self._refuses(repository, third, RetryableError)

    def test_a_finished_run_is_not_gone_on_with(self, repository: Repository) -> None:
        """No chunk of it is written again, be it the first or the last."""
        parts = [*chunks(self._planned(repository), CHUNK)]
        for part in parts:
            repository.commit(part)
        for part in parts:
            self._refuses(repository, part, RunExistsError)

    def test_another_plan_does_not_go_on_with_a_run(self, repository: Repository) -> None:
        """A plan of the same run id is refused, in chunks and as a whole."""
        whole = self._planned(repository)
        first, second, _ = chunks(whole, CHUNK)
        repository.commit(first)
        later = attrs.evolve(whole, run=run_of(minute=1))
        _, other, _ = chunks(later, CHUNK)
        self._refuses(repository, other, RunExistsError)
        self._refuses(repository, whole, RunExistsError)
        repository.commit(second)

    def test_a_chunk_that_fails_leaves_those_before(self, repository: Repository) -> None:
        """An error among its units leaves the run as it was, and it can go on."""
        parts = [*chunks(self._planned(repository), CHUNK)]
        repository.commit(parts[0])
        failing = attrs.evolve(parts[1], units=_failing(parts[1].units))
        self._refuses(repository, failing, SourceFailedError)
        for part in parts[1:]:
            repository.commit(part)
        assert len(self._linked(repository)) == UNITS

    # Stale units.

    def test_a_stale_unit_refuses_its_chunk_alone(self, repository: Repository) -> None:
        """The chunks before it stay; with ``skip`` the run goes on without it."""
        whole = self._planned(repository)
        first, second, third = chunks(whole, CHUNK)
        repository.commit(first)
        self.edit_lead(repository, "l4", phone="555.9")
        refused = self._refuses(repository, second, StalePlanError)
        assert isinstance(refused, StalePlanError)
        assert refused.lead_ids == ("l4",)
        (failure,) = repository.commit(attrs.evolve(second, on_stale="skip")).failures
        assert (failure.unit, failure.cause) == (4, "stale")
        assert repository.commit(third).stats.leads_linked == UNITS - 1

    def test_a_run_is_not_stale_for_itself(self, repository: Repository) -> None:
        """A value that units of several chunks hold is claimed by all of them."""
        basis = self.seeded(repository, *(Lead(f"l{number}") for number in range(4)))
        for part in chunks(basis.changeset(*_holding(basis, 4)), 1):
            repository.commit(part)
        assert set(read_holders(repository, X).records) == {f"l{number}" for number in range(4)}

    def test_a_value_that_others_claim_between_is_stale(self, repository: Repository) -> None:
        """What another run claimed between two chunks makes the next of them stale."""
        basis = self.seeded(repository, *(Lead(f"l{number}") for number in range(4)))
        first, second, *_ = chunks(basis.changeset(*_holding(basis, 3)), 1)
        repository.commit(first)
        between = read_basis(repository)
        theirs = between.unit(0, reindex("l3", X))
        repository.commit(between.changeset(theirs, run=run_of("run-2", minute=1)))
        self._refuses(repository, second, StalePlanError)

    # What else is told of it.

    def test_runs_are_found_by_action_and_status(self, repository: Repository) -> None:
        """Only those asked for are listed, newest first."""
        first, *_ = chunks(self._planned(repository), CHUNK)
        repository.commit(first)
        merge = attrs.evolve(run_of("run-2", minute=1), action="merge_customers")
        for run in (merge, run_of("run-3", minute=2)):
            repository.commit(read_basis(repository).changeset(run=run))
        with repository.reading() as reader:
            asked = [
                reader.runs(status=UNFINISHED),
                reader.runs(action="merge_customers"),
                reader.runs(action=merge.action, status=UNFINISHED),
                reader.runs(1, status="done"),
                reader.runs(ids=["run-1", "run-2"], status="done"),
            ]
        found = [[run.id for run in runs] for runs in asked]
        assert found == [["run-1"], ["run-2"], [], ["run-3"], ["run-2"]]

    def test_histories_are_told_as_written(self, repository: Repository) -> None:
        """A run that wrote between two chunks of another stands between them in histories."""
        leads = [Lead("l0"), Lead("l1"), Lead("l2")]
        basis = self.seeded(repository, *leads, customers=["c"])
        units = [basis.unit(number, link(f"l{number}", "c")) for number in (0, 2)]
        first, second = chunks(basis.changeset(*units), 1)
        between = basis.changeset(basis.unit(1, link("l1", "c")), run=run_of("run-2", minute=1))
        for changes in (first, between, second):
            repository.commit(changes)
        with repository.reading() as reader:
            told = [(entry.run_id, entry.row) for entry in reader.history(CUSTOMER, "c")]
        assert told == [("run-1", "l0"), ("run-2", "l1"), ("run-1", "l2")]

    # Putting an end to it.

    def test_a_run_that_was_stopped_does_not_go_on(self, repository: Repository) -> None:
        """What ends an unfinished run is written once; then no chunk of it is."""
        first, second, _ = chunks(self._planned(repository), CHUNK)
        repository.commit(first)
        self._end(repository, read_runs(repository)[0])
        assert [run.status for run in read_runs(repository)] == ["done", STOPPED]
        self._refuses(repository, second, RunExistsError)

    def test_only_a_run_as_it_was_read_is_stopped(self, repository: Repository) -> None:
        """A run that went on since is not ended by what knows nothing of that."""
        first, second, _ = chunks(self._planned(repository), CHUNK)
        repository.commit(first)
        (known,) = read_runs(repository)
        repository.commit(second)
        with pytest.raises(RetryableError):
            self._end(repository, known)
        assert [run.status for run in read_runs(repository)] == [UNFINISHED]

    def _planned(self, repository: Repository, taken: frozenset[int] = frozenset()) -> ChangeSet:
        """Seed leads with a job each; return units that found customers, but cannot where taken."""
        leads = [Lead(f"l{number}") for number in range(UNITS)]
        jobs = [job(f"j{number}", f"l{number}") for number in range(UNITS)]
        customers = [f"c{number}" for number in taken]
        basis = self.seeded(repository, *leads, customers=customers, jobs=jobs)
        return basis.changeset(
            *(
                basis.unit(
                    number,
                    new_customer(f"c{number}"),
                    link(f"l{number}", f"c{number}"),
                    follow("Job", f"l{number}", f"c{number}"),
                )
                for number in range(UNITS)
            )
        )

    def _linked(self, repository: Repository) -> set[str]:
        return {lead for lead, row in read_leads(repository).items() if row.customer_id is not None}

    def _refuses(
        self, repository: Repository, changes: ChangeSet, error: type[Exception]
    ) -> Exception:
        """Check that *changes* raise *error* and nothing is written; return what was raised."""
        before, runs = self.image(repository), read_runs(repository)
        with pytest.raises(error) as refused:
            repository.commit(changes)
        assert (self.image(repository), read_runs(repository)) == (before, runs)
        return refused.value

    def _end(self, repository: Repository, run: Run) -> None:
        basis = read_basis(repository)
        repository.commit(attrs.evolve(basis.changeset(run=run_of("run-9", minute=9)), ends=run))


def _holding(basis: Basis, count: int) -> list[Unit]:
    """Return a unit for each of some leads; all hold one value."""
    return [
        basis.unit(n, new_customer(f"c{n}"), link(f"l{n}", f"c{n}"), reindex(f"l{n}", X))
        for n in range(count)
    ]


def _failing(units: object) -> Iterator[Unit]:
    """Yield the first of *units*, and fail."""
    assert isinstance(units, tuple)
    yield units[0]
    raise SourceFailedError


def _fingerprint(repository: Repository) -> str | None:
    with repository.reading() as reader:
        return reader.facts().fingerprint
