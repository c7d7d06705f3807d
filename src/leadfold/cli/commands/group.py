"""``leadfold group``: the leads of a file grouped, counted, judged, written. It uses no store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.group_text import group_json, show_grouping
from leadfold.cli.grouped_file import grouped_file
from leadfold.cli.groups_file import write_groups
from leadfold.cli.outcomes import UsageError
from leadfold.model import INDIVIDUAL

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from leadfold.cli.screen import Screen
    from leadfold.grouping import Resolution

__all__ = ["run_group"]


def run_group(arguments: Namespace, screen: Screen) -> Answer:
    """Group the leads of a file."""
    _refuse_overwriting(Path(arguments.file), arguments.output)
    grouping = grouped_file(arguments, screen, truth=arguments.truth)
    if arguments.output is not None:
        write_groups(Path(arguments.output), _rows(grouping.resolution))
        screen.say(f"Groups written to {arguments.output}: it holds raw identifiers")
    raw, top = arguments.show_values, arguments.top
    return Answer(
        grouping.ending,
        lambda: group_json(grouping, show_values=raw),
        lambda screen: show_grouping(grouping, screen, top=top, show_values=raw),
    )


def _refuse_overwriting(path: Path, output: str | None) -> None:
    if output is not None and path.exists() and Path(output).exists() and path.samefile(output):
        msg = f"{output}: is the file to be read: name another for the groups"
        raise UsageError(msg)


def _rows(resolution: Resolution) -> Iterator[tuple[str, str, str]]:
    """Yield lead id, group key and group kind, in the order of the file."""
    names = (*resolution.policy.kinds, INDIVIDUAL)
    for lead, label in zip(resolution.columns.ids, resolution.partition.labels, strict=True):
        yield lead, resolution.keys[label], names[resolution.group_keys[label][0]]
