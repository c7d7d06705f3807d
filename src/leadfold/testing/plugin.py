"""The pytest plugin: lets a failing test of the shipped suite say why. Imports nothing else."""

from __future__ import annotations

import pytest

__all__: list[str] = []

pytest.register_assert_rewrite(
    "leadfold.testing.contract",
    "leadfold.testing.contract_hooks",
    "leadfold.testing.contract_stored",
    "leadfold.testing.readback",
)
