"""Law 2: what shares no usable identifier and no ruling with the rest is grouped by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given

from leadfold import group
from leadfold.testing.strategies import READINGS, cases
from oracle.balance import balanced, enough
from oracle.reading import records_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from leadfold import Group, Lead, Resolution, Ruling
    from leadfold.model import Stop
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_connected_set_is_grouped_as_if_it_were_alone(strategy: Strategy) -> None:
    """The leads of one connected set get the groups they would get without all the others."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            whole = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(whole)
            for ids in _connected_sets(case):
                alone = group(
                    [lead for lead in case.leads if lead.id in ids],
                    case.policy,
                    rulings=[r for r in case.rulings if _named(r) & ids],
                )
                assert _said(whole, ids) == _said(alone, ids)

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_strangers_change_nothing(strategy: Strategy) -> None:
    """Two sets of leads that share nothing are grouped together as each is grouped alone."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy), cases(strategy, rulings=False))
        def law(case: Case, other: Case) -> None:
            strangers = [_stranger(lead) for lead in other.leads]
            ids = {lead.id for lead in case.leads}
            alone = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(alone)
            both = group([*strangers, *case.leads], case.policy, rulings=case.rulings)
            assert _said(both, ids) == _said(alone, ids)
            theirs = {lead.id for lead in strangers}
            assert _said(both, theirs) == _said(group(strangers, case.policy), theirs)

        law()


def _said(
    resolution: Resolution, ids: Collection[str]
) -> tuple[tuple[Group, ...], tuple[Stop, ...], tuple[Group, ...]]:
    """Return what *resolution* says of the leads *ids*."""
    return (
        tuple(found for found in resolution.groups if {*found.lead_ids} & {*ids}),
        tuple(stop for stop in resolution.stops if {*stop.lead_ids} & {*ids}),
        tuple(found for found in resolution.suspicious if {*found.lead_ids} & {*ids}),
    )


def _named(ruling: Ruling) -> set[str]:
    return {lead_id for part in ruling.parts for lead_id in part}


def _connected_sets(case: Case) -> list[set[str]]:
    """Return the ids of leads that share usable identifiers or rulings, set by set."""
    records = records_of(case)
    ties = [{r.id for r in records if value in r.values} for r in records for value in r.values]
    ties += [_named(ruling) & {record.id for record in records} for ruling in case.rulings]
    sets: list[set[str]] = [{record.id} for record in records]
    for tie in ties:
        touched = [one for one in sets if one & tie]
        sets = [one for one in sets if not one & tie] + ([set[str]().union(*touched)] * bool(tie))
    return sets


def _stranger(lead: Lead) -> Lead:
    """Return *lead* under another id, with values that no lead of the strategies holds."""
    return attrs.evolve(
        lead,
        id=f"stranger-{lead.id}",
        psid=_strange("psid", lead.psid),
        phone=_strange("phone", lead.phone),
        email=_strange("email", lead.email),
        fields={
            name: _strange(name, cell) if name in READINGS else cell
            for name, cell in lead.fields.items()
        },
    )


def _strange(kind: str, cell: object) -> str | tuple[str, ...] | None:
    texts = cell if isinstance(cell, tuple) else (cell,)
    read = [READINGS[kind][text] for text in texts if text is not None]
    strange = tuple(_elsewhere(kind, value) for value in read if value is not None)
    return strange or None


def _elsewhere(kind: str, value: str) -> str:
    if kind == "phone":
        return f"+49301234567{value[-1]}"
    return f"strange.{value}"
