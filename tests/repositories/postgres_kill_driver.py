"""Kills processes that write to PostgreSQL, and checks what they leave: all or nothing.

A program of one thread, for it forks: ``python -m repositories.postgres_kill_driver --help``. Each
round copies a database, forks a child that writes to it, and ends the child with SIGKILL: from
outside after a random part of the time that the write takes, or by the child itself at a random
statement, the last ones more often, before it is sent or once it is answered. It prints what it
counted as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING

import attrs

from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session
from repositories.kill_children import begin, difference, end
from repositories.kill_deeds import ACTS
from repositories.postgres_pictures import await_alone, copied, picture, prepared_database

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadfold.repositories.postgres.steps import Answer, Step
    from repositories.kill_children import Tables


@attrs.frozen
class Bomb:
    """When a child ends itself: beside which statement, counted from 1; or never."""

    statement: int | None = None
    answered: bool = False


def written(deed: str, dsn: str, bomb: Bomb) -> Callable[[], bytes]:
    """Return what a child does: it writes, and tells the time and number of statements it took."""
    perform, statements = Session.perform, 0

    def counted(session: Session, step: Step) -> Answer:
        nonlocal statements
        statements += 1
        if statements == bomb.statement and not bomb.answered:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = perform(session, step)
        if statements == bomb.statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    def writing() -> bytes:
        Session.perform = counted  # type: ignore[method-assign, assignment] # a process of its own
        began = perf_counter()
        with PostgresRepository(dsn) as repository:
            ACTS[deed](repository)
        return json.dumps([perf_counter() - began, statements]).encode()

    return writing


@attrs.frozen
class Measured:
    """What a database holds before and after a write, and what the write takes undisturbed."""

    dsn: str
    before: Tables = attrs.field(repr=False)
    after: Tables = attrs.field(repr=False)
    seconds: float
    statements: int


def measure(deed: str, server: str, dsn: str) -> Measured:
    """Write once in full."""
    with copied(server, dsn) as other:
        killed, told = end(begin(written(deed, other, Bomb())), None)
        assert not killed
        seconds, statements = json.loads(told)
        after = picture(other)
    return Measured(dsn, picture(dsn), after, seconds, statements)


@attrs.frozen
class Count:
    """What was counted: kills by what they left, by deed, by who killed."""

    left: Counter[str] = attrs.field(factory=Counter)
    by: Counter[str] = attrs.field(factory=Counter)
    missed: Counter[str] = attrs.field(factory=Counter)

    @property
    def kills(self) -> int:
        """Return how many children were really killed."""
        return self.left.total()


@attrs.define
class Rounds:
    """Kills children one after the other; a database that is still as before is used again."""

    server: str
    stores: Mapping[str, Measured]
    dice: random.Random
    counted: Count = attrs.field(factory=Count)

    def play(self, kills: int) -> None:
        """Kill so many children, every deed and both ways of killing in turn."""
        turns = [(deed, how) for how in ("from outside", "by itself") for deed in self.stores]
        with ExitStack() as exits:
            copies: dict[str, str] = {}
            while self.counted.kills < kills:
                deed, how = turns[self.counted.kills % len(turns)]
                store = self.stores[deed]
                if deed not in copies:
                    copies[deed] = exits.enter_context(copied(self.server, store.dsn))
                if self._round(deed, how, copies[deed]) != "before":
                    del copies[deed]

    def _round(self, deed: str, how: str, dsn: str) -> str | None:
        """Kill one child; return what it left, or None if it was faster."""
        store, bomb, after = self.stores[deed], Bomb(), None
        if how == "from outside":
            after = self.dice.uniform(0, store.seconds)
        else:
            first = self.dice.choice([1, store.statements - 1])  # half of them beside COMMIT
            statement = self.dice.randint(first, store.statements)
            bomb = Bomb(statement, self.dice.random() < 0.5)
        killed, _ = end(begin(written(deed, dsn, bomb)), after)
        await_alone(dsn)
        outcome = self._judged(f"{deed}, {how}, {bomb}, {after}", store, picture(dsn))
        if not killed:
            self.counted.missed[how] += 1
            assert outcome == "after", f"{deed}: a child that was done left it as before"
            return None
        self.counted.left[outcome] += 1
        self.counted.by[f"{deed}, {how}: {outcome}"] += 1
        return outcome

    def _judged(self, turn: str, store: Measured, found: Tables) -> str:
        """Return whether a database is as before or as planned; else end the program."""
        for outcome, wanted in (("before", store.before), ("after", store.after)):
            if found == wanted:
                return outcome
        msg = (
            f"{turn}: neither as before nor as planned.\n"
            f"Other than before: {difference(found, store.before)}\n"
            f"Other than planned: {difference(found, store.after)}"
        )
        raise SystemExit(msg)


def main() -> None:
    """Kill, check, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", help="the DSN of a server where databases may be made")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = perf_counter()
    with ExitStack() as exits:
        stores = {
            deed: measure(
                deed,
                arguments.server,
                exits.enter_context(prepared_database(arguments.server, deed)),
            )
            for deed in ACTS
        }
        rounds = Rounds(arguments.server, stores, random.Random(arguments.seed))  # noqa: S311
        rounds.play(arguments.kills)
    report = {
        "seed": arguments.seed,
        "kills": rounds.counted.kills,
        **attrs.asdict(rounds.counted),
        "writes": {
            deed: [round(each.seconds, 4), each.statements] for deed, each in stores.items()
        },
        "seconds": round(perf_counter() - began, 1),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
