"""`customers.erase`: what leadfold keeps of a lead goes for good, and nothing else goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadfold import InMemoryRepository, Lead, Policy, backfill
from leadfold.backfill import plan_rollback, rollback
from leadfold.customers import erase, merge, split
from leadfold.exceptions import DecisionError
from leadfold.model import Customer
from oracle.decided import AT, X, Y, backfilled, edit, entries, found, links, rename, run

if TYPE_CHECKING:
    from leadfold.model import Identifier

E164 = "+15552010001"


@pytest.fixture
def repository() -> InMemoryRepository:
    """Return a store of C1 with leads a (oldest) and b, C2 with c."""
    return backfilled(
        Lead("a", phone=X, name="Ann", email="ann@x.co"),
        Lead("b", phone=X, email="bea@x.co"),
        Lead("c", phone=Y, name="Cy"),
    )


def blank(repository: InMemoryRepository, lead_id: str) -> None:
    """Blank a lead's row, as the application does."""
    edit(repository, lead_id, psid=None, phone=None, email=None, name=None)


def recorded(repository: InMemoryRepository, lead_id: str) -> tuple[Identifier, ...] | None:
    """Return what the identity index holds for a lead."""
    with repository.reading() as reader:
        return reader.recorded(lead_id)


def kept(repository: InMemoryRepository) -> str:
    """Return, as text, all that leadfold keeps: every ledger, index entry and audit payload."""
    with repository.reading() as reader:
        runs = [each.id for each in reader.runs(1_000)]
        told = [(e.row, e.before, e.after, e.reason) for each in runs for e in reader.entries(each)]
        leads = {e.row for each in runs for e in reader.entries(each) if e.table == "Lead"}
        held = [i.key for lead in sorted(leads) for i in reader.recorded(lead) or ()]
    return repr((told, held, [entry.payload for entry in repository.audit()]))


def test_a_lead_whose_row_holds_values_is_refused(repository: InMemoryRepository) -> None:
    """The error names the kinds, not the values; nothing is written."""
    before = kept(repository), repository.customers()
    with pytest.raises(DecisionError, match="lead a still holds phone, email, name") as raised:
        erase(repository, "a")
    assert not [raw for raw in ("201", "ann", "Ann") if raw in str(raised.value)]
    assert (kept(repository), repository.customers()) == before


@pytest.mark.parametrize("column", ["psid", "phone", "email", "name"])
def test_one_value_is_enough_to_refuse(repository: InMemoryRepository, column: str) -> None:
    """Whichever it is, also one that no rule can read."""
    blank(repository, "a")
    edit(repository, "a", **{column: "n/a"})
    with pytest.raises(DecisionError, match=f"still holds {column}:"):
        erase(repository, "a")


@pytest.mark.parametrize("empty", ["", None, ()])
def test_a_blank_row_is_blank_however_it_is_blank(
    repository: InMemoryRepository, empty: str | None
) -> None:
    """No text, empty text, no texts."""
    edit(repository, "a", phone=empty, email=empty, name=" ")
    erase(repository, "a")
    assert found(repository, "C1").name is None


def test_kinds_of_a_policy_of_ones_own_are_looked_at() -> None:
    """A value under another name is a value."""
    repository = InMemoryRepository([Lead("a", fields={"tax": "TAX-77"})])
    policy = Policy(["tax"])
    backfill.apply(backfill.plan(repository, policy), repository)
    with pytest.raises(DecisionError, match="still holds tax"):
        erase(repository, "a", policy=policy)
    repository.update_lead(Lead("a", customer_id=links(repository)["a"]))
    erase(repository, "a", policy=policy)
    assert "TAX-77" not in kept(repository)


def test_a_lead_that_nobody_knows_is_refused(repository: InMemoryRepository) -> None:
    """Most likely a mistyped id."""
    with pytest.raises(DecisionError, match="nothing is known of a lead z"):
        erase(repository, "z")


@pytest.mark.parametrize("gone", [True, False])
def test_all_that_leadfold_keeps_of_it_goes(repository: InMemoryRepository, gone: bool) -> None:  # noqa: FBT001 - a case
    """Index, ledger, and the customer it gave its name, phone, email and key."""
    blank(repository, "a")
    if gone:
        repository.delete_lead("a")
    erase(repository, "a")
    row = found(repository, "C1")
    assert (row.name, row.phone, row.email) == (None, None, None)
    assert (row.metadata or {})["groupKey"] is None
    assert recorded(repository, "a") is None
    assert not [raw for raw in ("Ann", "ann@x.co") if raw in kept(repository)]
    told = next(e for e in entries(repository, "first") if e.row == "C1").after
    assert isinstance(told, dict)
    assert (told["name"], told["erased"]) == (None, ["email", "groupKey", "name", "phone"])
    assert told["sources"] == {}


def test_other_leads_and_customers_lose_nothing(repository: InMemoryRepository) -> None:
    """Links, counts, the other entries of the index, the other customers."""
    others = found(repository, "C2"), recorded(repository, "b"), recorded(repository, "c")
    before = links(repository)
    blank(repository, "a")
    erase(repository, "a")
    assert (found(repository, "C2"), recorded(repository, "b"), recorded(repository, "c")) == others
    assert links(repository) == before
    assert (found(repository, "C1").metadata or {})["leadCount"] == 2
    assert "+15552010002" in kept(repository)


def test_only_what_came_from_the_lead_goes(repository: InMemoryRepository) -> None:
    """The customer shows nothing of b: it is as it was."""
    before = found(repository, "C1")
    blank(repository, "b")
    erase(repository, "b")
    assert found(repository, "C1") == before
    assert recorded(repository, "b") is None
    assert "bea@x.co" not in kept(repository)


def test_what_somebody_wrote_since_stays(repository: InMemoryRepository) -> None:
    """A name edited by hand is not leadfold's; the ledger's copy of the old one goes."""
    rename(repository, "C1", name="Anna")
    blank(repository, "a")
    erase(repository, "a")
    assert (found(repository, "C1").name, found(repository, "C1").phone) == ("Anna", None)
    assert "'Ann'" not in kept(repository)


def test_it_is_a_run_that_tells_columns_and_no_values(repository: InMemoryRepository) -> None:
    """With an audit entry; the values are in neither."""
    blank(repository, "a")
    report = erase(repository, "a", actor="ann", run_id="gone", now=AT)
    assert (report.run_id, report.outcome) == ("gone", "done")
    (entry,) = entries(repository, "gone")
    assert (entry.table, entry.row, entry.action) == ("Customer", "C1", "erase")
    assert entry.after == ["email", "groupKey", "name", "phone"]
    assert (repository.audit()[-1].id, repository.audit()[-1].action) == ("gone", "erase_lead")


def test_twice_is_once(repository: InMemoryRepository) -> None:
    """The second time there is nothing left to blank."""
    blank(repository, "a")
    erase(repository, "a")
    before = repository.customers()
    erase(repository, "a", run_id="again")
    assert (entries(repository, "again"), repository.customers()) == ([], before)


def test_a_lead_that_no_run_has_read_has_nothing_to_lose() -> None:
    """Its row is there: that is enough to know it."""
    repository = InMemoryRepository([Lead("a")])
    assert erase(repository, "a").outcome == "done"


def test_validate_stays_ok(repository: InMemoryRepository) -> None:
    """The erased lead is one that the index has not seen, until the next run."""
    blank(repository, "a")
    erase(repository, "a")
    assert backfill.validate(repository).ok
    run(repository, "second")
    assert backfill.validate(repository)["stale index entries"].ok
    assert recorded(repository, "a") == ()


def test_a_customer_that_was_merged_away_is_blanked_in_the_ledger(
    repository: InMemoryRepository,
) -> None:
    """Its row is gone, its image is not; a rollback says what is missing from it."""
    merge(repository, "C2", "C1", run_id="m")
    blank(repository, "a")
    erase(repository, "a")
    assert not [raw for raw in ("Ann", "ann@x.co") if raw in kept(repository)]
    assert plan_rollback("m", repository).notes == (
        "customer C1 comes back without email, groupKey, name, phone: erased",
    )
    rollback("m", repository)
    row = found(repository, "C1")
    assert (row.name, row.phone, row.email) == (None, None, None)
    assert links(repository) == {"a": "C1", "b": "C1", "c": "C2"}
    assert not [raw for raw in ("Ann", "ann@x.co") if raw in kept(repository)]


def test_a_phone_rewritten_before_the_merge_goes_from_the_image_too(
    repository: InMemoryRepository,
) -> None:
    """Two spellings of one phone, one in each copy of the row: neither is left."""
    rename(repository, "C1", phone="555.201.0001", email="ANN@x.co")
    merge(repository, "C2", "C1")
    blank(repository, "a")
    erase(repository, "a")
    text = kept(repository)
    assert not [raw for raw in ("Ann", "ann@x.co", "ANN@x.co", "555.201.0001") if raw in text]


def test_every_copy_of_a_row_is_blanked(repository: InMemoryRepository) -> None:
    """Gone and back several times: each run has one."""
    for number in range(4):
        rollback(f"u{number}" if number else "first", repository, new_run_id=f"u{number + 1}")
    blank(repository, "a")
    erase(repository, "a")
    assert not [raw for raw in ("Ann", "ann@x.co") if raw in kept(repository)]
    assert found(repository, "C1").name is None


def test_a_customer_of_a_split_is_blanked(repository: InMemoryRepository) -> None:
    """It has its values from the lead as one of a backfill has; so has the one it left."""
    split(repository, "C1", [["a"]], new_id=lambda: "N1")
    blank(repository, "a")
    erase(repository, "a")
    for id_ in ("C1", "N1"):
        row = found(repository, id_)
        assert (row.name, row.phone, row.email) == (None, None, None)
    assert not [raw for raw in ("Ann", "ann@x.co") if raw in kept(repository)]


def test_a_customer_made_by_hand_keeps_its_own() -> None:
    """What leadfold did not put there is not leadfold's to blank, though it is the same phone."""
    row = Customer("H", "Hal", X, "ann@x.co", {"own": 1})
    repository = backfilled(Lead("a", phone=X, name="Ann"), customers=[row])
    assert links(repository) == {"a": "H"}
    blank(repository, "a")
    erase(repository, "a")
    assert found(repository, "H") == row


def test_a_rollback_of_a_later_run_still_works(repository: InMemoryRepository) -> None:
    """The erasure is no change to build upon."""
    repository.insert_lead(Lead("d", phone=X))
    run(repository, "second")
    blank(repository, "a")
    erase(repository, "a")
    rollback("second", repository)
    rollback("first", repository)
    assert set(links(repository).values()) == {None}
    assert repository.customers() == ()


def test_the_key_of_an_erased_lead_is_nobodys() -> None:
    """The next lead with its phone is a customer of its own."""
    repository = backfilled(Lead("a", phone=X, name="Ann"))
    blank(repository, "a")
    erase(repository, "a")
    repository.insert_lead(Lead("new", phone=X))
    run(repository, "second")
    assert links(repository) == {"a": "C1", "new": "C2"}
    assert found(repository, "C2").phone == E164


def test_a_run_between_blanking_and_erasing_does_not_hide_what_is_kept() -> None:
    """The nightly run indexes the blank row; the image of a merged customer has the phone yet."""
    original = {"createdBy": "backfill-customers.ts", "groupKey": "phone:5552010001"}
    repository = backfilled(
        Lead("a", phone=X, customer_id="O"),
        Lead("b", phone=Y),
        customers=[Customer("O", phone=X, metadata=original)],
    )
    merge(repository, links(repository)["b"] or "", "O")
    blank(repository, "a")
    run(repository, "nightly")
    erase(repository, "a")
    assert X not in kept(repository)


def test_a_lead_that_is_linked_elsewhere_gives_no_customer_its_name() -> None:
    """Its own link leads to nobody, and stays: what it holds is not its group's new customer's."""
    repository = backfilled(Lead("a", phone=X, name="Ann", customer_id="ghost"), Lead("b", phone=X))
    assert found(repository, "C1").name is None
