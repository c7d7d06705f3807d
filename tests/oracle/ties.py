"""Ties in the words of the slow model: what joined, and how strong it is. No engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadfold import Policy
    from leadfold.explanations import Tie

__all__ = ["name_of", "strength"]


def name_of(tie: Tie) -> tuple[str, str]:
    """Return level and text of *tie*, as the model names evidence."""
    return tie.level, str(tie.ruling_id) if tie.identifier is None else tie.identifier.key


def strength(policy: Policy, level: str, text: str) -> int:
    """Return how strong evidence is: rulings, then keys, then values, each in the policy's order.

    The smaller the stronger.
    """
    if level == "ruling":
        return 0
    place = [*policy.kinds, "individual"].index(text.partition(":")[0])
    return 1 + place if level == "key" else 2 + len(policy.kinds) + place
