"""Sample leads: the same every time, messy at known rates, with a truth that holds."""

from __future__ import annotations

import gc
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import phonenumbers
import pytest
from email_validator import validate_email

from leadfold.evaluate import evaluate
from leadfold.testing.mess import EXTENSIONS, JUNK, PHONE_FORMATS, Mess
from leadfold.testing.samples import CASES, sample_leads

if TYPE_CHECKING:
    from leadfold.testing.samples import SampleLead

MANY = 20_000


@cache
def many() -> tuple[SampleLead, ...]:
    """Return enough leads for a rate to settle, dealt once."""
    return sample_leads(MANY, seed=3)


def of_case(case: str) -> dict[str, list[SampleLead]]:
    """Return the leads of *case* by person, in the order of their ids."""
    people = defaultdict(list)
    for sample in sorted(many(), key=lambda sample: sample.truth):
        if sample.case == case:
            people[sample.truth].append(sample)
    return people


def e164(typed: str) -> str:
    """Return the key of *typed*, as the outside library sees it."""
    number = phonenumbers.parse(typed, "US")
    assert phonenumbers.is_possible_number_with_reason(number) == 0
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phones(sample: SampleLead) -> set[str]:
    """Return the keys of a lead's phones."""
    cell = sample.lead.phone
    cells = (cell,) if isinstance(cell, str) else cell or ()
    return {e164(typed) for typed in cells}


def mailbox(sample: SampleLead) -> str:
    """Return the key of a lead's email."""
    assert isinstance(sample.lead.email, str)
    address = sample.lead.email.strip()
    return validate_email(address, check_deliverability=False).normalized.lower()


class TestDeterminism:
    """One seed, one set of leads."""

    def test_the_same_seed_deals_the_same_leads(self) -> None:
        """Two calls agree in every field."""
        assert sample_leads(500, seed=7) == sample_leads(500, seed=7)

    def test_another_seed_deals_other_leads(self) -> None:
        """The seed is not decoration."""
        assert sample_leads(50, seed=7) != sample_leads(50, seed=8)

    @pytest.mark.parametrize("n", [0, 1, 2, 119, 1000])
    def test_deals_as_many_as_asked_for_with_ids_of_their_own(self, n: int) -> None:
        """Ids count from l1; no lead is missing, none twice."""
        assert [sample.lead.id for sample in sample_leads(n)] == [f"l{i + 1}" for i in range(n)]

    @pytest.mark.parametrize("enabled", [True, False])
    def test_the_collector_is_left_as_it_was(self, *, enabled: bool) -> None:
        """Dealing pauses the cycle collector; a caller who paused it keeps it paused."""
        try:
            (gc.enable if enabled else gc.disable)()
            sample_leads(3)
            assert gc.isenabled() is enabled
        finally:
            gc.enable()

    def test_a_negative_number_is_refused(self) -> None:
        """The error says what to ask for."""
        with pytest.raises(ValueError, match="cannot deal -1 leads: ask for 0 or more"):
            sample_leads(-1)


class TestRates:
    """The figures that the docstring promises."""

    @pytest.mark.parametrize(
        ("field", "rate"), [("psid", 0.55), ("phone", 0.62), ("email", 0.46), ("created_at", 0.97)]
    )
    def test_fields_are_filled_as_often_as_promised(self, field: str, rate: float) -> None:
        """Each share is within two points."""
        filled = sum(getattr(sample.lead, field) is not None for sample in many())

        assert filled / MANY == pytest.approx(rate, abs=0.02)

    def test_a_person_leaves_about_1_6_leads(self) -> None:
        """Truth names that many people."""
        assert MANY / len({sample.truth for sample in many()}) == pytest.approx(1.6, abs=0.1)

    def test_about_one_lead_in_a_hundred_holds_junk(self) -> None:
        """Junk is rare, and there."""
        junk = {filler for fillers in JUNK.values() for filler in fillers}
        held = sum(
            bool(junk & {sample.lead.psid, sample.lead.phone, sample.lead.email})
            for sample in many()
            if isinstance(sample.lead.phone, str | None)
        )

        assert held / MANY == pytest.approx(0.01, abs=0.003)

    def test_most_phones_are_written_differently(self) -> None:
        """Formats vary so much that nine strings in ten are distinct."""
        typed = [sample.lead.phone for sample in many() if isinstance(sample.lead.phone, str)]

        assert len(set(typed)) > 0.9 * len(typed)

    def test_times_are_naive_zoned_and_missing(self) -> None:
        """All three kinds of created_at are dealt."""
        times = [sample.lead.created_at for sample in many()]
        kinds = {time if time is None else time.utcoffset() for time in times}

        assert len(kinds) >= 4
        assert any(time is not None and time.tzinfo is None for time in times)

    def test_every_psid_comes_with_its_page(self) -> None:
        """A scope by page_id is there wherever it is needed."""
        assert all(
            ("page_id" in sample.lead.fields) == bool(sample.lead.psid)
            for sample in many()
            if sample.case != "junk_value"
        )


class TestMess:
    """Values are messy, yet mean what they should."""

    @pytest.mark.parametrize("layout", PHONE_FORMATS)
    def test_every_phone_format_means_the_same_valid_number(self, layout: str) -> None:
        """Twenty ways to type a number are one key."""
        assert e164(layout.format("212", "555", "0143")) == "+12125550143"

    @pytest.mark.parametrize("tail", EXTENSIONS)
    def test_an_extension_is_no_part_of_the_number(self, tail: str) -> None:
        """Whatever is typed behind it, the key stays."""
        assert e164("212-555-0143" + tail.format(77)) == "+12125550143"

    def test_people_share_nothing_unless_a_scene_says_so(self) -> None:
        """Everybody is dealt a psid, a phone and an email of their own; the phones are valid."""
        mess = Mess(seed=5)
        people = [mess.person() for _ in range(3_000)]

        for kind in ("truth", "psid", "phone", "email"):
            assert len({getattr(person, kind) for person in people}) == len(people)
        assert all(
            phonenumbers.is_valid_number(phonenumbers.parse(person.phone, "US"))
            for person in people
        )

    def test_emails_are_accepted_and_lie_in_reserved_domains(self) -> None:
        """No mail to a sample lead can reach anybody."""
        for sample in many()[:3_000]:
            if sample.lead.email and sample.case != "junk_value":
                top = mailbox(sample).rpartition("@")[2].split(".")
                assert top[-1] == "example" or top[-2] == "example"


class TestCases:
    """Each hard case is dealt, and is what it says."""

    @pytest.mark.parametrize("seed", range(5))
    def test_120_leads_hold_every_case(self, seed: int) -> None:
        """A small sample misses no case."""
        assert {sample.case for sample in sample_leads(120, seed)} == set(CASES)

    def test_truth_names_people_and_is_part_of_no_lead(self) -> None:
        """One person has one case, and the truth compared with itself is perfect."""
        truth = {sample.lead.id: sample.truth for sample in many()}
        cases = {(sample.truth, sample.case) for sample in many()}

        assert evaluate(truth, truth).pairwise.f1 == 1.0
        assert len(cases) == len(set(truth.values()))

    @pytest.mark.parametrize(
        ("case", "kind"),
        [
            pytest.param("household_phone", phones, id="household"),
            pytest.param("call_centre", phones, id="call centre"),
            pytest.param("recycled_phone", phones, id="recycled"),
            pytest.param("indistinct_people", phones, id="indistinct"),
            pytest.param("family_email", mailbox, id="family"),
            pytest.param("shared_mailbox", mailbox, id="mailbox"),
        ],
    )
    def test_strangers_share_a_value(self, case: str, kind: object) -> None:
        """Several people hold each phone or mailbox of the case."""
        assert callable(kind)
        holders = defaultdict(set)
        for person, samples in of_case(case).items():
            holders[str(kind(samples[0]))].add(person)

        crowded = [people for people in holders.values() if len(people) > 1]
        assert len(crowded) >= len(holders) - 1  # the last scene may be cut short
        if case in {"call_centre", "shared_mailbox"}:
            assert max(map(len, crowded)) > 25

    def test_a_bridge_lead_holds_values_of_two_people(self) -> None:
        """Its phone is its own person's, its email is on somebody else's lead."""
        samples = [sample for people in of_case("bridge_lead").values() for sample in people]
        owners = {mailbox(s): s.truth for s in samples if s.lead.psid and s.lead.email}
        bridges = [s for s in samples if s.lead.phone and s.lead.email]

        assert bridges
        assert all(owners[mailbox(bridge)] != bridge.truth for bridge in bridges)

    def test_one_person_writes_to_two_pages(self) -> None:
        """Psids and pages differ, the phone does not."""
        one, two = next(iter(of_case("two_pages").values()))

        assert one.lead.psid != two.lead.psid
        assert one.lead.fields["page_id"] != two.lead.fields["page_id"]
        assert phones(one) == phones(two)

    def test_late_proof_comes_last(self) -> None:
        """The lead that holds both values is the latest of its person."""
        for samples in of_case("late_proof").values():
            dated = [s.lead for s in samples if s.lead.created_at and s.lead.created_at.tzinfo]
            if len(samples) == len(dated) == 3:
                latest = max(
                    dated, key=lambda lead: str(lead.created_at and lead.created_at.date())
                )
                assert latest.phone
                assert latest.email

    def test_values_differ_only_before_they_are_normalized(self) -> None:
        """Two spellings of phone and email, one key each."""
        one, two = next(iter(of_case("same_when_normalized").values()))

        assert (one.lead.phone, one.lead.email) != (two.lead.phone, two.lead.email)
        assert (phones(one), mailbox(one)) == (phones(two), mailbox(two))

    def test_extensions_differ_and_the_number_does_not(self) -> None:
        """Three leads of one person have one phone key."""
        samples = next(iter(of_case("typed_extension").values()))

        assert len({sample.lead.phone for sample in samples}) == 3
        assert len(set.union(*map(phones, samples))) == 1

    def test_a_field_with_two_phones_joins_one_to_the_other(self) -> None:
        """The lead with both shares a phone with each of the others."""
        samples = sorted(
            next(iter(of_case("several_phones").values())), key=lambda s: len(phones(s))
        )

        assert [len(phones(sample)) for sample in samples] == [1, 1, 2]
        assert set.union(*map(phones, samples[:2])) == phones(samples[2])

    def test_some_people_cannot_be_known_again(self) -> None:
        """Their leads share no value, or have none."""
        one, two = next(iter(of_case("nothing_in_common").values()))
        (bare,) = next(iter(of_case("no_identifier").values()))

        assert {bool(one.lead.psid), bool(two.lead.psid)} == {True, False}
        assert (bare.lead.psid, bare.lead.phone, bare.lead.email) == (None, None, None)
