"""Values that are generic for what is not among the leads: told to the engine with the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import Identifier, IdentifierRule, Lead, Policy
from leadfold.grouping import Scanner, group_columns

if TYPE_CHECKING:
    from leadfold.grouping import Columns

PHONE = Identifier("phone", "+12125550143")
RULES = [IdentifierRule("psid", limit=1), IdentifierRule("phone", generic_after=5)]
POLICY = Policy.linked(identifiers=RULES)
LEADS = [
    Lead("l1", psid="24000000000000001", phone="212 555 0143"),
    Lead("l2", phone="212 555 0143"),
]


def columns(generic: frozenset[Identifier]) -> Columns:
    """Return the columns of two leads that share a phone."""
    scanner = Scanner(POLICY)
    fields = {"psid": [lead.psid for lead in LEADS], "phone": [lead.phone for lead in LEADS]}
    scanner.add([lead.id for lead in LEADS], fields)
    found = scanner.finish()
    found.generic = generic
    return found


def test_it_joins_nobody_though_few_of_these_hold_it() -> None:
    """The stop gives the reason."""
    resolution = group_columns(columns(frozenset([PHONE])), POLICY)
    assert [group.lead_ids for group in resolution.groups] == [("l2",), ("l1",)]
    assert [(stop.identifier, stop.reasons) for stop in resolution.stops] == [(PHONE, ("generic",))]


def test_other_values_are_counted_as_ever() -> None:
    """A value of the same text and another kind is not meant."""
    other = frozenset([Identifier("email", "+12125550143")])
    resolution = group_columns(columns(other), POLICY)
    assert [group.lead_ids for group in resolution.groups] == [("l1", "l2")]


def test_a_part_of_the_columns_knows_of_it_too() -> None:
    """Explanations regroup some of the leads."""
    assert columns(frozenset([PHONE])).only([0]).generic == {PHONE}


def test_identifiers_that_are_known_need_no_reading() -> None:
    """A row of them is as one that was read: several values of a kind in text order."""
    scanner = Scanner(POLICY)
    held = (Identifier("phone", "+12125550143"), Identifier("phone", "+12125550177"))
    scanner.add_usable("l9", held)
    scanner.add_usable("l10", ())
    assert [scanner.columns.identifiers(row) for row in (0, 1)] == [held, ()]
    assert scanner.columns.by_kind[1].first == ["+12125550143", None]
