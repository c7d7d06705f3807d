"""The pictures in the documentation are what the library draws now, and all objects are drawn."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
GALLERY = runpy.run_path(str(DOCS / "gallery.py"))
FILES: dict[str, str] = GALLERY["files"]()
CHARTS = frozenset({"flow.svg", "group-sizes.svg", "share-by-kind.svg", "stops-by-reason.svg"})


def test_every_committed_picture_is_drawn() -> None:
    """None is left over, none is missing."""
    assert {path.name for path in (DOCS / "pictures").iterdir()} == {*FILES}


@pytest.mark.parametrize("name", sorted({*FILES} - CHARTS))
def test_what_leadfold_draws_itself_is_committed_to_the_letter(name: str) -> None:
    """Run ``docs/gallery.py`` with ``--docs`` where it is not."""
    assert (DOCS / "pictures" / name).read_text("utf-8") == FILES[name] + "\n"


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_committed_charts_say_what_they_would_now(name: str) -> None:
    """Letter for letter they depend on the version that drew them; what they say does not."""
    committed = (DOCS / "pictures" / name).read_text("utf-8")

    said = re.findall(r'aria-label="([^"]*)"', committed)
    assert said == re.findall(r'aria-label="([^"]*)"', FILES[name])
    assert said


def test_the_page_to_look_at_has_every_object(tmp_path: Path) -> None:
    """It is one file that needs nothing else."""
    GALLERY["main"](str(tmp_path / "gallery.html"))
    page = (tmp_path / "gallery.html").read_text("utf-8")

    titles = set(re.findall(r'<div class="lf-head"><b>([^<]*)</b>', page))
    assert titles == {
        "Resolution", "Comparison", "Evaluation", "What if", "Review", "Case: contested", "Why",
        "Why not", "Plan", "Report", "Rollback plan", "Decision", "Validation",
    }  # fmt: skip
    assert "<script" not in page
