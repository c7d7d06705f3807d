"""The shell's sources of what the core may not make: the time, ids, the version installed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from leadfold.changes import Run
from leadfold.model import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadfold.policy import Policy

__all__ = ["id_maker", "installed_version", "new_run", "now"]


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def new_run(
    action: str,
    *,
    actor: str,
    mode: str = "",
    created_by: str = "leadfold",
    run_id: str | None = None,
    now: datetime | None = None,
    policy: Policy | None = None,
) -> Run:
    """Return a run; its id and time are new ones, unless they are given.

    Without a *policy* it leaves the index's fingerprint as it is.
    """
    at = utc(now) or datetime.now(UTC)
    fingerprint, normalizers = (policy.fingerprint, policy.versions) if policy else ("", {})
    versions = {"leadfold": installed_version(), **normalizers}
    return Run(run_id or id_maker(at)(), action, mode, actor, created_by, at, fingerprint, versions)


@cache
def installed_version() -> str:
    """Return the version of leadfold that is installed."""
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms that an import need not take

    return version("leadfold")


def _random_steps() -> Iterator[int]:
    """Yield random numbers of 32 bits; the system is asked for some at a time."""
    while True:
        yield from memoryview(secrets.token_bytes(1024)).cast("I")


def id_maker(moment: datetime) -> Callable[[], str]:
    """Return a maker of UUIDs of version 7 (RFC 9562, 5.7) that ascend in the order they are made.

    Ascending ids keep a store's indexes in the order of its rows. The 74 bits after the time
    start at random and grow by random steps (RFC 9562, 6.2, method 2).
    """
    milliseconds = int(moment.timestamp() * 1000) & ((1 << 48) - 1)
    counter = secrets.randbits(73)
    steps = _random_steps()

    def make() -> str:
        nonlocal counter
        counter += 1 + next(steps)
        high, low = counter >> 62 & 0xFFF, counter & ((1 << 62) - 1)
        digits = f"{milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    return make
