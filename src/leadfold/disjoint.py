"""Union-find over whole numbers: which of them belong together. No recursion, no randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DisjointSets"]


class DisjointSets:
    """Sets of the numbers 0 to *size* - 1; a set is named by its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, member: int) -> int:
        """Return the smallest number of *member*'s set."""
        parent = self._parent
        while parent[member] != member:
            parent[member] = member = parent[parent[member]]  # path halving
        return member

    def join(self, one: int, other: int) -> None:
        """Put two members into one set."""
        one, other = self.find(one), self.find(other)
        if one < other:
            self._parent[other] = one
        else:
            self._parent[one] = other

    def union(self, members: Iterable[int]) -> None:
        """Put all *members* into one set."""
        root = -1
        for member in members:
            found = self.find(member)
            if root < 0:
                root = found
            elif found < root:
                self._parent[root] = root = found
            else:
                self._parent[found] = root
