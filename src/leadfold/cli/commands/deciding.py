"""``leadfold merge``, ``split`` and ``erase``: what a person decides about customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.decision_text import (
    Deeds,
    decision_json,
    erase_lines,
    merge_lines,
    split_lines,
)
from leadfold.cli.opening import open_policy, open_store
from leadfold.cli.outcomes import DONE
from leadfold.cli.rollback_text import rollback_command
from leadfold.customers import customer, erase, merge, split

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from leadfold.backfill import Report
    from leadfold.cli.screen import Screen
    from leadfold.repository import Repository

__all__ = ["run_erase", "run_merge", "run_split"]


def run_merge(arguments: Namespace, screen: Screen) -> Answer:
    """Let one customer take over all of another."""
    del screen
    keep, absorb = arguments.keep, arguments.absorb
    with open_store(arguments) as repository:
        report = merge(repository, keep, absorb, actor=arguments.actor)
        deeds = _deeds(repository, report)
    return Answer(
        DONE,
        lambda: {"customer": keep, "absorbed": absorb, **decision_json(report, deeds)},
        lambda screen: _show(
            [*merge_lines(keep, absorb, deeds), _way_back(report, arguments)], screen
        ),
    )


def run_split(arguments: Namespace, screen: Screen) -> Answer:
    """Give leads of a customer customers of their own."""
    del screen
    policy = open_policy(arguments)
    with open_store(arguments) as repository:
        report = split(
            repository,
            arguments.customer,
            arguments.part,
            policy=policy,
            stored_phone=arguments.stored_phone,
            actor=arguments.actor,
            created_by=arguments.created_by,
        )
        deeds = _deeds(repository, report)
        staying = tuple(lead.id for lead in customer(repository, arguments.customer).leads)
    return Answer(
        DONE,
        lambda: {
            "customer": arguments.customer,
            "leads_staying": list(staying),
            "new_customers": list(deeds.founded),
            **decision_json(report, deeds),
        },
        lambda screen: _show(
            [*split_lines(arguments.customer, staying, deeds), _way_back(report, arguments)],
            screen,
        ),
    )


def run_erase(arguments: Namespace, screen: Screen) -> Answer:
    """Blank what is kept of a lead, for good."""
    del screen
    policy = open_policy(arguments)
    with open_store(arguments) as repository:
        report = erase(repository, arguments.lead, policy=policy, actor=arguments.actor)
        deeds = _deeds(repository, report)
    blanked = {customer: list(columns) for customer, columns in deeds.blanked.items()}
    return Answer(
        DONE,
        lambda: {"lead": arguments.lead, "blanked": blanked, **decision_json(report, deeds)},
        lambda screen: _show([*erase_lines(arguments.lead, deeds), f"Run {report.run_id}"], screen),
    )


def _deeds(repository: Repository, report: Report) -> Deeds:
    with repository.reading() as reader:
        return Deeds.of(reader.entries(report.run_id))


def _way_back(report: Report, arguments: Namespace) -> str:
    return f"Run {report.run_id}; to undo it: {rollback_command(arguments, report.run_id)}"


def _show(lines: Iterable[str], screen: Screen) -> None:
    for line in lines:
        screen.data(line)
