"""Plays the machines of `resolving_machine` for as many steps as asked for, seed by seed.

``PYTHONPATH=tests python -m properties.resolving_runs [memory|sqlite|postgres|async] [--steps N]
[--seed S]``: after each seed it prints the next one, and how many steps were made since the start.
Begin there to go on; a failing seed prints the smallest steps that fail.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from postgres_server import running_server
from properties.resolving_machine import (
    AsyncMachine,
    MemoryMachine,
    PostgresMachine,
    SQLiteMachine,
)

if TYPE_CHECKING:
    from properties.resolving_machine import ResolvingMachine

MACHINES: dict[str, type[ResolvingMachine]] = {
    "memory": MemoryMachine,
    "sqlite": SQLiteMachine,
    "postgres": PostgresMachine,
    "async": AsyncMachine,
}
AT_ONCE = 20
"""How many stores one seed makes."""
LENGTH = 50
"""How many steps each of them sees at most."""


def play(machine: type[ResolvingMachine], steps: int, first: int) -> None:
    """Play seeds from *first* on until *steps* were made."""
    how = settings(
        max_examples=AT_ONCE,
        stateful_step_count=LENGTH,
        deadline=None,
        derandomize=False,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    began, number = perf_counter(), first
    while machine.seen["steps"] < steps:
        seed(number)(machine)
        sys.stdout.write(f"seed {number} ")
        sys.stdout.flush()
        run_state_machine_as_test(machine, settings=how)
        number += 1
        seconds = perf_counter() - began
        told = f"held: {machine.seen['steps']:,} steps in {seconds:,.0f} s; next seed {number}\n"
        sys.stdout.write(told)
    for what, count in sorted(machine.seen.items()):
        sys.stdout.write(f"  {what}: {count:,}\n")


def main() -> None:
    """Play, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", nargs="?", choices=MACHINES, default="memory")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    machine = MACHINES[told.store]
    if not issubclass(machine, PostgresMachine):
        play(machine, told.steps, told.seed)
        return
    with running_server() as machine.server:
        play(machine, told.steps, told.seed)


if __name__ == "__main__":
    main()
