"""The notebooks of the documentation run from top to bottom, as whoever opens them runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(
    page
    for page in (ROOT / "docs" / "notebooks").glob("*.md")
    if page.read_text("utf-8").startswith("---\njupytext:")
)


def shown(notebook: NotebookNode) -> list[str]:
    """Return what the cells of *notebook* show as HTML or SVG."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    data = [output.get("data", {}) for output in outputs]
    return [each[kind] for each in data for kind in ("text/html", "image/svg+xml") if kind in each]


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in NOTEBOOKS])
def test_a_notebook_runs(page: Path) -> None:
    """Every cell runs, the asserts at its end too; what it shows is there, and has no script."""
    notebook = read_myst_markdown_notebook(page.read_text("utf-8"))
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": page.parent}}
    )
    client.execute()
    pages = shown(notebook)
    assert any("leadfold-sheet" in each for each in pages)
    assert not any("<script" in each for each in pages)


def test_there_are_three() -> None:
    """None is left out by its first lines."""
    assert [page.stem for page in NOTEBOOKS] == ["backfill", "beside-splink", "exploring"]
