"""Explanations on worked cases: links, why and why not, owners, what if, review; all masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leadfold import IdentifierRule, Lead, Policy, Reason, Ruling, group
from leadfold.exceptions import (
    DifferentGroupsError,
    LeadfoldError,
    NotHeldError,
    PolicyError,
    SameGroupError,
    UnknownLeadError,
)
from leadfold.explanations import Tie
from leadfold.grouping import Columns, group_columns
from leadfold.grouping.columns import Column
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold import Resolution

X, Y, Z = "+12025550141", "+12025550142", "+12025550143"
LINKED = Policy.linked()
MANY = 100_000
UNBOUND = Policy.linked(
    identifiers=[
        IdentifierRule("phone", limit=None, generic_after=None),
        IdentifierRule("email", limit=None, generic_after=None),
    ]
)


def lead(
    lead_id: str,
    psid: str | tuple[str, ...] | None = None,
    phone: str | tuple[str, ...] | None = None,
    email: str | tuple[str, ...] | None = None,
) -> Lead:
    """Return a lead; an email is its letter at example.org."""
    letters = email if isinstance(email, tuple) else (email,)
    return Lead(lead_id, psid, phone, tuple(f"{one}@example.org" for one in letters if one))


CONTESTED = [lead("A", "1", X), lead("B", "2", X), lead("C", None, X)]
CLAIMED = [
    lead("A", "1", None, "a"),
    lead("R1", None, Z, "a"),
    lead("R2", None, Z, "b"),
    lead("B", "2", None, "b"),
]


def desk(emails: int) -> list[Lead]:
    """Return leads of one phone, each with an address of its own."""
    return [lead(f"l{n}", None, X, chr(97 + n)) for n in range(emails)]


def long_chain() -> Resolution:
    """Return one group, in which each lead shares an address with the next one."""
    email = Column(
        [f"e{n}@example.org" for n in range(MANY)],
        {n: (f"e{n + 1}@example.org",) for n in range(MANY)},
    )
    ids = [f"l{n:06}" for n in range(MANY)]
    return group_columns(
        Columns(UNBOUND.kinds, Column([*ids]), [Column([None] * MANY), email]), UNBOUND
    )


def wide_star() -> Resolution:
    """Return one group, whose leads share an address and have phones of their own."""
    phone, email = Column([f"+{n}" for n in range(MANY)]), Column(["e@example.org"] * MANY)
    ids = [f"l{n:06}" for n in range(MANY)]
    return group_columns(Columns(UNBOUND.kinds, Column([*ids]), [phone, email]), UNBOUND)


def told(ties: tuple[Tie, ...]) -> list[tuple[str, str, str]]:
    """Return leads and level of each of *ties*."""
    return [(tie.lead_id, tie.other_id, tie.level) for tie in ties]


class TestLinks:
    """What holds each group together."""

    def test_a_phone_of_one_owner_links_by_its_kind(self) -> None:
        """It is B's key and only held by A: the level is the kind."""
        (tie,) = group([lead("A", "1", X), lead("B", None, X)], LINKED).links
        assert tie == Tie("A", "B", "phone", Identifier("phone", X))

    def test_leads_of_one_key_are_linked_by_it(self) -> None:
        """In ``keyed`` there is nothing else but rulings."""
        leads = [lead("A", None, X, "a"), lead("B", None, X, "a"), lead("C", None, None, "a")]
        assert told(group(leads).links) == [("A", "B", "key")]

    def test_rulings_come_before_keys_and_keys_before_kinds(self) -> None:
        """The strongest that there are span the group; each ties its smallest lead."""
        leads = [
            lead("A", None, X, "a"),
            lead("B", None, X, "a"),
            lead("C", None, Y, "a"),
            lead("D"),
        ]
        ruled = group(leads, LINKED, rulings=[Ruling("r1", [["D", "B", "gone"]])])
        assert told(ruled.links) == [("B", "D", "ruling"), ("A", "B", "key"), ("A", "C", "email")]
        assert ruled.links[0].ruling_id == "r1"

    def test_a_generic_value_links_leads_of_that_key_alone(self) -> None:
        """C and D are together by equal keys, though their phone joins no one else."""
        rule = IdentifierRule("phone", generic_after=1)
        leads = [
            *(lead(f"A{n}", f"{n}", X) for n in range(1, 4)),
            lead("C", None, X),
            lead("D", None, X),
        ]
        linked = group(leads, Policy.linked(identifiers=["psid", rule]))
        assert told(linked.links) == [("C", "D", "key")]

    def test_groups_come_in_order_of_key(self) -> None:
        """As they do in ``groups``."""
        leads = [lead("B", None, Y), lead("A", None, Y), lead("D", None, X), lead("C", None, X)]
        assert told(group(leads).links) == [("C", "D", "key"), ("A", "B", "key")]

    def test_no_leads_have_no_links(self) -> None:
        """Nor has a lead by itself."""
        assert group([]).links == group([lead("A")]).links == ()


class TestWhy:
    """The shortest chain between two leads of one group."""

    def test_a_chain_goes_step_by_step(self) -> None:
        """From the one asked about first to the other, in sentences with masked values."""
        found = group(
            [lead("A", "1", X), lead("B", None, X, "a"), lead("C", None, None, "a")], LINKED
        )
        assert told(found.why("C", "A").steps) == [("C", "B", "email"), ("B", "A", "phone")]
        assert str(found.why("A", "C")) == (
            "A and B share phone:+1…41\nB and C share email:a…@….org"
        )
        assert len(found.why("A", "C")) == 2
        assert X not in repr(found.why("A", "C")) + repr(found.links)

    def test_a_short_chain_is_better_than_a_strong_one(self) -> None:
        """A and C share an address; by the phone it is two steps."""
        leads = [lead("A", "1", X, "a"), lead("B", None, (X, Y)), lead("C", None, Y, "a")]
        assert told(group(leads, LINKED).why("A", "C").steps) == [("A", "C", "email")]

    def test_of_short_chains_the_strong_one_is_told(self) -> None:
        """A phone and not an address, a key and not a phone."""
        leads = [lead("A", None, X, "a"), lead("B", None, (Y, X), "a")]
        assert told(group(leads, LINKED).why("B", "A").steps) == [("B", "A", "phone")]
        leads = [lead("A", None, X, "a"), lead("B", None, (X, Y), "a")]
        assert str(group(leads, LINKED).why("B", "A")) == (
            "B and A share phone:+1…41, the key of both"
        )

    def test_a_long_chain_avoids_the_weakest_tie(self) -> None:
        """Two phones rather than a psid and an address, whichever is come across first."""
        kinds = [IdentifierRule(kind, limit=None) for kind in ("psid", "phone", "email")]
        leads = [
            lead("T", ("1", "x")),
            lead("S1", ("2", "x"), None, "w"),
            lead("S2", ("3", "x"), Y),
            lead("P", ("4", "s"), None, "w"),
            lead("Q", "5", (X, Y)),
            lead("Z", ("6", "s"), X),
        ]
        found = group(leads, Policy.linked(identifiers=kinds)).why("T", "Z")
        assert told(found.steps) == [
            ("T", "S2", "psid"),
            ("S2", "Q", "phone"),
            ("Q", "Z", "phone"),
        ]

    def test_a_chain_is_the_same_told_backwards(self) -> None:
        """Of two as good, the one that is first in text order from the smaller id."""
        kinds = [IdentifierRule("psid", limit=None)]
        values = {"A": "pq", "P": "ps", "Q": "qr", "R": "rz", "S": "st", "Z": "zt"}
        leads = [lead(one, (f"own-{one}", *held)) for one, held in values.items()]
        resolution = group(leads, Policy.linked(identifiers=kinds))
        there, back = resolution.why("A", "Z").steps, resolution.why("Z", "A").steps
        assert [step.lead_id for step in there] == ["A", "P", "S"]
        assert [step.lead_id for step in back] == ["Z", "S", "P"]

    def test_a_ruling_is_a_step(self) -> None:
        """Named by its id."""
        ruled = group([lead("A"), lead("B")], rulings=[Ruling("r1", [["A", "B"]])])
        assert str(ruled.why("A", "B")) == "A and B are put together by ruling r1"

    def test_a_lead_needs_no_step_to_itself(self) -> None:
        """One lead is one lead."""
        found = group(CONTESTED, LINKED).why("A", "A")
        assert (found.steps, str(found)) == ((), "A is one lead")

    def test_leads_that_are_apart_are_refused(self) -> None:
        """The error is ours, and points to the other question."""
        with pytest.raises(DifferentGroupsError, match="ask why_not") as refused:
            group(CONTESTED, LINKED).why("A", "B")
        assert isinstance(refused.value, (LeadfoldError, ValueError))
        assert refused.value.lead_ids == ("A", "B")

    @pytest.mark.parametrize("pair", [("A", "gone"), ("gone", "A")])
    def test_an_unknown_lead_is_a_key_error(self, pair: tuple[str, str]) -> None:
        """As in ``group_of``, whichever question is asked."""
        resolution = group(CONTESTED, LINKED)
        for ask in (resolution.why, resolution.why_not):
            with pytest.raises(KeyError, match="gone"):
                ask(*pair)

    def test_an_id_that_is_no_text_is_told_as_such(self) -> None:
        """Leads may be given with numbers; they are kept, and asked for, by text."""
        resolution = group([{"id": 1, "phone": X}, {"id": 2, "phone": X}, {"id": 3}], LINKED)
        assert resolution.why("1", "2")
        number: Any = 1
        asked: list[Callable[[], object]] = [
            lambda: resolution.why(number, "2"),
            lambda: resolution.why_not("3", number),
            lambda: resolution.what_if(without=[(number, "phone:+15552010001")]),
            lambda: resolution.group_of(number),
            lambda: resolution.links_of(number),
            lambda: resolution.identifiers_of(number),
        ]
        for ask in asked:
            with pytest.raises(UnknownLeadError) as refused:
                ask()
            assert refused.value.lead_id == 1
            assert str(refused.value) == (
                "no lead 1 among the 3 that were grouped: ids are text, and this is int"
            )
        with pytest.raises(UnknownLeadError, match=r"^no lead gone among the 3 that were grouped$"):
            resolution.group_of("gone")


class TestWhyNot:
    """What two leads or their groups share, and what stopped it."""

    def test_a_contested_value_is_told_with_its_owners(self) -> None:
        """Masked in the sentence, raw as data."""
        found = group(CONTESTED, LINKED).why_not("A", "C")
        assert [owner.key for owner in found.shared[0].owners] == ["psid:1", "psid:2"]
        assert str(found) == (
            "A and C share phone:+1…41, which did not join them: it is claimed by several owners "
            "(psid:…, psid:…)"
        )

    def test_what_both_leads_hold_comes_first(self) -> None:
        """Then what only their groups hold."""
        mails = [
            lead("D", None, X, ("d", "f")),
            lead("E", "1", None, "d"),
            lead("F", "2", None, "f"),
        ]
        leads = [*CONTESTED, *mails]
        found = group(leads, LINKED).why_not("A", "D")
        assert [stop.identifier.kind for stop in found.shared] == ["phone"]
        assert [stop.identifier.kind for stop in found.around] == ["email"]
        assert found.stops == (*found.shared, *found.around)
        assert str(found).splitlines()[1].startswith("the groups of A and D share email:d…@….org")

    def test_leads_that_share_nothing_are_told_so(self) -> None:
        """Nor do their groups."""
        found = group([lead("A"), lead("B")]).why_not("A", "B")
        assert (found.stops, str(found)) == (
            (),
            "A and B share nothing, and neither do their groups",
        )

    def test_leads_of_one_group_are_refused(self) -> None:
        """A lead and itself too: it is in one group."""
        resolution = group([lead("A", "1"), lead("B", "1")])
        for pair in (("A", "B"), ("A", "A")):
            with pytest.raises(SameGroupError, match="ask why, not why_not"):
                resolution.why_not(*pair)


class TestOwners:
    """Whose identifiers would be too many in one customer."""

    def test_the_owners_of_a_contested_value_are_those_that_claim_it(self) -> None:
        """And the free lead that holds it too is no owner."""
        (stop,) = group(CONTESTED, LINKED).stops
        assert [owner.key for owner in stop.owners] == ["psid:1", "psid:2"]

    def test_a_claim_through_another_value_counts(self) -> None:
        """R1 and R2 are claimed by A through one address and by B through the other."""
        for stop in group(CLAIMED, LINKED).stops:
            assert [owner.key for owner in stop.owners] == ["psid:1", "psid:2"]

    def test_whose_claim_is_elsewhere_is_no_owner(self) -> None:
        """D shares another phone with A; that dispute is not about X."""
        leads = [lead("A", "1", (X, Y)), lead("B", "2", X), lead("C", None, X), lead("D", "3", Y)]
        owners = {s.identifier.value: s.owners for s in group(leads, LINKED).stops}
        assert [owner.value for owner in owners[X]] == ["1", "2"]
        assert [owner.value for owner in owners[Y]] == ["1", "3"]

    def test_owners_are_looked_for_no_further_than_needed(self) -> None:
        """B contends for C through Y; D contends with B for V, which is none of C's business."""
        leads = [
            lead("A", "1", X),
            lead("C", None, (X, Y)),
            lead("B", "2", (Y, Z)),
            lead("D", "3", Z),
        ]
        owners = {s.identifier.value: s.owners for s in group(leads, LINKED).stops}
        assert [owner.value for owner in owners[X]] == ["1", "2"]

    def test_a_generic_value_leads_to_no_owner(self) -> None:
        """It makes no claim at its level."""
        rules = (IdentifierRule("psid"), IdentifierRule("phone", generic_after=1))
        leads = [
            lead("A", "1", X),
            lead("C", None, (X, Y, Z)),
            lead("B", "2", Y),
            lead("D", "3", Z),
            lead("E", "4", Z),
        ]
        found = group(leads, Policy.linked(identifiers=rules)).stops
        owners = {stop.identifier.value: stop.owners for stop in found}
        assert [owner.value for owner in owners[X]] == ["1", "2"]
        assert owners[Z] == ()

    def test_a_limit_names_what_would_be_too_many(self) -> None:
        """All three phones under a limit of two."""
        rules = ("psid", IdentifierRule("phone", limit=2), "email")
        leads = [lead(n, None, phone, "e") for n, phone in (("A", X), ("B", Y), ("C", Z))]
        (stop,) = group(leads, Policy.linked(identifiers=rules)).stops
        assert [owner.value for owner in stop.owners] == [X, Y, Z]
        assert (
            stop.cause()
            == "too many values would be in one customer (phone:+1…41, phone:+1…42, phone:+1…43)"
        )

    def test_owners_are_told_scope_by_scope(self) -> None:
        """Two ids of one page are too many; the one of another page is not among them."""
        policy = Policy.linked(identifiers=[IdentifierRule("psid", scope="page_id"), "phone"])
        leads = [
            {"id": n, "psid": n, "page_id": page, "phone": X}
            for n, page in (("1", "p1"), ("2", "p2"), ("3", "p2"))
        ]
        (stop,) = group(leads, policy).stops
        assert [owner.key for owner in stop.owners] == ["psid:p2/2", "psid:p2/3"]

    def test_other_reasons_have_no_owners(self) -> None:
        """``weaker``, ``ruled`` and ``generic``."""
        (weaker,) = group(CONTESTED).stops
        cannot = Ruling("r", [["A"], ["B"]])
        (ruled,) = group([lead("A", None, X), lead("B", None, X)], LINKED, rulings=[cannot]).stops
        rule = IdentifierRule("phone", generic_after=1)
        (generic,) = group(CONTESTED, Policy.linked(identifiers=["psid", rule])).stops
        assert [stop.reasons for stop in (weaker, ruled, generic)] == [
            ("weaker",),
            ("ruled",),
            ("generic",),
        ]
        assert weaker.owners == ruled.owners == generic.owners == ()
        assert str(ruled) == (
            "phone:+1…41 did not join its 2 leads in 2 groups: a ruling keeps them apart"
        )


class TestWhatIf:
    """What would change."""

    def test_a_blocked_value_joins_no_more(self) -> None:
        """Groups that are no more, groups that are new, and a summary that masks them."""
        found = group([lead("A", "1", X), lead("B", None, X)], LINKED).what_if(block=[f"phone:{X}"])
        assert [one.lead_ids for one in found.before] == [("A", "B")]
        assert [one.lead_ids for one in found.after] == [("B",), ("A",)]
        assert {r.reason for r in found.resolution.rejected} == {Reason.BLOCKED}
        assert str(found).splitlines()[0] == "1 groups are no more, 2 are new"
        assert "+ individual:B, 1 leads" in str(found)

    def test_an_identifier_may_be_given_as_one(self) -> None:
        """As it comes in links and stops."""
        resolution = group(CONTESTED, LINKED)
        value = resolution.stops[0].identifier
        assert resolution.what_if(block=[value]).resolution.stops == ()

    def test_the_shorthands_of_a_policy_block_too(self) -> None:
        """A whole domain."""
        found = group([lead("A", None, None, "a"), lead("B", None, None, "a")], LINKED)
        after = found.what_if(block=["email:@example.org"]).resolution
        assert after.counts["individual"] == 2

    def test_without_a_value_a_lead_is_as_if_it_never_had_it(self) -> None:
        """Its next value is its key then; nothing is rejected."""
        resolution = group([lead("A", None, (X, Y)), lead("B", None, X)])
        found = resolution.what_if(without=[("A", f"phone:{X}")])
        assert [one.key for one in found.resolution.groups] == [f"phone:{X}", f"phone:{Y}"]
        assert found.resolution.rejected == ()
        assert len(resolution.groups) == 1

    def test_another_limit_and_another_bound_are_tried(self) -> None:
        """None lifts them."""
        resolution = group(CONTESTED, LINKED)
        assert len(resolution.what_if(limits={"psid": None}).resolution.groups) == 1
        assert resolution.what_if(generic_after={"phone": 1}).resolution.stops[0].reasons == (
            "generic",
        )

    def test_a_further_ruling_is_tried(self) -> None:
        """Beside those in force; one of the same id takes the other's place."""
        one = Ruling("r1", [["A", "C"]])
        resolution = group(CONTESTED, LINKED, rulings=[one])
        found = resolution.what_if(rulings=[Ruling("r2", [["A", "B"]])])
        assert [g.lead_ids for g in found.after] == [("A", "B", "C")]
        other = resolution.what_if(rulings=[Ruling("r1", [["B", "C"]])]).resolution
        assert other == group(CONTESTED, LINKED, rulings=[Ruling("r1", [["B", "C"]])])

    def test_a_scoped_value_is_blocked_in_every_scope(self) -> None:
        """As a policy does, where it has no scope too: blocked comes before it."""
        rules = [IdentifierRule("psid", scope="page_id")]
        leads = [
            {"id": n, "psid": "777", "page_id": page} for n, page in enumerate(("p/1", "p2", None))
        ]
        resolution = group(leads, Policy.keyed(identifiers=rules))
        value = resolution.columns.identifiers(0)[0]
        assert value.key == "psid:p%2F1/777"
        rules = [IdentifierRule("psid", scope="page_id", blocked=["777"])]
        found = resolution.what_if(block=[value]).resolution
        assert found == group(leads, Policy.keyed(identifiers=rules))
        assert [r.reason for r in found.rejected] == [Reason.BLOCKED] * 3

    def test_a_value_given_twice_is_rejected_twice(self) -> None:
        """As in a policy that blocks it."""
        rule = IdentifierRule("phone", blocked=[X])
        leads = [lead("A", None, (X, "202 555 0141", "(202) 555-0141", Y))]
        found = group(leads, Policy.keyed(identifiers=[IdentifierRule("phone", blocked=())]))
        after = found.what_if(block=[f"phone:{X}"]).resolution
        assert after == group(leads, Policy.keyed(identifiers=[rule]))
        assert len(after.rejected) == 3

    def test_what_cannot_be_supposed_is_refused(self) -> None:
        """A kind that is not there, a lead that is not, a value that it does not hold."""
        resolution = group(CONTESTED, LINKED)
        with pytest.raises(PolicyError, match="it has no kind 'fax'"):
            resolution.what_if(block=["fax:1"])
        with pytest.raises(PolicyError, match="limit must be"):
            resolution.what_if(limits={"psid": 0})
        with pytest.raises(KeyError, match="gone"):
            resolution.what_if(without=[("gone", "psid:1")])
        with pytest.raises(NotHeldError, match="lead A holds no such psid") as refused:
            resolution.what_if(without=[("A", "psid:2")])
        assert (refused.value.lead_id, refused.value.value) == ("A", "2")


class TestReview:
    """What a person should look at."""

    def test_a_group_with_two_claimants_is_a_case(self) -> None:
        """Its ruling keeps it from all who share a value with it; the impact counts them."""
        (case,) = group(CLAIMED, LINKED).review()
        assert (case.reason, case.group.lead_ids, case.impact) == ("contested", ("R1", "R2"), 4)
        assert [one.key for one in case.claimants] == ["psid:1", "psid:2"]
        assert case.ruling.parts == (("R1", "R2"), ("A", "B"))
        assert str(case) == "contested: phone:+1…43, 2 leads, claimed by psid:…, psid:…"
        assert case.opens == ()

    def test_a_claim_can_be_made_in_a_scope_of_the_same_kind(self) -> None:
        """G has a badge of one page, and none of the other page, where two contend for it."""
        badge = IdentifierRule("badge", limit=1, scope="page_id")
        policy = Policy.linked(identifiers=[IdentifierRule("psid", limit=None), badge])
        leads = [
            {"id": one, "psid": psid, "badge": held, "page_id": page}
            for one, psid, held, page in (
                ("A1", "1", "v", "p1"),
                ("A2", "1", "5", "p2"),
                ("B1", "2", "v", "p1"),
                ("B2", "2", "6", "p2"),
                ("G", "3", "v", "p1"),
            )
        ]
        (case,) = group(leads, policy).review()
        assert case.group.lead_ids == ("G",)
        assert [one.key for one in case.claimants] == ["psid:1", "psid:2"]

    def test_its_ruling_names_all_who_might_claim_it_next(self) -> None:
        """Those that share no more than a generic value with it too."""
        rules = ("psid", "phone", IdentifierRule("email", generic_after=1))
        leads = [
            *CONTESTED[:2],
            lead("C", None, X, "e"),
            lead("D", None, Y, "e"),
            lead("E", None, Z, "e"),
        ]
        (case,) = group(leads, Policy.linked(identifiers=rules)).review()
        assert case.ruling.parts == (("C",), ("A", "B", "D", "E"))

    def test_owners_themselves_are_no_case(self) -> None:
        """Two psids on one phone are two customers: nothing is left to decide."""
        assert group(CONTESTED[:2], LINKED).review() == ()

    def test_a_claim_that_a_ruling_settled_is_none(self) -> None:
        """Then the other owner is the only one, or nobody is left who claims it."""
        for parts in ([["C"], ["A"], ["B"]], [["C"], ["A", "B"]]):
            assert group(CONTESTED, LINKED, rulings=[Ruling("r", parts)]).review() == ()

    def test_a_suspicious_group_is_confirmed_by_its_ruling(self) -> None:
        """A must-link that names it whole."""
        leads = desk(6)
        (case,) = group(leads).review()
        assert (case.reason, case.impact, case.claimants) == ("suspicious", 6, ())
        assert case.ruling.parts == (tuple(one.id for one in leads),)
        assert group(leads, rulings=[case.ruling]).review() == ()

    def test_the_largest_impact_comes_first(self) -> None:
        """Whatever the reason."""
        six = [lead(f"S{n}", "9", None, f"s{n}") for n in range(6)]
        found = group([*CLAIMED, *six], LINKED).review()
        assert [(case.reason, case.impact) for case in found] == [
            ("suspicious", 6),
            ("contested", 4),
        ]

    def test_a_ruling_has_a_name_that_none_in_force_has(self) -> None:
        """Otherwise handing it back would take the other's place."""
        taken = Ruling("review:contested:C", [["A", "gone"]])
        (case,) = group(CONTESTED, LINKED, rulings=[taken]).review()
        assert case.ruling.id == "review:contested:C:1"

    def test_what_a_ruling_opens_is_listed_beside_its_case(self) -> None:
        """Confirmed as one from the start, a desk takes in who was too many before."""
        resolution = group([*CLAIMED, *desk(6)], LINKED)
        for case in resolution.review():
            after = resolution.what_if(rulings=[case.ruling]).resolution.review()
            known = {each.about for each in resolution.review()}
            assert case.opens == tuple(each for each in after if each.about not in known)


class TestAtScale:
    """A hundred thousand leads in one group: neither pairs, which would not end, nor recursion."""

    def test_a_chain_is_spanned_and_walked(self) -> None:
        """From one end to the other, step by step."""
        chain = long_chain()
        assert len(chain.links) == len(chain.why("l000000", f"l{MANY - 1:06}")) == MANY - 1

    def test_a_star_is_spanned_and_is_one_step_wide(self) -> None:
        """Any two are one step apart."""
        star = wide_star()
        assert len(star.links) == MANY - 1
        assert told(star.why("l000007", "l099999").steps) == [("l000007", "l099999", "email")]
