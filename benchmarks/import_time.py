"""How long ``import leadfold`` takes above a bare interpreter: medians of interleaved runs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from machine import describe

RUNS = 21


def seconds(code: str) -> float:
    """Return how long an interpreter takes to run *code* and end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - constants
    return time.perf_counter() - start


def main() -> None:
    """Print the medians, and what each import takes above the bare interpreter."""
    codes = ("pass", "import attrs", "import leadfold", "from leadfold import group, Lead, Policy")
    rounds = [[seconds(code) for code in codes] for _ in range(RUNS)]
    medians = [statistics.median(column) * 1000 for column in zip(*rounds, strict=True)]
    print(describe())
    for code, median in zip(codes, medians, strict=True):
        print(f"{code:44} {median:4.0f} ms, {median - medians[0]:+4.0f} ms above bare Python")


if __name__ == "__main__":
    main()
