"""The collector pauses for bulk work, and is found as it was left."""

from __future__ import annotations

import gc

import pytest

from leadfold.pausing import collector_paused


def test_the_collector_pauses_and_goes_on() -> None:
    """Inside the block it is off, after it on."""
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_does_not_leave_it_off() -> None:
    """A plan that fails must not cost the program its collector."""

    def fail() -> None:
        with collector_paused():
            msg = "a plan that fails"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="a plan that fails"):
        fail()
    assert gc.isenabled()


def test_who_has_it_off_keeps_it_off() -> None:
    """A program that manages its own memory is not overruled."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
