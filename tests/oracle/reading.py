"""What the strategies' raw texts mean to a policy, looked up and never normalized."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.testing.strategies import READINGS
from oracle.model import Record, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold import IdentifierRule, Lead, Policy
    from leadfold.testing.strategies import Case

__all__ = ["record_of", "records_of"]


def records_of(case: Case) -> tuple[Record, ...]:
    """Return the leads of *case* as the model takes them."""
    return tuple(record_of(lead, case.policy) for lead in case.leads)


def record_of(lead: Lead, policy: Policy) -> Record:
    """Return *lead* with its usable values, strongest kind first, in the order given."""
    found = (value for rule in policy.identifiers for value in _values(lead, rule))
    return Record(lead.id, tuple(dict.fromkeys(found)))


def _values(lead: Lead, rule: IdentifierRule) -> Iterator[Value]:
    scope = _cell(lead, rule.scope)[0] if rule.scope else None
    if rule.scope and not scope:
        return
    for raw in _cell(lead, rule.kind):
        value = None if raw is None else READINGS[rule.kind][raw]
        if value is not None and value not in _blocked(rule):
            yield Value(rule.kind, f"{scope}/{value}" if scope else value, scope or "")


def _cell(lead: Lead, name: str) -> tuple[str | None, ...]:
    cell = getattr(lead, name) if name in {"psid", "phone", "email"} else lead.fields.get(name)
    return cell if isinstance(cell, tuple) else (cell,)


def _blocked(rule: IdentifierRule) -> set[str]:
    """Return what *rule* blocks; ten digits alone are a national number."""
    return {*_international(rule.blocked)} if rule.kind == "phone" else {*rule.blocked}


def _international(entries: Iterable[str]) -> Iterator[str]:
    return (entry if entry.startswith("+") else f"+1{entry}" for entry in entries)
