"""Which name, phone and email a customer shows: the first usable ones of its oldest leads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from leadfold.normalizers.phone import normalize_phone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["NEVER", "StoredPhone", "first_text", "shown_phone", "when"]

StoredPhone = Literal["e164", "national", "as_received"]
"""How Customer.phone is written; group keys are E.164 always."""

NEVER = datetime.max.replace(tzinfo=UTC)


def when(created_at: datetime | None) -> datetime:
    """Return *created_at* to sort by: naive means UTC, missing sorts last."""
    if created_at is None:
        return NEVER
    return created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC)


def first_text(
    rows: Iterable[int], column: Sequence[str | None]
) -> tuple[int, str] | tuple[None, None]:
    """Return the first row whose text in *column* is more than blank space, and that text."""
    for row in rows:
        text = column[row]
        if text is not None and text.strip():
            return row, text.strip()
    return None, None


def shown_phone(e164: str | None, raw: str | None, stored: StoredPhone) -> str | None:
    """Return how a customer shows the phone *e164*, received as *raw*."""
    if e164 is None or stored == "e164":
        return e164
    return raw if stored == "as_received" else normalize_phone(e164, form="national")
