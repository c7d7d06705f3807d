"""What options are read as: whole numbers, one character, lists of ids."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from leadfold.cli.option_values import lead_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("l1", ("l1",), id="one"),
        pytest.param("l1,l2", ("l1", "l2"), id="two"),
        pytest.param(" l1 , l2 ", ("l1", "l2"), id="blanks around"),
        pytest.param("l 1", ("l 1",), id="a blank inside"),
        pytest.param('["a,b"]', ("a,b",), id="a comma in an id"),
        pytest.param(' ["l1", " l2"]', ("l1", " l2"), id="as it stands in a list"),
        pytest.param("[1, 2]", ("1", "2"), id="numbers are text"),
    ],
)
def test_ids_are_listed_with_commas_or_as_json(text: str, ids: tuple[str, ...]) -> None:
    """Blanks around ids count in JSON alone."""
    assert lead_ids(text) == ids


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "l1,", "l1,,l2", "[", "[]", '[""]', "[null]", "[true]", "[1.5]"),
        *('["l1", ["l2"]]', '["l1"] l2'),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_list_of_ids_is_refused(text: str) -> None:
    """As argparse wants to hear it."""
    with pytest.raises(ArgumentTypeError):
        lead_ids(text)
