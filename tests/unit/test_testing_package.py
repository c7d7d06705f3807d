"""`leadfold.testing` loads what is asked for, and says what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import leadfold.testing
from leadfold.testing import strategies
from leadfold.testing.contract import RepositoryContract


def run(program: str) -> str:
    """Return what a fresh interpreter prints for *program*."""
    done = subprocess.run(  # noqa: S603 - a program of this file
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_names_are_loaded_when_asked_for() -> None:
    """The package has the names it lists, and no others."""
    assert leadfold.testing.RepositoryContract is RepositoryContract
    assert leadfold.testing.strategies is strategies
    assert set(leadfold.testing.__all__) <= set(dir(leadfold.testing))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = leadfold.testing.nothing


def test_importing_it_imports_no_extra() -> None:
    """Neither pytest nor Hypothesis is loaded before something needs them."""
    loaded = run(
        "import sys, leadfold.testing; leadfold.testing.sample_leads; "
        "print(sorted({'pytest', 'hypothesis'} & set(sys.modules)))"
    )
    assert loaded == "[]"


@pytest.mark.parametrize(
    ("name", "extra"), [("RepositoryContract", "pytest"), ("strategies", "hypothesis")]
)
def test_a_missing_extra_is_named(name: str, extra: str) -> None:
    """Without what it needs a name cannot be had: the error has the pip line."""
    said = run(
        f"import sys; sys.modules[{extra!r}] = None\n"
        "import leadfold.testing\n"
        f"try: from leadfold.testing import {name}\n"
        "except ImportError as error: print(type(error).__name__, error.name, error)"
    )
    assert said.startswith(f"MissingExtraError {extra} {name} needs {extra}: ")
    assert said.endswith("pip install 'leadfold[testing]'")


def test_another_missing_module_is_not_blamed_on_an_extra() -> None:
    """A module that is missing for any other reason is reported as it is."""
    said = run(
        "import sys; sys.modules['leadfold.testing.samples'] = None\n"
        "import leadfold.testing\n"
        "try: leadfold.testing.sample_leads\n"
        "except ImportError as error: print(type(error).__name__, error.name)"
    )
    assert said == "ModuleNotFoundError leadfold.testing.samples"
