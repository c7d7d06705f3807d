"""Measures normalizing a million cold emails against email-validator, interleaved in one process.

    python benchmarks/normalize_email.py [--count 1000000] [--block 20000]

Cold: every value is new, so nothing can be remembered. Interleaved: the ways take turns on each
block of values, each turn in another order, so that whatever else the machine does slows all of
them alike. Then it shows that time grows with the length of a text and no faster.
"""

from __future__ import annotations

import argparse
import gc
import random
from collections import deque
from importlib.metadata import version
from itertools import count, islice
from time import perf_counter
from typing import TYPE_CHECKING

from email_validator import EmailNotValidError, validate_email
from machine import describe

from leadfold.normalizers.email import normalize_email, parse_emails
from leadfold.normalizers.fast_email import fast_email
from leadfold.normalizers.messenger import normalize_psid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARY = "email-validator, no DNS"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
_NAMES = ("ann", "Bob.Jones", "c-garcia_", "DIANA+crm", "e.o'neil.", "first.last", "x", "info")
_DOMAINS = (
    *("gmail.com", "yahoo.com", "hotmail.co.uk", "Outlook.com", "icloud.com", "aol.com"),
    *("example-plumbing.com", "mail.example.org", "sub.example.net", "EXAMPLE.COM"),
)
_SHAPES = (
    *("{}",) * 93,
    *(" {} ", "{}\n", "\t{}", "{} "),
    *("n/a {number}", "{}, other@example.com", "josé.{}"),
)


def emails(rng: random.Random) -> Iterator[str]:
    """Yield distinct values as leads have them.

    Of a hundred, 4 have white space around them, 2 are no addresses, 1 has an accent.
    """
    for number in count(1):
        address = f"{rng.choice(_NAMES)}{number}@{rng.choice(_DOMAINS)}"
        yield rng.choice(_SHAPES).format(address, number=number)


def by_library(block: list[str]) -> None:
    """Ask email-validator as its manual says, and lower what it answers."""
    for raw in block:
        try:
            validate_email(raw.strip(), check_deliverability=False).normalized.lower()
        except EmailNotValidError:
            continue


def by_value(block: list[str]) -> None:
    """Normalize one value after the other."""
    for raw in block:
        normalize_email(raw)


def by_batch(block: list[str]) -> None:
    """Hand over the block."""
    deque(parse_emails(block), maxlen=0)


WAYS: dict[str, Callable[[list[str]], None]] = {
    LIBRARY: by_library,
    "leadfold, per value": by_value,
    "leadfold, batch": by_batch,
}


def measure(total: int, size: int, rng: random.Random) -> dict[str, float]:
    """Return the seconds each way took for *total* values, in turns of *size*."""
    seconds = dict.fromkeys(WAYS, 0.0)
    values = emails(rng)
    for _ in range(total // size):
        block = list(islice(values, size))
        for name in rng.sample(sorted(WAYS), len(WAYS)):
            start = perf_counter()
            WAYS[name](block)
            seconds[name] += perf_counter() - start
    return seconds


def show_ways(total: int, size: int, seed: int) -> None:
    """Print the cost of a value each way, and how many times cheaper than the library."""
    seconds = measure(total, size, random.Random(seed))  # noqa: S311 - repeatable, not secret
    for name in WAYS:
        ratio = seconds[LIBRARY] / seconds[name]
        print(f"{name:26}{seconds[name] / total * 1e6:8.2f} us a value{ratio:8.1f} x")


def show_share(total: int, seed: int) -> None:
    """Print how many values the fast path answers itself."""
    sample = list(islice(emails(random.Random(seed)), total))  # noqa: S311 - as above
    answered = sum(fast_email(raw) is not None for raw in sample)
    print(f"answered by the fast path: {answered / len(sample):.1%} of {len(sample):,}")


def show_growth() -> None:
    """Print the time one text takes as it grows tenfold: no worse than tenfold either."""
    pieces = {"no at-sign": "x", "at-signs": "a@", "blanks": " ", "accents": "e\u0301", "NUL": "\0"}
    print("\nmilliseconds for one text of characters:   1,000    10,000   100,000 1,000,000")
    for name, piece in pieces.items():
        for door in (normalize_email, normalize_psid):
            times = "".join(f"{_best(door, piece * (n // len(piece))):10.4f}" for n in SIZES)
            print(f"{door.__name__:16}{name:16}{times:>48}")


def _best(door: Callable[[object], object], text: str) -> float:
    def once() -> float:
        start = perf_counter()
        door(text)
        return perf_counter() - start

    return min(once() for _ in range(5)) * 1000


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--block", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{describe()}, email-validator {version('email-validator')}")
    print(
        f"{arguments.count:,} cold emails in blocks of {arguments.block:,}, seed {arguments.seed}"
    )
    for warm_up in WAYS.values():
        warm_up(["ann@example.com"])
    gc.disable()  # one way's garbage is not to be another way's pause
    show_ways(arguments.count, arguments.block, arguments.seed)
    show_share(min(arguments.count, 100_000), arguments.seed)
    show_growth()


if __name__ == "__main__":
    main()
