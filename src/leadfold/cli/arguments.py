"""What the command line understands: commands, options, help. It runs nothing."""

from __future__ import annotations

from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    RawDescriptionHelpFormatter,
)

__all__ = ["parser"]

_DESCRIPTION = "Folds leads into customers: deterministic, explained, reversible."
_EPILOG = """\
STORE is sqlite:///FILE (a fourth slash before an absolute path), or with
pip install 'leadfold[postgres]' postgresql://USER@HOST/DATABASE.

Data goes to standard output, everything else to standard error. Identifiers are
masked unless --show-values is given; files written with -o and saved plans hold
them raw. NO_COLOR is honoured; colour and progress need pip install 'leadfold[cli]'.

Exit status:
  0    done
  1    not everything was done: refused, failed, or partly done (--json says
       which in "outcome": done, partial, refused, failed)
  2    wrong usage: options, or files that are missing or cannot be read
  130  interrupted

Start with: leadfold demo
"""


def parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    top = ArgumentParser(
        prog="leadfold",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="say which version this is")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _demo(commands)
    _group(commands)
    _backfill(commands)
    _apply(commands)
    _runs(commands)
    _stats(commands)
    _customer(commands)
    _validate(commands)
    _schema(commands)
    return top


Commands = "_SubParsersAction[ArgumentParser]"


def _command(commands: Commands, name: str, text: str, about: str = "") -> ArgumentParser:  # type: ignore[valid-type]
    """Add a command with the options that all of them have."""
    command: ArgumentParser = commands.add_parser(  # type: ignore[attr-defined]
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. {about}".strip(),
        allow_abbrev=False,
    )
    command.set_defaults(verbose=False, show_values=False, parser=command)
    command.add_argument("--json", action="store_true", help="answer in JSON, for machines")
    command.add_argument(
        "--traceback", action="store_true", help="show where an unexpected error came from"
    )
    return command


def _demo(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "demo", "run a backfill on sample leads in a store of their own")
    command.add_argument(
        "--store", metavar="STORE", help="keep the demo in this new file, such as sqlite:///demo.db"
    )
    command.add_argument(
        "--leads", type=_count, default=1_000, metavar="N", help="how many leads (default 1000)"
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="deal other leads (default 0)"
    )
    _show_values(command)


def _group(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "group",
        "group the leads in a file: CSV, JSON Lines or Parquet, also gzipped",
        "Columns are found by name (id, psid, phone, email and what the policy names).",
    )
    command.add_argument("file", metavar="FILE")
    command.add_argument(
        "-c",
        "--column",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="which column feeds a field; repeat it for several; FIELD= switches one "
        "off, and id= names leads by their line",
    )
    command.add_argument("--mapping", metavar="TOML", help="a file that says the same, and more")
    _policy(command)
    command.add_argument("--encoding", help="of the file; default: found out")
    command.add_argument("--delimiter", type=_character, help="of CSV; default: found out")
    command.add_argument(
        "-o", "--output", metavar="OUT", help="write lead id, group key and kind (CSV or .jsonl)"
    )
    command.add_argument(
        "--truth", metavar="COLUMN", help="hold the groups against the persons in this column"
    )
    command.add_argument(
        "--top", type=_count, default=5, metavar="N", help="show the N largest groups (default 5)"
    )
    _show_values(command)


def _backfill(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "backfill",
        "group a store's leads, make customers, link leads and jobs",
        "A second run changes nothing.",
    )
    _store(command)
    command.add_argument("--dry-run", action="store_true", help="plan only: write nothing")
    command.add_argument("--plan-out", metavar="FILE", help="save the plan, for leadfold apply")
    _policy(command)
    command.add_argument(
        "--mode", choices=["fill"], default="fill", help="fill: no existing link is changed"
    )
    command.add_argument("--actor", default="system", help="who the audit log names")
    command.add_argument(
        "--created-by", default="leadfold", metavar="NAME", help="what new customers' metadata says"
    )
    command.add_argument(
        "--stored-phone",
        choices=["e164", "national", "as_received"],
        default="e164",
        help="how new customers show their phone",
    )
    _writing(command)
    _show_values(command)


def _apply(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "apply", "write a plan that backfill --plan-out saved")
    command.add_argument("plan", metavar="PLAN")
    _store(command)
    _writing(command)
    _show_values(command)


def _runs(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "runs", "list the runs that wrote to a store, newest first")
    _store(command)
    command.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="how many (default 20)"
    )


def _stats(commands: Commands) -> None:  # type: ignore[valid-type]
    _store(_command(commands, "stats", "show a store's health check and grouping quality"))


def _customer(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands, "customer", "show who a customer is: leads, dependents, runs that touched it"
    )
    _store(command)
    command.add_argument("id", metavar="ID")
    _show_values(command)


def _validate(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "validate",
        "check a store: coverage, orphans, mismatches, drift",
        "Exit status 1 if a check that must hold does not; warnings do not count.",
    )
    _store(command)
    _policy(command)
    command.add_argument(
        "--samples", type=_whole, default=5, metavar="N", help="name N rows a check (default 5)"
    )
    command.add_argument(
        "--print-sql", action="store_true", help="print the checks that are plain SQL, run none"
    )


def _schema(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "schema",
        "print leadfold's own tables in PostgreSQL as SQL, or make them",
        "A run makes them where they are missing; this is for those who may not, or look first.",
    )
    command.add_argument("store", metavar="STORE", help="such as postgresql://localhost/crm")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--print", action="store_true", dest="print_only", help="print the script, run nothing"
    )
    what.add_argument("--apply", action="store_true", help="make the tables that are missing")


def _store(command: ArgumentParser) -> None:
    command.add_argument(
        "store", metavar="STORE", help="such as sqlite:///crm.db or postgresql://localhost/crm"
    )
    command.add_argument("--mapping", metavar="TOML", help="the store's tables and columns")
    command.add_argument("--tenant", help="whose rows, where the store has several owners")


def _policy(command: ArgumentParser) -> None:
    command.add_argument("--policy", metavar="TOML", help="what counts as one person")
    command.add_argument(
        "--region", help="the country of phones without + (default US); none: only with +"
    )
    command.add_argument(
        "--fast",
        action=BooleanOptionalAction,
        default=True,
        help="take the normalizers' fast doors; the answers are the same",
    )


def _writing(command: ArgumentParser) -> None:
    command.add_argument(
        "-v", "--verbose", action="store_true", help="tell of every stage and every customer"
    )
    command.add_argument(
        "--on-stale",
        choices=["refuse", "skip"],
        default="refuse",
        help="if rows changed since the plan: refuse it, or leave their units out",
    )
    limits = command.add_argument_group("limits", "refuse a plan that goes beyond them")
    limits.add_argument(
        "--max-group",
        type=_count,
        metavar="N",
        help="leads of one group (default 200 with strategy linked, else any number)",
    )
    limits.add_argument("--max-created", type=_whole, metavar="N", help="new customers")
    limits.add_argument("--max-linked", type=_whole, metavar="N", help="leads linked")
    limits.add_argument("--max-drift", type=_whole, metavar="N", help="cases of drift")


def _show_values(command: ArgumentParser) -> None:
    command.add_argument(
        "--show-values", action="store_true", help="show identifiers instead of their masks"
    )


def _whole(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not (text.isascii() and text.isdigit()):
        msg = f"{text!r} is not a whole number of 0 or more"
        raise ArgumentTypeError(msg)
    return int(text)


def _count(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not _whole(text):
        msg = "must be 1 or more"
        raise ArgumentTypeError(msg)
    return int(text)


def _character(text: str) -> str:
    r"""Read one character; ``tab`` and ``\t`` stand for the one a shell makes hard to type."""
    found = "\t" if text in {"tab", r"\t"} else text
    if len(found) != 1 or found in '\r\n"':
        msg = f"{text!r} must be one character, or tab"
        raise ArgumentTypeError(msg)
    return found
