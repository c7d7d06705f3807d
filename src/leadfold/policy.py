"""What counts as one person: the kinds in order of trust, their guards, the strategy.

A policy is a value: validated whole when made, equal when it means the same, TOML in and out.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import attrs

from leadfold.exceptions import PolicyError
from leadfold.normalizers.blocked import BlockedValues, faults_of_entries
from leadfold.normalizers.reason import Normalizer
from leadfold.rules import BUILT_IN, IdentifierRule, also_blocking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["IdentifierRule", "Policy", "Strategy"]

Strategy = Literal["keyed", "linked"]

_REGION = re.compile(r"[A-Z]{2}|001")


def _rules(given: Iterable[IdentifierRule | str]) -> tuple[IdentifierRule, ...]:
    if isinstance(given, str):  # a text is iterable too: its letters would be kinds
        msg = "identifiers must be a list of rules or kinds, not one text"
        raise TypeError(msg)
    rules = tuple(IdentifierRule(rule) if isinstance(rule, str) else rule for rule in given)
    if wrong := [type(rule).__name__ for rule in rules if not isinstance(rule, IdentifierRule)]:
        msg = f"identifiers must be rules or kinds, not {wrong[0]}"
        raise TypeError(msg)
    return rules


@lru_cache(maxsize=256)
def _built_in(name: str, options: tuple[tuple[str, object], ...]) -> Normalizer:
    """Return the normalizer called so, made once: a resolver asks for every lead."""
    return BUILT_IN[name](**dict(options))


@attrs.frozen
class Policy:
    """The kinds in order of priority, strongest first, and the strategy that joins by them.

    Args:
        identifiers: rules (or bare kinds), strongest first. Default: psid, phone, email.
        strategy: ``keyed`` (leads with equal strongest identifier, nothing else) or ``linked``.
        region: the country a phone number without ``+`` belongs to (ISO 3166, two letters), or
            None: international forms only.
        fast: take the fast doors of the normalizers; the answers are the same.

    Raises:
        PolicyError: naming every fault at once.

    >>> Policy.keyed().kinds
    ('psid', 'phone', 'email')
    """

    identifiers: tuple[IdentifierRule, ...] = attrs.field(
        default=("psid", "phone", "email"), converter=_rules
    )
    strategy: Strategy = "keyed"
    region: str | None = "US"
    fast: bool = attrs.field(default=True, eq=False, repr=False)
    _told: dict[str, BlockedValues] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        faults = tuple(self._faults())
        if faults:
            raise PolicyError(faults)

    @classmethod
    def keyed(
        cls,
        *,
        identifiers: Iterable[IdentifierRule | str] = ("psid", "phone", "email"),
        region: str | None = "US",
    ) -> Policy:
        """Return the conservative policy: leads with equal strongest identifier, nothing else."""
        return cls(identifiers, strategy="keyed", region=region)

    @classmethod
    def linked(
        cls,
        *,
        identifiers: Iterable[IdentifierRule | str] = ("psid", "phone", "email"),
        region: str | None = "US",
    ) -> Policy:
        """Return the policy that joins the groups of `keyed` further where evidence allows."""
        return cls(identifiers, strategy="linked", region=region)

    def also_blocking(self, values: Mapping[str, Iterable[str]]) -> Policy:
        """Return the policy that blocks further *values* by kind, and all that this one blocks.

        Raises:
            PolicyError: a kind that the policy does not have, or what cannot be blocked.

        >>> policy = Policy.linked().also_blocking({"phone": ["(212) 555-0100"]})
        >>> blocked = policy.blocked(policy.identifiers[1])
        >>> blocked.matches("+12125550100"), blocked.matches("+10000000000")
        (True, True)
        """
        return attrs.evolve(self, identifiers=also_blocking(self.identifiers, values))

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds, strongest first."""
        return tuple(rule.kind for rule in self.identifiers)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the lead fields this policy reads: its kinds, then its scopes."""
        scopes = {rule.scope: None for rule in self.identifiers if rule.scope}
        return (*self.kinds, *(scope for scope in scopes if scope not in self.kinds))

    def normalizer(self, rule: IdentifierRule) -> Normalizer:
        """Return the normalizer of *rule* with this policy's region and the rule's options."""
        if isinstance(rule.normalizer, Normalizer):
            return rule.normalizer
        options = dict(rule.options)
        if rule.normalizer == "phone":
            options.setdefault("region", self.region)
        if rule.normalizer != "messenger":
            options["fast"] = self.fast
        return _built_in(rule.normalizer, tuple(options.items()))

    def blocked(self, rule: IdentifierRule) -> BlockedValues:
        """Return the test for *rule*'s blocked values, made once; raw entries are normalized."""
        if rule.kind not in self._told:
            self._told[rule.kind] = self._blocked_by(rule)
        return self._told[rule.kind]

    def _blocked_by(self, rule: IdentifierRule) -> BlockedValues:
        answers = self.normalizer(rule).parse(rule.blocked)
        entries = [
            answer if isinstance(answer, str) else entry
            for entry, answer in zip(rule.blocked, answers, strict=True)
        ]
        return BlockedValues.of(rule.normalizer_name, (*rule.blocked, *entries))

    @cached_property
    def fingerprint(self) -> str:
        """Return a short digest of everything that decides a lead's usable identifiers.

        Two policies with one fingerprint give every lead the same identifiers, so they can share
        an identity index; priority, guards and strategy play no part in it.
        """
        import hashlib  # noqa: PLC0415 - these two cost an import 8 ms, and few ask
        import json  # noqa: PLC0415

        parts = [
            [rule.kind, self.normalizer(rule).name, version, rule.scope, sorted(set(rule.blocked))]
            for rule, version in zip(self.identifiers, self.versions.values(), strict=True)
        ]
        return hashlib.sha256(json.dumps(sorted(parts)).encode()).hexdigest()[:16]

    @property
    def versions(self) -> dict[str, str]:
        """Return each kind's normalizer version, strongest kind first."""
        return {rule.kind: self.normalizer(rule).version for rule in self.identifiers}

    def _faults(self) -> Iterator[str]:
        if not self.identifiers:
            yield "it names no identifier: give at least one kind"
        for kind in sorted({kind for kind in self.kinds if self.kinds.count(kind) > 1}, key=str):
            yield f"kind {kind!r} is named twice"
        if self.strategy not in get_args(Strategy):
            yield f"strategy must be keyed or linked, not {self.strategy!r}"
        known = self.region is None or bool(_REGION.fullmatch(str(self.region)))
        if not known:
            yield f"region must be two capital letters such as US, or None, not {self.region!r}"
        for rule in self.identifiers:
            faults = tuple(rule.faults())
            yield from faults
            if known and not faults:
                yield from self._faults_of(rule)

    def _faults_of(self, rule: IdentifierRule) -> Iterator[str]:
        """Yield what only the rule's normalizer can tell; the defaults are not asked."""
        if self.region == "US" and not rule.options and rule == IdentifierRule(rule.kind):
            return
        try:
            parse = self.normalizer(rule).parse
        except ValueError as e:
            yield f"{rule.kind}: {e}"
            return
        answers = zip(rule.blocked, parse(rule.blocked), strict=True)
        unknown = {
            place: entry
            for place, (entry, answer) in enumerate(answers, start=1)
            if not isinstance(answer, str)
        }
        for fault in faults_of_entries(rule.normalizer_name, unknown):
            yield f"{rule.kind}: blocked {fault}"

    @classmethod
    def from_toml(
        cls, path: str | Path, *, normalizers: Mapping[str, Normalizer] | None = None
    ) -> Policy:
        """Read a policy from the TOML file at *path*; *normalizers* are the ones it may name.

        Raises:
            PolicyError: naming every fault of the file at once.
        """
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not loaded here
            return cls.from_toml_text(file.read(), normalizers=normalizers)

    @classmethod
    def from_toml_text(
        cls, text: str, *, normalizers: Mapping[str, Normalizer] | None = None
    ) -> Policy:
        """Read a policy from TOML *text*, as `from_toml` does from a file.

        >>> Policy.from_toml_text('region = "GB"').region
        'GB'
        """
        return _policy_of(_table_of(text), normalizers or {})

    def to_toml(self) -> str:
        """Return the policy as TOML that `from_toml_text` reads back equal."""
        from leadfold.toml_text import dumps  # noqa: PLC0415 - json and tomllib, for those who ask

        return dumps(
            {
                "strategy": self.strategy,
                "region": False if self.region is None else self.region,
                "identifiers": [_table_of_rule(rule) for rule in self.identifiers],
            }
        )


def _table_of_rule(rule: IdentifierRule) -> dict[str, object]:
    """Return *rule* as a TOML table; ``false`` stands for the None that TOML lacks."""
    named = {
        "kind": rule.kind,
        "normalizer": rule.normalizer_name,
        "limit": False if rule.limit is None else rule.limit,
        "generic_after": False if rule.generic_after is None else rule.generic_after,
        "scope": False if rule.scope is None else rule.scope,
        "blocked": list(rule.blocked),
    }
    return {**named, **rule.options}


def _table_of(text: str) -> dict[str, object]:
    from leadfold.toml_text import loads  # noqa: PLC0415 - json and tomllib, for those who ask

    try:
        return loads(text)
    except ValueError as e:
        raise PolicyError([f"not TOML: {e}"]) from e


_GIVEN = ("strategy", "region", "identifiers", "also_blocked")
_RULE = ("kind", "normalizer", "limit", "generic_after", "scope", "blocked")


def _policy_of(table: Mapping[str, object], normalizers: Mapping[str, Normalizer]) -> Policy:
    """Build the policy that *table* says, with the faults of the table and the policy together."""
    faults = [
        f"unknown key {key!r}: use {', '.join(_GIVEN)}" for key in sorted({*table} - {*_GIVEN})
    ]
    given = {key: _none_for_false(table[key]) for key in ("strategy", "region") if key in table}
    tables = table.get("identifiers", ["psid", "phone", "email"])
    if not isinstance(tables, list):
        raise PolicyError([*faults, "identifiers must be a list of tables"])
    rules = []
    for number, entry in enumerate(tables, 1):
        try:
            is_kind = isinstance(entry, str)
            rules.append(IdentifierRule(entry) if is_kind else _rule_of(entry, normalizers))
        except (TypeError, ValueError) as e:
            faults.append(f"identifier {number}: {e}")
    if faults and not rules:
        raise PolicyError(faults)
    try:
        rules = [*also_blocking(rules, _further(table))]
    except PolicyError as e:
        faults += e.faults
    try:
        policy = Policy(rules, **given)  # type: ignore[arg-type]
    except PolicyError as e:
        raise PolicyError([*faults, *e.faults]) from e
    if faults:
        raise PolicyError(faults)
    return policy


def _further(table: Mapping[str, object]) -> Mapping[str, list[str]]:
    """Return the values that *table* says are blocked beside those of its rules, by kind."""
    values = table.get("also_blocked", {})
    if isinstance(values, dict) and all(isinstance(entries, list) for entries in values.values()):
        return values
    raise PolicyError(["also_blocked must be a table with a list of texts for each kind"])


def _rule_of(table: Mapping[str, object], normalizers: Mapping[str, Normalizer]) -> IdentifierRule:
    """Build the rule that *table* says; keys that are no rule's own are options."""
    if not isinstance(table, dict):
        msg = "it must be a table, or a kind"
        raise TypeError(msg)
    if "kind" not in table:
        msg = "it needs a kind"
        raise ValueError(msg)
    own = {key: _none_for_false(table[key]) for key in _RULE if key in table}
    own["options"] = {key: value for key, value in table.items() if key not in _RULE}
    name = own.get("normalizer")
    if isinstance(name, str) and name in normalizers:
        own["normalizer"] = normalizers[name]
    return IdentifierRule(**own)  # type: ignore[arg-type]


def _none_for_false(value: object) -> object:
    return None if value is False else value
