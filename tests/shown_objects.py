"""One of every object that notebooks show, made of texts that a test chooses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadfold import IdentifierRule, Lead, Policy, group, own_normalizer
from leadfold.backfill import Check, GroupSize, Mismatch, Plan, Report, RollbackPlan, Validation
from leadfold.backfill.plan import Drift
from leadfold.backfill.rollback import Blocker
from leadfold.changes import Run, Stats, UnitFailure
from leadfold.compare import compare
from leadfold.evaluate import evaluate
from leadfold.explanations import RULING, Tie, Why
from leadfold.resolving.deciding import Decision, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold import Resolution
    from leadfold.sheets import Shown

__all__ = ["contested", "shown_objects"]

NOTE = own_normalizer("note", "1", lambda raw: raw)
"""A kind whose values are any text: what a stranger may type is what is grouped by."""


def contested(text: str) -> Resolution:
    """Group leads whose ids and values all hold *text*; one of them two others claim."""
    policy = Policy(
        [
            IdentifierRule("badge", limit=1, normalizer=NOTE),
            IdentifierRule("note", normalizer=NOTE),
        ],
        strategy="linked",
    )
    held: list[tuple[str, dict[str, str | tuple[str, ...]]]] = [
        ("a", {"badge": f"{text}1", "note": text}),
        ("b", {"badge": f"{text}1"}),
        ("c", {"badge": f"{text}2", "note": text}),
        ("d", {"note": (text, f"{text}alone")}),
        ("e", {"note": f"{text}{'x' * 600}"}),
    ]
    held += [(f"s{n}", {"badge": f"{text}3", "note": f"{text}{n}"}) for n in range(7)]
    return group([Lead(f"{text}{name}", fields=fields) for name, fields in held], policy)


def shown_objects(text: str) -> Iterator[Shown]:
    """Yield one of every object that notebooks show, *text* in every field that holds text."""
    resolution = contested(text)
    yield resolution
    yield resolution.what_if(limits={"badge": None})
    yield resolution.why(f"{text}a", f"{text}b")
    yield Why(text, text, (Tie(text, text, RULING, ruling_id=text),))
    yield resolution.why_not(f"{text}a", f"{text}c")
    cases = resolution.review()
    yield cases
    yield from cases
    truth = dict.fromkeys(resolution.columns.ids, text)
    yield compare(resolution, truth)
    yield evaluate(truth, truth)
    yield from _of_a_store(text)


def _of_a_store(text: str) -> Iterator[Shown]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(text, text, "refuse", text, text, moment, text, {text: text})
    stats = Stats(customers_created=1234, errors=({text: text},), extra={"leadsMoved": 2})
    yield Plan(
        run,
        stats,
        {text: 3, "individual": 1},
        4,
        text,
        (),
        drift=(Drift((f"note:{text}",), (text,)),),
        mismatches=(Mismatch(text, text, None, 2, text),),
        notes=(text,),
        unreadable=((text, text),),
        large=(GroupSize(f"note:{text}", 9),),
        merges=((text, text),),
        pinned=(text,),
    )
    yield Report(text, stats, (UnitFailure(1, (text,), "fault", text),), 3)
    blockers = (Blocker(1, text, text, text, text),)
    yield RollbackPlan(run, run, (), stats, blockers=blockers, notes=(text,))
    yield Validation((Check(text, text, text, "fail", ok=False, samples=(text,)),))
    event = Event("lead_linked", text, text, text)
    yield Decision(text, text, "attached", (text,), (event,))
