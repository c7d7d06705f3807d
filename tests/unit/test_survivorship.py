"""Survivorship: which of a group's values its customer shows, and how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from leadfold.survivorship import NEVER, first_text, shown_phone, when

if TYPE_CHECKING:
    from leadfold.survivorship import StoredPhone


class TestWhen:
    """What leads are ordered by."""

    def test_missing_sorts_last(self) -> None:
        """After any moment there is."""
        latest = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)
        assert when(None) == NEVER
        assert when(None) > latest

    def test_naive_means_utc(self) -> None:
        """Naive and zoned moments can be compared."""
        naive = datetime(2026, 1, 2, 12)  # noqa: DTZ001 - the point
        assert when(naive) == datetime(2026, 1, 2, 12, tzinfo=UTC)

    def test_a_zone_is_kept(self) -> None:
        """Moments compare across zones by themselves."""
        east = datetime(2026, 1, 2, 12, tzinfo=timezone(timedelta(hours=9)))
        assert when(east) is east
        assert when(east) < when(datetime(2026, 1, 2, 4, tzinfo=UTC))


class TestFirstText:
    """The first text that is more than blank space."""

    @pytest.mark.parametrize(
        ("rows", "found"),
        [
            pytest.param([0, 1, 2, 3], (2, "Ann"), id="in the order of the rows"),
            pytest.param([3, 2, 1, 0], (3, "Bea"), id="whatever that order is"),
            pytest.param([0, 1], (None, None), id="none"),
            pytest.param([], (None, None), id="no rows"),
        ],
    )
    def test_rows_are_asked_in_turn(self, rows: list[int], found: tuple[object, object]) -> None:
        """Missing and blank ones are passed over; the text is trimmed."""
        assert first_text(rows, [None, " \t", " Ann ", "Bea"]) == found


@pytest.mark.parametrize(
    ("e164", "raw", "stored", "shown"),
    [
        pytest.param("+12025550141", "(202) 555", "e164", "+12025550141", id="e164"),
        pytest.param("+12025550141", "(202) 555", "national", "2025550141", id="national"),
        pytest.param("+442079460958", None, "national", "2079460958", id="another country's"),
        pytest.param("+12025550141", "(202) 555", "as_received", "(202) 555", id="as received"),
        pytest.param(None, "(202) 555", "e164", None, id="no e164"),
        pytest.param(None, "(202) 555", "national", None, id="no national"),
        pytest.param(None, "(202) 555", "as_received", None, id="what is no phone is not shown"),
    ],
)
def test_a_phone_is_shown_as_stored_phone_says(
    e164: str | None, raw: str | None, stored: StoredPhone, shown: str | None
) -> None:
    """Three ways; a value that gave no identifier is shown in none of them."""
    assert shown_phone(e164, raw, stored) == shown
