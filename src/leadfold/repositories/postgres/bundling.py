"""Several questions answered at once: their statements travel together, round by round. Steps."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast

from leadfold.repositories.postgres.steps import Answer, Together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leadfold.asking import Call
    from leadfold.repositories.postgres.reading import Reading
    from leadfold.repositories.postgres.steps import Query, Statement, Steps

__all__ = ["answered"]

T = TypeVar("T")

_BATCHES = frozenset({"leads", "customers"})
"""The verbs that are told in batches, by one query."""

_LISTS = frozenset(
    {"dependents", "unexplained", "links", "pointing_at", "history", "entries", "later"}
)
"""The verbs that are told one by one, by a query for each table."""


def answered(reading: Reading, calls: Sequence[Call]) -> Steps[list[object]]:
    """Return the answers to *calls*, in order."""
    return (yield from _in_step([_steps(reading, call) for call in calls]))


def _steps(reading: Reading, call: Call) -> Steps[object]:
    found = getattr(reading, call.verb)(*call.given, **call.named)
    if call.verb in _BATCHES:
        return _batch(cast("Query[object]", found))
    if call.verb in _LISTS:
        return _all(cast("Iterable[Query[list[object]]]", found))
    return cast("Steps[object]", found)


def _batch(query: Query[object]) -> Steps[object]:
    answer = yield query.statement
    return [query.made(answer.rows)]


def _all(queries: Iterable[Query[list[object]]]) -> Steps[object]:
    asked = list(queries)
    answer = yield Together(tuple(query.statement for query in asked))
    return [
        one for query, part in zip(asked, answer.each, strict=True) for one in query.made(part.rows)
    ]


def _in_step(all_steps: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Run several steps side by side: what they ask for in one round travels together."""
    results: dict[int, T] = {}
    answers: dict[int, Answer | None] = dict.fromkeys(range(len(all_steps)))
    while answers:
        asked: dict[int, Statement | Together] = {}
        for number, before in answers.items():
            try:
                step = all_steps[number].send(before)  # type: ignore[arg-type] # None begins it
                asked[number] = cast("Statement | Together", step)
            except StopIteration as e:
                results[number] = e.value
        statements = [each for step in asked.values() for each in _statements(step)]
        answer = (yield Together(tuple(statements))) if statements else Answer()
        parts = iter(answer.each)
        answers = {number: _answer(step, parts) for number, step in asked.items()}
    return [results[number] for number in range(len(all_steps))]


def _statements(step: Statement | Together) -> tuple[Statement, ...]:
    return step.statements if isinstance(step, Together) else (step,)


def _answer(step: Statement | Together, parts: Iterator[Answer]) -> Answer:
    """Return the answer to *step*, taken from those of its round."""
    if isinstance(step, Together):
        return Answer(each=tuple(islice(parts, len(step.statements))))
    return next(parts)
