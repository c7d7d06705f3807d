"""The two drivers of logic written as generators: one blocks, one awaits. They know no store.

Such a generator yields what it wants done and is sent the answer, so that one text of the logic
serves both. An error met on the way is thrown into it, where it was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

__all__ = ["adrive", "drive"]

Step = TypeVar("Step")
Answer = TypeVar("Answer")
R = TypeVar("R")


def drive(steps: Generator[Step, Answer, R], perform: Callable[[Step], Answer]) -> R:
    """Perform every step of *steps* and return what they come to.

    >>> def greeting():
    ...     name = yield "name"
    ...     return f"hello {name}"
    >>> drive(greeting(), {"name": "Ann"}.__getitem__)
    'hello Ann'
    """
    try:
        step = next(steps)
        while True:
            try:
                answer = perform(step)
            except BaseException as e:  # noqa: BLE001 - whatever it is, the steps must undo
                step = steps.throw(e)
            else:
                step = steps.send(answer)
    except StopIteration as e:
        result: R = e.value
        return result


async def adrive(
    steps: Generator[Step, Answer, R], perform: Callable[[Step], Awaitable[Answer]]
) -> R:
    """Await every step of *steps* and return what they come to.

    A cancellation is thrown in like any error: what the steps undo for it is awaited.
    """
    try:
        step = next(steps)
        while True:
            try:
                answer = await perform(step)
            except BaseException as e:  # noqa: BLE001 - a cancellation too: the steps must undo
                step = steps.throw(e)
            else:
                step = steps.send(answer)
    except StopIteration as e:
        result: R = e.value
        return result
