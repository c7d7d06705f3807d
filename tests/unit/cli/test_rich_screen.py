"""The screen of ``leadfold[cli]``: colour on terminals, the plain screen's text elsewhere."""

from __future__ import annotations

import io

import pytest

from leadfold.cli.screen import Table

rich_screen = pytest.importorskip("leadfold.cli.rich_screen", reason="rich is an extra")

TABLE = Table(("run", "linked"), [("01a20404-1e72-769a-a7f1-c536131e9425 [red]", 3)], title="Runs")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give terminals forty columns and colour."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_what_is_no_terminal_gets_plain_text() -> None:
    """Pipes and files see what the bare install writes."""
    out, err = io.StringIO(), io.StringIO()
    screen = rich_screen.RichScreen(out, err, talks=False)
    screen.data("BACKFILL COMPLETE")
    screen.table(TABLE)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().splitlines()[1:3] == ["Runs", "run" + " " * 41 + "linked"]


def test_a_terminal_gets_colour_and_whole_cells() -> None:
    """Markup in a cell is text; a table wider than the terminal is not cut."""
    out = Terminal()
    screen = rich_screen.RichScreen(out, io.StringIO(), talks=False)
    screen.data("BACKFILL COMPLETE")
    screen.table(TABLE)
    assert "\x1b[1;32mBACKFILL COMPLETE" in out.getvalue()
    assert "01a20404-1e72-769a-a7f1-c536131e9425 [red]" in out.getvalue()


def test_talk_is_heard_only_where_it_should_be() -> None:
    """Warnings always; markup in them is text."""
    out, err = io.StringIO(), Terminal()
    quiet = rich_screen.RichScreen(out, err, talks=False)
    quiet.say("[1/4] Grouping")
    assert err.getvalue() == ""
    quiet.warn("leadfold: [oh] no")
    assert "leadfold: [oh] no" in err.getvalue()
    rich_screen.RichScreen(out, err, talks=True).say("[2/4] Writing")
    assert "[2/4] Writing" in err.getvalue()
    assert out.getvalue() == ""


@pytest.mark.parametrize("total", [None, 10])
def test_progress_is_shown_on_a_terminal_alone(total: int | None) -> None:
    """A bar with or without an end; nothing where nobody watches."""
    watched, unwatched = Terminal(), io.StringIO()
    for err in (watched, unwatched):
        screen = rich_screen.RichScreen(io.StringIO(), err, talks=False)
        with screen.progress("Reading leads", total) as advance:
            advance(10)
    assert "Reading leads" in watched.getvalue()
    assert unwatched.getvalue() == ""


def test_the_tick_is_the_plain_screens() -> None:
    """One that the stream can show."""
    assert rich_screen.RichScreen(io.StringIO(), io.StringIO(), talks=False).tick in "✓+"
