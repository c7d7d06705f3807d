"""`backfill.rollback`: exactly what was comes back, and what was built since is not lost."""

from __future__ import annotations

from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadfold import InMemoryRepository, Lead, backfill
from leadfold.asking import PORTION
from leadfold.backfill import plan_rollback, rollback
from leadfold.changes import ChangeSet, Link, PatchCustomer, Unit
from leadfold.customers import customer_id_now, erase, merge, split
from leadfold.exceptions import (
    AlreadyUndoneError,
    DecisionError,
    LeadfoldError,
    LinkRequiredError,
    MappingError,
    NothingToUndo,
    NotUndoableError,
    RollbackRefusedError,
    RunExistsError,
    StalePlanError,
)
from leadfold.model import Customer
from leadfold.repositories.memory import AuditEntry
from oracle.decided import (
    AT,
    Told,
    Undeclared,
    X,
    Y,
    Z,
    backfilled,
    counts,
    edit,
    entries,
    found,
    links,
    rename,
    rulings,
    run,
    state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leadfold.backfill.rollback import Later
    from leadfold.model import Ruling

LATER: tuple[Later, ...] = ("refuse", "keep")


def unlinked(lead_ids: str, *, phone: str = X) -> list[Lead]:
    """Return one lead for each letter, all with one phone."""
    return [Lead(letter, phone=phone) for letter in lead_ids]


def blockers(
    repository: InMemoryRepository, run_id: str
) -> list[tuple[int, str, str, str, str | None]]:
    """Return what is in the way of rolling *run_id* back."""
    return [attrs.astuple(each) for each in plan_rollback(run_id, repository).blockers]


# What comes back.


def test_the_store_is_as_before_the_run() -> None:
    """Links of leads and of what follows them, the customers that were there, nothing else."""
    repository = InMemoryRepository(
        [Lead("a", phone=X), Lead("b", phone=X), Lead("c", phone=Y, customer_id="old")],
        {"Job": [{"id": "j", "lead_id": "a", "note": "x"}], "Conversation": []},
        customers=[Customer("old", "Cy", metadata={"createdBy": "leadfold", "own": [1]})],
    )
    repository.insert_lead(Lead("d", phone=Y))
    before = state(repository)
    run(repository, "first")
    assert state(repository) != before
    report = rollback("first", repository)
    assert state(repository) == before
    assert report.outcome == "done"
    assert report.stats.extra == {
        "leadsUnlinked": 3,
        "customersRetired": 1,
        "dependentsRelinked": 1,
        "dependentsLinked": {},
    }


def test_a_plan_writes_nothing() -> None:
    """It can be made and looked at as often as one likes."""
    repository = backfilled(Lead("a", phone=X))
    before, audited = state(repository), repository.audit()
    for later in LATER:
        planned = plan_rollback("first", repository, later=later, new_run_id="undo")
        assert (planned.run.id, planned.undoes.id, planned.run.mode) == ("undo", "first", later)
        assert (planned.blockers, planned.notes, len(planned.units)) == ((), (), 1)
    assert (state(repository), repository.audit()) == (before, audited)


def test_a_rollback_is_a_run_with_a_ledger_and_an_audit_entry() -> None:
    """Its entries invert those of the run, unit by unit, and it names what it undoes."""
    repository = backfilled(*unlinked("ab"))
    rollback("first", repository, new_run_id="undo", actor="ann", now=AT)
    with repository.reading() as reader:
        (undone,) = reader.runs(1, ids=["undo"])
    assert (undone.action, undone.actor, undone.at) == ("rollback_customers", "ann", AT)
    assert undone.extra["undoes"] == "first"
    assert [(e.action, e.row, e.before, e.after) for e in entries(repository, "undo")][:2] == [
        ("link", "a", "C1", None),
        ("link", "b", "C1", None),
    ]
    assert entries(repository, "undo")[2].action == "retire"
    assert [(e.id, e.action, e.payload.get("undoes")) for e in repository.audit()] == [
        ("first", "backfill_customers", None),
        ("undo", "rollback_customers", "first"),
    ]


def test_the_audit_trail_only_grows() -> None:
    """Whatever is undone, every entry stays as it was, the newest last."""
    repository = backfilled(*unlinked("ab"), Lead("c", phone=Y))
    trail = repository.audit()
    acts: list[Callable[[], object]] = [
        lambda: merge(repository, "C1", "C2", run_id="m"),
        lambda: rollback("m", repository, new_run_id="undo"),
        lambda: rollback("undo", repository),
        lambda: split(repository, "C1", [["a"]]),
    ]
    for act in acts:
        act()
        assert repository.audit()[:-1] == trail
        trail = repository.audit()


def test_a_plan_that_was_rolled_back_says_so_when_it_is_applied_again() -> None:
    """It names the rollback while that is in force, and the two ways out; both are ways."""
    repository = InMemoryRepository(unlinked("ab"))
    plan = backfill.plan(repository, run_id="first")
    backfill.apply(plan, repository)
    linked = state(repository)
    rollback("first", repository, new_run_id="undo")
    with pytest.raises(RunExistsError) as refused:
        backfill.apply(plan, repository)
    assert refused.value.run_id == "first"
    assert str(refused.value) == (
        "run first is in this store already: it was rolled back, by run undo: make a new plan, or "
        "roll undo back, which brings it into force again"
    )
    rollback("undo", repository)
    assert state(repository) == linked
    with pytest.raises(RunExistsError, match="already: a plan is applied once"):
        backfill.apply(plan, repository)


def test_a_run_comes_back_into_force_with_the_same_customers() -> None:
    """A rollback of a rollback restores ids, rows, links and dependents."""
    repository = backfilled(
        *unlinked("ab"), dependents={"Job": [{"id": "j", "lead_id": "a"}, {"id": "k"}]}
    )
    before = state(repository)
    rollback("first", repository, new_run_id="undo")
    rollback("undo", repository)
    assert state(repository) == before


def test_to_and_fro_as_often_as_one_likes() -> None:
    """Each rollback of the last one turns the run off and on again."""
    repository = InMemoryRepository(unlinked("ab"))
    states = [state(repository)]
    run(repository, "r0")
    states.append(state(repository))
    for number in range(6):
        rollback(f"r{number}", repository, new_run_id=f"r{number + 1}")
        assert state(repository) == states[number % 2]


def test_a_run_that_came_back_by_an_older_rollback_stands_as_it_was() -> None:
    """Off, on, off, and on by undoing the first rollback again: nothing was built on the run."""
    repository = InMemoryRepository(unlinked("ab"))
    before = state(repository)
    run(repository, "first")
    after = state(repository)
    for undoes, undo in [("first", "r1"), ("r1", "r2"), ("r2", "r3"), ("r1", "r4")]:
        rollback(undoes, repository, new_run_id=undo)
    assert state(repository) == after
    assert blockers(repository, "first") == []
    rollback("first", repository)
    assert state(repository) == before


def test_a_row_whose_columns_leadfold_does_not_know_comes_back_whole() -> None:
    """What an application added to a customer after the run survives its going and coming."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    rename(repository, "C1", name="Ann", metadata={"own": {"vip": [1, None]}, "leadCount": 7})
    before = found(repository, "C1")
    merge(repository, "C2", "C1", run_id="m")
    rollback("m", repository)
    assert found(repository, "C1") == before


def test_ids_are_just_text() -> None:
    """Quotes, blanks, letters of any script, a colon as in a record's id."""
    ids = ["a'b", 'x"; --', "customer:1", " ", "ß漢\n", "%_"]
    repository = InMemoryRepository(
        [Lead(each, phone=X) for each in ids],
        {"Job": [{"id": each, "lead_id": each} for each in ids]},
    )
    before = state(repository)
    run(repository, "run 'one'")
    after = state(repository)
    rollback("run 'one'", repository, new_run_id="undo; --")
    assert state(repository) == before
    rollback("undo; --", repository)
    assert state(repository) == after


def test_a_run_larger_than_what_is_read_at_once_is_undone_exactly() -> None:
    """Units across several portions of the ledger, and one unit that fills one by itself."""
    size = PORTION // 2 + 1
    repository = InMemoryRepository(
        [Lead(f"l{n}", phone=f"212555{n // 3:04}") for n in range(size)]
        + [Lead(f"x{n}", email="one@x.co") for n in range(PORTION)]
    )
    before = state(repository)
    run(repository, "first")
    after = state(repository)
    rollback("first", repository, new_run_id="undo")
    assert state(repository) == before
    rollback("undo", repository)
    assert state(repository) == after


def test_whoever_took_a_place_is_told_by_every_ledger_after_it() -> None:
    """To and fro, so that an old id leads to where a customer without leads went."""
    repository = backfilled(Lead("a", phone=X), customers=[Customer("H")])
    merge(repository, "C1", "H", run_id="m")
    rollback("m", repository, new_run_id="undo")
    rollback("undo", repository, new_run_id="redo")
    rollback("redo", repository, new_run_id="last")
    told = [e for each in ("m", "undo", "redo", "last") for e in entries(repository, each)]
    went = [e.after for e in told if e.action == "retire"]
    came = [e.before for e in told if e.action == "restore"]
    assert (went, came) == (["C1", "C1"], ["C1", "C1"])
    rollback("last", repository)
    assert customer_id_now(repository, "H") == "C1"


def test_a_customer_that_a_run_made_goes_into_nobody() -> None:
    """Its row is retired, and no other has its place."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    (gone,) = (e for e in entries(repository, "undo") if e.action == "retire")
    assert gone.after is None
    rollback("undo", repository, new_run_id="redo")
    (back,) = (e for e in entries(repository, "redo") if e.action == "restore")
    assert back.before is None


def test_a_link_taken_back_says_why_it_was_made() -> None:
    """With the reason of the run: a masked key."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    assert [e.reason for e in entries(repository, "undo") if e.action == "link"] == ["phone:+1…01"]


def test_a_plan_counts_its_units() -> None:
    """Those undone whole, and those that keep something."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), Lead("c", phone=Z))
    planned = plan_rollback("first", repository)
    assert (planned.whole, planned.kept) == (3, 0)
    repository.insert_lead(Lead("d", customer_id="C3"))
    kept = plan_rollback("first", repository, later="keep")
    assert (kept.whole, kept.kept) == (2, 1)


# What cannot be taken back.


def test_an_unknown_run_is_refused() -> None:
    """It is a LookupError that says where to look."""
    problem = "^run r9 cannot be rolled back: the store has no such run: leadfold runs lists them$"
    with pytest.raises(NotUndoableError, match=problem) as raised:
        plan_rollback("r9", InMemoryRepository())
    assert (raised.value.run_id, isinstance(raised.value, LookupError)) == ("r9", True)


_NO_LEDGER = (
    r"^run a1 cannot be rolled back: it was made by backfill-customers\.ts, "
    "which kept no ledger of what it changed$"
)


def test_a_run_of_the_original_script_is_refused_with_the_reason() -> None:
    """Its audit entry is all there is of it; another program's entry is no run at all."""
    audit = [
        AuditEntry("system", "backfill_customers", {"script": script}, AT, id=id_)
        for id_, script in [("a1", "backfill-customers.ts"), ("a2", "other.ts")]
    ]
    repository = InMemoryRepository(audit=audit)
    for later in LATER:
        with pytest.raises(NotUndoableError, match=_NO_LEDGER):
            rollback("a1", repository, later=later)
    with pytest.raises(NotUndoableError, match="no such run"):
        rollback("a2", repository)
    assert len(repository.audit()) == 2


def test_a_run_without_changes_leaves_nothing_to_undo() -> None:
    """A second backfill that found everything done, and one of no leads."""
    repository = backfilled(Lead("a", phone=X))
    run(repository, "second")
    for later in LATER:
        with pytest.raises(NothingToUndo, match="second"):
            rollback("second", repository, later=later)
    assert len(repository.audit()) == 2


def test_twice_is_an_error_that_names_the_first_time() -> None:
    """Also with keep; the store and the trail stay as they are."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    before, audited = state(repository), repository.audit()
    for later in LATER:
        with pytest.raises(AlreadyUndoneError, match="already, by run undo") as raised:
            rollback("first", repository, later=later)
        assert (raised.value.run_id, raised.value.by) == ("first", "undo")
    assert (state(repository), repository.audit()) == (before, audited)


def test_twice_is_allowed_where_the_first_was_taken_back() -> None:
    """The run is in force again."""
    repository = InMemoryRepository(unlinked("ab"))
    before = state(repository)
    run(repository, "first")
    rollback("first", repository, new_run_id="undo")
    rollback("undo", repository, new_run_id="redo")
    rollback("first", repository, new_run_id="undo again")
    assert state(repository) == before
    with pytest.raises(AlreadyUndoneError, match="undo again"):
        rollback("first", repository)
    with pytest.raises(AlreadyUndoneError, match="redo"):
        rollback("undo", repository)


def test_twice_is_an_error_whatever_ran_since() -> None:
    """Newer runs that changed other rows do not hide the first time."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    repository.delete_lead("a")
    repository.insert_customer(Customer("C7"))
    for number, phone in enumerate((Y, Z)):
        repository.insert_lead(Lead(f"n{number}", phone=phone))
        run(repository, f"later {number}")
    with pytest.raises(AlreadyUndoneError, match="already, by run undo"):
        rollback("first", repository)


def test_a_link_that_cannot_be_null_is_refused_before_any_write() -> None:
    """The error has the statement that would allow it."""
    repository = backfilled(Lead("a", phone=X), link_nullable=False)
    before, audited = state(repository), repository.audit()
    for later in LATER:
        with pytest.raises(LinkRequiredError, match="link_nullable=True") as raised:
            plan_rollback("first", repository, later=later)
        assert raised.value.statements == {"Lead": "InMemoryRepository(link_nullable=True)"}
    assert (state(repository), repository.audit()) == (before, audited)


def test_a_dependent_whose_link_cannot_be_null_is_refused_as_well() -> None:
    """The error names its table, not that of the leads."""
    repository = Told([Lead("a", phone=X)], {"Job": [{"id": "j", "lead_id": "a"}]})
    run(repository, "first")
    repository.told = MappingProxyType({"not_null": {"Job": "ALTER TABLE Job"}})
    with pytest.raises(LinkRequiredError) as raised:
        plan_rollback("first", repository)
    assert raised.value.statements == {"Job": "ALTER TABLE Job"}


def test_a_merge_can_be_undone_where_links_cannot_be_null() -> None:
    """Every lead had a customer before it."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), link_nullable=False)
    before = state(repository)
    merge(repository, "C1", "C2", run_id="m")
    rollback("m", repository)
    assert state(repository) == before


_UNDECLARED = (
    r"Invoice\.customer_id references customers and is not declared: map it as a dependent, "
    'or as a reference with treatment "carry" or "ignore"'
)


def test_no_customer_goes_that_an_undeclared_foreign_key_may_point_at() -> None:
    """A rollback that would retire one is refused; one that retires none is not."""
    repository = Undeclared([Lead("a", phone=X, customer_id="old")], customers=[Customer("old")])
    repository.insert_lead(Lead("b", phone=X))
    run(repository, "first")
    repository.insert_lead(Lead("c", phone=Y))
    run(repository, "second")
    before = state(repository)
    for later in LATER:
        with pytest.raises(MappingError, match=_UNDECLARED):
            rollback("second", repository, later=later)
    assert state(repository) == before
    rollback("first", repository)
    assert links(repository) == {"a": "old", "b": None, "c": "C1"}


def test_a_run_that_changed_a_table_no_longer_mapped_is_refused() -> None:
    """Its rows cannot be read any more; the error names the table."""
    repository = Told([Lead("a", phone=X)], {"Job": [{"id": "j", "lead_id": "a"}]})
    run(repository, "first")
    repository.told = MappingProxyType({"dependents": ()})
    for later in LATER:
        with pytest.raises(MappingError, match="changed rows of Job, which is no longer mapped"):
            plan_rollback("first", repository, later=later)


def test_a_mode_that_is_none_is_refused() -> None:
    """A ValueError that names the two there are."""
    with pytest.raises(ValueError, match="'refuse' or 'keep', not 'force'"):
        plan_rollback("first", InMemoryRepository(), later="force")  # type: ignore[arg-type]


# What was built since, and who is in the way.


def test_a_later_backfill_of_the_same_customer_blocks() -> None:
    """It is named, and the units nobody built on are no blockers."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    repository.insert_lead(Lead("new", phone=X))
    run(repository, "second")
    problem = "was changed again by run second"
    assert blockers(repository, "first") == [(0, "Customer", "C1", problem, "second")]
    before, audited = state(repository), repository.audit()
    with pytest.raises(RollbackRefusedError, match="unit 0: Customer C1 was changed") as raised:
        rollback("first", repository)
    assert (raised.value.run_id, len(raised.value.blockers)) == ("first", 1)
    assert (state(repository), repository.audit()) == (before, audited)


def test_runs_are_undone_from_the_newest_back() -> None:
    """Each restores what was before it."""
    repository = InMemoryRepository([Lead("a", phone=X)])
    states = [state(repository)]
    for number, letter in enumerate("bc", 1):
        run(repository, f"r{number}")
        repository.insert_lead(Lead(letter, phone=X))
        states.append(state(repository))
    run(repository, "r3")
    rollback("r3", repository)
    assert state(repository) == states[2]
    repository.delete_lead("c")
    rollback("r2", repository)
    repository.delete_lead("b")
    rollback("r1", repository)
    assert state(repository) == states[0]


def test_keep_leaves_a_customer_to_those_who_came_later() -> None:
    """Its own links go, the counts say who is left, and the other units are undone."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=X), Lead("c", phone=Y))
    repository.insert_leads([Lead("new", phone=X)])
    run(repository, "second")
    plan = backfill.plan_rollback("first", repository, later="keep")
    assert (plan.whole, plan.kept) == (1, 1)
    rollback("first", repository, later="keep")
    assert links(repository) == {"a": None, "b": None, "c": None, "new": "C1"}
    assert counts(repository) == {"C1": (1, False)}


def test_what_keep_left_can_be_undone_in_the_right_order() -> None:
    """The rollback that kept something is undone first; then both runs, exactly."""
    repository = backfilled(Lead("a", phone=X))
    repository.insert_lead(Lead("new", phone=X))
    before = state(repository)
    run(repository, "second")
    both = state(repository)
    rollback("first", repository, later="keep", new_run_id="kept")
    assert blockers(repository, "second") == [
        (0, "Customer", "C1", "was changed again by run kept", "kept")
    ]
    rollback("kept", repository)
    assert state(repository) == both
    rollback("second", repository)
    assert state(repository) == before


def test_keeping_again_after_keeping_leaves_nobody() -> None:
    """The later run, taken back as well, takes the customer's last link: it stays, with none."""
    repository = backfilled(Lead("a", phone=X))
    repository.insert_lead(Lead("new", phone=X))
    run(repository, "second")
    rollback("first", repository, later="keep")
    rollback("second", repository, later="keep")
    assert links(repository) == {"a": None, "new": None}
    assert counts(repository) == {"C1": (0, False)}


def test_an_older_rollback_does_not_come_back_over_a_newer_run() -> None:
    """The lead has a customer of a later backfill by now."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    repository.insert_customer(Customer("C7"))
    run(repository, "second")
    before = state(repository)
    problem = "was changed again by run second"
    assert (0, "Lead", "a", problem, "second") in blockers(repository, "undo")
    with pytest.raises(RollbackRefusedError):
        rollback("undo", repository)
    with pytest.raises(NothingToUndo):
        rollback("undo", repository, later="keep")
    assert state(repository) == before
    rollback("second", repository)
    rollback("undo", repository)
    assert links(repository) == {"a": "C1"}


_HAS_LEAD = "has 1 more row(s) pointing at it: Lead"


@pytest.mark.parametrize("customer", ["C2", None, "ghost"])
def test_a_lead_that_somebody_relinked_blocks(customer: str | None) -> None:
    """Whatever it points at by now; keep leaves it there and takes its neighbours back."""
    repository = backfilled(*unlinked("ab"), Lead("c", phone=Y))
    edit(repository, "a", customer_id=customer)
    assert blockers(repository, "first") == [
        (0, "Lead", "a", f"has {'another' if customer else 'no'} customer by now", None),
        *([(1, "Customer", "C2", _HAS_LEAD, None)] if customer == "C2" else []),
    ]
    rollback("first", repository, later="keep")
    assert links(repository) == {"a": customer, "b": None, "c": None}
    assert [row.id for row in repository.customers()] == (["C2"] if customer == "C2" else [])


def test_a_lead_that_somebody_linked_by_hand_keeps_the_customer() -> None:
    """It blocks; keep leaves it there, and the counts follow."""
    repository = backfilled(*unlinked("ab"), Lead("c", phone=Y))
    edit(repository, "c", customer_id="C1")
    assert blockers(repository, "first")[0] == (0, "Customer", "C1", _HAS_LEAD, None)
    rollback("first", repository, later="keep")
    assert links(repository) == {"a": None, "b": None, "c": "C1"}
    assert counts(repository) == {"C1": (1, False)}


def test_a_dependent_that_a_customer_gained_blocks() -> None:
    """Keep: the links of the run go, the customer stays with its new row."""
    repository = backfilled(Lead("a", phone=X), dependents={"Job": [{"id": "j", "lead_id": "a"}]})
    repository.insert_dependent("Job", {"id": "k", "lead_id": "a", "customer_id": "C1"})
    problem = "has 1 more row(s) pointing at it: Job"
    assert blockers(repository, "first") == [(0, "Customer", "C1", problem, None)]
    rollback("first", repository, later="keep")
    assert links(repository) == {"a": None}
    assert [row.get("customer_id") for row in repository.dependents("Job")] == [None, "C1"]
    assert counts(repository) == {"C1": (0, False)}


def test_a_row_of_a_referencing_table_blocks_too() -> None:
    """An address of the customer is somebody's work on it."""
    repository = backfilled(Lead("a", phone=X), references={"Address": []})
    repository.insert_reference("Address", {"id": "1", "customer_id": "C1"})
    assert [each[3] for each in blockers(repository, "first")] == [
        "has 1 more row(s) pointing at it: Address"
    ]
    rollback("first", repository, later="keep")
    assert [row.id for row in repository.customers()] == ["C1"]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"name": "Ann"}, "name"),
        ({"phone": Z, "email": "z@x.co"}, "phone, email"),
        ({"metadata": {"vip": True}}, "metadata"),
    ],
)
def test_a_customer_that_somebody_edited_blocks(columns: dict[str, object], named: str) -> None:
    """Keep leaves the row, without the run's links."""
    repository = backfilled(Lead("a", phone=X))
    row = found(repository, "C1")
    if "metadata" in columns:
        columns = {"metadata": {**(row.metadata or {}), "vip": True}}
    rename(repository, "C1", **columns)
    assert blockers(repository, "first") == [(0, "Customer", "C1", f"was edited: {named}", None)]
    rollback("first", repository, later="keep")
    assert links(repository) == {"a": None}
    assert counts(repository) == {"C1": (0, False)}


def test_metadata_of_an_older_customer_that_somebody_edited_survives() -> None:
    """The run touched two keys of it: only these come back, and only where they still stand."""
    repository = backfilled(Lead("a", phone=X))
    repository.insert_lead(Lead("b", phone=X))
    run(repository, "second")
    rename(repository, "C1", metadata={**(found(repository, "C1").metadata or {}), "vip": True})
    rollback("second", repository, new_run_id="undo")
    assert counts(repository) == {"C1": (1, False)}
    assert (found(repository, "C1").metadata or {})["vip"] is True
    rollback("undo", repository)
    rename(repository, "C1", metadata={"leadCount": 9})
    assert blockers(repository, "second") == [
        (0, "Customer", "C1", "had its metadata edited", None)
    ]
    rollback("second", repository, later="keep")
    assert counts(repository) == {"C1": (1, False)}


def test_a_lead_deleted_since_is_no_obstacle() -> None:
    """There is no link of it to take back, also when its rollback is undone."""
    repository = backfilled(*unlinked("ab"))
    repository.delete_lead("a")
    assert blockers(repository, "first") == []
    rollback("first", repository, new_run_id="undo")
    assert (links(repository), repository.customers()) == ({"b": None}, ())
    rollback("undo", repository)
    assert links(repository) == {"b": "C1"}


class Forgetful(InMemoryRepository):
    """A store that can lose a job, and whose rulings somebody can meddle with."""

    def lose_job(self, row_id: str) -> None:
        """Delete a job, as the application does."""
        with self._changing() as draft:
            del draft.pointing("Job").rows[row_id]

    def put_rulings(self, *put: Ruling) -> None:
        """Have these rulings in force, as no run of leadfold does it."""
        with self._changing() as draft:
            draft.rulings.clear()
            draft.rulings.update({ruling.id: ruling for ruling in put})


def test_a_dependent_deleted_since_is_no_obstacle() -> None:
    """Its neighbours are taken back."""
    repository = Forgetful(
        [Lead("a", phone=X)],
        {"Job": [{"id": "j", "lead_id": "a"}, {"id": "k", "lead_id": "a"}]},
    )
    run(repository, "first")
    repository.lose_job("j")
    rollback("first", repository)
    assert [dict(row) for row in repository.dependents("Job")] == [
        {"id": "k", "lead_id": "a", "customer_id": None}
    ]


@pytest.mark.parametrize(
    ("run_id", "ruling", "problem"),
    [("m", "m", "is no longer in force"), ("s", "m", "is no longer out of force")],
)
def test_a_ruling_that_somebody_meddled_with_blocks(run_id: str, ruling: str, problem: str) -> None:
    """One that the run made and that is gone, one that it lifted and that is there."""
    repository = Forgetful([Lead("a", phone=X), Lead("b", phone=Y)])
    run(repository, "first")
    merge(repository, "C1", "C2", run_id="m")
    merged = rulings(repository)
    if run_id == "s":
        split(repository, "C1", [["b"]], run_id="s")
    repository.put_rulings(*(merged if run_id == "s" else ()), *_other_rulings(repository, merged))
    assert (0, "Ruling", ruling, problem, None) in blockers(repository, run_id)


def _other_rulings(repository: InMemoryRepository, merged: Sequence[Ruling]) -> list[Ruling]:
    return [ruling for ruling in rulings(repository) if ruling not in merged]


def test_a_patch_of_a_customer_deleted_since_is_no_obstacle() -> None:
    """There is no metadata to set back."""
    repository = backfilled(Lead("a", phone=X))
    repository.insert_lead(Lead("b", phone=X))
    run(repository, "second")
    repository.delete_lead("b")
    repository.delete_customer("C1")
    assert blockers(repository, "second") == []
    with pytest.raises(NothingToUndo):
        rollback("second", repository)


def test_a_customer_deleted_since_blocks_by_its_links() -> None:
    """They are null and not as the run left them; keep undoes the other units."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    repository.delete_customer("C1")
    assert blockers(repository, "first") == [(0, "Lead", "a", "has no customer by now", None)]
    rollback("first", repository, later="keep")
    assert (links(repository), repository.customers()) == ({"a": None, "b": None}, ())


def test_a_customer_and_its_leads_deleted_since_leave_nothing_to_undo() -> None:
    """Nothing of the run stands: there is no run to write."""
    repository = backfilled(Lead("a", phone=X))
    repository.delete_lead("a")
    repository.delete_customer("C1")
    for later in LATER:
        with pytest.raises(NothingToUndo):
            rollback("first", repository, later=later)


def test_a_customer_that_took_the_id_of_a_retired_one_blocks() -> None:
    """The row that is there now is not overwritten."""
    repository = backfilled(Lead("a", phone=X))
    rollback("first", repository, new_run_id="undo")
    repository.insert_customer(Customer("C1", "Somebody else"))
    assert (0, "Customer", "C1", "is there again", None) in blockers(repository, "undo")
    with pytest.raises(RollbackRefusedError):
        rollback("undo", repository)
    assert found(repository, "C1").name == "Somebody else"


def test_a_customer_without_any_link_that_is_there_again_blocks() -> None:
    """It was absorbed with nothing but its row."""
    repository = backfilled(Lead("a", phone=X), customers=[Customer("H")])
    merge(repository, "C1", "H", run_id="m")
    repository.insert_customer(Customer("H", "Somebody else"))
    assert blockers(repository, "m") == [(0, "Customer", "H", "is there again", None)]


def test_a_customer_brought_back_that_gained_a_row_blocks() -> None:
    """Undoing its return would leave the row to nobody."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    merge(repository, "C2", "C1", run_id="m")
    rollback("m", repository, new_run_id="undo")
    repository.insert_lead(Lead("e", customer_id="C1"))
    assert (0, "Customer", "C1", _HAS_LEAD, None) in blockers(repository, "undo")


def test_rows_of_several_tables_are_named_by_table() -> None:
    """In text order."""
    repository = backfilled(Lead("a", phone=X), references={"Address": []})
    repository.insert_dependent("Job", {"id": "k", "customer_id": "C1"})
    repository.insert_reference("Address", {"id": "1", "customer_id": "C1"})
    problem = "has 2 more row(s) pointing at it: Address, Job"
    assert blockers(repository, "first") == [(0, "Customer", "C1", problem, None)]


def test_a_run_that_changed_a_row_twice_blocks_as_any_other() -> None:
    """Its second change is no undoing of its first."""
    repository = backfilled(Lead("a", phone=X))
    byhand = attrs.evolve(backfill.plan(repository).run, id="hand", action="resolve_lead")
    patches = [PatchCustomer("C1", {}, {key: 1}) for key in ("one", "two")]
    units = [Unit(number, {}, {}, (patch,)) for number, patch in enumerate(patches)]
    repository.commit(ChangeSet(byhand, units))
    problem = "was changed again by run hand"
    assert blockers(repository, "first") == [(0, "Customer", "C1", problem, "hand")]


# What the store refuses.


def test_a_unit_that_the_store_refuses_is_reported_and_its_neighbours_undone() -> None:
    """The run is partial; the figures count what was written."""
    locked = set[str]()
    repository = backfilled(
        Lead("a", phone=X),
        Lead("b", phone=Y),
        constraints=[lambda row: f"{row.id} is locked" if row.id in locked else None],
    )
    locked.add("a")
    report = rollback("first", repository)
    assert links(repository) == {"a": "C1", "b": None}
    assert [row.id for row in repository.customers()] == ["C1"]
    assert report.outcome == "partial"
    assert [(f.unit, f.lead_ids, f.message) for f in report.failures] == [
        (0, ("a",), "a is locked")
    ]
    assert report.stats.extra["leadsUnlinked"] == 1


def test_a_unit_refused_once_can_be_undone_when_the_run_is_in_force_again() -> None:
    """The rollback in parts is taken back, and made again: nothing is lost on the way."""
    locked = set[str]()
    repository = InMemoryRepository(
        [Lead("a", phone=X), Lead("b", phone=Y)],
        constraints=[lambda row: "locked" if row.id in locked else None],
    )
    before = state(repository)
    run(repository, "first")
    locked.add("a")
    rollback("first", repository, new_run_id="in parts")
    locked.clear()
    with pytest.raises(AlreadyUndoneError, match="in parts"):
        rollback("first", repository)
    rollback("in parts", repository)
    rollback("first", repository)
    assert state(repository) == before


def test_a_plan_of_yesterday_is_stale() -> None:
    """A link that changed between plan and write refuses all of it, or its unit alone."""
    repository = backfilled(*unlinked("ab"), Lead("c", phone=Y))
    planned = plan_rollback("first", repository, new_run_id="undo")
    edit(repository, "a", customer_id="C2")
    before = state(repository)
    with pytest.raises(StalePlanError, match="a"):
        repository.commit(planned.changes())
    assert state(repository) == before
    repository.commit(plan_rollback("first", repository, later="keep").changes("skip"))
    assert links(repository) == {"a": "C2", "b": None, "c": None}


def test_a_stale_unit_is_left_out_where_one_asks_for_that() -> None:
    """Its neighbours are undone."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    planned = plan_rollback("first", repository)
    edit(repository, "a", customer_id=None)
    committed = repository.commit(planned.changes("skip"))
    assert [failure.cause for failure in committed.failures] == ["stale"]
    assert links(repository) == {"a": None, "b": None}
    assert [row.id for row in repository.customers()] == ["C1"]


@pytest.mark.parametrize("change", ["counts", "gone"])
def test_a_plan_whose_customer_changed_is_stale(change: str) -> None:
    """Its counts are others, or it is gone."""
    repository = backfilled(Lead("a", phone=X))
    repository.insert_lead(Lead("b", phone=X))
    run(repository, "second")
    planned = plan_rollback("second", repository)
    if change == "counts":
        rename(repository, "C1", metadata={"leadCount": 5, "multipleLeads": True})
    else:
        repository.delete_customer("C1")
    with pytest.raises(StalePlanError):
        repository.commit(planned.changes())


def test_a_customer_that_gains_a_row_between_plan_and_write_stays() -> None:
    """The store refuses to let it go: the unit is reported, nothing of it is written."""
    repository = backfilled(Lead("a", phone=X))
    planned = plan_rollback("first", repository)
    repository.insert_dependent("Job", {"id": "j", "customer_id": "C1"})
    committed = repository.commit(planned.changes())
    assert [failure.cause for failure in committed.failures] == ["fault"]
    assert links(repository) == {"a": "C1"}


def test_a_plan_is_applied_once() -> None:
    """The second time the links are not as it found them."""
    repository = backfilled(Lead("a", phone=X))
    planned = plan_rollback("first", repository)
    repository.commit(planned.changes())
    with pytest.raises(LeadfoldError):
        repository.commit(planned.changes())


def test_a_run_by_hand_is_undone_as_any_other() -> None:
    """Whatever wrote it: its ledger is what counts."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    before = state(repository)
    byhand = attrs.evolve(backfill.plan(repository).run, id="hand", action="resolve_lead")
    repository.commit(ChangeSet(byhand, [Unit(0, {}, {}, (Link("a", "C1", "C2", ""),))]))
    rollback("hand", repository)
    assert state(repository) == before


# Erasures.


_ERASURE = "gone cannot be rolled back: it is an erasure, and what was erased is nowhere any more$"


def test_an_erasure_cannot_be_taken_back() -> None:
    """The values are gone."""
    repository = backfilled(Lead("a", phone=X))
    repository.delete_lead("a")
    erase(repository, "a", run_id="gone")
    for later in LATER:
        with pytest.raises(NotUndoableError, match=_ERASURE) as raised:
            rollback("gone", repository, later=later)
        assert raised.value.run_id == "gone"


def test_an_erasure_blocks_no_rollback() -> None:
    """The row that lost its values goes as it would have gone."""
    repository = backfilled(Lead("a", phone=X, name="Ann"), Lead("b", phone=Y))
    edit(repository, "a", phone=None, name=None)
    erase(repository, "a")
    assert blockers(repository, "first") == []
    rollback("first", repository)
    assert (links(repository), repository.customers()) == ({"a": None, "b": None}, ())


def test_a_rollback_past_an_erasure_says_what_it_cannot_restore() -> None:
    """The customer comes back, blank where the lead was; the note names customer and columns."""
    repository = backfilled(Lead("a", phone=X, name="Ann"), Lead("b", phone=Y, name="Bea"))
    rollback("first", repository, new_run_id="undo")
    edit(repository, "a", phone=None, name=None)
    erase(repository, "a")
    planned = plan_rollback("undo", repository)
    assert planned.notes == ("customer C1 comes back without groupKey, name, phone: erased",)
    rollback("undo", repository)
    assert (found(repository, "C1").name, found(repository, "C1").phone) == (None, None)
    assert (found(repository, "C2").name, found(repository, "C2").phone) == ("Bea", "+15552010002")
    assert links(repository) == {"a": "C1", "b": "C2"}


# Merges and splits, one on the other.


def persons() -> InMemoryRepository:
    """Return a store of three customers with two, one and one lead, jobs and addresses."""
    return backfilled(
        *unlinked("ab"),
        Lead("c", phone=Y),
        Lead("d", phone=Z),
        dependents={"Job": [{"id": f"j{lead}", "lead_id": lead} for lead in "abcd"]},
        references={"Address": []},
    )


def test_merges_are_undone_from_the_newest_back() -> None:
    """C1 into C2 into C3: both come back, exactly."""
    repository = persons()
    states = [state(repository)]
    merge(repository, "C2", "C1", run_id="m1")
    states.append(state(repository))
    merge(repository, "C3", "C2", run_id="m2")
    with pytest.raises(RollbackRefusedError) as raised:
        rollback("m1", repository)
    assert {each.run_id for each in raised.value.blockers} == {"m2"}  # type: ignore[attr-defined]
    rollback("m2", repository)
    assert state(repository) == states[1]
    rollback("m1", repository)
    assert state(repository) == states[0]


def test_the_older_of_two_merges_alone_has_nothing_to_give_back() -> None:
    """All of its links were moved on: keep takes its ruling back, and no customer."""
    repository = persons()
    merge(repository, "C2", "C1", run_id="m1")
    merge(repository, "C3", "C2", run_id="m2")
    before = links(repository)
    rollback("m1", repository, later="keep")
    assert links(repository) == before
    assert [ruling.id for ruling in rulings(repository)] == ["m2"]
    assert customer_id_now(repository, "C1") == "C3"


def test_two_merges_into_one_can_be_parted_in_the_wrong_order() -> None:
    """Keep brings the first absorbed back with its leads and jobs; the second stays merged."""
    repository = persons()
    merge(repository, "C2", "C1", run_id="m1")
    merge(repository, "C2", "C3", run_id="m2")
    report = rollback("m1", repository, later="keep")
    assert report.outcome == "done"
    assert links(repository) == {"a": "C1", "b": "C1", "c": "C2", "d": "C2"}
    jobs = {row["lead_id"]: row["customer_id"] for row in repository.dependents("Job")}
    assert jobs == links(repository)
    assert counts(repository) == {"C1": (2, True), "C2": (2, True)}
    assert customer_id_now(repository, "C3") == "C2"
    assert backfill.validate(repository).ok


def test_a_merge_whose_leads_were_split_since_is_refused() -> None:
    """The split is named; undone in order, everything is as before."""
    repository = persons()
    before = state(repository)
    merge(repository, "C2", "C1", run_id="m")
    split(repository, "C2", [["a"]], run_id="s")
    assert {each[4] for each in blockers(repository, "m")} == {"s"}
    rollback("s", repository)
    rollback("m", repository)
    assert state(repository) == before


def test_a_backfill_after_a_merge_keeps_what_it_added() -> None:
    """Keep: the absorbed customer is back with its leads, the new lead stays where it went."""
    repository = persons()
    merge(repository, "C2", "C1", run_id="m")
    repository.insert_lead(Lead("e", phone=X))
    run(repository, "second")
    assert links(repository)["e"] == "C2"
    assert [each[1:4] for each in blockers(repository, "m")] == [
        ("Customer", "C2", "was changed again by run second")
    ]
    rollback("m", repository, later="keep")
    assert links(repository) == {"a": "C1", "b": "C1", "c": "C2", "d": "C3", "e": "C2"}
    assert counts(repository) == {"C1": (2, True), "C2": (2, True), "C3": (1, False)}
    assert backfill.validate(repository).ok


def test_a_job_that_came_to_a_merged_lead_blocks() -> None:
    """Its lead would go back, and it would stay: the customer gained a dependent since."""
    repository = persons()
    merge(repository, "C2", "C1", run_id="m")
    repository.insert_dependent("Job", {"id": "new", "lead_id": "a", "customer_id": "C2"})
    assert blockers(repository, "m")


def test_a_lead_whose_job_came_since_stays_with_all_its_jobs() -> None:
    """Keep takes its neighbour back; a job that has the lead's id is another row."""
    repository = backfilled(
        *unlinked("ab"),
        Lead("c", phone=Y),
        dependents={"Job": [{"id": "ja", "lead_id": "a"}, {"id": "a", "lead_id": "b"}]},
    )
    merge(repository, "C2", "C1", run_id="m")
    repository.insert_dependent("Job", {"id": "new", "lead_id": "a", "customer_id": "C2"})
    assert sorted(blockers(repository, "m")) == [
        (0, "Job", "ja", "follows lead a, which stays", None),
        (0, "Lead", "a", "has 1 more row(s) of the same customer: Job", None),
    ]
    rollback("m", repository, later="keep")
    assert links(repository) == {"a": "C2", "b": "C1", "c": "C2"}
    jobs = {row["id"]: row["customer_id"] for row in repository.dependents("Job")}
    assert jobs == {"ja": "C2", "a": "C1", "new": "C2"}


def test_the_first_job_of_a_merged_lead_blocks_too() -> None:
    """The merge moved leads alone."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y))
    merge(repository, "C2", "C1", run_id="m")
    repository.insert_dependent("Job", {"id": "new", "lead_id": "a", "customer_id": "C2"})
    problem = "has 1 more row(s) of the same customer: Job"
    assert blockers(repository, "m") == [(0, "Lead", "a", problem, None)]


def test_a_customer_that_keep_brings_back_or_lets_go_has_its_successor_in_the_ledger() -> None:
    """As a merge undone whole, and undone again, tells it."""
    repository = backfilled(*unlinked("ab"), Lead("c", phone=Y))
    merge(repository, "C2", "C1", run_id="m")
    rename(repository, "C2", metadata={"createdBy": "leadfold", "leadCount": 9})
    rollback("m", repository, later="keep", new_run_id="undo")
    (back,) = (e for e in entries(repository, "undo") if e.action == "restore")
    assert (back.row, back.before) == ("C1", "C2")
    rename(repository, "C2", metadata={"createdBy": "leadfold", "leadCount": 9})
    rollback("undo", repository, later="keep", new_run_id="redo")
    (gone,) = (e for e in entries(repository, "redo") if e.action == "retire")
    assert (gone.row, gone.after) == ("C1", "C2")


def test_a_customer_restored_by_keep_has_the_counts_of_its_leads() -> None:
    """One of its two was moved by hand since: it comes back with one."""
    repository = persons()
    merge(repository, "C2", "C1", run_id="m")
    edit(repository, "b", customer_id="C3")
    rollback("m", repository, later="keep")
    assert links(repository) == {"a": "C1", "b": "C3", "c": "C2", "d": "C3"}
    assert counts(repository)["C1"] == (1, False)


def test_a_ruling_that_a_newer_one_contradicts_does_not_come_back() -> None:
    """The merge that lifted a split is undone, but a later merge still holds the two together."""
    repository = persons()
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    merge(repository, "C1", "C9", run_id="m")
    merge(repository, "C1", "C2", run_id="m2")
    assert [
        attrs.astuple(each)[1:] for each in plan_rollback("m", repository, later="keep").blockers
    ] == [
        ("Customer", "C1", "was changed again by run m2", "m2"),
        ("Ruling", "s", "is contradicted by a newer ruling", None),
    ]
    rollback("m", repository, later="keep")
    assert [ruling.id for ruling in rulings(repository)] == ["m2"]
    backfill.plan(repository)  # would raise if rulings contradicted each other


def test_a_rollback_left_without_anything_to_write_writes_no_run() -> None:
    """Nothing of the merge stands, and a newer one contradicts the split that it lifted."""
    repository = persons()
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    merge(repository, "C1", "C9", run_id="m")
    split(repository, "C1", [["b"]], run_id="s2", new_id=lambda: "C8")
    merge(repository, "C1", "C8", run_id="m2")
    audited = repository.audit()
    with pytest.raises(NothingToUndo, match="m"):
        rollback("m", repository, later="keep")
    assert repository.audit() == audited


def test_a_split_undone_brings_the_merge_it_lifted_back_into_force() -> None:
    """And undoing that lifts it again."""
    repository = persons()
    merge(repository, "C1", "C2", run_id="m")
    split(repository, "C1", [["c"]], run_id="s")
    assert [ruling.id for ruling in rulings(repository)] == ["s"]
    rollback("s", repository, new_run_id="undo")
    assert [ruling.id for ruling in rulings(repository)] == ["m"]
    rollback("undo", repository)
    assert [ruling.id for ruling in rulings(repository)] == ["s"]


def test_a_split_customer_that_gained_a_lead_stays() -> None:
    """Keep: the leads go back to where they were, the new one stays."""
    repository = persons()
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    repository.insert_lead(Lead("e", customer_id="C9"))
    assert [each[1:4] for each in blockers(repository, "s")] == [("Customer", "C9", _HAS_LEAD)]
    rollback("s", repository, later="keep")
    assert links(repository) == {"a": "C1", "b": "C1", "c": "C2", "d": "C3", "e": "C9"}
    assert (counts(repository)["C1"], counts(repository)["C9"]) == ((2, True), (1, False))


def test_a_split_of_a_customer_that_is_gone_is_refused() -> None:
    """Its leads would go back to nobody."""
    repository = persons()
    split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C9")
    repository.delete_customer("C1")
    assert (0, "Lead", "b", "was linked to C1, now gone", None) in blockers(repository, "s")
    assert rollback("s", repository, later="keep").outcome == "done"
    assert (links(repository)["b"], rulings(repository)) == ("C9", ())


def test_keep_counts_the_leads_that_come_back_and_nothing_else() -> None:
    """There are no jobs that would make up for them."""
    repository = backfilled(*unlinked("abc"), dependents={"Job": [{"id": "j", "lead_id": "a"}]})
    split(repository, "C1", [["b", "c"]], run_id="s", new_id=lambda: "C9")
    repository.insert_lead(Lead("e", customer_id="C9"))
    rollback("s", repository, later="keep")
    assert counts(repository) == {"C1": (3, True), "C9": (1, False)}


# Whatever happens in whatever order.


@st.composite
def _steps(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    kinds = st.sampled_from(["lead", "run", "merge", "split", "undo", "keep", "relink", "delete"])
    step = st.tuples(kinds, st.integers(0, 5), st.integers(0, 5))
    return draw(st.lists(step, min_size=2, max_size=12))


class _Story:
    """A store in which things happen, each a run of its own."""

    def __init__(self) -> None:
        self.repository = backfilled(
            *unlinked("ab"),
            Lead("c", phone=Y),
            Lead("d", email="d@x.co"),
            customers=[Customer("H", phone=Z)],
            dependents={"Job": [{"id": f"j{lead}", "lead_id": lead} for lead in "abcd"]},
            references={"Address": [{"id": "1", "customer_id": "H"}]},
        )
        self.runs = ["first"]
        self.numbers = count()

    def happen(self, kind: str, one: int, two: int) -> bool:
        """Let one thing happen; tell whether leadfold wrote something."""
        repository, name = self.repository, f"r{len(self.runs)}"
        customers = sorted(row.id for row in repository.customers())
        leads = sorted(links(repository))
        written = len(repository.audit())
        try:
            match kind:
                case "lead":
                    lead = Lead(f"n{next(self.numbers)}", phone=[X, Y, Z][one % 3])
                    repository.insert_lead(lead)
                    repository.insert_dependent("Job", {"id": f"j{lead.id}", "lead_id": lead.id})
                case "run":
                    run(repository, name)
                case "merge" if customers:
                    pair = customers[one % len(customers)], customers[two % len(customers)]
                    merge(repository, *pair, run_id=name)
                case "split" if customers:
                    customer = customers[one % len(customers)]
                    mine = [lead for lead in leads if links(repository)[lead] == customer]
                    part = [mine[two % len(mine)]] if mine else []
                    split(repository, customer, [part], run_id=name)
                case "undo" | "keep":
                    undoes = self.runs[one % len(self.runs)]
                    later = "refuse" if kind == "undo" else "keep"
                    rollback(undoes, repository, later=later, new_run_id=name)  # type: ignore[arg-type]
                case "relink" if customers:
                    edit(
                        repository,
                        leads[one % len(leads)],
                        customer_id=customers[two % len(customers)],
                    )
                case "delete" if len(leads) > 2:
                    repository.delete_lead(leads[one % len(leads)])
        except (
            AlreadyUndoneError,
            DecisionError,
            NothingToUndo,
            RollbackRefusedError,
        ):
            assert len(repository.audit()) == written
            return False
        if len(repository.audit()) > written:
            self.runs.append(name)
            return True
        return False


@settings(max_examples=150)
@given(_steps())
def test_every_run_can_be_undone_at_once_and_exactly(steps: list[tuple[str, int, int]]) -> None:
    """Backfill, merge, split, rollback of any of them: taken back, the store is as before."""
    story = _Story()
    for step in steps:
        before = state(story.repository)
        if story.happen(*step):
            after = state(story.repository)
            if after == before:
                continue
            rollback(story.runs[-1], story.repository, new_run_id=f"u{len(story.runs)}")
            assert state(story.repository) == before
            rollback(f"u{len(story.runs)}", story.repository)
            assert state(story.repository) == after


@settings(max_examples=150)
@given(_steps())
def test_no_story_leaves_a_dangling_link_or_rulings_at_odds(
    steps: list[tuple[str, int, int]],
) -> None:
    """Every customer named is there, the counts of ours are right, a plan can be made."""
    story = _Story()
    by_hand = False
    for step in steps:
        by_hand = by_hand or step[0] in {"relink", "delete"}
        story.happen(*step)
        repository = story.repository
        customers = {row.id for row in repository.customers()}
        assert {*links(repository).values()} <= {None, *customers}
        backfill.plan(repository)
        if not by_hand:
            assert counts(repository) == _members(repository)
            jobs = {row["lead_id"]: row.get("customer_id") for row in repository.dependents("Job")}
            assert jobs == links(repository)


def _members(repository: InMemoryRepository) -> dict[str, tuple[int, bool]]:
    linked = [*links(repository).values()]
    sizes = {row.id: linked.count(row.id) for row in repository.customers()}
    return {customer: (size, size > 1) for customer, size in sizes.items() if customer != "H"}
