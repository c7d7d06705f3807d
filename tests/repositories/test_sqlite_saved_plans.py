"""A plan that was saved writes what it would have written at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from leadfold.backfill.saving import SavedUnits, write
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import follow, link, new_customer, read_basis
from leadfold.testing.contract_hooks import read_entries
from repositories.sqlite_stores import changed, new_store, query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def test_sources_and_befores_are_saved(tmp_path: Path) -> None:
    """Which lead gave a value, and whence a row comes, are in the file and reach the store."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Customer (id) VALUES ('c1')")
    changed(path, "INSERT INTO Lead (id, customer_id) VALUES ('l1', 'c1')")
    jobs = [("j1", "c1"), ("j2", None)]
    changed(path, "INSERT INTO Job (id, lead_id, customer_id) VALUES (?, 'l1', ?)", *jobs)
    sources = {"name": "l1", "groupKey": "l1"}
    with SQLiteRepository(path) as repository:
        basis = read_basis(repository)
        unit = basis.unit(
            1,
            attrs.evolve(new_customer("c2", name="Ann"), sources=sources),
            link("l1", "c2", before="c1"),
            follow("Job", "l1", "c2", before="c1"),
        )
        write(tmp_path / "plan.jsonl", {}, [unit])
        saved = SavedUnits(tmp_path / "plan.jsonl")
        assert tuple(saved) == (unit,)
        assert repository.commit(basis.changeset(*saved)).failures == ()
        (insert,) = (e for e in read_entries(repository, "run-1") if e.action == "insert")
    assert cast("Mapping[str, object]", insert.after)["sources"] == sources
    assert query(path, "SELECT id, customer_id FROM Job ORDER BY id") == [
        ("j1", "c2"),
        ("j2", None),
    ]
