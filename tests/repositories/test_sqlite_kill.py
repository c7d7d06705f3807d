"""A process killed while it writes leaves a SQLite store as before or as planned.

The children are forked by a program of its own, `kill_driver`: pytest's process has threads.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

TESTS = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")  # noqa: S108 - only to be faster
DEEDS = ("backfill", "rollback", "merge", "split", "erase")


def killed(kills: int) -> dict[str, Any]:
    """Kill so many writers at random moments; return what was counted."""
    # What a killed process wrote is the system's, on a disk or not: no round need wait for one.
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    seed = secrets.randbits(32)
    with TemporaryDirectory(prefix="leadfold-", dir=place) as folder:
        driver = subprocess.run(  # noqa: S603 - this interpreter, our own program
            [
                *(sys.executable, "-m", "repositories.kill_driver", folder),
                *("--kills", str(kills), "--seed", str(seed)),
            ],
            cwd=TESTS,
            capture_output=True,
            text=True,
            check=False,
        )
    assert driver.returncode == 0, f"--seed {seed}: {driver.stderr}"
    counted: dict[str, Any] = json.loads(driver.stdout)
    return counted


@pytest.mark.parametrize("kills", [200, pytest.param(2_000, marks=pytest.mark.full)])
def test_a_killed_writer_leaves_all_or_nothing(kills: int) -> None:
    """Every table is as before or as an undisturbed write leaves it, leadfold's own included.

    Killed are backfills, rollbacks, merges, splits and erasures, in WAL mode and in DELETE mode,
    from outside at a random time and by themselves at a random statement or step.
    """
    counted = killed(kills)
    assert counted["kills"] == sum(counted["left"].values()) >= kills
    assert counted["left"].keys() == {"before", "after"}
    for deed in DEEDS:
        for journal in ("wal", "delete"):
            for how in ("from outside", "by itself"):
                key = f"{deed} in {journal} mode, {how}: "
                assert any(cell.startswith(key) for cell in counted["by"])
    assert counted["remains"].keys() == {"-wal", "-journal"}  # writes were interrupted midway
