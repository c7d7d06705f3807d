"""The hard cases of `tests/cases`, read: what is in a store step by step, and what is expected.

A file has a *name*, *why* it matters, a *policy* as its TOML says it, and either *steps* or the
keys of a single one. A step brings *leads* and *rulings*, and says what holds of all so far:
*groups* by key in order, *stops* with their reasons, and where it is of use *rejected* values,
what *explained* pairs of leads are told, and the cases of a *review*.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from leadfold import Policy, Ruling
from leadfold.toml_text import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold import Resolution

__all__ = ["EVERY_CASE", "CaseFile", "Step"]

FOLDER = Path(__file__).parent / "cases"
_STEP = frozenset({"leads", "rulings", "groups", "stops", "rejected", "explained", "review"})
_FILE = frozenset({"name", "why", "policy", "steps"})


@attrs.frozen
class Step:
    """What a step brings, all leads and rulings up to it, and what is *expected* of these."""

    new_leads: tuple[Mapping[str, Any], ...]
    new_rulings: tuple[Ruling, ...]
    leads: tuple[Mapping[str, Any], ...]
    rulings: tuple[Ruling, ...]
    expected: Mapping[str, Any]

    def told(self, resolution: Resolution) -> dict[str, object]:
        """Return what *resolution* says of all that this step expects something of."""
        found: dict[str, object] = {
            "groups": {group.key: [*group.lead_ids] for group in resolution.groups},
            "stops": {stop.identifier.key: [*stop.reasons] for stop in resolution.stops},
            "rejected": sorted([r.lead_id, r.field, r.reason.value] for r in resolution.rejected),
            "explained": [
                {**asked, "says": [*_explained(resolution, *asked["leads"])]}
                for asked in self.expected.get("explained", ())
            ],
            "review": [str(case) for case in resolution.review()],
        }
        return {name: told for name, told in found.items() if name in self.expected}


@attrs.frozen
class CaseFile:
    """A hard case: its policy, and what is to hold after each of its steps."""

    name: str
    policy: Policy
    steps: tuple[Step, ...]


def _explained(resolution: Resolution, one: str, other: str) -> Iterator[str]:
    together = resolution.group_of(one) == resolution.group_of(other)
    told = resolution.why(one, other) if together else resolution.why_not(one, other)
    return told.sentences()


def _read(path: Path) -> CaseFile:
    source = json.loads(path.read_text("utf-8"))
    steps = source.get("steps") or [{key: source[key] for key in source if key in _STEP}]
    odd = {*source} - _FILE - (_STEP if "steps" not in source else set())
    assert not odd, f"{path.name}: {odd}"
    assert source["name"], path.name
    assert source["why"], path.name
    policy = Policy.from_toml_text(dumps(source["policy"]))
    return CaseFile(source["name"], policy, tuple(_steps(steps)))


def _steps(sources: list[dict[str, Any]]) -> Iterator[Step]:
    leads: tuple[Mapping[str, Any], ...] = ()
    rulings: tuple[Ruling, ...] = ()
    for source in sources:
        assert {"leads", "groups", "stops"} <= {*source} <= _STEP, source
        expected = {name: source[name] for name in source if name not in {"leads", "rulings"}}
        new_leads = tuple(source["leads"])
        new_rulings = tuple(Ruling(r["id"], r["parts"]) for r in source.get("rulings", ()))
        leads, rulings = leads + new_leads, rulings + new_rulings
        yield Step(new_leads, new_rulings, leads, rulings, expected)


EVERY_CASE = pytest.mark.parametrize(
    "case", [pytest.param(_read(path), id=path.stem) for path in sorted(FOLDER.glob("*.json"))]
)
"""Runs a test on each file of `tests/cases`."""
