"""What the command line understands: commands, options, help. It runs nothing."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter

from leadfold.cli.option_values import character, count, lead_ids, moment, whole

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
    _rollback(commands)
    _merge(commands)
    _split(commands)
    _erase(commands)
    _runs(commands)
    _stats(commands)
    _customer(commands)
    _validate(commands)
    _why(commands)
    _review(commands)
    _index(commands)
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
        "--leads", type=count, default=1_000, metavar="N", help="how many leads (default 1000)"
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
    _file(command)
    command.add_argument(
        "-o", "--output", metavar="OUT", help="write lead id, group key and kind (CSV or .jsonl)"
    )
    command.add_argument(
        "--truth", metavar="COLUMN", help="hold the groups against the persons in this column"
    )
    command.add_argument(
        "--top", type=count, default=5, metavar="N", help="show the N largest groups (default 5)"
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
        "--mode",
        choices=["fill", "reconcile"],
        default="fill",
        help="fill: no existing link is changed; reconcile: leads are moved and customers merged "
        "until the links equal the grouping",
    )
    command.add_argument(
        "--adopt",
        action="store_true",
        help="let reconcile move links that somebody else made, too",
    )
    _actor(command)
    _new_customers(command)
    _writing(command)
    _show_values(command)


def _apply(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "apply", "write a plan that backfill --plan-out saved")
    command.add_argument("plan", metavar="PLAN")
    _store(command)
    _writing(command)
    _show_values(command)


def _rollback(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "rollback",
        "take a run back: restore exactly what was, and only that",
        "It is a run itself, and can be rolled back.",
    )
    _store(command)
    command.add_argument("run", metavar="RUN", help="its id, as leadfold runs lists it")
    command.add_argument(
        "--later",
        choices=["refuse", "keep"],
        default="refuse",
        help="if something was built on the run since: refuse (default), or keep that and take "
        "back the rest",
    )
    command.add_argument("--dry-run", action="store_true", help="plan only: write nothing")
    _actor(command)
    command.add_argument("-v", "--verbose", action="store_true", help="tell of every unit")


def _merge(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "merge",
        "let one customer take over all of another, whose row goes",
        "That they are one person is kept as a ruling. leadfold rollback undoes it.",
    )
    _store(command)
    command.add_argument("keep", metavar="KEEP", help="the customer that stays")
    command.add_argument("absorb", metavar="ABSORB", help="the customer whose row goes")
    _actor(command)


def _split(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "split",
        "give leads of a customer a customer of their own",
        "That they are different persons is kept as a ruling. leadfold rollback undoes it.",
    )
    _store(command)
    command.add_argument("customer", metavar="CUSTOMER")
    command.add_argument(
        "--part",
        type=lead_ids,
        action="append",
        required=True,
        metavar="LEADS",
        help="the leads of one new customer: L1,L2, or a JSON list where an id has a comma; "
        "repeat it for several customers",
    )
    _policy(command)
    _actor(command)
    _new_customers(command)


def _erase(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "erase",
        "blank what leadfold keeps of a lead: for good",
        "The lead's own row must be blank or gone. Nothing asks, and nothing brings it back.",
    )
    _store(command)
    command.add_argument("lead", metavar="LEAD")
    _policy(command)
    _actor(command)


def _runs(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "runs", "list the runs that wrote to a store, newest first")
    _store(command)
    command.add_argument(
        "--limit", type=count, default=20, metavar="N", help="how many (default 20)"
    )


def _stats(commands: Commands) -> None:  # type: ignore[valid-type]
    _store(_command(commands, "stats", "show a store's health check and grouping quality"))


def _customer(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "customer",
        "show who a customer is: leads, dependents, rulings, runs that touched it",
        "Of one that is gone, the customer where its leads live now.",
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
        "--samples", type=whole, default=5, metavar="N", help="name N rows a check (default 5)"
    )
    command.add_argument(
        "--print-sql", action="store_true", help="print the checks that are plain SQL, run none"
    )


def _index(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands,
        "index",
        "keep what a resolver looks leads up by, under a policy; no link is touched",
        "A backfill writes it, too.",
    )
    command.add_argument(
        "what",
        choices=["build", "refresh", "trigger"],
        help="build: for every lead and customer; refresh: for leads edited --since; trigger: "
        "print triggers that put leads on the queue which others edit",
    )
    _store(command)
    _policy(command)
    _actor(command)
    command.add_argument(
        "--since",
        type=moment,
        metavar="WHEN",
        help="refresh: only leads that came or were edited then or later (2026-01-31T08:00Z)",
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


def _actor(command: ArgumentParser) -> None:
    command.add_argument("--actor", default="system", help="who the audit log names")


def _new_customers(command: ArgumentParser) -> None:
    command.add_argument(
        "--created-by", default="leadfold", metavar="NAME", help="what new customers' metadata says"
    )
    command.add_argument(
        "--stored-phone",
        choices=["e164", "national", "as_received"],
        default="e164",
        help="how new customers show their phone",
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
    command.add_argument(
        "--chunk",
        type=count,
        metavar="N",
        help="write in several transactions of up to N leads each; if it ends early, leadfold "
        "apply of the saved plan goes on from there",
    )
    limits = command.add_argument_group("limits", "refuse a plan that goes beyond them")
    limits.add_argument(
        "--max-group",
        type=count,
        metavar="N",
        help="leads of one group (default 200 with strategy linked, else any number)",
    )
    limits.add_argument("--max-created", type=whole, metavar="N", help="new customers")
    limits.add_argument("--max-linked", type=whole, metavar="N", help="leads linked")
    limits.add_argument("--max-drift", type=whole, metavar="N", help="cases of drift")


def _show_values(command: ArgumentParser) -> None:
    command.add_argument(
        "--show-values", action="store_true", help="show identifiers instead of their masks"
    )


def _why(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(
        commands, "why", "say why two leads of a file are in one group, or why they are not"
    )
    _file(command)
    command.add_argument("lead", metavar="LEAD")
    command.add_argument("other", metavar="LEAD")
    _show_values(command)


def _review(commands: Commands) -> None:  # type: ignore[valid-type]
    command = _command(commands, "review", "list the groups of a file that a person should look at")
    _file(command)
    command.add_argument(
        "--top", type=count, default=5, metavar="N", help="show N cases (default 5)"
    )
    _show_values(command)


def _file(command: ArgumentParser) -> None:
    """Add a file of leads and how it is read, as ``group`` has them."""
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
    command.add_argument("--delimiter", type=character, help="of CSV; default: found out")
