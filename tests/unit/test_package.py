"""The package's own names: all there, loaded when asked for, and spelled right when missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import leadfold


@pytest.mark.parametrize("name", [*leadfold.__all__, "__version__"])
def test_every_public_name_resolves(name: str) -> None:
    """What ``__all__`` lists is there, and stays the same object."""
    assert getattr(leadfold, name) is getattr(leadfold, name)


def test_dir_lists_every_public_name() -> None:
    """Completion in an editor or notebook sees the names that are not loaded yet."""
    assert {*leadfold.__all__, "__version__"} <= set(dir(leadfold))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelled name fails as in any module."""
    with pytest.raises(AttributeError, match="normalise_phone"):
        _ = leadfold.normalise_phone


def test_a_bare_import_loads_no_engine() -> None:
    """``import leadfold`` alone loads none of the package's own modules."""
    code = "import sys, leadfold; print([m for m in sys.modules if m.startswith('leadfold.')])"
    found = subprocess.run(  # noqa: S603 - this interpreter, and a constant
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"
