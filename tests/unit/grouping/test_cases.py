"""The hard cases of `tests/cases`: what the engine makes of each, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from case_files import EVERY_CASE
from leadfold import group

if TYPE_CHECKING:
    from case_files import CaseFile


@EVERY_CASE
def test_a_case_is_answered_as_its_file_says(case: CaseFile) -> None:
    """Groups in order of key, stops, and whatever else the file expects, after each step."""
    for step in case.steps:
        resolution = group(step.leads, case.policy, rulings=step.rulings)
        assert step.told(resolution) == step.expected
        assert [found.key for found in resolution.groups] == [*step.expected["groups"]]


@EVERY_CASE
def test_the_order_of_its_leads_changes_nothing(case: CaseFile) -> None:
    """Backwards, every answer is the same, explanations included."""
    for step in case.steps:
        resolution = group(step.leads[::-1], case.policy, rulings=step.rulings)
        assert step.told(resolution) == step.expected
