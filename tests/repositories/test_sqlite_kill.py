"""A process killed while it writes leaves a SQLite store as before or as planned.

The children are forked by a program of its own, `kill_driver`: pytest's process has threads.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from repositories.kill_deeds import ACTS
from repositories.kill_runs import killed

MEMORY = Path("/dev/shm")  # noqa: S108 - only to be faster


@pytest.mark.parametrize("kills", [200, pytest.param(2_000, marks=pytest.mark.full)])
def test_a_killed_writer_leaves_all_or_nothing(kills: int) -> None:
    """Every table is as before or as an undisturbed write leaves it, leadfold's own included.

    Killed are backfills, rollbacks, merges, splits and erasures, in WAL mode and in DELETE mode,
    from outside at a random time and by themselves at a random statement or step.
    """
    # What a killed process wrote is the system's, on a disk or not: no round need wait for one.
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="leadfold-", dir=place) as folder:
        counted = killed("kill_driver", folder, kills)
    assert counted["kills"] == sum(counted["left"].values()) >= kills
    assert counted["left"].keys() == {"before", "after"}
    for deed in ACTS:
        for journal in ("wal", "delete"):
            for how in ("from outside", "by itself"):
                key = f"{deed} in {journal} mode, {how}: "
                assert any(cell.startswith(key) for cell in counted["by"])
    assert counted["remains"].keys() == {"-wal", "-journal"}  # writes were interrupted midway
