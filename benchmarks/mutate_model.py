"""Break the slow model on purpose: does the differential test notice every mutant of it?

mutmut makes the mutants of tests/oracle/model.py; each is held against the answers of the engine,
on thrown cases and crowds, in a process of its own. Evidence, which the tests of explanations
ask the model for, is held against the model's own. Nothing is written to the repository.
Run: ``python benchmarks/mutate_model.py [seeds] [part of a name]`` (minutes).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mutmut.mutation.file_mutation import mutate_file_contents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.policy import Strategy

TESTS = Path(__file__).parents[1] / "tests"
MUTANT = "MUTANT_UNDER_TEST"
SEEDS = 400
SECONDS = 150
STRATEGIES: tuple[Strategy, ...] = ("linked", "keyed")
FAILED = object()
Question = Callable[[], object]


def mutated(folder: Path) -> list[str]:
    """Copy the oracle to *folder* with all mutants in its model; return their names."""
    shutil.copytree(TESTS / "oracle", folder / "oracle")
    model = folder / "oracle" / "model.py"
    found = mutate_file_contents(str(model), model.read_text("utf-8"))
    model.write_text(found.code, "utf-8")
    return [f"oracle.model.{name}" for name in found.mutant_names]


def test_module() -> Any:  # noqa: ANN401 - a module, by its path
    """Return the differential test."""
    path = TESTS / "properties" / "test_model.py"
    spec = spec_from_file_location("differential", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def questions(test: Any, seeds: int) -> Iterator[tuple[str, Question]]:  # noqa: ANN401
    """Yield what a mutant is asked, with a name; the right answers are those of the whole model."""
    from oracle.dice import throw  # noqa: PLC0415 - the copy with the mutants
    from oracle.model import model_evidence  # noqa: PLC0415
    from oracle.reading import records_of  # noqa: PLC0415

    for seed, strategy in product(range(seeds), STRATEGIES):
        case = throw(seed, strategy)
        yield f"seed {seed}", partial(test._differ, case)  # noqa: SLF001
        if test._engine(case) is not None:  # noqa: SLF001 - a contradiction has no evidence
            asked = records_of(case), case.policy, case.rulings
            yield f"evidence of seed {seed}", partial(model_evidence, *asked)
    for strategy in STRATEGIES:
        yield "a crowd", partial(test.test_suspicious_groups_are_those_of_the_model, strategy)


def verdict(name: str, asked: list[tuple[str, Question, object]]) -> str:
    """Return what became of a mutant, in a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.environ[MUTANT] = name
        signal.alarm(SECONDS)  # ends the process
        told = "survived"
        for question, ask, right in asked:
            answer: object = FAILED
            with suppress(Exception):
                answer = ask()
            if answer != right:
                told = f"killed by {question}"
                break
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.wait()
    return told or "timed out"


def main(seeds: int, part: str) -> None:
    """Print what became of the mutants with *part* in their name, and name those that live."""
    with TemporaryDirectory() as folder:
        os.environ[MUTANT] = ""
        names = [name for name in mutated(Path(folder)) if part in name]
        sys.path[:0] = [folder, str(TESTS)]
        asked = [(name, ask, ask()) for name, ask in questions(test_module(), seeds)]
        wrong = [name for name, _, right in asked if right is True]
        assert not wrong, f"engine and model differ without any mutant: {wrong}"
        told = {name: verdict(name, asked) for name in names}
    for outcome in ("killed", "timed out", "survived"):
        print(f"{outcome}: {sum(each.startswith(outcome) for each in told.values())}")
    print(*(f"  {name}: {each}" for name, each in told.items() if "killed" not in each), sep="\n")


if __name__ == "__main__":
    given = [*sys.argv[1:], str(SEEDS), ""]
    main(int(given[0]), given[1] if len(sys.argv) > 2 else "")
