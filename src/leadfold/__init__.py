"""Folds leads into customers: deterministic, explained, reversible.

`group` decides which leads are one person; `leadfold.backfill` plans and writes that decision
into a store. Adapters other than the in-memory one are imported by their full path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from leadfold import backfill
    from leadfold.repositories.memory import InMemoryRepository

    __version__: str

__all__ = [
    "Customer",
    "Dependent",
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
    "group",
    "normalize_email",
    "normalize_phone",
    "normalize_psid",
    "own_normalizer",
]


def __getattr__(name: str) -> object:
    """Load what is not needed by everybody when it is first asked for."""
    if name == "backfill":
        return import_module("leadfold.backfill")
    if name == "InMemoryRepository":
        return import_module("leadfold.repositories.memory").InMemoryRepository
    if name == "__version__":
        return import_module("importlib.metadata").version("leadfold")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
