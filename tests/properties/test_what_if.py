"""What if: the answer is what grouping says under the other policy, leads and rulings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.testing.strategies import READINGS, cases, rulings_for
from oracle.balance import balanced, enough
from oracle.reading import records_of

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

    from leadfold import IdentifierRule, Lead, Policy
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case
    from oracle.model import Value


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_what_if_answers_as_grouping_anew_does(strategy: Strategy) -> None:
    """Groups, stops with owners, rejections, suspicious groups, links: all of them."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy), st.data())
        def law(case: Case, data: DataObject) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            held = sorted((r.id, value) for r in records_of(case) for value in r.values)
            without = data.draw(st.lists(st.sampled_from(held), max_size=2)) if held else []
            block = data.draw(st.lists(st.sampled_from(held), max_size=2)) if held else []
            limits = data.draw(_bounds(case.policy))
            generic = data.draw(_bounds(case.policy))
            rulings = () if case.rulings else data.draw(rulings_for(case.leads))
            found = resolution.what_if(
                block=[value.key for _, value in block],
                without=[(lead, value.key) for lead, value in without],
                limits=limits,
                generic_after=generic,
                rulings=rulings,
            )
            policy = _policy(case.policy, [value for _, value in block], limits, generic)
            leads = [_without(lead, case.policy, without) for lead in case.leads]
            anew = group(leads, policy, rulings=(*case.rulings, *rulings))
            assert found.resolution == anew
            assert found.resolution.policy == policy
            assert found.resolution.links == anew.links
            assert found.resolution.suspicious == anew.suspicious
            assert found.before == tuple(g for g in resolution.groups if g not in anew.groups)
            assert found.after == tuple(g for g in anew.groups if g not in resolution.groups)

        law()


def test_what_if_leaves_the_resolution_as_it_was() -> None:
    """It works on copies: asked again, the resolution says what it said."""

    @enough()
    @given(cases(), st.data())
    def law(case: Case, data: DataObject) -> None:
        resolution = group(case.leads, case.policy, rulings=case.rulings)
        held = sorted((r.id, value) for r in records_of(case) for value in r.values)
        if held:
            lead, value = data.draw(st.sampled_from(held))
            resolution.what_if(block=[value.key])
            resolution.what_if(without=[(lead, value.key)])
        assert resolution == group(case.leads, case.policy, rulings=case.rulings)
        assert resolution.what_if() == resolution.what_if()
        assert not resolution.what_if().before

    law()


def _bounds(policy: Policy) -> st.SearchStrategy[dict[str, int | None]]:
    bounds = st.sampled_from([1, 2, 3, None])
    return st.dictionaries(st.sampled_from(policy.kinds), bounds, max_size=1)


def _policy(
    policy: Policy,
    block: list[Value],
    limits: dict[str, int | None],
    generic_after: dict[str, int | None],
) -> Policy:
    rules = [
        attrs.evolve(
            rule,
            blocked=(*rule.blocked, *(_bare(v, rule) for v in block if v.kind == rule.kind)),
            limit=limits.get(rule.kind, rule.limit),
            generic_after=generic_after.get(rule.kind, rule.generic_after),
        )
        for rule in policy.identifiers
    ]
    return attrs.evolve(policy, identifiers=rules)


def _bare(value: Value, rule: IdentifierRule) -> str:
    """Return the text of *value* without its scope: a policy blocks it in all."""
    return value.text.removeprefix(f"{value.scope}/") if rule.scope else value.text


def _without(lead: Lead, policy: Policy, without: list[tuple[str, Value]]) -> Lead:
    """Return *lead* without the raw texts that read as a value it is to be without."""
    for rule in policy.identifiers:
        gone = {
            _bare(value, rule)
            for one, value in without
            if one == lead.id and value.kind == rule.kind
        }
        if rule.kind in {"psid", "phone", "email"}:
            left = _left(getattr(lead, rule.kind), rule, gone)
            lead = attrs.evolve(lead, **{rule.kind: left})  # type: ignore[arg-type]
        elif rule.kind in lead.fields:
            left = _left(lead.fields[rule.kind], rule, gone)
            lead = attrs.evolve(lead, fields={**lead.fields, rule.kind: left})
    return lead


def _left(cell: object, rule: IdentifierRule, gone: set[str]) -> str | tuple[str, ...] | None:
    texts = cell if isinstance(cell, tuple) else (cell,)
    left = tuple(t for t in texts if t is not None and READINGS[rule.kind][t] not in gone)
    return left if isinstance(cell, tuple) else (left[0] if left else None)
