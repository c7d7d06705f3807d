"""Options and Hypothesis profiles for the whole suite."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from postgres_server import NoServerError, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# The default run draws the same examples every time: what decides whether a change lands may not
# depend on luck. The full profile draws new ones, many more of them.
settings.register_profile("default", deadline=None, print_blob=True, derandomize=True)
settings.register_profile(
    "full",
    deadline=None,
    print_blob=True,
    max_examples=20_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer ``--full``: the exhaustive runs that CONTRIBUTING names."""
    parser.addoption("--full", action="store_true", help="also run the tests marked full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the full runs out unless they were asked for."""
    if config.getoption("--full"):
        return
    skip = pytest.mark.skip(reason="an exhaustive run: give --full to run it")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """Run one PostgreSQL server for the whole session; CI may not go without."""
    with ExitStack() as exits:
        try:
            dsn = exits.enter_context(running_server())
        except NoServerError as e:
            if os.environ.get("LEADFOLD_REQUIRE_POSTGRES"):
                pytest.fail(str(e))
            pytest.skip(str(e))
        yield dsn
