"""``leadfold demo``: the main job on sample leads, in a store that needs no set-up."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from leadfold import backfill
from leadfold.changes import InsertCustomer
from leadfold.cli.answers import Answer
from leadfold.cli.demo_store import make_demo_store
from leadfold.cli.demo_text import Demo, Once, demo_json, show_demo
from leadfold.cli.opening import sqlite_path
from leadfold.cli.outcomes import DONE, UsageError, asked_for
from leadfold.cli.telling import tell_grouping, tell_rest, tell_written
from leadfold.cli.watching import Watcher
from leadfold.customers import customer
from leadfold.evaluate import evaluate
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.samples import sample_leads

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from leadfold.backfill import Plan, Report
    from leadfold.cli.screen import Screen
    from leadfold.evaluate import Evaluation
    from leadfold.repository import Repository
    from leadfold.testing.samples import SampleLead

__all__ = ["run_demo"]


def run_demo(arguments: Namespace, screen: Screen) -> Answer:
    """Fill a store with sample leads, backfill it twice, and show what came of it."""
    raw = arguments.show_values
    with _new_store(arguments.store) as path:
        samples = sample_leads(arguments.leads, arguments.seed)
        jobs = make_demo_store(path, samples)
        where = arguments.store or "a temporary SQLite file"
        screen.say(f"{len(samples)} sample leads, messy on purpose, and {jobs} jobs in {where}\n")
        with SQLiteRepository(path) as repository:
            first = _told(repository, screen)
            views = [customer(repository, found) for found in _remarkable(first.plan)]
            evaluation = _evaluated(repository, samples)
            second = _again(repository)
    demo = Demo(arguments.store, first, second, tuple(views), evaluation)
    return Answer(
        DONE,
        lambda: demo_json(demo, show_values=raw),
        lambda screen: show_demo(demo, screen, show_values=raw),
    )


@contextmanager
def _new_store(store: str | None) -> Iterator[Path]:
    """Yield the path of a file that is not there yet: the one asked for, or one that goes away."""
    if store is None:
        with TemporaryDirectory(prefix="leadfold-demo-") as folder:
            yield Path(folder) / "demo.db"
        return
    path = sqlite_path(store)
    if path.exists():
        msg = f"{path}: is there already, and the demo needs a store of its own: name a new file"
        raise UsageError(msg)
    with asked_for(path):
        path.touch(exist_ok=False)
    yield path


def _told(repository: Repository, screen: Screen) -> Once:
    """Backfill *repository* and tell of the stages."""
    watcher = Watcher(screen)
    with watcher.planning():
        plan = backfill.plan(repository, reporter=watcher)
    tell_grouping(plan, screen)
    plan.check()
    with watcher.writing(plan.stats.leads_linked):
        report = backfill.apply(plan, repository, reporter=watcher)
    tell_written(plan, report, screen, verbose=False)
    tell_rest(plan, report, watcher, screen)
    return Once(plan, report, watcher.phases)


def _again(repository: Repository) -> Report:
    """Backfill *repository* once more, as a program would."""
    plan = backfill.plan(repository)
    plan.check()
    return backfill.apply(plan, repository)


def _remarkable(plan: Plan) -> list[str]:
    """Return the new customer with the most leads of each group type."""
    largest: dict[str, tuple[int, str]] = {}
    for unit in plan.units:
        for change in unit.changes:
            if isinstance(change, InsertCustomer) and isinstance(
                metadata := change.row["metadata"], dict
            ):
                kind, found = metadata["groupType"], (metadata["leadCount"], change.customer_id)
                largest[kind] = max(largest.get(kind, found), found)
    return [largest[kind][1] for kind in plan.counts if kind in largest]


def _evaluated(repository: Repository, samples: Sequence[SampleLead]) -> Evaluation:
    """Hold the links that were written against whom each lead truly came from."""
    with repository.reading() as reader:
        links = {
            lead: link
            for batch in reader.leads()
            for lead, link in zip(batch.ids, batch.customer_ids, strict=True)
        }
    return evaluate(links, {sample.lead.id: sample.truth for sample in samples})
