"""The page of truth sets shows what its script computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_what_the_script_prints() -> None:
    """Every figure of `docs/truth-sets.md`: run `benchmarks/truth_sets.py` and paste."""
    page = (ROOT / "docs" / "truth-sets.md").read_text("utf-8")
    _, _, after = page.partition("<!-- printed by benchmarks/truth_sets.py -->")
    shown, end, _ = after.partition("<!-- end -->")
    printed = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, ROOT / "benchmarks" / "truth_sets.py"],
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8"},
    )
    assert end
    assert shown.strip() == printed.stdout.strip()
