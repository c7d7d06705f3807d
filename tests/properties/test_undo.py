"""Undo is exact: any sequence of writes, by anybody, and any run taken back at any time."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from properties.undo_machine import MemoryMachine, SQLiteMachine

_FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"


def test_undo_is_exact_in_memory() -> None:
    """Steps by turns on the in-memory store."""
    examples = 20_000 if _FULL else 150
    run_state_machine_as_test(
        MemoryMachine, settings=settings(max_examples=examples, stateful_step_count=30)
    )


def test_undo_is_exact_in_sqlite() -> None:
    """Steps by turns on a SQLite file."""
    examples = 2_000 if _FULL else 25
    run_state_machine_as_test(
        SQLiteMachine, settings=settings(max_examples=examples, stateful_step_count=30)
    )
