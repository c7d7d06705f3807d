"""One kind of identifier: how it is normalized, and how far it is trusted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import PolicyError
from leadfold.model import INDIVIDUAL
from leadfold.normalizers.blocked import DEFAULT_BLOCKED
from leadfold.normalizers.email import email_normalizer
from leadfold.normalizers.messenger import messenger_normalizer
from leadfold.normalizers.phone import phone_normalizer
from leadfold.normalizers.reason import Normalizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["BUILT_IN", "IdentifierRule", "also_blocking"]

BUILT_IN: Mapping[str, Callable[..., Normalizer]] = {
    "messenger": messenger_normalizer,
    "phone": phone_normalizer,
    "email": email_normalizer,
}
OPTIONS: Mapping[str, Mapping[str, type]] = {
    "messenger": {},
    "phone": {"strict": bool, "default_area": str, "whatsapp": bool, "region": str},
    "email": {"provider_rules": bool},
}
_NORMALIZER_OF = {"phone": "phone", "email": "email"}
_LIMITS = {"psid": 1, "phone": 5, "email": 5}
_GENERIC_AFTER = {"phone": 25, "email": 25}
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = frozenset({INDIVIDUAL, "customer", "id", "name", "created_at", "customer_id"})


def _is_kind(kind: object) -> bool:
    return isinstance(kind, str) and bool(_KIND.fullmatch(kind)) and kind not in _RESERVED


def _listed(entries: Iterable[str]) -> tuple[str, ...]:
    if isinstance(entries, str):  # a text is iterable too: its letters would be blocked
        msg = "blocked must be a list of texts, not one text"
        raise TypeError(msg)
    return tuple(entries)


def _default_normalizer(rule: IdentifierRule) -> str:
    return _NORMALIZER_OF.get(rule.kind, "messenger")


@attrs.frozen
class IdentifierRule:
    """One kind of identifier, and how far it is trusted.

    Args:
        kind: its name, and the lead field that holds it: ``psid``, ``phone``, ``email`` or one of
            your own (lower-case letters, digits, ``_``).
        normalizer: ``"phone"``, ``"email"``, ``"messenger"`` (opaque text, trimmed), the name of
            one handed in with the policy, or a `Normalizer`. Default: by kind, else opaque.
        limit: at most so many distinct values in one customer (``linked`` only); None: no guard.
            Default: psid 1, phone 5, email 5, any other None.
        generic_after: a value that more groups than this hold joins nothing (``linked`` only).
            Default: phone 25, email 25, any other None.
        scope: the lead field within which a value is one person's, such as ``page_id``.
        blocked: values never to use; normalized ones, raw ones, or ``local@`` for a mailbox name
            at any domain. Default: the visible packs of `DEFAULT_BLOCKED`, which what is given
            replaces (`Policy.also_blocking` adds to it); ``()`` switches off.
        options: what the named normalizer takes: for phone ``strict``, ``default_area``,
            ``whatsapp`` and a ``region`` of its own; for email ``provider_rules``.
    """

    kind: str
    normalizer: str | Normalizer = attrs.field(
        default=attrs.Factory(_default_normalizer, takes_self=True)
    )
    limit: int | None = attrs.field(
        default=attrs.Factory(lambda rule: _LIMITS.get(rule.kind), takes_self=True)
    )
    generic_after: int | None = attrs.field(
        default=attrs.Factory(lambda rule: _GENERIC_AFTER.get(rule.kind), takes_self=True)
    )
    scope: str | None = None
    blocked: tuple[str, ...] = attrs.field(
        default=attrs.Factory(lambda rule: DEFAULT_BLOCKED.get(rule.kind, ()), takes_self=True),
        converter=_listed,
        repr=lambda entries: f"<{len(entries)} values>",
    )
    options: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def normalizer_name(self) -> str:
        """Return the name the rule's normalizer goes by in TOML."""
        return self.normalizer if isinstance(self.normalizer, str) else self.normalizer.name

    def faults(self) -> Iterator[str]:
        """Yield everything that is wrong with this rule, a sentence each."""
        if not _is_kind(self.kind):
            yield f"kind {self.kind!r} must be lower-case letters, digits and _, and not reserved"
        for name, guard in (("limit", self.limit), ("generic_after", self.generic_after)):
            if guard is not None and (type(guard) is not int or guard < 1):
                yield f"{self.kind}: {name} must be a whole number of 1 or more, or None"
        if not isinstance(self.scope, str | None) or self.scope == "":
            yield f"{self.kind}: scope must be the name of a lead field, or None"
        if not all(isinstance(entry, str) for entry in self.blocked):
            yield f"{self.kind}: blocked values must be text"
        yield from self._option_faults()

    def _option_faults(self) -> Iterator[str]:
        if isinstance(self.normalizer, Normalizer):
            if self.options:
                yield f"{self.kind}: a normalizer of your own takes no options here"
            return
        if not isinstance(self.normalizer, str) or self.normalizer not in BUILT_IN:
            yield (
                f"{self.kind}: no normalizer named {self.normalizer!r}: use one of "
                f"{', '.join(BUILT_IN)}, or hand it in with normalizers="
            )
            return
        known = OPTIONS[self.normalizer]
        for name, value in sorted(self.options.items()):
            if name not in known:
                takes = ", ".join(known) or "none"
                yield f"{self.kind}: unknown option {name!r}: {self.normalizer} takes {takes}"
            elif type(value) is not known[name]:
                yield f"{self.kind}: option {name} must be {known[name].__name__}"


def also_blocking(
    rules: Iterable[IdentifierRule], values: Mapping[str, Iterable[str]]
) -> tuple[IdentifierRule, ...]:
    """Return *rules*, blocking further *values* by kind beside what each blocks already.

    Raises:
        PolicyError: naming the kinds that none of the rules has.
    """
    rules = list(rules)
    kinds = [rule.kind for rule in rules]
    if unknown := [kind for kind in values if kind not in kinds]:
        raise PolicyError([f"also_blocked: it has no kind {kind!r}" for kind in unknown])
    for kind, entries in values.items():
        rule = rules[place := kinds.index(kind)]
        rules[place] = attrs.evolve(rule, blocked=(*rule.blocked, *_listed(entries)))
    return tuple(rules)
