"""A resolution: made when looked at, found by lead, compared by content, told in a few lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from leadfold import Group, Identifier, IdentifierRule, Lead, Policy, Ruling, group
from leadfold.exceptions import ConflictingRulingsError

if TYPE_CHECKING:
    from leadfold.model import Stop
    from leadfold.policy import Strategy

X, Y = "202-555-0141", "202-555-0142"
LEADS = [
    Lead("l3", phone=Y),
    Lead("l1", psid="1001", phone=X),
    Lead("l2", phone=X),
    Lead("l5"),
    Lead("l4", email="ann@example.org", phone="12"),
]


def of_one_phone(count: int, emails: int) -> list[Lead]:
    """Return leads of one phone that hold *emails* addresses between them."""
    return [
        Lead(f"l{number:02}", phone=X, email=f"a{number % emails}@example.org")
        for number in range(count)
    ]


def reasons(stops: tuple[Stop, ...]) -> dict[str, tuple[str, ...]]:
    """Return the reasons of *stops* by key."""
    return {stop.identifier.key: stop.reasons for stop in stops}


class TestGroups:
    """The groups are a sequence in order of key."""

    def test_groups_come_in_order_of_key(self) -> None:
        """Each with its kind and its leads in text order."""
        assert [(found.key, found.kind, found.lead_ids) for found in group(LEADS).groups] == [
            ("email:ann@example.org", "email", ("l4",)),
            ("individual:l5", "individual", ("l5",)),
            ("phone:+12025550141", "phone", ("l2",)),
            ("phone:+12025550142", "phone", ("l3",)),
            ("psid:1001", "psid", ("l1",)),
        ]

    def test_a_group_is_made_when_it_is_looked_at(self) -> None:
        """The sequence holds none; what it hands out is equal, and not the same."""
        groups = group(LEADS).groups
        assert groups[0] is not groups[0]
        assert groups[0] == groups[0]

    def test_a_slice_is_a_tuple_of_groups(self) -> None:
        """As with any sequence: steps and negative places too."""
        groups = group(LEADS).groups
        assert groups[1:3] == (groups[1], groups[2])
        assert groups[::-2] == (groups[4], groups[2], groups[0])
        assert groups[-1].key == "psid:1001"
        assert groups[9:] == ()

    def test_there_is_nothing_behind_the_last(self) -> None:
        """An IndexError, so that a walk ends."""
        groups = group(LEADS).groups
        with pytest.raises(IndexError):
            groups[5]
        assert len([*groups]) == len(groups) == 5

    def test_a_sequence_of_equal_groups_is_equal(self) -> None:
        """Be it another resolution's or a list."""
        groups = group(LEADS).groups
        assert groups == group(LEADS[::-1]).groups
        assert groups == [*groups]
        assert groups != [*groups][1:]
        assert groups != 5

    def test_groups_can_be_asked_for_membership(self) -> None:
        """By content."""
        assert Group("psid:1001", "psid", ("l1",)) in group(LEADS).groups

    def test_the_repr_says_how_many(self) -> None:
        """And no identifier."""
        assert repr(group(LEADS).groups) == "<5 groups>"

    def test_no_leads_have_no_groups(self) -> None:
        """An empty resolution is one."""
        resolution = group([])
        assert ([*resolution.groups], resolution.stops, resolution.suspicious) == ([], (), ())
        assert sum(resolution.counts.values()) == 0


class TestLookUps:
    """What is asked of a resolution."""

    def test_a_lead_is_found_in_its_group(self) -> None:
        """By its id."""
        assert group(LEADS).group_of("l3") == Group("phone:+12025550142", "phone", ("l3",))

    def test_an_unknown_lead_is_a_key_error(self) -> None:
        """It names the lead."""
        with pytest.raises(KeyError, match="l9"):
            group(LEADS).group_of("l9")

    def test_counts_name_every_kind_of_the_policy(self) -> None:
        """In order of priority, ``individual`` last; none is left out for being 0."""
        counts = group(LEADS, Policy([*Policy().identifiers, IdentifierRule("badge")])).counts
        assert [*counts.items()] == [
            ("psid", 1),
            ("phone", 2),
            ("email", 1),
            ("badge", 0),
            ("individual", 1),
        ]

    def test_the_repr_says_the_counts(self) -> None:
        """And no identifier."""
        assert repr(group(LEADS)) == (
            "<Resolution of 5 leads: psid: 1, phone: 2, email: 1, individual: 1>"
        )

    def test_the_summary_tells_what_a_person_asks_first(self) -> None:
        """Leads, groups by kind, shared identifiers with reasons, values not used."""
        assert group(LEADS).summary() == (
            "5 leads in 5 groups\n"
            "  by psid: 1\n"
            "  by phone: 2\n"
            "  by email: 1\n"
            "  by individual: 1\n"
            "  identifiers shared between groups: 1 (weaker 1)\n"
            "  values not used: 1 (too_short 1)"
        )

    def test_the_summary_counts_reasons_and_causes_in_text_order(self) -> None:
        """A value with two reasons counts under both."""
        leads = [
            Lead("l1", phone=(X, Y), email="x"),
            Lead("l2", phone=X, psid="0"),
            Lead("l3", phone=Y),
        ]
        ruled = group(leads, rulings=[Ruling("r1", [["l1"], ["l2"]])])
        assert ruled.summary().splitlines()[-2:] == [
            "  identifiers shared between groups: 2 (ruled 1, weaker 1)",
            "  values not used: 2 (malformed 1, placeholder 1)",
        ]

    def test_the_summary_says_none_where_there_is_nothing(self) -> None:
        """Rather than leaving the line out."""
        assert group([Lead("l1", phone=X)]).summary().splitlines()[-2:] == [
            "  identifiers shared between groups: 0 (none)",
            "  values not used: 0 (none)",
        ]

    def test_the_summary_masks_suspicious_groups_and_names_five(self) -> None:
        """Largest first; the rest is in the attribute."""
        leads = [
            Lead(f"l{phone}-{n}", phone=f"202-555-015{phone}", email=f"a{n}@example{phone}.org")
            for phone in range(6)
            for n in range(6 + phone)
        ]
        resolution = group(leads)
        lines = [line for line in resolution.summary().splitlines() if "suspicious" in line]
        assert lines == [
            f"  suspicious: phone:+1…5{phone}, {6 + phone} leads" for phone in (5, 4, 3, 2, 1)
        ]
        assert len(resolution.suspicious) == 6


class TestEquality:
    """Resolutions are equal when their groups, stops and rejections are."""

    def test_the_order_of_the_leads_does_not_matter(self) -> None:
        """Nor what shape they come in."""
        as_dicts = [{"id": lead.id, "psid": lead.psid, "phone": lead.phone} for lead in LEADS]
        assert group(LEADS) == group(LEADS[::-1])
        assert group(as_dicts) == group([Lead(x.id, x.psid, x.phone) for x in LEADS])

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param([Lead("l1", phone=X)], [Lead("l2", phone=X)], id="groups"),
            pytest.param([Lead("l1")], [Lead("l1", phone="12")], id="rejections"),
            pytest.param(
                [Lead("l1", "7", X), Lead("l2", "8", X)],
                [Lead("l1", "7", X), Lead("l2", "8", Y)],
                id="stops",
            ),
        ],
    )
    def test_what_differs_is_unequal(self, one: list[Lead], other: list[Lead]) -> None:
        """In any of the three."""
        assert group(one) != group(other)

    def test_something_else_is_unequal(self) -> None:
        """And no error."""
        assert group(LEADS) != "a text"


class TestStops:
    """Every usable value held in two or more groups, with its reasons."""

    def test_a_stop_names_leads_and_groups(self) -> None:
        """In text order; groups by their keys."""
        (stop,) = group(LEADS).stops
        assert stop.identifier == Identifier("phone", "+12025550141")
        assert stop.lead_ids == ("l1", "l2")
        assert stop.group_keys == ("phone:+12025550141", "psid:1001")
        assert stop.reasons == ("weaker",)

    def test_stops_come_in_order_of_identifier(self) -> None:
        """By kind as text, then value."""
        held = {"phone": [X, Y], "email": "ann@example.org"}
        leads = [{"id": psid, "psid": psid, **held} for psid in ("8", "7")]
        assert [stop.identifier.key for stop in group(leads).stops] == [
            "email:ann@example.org",
            "phone:+12025550141",
            "phone:+12025550142",
        ]

    def test_a_value_in_one_group_is_no_stop(self) -> None:
        """Several leads, one customer."""
        assert group([Lead("l1", phone=X), Lead("l2", phone=X)]).stops == ()

    @pytest.mark.parametrize("strategy", ["keyed", "linked"])
    def test_a_ruling_is_a_reason(self, strategy: Strategy) -> None:
        """A value held on both sides of a cannot-link was ruled apart, and each has its name."""
        ruled = group(
            [Lead("l1", phone=X), Lead("l2", phone=X)],
            Policy(strategy=strategy),
            rulings=[Ruling("r1", [["l1"], ["l2"]])],
        )
        assert reasons(ruled.stops) == {"phone:+12025550141": ("ruled",)}
        assert [found.key for found in ruled.groups] == [
            "phone:+12025550141#l1",
            "phone:+12025550141#l2",
        ]

    def test_a_value_can_stop_for_two_reasons(self) -> None:
        """Two leads of it are ruled apart, a third has a stronger key."""
        leads = [Lead("l1", phone=X), Lead("l2", phone=X), Lead("l3", psid="7", phone=X)]
        ruled = group(leads, rulings=[Ruling("r1", [["l1"], ["l2"]])])
        assert reasons(ruled.stops) == {"phone:+12025550141": ("ruled", "weaker")}

    def test_a_second_value_of_a_lead_is_weaker_than_its_first(self) -> None:
        """Only the first usable value of a kind is a key."""
        leads = [Lead("l1", phone=(X, Y)), Lead("l2", phone=Y)]
        assert reasons(group(leads).stops) == {"phone:+12025550142": ("weaker",)}

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            pytest.param({"limit": 1}, "contested", id="a unique kind"),
            pytest.param({"limit": 2}, "limit", id="a bounded kind"),
            pytest.param({"limit": None, "generic_after": None}, None, id="no guard"),
        ],
    )
    def test_a_guard_is_a_reason(self, limits: dict[str, int | None], reason: str | None) -> None:
        """What kept the holders of an address apart is said of the address."""
        policy = Policy.linked(identifiers=[IdentifierRule("phone", **limits), "email"])  # type: ignore[arg-type]
        leads = [Lead(f"l{n}", phone=f"202-555-014{n}", email="ann@example.org") for n in range(3)]
        found = reasons(group(leads, policy).stops)
        assert found == ({"email:ann@example.org": (reason,)} if reason else {})

    def test_a_generic_value_is_a_reason(self) -> None:
        """More groups hold it than its kind allows, and each holds something stronger."""
        rule = IdentifierRule("email", generic_after=2)
        leads = [Lead(f"l{n}", phone=f"202-555-014{n}", email="ann@example.org") for n in range(3)]
        some = group(leads, Policy.linked(identifiers=["phone", rule]))
        few = group(leads[:2], Policy.linked(identifiers=["phone", rule]))
        assert reasons(some.stops) == {"email:ann@example.org": ("generic",)}
        assert (few.stops, len(few.groups)) == ((), 1)

    def test_groups_without_anything_stronger_do_not_make_a_value_generic(self) -> None:
        """They are of equal keys anyhow, or hold nothing else."""
        rule = IdentifierRule("phone", generic_after=1)
        leads = [
            Lead("l1", psid="7", phone=X),
            Lead("l2", phone=(Y, X)),
            Lead("l3", phone=("202-555-0143", X)),
        ]
        linked = group(leads, Policy.linked(identifiers=["psid", rule]))
        assert [found.lead_ids for found in linked.groups] == [("l1", "l2", "l3")]

    def test_each_scope_is_a_guard_of_its_own(self) -> None:
        """A customer may hold one id per page."""
        policy = Policy.linked(
            identifiers=[IdentifierRule("psid", limit=1, scope="page_id"), "phone"]
        )
        one, other, again = (
            {"id": n, "psid": n, "page_id": page, "phone": X}
            for n, page in (("1", "p1"), ("2", "p2"), ("3", "p2"))
        )
        assert [found.lead_ids for found in group([one, other], policy).groups] == [("1", "2")]
        none = {"id": "4", "phone": X}
        assert len(group([one, other, none], policy).groups) == 1
        parted = group([one, other, again], policy)
        assert reasons(parted.stops) == {"phone:+12025550141": ("contested",)}

    def test_a_scope_ends_at_the_first_slash(self) -> None:
        """Ids with one in them are of one scope all the same."""
        policy = Policy.linked(
            identifiers=[IdentifierRule("psid", limit=1, scope="page_id"), "phone"]
        )
        leads = [{"id": n, "psid": f"{n}/x", "page_id": "p1", "phone": X} for n in ("1", "2")]
        assert len(group(leads, policy).groups) == 2


class TestSuspicious:
    """Groups with many values of a kind weaker than their key's."""

    def test_more_than_five_weaker_values_are_suspicious(self) -> None:
        """Six addresses at one phone: a desk, perhaps."""
        (found,) = group(of_one_phone(6, emails=6)).suspicious
        assert (found.key, len(found)) == ("phone:+12025550141", 6)

    def test_five_are_not(self) -> None:
        """However many leads hold them."""
        assert group(of_one_phone(12, emails=5)).suspicious == ()

    def test_values_of_the_key_s_own_kind_do_not_count(self) -> None:
        """Nor do those of a stronger kind, of which there are none."""
        numbers = tuple(f"202-555-01{n}" for n in range(41, 48))
        assert group([Lead("l1", phone=numbers)]).suspicious == ()
        assert len(group([Lead("l1", psid="7", phone=numbers)]).suspicious) == 1

    def test_the_largest_comes_first(self) -> None:
        """Then in order of key."""
        leads = [
            Lead(f"{psid}-{n}", psid=psid, email=f"a{n}@example.org")
            for psid, count in (("3", 6), ("1", 6), ("2", 7))
            for n in range(count)
        ]
        assert [found.key for found in group(leads).suspicious] == ["psid:2", "psid:1", "psid:3"]

    def test_a_group_that_a_must_link_names_is_confirmed(self) -> None:
        """One that names all its leads; more is as good."""
        leads = of_one_phone(6, emails=6)
        whole = [lead.id for lead in leads]
        for named, listed in ((whole, 0), ([*whole, "l99"], 0), (whole[1:], 1)):
            resolution = group(leads, rulings=[Ruling("r1", [named])])
            assert len(resolution.suspicious) == listed

    def test_two_must_links_do_not_confirm_together(self) -> None:
        """Nobody looked at the whole."""
        ids = [lead.id for lead in of_one_phone(6, emails=6)]
        rulings = [Ruling("r1", [ids[:4]]), Ruling("r2", [ids[3:]])]
        assert len(group(of_one_phone(6, emails=6), rulings=rulings).suspicious) == 1

    def test_a_cannot_link_confirms_nothing(self) -> None:
        """Its first part is no must-link."""
        leads = [*of_one_phone(6, emails=6), Lead("l99", phone=X)]
        ruling = Ruling("r1", [[lead.id for lead in leads[:6]], ["l99"]])
        assert len(group(leads, rulings=[ruling]).suspicious) == 1


class TestRulings:
    """People's decisions, in order of creation."""

    def test_a_must_link_joins_across_kinds(self) -> None:
        """The key is the strongest of all."""
        ruling = Ruling("r1", [["l1", "l3"]])
        (found,) = [g for g in group(LEADS, rulings=[ruling]).groups if len(g) > 1]
        assert (found.key, found.lead_ids) == ("psid:1001", ("l1", "l3"))

    def test_a_ruling_about_leads_that_are_not_here_does_nothing(self) -> None:
        """Nor one of whose parts only one is here."""
        rulings = [Ruling("r1", [["l1", "gone"]]), Ruling("r2", [["l1"], ["gone"]])]
        assert group(LEADS, rulings=rulings) == group(LEADS)

    def test_the_older_cannot_link_is_applied_first(self) -> None:
        """An undated one comes after those with a date, then by id."""
        leads = [Lead(f"l{n}", phone=X) for n in range(1, 4)]
        first = Ruling("z", [["l1"], ["l2"]], datetime(2026, 1, 1, tzinfo=UTC))
        then = Ruling("a", [["l1"], ["l3"]], datetime(2026, 1, 2, tzinfo=UTC))
        undated = Ruling("0", [["l2"], ["l3"]])
        ruled = group(leads, rulings=[undated, then, first])
        assert ruled == group(leads, rulings=[first, then, undated])

    def test_a_chain_of_must_links_across_a_cannot_link_is_named(self) -> None:
        """Ruling by ruling and lead by lead; one that has no part in it is not."""
        leads = [Lead(f"l{n}") for n in range(1, 6)]
        rulings = [
            Ruling("must-1", [["l1", "l2"]]),
            Ruling("must-2", [["l2", "l3"]]),
            Ruling("must-3", [["l4", "l5"]]),
            Ruling("must-4", [["l5", "gone"]]),
            Ruling("cannot", [["l1"], ["l3"], ["l4"]]),
        ]
        with pytest.raises(ConflictingRulingsError, match="cannot, must-1, must-2") as refused:
            group(leads, rulings=rulings)
        assert refused.value.ruling_ids == ("cannot", "must-1", "must-2")
        assert refused.value.lead_ids == ("l1", "l3")


def test_printing_a_resolution_prints_its_summary() -> None:
    """What a person wants to know first."""
    resolution = group([Lead("l1", phone=X), Lead("l2", phone=X)])
    assert str(resolution) == resolution.summary()
    assert str(resolution).startswith("2 leads in 1 groups")
