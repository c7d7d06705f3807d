"""``leadfold why`` and ``review``: why the leads of a file are grouped so, and what to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.explanation_text import review_json, show_review, show_why, why_json
from leadfold.cli.grouped_file import grouped_file
from leadfold.cli.outcomes import UsageError

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.cli.screen import Screen
    from leadfold.explanations import Why, WhyNot
    from leadfold.grouping import Resolution

__all__ = ["run_review", "run_why"]


def run_why(arguments: Namespace, screen: Screen) -> Answer:
    """Say why two leads of a file are in one group, or why they are not."""
    grouping = grouped_file(arguments, screen)
    told = _why(grouping.resolution, arguments.lead, arguments.other)
    raw = arguments.show_values
    return Answer(
        grouping.ending,
        lambda: why_json(told, grouping.resolution, show_values=raw),
        lambda screen: show_why(told, grouping.resolution, screen, show_values=raw),
    )


def _why(resolution: Resolution, lead: str, other: str) -> Why | WhyNot:
    known = {*resolution.columns.ids}
    if missing := [f"no lead {each!r}" for each in (lead, other) if each not in known]:
        msg = f"{', '.join(missing)} among the {len(known)} that were read"
        raise UsageError(msg)
    together = resolution.group_of(lead) == resolution.group_of(other)
    return resolution.why(lead, other) if together else resolution.why_not(lead, other)


def run_review(arguments: Namespace, screen: Screen) -> Answer:
    """List the groups of a file that a person should look at."""
    grouping = grouped_file(arguments, screen)
    cases, raw, top = grouping.resolution.review(), arguments.show_values, arguments.top
    return Answer(
        grouping.ending,
        lambda: review_json(cases, top=top, show_values=raw),
        lambda screen: show_review(cases, screen, top=top, show_values=raw),
    )
