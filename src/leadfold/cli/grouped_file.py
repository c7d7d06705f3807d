"""The leads of a file read and grouped, as the options of a command say. It writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leadfold.cli.columns import SINGLE, Source, columns_from_flags, read_mapping
from leadfold.cli.faults import FaultLog
from leadfold.cli.files import open_leads
from leadfold.cli.group_text import Grouping
from leadfold.cli.opening import open_policy
from leadfold.cli.outcomes import UsageError
from leadfold.evaluate import evaluate
from leadfold.grouping import Scanner, group_columns

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Hashable, Iterator

    from leadfold.cli.columns import Sources
    from leadfold.cli.files import LeadFile
    from leadfold.cli.screen import Screen
    from leadfold.evaluate import Evaluation
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy

__all__ = ["grouped_file"]

_LEADS = 'SELECT id, "messengerPsid" AS psid, phone, email FROM "Lead"'
_PSQL = rf"psql URL -c '\copy ({_LEADS}) TO leads.csv CSV HEADER'"
_EXPORTS = {
    "postgresql://": _PSQL,
    "postgres://": _PSQL,
    "sqlite://": f"sqlite3 -header -csv FILE '{_LEADS}' > leads.csv",
}
"""How the leads of a store become a file, by what its URL begins with."""

TRUTH = "truth"
"""The field that says whose lead it is; never an identifier."""


def grouped_file(arguments: Namespace, screen: Screen, *, truth: str | None = None) -> Grouping:
    """Return the leads of the file that *arguments* name, grouped; *screen* is told the faults.

    *truth* is the column to hold the groups against.
    """
    _refuse_stores(arguments.file)
    path, policy = Path(arguments.file), open_policy(arguments)
    _refuse_streams(path)
    told = _told(arguments, truth)
    _refuse_unread(told, policy)
    leads = open_leads(
        path,
        columns=told,
        fields=[field for field in policy.fields if field not in told],
        encoding=arguments.encoding,
        delimiter=arguments.delimiter,
    )
    for note in leads.notes:
        screen.warn(note)
    grouping = _grouped(leads, policy, screen)
    _warn(grouping.faults, screen)
    return grouping


def _refuse_stores(file: str) -> None:
    """Refuse a store, and say how its leads become a file; its URL may hold a password."""
    ways = [way for scheme, way in _EXPORTS.items() if file.startswith(scheme)]
    if ways:
        msg = (
            "this reads a file of leads, not a store: export them first, such as with "
            f"{ways[0]}; or ask the store with leadfold customer STORE ID, or with leadfold "
            "backfill STORE --dry-run"
        )
        raise UsageError(msg)


def _refuse_streams(path: Path) -> None:
    """Refuse what can be read once only: a file is looked at before its leads are read."""
    if path.is_fifo() or path.is_char_device() or path.is_socket():
        msg = f"{path}: a stream, and leads are read from files alone: save it as one first"
        raise UsageError(msg)


def _told(arguments: Namespace, truth: str | None) -> Sources:
    """Return the sources told by mapping file, by flags over it, and for the *truth*."""
    told = {} if arguments.mapping is None else read_mapping(Path(arguments.mapping))
    told |= columns_from_flags(arguments.column)
    return told | ({TRUTH: Source((truth,))} if truth is not None else {})


def _refuse_unread(told: Sources, policy: Policy) -> None:
    """Refuse columns for fields that nothing reads: a kind misspelt, or a policy forgotten."""
    known = (*policy.fields, *SINGLE, "name", TRUTH)
    if unread := [field for field in told if field not in known]:
        msg = (
            f"columns are given for {', '.join(unread)}, which the policy does not read: "
            f"it reads {', '.join(policy.fields)}"
        )
        raise UsageError(msg)


def _grouped(leads: LeadFile, policy: Policy, screen: Screen) -> Grouping:
    """Read and group *leads*, batch by batch."""
    scanner, faults = Scanner(policy), FaultLog()
    truth: dict[str, Hashable] = {}
    with screen.progress("Reading leads") as advance:
        for batch in leads.batches(faults):
            ids = [str(lead_id) for lead_id in batch["id"]]
            scanner.add(ids, batch)
            truth.update(_labels(ids, batch.get(TRUTH, ())))
            advance(len(ids))
    resolution = group_columns(scanner.finish(), policy)
    evaluation = _evaluated(resolution, truth) if TRUTH in leads.sources else None
    return Grouping(leads.path, leads.sources, resolution, faults, evaluation)


def _labels(ids: list[str], cells: object) -> Iterator[tuple[str, Hashable]]:
    """Yield the leads whose person is known, with the person."""
    if isinstance(cells, list):
        yield from ((lead, label) for lead, label in zip(ids, cells, strict=True) if label)


def _evaluated(resolution: Resolution, truth: dict[str, Hashable]) -> Evaluation:
    """Hold the groups against *truth*, over the leads whose person is known."""
    labels = zip(resolution.columns.ids, resolution.partition.labels, strict=True)
    return evaluate({lead: label for lead, label in labels if lead in truth}, truth)


def _warn(faults: FaultLog, screen: Screen) -> None:
    """Name what could not be read: the first faults, and how many there are."""
    for fault in faults.first:
        screen.warn(str(fault))
    if faults.unseen:
        screen.warn(f"… and {faults.unseen} more")
