"""Law 5: a group exceeds a guard only where stronger evidence, or equal keys, joined it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from hypothesis import given

from leadfold import group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough
from oracle.reading import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold import IdentifierRule
    from leadfold.testing.strategies import Case
    from oracle.model import Record, Value


def test_a_group_exceeds_a_guard_only_by_stronger_evidence() -> None:
    """Values beyond the limit were all in one group before the level of their kind began."""
    with balanced() as balance:

        @enough()
        @given(cases("linked", rulings=False))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy)
            balance.note(resolution)
            records = {record.id: record for record in records_of(case)}
            for rule in case.policy.identifiers:
                before = [[records[one] for one in ids] for ids in _before(case, rule)]
                for final in resolution.groups:
                    _hold_to_limit(rule, [records[one] for one in final], before)

        law()


def test_a_ruling_is_a_guard_that_nothing_exceeds() -> None:
    """No group holds leads of two parts of a cannot-link; a must-link is in one group."""
    with balanced() as balance:

        @enough()
        @given(cases(min_size=4))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            place = {lead_id: one.key for one in resolution.groups for lead_id in one}
            for ruling in case.rulings:
                parts = [{place[one] for one in part if one in place} for part in ruling.parts]
                assert not ruling.is_must_link or len(parts[0]) <= 1
                assert sum(map(len, parts)) == len(set[str]().union(*parts)) or ruling.is_must_link

        law()


def _hold_to_limit(
    rule: IdentifierRule, final: Iterable[Record], before: Iterable[Iterable[Record]]
) -> None:
    """Assert the guards of *rule*, one a scope, in the group *final*."""
    held = _held(rule, final)
    for scope in {value.scope for value in held}:
        here = {value for value in held if value.scope == scope}
        if rule.limit is not None and len(here) > rule.limit:
            assert any(here == here & _held(rule, group_before) for group_before in before)


def _held(rule: IdentifierRule, records: Iterable[Record]) -> set[Value]:
    return {value for record in records for value in record.values if value.kind == rule.kind}


def _before(case: Case, rule: IdentifierRule) -> list[list[str]]:
    """Return the groups that the level of *rule* begins with.

    Leads that hold something stronger are grouped as the stronger kinds alone group them;
    the others have no part in those levels and are together by equal keys.
    """
    stronger = case.policy.identifiers[: case.policy.kinds.index(rule.kind)]
    keys = {record.id: record.values[:1] or (record.id,) for record in records_of(case)}
    blocks: dict[object, list[str]] = {}
    upto = attrs.evolve(case.policy, identifiers=stronger or case.policy.identifiers[:1])
    resolution = group(case.leads, upto)
    for lead in case.leads:
        found = resolution.group_of(lead.id)
        alone = not stronger or found.kind == "individual"
        blocks.setdefault(keys[lead.id] if alone else found.key, []).append(lead.id)
    return list(blocks.values())
