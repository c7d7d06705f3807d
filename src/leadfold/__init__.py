"""Folds leads into customers: deterministic, explained, reversible.

`group` decides which leads are one person; `leadfold.backfill` plans and writes that decision
into a store. Adapters other than the in-memory one are imported by their full path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadfold import backfill
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
    from leadfold.repositories.memory.asynchronous import AsyncInMemoryRepository
    from leadfold.resolver import Resolver

    __version__: str

__all__ = [
    "AsyncInMemoryRepository",
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
    "Resolver",
    "Ruling",
    "backfill",
    "group",
    "normalize_email",
    "normalize_phone",
    "normalize_psid",
    "own_normalizer",
]

_HOME = {
    "exceptions": ("LeadfoldError",),
    "grouping": ("Resolution", "group"),
    "model": ("Customer", "Dependent", "Group", "Identifier", "Lead", "Ruling"),
    "normalizers": (
        "Normalizer",
        "Reason",
        "normalize_email",
        "normalize_phone",
        "normalize_psid",
        "own_normalizer",
    ),
    "policy": ("IdentifierRule", "Policy"),
    "repositories.memory": ("InMemoryRepository",),
    "repositories.memory.asynchronous": ("AsyncInMemoryRepository",),
    "resolver": ("Resolver",),
}
"""Where each name lives. It is loaded when it is first asked for: a program that only normalizes
phones never loads the engine, and ``import leadfold`` itself costs next to nothing."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module, and keep it."""
    if name in _MODULE_OF:
        value = getattr(import_module(f"leadfold.{_MODULE_OF[name]}"), name)
    elif name == "backfill":
        value = import_module("leadfold.backfill")
    elif name == "__version__":
        value = import_module("importlib.metadata").version("leadfold")
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*__all__, "__version__", *globals()})
