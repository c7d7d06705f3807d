"""The worked cases of the semantics, under ``linked`` and ``keyed``, and rulings by the letter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadfold import IdentifierRule, Lead, Policy, Ruling, group
from leadfold.exceptions import ConflictingRulingsError

LINKED = Policy.linked()
KEYED = Policy.keyed()
PHONE_LIMIT_1 = Policy.linked(
    identifiers=("psid", IdentifierRule("phone", limit=1, generic_after=25), "email")
)
X, Y, Z = "+12025550141", "+12025550142", "+12025550143"
Groups = list[list[str]]


def lead(
    lead_id: str,
    psid: str | tuple[str, ...] | None = None,
    phone: str | tuple[str, ...] | None = None,
    email: str | tuple[str, ...] | None = None,
) -> Lead:
    """Return a lead; emails are given by their local part."""
    emails = (email,) if isinstance(email, str) else email or ()
    addresses = tuple(f"{local}@example.org" for local in emails)
    return Lead(lead_id, psid=psid, phone=phone, email=addresses or None)


def groups_of(leads: list[Lead], policy: Policy, *rulings: Ruling) -> Groups:
    """Return the groups as lists of lead ids, in order of their first."""
    return sorted([*found] for found in group(leads, policy, rulings=rulings).groups)


def reasons_of(leads: list[Lead], policy: Policy, *rulings: Ruling) -> dict[str, tuple[str, ...]]:
    """Return the reasons of the stops by ``kind:value``."""
    stops = group(leads, policy, rulings=rulings).stops
    return {stop.identifier.key: stop.reasons for stop in stops}


ONE_OWNER = [lead("A", "1", X), lead("B", None, X)]
TWO_OWNERS = [lead("A", "1", X), lead("B", "2", X), lead("C", None, X)]
BRIDGE = [
    lead("A", "1", None, "a"),
    lead("R1", None, Z, "a"),
    lead("R2", None, Z, "b"),
    lead("B", "2", None, "b"),
]
BRIDGE_WITH_NEIGHBOURS = [*BRIDGE, lead("S", None, None, "a"), lead("T", None, None, "b")]
PHONE_BEFORE_EMAIL = [lead("K", "1", X), lead("L", None, X, "a"), lead("M", "2", None, "a")]
CALL_CENTRE = [lead(f"P{n:02}", None, f"+120255501{n:02}", "e") for n in range(40)]
FRONT_DESK = [
    *(lead(f"P{n:02}", f"{n}00", X) for n in range(1, 41)),
    lead("C", None, X),
    lead("D", None, X),
]
EQUAL_KEYS = [
    lead("A", "1", X),
    lead("C", None, X, "c"),
    lead("D", None, X, "d"),
    lead("B", "2", X),
]
FIVE_EMAILS = [
    *(lead(f"P{n}", "1", None, email) for n, email in enumerate("abcde")),
    lead("F", None, Y, "f"),
    lead("G", "1", Y),
]
SIX_EMAILS = [*(lead(f"A{n}", "1", None, f"a{n}") for n in range(1, 7)), lead("B", email="a1")]
TWO_PHONES = [lead("A", None, X, "e"), lead("B", None, Y, "e"), lead("C", None, None, "e")]


@pytest.mark.parametrize(
    ("leads", "policy", "expected", "reasons"),
    [
        pytest.param(ONE_OWNER, LINKED, [["A", "B"]], {}, id="X has one owner"),
        pytest.param(
            TWO_OWNERS,
            LINKED,
            [["A"], ["B"], ["C"]],
            {f"phone:{X}": ("contested",)},
            id="X is contested by psid 1 and psid 2",
        ),
        pytest.param(
            BRIDGE,
            LINKED,
            [["A"], ["B"], ["R1", "R2"]],
            {"email:a@example.org": ("contested",), "email:b@example.org": ("contested",)},
            id="phone joins R1 and R2 first, then both claim them",
        ),
        pytest.param(
            BRIDGE_WITH_NEIGHBOURS,
            LINKED,
            [["A", "S"], ["B", "T"], ["R1", "R2"]],
            {"email:a@example.org": ("contested",), "email:b@example.org": ("contested",)},
            id="S and T each have one owner, R is claimed by both",
        ),
        pytest.param(
            PHONE_BEFORE_EMAIL,
            LINKED,
            [["K", "L"], ["M"]],
            {"email:a@example.org": ("contested",)},
            id="phone is stronger and locked",
        ),
        pytest.param(
            CALL_CENTRE,
            LINKED,
            [[f"P{n:02}"] for n in range(40)],
            {"email:e@example.org": ("generic",)},
            id="e is generic",
        ),
        pytest.param(
            FRONT_DESK,
            LINKED,
            [["C", "D"], *([f"P{n:02}"] for n in range(1, 41))],
            {f"phone:{X}": ("generic",)},
            id="X is generic, C and D have equal keys",
        ),
        pytest.param(
            EQUAL_KEYS,
            LINKED,
            [["A"], ["B"], ["C", "D"]],
            {f"phone:{X}": ("contested",)},
            id="contested, C and D have equal keys",
        ),
        pytest.param(
            FIVE_EMAILS,
            LINKED,
            [["F", "G", "P0", "P1", "P2", "P3", "P4"]],
            {},
            id="a weaker guard does not block a stronger kind",
        ),
        pytest.param(
            SIX_EMAILS,
            LINKED,
            [["A1", "A2", "A3", "A4", "A5", "A6", "B"]],
            {},
            id="over the limit by stronger evidence, B adds no new value",
        ),
        pytest.param(
            TWO_PHONES,
            PHONE_LIMIT_1,
            [["A"], ["B"], ["C"]],
            {"email:e@example.org": ("contested",)},
            id="e would put two phones together",
        ),
    ],
)
def test_linked_answers_as_the_table_says(
    leads: list[Lead], policy: Policy, expected: Groups, reasons: dict[str, tuple[str, ...]]
) -> None:
    """Groups and reasons of every row of the table of worked cases."""
    assert groups_of(leads, policy) == expected
    assert reasons_of(leads, policy) == reasons


@pytest.mark.parametrize(
    ("leads", "expected"),
    [
        pytest.param(ONE_OWNER, [["A"], ["B"]], id="a psid is stronger than a phone"),
        pytest.param(TWO_OWNERS, [["A"], ["B"], ["C"]], id="three keys"),
        pytest.param(BRIDGE, [["A"], ["B"], ["R1", "R2"]], id="R1 and R2 have one phone"),
        pytest.param(
            BRIDGE_WITH_NEIGHBOURS,
            [["A"], ["B"], ["R1", "R2"], ["S"], ["T"]],
            id="an email joins only those that have nothing stronger",
        ),
        pytest.param(PHONE_BEFORE_EMAIL, [["K"], ["L"], ["M"]], id="no two keys are equal"),
        pytest.param(CALL_CENTRE, [[f"P{n:02}"] for n in range(40)], id="forty phones"),
        pytest.param(
            FRONT_DESK, [["C", "D"], *([f"P{n:02}"] for n in range(1, 41))], id="forty psids"
        ),
        pytest.param(EQUAL_KEYS, [["A"], ["B"], ["C", "D"]], id="C and D have equal keys"),
        pytest.param(FIVE_EMAILS, [["F"], ["G", "P0", "P1", "P2", "P3", "P4"]], id="one psid"),
        pytest.param(SIX_EMAILS, [["A1", "A2", "A3", "A4", "A5", "A6"], ["B"]], id="six of it"),
        pytest.param(TWO_PHONES, [["A"], ["B"], ["C"]], id="two phones and an email"),
    ],
)
def test_keyed_joins_equal_keys_alone(leads: list[Lead], expected: Groups) -> None:
    """The same leads under ``keyed``: what it leaves apart is ``weaker``."""
    assert groups_of(leads, KEYED) == expected
    assert {*reasons_of(leads, KEYED).values()} <= {("weaker",)}


def test_a_key_is_the_first_usable_value_of_the_strongest_kind() -> None:
    """In the order given: a lead's second phone does not join under ``keyed``."""
    leads = [lead("A", None, ("12", Y, X), "a"), lead("B", None, X), lead("C", None, Y)]
    assert groups_of(leads, KEYED) == [["A", "C"], ["B"]]
    assert reasons_of(leads, KEYED) == {f"phone:{X}": ("weaker",)}


def test_a_lead_without_a_usable_identifier_is_a_group_of_its_own() -> None:
    """Its key is ``individual:`` and its id; a blocked value is as if absent, and is listed."""
    resolution = group([lead("A", None, "555-555-5555"), lead("B", None, "555-555-5555")], LINKED)
    assert [found.key for found in resolution.groups] == ["individual:A", "individual:B"]
    assert [found.kind for found in resolution.groups] == ["individual", "individual"]
    assert [(r.lead_id, r.field, r.reason.value) for r in resolution.rejected] == [
        ("A", "phone", "blocked"),
        ("B", "phone", "blocked"),
    ]
    assert resolution.stops == ()


def test_a_guard_counts_in_each_scope_for_itself() -> None:
    """One person may have a psid on each of two pages, but not two on one page."""
    policy = Policy.linked(identifiers=(IdentifierRule("psid", scope="page_id"), "phone"))
    pages = {"A": "p1", "B": "p2", "C": "p1"}
    leads = [Lead(one, psid=one, phone=X, fields={"page_id": pages[one]}) for one in "AB"]
    (found,) = group(leads, policy).groups
    assert (found.key, found.lead_ids) == ("psid:p1/A", ("A", "B"))
    third = Lead("C", psid="C", phone=X, fields={"page_id": "p1"})
    assert groups_of([*leads, third], policy) == [["A"], ["B"], ["C"]]


def test_a_value_without_its_scope_is_refused() -> None:
    """The lead stays, under what else it has."""
    policy = Policy.keyed(identifiers=(IdentifierRule("psid", scope="page_id"), "phone"))
    resolution = group([Lead("A", psid="1", phone=X, fields={"page_id": ""})], policy)
    assert [found.key for found in resolution.groups] == [f"phone:{X}"]
    assert [(r.field, r.reason.value) for r in resolution.rejected] == [("psid", "no_scope")]


def test_a_limit_leaves_all_the_groups_of_a_piece_as_they_were() -> None:
    """Three phones under a limit of two: the email joins none of them, not even two."""
    rules = ("psid", IdentifierRule("phone", limit=2), "email")
    leads = [lead("A", None, X, "e"), lead("B", None, Y, "e"), lead("C", None, Z, "e")]
    policy = Policy.linked(identifiers=rules)
    assert groups_of(leads, policy) == [["A"], ["B"], ["C"]]
    assert reasons_of(leads, policy) == {"email:e@example.org": ("limit",)}
    assert groups_of(leads[:2], policy) == [["A", "B"]]


def test_a_group_over_a_unique_guard_loses_a_lead_where_a_third_value_contends() -> None:
    """A lead of two psids takes in the lead of one of them, unless a third psid contends."""
    both, one = lead("A", ("1", "2")), lead("B", "2")
    assert groups_of([both, one], LINKED) == [["A", "B"]]
    third = lead("C", ("3", "2"))
    assert groups_of([both, one, third], LINKED) == [["A"], ["B"], ["C"]]
    stop = {"psid:2": ("contested",)}
    assert reasons_of([both, one, third], LINKED) == stop


def test_anchors_of_one_owner_stay_joined_by_a_contested_value() -> None:
    """Any value but a generic one connects an owner's anchors and followers."""
    rules = (IdentifierRule("psid", limit=1), IdentifierRule("phone", limit=None), "email")
    leads = [
        lead("A", ("1", "2"), X),
        lead("B", ("2", "1"), X),
        lead("C", "3", X),
        lead("D", None, X),
    ]
    policy = Policy.linked(identifiers=rules)
    assert groups_of(leads, policy) == [["A", "B"], ["C"], ["D"]]


def test_a_value_of_several_owners_joins_the_free_groups_that_hold_it() -> None:
    """The cluster is contested, and stays together: R1 and R2 differ in their keys."""
    leads = [
        lead("A", "1", X),
        lead("B", "2", X),
        lead("R1", None, (Y, X)),
        lead("R2", None, (Z, X)),
    ]
    assert groups_of(leads, LINKED) == [["A"], ["B"], ["R1", "R2"]]


def test_a_generic_value_still_counts_in_guards() -> None:
    """At its level it joins nothing; under a guard it is one value like any other."""
    rules = (
        IdentifierRule("psid", limit=1),
        IdentifierRule("phone", limit=2, generic_after=1),
        IdentifierRule("email", limit=None, generic_after=None),
    )
    leads = [
        lead("A", "1", (X, Y), "e"),
        lead("B", "2", X),
        lead("C", None, Z, "e"),
    ]
    policy = Policy.linked(identifiers=rules)
    assert groups_of(leads, policy) == [["A"], ["B"], ["C"]]
    assert reasons_of(leads, policy) == {
        f"phone:{X}": ("generic",),
        "email:e@example.org": ("limit",),
    }


def test_a_unique_guard_that_a_piece_exceeds_late_dissolves_it_and_contests() -> None:
    """Beside the group that held both values nothing was exceeded; without it, it is."""
    rules = (
        IdentifierRule("z"),
        IdentifierRule("a", limit=1, generic_after=1),
        IdentifierRule("b", limit=1),
        IdentifierRule("c"),
    )
    leads = [
        Lead("A", fields={"z": "1", "a": ("1", "2"), "b": "1", "c": "x"}),
        Lead("B", fields={"z": "2", "a": "1", "b": "2", "c": ("x", "y")}),
        Lead("C", fields={"z": "3", "a": "2", "b": "2", "c": ("x", "y")}),
    ]
    policy = Policy.linked(identifiers=rules)
    assert groups_of(leads, policy) == [["A"], ["B"], ["C"]]
    assert reasons_of(leads, policy) == {
        "a:1": ("generic",),
        "a:2": ("generic",),
        "b:2": ("contested",),
        "c:x": ("contested",),
        "c:y": ("contested",),
    }


def test_a_group_is_named_by_its_strongest_then_smallest_key() -> None:
    """Text order by code point, among the keys of its leads."""
    leads = [lead("A", None, Y, "e"), lead("B", None, X, "e"), lead("C", None, None, "e")]
    (found,) = group(leads, LINKED).groups
    assert (found.key, found.kind, found.lead_ids) == (f"phone:{X}", "phone", ("A", "B", "C"))


def test_many_weaker_values_are_suspicious_unless_confirmed() -> None:
    """More than five of a kind weaker than the key's; a must-link over all leads confirms them."""
    for policy in (KEYED, LINKED):
        five = [lead(f"A{n}", "1", None, f"a{n}") for n in range(5)]
        six = [*five, lead("A5", "1", None, "a5")]
        assert group(five, policy).suspicious == ()
        assert [found.key for found in group(six, policy).suspicious] == ["psid:1"]
        confirmed = Ruling("r", [[one.id for one in six]])
        assert group(six, policy, rulings=[confirmed]).suspicious == ()
        partly = Ruling("r", [[one.id for one in five]])
        assert [*group(six, policy, rulings=[partly]).suspicious]


# --- rulings -------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [KEYED, LINKED], ids=["keyed", "linked"])
def test_a_must_link_joins_leads_that_share_nothing(policy: Policy) -> None:
    """Whatever guard they exceed together; leads that are not there do no harm."""
    leads = [lead("A", "1"), lead("B", "2"), lead("C", "3")]
    ruling = Ruling("r", [["A", "B", "gone"]])
    assert groups_of(leads, policy, ruling) == [["A", "B"], ["C"]]


@pytest.mark.parametrize("policy", [KEYED, LINKED], ids=["keyed", "linked"])
def test_a_must_link_takes_along_what_has_equal_keys(policy: Policy) -> None:
    """Must-links are joined first, then equal keys join what they made."""
    leads = [lead("A", "1"), lead("B", None, X), lead("C", "1"), lead("D", None, X)]
    assert groups_of(leads, policy, Ruling("r", [["A", "B"]])) == [["A", "B", "C", "D"]]


@pytest.mark.parametrize("policy", [KEYED, LINKED], ids=["keyed", "linked"])
def test_a_cannot_link_parts_equal_keys_and_each_gets_a_suffix(policy: Policy) -> None:
    """``#`` and the smallest lead id; the lead that neither part claims alone stays apart."""
    leads = [lead("A", "1"), lead("B", "1"), lead("C", "1"), lead("D", "1")]
    resolution = group(leads, policy, rulings=[Ruling("r", [["A"], ["B"]])])
    assert [(found.key, found.kind, found.lead_ids) for found in resolution.groups] == [
        ("psid:1#A", "psid", ("A",)),
        ("psid:1#B", "psid", ("B",)),
        ("psid:1#C", "psid", ("C", "D")),
    ]
    (stop,) = resolution.stops
    assert (stop.lead_ids, stop.reasons) == (("A", "B", "C", "D"), ("ruled",))
    assert stop.group_keys == ("psid:1#A", "psid:1#B", "psid:1#C")


def test_a_cannot_link_holds_at_every_level() -> None:
    """What shares a phone joins the part that it shares nothing else against."""
    leads = [lead("A", "1", X, "a"), lead("B", None, Y, "a"), lead("C", None, Y)]
    cannot = Ruling("r", [["A"], ["B"]])
    assert groups_of(leads, LINKED) == [["A", "B", "C"]]
    assert groups_of(leads, LINKED, cannot) == [["A"], ["B", "C"]]
    assert reasons_of(leads, LINKED, cannot) == {"email:a@example.org": ("ruled",)}


def test_a_lead_that_both_parts_claim_is_left_alone() -> None:
    """It follows its one owner, and neither where it has two."""
    leads = [lead("A", "1", X), lead("B", "2", Y), lead("C", None, X, "c"), lead("D", None, (Z, X))]
    policy = Policy.linked(identifiers=(IdentifierRule("psid", limit=None), "phone", "email"))
    cannot = Ruling("r", [["A"], ["B"]])
    assert groups_of(leads, policy, cannot) == [["A", "C", "D"], ["B"]]
    between = lead("E", None, (X, Y))
    assert groups_of([*leads[:2], between], policy, cannot) == [["A"], ["B"], ["E"]]


def test_three_parts_are_kept_apart_pairwise() -> None:
    """A cannot-link of three parts leaves three groups."""
    leads = [lead(one, "1") for one in "ABC"]
    assert groups_of(leads, KEYED, Ruling("r", [["A"], ["B"], ["C"]])) == [["A"], ["B"], ["C"]]


def test_a_part_of_several_leads_is_no_must_link() -> None:
    """Leads of one part are not kept apart; nothing but evidence joins them."""
    leads = [lead("A", "1"), lead("B", "2"), lead("C", "1")]
    assert groups_of(leads, KEYED, Ruling("r", [["A", "B"], ["C"]])) == [["A"], ["B"], ["C"]]


def test_rulings_apply_in_order_of_creation() -> None:
    """The earlier guard takes its pieces first; the later sees only what is inside them."""
    day = [datetime(2026, 1, n, tzinfo=UTC) for n in (1, 2)]
    leads = [lead(one, "1") for one in "ABCD"]
    first, second = [["A"], ["B"]], [["A"], ["C"]]
    rulings = [Ruling("x", second, created_at=day[1]), Ruling("y", first, created_at=day[0])]
    assert groups_of(leads, KEYED, *rulings) == [["A"], ["B"], ["C", "D"]]
    other = [Ruling("x", second, created_at=day[0]), Ruling("y", first, created_at=day[1])]
    assert groups_of(leads, KEYED, *other) == [["A"], ["B", "D"], ["C"]]


@pytest.mark.parametrize("policy", [KEYED, LINKED], ids=["keyed", "linked"])
def test_a_chain_of_must_links_across_a_cannot_link_is_an_error(policy: Policy) -> None:
    """It names the rulings of the contradiction, and no other."""
    leads = [lead(one, one) for one in "ABCDE"]
    rulings = [
        Ruling("joins-1", [["A", "B"]]),
        Ruling("joins-2", [["B", "C"]]),
        Ruling("parts", [["A"], ["C"]]),
        Ruling("elsewhere", [["D", "E"]]),
    ]
    with pytest.raises(ConflictingRulingsError) as caught:
        group(leads, policy, rulings=rulings)
    assert caught.value.ruling_ids == ("joins-1", "joins-2", "parts")
    assert {"A", "C"} <= {*caught.value.lead_ids}


def test_equal_keys_across_a_cannot_link_are_no_contradiction() -> None:
    """Only must-links are: equal keys give way."""
    leads = [lead(one, "1") for one in "ABC"]
    rulings = [Ruling("joins", [["A", "B"]]), Ruling("parts", [["A"], ["C"]])]
    assert groups_of(leads, KEYED, *rulings) == [["A", "B"], ["C"]]


def test_a_stop_names_only_the_steps_that_keep_its_groups_apart() -> None:
    """The limit parts A and B at the level of email, but their phone joins them again."""
    rules = (
        IdentifierRule("badge", limit=2),
        IdentifierRule("email", limit=1),
        IdentifierRule("phone", limit=1),
    )
    leads = [
        Lead("A", email="a@example.org", phone=X, fields={"badge": "1"}),
        Lead("B", email=("a@example.org", "b@example.org"), phone=X, fields={"badge": "2"}),
        Lead("C", email="b@example.org", fields={"badge": "3"}),
        Lead("D", email="a@example.org"),
    ]
    cannot = Ruling("r", [["A", "B", "C"], ["D"]])
    assert groups_of(leads, Policy.linked(identifiers=rules), cannot) == [["A", "B"], ["C"], ["D"]]
    assert reasons_of(leads, Policy.linked(identifiers=rules), cannot) == {
        "email:a@example.org": ("ruled",),
        "email:b@example.org": ("limit",),
    }
