"""The screen of the bare install: aligned tables, quiet unless somebody watches."""

from __future__ import annotations

import io

from leadfold.cli.plain import PlainScreen, cell_text, lenient, lines_of
from leadfold.cli.screen import Table


def screen(*, talks: bool = False) -> tuple[PlainScreen, io.StringIO, io.StringIO]:
    """Return a screen and what is written to it."""
    out, err = io.StringIO(), io.StringIO()
    return PlainScreen(out, err, talks), out, err


def test_numbers_are_set_to_the_right_and_texts_to_the_left() -> None:
    """A title stands above, no line ends in blanks."""
    table = Table(("type", "count"), [("psid", 3), ("individual", 120)], title="Quality")
    assert lines_of(table) == [
        "Quality",
        "type        count",
        "psid            3",
        "individual    120",
    ]


def test_a_table_without_rows_keeps_its_names() -> None:
    """There is nothing below them."""
    assert lines_of(Table(("lead", "created_at"), [])) == ["lead  created_at"]


def test_a_cell_stays_on_its_line() -> None:
    """Control characters are shown as such, floats to one place, None as nothing."""
    assert [cell_text(cell) for cell in ("a\x1b[31m\nb", 1.25, None, 7)] == [
        "a\ufffd[31m\ufffdb",
        "1.2",
        "",
        "7",
    ]


def test_data_and_talk_go_different_ways() -> None:
    """Talk is heard if asked for; warnings always."""
    plain, out, err = screen()
    plain.data("data")
    plain.say("talk")
    plain.warn("warning")
    assert (out.getvalue(), err.getvalue()) == ("data\n", "warning\n")
    plain, _, err = screen(talks=True)
    plain.say("talk")
    assert err.getvalue() == "talk\n"


def test_progress_moves_nothing() -> None:
    """The bare install has lines of stages, and no bar."""
    plain, out, err = screen(talks=True)
    with plain.progress("Reading") as advance:
        advance(1_000)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_a_stream_of_a_poor_encoding_is_written_to_all_the_same() -> None:
    """What it lacks becomes a question mark, and the tick a plus."""
    raw = io.BytesIO()
    stream = lenient(io.TextIOWrapper(raw, encoding="ascii"))
    plain = PlainScreen(stream, stream, talks=True)
    plain.data("phone:+1…67")
    stream.flush()
    assert raw.getvalue() == b"phone:+1?67\n"
    assert plain.tick == "+"
