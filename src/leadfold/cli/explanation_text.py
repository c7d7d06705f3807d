"""Explanations as a person or a machine reads them. Values are masked unless asked for."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from leadfold.explanations import Why
from leadfold.masking import mask_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leadfold.cli.screen import Screen
    from leadfold.explanations import Case, Tie, WhyNot
    from leadfold.grouping import Resolution
    from leadfold.model import Group, Identifier, Stop

    Name = Callable[[Identifier], str]

__all__ = ["review_json", "show_review", "show_why", "why_json"]


def _name(*, show_values: bool) -> Name:
    return attrgetter("key") if show_values else str


def _key(group: Group, *, show_values: bool) -> str:
    return group.key if show_values else mask_key(group.key)


def show_why(
    told: Why | WhyNot, resolution: Resolution, screen: Screen, *, show_values: bool
) -> None:
    """Show whether the two leads are together, and a sentence for each step or stop."""
    keys = _keys_of(told, resolution, show_values=show_values)
    where = f"both in {keys[0]}" if isinstance(told, Why) else f"in {keys[0]} and in {keys[1]}"
    screen.data(f"{told.lead_id} and {told.other_id} are {where}")
    for sentence in told.sentences(_name(show_values=show_values)):
        screen.data(f"   {sentence}")


def why_json(told: Why | WhyNot, resolution: Resolution, *, show_values: bool) -> dict[str, object]:
    """Return whether the two leads are together, and the steps or the stops."""
    name = _name(show_values=show_values)
    answer: dict[str, object] = {
        "together": isinstance(told, Why),
        "leads": [told.lead_id, told.other_id],
        "groups": _keys_of(told, resolution, show_values=show_values),
    }
    if isinstance(told, Why):
        return answer | {"steps": [_step_json(step, name) for step in told]}
    return answer | {
        "shared": [_stop_json(stop, name) for stop in told.shared],
        "around": [_stop_json(stop, name) for stop in told.around],
    }


def _keys_of(told: Why | WhyNot, resolution: Resolution, *, show_values: bool) -> list[str]:
    groups = [resolution.group_of(lead) for lead in (told.lead_id, told.other_id)]
    return [_key(group, show_values=show_values) for group in groups]


def _step_json(step: Tie, name: Name) -> dict[str, object]:
    return {
        "lead": step.lead_id,
        "other": step.other_id,
        "level": step.level,
        "identifier": None if step.identifier is None else name(step.identifier),
        "ruling": step.ruling_id,
    }


def _stop_json(stop: Stop, name: Name) -> dict[str, object]:
    return {
        "identifier": name(stop.identifier),
        "reasons": list(stop.reasons),
        "owners": [name(owner) for owner in stop.owners],
        "lead_ids": list(stop.lead_ids),
    }


def show_review(cases: Sequence[Case], screen: Screen, *, top: int, show_values: bool) -> None:
    """Show the first *top* cases, each with the ruling that settles it and what that opens."""
    screen.data(f"{len(cases)} case(s), largest impact first" if cases else "Nothing to look at")
    for case in cases[:top]:
        screen.data()
        screen.data(case.sentence(str if show_values else mask_key))
        screen.data(f"   {_proposal(case)}")
        if case.opens:
            screen.data(f"   which would open {len(case.opens)} more")
    if cases[top:]:
        screen.data(f"\n… and {len(cases) - top} more")


def _proposal(case: Case) -> str:
    """Say what the ruling of *case* says; how many leads it names, and the first of them."""
    leads, first = len(case.group), case.group.lead_ids[0]
    if case.reason == "suspicious":
        return f"if it is one customer: a must-link of all its leads ({first} …)"
    others = len(case.ruling.parts[-1])
    return (
        f"if it is somebody else: a cannot-link of its {leads} leads ({first} …) and the {others} "
        "outside that share an identifier with them"
    )


def review_json(cases: Sequence[Case], *, top: int, show_values: bool) -> dict[str, object]:
    """Return every case with its ruling, and what that would open, for the first *top* of them.

    What a ruling opens takes a grouping of all connected leads; None: not looked into.
    """
    name = partial(_case_json, show_values=show_values)
    looked_into = [name(case) | {"opens": [*map(name, case.opens)]} for case in cases[:top]]
    return {"cases": looked_into + [name(case) | {"opens": None} for case in cases[top:]]}


def _case_json(case: Case, *, show_values: bool) -> dict[str, object]:
    return {
        "reason": case.reason,
        "key": _key(case.group, show_values=show_values),
        "lead_ids": list(case.group.lead_ids),
        "claimants": [_key(group, show_values=show_values) for group in case.claimants],
        "impact": case.impact,
        "ruling": {"id": case.ruling.id, "parts": [[*part] for part in case.ruling.parts]},
    }
