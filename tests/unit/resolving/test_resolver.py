"""The resolver over the in-memory store: what it answers, and when it refuses."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Literal

import attrs
import pytest

from leadfold import AsyncInMemoryRepository, InMemoryRepository, Lead, Policy, Resolver, backfill
from leadfold.exceptions import DecisionError, IndexOutdatedError, StalePlanError
from leadfold.resolver import AsyncResolver, refresh_index
from leadfold.resolving.errands import ATTEMPTS
from properties.sequences import Overtaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repository import Reader

ANN = Lead("ann", phone="212 555 0143")
ALSO_ANN = Lead("ann2", phone="(212) 555-0143", email="ann@mailbox.org")
BOB = Lead("bob", phone="212 555 0177")
BOTH = Lead("both", psid="24000000000000001", phone="212 555 0143", email="bob@mailbox.org")


def store(*leads: Lead) -> InMemoryRepository:
    """Return a store whose leads are indexed, and not linked."""
    repository = InMemoryRepository(leads=leads)
    refresh_index(repository)
    return repository


def test_a_lead_of_nobody_makes_a_customer() -> None:
    """The events say what was written; there is nobody to name as a reason."""
    repository = store(ANN)
    found = Resolver(repository).resolve(ANN)
    assert (found.outcome, found.reasons) == ("created", ())
    assert [event.what for event in found.events] == ["customer_created", "lead_linked"]
    assert [lead.customer_id for lead in repository.leads()] == [found.customer_id]


def test_a_lead_comes_to_the_customer_of_those_it_is_together_with() -> None:
    """The reason names the other lead, and masks what they share."""
    repository = store(ANN)
    first = Resolver(repository).resolve(ANN)
    repository.insert_lead(ALSO_ANN)
    found = Resolver(repository).resolve(ALSO_ANN)
    assert (found.customer_id, found.outcome) == (first.customer_id, "attached")
    assert found.reasons == ("ann and ann2 share phone:+1…43, the key of both",)


def test_a_lead_that_is_where_it_belongs_is_unchanged() -> None:
    """Nothing is written: no run, no event."""
    repository = store(ANN)
    Resolver(repository).resolve(ANN)
    runs = len(repository.audit())
    again = Resolver(repository).resolve(ANN)
    assert (again.outcome, again.events) == ("unchanged", ())
    assert len(repository.audit()) == runs


def test_reconcile_merges_what_a_lead_shows_to_be_one() -> None:
    """The younger customer is retired into the older one; leads and reasons say why."""
    repository = store()
    resolver = Resolver(repository, Policy.linked(), "reconcile")
    refresh_index(repository, Policy.linked())
    by_mail = Lead("mail", email="ann@mailbox.org")
    repository.insert_leads([ANN, by_mail])
    ann, mail = resolver.resolve(ANN), resolver.resolve(by_mail)
    assert ann.customer_id != mail.customer_id
    repository.insert_lead(ALSO_ANN)
    found = resolver.resolve(ALSO_ANN)
    assert found.outcome == "merged"
    assert [event.what for event in found.events if event.before == mail.customer_id] == [
        "lead_linked",
        "customer_retired",
    ]


def test_an_edit_that_takes_the_reason_away_splits() -> None:
    """The lead that was joined by a phone it no longer has gets a customer of its own."""
    repository = store(ANN, ALSO_ANN)
    resolver = Resolver(repository, mode="reconcile")
    one, two = resolver.resolve_many([ANN, ALSO_ANN])
    assert one.customer_id == two.customer_id
    repository.update_lead(Lead("ann2", email="ann@mailbox.org", customer_id=two.customer_id))
    found = resolver.update(Lead("ann2"))
    assert found.outcome == "split"
    assert found.customer_id != one.customer_id


def test_a_day_that_was_taken_back_is_over() -> None:
    """Whoever decides after that does so under another run: the same for all who decide alike."""
    repository = store(ANN, BOB)
    resolver = Resolver(repository)
    resolver.resolve(ANN)
    with repository.reading() as reader:
        day = reader.runs(1)[0].id
    backfill.rollback(day, repository)
    resolver.resolve(ANN)
    Resolver(repository).resolve(BOB)
    Resolver(repository, actor="ann").resolve(Lead("cay", phone="212 555 0111"))
    with repository.reading() as reader:
        theirs, again, *_ = (run.id for run in reader.runs() if run.action == "resolve_lead")
    assert again == f"{day}-2"
    assert theirs[:-8] == day[:-8]
    assert theirs != day


def test_a_preview_writes_nothing() -> None:
    """It answers as `resolve` would."""
    repository = store(ANN)
    found = Resolver(repository).preview(ANN)
    assert found.outcome == "created"
    assert [lead.customer_id for lead in repository.leads()] == [None]


def test_more_than_may_be_decided_at_once_is_queued() -> None:
    """The lead stays without a customer, and a backfill settles it."""
    leads = [Lead(f"l{number}", phone="212 555 0143") for number in range(4)]
    repository = store(*leads)
    found = Resolver(repository, max_set=3).resolve(leads[0])
    assert (found.outcome, found.customer_id) == ("queued", None)
    assert backfill.apply(backfill.plan(repository), repository).stats.leads_linked == 4


def test_a_lead_whose_row_is_there_cannot_be_forgotten() -> None:
    """It would be found by nobody and still be linked."""
    with pytest.raises(DecisionError, match="ann is still there"):
        Resolver(store(ANN)).forget("ann")


def test_an_unknown_lead_is_forgotten_without_a_word() -> None:
    """There is nothing to do."""
    repository = store(ANN)
    Resolver(repository).forget("nobody")
    assert len(repository.audit()) == 1


def test_an_index_of_another_policy_is_refused() -> None:
    """Look-ups would miss what was normalized otherwise; the message says what to run."""
    repository = store(ANN)
    with pytest.raises(IndexOutdatedError, match="leadfold index build"):
        Resolver(repository, Policy.keyed(region="GB")).resolve(ANN)


def test_leads_without_an_index_are_refused() -> None:
    """Those that are there already would not be found."""
    with pytest.raises(IndexOutdatedError):
        Resolver(InMemoryRepository(leads=[ANN, BOB])).resolve(BOB)


def test_the_first_leads_of_a_store_begin_the_index() -> None:
    """A service that starts with an empty store needs no backfill."""
    repository = InMemoryRepository(leads=[ANN, BOB])
    assert len(Resolver(repository).resolve_many([ANN, BOB])) == 2


def test_an_index_that_is_as_it_should_be_is_not_written_again() -> None:
    """A second build makes no run."""
    repository = store(ANN)
    assert refresh_index(repository).stats.extra["indexed"] == 0
    assert len(repository.audit()) == 1


def test_a_mode_must_be_one_of_two() -> None:
    """Anything else is a mistake that is told at once."""
    with pytest.raises(ValueError, match="'fill' or 'reconcile'"):
        Resolver(store(), mode="merge")  # type: ignore[arg-type]


def test_a_decision_rests_on_all_that_is_connected() -> None:
    """Two owners kept a lead apart, and one of them becomes the other just before it is written."""
    repository = Overtaken()
    resolver = Resolver(repository, Policy.linked(), "reconcile")
    one = Lead("one", psid="24000000000000001", phone="212 555 0143")
    other = Lead("other", psid="24000000000000002", phone="212 555 0143")
    repository.insert_leads([one, other])
    resolver.resolve_many([one, other])

    def become_one() -> None:
        link = next(lead.customer_id for lead in repository.leads() if lead.id == "other")
        repository.update_lead(attrs.evolve(other, psid=one.psid, customer_id=link))
        resolver.update(other)

    repository.insert_lead(Lead("new", phone="212 555 0143"))
    repository.overtakes = become_one
    resolver.resolve(Lead("new"))
    assert len({lead.customer_id for lead in repository.leads()}) == 1


@pytest.mark.parametrize("mode", ["fill", "reconcile"])
@pytest.mark.parametrize(
    ("first", "then", "psid"),
    [
        ("24000000000000002", None, "24000000000000001"),
        (None, "24000000000000002", None),
        (None, "24000000000000002", "24000000000000001"),
    ],
)
def test_a_decision_rests_on_leads_without_rows(
    mode: Literal["fill", "reconcile"], first: str | None, then: str | None, psid: str | None
) -> None:
    """Of a lead that is awaited the newer answer counts, whoever writes in between."""
    repository, phone = Overtaken(), "212 555 0143"
    resolver = Resolver(repository, Policy.linked(), mode)
    resolver.resolve(Lead("awaited", psid=first, phone=phone))
    awaited = Lead("awaited", psid=then, phone=phone)
    repository.overtakes = lambda: resolver.resolve(awaited)
    new = resolver.resolve(Lead("new", psid=psid, phone=phone))
    with repository.reading() as reader:
        entry = reader.around(["awaited"], [], [], at_most=1).entries["awaited"]
    assert {each.value for each in entry.identifiers} == {"+12125550143", *filter(None, [then])}
    for lead in (awaited, Lead("new", psid=psid, phone=phone)):
        assert resolver.resolve(lead).outcome == "unchanged"
    assert (new.customer_id == resolver.resolve(awaited).customer_id) == (None in {then, psid})


@pytest.mark.parametrize("verb", ["resolve", "preview", "update"])
@pytest.mark.parametrize("created_at", ["2026-11-30T12:00:00Z", 1_796_040_000, date(2026, 11, 30)])
def test_a_moment_is_a_datetime(verb: str, created_at: object) -> None:
    """Whoever hands over the JSON of a webhook as it came is told what to convert."""
    lead = {"id": "l1", "phone": "212 555 0143", "created_at": created_at}
    with pytest.raises(TypeError, match=r"created_at must be a datetime, not .*: convert it"):
        getattr(Resolver(store()), verb)(lead)


@pytest.mark.parametrize("lead", ["customer:1", "a\0b", "\ud800"])
def test_an_id_that_no_lead_can_have_is_refused(lead: str) -> None:
    """One store would keep it, another lose it, and the third take it for a customer's record."""
    resolver = Resolver(store())
    for verb in (resolver.resolve, resolver.preview, resolver.update):
        with pytest.raises(DecisionError, match="id of a lead"):
            verb({"id": lead, "phone": "212 555 0143"})
    with pytest.raises(DecisionError, match="id of a lead"):
        resolver.forget(lead)


def test_a_lead_is_forgotten_by_whatever_id_it_was_resolved_by() -> None:
    """A number names the lead that it named before."""
    repository = store()
    resolver = Resolver(repository)
    resolver.resolve({"id": 7, "phone": "212 555 0143"})
    resolver.forget(7)
    with repository.reading() as reader:
        assert not reader.around(["7"], [], [], at_most=1).entries["7"].identifiers
    with pytest.raises(TypeError, match="id must be text, int or UUID"):
        resolver.forget(None)  # type: ignore[arg-type]


class Crowded(InMemoryRepository):
    """A store in which somebody else links the lead just before each of some commits."""

    faster = 0

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read; before the next commit the lead's phone is edited, if somebody is faster."""
        with super().reading() as reader:
            yield reader

    def commit(self, changes: ChangeSet) -> Committed:
        """Commit, too late where somebody was faster."""
        if self.faster:
            self.faster -= 1
            self.update_lead(Lead("ann", phone=f"212 555 01{50 + self.faster}"))
        return super().commit(changes)


def test_who_was_faster_makes_it_look_again() -> None:
    """The decision rests on what is there when it is written."""
    repository = Crowded(leads=[ANN])
    refresh_index(repository)
    repository.faster = ATTEMPTS - 1
    assert Resolver(repository).resolve(ANN).outcome == "created"
    assert repository.customers()[0].phone == "+12125550150"


def test_it_does_not_look_again_for_ever() -> None:
    """After some attempts it says what changed."""
    repository = Crowded(leads=[ANN])
    refresh_index(repository)
    repository.faster = ATTEMPTS
    with pytest.raises(StalePlanError):
        Resolver(repository).resolve(ANN)


def test_a_service_awaits_the_same_answers() -> None:
    """Every verb of the async twin."""

    async def serve() -> list[str]:
        repository = AsyncInMemoryRepository()
        resolver = AsyncResolver(repository, mode="reconcile")
        outcomes: list[str] = []
        for lead in (ANN, ALSO_ANN):
            repository.insert_lead(lead)
            outcomes += [(await resolver.preview(lead)).outcome]
            outcomes += [(await resolver.resolve(lead)).outcome]
        repository.update_lead(Lead("ann2", customer_id=repository.leads()[1].customer_id))
        outcomes.append((await resolver.update(Lead("ann2"))).outcome)
        repository.delete_lead("ann2")
        await resolver.forget("ann2")
        return outcomes

    assert asyncio.run(serve()) == ["created", "created", "attached", "attached", "split"]
