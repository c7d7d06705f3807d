"""Measures normalizing a million cold phones against phonenumbers, interleaved in one process.

    python benchmarks/normalize_phone.py [--count 1000000] [--block 20000] [--region US]

Cold: every value is new, so nothing can be remembered. Interleaved: the ways take turns on each
block of values, each turn in another order, so that whatever else the machine does slows all of
them alike. The library's way is parse, then possible or valid, then E.164.
"""

from __future__ import annotations

import argparse
import gc
import random
from collections import deque
from functools import partial
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING

import phonenumbers
from machine import describe

from leadfold.normalizers.fast_phone import FastPhone
from leadfold.normalizers.phone import normalize_phone, parse_phones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Way = Callable[[list[str]], None]

LIBRARY = "phonenumbers"
_PLAIN = (
    *("({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}", "{a}{b}{c}", "+1{a}{b}{c}"),
    *("+1 ({a}) {b}-{c}", "+1 {a} {b} {c}", "1-{a}-{b}-{c}", "+1-{a}-{b}-{c}", "({a}){b}-{c}"),
)
_RARE = (
    *("{a}-{b}-{c} x{x}", "({a}) {b}-{c} ext. {x}", " {a}-{b}-{c} ", "Tel: {a} {b} {c}"),
    *("+44 20 7{b} {c}", "0044 20 7{b} {c}", "+49 30 {b}{c}", "+52 55 {b}{x} {c}", "{b}-{c}"),
    *("{a}\u2011{b}\u2011{c}", "{a}\u00a0{b}\u00a0{c}", "n/a ({a})", "{b}", "{a}{b}{c}{x}"),
)


def phones(rng: random.Random) -> Iterator[str]:
    """Yield distinct values as American leads have them; one in eight is of a rarer kind."""
    seen: set[str] = set()
    areas = [
        str(area)
        for area in range(201, 990)
        if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5552671"))
    ]
    while True:
        shape = rng.choice(_PLAIN if rng.random() < 7 / 8 else _RARE)
        text = shape.format(
            a=rng.choice(areas),
            b=rng.randint(200, 999),
            c=f"{rng.randrange(10_000):04}",
            x=rng.randint(10, 99),
        )
        if text not in seen or len(text) < len("5551234567"):
            seen.add(text)
            yield text


def by_library(block: list[str], region: str, *, strict: bool) -> None:
    """Ask phonenumbers as its manual says."""
    accepts = phonenumbers.is_valid_number if strict else phonenumbers.is_possible_number
    for raw in block:
        try:
            number = phonenumbers.parse(raw, region)
        except phonenumbers.NumberParseException:
            continue
        if accepts(number):
            phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def by_value(block: list[str], region: str, *, strict: bool) -> None:
    """Normalize one value after the other."""
    for raw in block:
        normalize_phone(raw, region=region, strict=strict)


def by_batch(block: list[str], region: str, *, strict: bool) -> None:
    """Hand over the block."""
    deque(parse_phones(block, region=region, strict=strict), maxlen=0)


def ways(region: str, *, strict: bool) -> dict[str, Way]:
    """Return the three ways, by name, for one region and strictness."""
    every = {LIBRARY: by_library, "leadfold, per value": by_value, "leadfold, batch": by_batch}
    return {name: partial(way, region=region, strict=strict) for name, way in every.items()}


def measure(chosen: dict[str, Way], total: int, size: int, rng: random.Random) -> dict[str, float]:
    """Return the seconds each way took for *total* values, in turns of *size*."""
    seconds = dict.fromkeys(chosen, 0.0)
    values = phones(rng)
    for _ in range(total // size):
        block = list(islice(values, size))
        for name in rng.sample(sorted(chosen), len(chosen)):
            start = perf_counter()
            chosen[name](block)
            seconds[name] += perf_counter() - start
    return seconds


def show(region: str, total: int, size: int, seed: int) -> None:
    """Print the cost of a value each way, and how many times cheaper than the library."""
    for strict in (False, True):
        chosen = ways(region, strict=strict)
        seconds = measure(chosen, total, size, random.Random(seed))  # noqa: S311 - repeatable
        print("\nstrict (parse, valid, E.164)" if strict else "\npossible (parse, possible, E.164)")
        for name in chosen:
            ratio = seconds[LIBRARY] / seconds[name]
            print(f"{name:26}{seconds[name] / total * 1e6:8.2f} us a value{ratio:8.1f} x")


def show_share(region: str, total: int, seed: int) -> None:
    """Print how many values the fast path answers itself."""
    sample = list(islice(phones(random.Random(seed)), total))  # noqa: S311 - as above
    answers = FastPhone(region, strict=False).read_all(sample)
    share = 1 - answers.count(None) / len(sample)
    print(f"\nanswered by the fast path: {share:.1%} of {len(sample):,}")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--block", type=int, default=20_000)
    parser.add_argument("--region", default="US")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{describe()}, phonenumbers {phonenumbers.__version__}")
    print(f"{given.count:,} cold phones in blocks of {given.block:,}, seed {given.seed}")
    gc.disable()  # one way's garbage is not to be another way's pause
    show(given.region, given.count, given.block, given.seed)
    show_share(given.region, min(given.count, 100_000), given.seed)


if __name__ == "__main__":
    main()
