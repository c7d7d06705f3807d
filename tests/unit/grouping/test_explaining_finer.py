"""Explanations where it is easy to be nearly right: ties alike, rare owners, raw texts."""

from __future__ import annotations

import pytest

from leadfold import IdentifierRule, Lead, Policy, Reason, Ruling, group

X, Y, Z = "+12025550141", "+12025550142", "+12025550143"
LINKED = Policy.linked()
E = "e@example.org"
UNBOUND = [IdentifierRule(kind) for kind in ("account", "badge", "tag")]


def held(lead_id: str, **fields: str | tuple[str, ...]) -> Lead:
    """Return a lead with kinds of its own."""
    return Lead(lead_id, fields=fields)


def contested() -> list[Lead]:
    """Return two psids that claim C."""
    return [Lead("A", "1", X), Lead("B", "2", X), Lead("C", None, X)]


class TestLinksAndChains:
    """Which of several ties is told."""

    def test_a_ruling_comes_before_the_strongest_key(self) -> None:
        """Both would tie A and B."""
        leads = [Lead("A", "1"), Lead("B", "1")]
        (tie,) = group(leads, rulings=[Ruling("r", [["A", "B"]])]).links
        assert (tie.level, tie.ruling_id) == ("ruling", "r")

    def test_keys_come_in_the_policys_order(self) -> None:
        """The psid of A and B, then the phone of C and D, then what joined them."""
        leads = [Lead("A", "1", X), Lead("B", "1"), Lead("C", None, X), Lead("D", None, X)]
        links = group(leads, LINKED).links
        assert [(tie.level, tie.identifier and tie.identifier.kind) for tie in links] == [
            ("key", "psid"),
            ("key", "phone"),
            ("phone", "phone"),
        ]

    def test_three_leads_have_two_links(self) -> None:
        """One of each strength."""
        leads = [Lead("A", None, X), Lead("B", None, X, E), Lead("C", None, None, E)]
        assert [tie.level for tie in group(leads, LINKED).links] == ["key", "email"]

    @pytest.mark.parametrize("kind", ["psid", "phone"])
    def test_in_keyed_a_value_that_is_no_key_ties_nobody(self, kind: str) -> None:
        """A and C share one, but it takes a ruling and a key to come from one to the other."""
        shared: dict[str, tuple[str, ...]] = {"psid": (), "phone": (), kind: ("999",)}
        phones = X if kind == "phone" else None
        leads = [
            Lead("A", ("1", *shared["psid"]), phones),
            Lead("B", "2"),
            Lead("C", ("2", *shared["psid"]), phones),
        ]
        why = group(leads, rulings=[Ruling("r", [["A", "B"]])]).why("A", "C")
        assert [step.level for step in why] == ["ruling", "key"]

    def test_a_generic_value_is_no_step(self) -> None:
        """A and C both hold the phone; it is the email that joined them."""
        rules = ("psid", IdentifierRule("phone", generic_after=1), "email")
        leads = [Lead("A", "1", X, E), Lead("B", "2", X), Lead("C", None, (Y, X), E)]
        (step,) = group(leads, Policy.linked(identifiers=rules)).why("A", "C")
        assert step.level == "email"

    def test_a_cannot_link_is_no_tie_between_those_of_one_part(self) -> None:
        """A and B are together by their phone."""
        leads = [Lead("A", None, X), Lead("B", None, X), Lead("C", None, X)]
        (step,) = group(leads, rulings=[Ruling("r", [["A", "B"], ["C"]])]).why("A", "B")
        assert step.level == "key"

    def test_of_two_ways_behind_one_value_the_stronger_is_taken(self) -> None:
        """Both middle leads share the tag with A; the one shares Z's account, the other a badge."""
        leads = [
            held("A", tag="t"),
            held("M1", account="1", tag="t"),
            held("M2", badge="b", tag="t"),
            held("Z", account="1", badge="b"),
        ]
        why = group(leads, Policy.linked(identifiers=UNBOUND)).why("A", "Z")
        assert [step.other_id for step in why] == ["M1", "Z"]

    def test_a_ruling_is_a_stronger_step_than_any_key(self) -> None:
        """Both N and M lead from A to Z by the phone; N is put together with A."""
        leads = [Lead("A", "1"), Lead("M", "1", X), Lead("N", "2", X), Lead("Z", None, X)]
        why = group(leads, LINKED, rulings=[Ruling("r", [["A", "N"]])]).why("A", "Z")
        assert [step.level for step in why] == ["ruling", "phone"]

    def test_a_key_is_as_strong_a_step_as_its_kind(self) -> None:
        """By N's psid and a tag, not by a tag and M's phone."""
        rules = ("psid", "phone", "tag")
        leads = [
            Lead("A", "1", fields={"tag": "u"}),
            Lead("M", None, X, fields={"tag": "u"}),
            Lead("N", "1", fields={"tag": "t"}),
            Lead("Z", None, X, fields={"tag": "t"}),
        ]
        why = group(leads, Policy.linked(identifiers=rules)).why("A", "Z")
        assert [step.other_id for step in why] == ["N", "Z"]


class TestOwners:
    """Whose identifiers would be too many."""

    def test_a_weaker_kind_owns_nothing(self) -> None:
        """Two emails would be too many as well, but they have no say about a phone."""
        rules = ("psid", "phone", IdentifierRule("email", limit=1))
        leads = [
            Lead("A", "1", X, "a@example.org"),
            Lead("B", "2", X, "b@example.org"),
            Lead("C", None, X),
        ]
        (stop,) = group(leads, Policy.linked(identifiers=rules)).stops
        assert [owner.kind for owner in stop.owners] == ["psid", "psid"]

    def test_the_owners_of_all_its_reasons_are_told(self) -> None:
        """The email is contested by two psids, and what neither has holds too many phones."""
        rules = ("psid", IdentifierRule("phone", limit=2), "email")
        leads = [
            Lead("A", "1", None, E),
            Lead("B", "2", None, E),
            *(Lead(f"F{n}", None, phone, E) for n, phone in enumerate((X, Y, Z))),
        ]
        (stop,) = group(leads, Policy.linked(identifiers=rules)).stops
        assert stop.reasons == ("contested", "limit")
        assert [owner.value for owner in stop.owners] == [X, Y, Z, "1", "2"]

    def test_a_second_unique_kind_has_owners_too(self) -> None:
        """No one has a psid, and two badges contend."""
        rules = ("psid", IdentifierRule("badge", limit=1), "phone")
        leads = [
            Lead("A", phone=X, fields={"badge": "b1"}),
            Lead("B", phone=X, fields={"badge": "b2"}),
        ]
        (stop,) = group(leads, Policy.linked(identifiers=rules)).stops
        assert [owner.key for owner in stop.owners] == ["badge:b1", "badge:b2"]

    @pytest.mark.parametrize("scope", [None, "page_id"])
    def test_owners_are_told_though_one_group_came_to_hold_them_all(
        self, scope: str | None
    ) -> None:
        """At the level of the account two emails contended; then a badge brought a third lead.

        The tag is unique too, but there is only one.
        """
        rules = (
            IdentifierRule("psid", limit=3),
            IdentifierRule("email", limit=1, scope=scope),
            IdentifierRule("tag", limit=1),
            IdentifierRule("account"),
            IdentifierRule("badge"),
        )
        a, b, c = (f"{letter}@example.org" for letter in "abc")
        page = {"page_id": "p"}
        leads = [
            Lead("A", ("1", "2", "3"), email=a, fields={**page, "account": "k", "tag": "t"}),
            Lead("B", ("4", "2"), email=b, fields={**page, "account": "k", "badge": "b"}),
            Lead("C", email=(a, b, c), fields={**page, "badge": "b"}),
        ]
        resolution = group(leads, Policy.linked(identifiers=rules))
        assert [found.lead_ids for found in resolution.groups] == [("A",), ("B", "C")]
        owners = {stop.identifier.key: stop.owners for stop in resolution.stops}
        told = [owner.value.removeprefix("p/") for owner in owners["account:k"]]
        assert told == [a, b, c]


class TestReview:
    """Cases and their rulings."""

    def test_a_suspicious_groups_ruling_says_what_it_is_about(self) -> None:
        """By reason and first lead."""
        leads = [Lead(f"l{n}", None, X, f"{n}@example.org") for n in range(6)]
        (case,) = group(leads).review()
        assert case.ruling.id == "review:suspicious:l0"

    def test_a_ruling_that_names_no_claimant_settles_nothing(self) -> None:
        """C is told from D, who never claimed it."""
        leads = [*contested(), Lead("D", "3")]
        (case,) = group(leads, LINKED, rulings=[Ruling("r", [["C"], ["D"]])]).review()
        assert case.group.lead_ids == ("C",)

    def test_only_a_unique_kind_makes_a_claim(self) -> None:
        """D has a psid of its own; that it lacks an account, which has no limit, is no matter."""
        rules = ("account", "psid", "phone")
        leads = [
            Lead("A", "1", X, fields={"account": "a1"}),
            Lead("B", "2", X, fields={"account": "a2"}),
            Lead("D", "3", X),
        ]
        assert group(leads, Policy.linked(identifiers=rules)).review() == ()

    def test_claims_of_every_unique_kind_count(self) -> None:
        """C has neither a psid nor a badge, and is claimed by two of each."""
        rules = ("psid", IdentifierRule("badge", limit=1), "phone")
        badges = [Lead(n, phone=X, fields={"badge": n}) for n in ("D", "E")]
        cases = group([*contested(), *badges], Policy.linked(identifiers=rules)).review()
        claimants = {case.group.lead_ids: len(case.claimants) for case in cases}
        assert claimants[("C",)] == 4

    def test_a_contested_case_can_open_another(self) -> None:
        """Without ``who`` the emails are few enough to join, and are claimed then."""
        mails = {name: f"{name}@example.org" for name in "abcefg"}
        leads = [
            Lead("ann", "1", X),
            Lead("ann-2", "1", email=mails["b"]),
            Lead("ben", "2", X, mails["e"]),
            Lead("who", None, X, (mails["a"], mails["c"], mails["g"])),
            Lead("new", email=(mails["e"], mails["a"], mails["f"])),
            Lead("new-2", email=(mails["b"], mails["a"])),
        ]
        (case,) = group(leads, LINKED).review()
        (opened,) = case.opens
        assert (case.group.lead_ids, opened.group.lead_ids) == (("who",), ("new", "new-2"))


class TestWhatIf:
    """Values with marks of their own, and guards that were not asked about."""

    def test_a_value_may_hold_a_colon_and_a_slash(self) -> None:
        """The first colon ends the kind; without a scope a slash is the value's own."""
        leads = [held("A", account="a:b"), held("B", badge="a/b"), held("C", badge="c/b")]
        resolution = group(leads, Policy.keyed(identifiers=UNBOUND))
        after = resolution.what_if(block=["account:a:b", "badge:a/b"]).resolution
        assert [found.key for found in after.groups] == [
            "badge:c/b",
            "individual:A",
            "individual:B",
        ]

    def test_in_a_scope_the_first_slash_ends_the_scope(self) -> None:
        """The others are the value's own."""
        rules = [IdentifierRule("psid", scope="page_id")]
        leads = [
            Lead(f"{page}-{psid}", psid, fields={"page_id": page})
            for page, psid in (("p1", "a/b"), ("p2", "a/b"), ("p1", "c/b"))
        ]
        resolution = group(leads, Policy.keyed(identifiers=rules))
        after = resolution.what_if(block=["psid:p1/a/b"]).resolution
        assert {r.lead_id for r in after.rejected} == {"p1-a/b", "p2-a/b"}

    def test_other_bounds_stay_as_they_are(self) -> None:
        """Here the email's, while a limit is tried."""
        rules = ("psid", "phone", IdentifierRule("email", generic_after=1))
        leads = [Lead("A", "1", None, E), Lead("B", "2", None, E), Lead("C", None, X, E)]
        after = group(leads, Policy.linked(identifiers=rules)).what_if(limits={"psid": None})
        assert [stop.reasons for stop in after.resolution.stops] == [("generic",)]

    def test_a_lead_keeps_all_its_other_values(self) -> None:
        """The second becomes the first, and the third is still there."""
        leads = [Lead("A", None, (X, Y, Z)), Lead("B", None, Y), Lead("C", None, (Y, Z))]
        resolution, gone = group(leads, LINKED), [("A", f"phone:{X}"), ("A", f"phone:{Y}")]
        for without, left in ((gone[:1], (Y, Z)), (gone, (Z,))):
            after = resolution.what_if(without=without).resolution
            assert after.columns.by_kind[1].of(0) == left

    def test_what_was_given_twice_is_rejected_twice_without_another_value_too(self) -> None:
        """A value is taken from the lead, and another one blocked."""
        given = (X, "(202) 555-0141", Y)
        leads = [Lead("A", None, given)]
        rule = IdentifierRule("phone", blocked=())
        resolution = group(leads, Policy.keyed(identifiers=[rule]))
        after = resolution.what_if(block=[f"phone:{X}"], without=[("A", f"phone:{Y}")])
        assert [r.reason for r in after.resolution.rejected] == [Reason.BLOCKED] * 2

    def test_only_what_is_blocked_is_blocked_before_its_scope(self) -> None:
        """Of one kind, and of that value; whatever else was refused stays as it was."""
        rules = [IdentifierRule(kind, scope="page_id") for kind in ("account", "badge")]
        leads = [
            held("A", account="777", badge="777"),
            held("B", account="888"),
            held("C", account="999"),
        ]
        resolution = group(leads, Policy.keyed(identifiers=rules))
        after = resolution.what_if(block=["account:p1/777"]).resolution
        told = [(r.lead_id, r.field, r.reason) for r in after.rejected]
        assert told == [
            ("A", "account", Reason.BLOCKED),
            ("A", "badge", Reason.NO_SCOPE),
            ("B", "account", Reason.NO_SCOPE),
            ("C", "account", Reason.NO_SCOPE),
        ]
