"""The store whose writers are killed, and what they write: the same for every adapter."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from leadfold import backfill, customers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadfold.backfill import Plan
    from leadfold.repository import Repository


Act: TypeAlias = "Callable[[Repository], str]"

__all__ = [
    "ACTS",
    "AT",
    "BACKFILL",
    "FIRST",
    "PREPARED",
    "Act",
    "fill_in",
    "leads_and_phones",
    "merge_and_back",
    "phones_of_known",
    "plan_of",
]

LEADS = 1_000
CROWD = 200  # leads of each of the two large customers
AT = datetime(2026, 1, 1, tzinfo=UTC)
BACKFILL = "r-backfill"
FIRST = "l0000"


def leads_and_phones() -> list[tuple[str, str, str]]:
    """Return id, name and phone of so many leads: two large groups, and pairs."""
    return [(f"l{number:04}", f"Lead {number}", _phone(number)) for number in range(LEADS)]


def phones_of_known() -> list[tuple[str, str]]:
    """Return id and phone of the customers that are there before any write."""
    return [(f"known{number}", _phone(LEADS - number)) for number in range(1, 20)]


def _phone(number: int) -> str:
    return f"+1212{3_000_000 + (number // CROWD if number < 2 * CROWD else number // 2 + 2)}"


def plan_of(repository: Repository) -> Plan:
    """Return the plan of the store's backfill; customers are called c0, c1, and so on."""
    numbers = count()
    return backfill.plan(repository, run_id=BACKFILL, new_id=lambda: f"c{next(numbers)}", now=AT)


def fill_in(repository: Repository) -> str:
    """Plan the backfill, and write it."""
    return backfill.apply(plan_of(repository), repository).run_id


def roll_back(repository: Repository) -> str:
    """Take the backfill back."""
    return backfill.rollback(BACKFILL, repository, new_run_id="r-rollback", now=AT).run_id


def merge(repository: Repository) -> str:
    """Let one of the large customers take over the other."""
    return customers.merge(repository, "c0", "c1", run_id="r-merge", now=AT).run_id


def split(repository: Repository) -> str:
    """Give two thirds of a large customer's leads two customers of their own."""
    thirds = [[f"l{number:04}" for number in range(part, CROWD, 3)] for part in (1, 2)]
    numbers = count()
    done = customers.split(
        repository, "c0", thirds, run_id="r-split", new_id=lambda: f"s{next(numbers)}", now=AT
    )
    return done.run_id


def erase(repository: Repository) -> str:
    """Forget the lead by which a customer was named, of whose row the ledger has copies."""
    return customers.erase(repository, FIRST, run_id="r-erase", now=AT).run_id


def merge_and_back(repository: Repository) -> str:
    """Let a large customer be retired, and come back."""
    run_id = customers.merge(repository, "c1", "c0", run_id="r-retired", now=AT).run_id
    return backfill.rollback(run_id, repository, new_run_id="r-restored", now=AT).run_id


ACTS: Mapping[str, Act] = {
    "backfill": fill_in,
    "rollback": roll_back,
    "merge": merge,
    "split": split,
    "erase": erase,
}
"""What is written, by name."""

PREPARED: Mapping[str, tuple[Act, ...]] = {
    "rollback": (fill_in,),
    "merge": (fill_in,),
    "split": (fill_in,),
    "erase": (fill_in, merge_and_back),
}
"""What is written before it."""
