"""Policies: defaults by kind, every fault and all of them at once, TOML, the fingerprint."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from leadfold import IdentifierRule, Lead, Policy, Reason, group, own_normalizer
from leadfold.exceptions import LeadfoldError, PolicyError
from leadfold.normalizers.blocked import DEFAULT_BLOCKED
from leadfold.toml_text import dumps

if TYPE_CHECKING:
    from pathlib import Path

BADGE = own_normalizer("badge", "1", lambda raw: raw.strip().upper() or None)


def rule(kind: str, **given: Any) -> IdentifierRule:  # noqa: ANN401 - wrong types are the point
    """Return a rule with arguments of any type."""
    return IdentifierRule(kind, **given)


def faults_of(*rules: IdentifierRule, **given: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return what is wrong with a policy of *rules*."""
    with pytest.raises(PolicyError) as refused:
        Policy(rules, **given)
    return refused.value.faults


def faults_of_toml(text: str) -> tuple[str, ...]:
    """Return what is wrong with the policy in *text*."""
    with pytest.raises(PolicyError) as refused:
        Policy.from_toml_text(text)
    return refused.value.faults


class TestDefaults:
    """What a policy says that was told nothing."""

    def test_the_default_is_keyed_by_psid_phone_and_email(self) -> None:
        """The conservative rule of the original: three kinds, strongest first, US numbers."""
        policy = Policy()
        assert policy == Policy.keyed()
        assert (policy.kinds, policy.strategy, policy.region) == (
            ("psid", "phone", "email"),
            "keyed",
            "US",
        )

    def test_linked_differs_from_keyed_in_the_strategy_alone(self) -> None:
        """The two constructors share kinds and region."""
        assert Policy.linked() == attrs.evolve(Policy.keyed(), strategy="linked")

    @pytest.mark.parametrize(
        ("kind", "normalizer", "limit", "generic_after"),
        [
            pytest.param("psid", "messenger", 1, None, id="psid"),
            pytest.param("phone", "phone", 5, 25, id="phone"),
            pytest.param("email", "email", 5, 25, id="email"),
            pytest.param("account", "messenger", None, None, id="a kind of one's own"),
        ],
    )
    def test_a_kind_brings_its_normalizer_and_guards(
        self, kind: str, normalizer: str, limit: int | None, generic_after: int | None
    ) -> None:
        """Psid is unique; phone and email are bounded; a kind of one's own has no guard."""
        found = IdentifierRule(kind)
        assert (found.normalizer, found.limit, found.generic_after) == (
            normalizer,
            limit,
            generic_after,
        )
        assert (found.scope, found.blocked) == (None, DEFAULT_BLOCKED.get(kind, ()))

    def test_a_bare_kind_is_a_rule_with_its_defaults(self) -> None:
        """A text among the identifiers stands for its rule."""
        assert Policy(["email", rule("psid")]) == Policy([rule("email"), rule("psid")])

    def test_constructors_take_kinds_and_region(self) -> None:
        """What `keyed` and `linked` are given is what the policy has."""
        for make in (Policy.keyed, Policy.linked):
            policy = make(identifiers=["phone"], region=None)
            assert (policy.kinds, policy.region) == (("phone",), None)

    def test_the_fast_doors_are_no_part_of_what_a_policy_means(self) -> None:
        """Policies that differ in speed are equal and have one fingerprint."""
        slow = Policy(fast=False)
        assert slow == Policy()
        assert slow.fingerprint == Policy().fingerprint
        assert "fast" not in repr(slow)

    def test_fields_are_the_kinds_then_their_scopes(self) -> None:
        """Each field is named once, also where a scope serves two kinds or is a kind itself."""
        policy = Policy(
            [rule("psid", scope="page_id"), rule("phone", scope="page_id"), rule("c", scope="psid")]
        )
        assert policy.fields == ("psid", "phone", "c", "page_id")

    def test_the_repr_of_a_rule_counts_its_blocked_values(self) -> None:
        """Blocked values are identifiers too: they are not printed."""
        assert "blocked=<1 values>" in repr(rule("account", blocked=["A-17"]))


class TestFaults:
    """What a policy is refused for; the faults come together."""

    @pytest.mark.parametrize(
        ("rules", "given", "fault"),
        [
            pytest.param(
                [], {}, "it names no identifier: give at least one kind", id="no identifier"
            ),
            pytest.param(
                [rule("phone"), rule("phone", limit=2)],
                {},
                "kind 'phone' is named twice",
                id="a kind twice",
            ),
            pytest.param(
                [rule("psid")],
                {"strategy": "fuzzy"},
                "strategy must be keyed or linked, not 'fuzzy'",
                id="strategy",
            ),
            pytest.param(
                [rule("psid")],
                {"region": "us"},
                "region must be two capital letters such as US, or None, not 'us'",
                id="region in small letters",
            ),
            pytest.param(
                [rule("psid")],
                {"region": "USA"},
                "region must be two capital letters such as US, or None, not 'USA'",
                id="region of three letters",
            ),
            pytest.param(
                [rule("Phone Number")],
                {},
                "kind 'Phone Number' must be lower-case letters, digits and _, and not reserved",
                id="kind spelled wrongly",
            ),
            pytest.param(
                [rule("individual")],
                {},
                "kind 'individual' must be lower-case letters, digits and _, and not reserved",
                id="kind reserved",
            ),
            pytest.param(
                [rule("phone", limit=0)],
                {},
                "phone: limit must be a whole number of 1 or more, or None",
                id="limit of nothing",
            ),
            pytest.param(
                [rule("phone", limit=True)],
                {},
                "phone: limit must be a whole number of 1 or more, or None",
                id="limit a truth value",
            ),
            pytest.param(
                [rule("phone", generic_after=2.5)],
                {},
                "phone: generic_after must be a whole number of 1 or more, or None",
                id="generic after a fraction",
            ),
            pytest.param(
                [rule("psid", scope="")],
                {},
                "psid: scope must be the name of a lead field, or None",
                id="scope without a name",
            ),
            pytest.param(
                [rule("psid", scope=7)],
                {},
                "psid: scope must be the name of a lead field, or None",
                id="scope no text",
            ),
            pytest.param(
                [rule("phone", blocked=[5555555555])],
                {},
                "phone: blocked values must be text",
                id="blocked a number",
            ),
            pytest.param(
                [rule("badge", normalizer="badge")],
                {},
                "badge: no normalizer named 'badge': use one of messenger, phone, email, or hand "
                "it in with normalizers=",
                id="normalizer unknown",
            ),
            pytest.param(
                [rule("badge", normalizer=7)],
                {},
                "badge: no normalizer named 7: use one of messenger, phone, email, or hand it in "
                "with normalizers=",
                id="normalizer no name",
            ),
            pytest.param(
                [rule("badge", normalizer=BADGE, options={"strict": True})],
                {},
                "badge: a normalizer of your own takes no options here",
                id="options for a normalizer of one's own",
            ),
            pytest.param(
                [rule("phone", options={"strictly": True})],
                {},
                "phone: unknown option 'strictly': phone takes strict, default_area, whatsapp, "
                "region",
                id="option unknown",
            ),
            pytest.param(
                [rule("psid", options={"strict": True})],
                {},
                "psid: unknown option 'strict': messenger takes none",
                id="option where there are none",
            ),
            pytest.param(
                [rule("email", options={"provider_rules": "yes"})],
                {},
                "email: option provider_rules must be bool",
                id="option of another type",
            ),
            pytest.param(
                [rule("phone", blocked=["555-55"])],
                {},
                "phone: blocked entry 1 (…): write '+' and digits, or the national number's "
                "digits alone",
                id="blocked phone that is none",
            ),
            pytest.param(
                [rule("email", blocked=["info"])],
                {},
                "email: blocked entry 1 (…): no address, no 'name@' and no '@domain'",
                id="blocked email that is none",
            ),
            pytest.param(
                [rule("account", blocked=["  "])],
                {},
                "account: blocked entry 1 (…): an identifier is never blank",
                id="blocked blank",
            ),
        ],
    )
    def test_a_fault_is_told(
        self, rules: list[IdentifierRule], given: dict[str, Any], fault: str
    ) -> None:
        """Each fault is one sentence, and nothing else is reported with it."""
        assert faults_of(*rules, **given) == (fault,)

    @pytest.mark.parametrize(
        "kind", ["customer", "id", "name", "created_at", "customer_id", "", "7up", "é"]
    )
    def test_a_kind_must_not_look_like_something_else(self, kind: str) -> None:
        """The fields every lead has are no kinds, nor is what cannot stand before a colon."""
        assert faults_of(rule(kind))[0].startswith(f"kind {kind!r} must be")

    def test_a_region_that_no_plan_knows_is_the_phone_rule_s_fault(self) -> None:
        """The normalizer's own words, under the kind that asked."""
        (fault,) = faults_of(rule("phone"), region="ZZ")
        assert fault.startswith("phone: ")
        assert "ZZ" in fault

    def test_an_area_that_is_none_is_told(self) -> None:
        """An option of the right type can still be refused by the normalizer."""
        (fault,) = faults_of(rule("phone", options={"default_area": "x"}))
        assert fault.startswith("phone: ")

    def test_an_unknown_region_is_told_once(self) -> None:
        """While the region itself is at fault, the phone rule is not asked about it."""
        assert len(faults_of(rule("phone"), region="nowhere")) == 1

    def test_all_faults_are_told_at_once(self) -> None:
        """Of the policy and of every rule, in one error."""
        faults = faults_of(
            rule("phone", limit=0, scope=""),
            rule("phone"),
            rule("Email", blocked=[1]),
            strategy="x",
            region="x",
        )
        assert [fault.split(" ")[0] for fault in faults] == [
            "kind",
            "strategy",
            "region",
            "phone:",
            "phone:",
            "kind",
            "Email:",
        ]

    def test_the_message_holds_every_fault(self) -> None:
        """The error is leadfold's, a ValueError, and says all of it."""
        with pytest.raises(ValueError, match=r"policy refused: .*strategy.*; region") as refused:
            Policy(strategy="x", region="x")  # type: ignore[arg-type]
        assert isinstance(refused.value, LeadfoldError)

    def test_one_text_is_no_list_of_blocked_values(self) -> None:
        """Its letters would be blocked, one by one."""
        with pytest.raises(TypeError, match="blocked must be a list of texts, not one text"):
            rule("email", blocked="noreply@")

    def test_one_text_is_no_list_of_kinds(self) -> None:
        """Its letters would be kinds, one by one."""
        with pytest.raises(TypeError, match="identifiers must be a list of rules or kinds"):
            Policy("phone")

    def test_what_is_no_rule_is_refused(self) -> None:
        """A rule or the name of a kind; nothing else says what to do."""
        with pytest.raises(TypeError, match="rules or kinds, not int"):
            Policy(["psid", 7])  # type: ignore[list-item]


class TestNormalizers:
    """Which normalizer a rule gets, and with what."""

    def test_the_policy_s_region_reads_national_numbers(self) -> None:
        """A number without ``+`` belongs to the region."""
        policy = Policy(["phone"], region="GB")
        answers = policy.normalizer(policy.identifiers[0]).parse(["020 7946 0958"])
        assert answers == ["+442079460958"]

    def test_a_rule_s_own_region_comes_first(self) -> None:
        """A rule may read its numbers as of another country."""
        policy = Policy([rule("phone", options={"region": "GB"})])
        answers = policy.normalizer(policy.identifiers[0]).parse(["020 7946 0958"])
        assert answers == ["+442079460958"]

    def test_without_a_region_only_international_forms_are_read(self) -> None:
        """None is no country."""
        policy = Policy(["phone"], region=None)
        national, international = policy.normalizer(policy.identifiers[0]).parse(
            ["(202) 555-0141", "+12025550141"]
        )
        assert isinstance(national, Reason)
        assert international == "+12025550141"

    def test_options_reach_the_normalizer(self) -> None:
        """Provider rules fold the dots of Gmail."""
        policy = Policy([rule("email", options={"provider_rules": True})])
        answers = policy.normalizer(policy.identifiers[0]).parse(["a.n.n@gmail.com"])
        assert answers == ["ann@gmail.com"]

    @pytest.mark.parametrize("fast", [True, False])
    def test_both_doors_answer_alike(self, *, fast: bool) -> None:
        """Speed changes no answer."""
        policy = Policy(fast=fast)
        (found,) = group([{"id": 1, "phone": "(202) 555-0141"}], policy).groups
        assert found.key == "phone:+12025550141"

    def test_a_built_in_normalizer_serves_a_kind_of_one_s_own(self) -> None:
        """Kinds are names; how they are read is said beside them."""
        policy = Policy([rule("mobile", normalizer="phone")])
        (found,) = group([{"id": 1, "mobile": "(202) 555-0141"}], policy).groups
        assert found.key == "mobile:+12025550141"

    def test_a_normalizer_of_one_s_own_works_like_a_built_in_one(self) -> None:
        """It normalizes leads and the policy's blocked values."""
        policy = Policy([rule("badge", normalizer=BADGE, blocked=["b9"])])
        resolution = group([{"id": 1, "badge": " b7"}, {"id": 2, "badge": "B9"}], policy)
        assert [found.key for found in resolution.groups] == ["badge:B7", "individual:2"]
        assert [refusal.reason for refusal in resolution.rejected] == [Reason.BLOCKED]

    def test_versions_come_by_kind(self) -> None:
        """Strongest first, each with what its normalizer says of itself."""
        policy = Policy([rule("badge", normalizer=BADGE), rule("phone")])
        assert [*policy.versions] == ["badge", "phone"]
        assert policy.versions["badge"] == "1"

    @pytest.mark.parametrize(
        ("entry", "blocked"),
        [
            pytest.param("+12025550141", True, id="as normalized"),
            pytest.param("(202) 555-0141", True, id="as received"),
            pytest.param("2025550141", True, id="the national digits"),
            pytest.param("+12025550142", False, id="another"),
        ],
    )
    def test_blocked_values_may_be_written_in_any_form(self, entry: str, *, blocked: bool) -> None:
        """Raw entries are normalized as a lead's values are."""
        policy = Policy([rule("phone", blocked=[entry])])
        assert policy.blocked(policy.identifiers[0]).matches("+12025550141") is blocked


class TestFingerprint:
    """It changes with what decides a lead's identifiers, and with nothing else."""

    BASE = Policy([rule("psid"), rule("phone", blocked=["+12025550141", "+12025550142"])])

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(Policy(BASE.identifiers, strategy="linked"), id="the strategy"),
            pytest.param(Policy(BASE.identifiers, fast=False), id="the speed"),
            pytest.param(Policy(BASE.identifiers[::-1]), id="the priority of the kinds"),
            pytest.param(
                Policy([rule("psid", limit=None), attrs.evolve(BASE.identifiers[1], limit=1)]),
                id="limits",
            ),
            pytest.param(
                Policy([BASE.identifiers[0], attrs.evolve(BASE.identifiers[1], generic_after=1)]),
                id="when a value is generic",
            ),
            pytest.param(
                Policy(
                    [
                        BASE.identifiers[0],
                        rule("phone", blocked=["+12025550142", "+12025550141", "+12025550142"]),
                    ]
                ),
                id="the order of blocked values, and one said twice",
            ),
        ],
    )
    def test_it_stays(self, other: Policy) -> None:
        """What decides only how leads are joined plays no part."""
        assert other.fingerprint == self.BASE.fingerprint

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(Policy(BASE.identifiers, region="GB"), id="the region"),
            pytest.param(Policy(BASE.identifiers[:1]), id="a kind left out"),
            pytest.param(Policy([*BASE.identifiers, "email"]), id="a kind more"),
            pytest.param(
                Policy([rule("psid", scope="page_id"), BASE.identifiers[1]]), id="a scope"
            ),
            pytest.param(
                Policy([BASE.identifiers[0], rule("phone", blocked=["+12025550141"])]),
                id="a blocked value",
            ),
            pytest.param(
                Policy(
                    [
                        BASE.identifiers[0],
                        attrs.evolve(BASE.identifiers[1], options={"strict": True}),
                    ]
                ),
                id="an option",
            ),
            pytest.param(
                Policy([rule("psid", normalizer=BADGE), BASE.identifiers[1]]), id="a normalizer"
            ),
        ],
    )
    def test_it_changes(self, other: Policy) -> None:
        """What makes other identifiers of a lead makes another fingerprint."""
        assert other.fingerprint != self.BASE.fingerprint

    def test_it_changes_with_the_version_of_a_normalizer(self) -> None:
        """A new version answers differently under the same name."""
        newer = own_normalizer("badge", "2", lambda raw: raw)
        old, new = (Policy([rule("badge", normalizer=each)]) for each in (BADGE, newer))
        assert old.fingerprint != new.fingerprint

    def test_a_region_that_no_rule_asks_for_plays_no_part(self) -> None:
        """Only phone numbers belong to a country."""
        assert Policy(["email"], region="GB").fingerprint == Policy(["email"]).fingerprint

    def test_it_is_short_and_of_hexadecimal_digits(self) -> None:
        """Sixteen of them, the same in every process: stores keep it."""
        assert Policy(["psid"]).fingerprint == "7cd909f2818042e3"
        assert len(Policy().fingerprint) == 16


class TestToml:
    """Policies as files."""

    def test_a_file_without_a_word_is_the_default_policy(self) -> None:
        """Everything has a default."""
        assert Policy.from_toml_text("") == Policy()

    def test_a_file_is_read_as_utf_8(self, tmp_path: Path) -> None:
        """Whatever the machine's own encoding."""
        text = '[[identifiers]]\nkind = "account"\nblocked = ["Zoë"]\n'
        (tmp_path / "policy.toml").write_bytes(text.encode())
        policy = Policy.from_toml(tmp_path / "policy.toml")
        assert policy == Policy([rule("account", blocked=["Zoë"])])

    def test_a_file_is_handed_normalizers_by_name(self, tmp_path: Path) -> None:
        """A text cannot hold a function; it names one."""
        (tmp_path / "policy.toml").write_text('[[identifiers]]\nkind = "b"\nnormalizer = "badge"')
        policy = Policy.from_toml(tmp_path / "policy.toml", normalizers={"badge": BADGE})
        assert policy.identifiers[0].normalizer is BADGE

    def test_kinds_may_be_listed_bare(self) -> None:
        """A list of names is a policy of rules with their defaults."""
        assert Policy.from_toml_text('identifiers = ["email", "psid"]') == Policy(["email", "psid"])

    def test_false_stands_for_none(self) -> None:
        """TOML has no word for nothing."""
        policy = Policy.from_toml_text(
            'region = false\n[[identifiers]]\nkind = "phone"\nlimit = false\n'
            "generic_after = false\nscope = false\n"
        )
        assert policy == Policy([rule("phone", limit=None, generic_after=None)], region=None)

    def test_other_keys_of_a_rule_are_its_options(self) -> None:
        """They stand beside the rule's own."""
        text = '[[identifiers]]\nkind = "phone"\nstrict = true\n'
        assert Policy.from_toml_text(text) == Policy([rule("phone", options={"strict": True})])

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            pytest.param(
                "regoin = 'US'",
                "unknown key 'regoin': use strategy, region, identifiers, also_blocked",
                id="unknown key",
            ),
            pytest.param("identifiers = 7", "identifiers must be a list of tables", id="no list"),
            pytest.param(
                "[[identifiers]]\nlimit = 1", "identifier 1: it needs a kind", id="no kind"
            ),
            pytest.param(
                "identifiers = [7]", "identifier 1: it must be a table, or a kind", id="no table"
            ),
            pytest.param(
                "[[identifiers]]\nkind = 'phone'\nblocked = '+1'",
                "identifier 1: blocked must be a list of texts, not one text",
                id="blocked one text",
            ),
            pytest.param(
                "[[identifiers]]\nkind = 'phone'\nstrictly = true",
                "phone: unknown option 'strictly': phone takes strict, default_area, whatsapp, "
                "region",
                id="unknown option",
            ),
            pytest.param(
                "also_blocked = ['+12125550143']",
                "also_blocked must be a table with a list of texts for each kind",
                id="also blocked of no kind",
            ),
            pytest.param(
                "also_blocked.phone = '+12125550143'",
                "also_blocked must be a table with a list of texts for each kind",
                id="also blocked one text",
            ),
            pytest.param(
                "also_blocked.fax = ['+12125550143']",
                "also_blocked: it has no kind 'fax'",
                id="also blocked of another kind",
            ),
            pytest.param(
                "also_blocked.phone = [7]", "phone: blocked values must be text", id="no text"
            ),
            pytest.param(
                "strategy = false",
                "strategy must be keyed or linked, not None",
                id="strategy of nothing",
            ),
        ],
    )
    def test_a_fault_is_told(self, text: str, fault: str) -> None:
        """Each fault is one sentence, and nothing else is reported with it."""
        assert faults_of_toml(text) == (fault,)

    def test_what_is_no_toml_is_told_with_its_place(self) -> None:
        """The parser says the line and column."""
        (fault,) = faults_of_toml("region = US")
        assert fault.startswith("not TOML: ")
        assert "line 1" in fault

    def test_the_faults_of_file_rules_and_policy_come_together(self) -> None:
        """One error for everything a person must mend."""
        text = (
            "regoin = 'US'\naim = 1\nstrategy = 'x'\n[[identifiers]]\nlimit = 1\n"
            "[[identifiers]]\nkind = 'phone'\nlimit = 0\n"
        )
        assert [
            fault.partition(":")[0].partition(" must")[0] for fault in faults_of_toml(text)
        ] == [
            "unknown key 'aim'",
            "unknown key 'regoin'",
            "identifier 1",
            "strategy",
            "phone",
        ]

    def test_a_fault_of_the_file_alone_refuses_the_policy(self) -> None:
        """Rules that are right do not make up for a key that means nothing."""
        assert len(faults_of_toml("aim = 1\nidentifiers = ['phone']")) == 1

    def test_kinds_that_are_no_text_are_faults_like_any(self) -> None:
        """Also two of them, of two types, each twice."""
        text = "".join(f"[[identifiers]]\nkind = {kind}\n" for kind in ("7", "7", "'a'", "'a'"))
        assert {"kind 'a' is named twice", "kind 7 is named twice"} <= {*faults_of_toml(text)}

    def test_to_toml_writes_every_word_of_a_policy(self) -> None:
        """Defaults are spelled out: a file means the same under a later version."""
        policy = Policy([rule("psid", scope="page_id"), rule("badge", normalizer=BADGE)])
        assert policy.to_toml() == (
            'strategy = "keyed"\nregion = "US"\n'
            '\n[[identifiers]]\nkind = "psid"\nnormalizer = "messenger"\nlimit = 1\n'
            'generic_after = false\nscope = "page_id"\nblocked = []\n'
            '\n[[identifiers]]\nkind = "badge"\nnormalizer = "badge"\nlimit = false\n'
            "generic_after = false\nscope = false\nblocked = []\n"
        )

    def test_none_is_written_as_false_and_numbers_as_they_are(self) -> None:
        """A policy without a region, and a rule with both guards."""
        policy = Policy([rule("phone", limit=3, generic_after=7, blocked=())], region=None)
        assert "region = false\n" in policy.to_toml()
        assert "limit = 3\ngeneric_after = 7\n" in policy.to_toml()
        assert Policy.from_toml_text(policy.to_toml()) == policy

    def test_what_is_also_blocked_adds_to_every_rule(self) -> None:
        """Default packs stay, and what a rule says instead of one; written out it is one list."""
        policy = Policy.from_toml_text(
            'identifiers = ["psid", "phone", { kind = "email", blocked = ["@example.com"] }]\n'
            '[also_blocked]\nphone = ["(212) 555-0143"]\nemail = ["desk@example.org"]\n'
        )
        blocked = {rule.kind: policy.blocked(rule).matches for rule in policy.identifiers}
        assert blocked["phone"]("+12125550143")
        assert blocked["phone"]("+10000000000")
        assert blocked["email"]("ann@example.com")
        assert blocked["email"]("desk@example.org")
        assert not blocked["email"]("noreply@example.org")
        assert policy.identifiers[0].blocked == ()
        assert Policy.from_toml_text(policy.to_toml()) == policy

    def test_a_policy_in_python_also_blocks_what_it_is_told(self) -> None:
        """Everything else of it stays."""
        policy = Policy.linked(region="GB").also_blocking({"phone": ["020 7946 0958"]})
        told = 'strategy = "linked"\nregion = "GB"\nalso_blocked.phone = ["020 7946 0958"]'
        assert policy == Policy.from_toml_text(told)
        with pytest.raises(PolicyError, match="it has no kind 'fax'"):
            policy.also_blocking({"fax": ["7"]})
        with pytest.raises(TypeError, match="not one text"):
            policy.also_blocking({"phone": "7"})

    def test_the_strategy_is_read(self) -> None:
        """As the region is."""
        assert Policy.from_toml_text('strategy = "linked"') == Policy.linked()

    def test_scalars_come_before_tables(self) -> None:
        """Whatever their order was: after a table's head they would belong to it."""
        assert dumps({"a": [{"b": 1}], "c": [], "d": True}) == (
            "c = []\nd = true\n\n[[a]]\nb = 1\n"
        )


def test_what_was_used_can_be_sent_to_another_process() -> None:
    """A policy, and a resolution made under it, are pickled after use as before it."""
    policy = Policy.linked()
    resolution = group([Lead("l1", phone="212 555 0143", email="ann@mailbox.org")], policy)
    assert policy.fingerprint == pickle.loads(pickle.dumps(policy)).fingerprint  # noqa: S301
    assert pickle.loads(pickle.dumps(resolution)).groups == resolution.groups  # noqa: S301
