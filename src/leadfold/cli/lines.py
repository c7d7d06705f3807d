"""Lines of text that several commands share: figures in columns, findings cut short. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.backfill import Report

__all__ = ["few", "figures", "listed", "times"]

_SHOWN = 5
_WIDTH = 24


def figures(pairs: Sequence[tuple[str, object]]) -> Iterator[str]:
    """Yield names and values in two columns, the first as wide as the original's or wider."""
    width = max(_WIDTH, *(len(name) + 2 for name, _ in pairs))
    yield from (f"   {name + ':':<{width}}{value}" for name, value in pairs)


def listed(title: str, lines: Iterable[str], shown: int = _SHOWN) -> Iterator[str]:
    """Yield *title* with how many *lines* there are, the first few of them, and how many more."""
    found = list(lines)
    if found:
        yield ""
        yield f"{title} ({len(found)}):"
        yield from (f"   {line}" for line in found[:shown])
        if len(found) > shown:
            yield f"   … and {len(found) - shown} more (--json lists them all)"


def few(names: Iterable[str]) -> str:
    """Return the first few *names* on one line."""
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def times(phases: Mapping[str, float], report: Report | None) -> Iterator[str]:
    """Yield how long each of *phases* took and, where anything was written, as which run."""
    took = {**phases, "Total": sum(phases.values())}
    written = {"SQL statements": report.statements, "Run": report.run_id} if report else {}
    yield ""
    yield "Time:"
    yield from figures(
        [*((phase, f"{seconds:.2f} s") for phase, seconds in took.items()), *written.items()]
    )
