"""The groups of a file as a person or a machine reads them. Values are masked unless asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.outcomes import Ending
from leadfold.cli.screen import Table
from leadfold.masking import mask_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from leadfold.cli.columns import Source
    from leadfold.cli.faults import FaultLog
    from leadfold.cli.screen import Screen
    from leadfold.evaluate import Evaluation, Score
    from leadfold.grouping import Resolution

__all__ = ["Grouping", "group_json", "refusals", "show_grouping"]

_SUSPICIOUS = 5
_ADVICE = "is it the right column?"
_PHONE_ADVICE = (
    "is it the right column, and --region? For local ones give the policy a default_area."
)


@attrs.frozen
class Grouping:
    """The grouped file: its *resolution*, what could not be read, the truth held against it.

    *sources* says which columns fed which field.
    """

    path: Path
    sources: Mapping[str, Source]
    resolution: Resolution
    faults: FaultLog
    evaluation: Evaluation | None

    @property
    def ending(self) -> Ending:
        """Return how a command on it ends: whole only if every row could be read."""
        return Ending.of("partial" if self.faults.rows else "done")


def refusals(resolution: Resolution) -> dict[str, dict[str, int]]:
    """Return how many values took no part, by field and reason, the most frequent first."""
    counts = Counter((field, reason.value) for _, field, reason, _ in resolution.columns.refused)
    found: dict[str, dict[str, int]] = {kind: {} for kind in resolution.policy.kinds}
    for (field, reason), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        found[field][reason] = count
    return {field: reasons for field, reasons in found.items() if reasons}


def group_json(grouping: Grouping, *, show_values: bool) -> dict[str, object]:
    """Return every group, the counts, and what took no part."""
    shown: Callable[[str], str] = str if show_values else mask_key
    resolution, faults = grouping.resolution, grouping.faults
    answer: dict[str, object] = {
        "groups": [
            {"key": shown(group.key), "kind": group.kind, "lead_ids": list(group.lead_ids)}
            for group in resolution.groups
        ],
        "counts": resolution.counts,
        "leads": len(resolution.columns.ids),
        "columns": {field: list(source.columns) for field, source in grouping.sources.items()},
        "rejected": refusals(resolution),
        "unreadable": {
            "rows": faults.rows,
            "values": faults.values,
            "first": [
                {"line": fault.line, "field": fault.field, "reason": fault.reason}
                for fault in faults.first
            ],
        },
    }
    if grouping.evaluation is not None:
        answer["evaluation"] = _evaluation_json(grouping.evaluation)
    return answer


def _evaluation_json(evaluation: Evaluation) -> dict[str, object]:
    return {
        "leads": evaluation.leads,
        "groups": evaluation.groups,
        "people": evaluation.people,
        "predicted_pairs": evaluation.predicted_pairs,
        "true_pairs": evaluation.true_pairs,
        "shared_pairs": evaluation.shared_pairs,
        "pairwise": _score_json(evaluation.pairwise),
        "b_cubed": _score_json(evaluation.b_cubed),
    }


def _score_json(score: Score) -> dict[str, float]:
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1}


def show_grouping(grouping: Grouping, screen: Screen, *, top: int, show_values: bool) -> None:
    """Show the counts, what took no part, the largest groups, and how well they fit the truth."""
    shown: Callable[[str], str] = str if show_values else mask_key
    resolution = grouping.resolution
    screen.data(_headline(grouping))
    screen.data(_columns(grouping))
    screen.data()
    screen.table(Table(("kind", "groups"), [*resolution.counts.items()], title="Groups by kind"))
    _show_refusals(resolution, screen)
    for line in _doubts(resolution, shown):
        screen.data(line)
    _show_largest(resolution, screen, top, shown)
    if grouping.evaluation is not None:
        screen.data("\nAgainst the truth")
        screen.data(str(grouping.evaluation))


def _headline(grouping: Grouping) -> str:
    resolution, rows = grouping.resolution, grouping.faults.rows
    passed_over = f", {rows} row(s) passed over" if rows else ""
    leads, groups = len(resolution.columns.ids), resolution.partition.size
    return f"{grouping.path}: {leads} leads in {groups} groups{passed_over}"


def _columns(grouping: Grouping) -> str:
    """Say where identifiers came from, and which the file has none of: a name may be misspelt."""
    fields = grouping.resolution.policy.fields
    read = [
        f"{field} from {' and '.join(grouping.sources[field].columns)}"
        for field in fields
        if field in grouping.sources
    ]
    absent = [field for field in fields if field not in grouping.sources]
    told = f"; no column for {', '.join(absent)} (--column FIELD=COLUMN)" if absent else ""
    return f"Read {', '.join(read) or 'nothing'}{told}"


def _show_refusals(resolution: Resolution, screen: Screen) -> None:
    rows = [
        (field, reason, count)
        for field, reasons in refusals(resolution).items()
        for reason, count in reasons.items()
    ]
    if rows:
        screen.data()
        screen.table(Table(("field", "reason", "values"), rows, title="Values not used"))
        for line in _advice(resolution):
            screen.data(line)


def _advice(resolution: Resolution) -> Iterator[str]:
    """Yield what may be wrong where a kind's values were refused more often than not."""
    refused = refusals(resolution)
    for rule, column in zip(resolution.policy.identifiers, resolution.columns.by_kind, strict=True):
        used = sum(1 for _ in column.pairs())
        reasons = refused.get(rule.kind, {})
        if sum(reasons.values()) > used:
            hint = _PHONE_ADVICE if rule.normalizer_name == "phone" else _ADVICE
            yield f"   Most values of {rule.kind} were refused: {hint}"


def _doubts(resolution: Resolution, shown: Callable[[str], str]) -> Iterator[str]:
    """Yield what a person may want to look at."""
    reasons = Counter(reason for stop in resolution.stops for reason in stop.reasons)
    if resolution.stops:
        causes = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        yield f"\nIdentifiers shared between groups: {len(resolution.stops)} ({causes})"
    if found := resolution.suspicious:
        yield f"\nSuspicious groups, holding many values of a weaker kind: {len(found)}"
        yield from (f"   {shown(group.key)}: {len(group)} leads" for group in found[:_SUSPICIOUS])


def _show_largest(
    resolution: Resolution, screen: Screen, top: int, shown: Callable[[str], str]
) -> None:
    largest = [(shown(g.key), len(g)) for g in resolution.largest(top) if len(g) > 1]
    if largest:
        screen.data()
        screen.table(Table(("key", "leads"), largest, title="Largest groups"))
