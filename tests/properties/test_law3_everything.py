"""Law 3 and the promises of ``fill``, whatever else happens to the store between two leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from properties.resolving_machine import (
    AsyncMachine,
    MemoryMachine,
    PostgresMachine,
    SQLiteMachine,
)

if TYPE_CHECKING:
    import pytest

    from properties.resolving_machine import ResolvingMachine

STEPS = 12


def _played(machine: type[ResolvingMachine], examples: int) -> None:
    machine.seen.clear()
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=STEPS)
    )
    print(dict(machine.seen))  # noqa: T201 - pytest -s shows it


def test_in_memory() -> None:
    """Steps by turns on the in-memory store."""
    _played(MemoryMachine, 60)
    wanted = {f"reconcile: {what}" for what in ("created", "attached", "merged", "split")}
    assert wanted <= MemoryMachine.seen.keys()


def test_in_sqlite() -> None:
    """Steps by turns on a SQLite file."""
    _played(SQLiteMachine, 15)


def test_in_postgres(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps by turns on a PostgreSQL schema."""
    monkeypatch.setattr(PostgresMachine, "server", postgres_dsn, raising=False)
    _played(PostgresMachine, 8)


def test_in_postgres_awaited(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for asyncio."""
    monkeypatch.setattr(PostgresMachine, "server", postgres_dsn, raising=False)
    _played(AsyncMachine, 4)
