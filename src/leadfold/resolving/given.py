"""Leads as a caller hands them over, as a store would give them. What cannot be one is refused."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leadfold.exceptions import DecisionError
from leadfold.model import columns_of, text_id
from leadfold.repository import RECORD, LeadBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.policy import Policy

__all__ = ["batch_of", "named"]


def batch_of(leads: Sequence[object], policy: Policy) -> LeadBatch:
    """Return *leads* as a store would give them, if it had their rows.

    Raises:
        TypeError: an id is no text, int or UUID, or *created_at* no datetime.
        DecisionError: an id that no store could have.
    """
    fields = columns_of(leads, ("id", *policy.fields))
    names = columns_of(leads, ("name", "created_at"))
    count = len(leads)
    return LeadBatch(
        [named(raw) for raw in fields.pop("id")],
        fields,
        [name if isinstance(name, str) else None for name in names["name"]],
        [_moment(raw) for raw in names["created_at"]],
        [None] * count,
        [0] * count,
        [None] * count,
    )


def named(raw: object) -> str:
    """Return *raw* as the id of a lead.

    Raises:
        TypeError: it is no text, int or UUID.
        DecisionError: no store could have it, or it is what the record of a customer is called.
    """
    lead = text_id(raw)
    if lead.startswith(RECORD):
        msg = f"the id of a lead must not begin with {RECORD!r}: records of customers are called so"
        raise DecisionError(msg)
    if "\0" in lead or lead != lead.encode(errors="replace").decode():
        msg = f"{lead!a} is no id of a lead: no store keeps NUL, or half of a character"
        raise DecisionError(msg)
    return lead


def _moment(raw: object) -> datetime | None:
    if raw is None or isinstance(raw, datetime):
        return raw
    what = type(raw).__name__
    msg = f"created_at must be a datetime, not {what}: convert it before handing it over"
    raise TypeError(msg)
