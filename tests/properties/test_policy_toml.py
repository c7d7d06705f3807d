"""A policy written as TOML reads back equal, whatever its texts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from leadfold import IdentifierRule, Policy
from leadfold.testing.strategies import BADGE, policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadfold.policy import Strategy

STRATEGIES: list[Strategy] = ["keyed", "linked"]
HOSTILE = st.one_of(
    st.text(),
    st.text(alphabet="\"'\\#=[]{}\r\n\t\b\f\x00\x1f\x7f\x85\u2028\ufeff\U0001f600", max_size=12),
    st.sampled_from(['"""', "'''", "\\u0041", "a\r\nb", "[[identifiers]]", "kind = 'x'", "false"]),
)
GUARDS = st.none() | st.integers(1, 2**40)
OPTIONS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "phone": st.fixed_dictionaries(
        {},
        optional={
            "strict": st.booleans(),
            "whatsapp": st.booleans(),
            "default_area": st.sampled_from(["202", "415"]),
            "region": st.sampled_from(["US", "CA"]),
        },
    ),
    "email": st.fixed_dictionaries({}, optional={"provider_rules": st.booleans()}),
    "messenger": st.just({}),
}


@st.composite
def rules(draw: st.DrawFn, kind: str) -> IdentifierRule:
    """Draw a rule with texts of any kind where texts may be any."""
    normalizer = draw(st.sampled_from([*OPTIONS]))
    opaque = HOSTILE.filter(lambda text: bool(text.strip()))
    return IdentifierRule(
        kind,
        normalizer=normalizer,
        limit=draw(GUARDS),
        generic_after=draw(GUARDS),
        scope=draw(st.none() | HOSTILE.filter(bool)),
        blocked=draw(st.lists(opaque, max_size=3)) if normalizer == "messenger" else (),
        options=draw(OPTIONS[normalizer]),
    )


@given(policies())
def test_a_policy_reads_back_equal(policy: Policy) -> None:
    """Guards, scopes, blocked values, strategy, and a normalizer that is handed in again."""
    assert Policy.from_toml_text(policy.to_toml(), normalizers={"badge": BADGE}) == policy


@given(
    st.tuples(rules("a"), rules("b_2")),
    st.sampled_from(STRATEGIES),
    st.sampled_from(["US", "CA", None]),
)
def test_hostile_texts_read_back_equal(
    drawn: tuple[IdentifierRule, ...], strategy: Strategy, region: str | None
) -> None:
    """Quotes, line ends, control characters and TOML itself in scopes and blocked values."""
    rules = [rule for rule in drawn if region or "default_area" not in rule.options]
    policy = Policy(rules or ["psid"], strategy=strategy, region=region)
    again = Policy.from_toml_text(policy.to_toml())
    assert again == policy
    assert again.fingerprint == policy.fingerprint
