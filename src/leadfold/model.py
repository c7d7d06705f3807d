"""The nouns of leads and customers: frozen values, no behaviour beyond reading themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import total_ordering
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import attrs

from leadfold.masking import MASK, mask, mask_key, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from leadfold.normalizers.reason import Reason

__all__ = [
    "CONVERSATION",
    "INDIVIDUAL",
    "JOB",
    "Customer",
    "Dependent",
    "Group",
    "Identifier",
    "Lead",
    "Rejection",
    "Ruling",
    "Stop",
    "StopReason",
    "columns_of",
    "field_of",
    "text_id",
    "text_ids",
    "utc",
]

INDIVIDUAL = "individual"
"""The kind of a group whose only lead has no usable identifier."""

Cell = str | Sequence[str] | None
"""What a lead holds of one kind: one text, several, or none."""

StopReason = str
"""Why a value joined no one: ``contested``, ``limit``, ``generic``, ``ruled`` or ``weaker``."""


_CAUSES = {
    "contested": "it is claimed by several owners",
    "limit": "too many values would be in one customer",
    "generic": "it is shared too widely",
    "ruled": "a ruling keeps them apart",
    "weaker": "they have stronger keys, or keys of their own",
}


def text_id(raw: object, field: str = "id") -> str:
    """Return *raw* as a text id: text stays, int and UUID become text; else TypeError.

    >>> text_id(7), text_id("7")
    ('7', '7')
    """
    if isinstance(raw, str) and raw:
        return raw
    if isinstance(raw, (int, UUID)) and not isinstance(raw, bool):
        return str(raw)
    what = "empty" if raw == "" else type(raw).__name__
    msg = f"{field} must be text, int or UUID, not {what}"
    raise TypeError(msg)


def text_ids(raws: Sequence[object], field: str = "id") -> list[str]:
    """Return all of *raws* as text ids: `text_id` for many, faster where all are text already."""
    if set(map(type, raws)) == {str} and "" not in raws:
        return list(cast("Sequence[str]", raws))
    return [text_id(raw, field) for raw in raws]


def utc(moment: datetime | None) -> datetime | None:
    """Return *moment* in UTC; a naive one means UTC already."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _masked(cell: object) -> str:
    return "None" if cell is None else MASK


@attrs.frozen
class Lead:
    """A record as received.

    *psid*, *phone* and *email* hold one raw text, several, or None. *fields* holds what a policy
    of one's own asks for by name: raw values of further kinds, and scopes such as ``page_id``.
    *created_at* without a zone means UTC.
    """

    id: str = attrs.field(converter=text_id)
    psid: Cell = attrs.field(default=None, repr=_masked)
    phone: Cell = attrs.field(default=None, repr=_masked)
    email: Cell = attrs.field(default=None, repr=_masked)
    name: str | None = attrs.field(default=None, repr=_masked)
    created_at: datetime | None = None
    customer_id: str | None = None
    fields: Mapping[str, Cell] = attrs.field(factory=dict, repr=lambda fields: f"{sorted(fields)}")


_OWN = frozenset({"id", "psid", "phone", "email", "name", "created_at", "customer_id"})


def field_of(lead: object, name: str) -> object:
    """Return what *lead* (a Lead, a mapping or any object) holds under *name*, or None."""
    if isinstance(lead, Mapping):
        return lead.get(name)
    if isinstance(lead, Lead):
        return getattr(lead, name) if name in _OWN else lead.fields.get(name)
    return getattr(lead, name, None)


def columns_of(leads: Sequence[object], names: Iterable[str]) -> dict[str, list[object]]:
    """Return what *leads* hold under each of *names*: `field_of` for many, faster where alike."""
    kinds = set(map(type, leads))
    kind = kinds.pop() if len(kinds) == 1 else object
    return {name: _column_of(leads, name, kind) for name in names}


def _column_of(leads: Sequence[object], name: str, kind: type) -> list[object]:
    """Return what *leads*, all of *kind*, hold under *name*."""
    if kind is dict:
        try:
            return list(map(itemgetter(name), leads))  # type: ignore[arg-type]
        except KeyError:
            return [lead.get(name) for lead in leads]  # type: ignore[attr-defined]
    if kind is Lead and name in _OWN:
        return list(map(attrgetter(name), leads))
    return [field_of(lead, name) for lead in leads]


@total_ordering
@attrs.frozen
class Identifier:
    """A normalized value that can tie records together; `str` and `repr` mask it."""

    kind: str
    value: str = attrs.field(repr=lambda _: MASK)

    @property
    def key(self) -> str:
        """Return ``kind:value``, unmasked."""
        return f"{self.kind}:{self.value}"

    def __str__(self) -> str:
        return f"{self.kind}:{mask(self.kind, self.value)}"

    def __lt__(self, other: Identifier) -> bool:
        # by hand, for attrs would make two tuples of each of them, and they are sorted often
        if not isinstance(other, Identifier):
            return NotImplemented
        return self.value < other.value if self.kind == other.kind else self.kind < other.kind


@attrs.frozen
class Group:
    """Leads that are one customer: the key that names them, its kind, their ids in text order."""

    key: str = attrs.field(repr=lambda key: repr(mask_key(key)))
    kind: str
    lead_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lead_ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.lead_ids)


@attrs.frozen
class Rejection:
    """A raw value that took no part, with its lead, field and reason; the lead itself stays."""

    lead_id: str
    field: str
    reason: Reason
    value: object = attrs.field(default=None, repr=_masked, eq=False)


@attrs.frozen
class Stop:
    """A usable value held in several final groups, and the reasons that kept them apart.

    *owners* of a value that is ``contested`` or stopped by a ``limit``: the identifiers that
    would be too many in one customer. They are those that the groups of its holders hold of each
    kind (scope by scope) whose guard is the reason, if together they exceed that guard. If they
    do not, the groups that share a value of the same kind with them count too; if that is not
    enough, all groups that such values connect. Empty for every other reason.
    """

    identifier: Identifier
    lead_ids: tuple[str, ...]
    group_keys: tuple[str, ...] = attrs.field(repr=lambda keys: repr(tuple(map(mask_key, keys))))
    reasons: tuple[StopReason, ...]
    owners: tuple[Identifier, ...] = ()

    def cause(self, name: Callable[[Identifier], str] = str) -> str:
        """Return the reasons in words, with the owners; *name* says how these are written."""
        told = [_CAUSES.get(reason, reason) for reason in self.reasons]
        owners = f" ({some(map(name, self.owners))})" if self.owners else ""
        return "; ".join(told) + owners

    def __str__(self) -> str:
        holders = f"its {len(self.lead_ids)} leads in {len(self.group_keys)} groups"
        return f"{self.identifier} did not join {holders}: {self.cause()}"


def _sorted_parts(parts: Iterable[Iterable[object]]) -> tuple[tuple[str, ...], ...]:
    parts = tuple(parts)
    if any(isinstance(part, str) for part in parts):  # iterable too: its letters would be leads
        msg = "a part must be a list of lead ids, not one text"
        raise TypeError(msg)
    return tuple(tuple(sorted({text_id(lead, "lead id") for lead in part})) for part in parts)


@attrs.frozen
class Ruling:
    """A person's decision about leads: one part is a must-link, several parts a cannot-link.

    Rulings apply in order of *created_at*, then *id*.
    """

    id: str
    parts: tuple[tuple[str, ...], ...] = attrs.field(converter=_sorted_parts)
    created_at: datetime | None = attrs.field(default=None, converter=utc)
    actor: str = "system"

    @parts.validator
    def _parts_are_disjoint(self, _: object, parts: tuple[tuple[str, ...], ...]) -> None:
        named = [lead for part in parts for lead in part]
        if not all(parts) or not parts or len(set(named)) < len(named):
            msg = f"ruling {self.id}: parts must be non-empty and share no lead"
            raise ValueError(msg)

    @property
    def is_must_link(self) -> bool:
        """Tell whether the ruling joins; otherwise it keeps its parts apart."""
        return len(self.parts) == 1

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        return {
            "id": self.id,
            "parts": [list(part) for part in self.parts],
            "created_at": self.created_at and self.created_at.isoformat(),
            "actor": self.actor,
        }

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Ruling:
        """Return the ruling that `to_dict` gave as *source*."""
        at = source["created_at"]
        moment = at and datetime.fromisoformat(at)
        return cls(source["id"], source["parts"], moment, source["actor"])


@attrs.frozen
class Customer:
    """A stored customer as a person asks for it; identifiers are masked in its repr."""

    id: str = attrs.field(converter=text_id)
    name: str | None = attrs.field(default=None, repr=_masked)
    phone: str | None = attrs.field(default=None, repr=_masked)
    email: str | None = attrs.field(default=None, repr=_masked)
    metadata: Mapping[str, object] | None = attrs.field(default=None, repr=False)
    created_at: datetime | None = None


@attrs.frozen
class Dependent:
    """A table whose rows point at a lead and take their lead's customer.

    *name* is what figures call it; *lead_id* and *customer_id* are its columns.
    """

    name: str
    lead_id: str = "lead_id"
    customer_id: str = "customer_id"


JOB = Dependent("Job")
"""The dependent that the seven figures of `Stats` count by name."""

CONVERSATION = Dependent("Conversation")
