"""Leads that are normalized already, in the shapes the grouping benchmarks need.

Each is a list of ids and a column of psids, phones and emails.
"""

from __future__ import annotations

from group_keyed import normalized

__all__ = ["SHAPES", "Leads", "contested", "normalized", "with_junk"]

Leads = tuple[list[str], list[list[str | None]]]


def _ids(count: int) -> list[str]:
    return [f"l{number}" for number in range(count)]


def _phone(number: int) -> str:
    return f"+1{2_000_000_000 + number}"


def contested(count: int) -> Leads:
    """Two people share each phone, a third lead has nothing but that phone: who is it?"""
    psids = [str(10**15 + n) if n % 3 else None for n in range(count)]
    emails = [None if n % 3 else f"user{n // 6}@mail.test" for n in range(count)]
    return _ids(count), [psids, [_phone(n // 3) for n in range(count)], emails]


def chain(count: int) -> Leads:
    """Each lead shares its phone with the one before or after it, and its email with the other."""
    emails: list[str | None] = [f"user{(n + 1) // 2}@mail.test" for n in range(count)]
    return _ids(count), [[None] * count, [_phone(n // 2) for n in range(count)], emails]


def with_junk(count: int, values: int = 10) -> Leads:
    """Ordinary leads, one in a hundred with one of so many phones: junk that no list knows."""
    ids, (psids, phones, emails) = normalized(count, seed=1)
    phones = [phone if n % 100 else _phone(n // 100 % values) for n, phone in enumerate(phones)]
    return ids, [psids, phones, emails]


def star(count: int) -> Leads:
    """All leads have a phone of their own and one email."""
    return _ids(count), [
        [None] * count,
        [_phone(n) for n in range(count)],
        ["all@mail.test"] * count,
    ]


def one_value(count: int) -> Leads:
    """All leads have one phone and nothing else."""
    return _ids(count), [[None] * count, [_phone(0)] * count, [None] * count]


SHAPES = {"chain": chain, "star": star, "one value": one_value, "contested": contested}
