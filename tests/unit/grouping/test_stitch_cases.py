"""Cases from the tests and documents of other products, each under its own product's policy.

All 14 can be said in ours. What of the products' rules cannot be is below, with what ours does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from leadfold import Lead, Policy, Ruling, group
from leadfold.normalizers.own import own_normalizer

ROOT = Path(__file__).parents[3]
FILE = ROOT / "tests" / "data" / "stitch_cases" / "stitch_cases.jsonl"
CASES = {case["name"]: case for case in map(json.loads, FILE.read_text("utf-8").splitlines())}
PAGE = ROOT / "docs" / "truth-sets.md"

ANY_MATCH = """
strategy = "linked"
identifiers = [
    { kind = "psid", limit = false },
    { kind = "identifier" },
    { kind = "email", limit = false, generic_after = false },
    { kind = "phone", limit = false, generic_after = false },
]
"""
DEFAULTS = 'strategy = "linked"'
SCOPED = 'identifiers = [{ kind = "source_id", scope = "inbox" }]'
WHATSAPP = 'identifiers = [{ kind = "phone", whatsapp = true }]'
IDENTIFIED = 'strategy = "linked"\nidentifiers = [{ kind = "distinct_id", limit = 1 }, "anon"]'
BLOCKED = """
identifiers = [
    { kind = "user_id", normalizer = "user_id", blocked = ["-1", "null", "anonymous"] },
    "email",
]
"""
SEEDS = """
strategy = "linked"
identifiers = [
    { kind = "email", limit = false, generic_after = false, blocked = ["test@"] },
    { kind = "phone", limit = false, generic_after = false, blocked = ["0000000000"] },
    { kind = "psid", limit = false },
]
"""
TWO_COOKIES = 'strategy = "linked"\nidentifiers = ["td_client_id", "td_global_id"]'
FOUR_IDS = """
strategy = "linked"
identifiers = [
    { kind = "email", limit = false, generic_after = false },
    "td_ssc_id",
    "td_client_id",
    "td_global_id",
]
"""
POLICIES = {
    "chatwoot/same-email-uppercase": ANY_MATCH,
    "chatwoot/different-source-id-nothing-shared": ANY_MATCH,
    "chatwoot/same-email-different-phone": ANY_MATCH,
    "chatwoot/channel-id-is-scoped-to-inbox": SCOPED,
    "chatwoot/identify-blank-identifier-never-matches": ANY_MATCH,
    "chatwoot/whatsapp-mx-1": WHATSAPP,
    "cms-hte/placeholder-phone-000-000-0000": DEFAULTS,
    "cms-hte/placeholder-phone-999-999-9999": DEFAULTS,
    "posthog/identified-users-stay-apart": IDENTIFIED,
    "rudderstack/anonymous-two-devices-one-login": ANY_MATCH,
    "segment/blocked-values": BLOCKED,
    "sql-identity-resolution/sample-seeds": SEEDS,
    "treasuredata/ex2-four-key-types": FOUR_IDS,
    "treasuredata/ex1-two-cookie-ids": TWO_COOKIES,
}
"""The policy of each case's source, as our TOML says it."""

USER_ID = own_normalizer("user_id", "1", lambda raw: None if re.fullmatch("[0-]*", raw) else raw)
"""Segment's pattern ``^[0-]*$``: what matches is no user id."""


def policy_of(text: str) -> Policy:
    """Return the policy that *text* says; it may name the normalizer ``user_id``."""
    return Policy.from_toml_text(text, normalizers={"user_id": USER_ID})


def leads_of(case: dict[str, Any]) -> list[Lead]:
    """Return the records of *case* with their mapped fields, and the identifiers of the source.

    An identifier of a channel, ``inbox:source_id``, is one within its inbox.
    """
    return [_lead(record, dict(record["orig"])) for record in case["records"]]


def _lead(record: dict[str, Any], own: dict[str, str]) -> Lead:
    for name in [name for name in own if ":" in name]:
        own["inbox"], _, kind = name.partition(":")
        own[kind] = own.pop(name)
    own.setdefault("user_id", record["psid"])
    return Lead(record["id"], record["psid"], record["phone"], record["email"], fields=own)


def clusters(leads: list[Lead], policy: Policy, *rulings: Ruling) -> list[list[str]]:
    """Return the groups as sorted lists of lead ids."""
    return sorted([*found] for found in group(leads, policy, rulings=rulings).groups)


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_out_as_its_source_says(name: str) -> None:
    """Under the source's own policy, in our words."""
    expected = sorted(sorted(cluster) for cluster in CASES[name]["expected_clusters"])
    assert clusters(leads_of(CASES[name]), policy_of(POLICIES[name])) == expected


@pytest.mark.parametrize("name", CASES)
def test_the_page_of_truth_sets_lists_every_case(name: str) -> None:
    """With the policy it is judged under."""
    assert f"`{name}`" in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "other", "groups"),
    [
        pytest.param("chatwoot/same-email-uppercase", DEFAULTS, 2, id="a psid is unique"),
        pytest.param(
            "chatwoot/channel-id-is-scoped-to-inbox",
            'identifiers = ["source_id"]',
            1,
            id="without its scope an id is everybody's",
        ),
        pytest.param("chatwoot/whatsapp-mx-1", DEFAULTS, 2, id="a variant is another number"),
        pytest.param(
            "cms-hte/placeholder-phone-999-999-9999",
            'identifiers = [{ kind = "phone", blocked = [] }, "email"]',
            1,
            id="a placeholder that nobody blocked",
        ),
        pytest.param(
            "rudderstack/anonymous-two-devices-one-login", DEFAULTS, 2, id="two devices, two owners"
        ),
        pytest.param(
            "treasuredata/ex1-two-cookie-ids", 'identifiers = ["td_client_id"]', 54, id="one cookie"
        ),
    ],
)
def test_the_policy_is_what_makes_the_answer(name: str, other: str, groups: int) -> None:
    """Under another one the same records are so many groups."""
    assert len(clusters(leads_of(CASES[name]), policy_of(other))) == groups


# --- what of the products' rules ours cannot say, and what it does instead -------------------


def test_the_first_match_does_not_win() -> None:
    """Chatwoot takes the first contact that matches; ours joins all, or the key's alone."""
    by_source, by_email = Lead("source", psid="1"), Lead("email", email="a@example.org")
    both, new = Lead("both", "1", email="a@example.org"), Lead("new", "2", email="a@example.org")
    first = [["both", "source"], ["email"]]
    assert clusters([by_source, by_email, both], policy_of(ANY_MATCH)) != first
    assert clusters([by_source, by_email, both], Policy.keyed()) == first
    assert clusters([by_email, new], Policy.keyed()) == [["email"], ["new"]]  # theirs: one


def test_a_bound_on_leads_is_none_on_equal_keys() -> None:
    """A value of too many records joins none in sql-identity-resolution; equal keys stay ours."""
    leads = [Lead(f"l{n:02}", psid="LOYAL001") for n in range(11)]
    bound = 'strategy = "linked"\nidentifiers = [{ kind = "psid", generic_after = 10 }]'
    assert len(clusters(leads, policy_of(bound))) == 1
    blocked = 'identifiers = [{ kind = "psid", blocked = ["LOYAL001"] }]'
    assert len(clusters(leads, policy_of(blocked))) == 11


def test_a_blocked_value_is_no_pattern() -> None:
    """Segment blocks by regular expression; our list means what it says: give a normalizer."""
    leads = [each for each in leads_of(CASES["segment/blocked-values"]) if each.id in "gh"]
    literal = 'identifiers = [{ kind = "user_id", blocked = ["^[0-]*$"] }]'
    assert clusters(leads, policy_of(literal)) == [["g", "h"]]
    assert clusters(leads, policy_of(BLOCKED)) == [["g"], ["h"]]


def test_a_claim_that_two_are_one_is_a_ruling_and_always_holds() -> None:
    """PostHog refuses to alias two identified users; a ruling is a person's word, and joins."""
    leads = leads_of(CASES["posthog/identified-users-stay-apart"])
    alias = Ruling("alias", [["2", "7"]])
    assert clusters(leads, policy_of(IDENTIFIED), alias) == [["1", "2", "3", "4", "5", "6", "7"]]


def test_there_is_no_number_of_rounds() -> None:
    """Treasure Data merges in so many iterations; ours follows a chain to its end."""
    leads = [
        Lead(f"l{n:03}", fields={"td_client_id": f"c{n}", "td_global_id": (f"g{n}", f"g{n + 1}")})
        for n in range(200)
    ]
    assert len(clusters(leads, policy_of(TWO_COOKIES))) == 1
