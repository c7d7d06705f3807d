"""`customer_id_now`: an old id leads to where its leads live, or says why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadfold import Lead
from leadfold.backfill import rollback
from leadfold.customers import customer_id_now, erase, merge, split
from leadfold.exceptions import AmbiguousCustomerError, UnknownCustomerError
from leadfold.model import Customer
from oracle.decided import X, Y, Z, backfilled, edit, run

if TYPE_CHECKING:
    from leadfold import InMemoryRepository


@pytest.fixture
def repository() -> InMemoryRepository:
    """Return a store of C1 with leads a and b, C2 with c, C3 with d."""
    return backfilled(
        Lead("a", phone=X), Lead("b", phone=X), Lead("c", phone=Y), Lead("d", phone=Z)
    )


def test_a_customer_that_is_there_is_itself(repository: InMemoryRepository) -> None:
    """Whatever became of its leads."""
    split(repository, "C1", [["a"]], new_id=lambda: "C9")
    edit(repository, "b", customer_id="C2")
    assert customer_id_now(repository, "C1") == "C1"


def test_an_id_that_never_was_is_unknown(repository: InMemoryRepository) -> None:
    """It is a LookupError that names it."""
    with pytest.raises(UnknownCustomerError, match="C77") as raised:
        customer_id_now(repository, "C77")
    assert raised.value.customer_id == "C77"


def test_an_absorbed_customer_leads_to_the_one_that_kept_its_leads(
    repository: InMemoryRepository,
) -> None:
    """Through as many merges as there were."""
    merge(repository, "C2", "C1")
    assert customer_id_now(repository, "C1") == "C2"
    merge(repository, "C3", "C2")
    assert [customer_id_now(repository, old) for old in ("C1", "C2")] == ["C3", "C3"]


def test_undone_merges_give_the_old_ids_back(repository: InMemoryRepository) -> None:
    """From the newest back."""
    merge(repository, "C2", "C1", run_id="m1")
    merge(repository, "C3", "C2", run_id="m2")
    rollback("m2", repository)
    assert [customer_id_now(repository, old) for old in ("C1", "C2")] == ["C2", "C2"]
    rollback("m1", repository)
    assert customer_id_now(repository, "C1") == "C1"


def test_after_a_partial_split_it_is_ambiguous(repository: InMemoryRepository) -> None:
    """The error names where they live."""
    merge(repository, "C2", "C1")
    split(repository, "C2", [["a"]], new_id=lambda: "C9")
    with pytest.raises(AmbiguousCustomerError, match="C2, C9") as raised:
        customer_id_now(repository, "C1")
    assert (raised.value.customer_id, raised.value.customer_ids) == ("C1", ("C2", "C9"))


def test_a_split_of_all_its_leads_is_not_ambiguous(repository: InMemoryRepository) -> None:
    """They live together, if elsewhere."""
    merge(repository, "C2", "C1")
    split(repository, "C2", [["a", "b"], ["c"]], new_id=lambda: "C9")
    assert customer_id_now(repository, "C1") == "C2"  # the larger part kept the customer


def test_a_split_that_takes_them_elsewhere_is_followed(repository: InMemoryRepository) -> None:
    """The customer that absorbed it keeps its own lead alone."""
    merge(repository, "C2", "C1")
    split(repository, "C2", [["a", "b"]], new_id=lambda: "C9")
    assert customer_id_now(repository, "C1") == "C9"


def test_what_its_keeper_had_before_does_not_matter(repository: InMemoryRepository) -> None:
    """Only the leads that came from it are followed."""
    merge(repository, "C1", "C2")
    split(repository, "C1", [["a"]], new_id=lambda: "C9")
    assert customer_id_now(repository, "C2") == "C1"


def test_leads_moved_by_hand_are_followed(repository: InMemoryRepository) -> None:
    """Where they live is what counts, whoever put them there."""
    merge(repository, "C2", "C1")
    for lead in "ab":
        edit(repository, lead, customer_id="C3")
    assert customer_id_now(repository, "C1") == "C3"


def test_a_lead_without_a_customer_lives_nowhere(repository: InMemoryRepository) -> None:
    """The other one decides; once both are gone, who took the customer's place."""
    merge(repository, "C2", "C1")
    edit(repository, "a", customer_id=None)
    edit(repository, "b", customer_id="C3")
    assert customer_id_now(repository, "C1") == "C3"
    repository.delete_lead("a")
    repository.delete_lead("b")
    assert customer_id_now(repository, "C1") == "C2"


def test_a_customer_without_leads_leads_to_who_took_its_place() -> None:
    """Through several merges as well."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), customers=[Customer("H")])
    merge(repository, "C1", "H")
    assert customer_id_now(repository, "H") == "C1"
    merge(repository, "C2", "C1")
    assert customer_id_now(repository, "H") == "C2"


def test_a_customer_of_a_run_taken_back_has_no_leads(repository: InMemoryRepository) -> None:
    """They have no customer now; the next run gives them another one, which is found."""
    rollback("first", repository)
    with pytest.raises(UnknownCustomerError, match="C1"):
        customer_id_now(repository, "C1")
    repository.insert_customer(Customer("C7", metadata={"createdBy": "leadfold"}))
    run(repository, "second")
    assert customer_id_now(repository, "C1") == "C8"


def test_a_new_customer_of_a_split_that_was_undone_leads_back(
    repository: InMemoryRepository,
) -> None:
    """Its leads are where they were."""
    split(repository, "C1", [["a"]], run_id="s", new_id=lambda: "C9")
    rollback("s", repository)
    assert customer_id_now(repository, "C9") == "C1"


def test_a_customer_that_somebody_deleted_is_unknown(repository: InMemoryRepository) -> None:
    """Also where it had been merged once, and was back."""
    merge(repository, "C2", "C1", run_id="m")
    rollback("m", repository)
    repository.delete_customer("C1")
    with pytest.raises(UnknownCustomerError, match="C1"):
        customer_id_now(repository, "C1")


def test_a_keeper_that_somebody_deleted_is_unknown(repository: InMemoryRepository) -> None:
    """The leads have nobody now."""
    merge(repository, "C2", "C1")
    repository.delete_customer("C2")
    with pytest.raises(UnknownCustomerError, match="C1"):
        customer_id_now(repository, "C1")


def test_links_to_nobody_are_no_place_to_live(repository: InMemoryRepository) -> None:
    """A link that dangles leads nowhere, and no longer in circles."""
    merge(repository, "C2", "C1")
    for lead in "ab":
        edit(repository, lead, customer_id="C1")
    with pytest.raises(UnknownCustomerError, match="C1"):
        customer_id_now(repository, "C1")


def test_an_erasure_changes_nothing_of_it(repository: InMemoryRepository) -> None:
    """Ids are no identifiers."""
    merge(repository, "C2", "C1")
    repository.delete_lead("a")
    erase(repository, "a")
    assert customer_id_now(repository, "C1") == "C2"
