"""What a resolution answers about few of its groups, without making all of them."""

from __future__ import annotations

import pytest

from leadfold import Lead, Policy, group
from leadfold.testing import sample_leads

LEADS = [sample.lead for sample in sample_leads(500)]


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_the_largest_groups_are_the_first_by_size_then_key(strategy: str) -> None:
    """As sorting all of them says."""
    found = group(LEADS, getattr(Policy, strategy)())
    ordered = sorted(found.groups, key=lambda each: (-len(each), each.key))

    assert found.largest(0) == ()
    assert found.largest(7) == tuple(ordered[:7])
    assert found.largest(10_000) == tuple(ordered)


def test_the_links_of_a_lead_are_those_of_its_group() -> None:
    """Group by group they are all links."""
    found = group(LEADS, Policy.linked())
    links = [tie for each in found.groups for tie in found.links_of(each.lead_ids[0])]

    assert tuple(links) == found.links
    assert links
    with pytest.raises(KeyError):
        found.links_of("nobody")


def test_the_identifiers_of_a_lead_are_the_usable_ones() -> None:
    """Normalized and sorted; what is blocked is not among them."""
    found = group([Lead("l1", phone=["212 555 0143", "000 000 0000"], email=" A@mailbox.org")])

    assert [each.key for each in found.identifiers_of("l1")] == [
        "email:a@mailbox.org",
        "phone:+12125550143",
    ]
    with pytest.raises(KeyError):
        found.identifiers_of("nobody")
