"""How long ``import leadfold`` takes above a bare interpreter: medians of interleaved runs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 21


def seconds(code: str) -> float:
    """Return how long an interpreter takes to run *code* and end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - constants
    return time.perf_counter() - start


def main() -> None:
    """Print the two medians, and the difference in milliseconds."""
    pairs = [(seconds("pass"), seconds("import leadfold")) for _ in range(RUNS)]
    bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"bare {bare * 1000:.0f} ms, leadfold {ours * 1000:.0f} ms: +{(ours - bare) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
