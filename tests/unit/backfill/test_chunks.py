"""Applying a plan in chunks: it comes to what one transaction comes to, wherever it stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import Customer, InMemoryRepository, Lead, backfill
from leadfold.backfill import Plan
from leadfold.backfill.statistics import statistics
from leadfold.exceptions import RetryableError, RunExistsError, StalePlanError
from leadfold.reporter import Reporter
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from leadfold.changes import ChangeSet, Committed, Run, Unit

AT = datetime(2026, 1, 2, tzinfo=UTC)
LEADS = tuple(sample.lead for sample in sample_leads(60, seed=5))
JOBS = {"Job": [{"id": f"j{lead.id}", "lead_id": lead.id} for lead in LEADS[::2]]}


class FailedError(Exception):
    """What a repository of these tests raises."""


class Failing(InMemoryRepository):
    """Fails at the commits of the numbers in *failing*, before it writes or after."""

    failing: Collection[int] = ()
    after = False
    commits = 0

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, unless it is this commit's turn to fail."""
        self.commits += 1
        fails = self.commits in self.failing
        if fails and not self.after:
            raise FailedError
        committed = super().commit(changes)
        if fails:
            raise FailedError
        return committed


def new_store(**options: object) -> Failing:
    """Return a store of messy leads, some with a job."""
    return Failing(LEADS, JOBS, **options)  # type: ignore[arg-type] # as the store takes them


def planned(repository: InMemoryRepository, run_id: str = "run-1", at: datetime = AT) -> Plan:
    """Plan with ids that are the same for every store."""
    numbers = count()
    return backfill.plan(
        repository, run_id=run_id, new_id=lambda: f"{run_id}-{next(numbers)}", now=at
    )


def state(repository: InMemoryRepository) -> list[object]:
    """Return all that is stored but which claim of the index each value is of."""
    tables = repository._tables  # noqa: SLF001 - the whole of it
    pointing = {name: table.rows for name, table in tables.pointing.items()}
    index = (tables.index.seen, tables.index.holders, tables.index.fingerprint)
    told = (tables.runs, tables.ledger, tables.audit, tables.made)
    return [tables.leads.rows, tables.customers.rows, pointing, index, told]


def whole() -> InMemoryRepository:
    """Return the store after the plan in one transaction."""
    repository = new_store()
    backfill.apply(planned(repository), repository)
    return repository


def run_of(repository: InMemoryRepository, run_id: str = "run-1") -> Run:
    """Return the run as it is stored."""
    with repository.reading() as reader:
        (run,) = reader.runs(ids=[run_id])
    return run


def begun(repository: Failing, commits: int = 2, chunk: int = 10) -> Plan:
    """Apply a plan in chunks up to the failure of the one after so many *commits*."""
    plan = planned(repository)
    repository.failing = {commits + 1}
    with pytest.raises(FailedError):
        backfill.apply(plan, repository, chunk=chunk)
    return plan


@given(st.integers(1, 80))
def test_any_chunk_comes_to_the_whole(chunk: int) -> None:
    """Rows, ledger, index, run, audit and report are those of one transaction."""
    at_once, repository = new_store(), new_store()
    expected = backfill.apply(planned(at_once), at_once)
    report = backfill.apply(planned(repository), repository, chunk=chunk)
    assert (report, state(repository)) == (expected, state(at_once))


@given(
    st.lists(st.tuples(st.integers(1, 30) | st.none(), st.booleans()), max_size=4),
    st.integers(1, 30),
)
def test_a_run_goes_on_from_wherever_it_stopped(
    stops: list[tuple[int | None, bool]], chunk: int
) -> None:
    """Whatever the chunks, and whether the commit that failed had landed or not."""
    repository = new_store()
    plan = planned(repository)
    for size, after in stops:
        repository.failing, repository.after = {repository.commits + 2}, after
        try:
            backfill.apply(plan, repository, chunk=size)
        except (FailedError, RunExistsError):  # where the last commit landed, it is done
            continue
        break
    repository.failing = ()
    if repository._tables.audit == ():  # noqa: SLF001 - no read tells it
        backfill.apply(plan, repository, chunk=chunk)
    assert state(repository) == state(whole())


@given(
    st.lists(st.sampled_from([None, "c0", "c1", "c2", "c3"]), min_size=60, max_size=60),
    st.integers(1, 40),
)
def test_chunks_move_and_merge_as_the_whole_does(links: list[str | None], chunk: int) -> None:
    """In mode ``reconcile`` too, over leads that others have linked to customers of theirs."""
    reports, states = [], []
    for size in (None, chunk):
        leads = [attrs.evolve(lead, customer_id=to) for lead, to in zip(LEADS, links, strict=True)]
        customers = [Customer(f"c{number}") for number in range(4)]
        repository = InMemoryRepository(leads, JOBS, customers)
        numbers = count()
        plan = backfill.plan(
            repository,
            mode="reconcile",
            adopt=True,
            run_id="run-1",
            new_id=lambda numbers=numbers: f"n{next(numbers)}",  # type: ignore[misc]
            now=AT,
        )
        reports.append(backfill.apply(plan, repository, chunk=size))
        states.append(state(repository))
    assert reports[0] == reports[1]
    assert states[0] == states[1]


@given(st.integers(1, 30))
def test_a_later_backfill_comes_in_chunks_too(chunk: int) -> None:
    """Over a store with an index, customers and links of an earlier one."""
    found = []
    for size in (None, chunk):
        repository = InMemoryRepository(LEADS[:30], {"Job": JOBS["Job"][:15]})
        backfill.apply(planned(repository, "run-0"), repository)
        repository.insert_leads(LEADS[30:])
        plan = planned(repository, "run-2", at=datetime(2026, 1, 3, tzinfo=UTC))
        found.append((backfill.apply(plan, repository, chunk=size), state(repository)))
    assert found[0] == found[1]


def test_a_chunk_is_of_so_many_leads_at_most() -> None:
    """Unless a unit alone has more; every transaction is as full as it can be."""
    sizes: list[list[int]] = []

    class Counting(InMemoryRepository):
        def commit(self, changes: ChangeSet) -> Committed:
            units = tuple(changes.units)
            sizes.append([len(unit.leads) for unit in units])
            return super().commit(attrs.evolve(changes, units=units))

    phones = ["1", "1", "1", "2", "3", "3", "4", "5"]
    leads = [Lead(f"l{n}", phone=f"212-555-010{phone}") for n, phone in enumerate(phones)]
    repository = Counting(leads)
    backfill.apply(backfill.plan(repository), repository, chunk=2)
    assert sizes == [[3], [1], [2], [1, 1]]


@pytest.mark.parametrize("chunk", [3, 10, None])
def test_a_saved_plan_goes_on(tmp_path: Path, chunk: int | None) -> None:
    """A process that knows nothing but the file finishes the run, with any chunk or none."""
    repository = new_store()
    plan = planned(repository)
    plan.save(tmp_path / "plan.json")
    repository.failing = {3}
    with pytest.raises(FailedError):
        backfill.apply(plan, repository, chunk=10)
    backfill.apply(Plan.load(tmp_path / "plan.json"), repository, chunk=chunk)
    assert state(repository) == state(whole())


def test_what_fails_between_chunks_says_how_to_go_on() -> None:
    """The error is the store's; a note names the run and the two ways out."""
    repository = new_store()
    plan = planned(repository)
    repository.failing = {1, 4}
    with pytest.raises(FailedError) as first:
        backfill.apply(plan, repository, chunk=10)
    assert not hasattr(first.value, "__notes__")  # nothing was written
    with pytest.raises(FailedError) as later:
        backfill.apply(plan, repository, chunk=10)
    (note,) = later.value.__notes__
    assert "run run-1 is unfinished" in note
    assert "apply the same plan again to go on, or roll the run back" in note


def test_a_finished_run_is_refused() -> None:
    """With a chunk or without."""
    repository = new_store()
    plan = planned(repository)
    backfill.apply(plan, repository, chunk=10)
    for chunk in (10, None):
        with pytest.raises(RunExistsError, match="a plan is applied once"):
            backfill.apply(plan, repository, chunk=chunk)


def test_another_plan_of_that_run_is_refused() -> None:
    """One made since under the same run id rests on other rows; nothing is written."""
    repository = new_store()
    begun(repository)
    before = state(repository)
    with pytest.raises(RunExistsError, match="of another plan"):
        backfill.apply(planned(repository), repository, chunk=10)
    assert state(repository) == before


class Doubled(Failing):
    """Somebody else commits the first chunk just before it is committed here."""

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit it twice where it is the first."""
        if not self.commits:
            super().commit(changes)
        return super().commit(changes)


def test_two_that_apply_one_plan_do_not_mix() -> None:
    """The one that comes second to a chunk is sent away, and can go on later."""
    repository = Doubled(LEADS, JOBS)
    plan = planned(repository)
    with pytest.raises(RetryableError, match="run run-1 went on meanwhile"):
        backfill.apply(plan, repository, chunk=10)
    backfill.apply(plan, repository, chunk=10)
    assert state(repository) == state(whole())


def test_units_left_out_are_reported_by_whoever_finishes() -> None:
    """Those of chunks before are in the report of the rest too, and its outcome is partial."""
    odd = {lead.phone for lead in LEADS[::3]}

    def refused(row: Lead | Customer) -> str | None:
        at_fault = isinstance(row, Lead) and row.customer_id and row.phone in odd
        return "not this one" if at_fault else None

    at_once, repository = new_store(constraints=[refused]), new_store(constraints=[refused])
    expected = backfill.apply(planned(at_once), at_once)
    plan = begun(repository)
    assert 0 < len(run_of(repository).stats["errors"]) < len(expected.failures)  # type: ignore[arg-type]
    report = backfill.apply(plan, repository, chunk=7)
    assert (report, report.outcome) == (expected, "partial")
    assert state(repository) == state(at_once)


def test_a_reporter_hears_of_the_units_that_are_left() -> None:
    """Not of those that were written before."""
    heard: list[int] = []

    class Listener(Reporter):
        def unit_sent(self, unit: Unit) -> None:
            heard.append(unit.number)

    repository = new_store()
    plan = begun(repository)
    done = {entry.unit for entry in repository._tables.ledger["run-1"]}  # noqa: SLF001
    backfill.apply(plan, repository, reporter=Listener())
    assert heard == [unit.number for unit in plan.units if unit.number not in done]


# Stale units.


def last_lead(plan: Plan) -> Lead:
    """Return a lead of the last unit of *plan*."""
    *_, last = plan.units
    (row, *_) = [lead for lead in LEADS if lead.id in last.leads]
    return row


def test_a_stale_unit_refuses_its_chunk() -> None:
    """Earlier chunks stay; the error names the lead, the run and how to go on."""
    repository = new_store()
    plan = planned(repository)
    row = last_lead(plan)
    repository.update_lead(attrs.evolve(row, phone="212-555-0199"))
    with pytest.raises(StalePlanError) as refused:
        backfill.apply(plan, repository, chunk=10)
    assert refused.value.unfinished == "run-1"
    assert refused.value.lead_ids == (row.id,)
    assert "run run-1 is unfinished: apply the same plan again and leave their units out (on_" in (
        str(refused.value)
    )
    assert run_of(repository).status == "unfinished"
    report = backfill.apply(plan, repository, on_stale="skip", chunk=10)
    (failure,) = report.failures
    assert (failure.cause, row.id in failure.lead_ids) == ("stale", True)
    assert run_of(repository).status == "done"


def test_a_stale_unit_in_the_first_chunk_leaves_no_run() -> None:
    """Nothing was written: the way out is a new plan, as without chunks."""
    repository = new_store()
    plan = planned(repository)
    repository.update_lead(attrs.evolve(last_lead(plan), phone="212-555-0199"))
    with pytest.raises(StalePlanError, match="make a new plan") as refused:
        backfill.apply(plan, repository, chunk=100)
    assert refused.value.unfinished is None
    assert repository.customers() == ()


# While a run is unfinished.


def test_a_new_plan_takes_what_is_written_as_linked() -> None:
    """It does the rest; what was planned before then finds its units stale."""
    repository = new_store()
    plan = begun(repository)
    written = run_of(repository).stats["leadsLinked"]
    report = backfill.apply(
        planned(repository, "run-2", at=datetime(2026, 1, 3, tzinfo=UTC)), repository
    )
    assert report.stats.leads_already_linked == written
    assert all(lead.customer_id for lead in repository.leads())
    with pytest.raises(StalePlanError):
        backfill.apply(plan, repository)
    skipped = backfill.apply(plan, repository, on_stale="skip")
    assert skipped.stats.leads_linked == written
    assert all(lead.customer_id for lead in repository.leads())


def test_an_unfinished_run_can_be_rolled_back() -> None:
    """What was written of it is taken back; its plan is refused from then on, with the reason."""
    repository = new_store()
    plan = begun(repository)
    backfill.rollback("run-1", repository)
    assert (repository.customers(), {lead.customer_id for lead in repository.leads()}) == (
        (),
        {None},
    )
    assert run_of(repository).status == "stopped"
    for chunk in (10, None):
        with pytest.raises(RunExistsError, match="taken back before it was finished: make a new"):
            backfill.apply(plan, repository, chunk=chunk)
    backfill.apply(planned(repository, "run-2"), repository)
    assert all(lead.customer_id for lead in repository.leads())


def test_a_rollback_planned_before_the_run_went_on_is_refused() -> None:
    """It would leave what was written since."""
    repository = new_store()
    plan = begun(repository)
    taking_back = backfill.plan_rollback("run-1", repository)
    backfill.apply(plan, repository)
    before = state(repository)
    with pytest.raises(RetryableError, match="went on meanwhile"):
        backfill.apply(taking_back, repository)
    assert state(repository) == before


def test_a_rollback_of_a_finished_run_takes_back_all_chunks() -> None:
    """As of a run in one transaction."""
    repository = new_store()
    backfill.apply(planned(repository), repository, chunk=10)
    backfill.rollback("run-1", repository)
    assert repository.customers() == ()
    assert run_of(repository).status == "done"


def test_a_store_tells_of_unfinished_runs() -> None:
    """Validation warns and names the ways out, statistics list them, until the rest is done."""
    repository = new_store()
    begun(repository)
    check = backfill.validate(repository)["unfinished runs"]
    assert (check.actual, check.verdict) == ("1", "warn")
    assert check.samples == ("run-1: apply its plan again to go on, or roll it back",)
    assert statistics(repository).unfinished == ("run-1",)
    backfill.apply(planned(repository, "run-2", at=datetime(2026, 1, 3, tzinfo=UTC)), repository)
    assert backfill.validate(repository)["unfinished runs"].ok
    assert statistics(repository).unfinished == ()


# What cannot be meant.


def test_a_chunk_has_a_lead() -> None:
    """None, or fewer, is refused before anything is read."""
    repository = new_store()
    with pytest.raises(ValueError, match="chunk must be 1 lead or more, not 0"):
        backfill.apply(planned(repository), repository, chunk=0)


def test_a_rollback_has_no_chunks() -> None:
    """It is one transaction, and says so."""
    repository = new_store()
    backfill.apply(planned(repository), repository)
    with pytest.raises(ValueError, match="a rollback is one transaction"):
        backfill.apply(backfill.plan_rollback("run-1", repository), repository, chunk=5)


def test_a_reporter_hears_that_a_rollback_is_one() -> None:
    """Not that customers are created."""
    heard: list[tuple[int, int, str]] = []

    class Listener(Reporter):
        def stage(self, number: int, of: int, name: str) -> None:
            heard.append((number, of, name))

    repository = new_store()
    backfill.apply(planned(repository), repository)
    planned_back = backfill.plan_rollback("run-1", repository)
    backfill.apply(planned_back, repository, reporter=Listener())
    assert heard == [(1, 1, "Putting back what was")]
