"""A process killed while it writes leaves a PostgreSQL store as before or as planned.

The children are forked by a program of its own, `postgres_kill_driver`.
"""

from __future__ import annotations

import pytest

from repositories.kill_deeds import ACTS
from repositories.kill_runs import killed


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.full)])
def test_a_killed_writer_leaves_all_or_nothing(postgres_dsn: str, kills: int) -> None:
    """Every table is as before or as an undisturbed write leaves it, leadfold's own included.

    Killed are backfills, rollbacks, merges, splits and erasures, from outside at a random time and
    by themselves beside a random statement.
    """
    counted = killed("postgres_kill_driver", postgres_dsn, kills)
    print(f"{kills} kills: {counted['by']}")  # noqa: T201 - pytest -s shows it
    assert counted["kills"] == sum(counted["left"].values()) >= kills
    assert counted["left"].keys() <= {"before", "after"}
    assert counted["left"]["before"] > 0
    assert kills < 200 or counted["left"]["after"] > 0
    for deed in ACTS:
        for how in ("from outside", "by itself"):
            assert any(cell.startswith(f"{deed}, {how}: ") for cell in counted["by"])
