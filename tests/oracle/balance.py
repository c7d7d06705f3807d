"""Keeps a property honest: its examples must hold joins and stops, or it shows nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold import Resolution

__all__ = ["Balance", "balanced", "enough"]

LEAST = 0.3


@attrs.define
class Balance:
    """How many examples a property saw, and how many of them held a join, and a stop."""

    examples: int = 0
    joins: int = 0
    stops: int = 0

    def note(self, resolution: Resolution) -> None:
        """Count one example."""
        self.examples += 1
        self.joins += any(len(group) > 1 for group in resolution.groups)
        self.stops += bool(resolution.stops)

    def check(self) -> None:
        """Fail unless three examples in ten held a join, and three in ten a stop."""
        least = LEAST * self.examples
        assert self.examples, "the property saw no example"
        assert self.joins >= least, f"too few examples with a join: {self}"
        assert self.stops >= least, f"too few examples with a stop: {self}"


@contextmanager
def balanced() -> Iterator[Balance]:
    """Lend a `Balance` and check it at the end; a failing property keeps its own error."""
    balance = Balance()
    yield balance
    balance.check()


def enough(percent: int = 100) -> settings:
    """Return settings for *percent* of the examples that the profile asks for."""
    return settings(max_examples=settings().max_examples * percent // 100)
