"""The program: arguments in, one command run, its answer out, an exit status. No logic.

Whatever goes wrong ends in one line on standard error; no traceback reaches a user who did not
ask for it with ``--traceback`` or ``LEADFOLD_TRACEBACK=1``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING

import leadfold
from leadfold.cli.arguments import parser
from leadfold.cli.commands.backfill import run_apply, run_backfill
from leadfold.cli.commands.deciding import run_erase, run_merge, run_split
from leadfold.cli.commands.demo import run_demo
from leadfold.cli.commands.explaining import run_review, run_why
from leadfold.cli.commands.group import run_group
from leadfold.cli.commands.index import run_index
from leadfold.cli.commands.looking import run_customer, run_runs, run_stats
from leadfold.cli.commands.rollback import run_rollback
from leadfold.cli.commands.schema import run_schema
from leadfold.cli.commands.validate import run_validate
from leadfold.cli.outcomes import BROKEN_PIPE, INTERRUPTED, ending_of
from leadfold.cli.screens import choose_screen
from leadfold.exceptions import LeadfoldError, LimitExceededError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence

    from leadfold.cli.answers import Answer
    from leadfold.cli.screen import Screen

__all__ = ["main"]

_COMMANDS: Mapping[str, Callable[[Namespace, Screen], Answer]] = {
    "demo": run_demo,
    "group": run_group,
    "backfill": run_backfill,
    "apply": run_apply,
    "rollback": run_rollback,
    "merge": run_merge,
    "split": run_split,
    "erase": run_erase,
    "runs": run_runs,
    "stats": run_stats,
    "customer": run_customer,
    "validate": run_validate,
    "why": run_why,
    "review": run_review,
    "index": run_index,
    "schema": run_schema,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (default: the process's own) and return its exit status.

    0 done; 1 refused, failed or partly done; 2 wrong usage; 130 interrupted.
    """
    top = parser()
    arguments, unknown = top.parse_known_args(argv)
    if unknown:  # told by the command, whose usage helps more than the program's
        getattr(arguments, "parser", top).error(f"unrecognized arguments: {' '.join(unknown)}")
    if arguments.version:
        sys.stdout.write(f"leadfold {leadfold.__version__}\n")
        return 0
    if arguments.command is None:
        top.print_help(sys.stderr)
        return 2
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_output()
        return BROKEN_PIPE
    except KeyboardInterrupt as interrupt:
        for line in ("interrupted", *_notes(interrupt)):
            sys.stderr.write(f"leadfold: {line}\n")
        return INTERRUPTED
    return status


def _run(arguments: Namespace) -> int:
    """Run the command and write its answer, or what kept it from giving one."""
    told_of_work = arguments.command == "demo" and not arguments.json
    screen = choose_screen(verbose=arguments.verbose or told_of_work, silent=arguments.json)
    try:
        answer = _COMMANDS[arguments.command](arguments, screen)
        if arguments.json:
            _write_json(screen, {"outcome": answer.ending.outcome, **answer.as_json()})
        else:
            answer.show(screen)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return _explain(error, arguments, screen)
    return answer.ending.status


def _explain(error: Exception, arguments: Namespace, screen: Screen) -> int:
    """Say what *error* is, once on standard error and for machines on standard output."""
    ending, message = ending_of(error), _message(error)
    if arguments.traceback or os.environ.get("LEADFOLD_TRACEBACK"):
        screen.warn("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, LimitExceededError):
        _show_excesses(error, arguments, screen)
    else:
        screen.warn(f"leadfold: {message}")
    for note in _notes(error):
        screen.warn(f"leadfold: {note}")
    if arguments.json:
        about = {"type": type(error).__name__, "message": "; ".join([message, *_notes(error)])}
        _write_json(screen, {"outcome": ending.outcome, "error": about})
    return ending.status


def _message(error: Exception) -> str:
    """Return what a user reads: an unexpected error's own text may hold anything, and is not it."""
    if isinstance(error, LeadfoldError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"unexpected {type(error).__name__}: this is a fault in leadfold; "
        "run it again with --traceback to see where"
    )


def _notes(error: BaseException) -> list[str]:
    """Return what leadfold has to say of the moment at which *error* came."""
    return getattr(error, "__notes__", [])


def _show_excesses(error: LimitExceededError, arguments: Namespace, screen: Screen) -> None:
    """Say how the plan exceeds its limits, and what blocks such values at the end of a policy."""
    screen.warn("leadfold: plan refused by its limits, nothing was written:")
    for excess in error.excesses:
        screen.warn(f"   {excess}")
    if error.lines and not arguments.show_values:
        screen.warn("   --show-values gives the values, ready to paste at the end of a policy")
        return
    if error.lines:
        screen.warn("   at the end of the policy (--policy), beside what it blocks:")
    for line in error.lines:
        screen.warn(f"   {line}")


def _write_json(screen: Screen, answer: Mapping[str, object]) -> None:
    screen.data(json.dumps(answer, indent=2))


def _let_go_of_output() -> None:
    """Keep the interpreter from complaining, as it ends, of a reader that went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
