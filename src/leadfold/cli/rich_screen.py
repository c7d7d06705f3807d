"""The screen of ``leadfold[cli]``: colour, tables and progress bars. Nothing else imports rich."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table as RichTable

from leadfold.cli.plain import PlainScreen, cell_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import JustifyMethod

    from leadfold.cli.screen import Advance, Table

__all__ = ["RichScreen"]

_WIDEST = 10_000


class RichScreen:
    """Writes to terminals in colour; what is not a terminal gets what the plain screen writes.

    rich itself honours ``NO_COLOR`` and ``TERM=dumb``.
    """

    def __init__(self, out: TextIO, err: TextIO, *, talks: bool) -> None:
        self._plain = PlainScreen(out, err, talks)
        self._out = Console(file=out, highlight=False, soft_wrap=True)
        self._err = Console(file=err, highlight=False, soft_wrap=True)

    @property
    def tick(self) -> str:
        """Return the mark of something done."""
        return self._plain.tick

    def data(self, text: str = "") -> None:
        """Write a line of what was asked for, its headings bold."""
        if self._out.is_terminal and text.isupper():
            self._out.print(f"[bold green]{escape(text)}[/]")
        else:
            self._plain.data(text)

    def table(self, table: Table) -> None:
        """Write a table of what was asked for."""
        if self._out.is_terminal:
            drawn = _rich_table(table)
            # As wide as it needs to be: an id that is cut short cannot be copied.
            wanted = Measurement.get(self._out, self._out.options.update(width=_WIDEST), drawn)
            self._out.width = max(self._out.width, wanted.maximum)
            self._out.print(drawn)
        else:
            self._plain.table(table)

    def say(self, text: str = "") -> None:
        """Write a line about the work, where a person watches or asked to be told."""
        if self._plain.talks:
            self._err.print(escape(text), style="bold" if text.startswith("[") else "")

    def warn(self, text: str) -> None:
        """Write a line that a person must see."""
        self._err.print(escape(text), style="yellow")

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """Show a bar while the context is open, where a person watches."""
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._err,
            transient=True,
            disable=not self._err.is_terminal,
        )
        with bar:
            task = bar.add_task(what, total=total)
            yield lambda count, /: bar.advance(task, count)


def _rich_table(table: Table) -> RichTable:
    drawn = RichTable(title=escape(table.title) or None, title_justify="left", box=SIMPLE_HEAD)
    for place, name in enumerate(table.columns):
        numbers = all(isinstance(row[place], (int, float)) for row in table.rows)
        justify: JustifyMethod = "right" if numbers and table.rows else "left"
        drawn.add_column(escape(name), justify=justify, no_wrap=True)
    for row in table.rows:
        drawn.add_row(*(escape(cell_text(cell)) for cell in row))
    return drawn
