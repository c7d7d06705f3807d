"""Folds leads into customers: deterministic, explained, reversible.

`group` decides which leads are one person; `leadfold.backfill` plans and writes that decision
into a store. Adapters other than the in-memory one are imported by their full path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import backfill
from leadfold.evaluate import Evaluation, evaluate
from leadfold.exceptions import LeadfoldError
from leadfold.grouping import Resolution, group
from leadfold.model import Customer, Dependent, Group, Identifier, Lead, Ruling
from leadfold.normalizers import (
    Normalizer,
    Reason,
    normalize_email,
    normalize_phone,
    normalize_psid,
    own_normalizer,
)
from leadfold.policy import IdentifierRule, Policy
from leadfold.repositories.memory import InMemoryRepository

__all__ = [
    "Customer",
    "Dependent",
    "Evaluation",
    "Group",
    "Identifier",
    "IdentifierRule",
    "InMemoryRepository",
    "Lead",
    "LeadfoldError",
    "Normalizer",
    "Policy",
    "Reason",
    "Resolution",
    "Ruling",
    "backfill",
    "evaluate",
    "group",
    "normalize_email",
    "normalize_phone",
    "normalize_psid",
    "own_normalizer",
]

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: reading package metadata takes milliseconds."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - only here, and only now

        return version("leadfold")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
