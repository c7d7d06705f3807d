"""Parquet, where a reader is installed; and what is said where none is."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from leadfold.cli.cells import moments
from leadfold.cli.columns import columns_from_flags
from leadfold.cli.faults import FaultLog
from leadfold.cli.files import open_leads
from leadfold.exceptions import MissingExtraError, UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "Lead": [1, 2, None, 4],
    "psid": [24000000000000001, None, 3, 4],
    "phone": [["1", "2"], [], None, ["3"]],
    "email": ["a@mail.example", "", None, "d@mail.example"],
    "created_at": [datetime(2024, 5, 1, 8, tzinfo=UTC), None, None, None],
    "score": [1.5, 2.5, 3.5, 4.5],
}


@pytest.fixture(params=["pyarrow", "polars"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave one library of those that read Parquet, where it is installed."""
    name = str(request.param)
    pytest.importorskip(name)
    if name == "polars":
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    return name


@pytest.fixture
def path(tmp_path: Path, library: str) -> Path:
    """Write a small file with *library*."""
    path, module = tmp_path / "leads.parquet", import_module(library)
    if library == "polars":
        module.DataFrame(COLUMNS).write_parquet(path)
    else:
        import_module("pyarrow.parquet").write_table(module.table(COLUMNS), path)
    return path


def test_reads_typed_columns(path: Path) -> None:
    """Whole numbers become text, lists several values, times stay; rows are told of by number."""
    log = FaultLog()

    [batch] = open_leads(path, columns=columns_from_flags(["id=Lead"])).batches(log)

    assert batch == {
        "id": ["1", "2", "4"],
        "psid": ["24000000000000001", None, "4"],
        "phone": [("1", "2"), None, "3"],
        "email": ["a@mail.example", None, "d@mail.example"],
        "created_at": [datetime(2024, 5, 1, 8, tzinfo=UTC), None, None],
    }
    assert [(fault.line, fault.reason) for fault in log.first] == [(3, "no id")]


def test_streams_in_batches_of_the_size_asked_for(path: Path) -> None:
    """However the library cuts its own."""
    file = open_leads(path, columns=columns_from_flags(["id=psid", "phone=email"]))

    assert [len(batch["id"]) for batch in file.batches(FaultLog(), size=2)] == [1, 2]


@pytest.mark.usefixtures("library")
def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """Under the name of the file."""
    path = tmp_path / "leads.parquet"
    path.write_bytes(b"PAR1 and nothing else")

    with pytest.raises(UnreadableFileError, match=r"leads\.parquet: "):
        open_leads(path)


def test_without_a_reader_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pip line is in the message."""
    for module in ("pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtraError, match="needs PyArrow: pip install pyarrow"):
        open_leads(tmp_path / "leads.parquet")


def test_dates_of_typed_columns_are_their_first_moment() -> None:
    """A column of dates is a column of times."""
    assert moments([date(2024, 5, 1)], print) == [datetime(2024, 5, 1)]  # noqa: DTZ001
