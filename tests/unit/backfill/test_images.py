"""`backfill.images`: metadata in the ledger's copies of customer rows, an object or a text."""

from __future__ import annotations

import pytest

from leadfold.backfill.images import metadata_of, with_counts

OURS = {"leadCount": 3, "multipleLeads": True}


@pytest.mark.parametrize("metadata", [None, "", "{", "[1]", "7", "null", [1], 7])
def test_what_is_no_object_is_no_metadata(metadata: object) -> None:
    """Neither as a value nor as a text."""
    assert metadata_of({"metadata": metadata}) == {}


def test_a_text_is_read() -> None:
    """As a store keeps it that has no objects; a copy may have no such column at all."""
    assert metadata_of({"metadata": '{"own": [1, null]}'}) == {"own": [1, None]}
    assert metadata_of({}) == {}


def test_counts_are_set_in_an_object() -> None:
    """What else it holds stays, and so do the other columns."""
    image = {"name": "Ann", "metadata": {"own": 1, **OURS}}
    expected = {"name": "Ann", "metadata": {"own": 1, "leadCount": 1, "multipleLeads": False}}
    assert with_counts("C1", image, 1) == expected


def test_counts_are_set_in_a_text() -> None:
    """It is written as leadfold writes it: no blanks, any script as it is."""
    image = {"metadata": '{"own": "Zoë", "leadCount": 3, "multipleLeads": true}'}
    expected = '{"own":"Zoë","leadCount":1,"multipleLeads":false}'
    assert with_counts("C1", image, 1) == {"metadata": expected}


def test_a_text_whose_counts_are_right_stays_as_it_was_written() -> None:
    """Down to its blanks."""
    image = {"metadata": '{ "leadCount": 3,  "multipleLeads": true }'}
    assert with_counts("C1", image, 3) == image


@pytest.mark.parametrize("image", [{}, {"metadata": None}, {"metadata": {"own": 1}}])
def test_a_customer_without_counts_gets_none(image: dict[str, object]) -> None:
    """It is one that somebody else made."""
    assert with_counts("H", image, 3) == image
