"""Ids, time and version: what the shell supplies to a plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import __version__
from leadfold.backfill.minting import id_maker, installed_version, now

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_ids_are_uuids_of_version_seven() -> None:
    """Written as the standard has it."""
    make = id_maker(AT)
    for _ in range(100):
        text = make()
        uuid = UUID(text)
        assert (uuid.version, uuid.variant, str(uuid)) == (7, RFC_4122, text)


def test_the_first_bits_are_the_time_in_milliseconds() -> None:
    """So that ids of later runs come after those of earlier ones."""
    assert UUID(id_maker(AT)()).int >> 80 == int(AT.timestamp() * 1000)
    assert id_maker(AT)() < id_maker(AT + timedelta(milliseconds=1))()


def test_ids_ascend_in_the_order_they_are_made() -> None:
    """As text, which is how stores compare them, and without one twice."""
    make = id_maker(AT)
    ids = [make() for _ in range(10_000)]
    assert all(one < other for one, other in pairwise(ids))


def test_two_makers_of_one_moment_do_not_meet() -> None:
    """The bits after the time start at random, and grow by random steps."""
    one, other = id_maker(AT), id_maker(AT)
    assert {one() for _ in range(1000)}.isdisjoint({other() for _ in range(1000)})
    steps = {UUID(b).int - UUID(a).int for a, b in pairwise(one() for _ in range(20))}
    assert len(steps) > 1


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - a bound
def test_any_moment_makes_ids(moment: datetime) -> None:
    """From the epoch to the last year there is."""
    uuid = UUID(id_maker(moment)())
    assert uuid.version == 7
    assert uuid.int >> 80 == int(moment.timestamp() * 1000)


def test_now_is_in_utc() -> None:
    """Whatever the machine's zone."""
    assert now().tzinfo is UTC


def test_the_version_is_the_installed_one() -> None:
    """The one that ``leadfold.__version__`` names."""
    assert installed_version() == __version__


@pytest.mark.parametrize("count", [1, 1000])
def test_the_random_bits_stay_in_their_place(count: int) -> None:
    """Version and variant are where they belong, however many ids were made."""
    make = id_maker(AT)
    uuid = UUID([make() for _ in range(count)][-1])
    assert (uuid.int >> 76 & 0xF, uuid.int >> 62 & 0b11) == (7, 0b10)
