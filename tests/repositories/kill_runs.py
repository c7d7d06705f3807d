"""Running a program that kills writers, from a test: pytest's own process has threads."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["killed"]

TESTS = Path(__file__).parent.parent


def killed(driver: str, place: str, kills: int) -> dict[str, Any]:
    """Let *driver* kill so many writers at random moments; return what it counted."""
    seed = secrets.randbits(32)
    ended = subprocess.run(  # noqa: S603 - this interpreter, our own program
        [
            *(sys.executable, "-m", f"repositories.{driver}", place),
            *("--kills", str(kills), "--seed", str(seed)),
        ],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"--seed {seed}: {ended.stderr}"
    counted: dict[str, Any] = json.loads(ended.stdout)
    return counted
