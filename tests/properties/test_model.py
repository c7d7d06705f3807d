"""The engine against the model: groups, keys, stops with their reasons, suspicious groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import group
from leadfold.exceptions import ConflictingRulingsError
from leadfold.testing.strategies import Case, cases, rulings_for
from oracle.balance import balanced, enough
from oracle.dice import smaller, throw, throw_crowd
from oracle.model import Answer, ContradictionError, Record, Shared, Value, model_group
from oracle.reading import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypothesis.strategies import DataObject

    from leadfold import Lead, Resolution, Ruling
    from leadfold.policy import Strategy

SEEDS = 100_000
FEW = 400


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_the_engine_answers_as_the_model_does(strategy: Strategy) -> None:
    """Whatever the policy, the leads and the rulings."""
    with balanced() as balance:

        @enough(250)
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            assert _answer_of(resolution) == _model(case)

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_many_thrown_cases_agree_with_the_model(strategy: Strategy) -> None:
    """A few of the cases that the full run throws, always the same ones."""
    _compare(range(FEW), strategy)


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_suspicious_groups_are_those_of_the_model(strategy: Strategy) -> None:
    """Several of them, largest first; those that a must-link names whole are not listed."""
    seen = set()
    for seed in range(FEW):
        case = throw_crowd(seed, strategy)
        records = [
            Record(lead.id, (Value("psid", str(lead.psid)), *_emails(lead))) for lead in case.leads
        ]
        answer = _answer_of(group(case.leads, case.policy, rulings=case.rulings))
        assert answer == model_group(records, case.policy, case.rulings), f"seed {seed}"
        seen.add(len(answer.suspicious))
    assert {0, 1, 2, 3} <= seen


@pytest.mark.full
@pytest.mark.parametrize("strategy", ["keyed", "linked"])
@pytest.mark.parametrize("part", range(10))
def test_a_hundred_thousand_thrown_cases_agree_with_the_model(
    strategy: Strategy, part: int
) -> None:
    """A hundred thousand for each strategy, in ten parts."""
    _compare(range(part * SEEDS // 10, (part + 1) * SEEDS // 10), strategy)


def test_named_rulings_are_a_contradiction_by_themselves() -> None:
    """The error names rulings that contradict each other without any other's help."""

    @enough(100)
    @given(st.data())
    def law(data: DataObject) -> None:
        case = data.draw(cases(rulings=False))
        rulings = data.draw(rulings_for(case.leads, consistent=False))
        try:
            group(case.leads, case.policy, rulings=rulings)
            named = None
        except ConflictingRulingsError as error:
            named = {*error.ruling_ids}
        assert _contradict(case, rulings) == (named is not None)
        if named is not None:
            assert named <= {ruling.id for ruling in rulings}
            assert _contradict(case, [ruling for ruling in rulings if ruling.id in named])

    law()


def _emails(lead: Lead) -> Iterator[Value]:
    return (Value("email", text) for text in lead.email or ())


def _compare(seeds: Iterable[int], strategy: Strategy) -> None:
    """Fail at the first seed where engine and model differ, with a case as small as can be."""
    for seed in seeds:
        case = throw(seed, strategy)
        if _differ(case):
            small = smaller(case, _differ)
            assert _engine(small) == _model(small), f"seed {seed}: {small}"


def _differ(case: Case) -> bool:
    return _engine(case) != _model(case)


def _engine(case: Case) -> Answer | None:
    """Return what the engine says, or None for a contradiction."""
    try:
        return _answer_of(group(case.leads, case.policy, rulings=case.rulings))
    except ConflictingRulingsError:
        return None


def _model(case: Case) -> Answer | None:
    """Return what the model says, or None for a contradiction."""
    try:
        return model_group(records_of(case), case.policy, case.rulings)
    except ContradictionError:
        return None


def _contradict(case: Case, rulings: Iterable[Ruling]) -> bool:
    return _model(Case(case.policy, case.leads, tuple(rulings))) is None


def _answer_of(resolution: Resolution) -> Answer:
    """Return *resolution* in the model's words."""
    return Answer(
        groups=tuple((found.key, found.kind, found.lead_ids) for found in resolution.groups),
        stops={
            stop.identifier.key: Shared(stop.lead_ids, stop.group_keys, stop.reasons)
            for stop in resolution.stops
        },
        suspicious=tuple(found.key for found in resolution.suspicious),
    )
