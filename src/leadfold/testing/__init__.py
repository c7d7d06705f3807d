"""What tests of programs that use leadfold need. Loads nothing before it is asked for.

`sample_leads` works with the core alone, as does `BlockingRepository`, which puts an async
repository under the contract; `RepositoryContract` and the Hypothesis `strategies` need the extra
``testing``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from leadfold.exceptions import MissingExtraError

if TYPE_CHECKING:
    from leadfold.testing import strategies
    from leadfold.testing.blocking import BlockingRepository
    from leadfold.testing.contract import RepositoryContract
    from leadfold.testing.samples import sample_leads

__all__ = ["BlockingRepository", "RepositoryContract", "sample_leads", "strategies"]

_HOMES = {
    "BlockingRepository": "leadfold.testing.blocking",
    "RepositoryContract": "leadfold.testing.contract",
    "sample_leads": "leadfold.testing.samples",
    "strategies": "leadfold.testing.strategies",
}
_EXTRA = frozenset({"hypothesis", "pytest"})


def __getattr__(name: str) -> object:
    """Load *name* at first use, so that an extra is missed only by who uses it."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        home = import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        msg = f"{name} needs {error.name}: pip install 'leadfold[testing]'"
        raise MissingExtraError(msg, name=error.name) from error
    found: object = home if home.__name__.endswith(f".{name}") else getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Name what can be loaded."""
    return sorted({*globals(), *__all__})
