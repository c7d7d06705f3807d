"""Shows that normalizing a phone takes time linear in the length of the text, whatever it holds.

    python benchmarks/phone_length.py

Each line is one kind of text, grown tenfold from column to column; the time may grow as much,
and no more. libphonenumber reads at most 250 characters, so the costliest texts of that length
come first, and then what is left: looking at a long text once.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import phonenumbers
from machine import describe

from leadfold.normalizers.phone import parse_phone

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 250
SIZES = (1_000, 10_000, 100_000, 1_000_000)
PIECES = {
    "digits": "5",
    "plus signs": "+",
    "plus and digits": "+1",
    "blanks": " ",
    "brackets": "(5)",
    "letters": "x",
    "extensions": "5x",
    "commas": "5,",
    "hashes": "555 #",
    "phone contexts": "5;phone-context=a",
    "context of dots": ";phone-context=+1.",
    "accents": "e\u0301",
    "NUL": "\0",
    "lone surrogates": "\ud800",
}
COSTLY = {
    "context of letters": ("555;phone-context=", "a", "!"),
    "context of digits": ("555;phone-context=+", "1", "!"),
    "blanks, then a label": ("555", " ", "x"),
    "dashes, then a hash": ("555", " -", "5#5"),
}
"""What sends libphonenumber's own patterns back and forth: quadratic, but bounded by 250."""
KINDS = {name: ("", piece, "") for name, piece in PIECES.items()} | COSTLY


def grown(head: str, piece: str, tail: str, size: int) -> str:
    """Repeat *piece* between *head* and *tail* up to *size* characters."""
    room = max(0, size - len(head) - len(tail))
    return head + (piece * room)[:room] + tail


def milliseconds(call: Callable[[], object]) -> float:
    """Return the best of five."""

    def once() -> float:
        start = perf_counter()
        call()
        return perf_counter() - start

    return min(once() for _ in range(5)) * 1000


def show(title: str, sizes: tuple[int, ...]) -> None:
    """Print a line for each kind of text, a column for each size, with both doors."""
    columns = "".join(f"{size:>11,}" for size in sizes)
    print(f"\n{title:34}{columns}   (characters; milliseconds)")
    for name, parts in KINDS.items():
        for fast in (True, False):
            times = "".join(
                f"{milliseconds(partial(parse_phone, text, fast=fast)):11.4f}"
                for text in (grown(*parts, size) for size in sizes)
            )
            print(f"{name:24}{'fast' if fast else 'slow':10}{times}")


def main() -> None:
    """Print both tables."""
    print(f"{describe()}, phonenumbers {phonenumbers.__version__}")
    parse_phone("warm up 4155552671 x1")
    show("as long as is read", (25, LONGEST // 2, LONGEST))
    show("longer", SIZES)


if __name__ == "__main__":
    main()
