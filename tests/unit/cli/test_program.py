"""The program's last resort: what nobody foresaw ends in one line, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from leadfold.cli import main, program
from leadfold.cli.outcomes import Ending, UsageError, asked_for, ending_of
from leadfold.exceptions import (
    AlreadyUndoneError,
    DecisionError,
    LimitExceededError,
    LinkRequiredError,
    MissingExtraError,
    RollbackRefusedError,
    RunExistsError,
    StalePlanError,
    StoreError,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.cli.answers import Answer
    from leadfold.cli.screen import Screen

CANARY = "+12125550143"


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Put a command in place of ``stats`` that raises what is in the list."""
    errors: list[BaseException] = []

    def run(arguments: Namespace, screen: Screen) -> Answer:
        del arguments, screen
        raise errors[0]

    monkeypatch.setattr(program, "_COMMANDS", {"stats": run})
    monkeypatch.delenv("LEADFOLD_TRACEBACK", raising=False)
    return errors


def test_an_unexpected_error_is_one_line_that_names_its_class(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own text is not shown: nobody knows what is in it."""
    raising.append(KeyError(CANARY))
    assert main(["stats", "sqlite:///x.db"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("leadfold: unexpected KeyError: ")
    assert (err.count("\n"), CANARY in err) == (1, False)


def test_json_has_the_unexpected_error_too(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine learns that it failed, and the class."""
    raising.append(RecursionError())
    assert main(["stats", "sqlite:///x.db", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["outcome"], answer["error"]["type"]) == ("failed", "RecursionError")


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_traceback_is_shown_to_whoever_asks(
    raising: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    by_flag: bool,
) -> None:
    """By flag or by environment."""
    raising.append(StoreError("the store failed: disk full"))
    if not by_flag:
        monkeypatch.setenv("LEADFOLD_TRACEBACK", "1")
    assert main(["stats", "sqlite:///x.db", *(["--traceback"] if by_flag else [])]) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.endswith("leadfold: the store failed: disk full\n")


def test_what_the_system_says_is_passed_on(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file, where it names one."""
    raising.append(OSError(28, "No space left on device", "/data/x"))
    assert main(["stats", "sqlite:///x.db"]) == 1
    raising[0] = OSError(5, "Input/output error")
    assert main(["stats", "sqlite:///x.db"]) == 1
    assert capsys.readouterr().err == (
        "leadfold: /data/x: No space left on device\nleadfold: Input/output error\n"
    )


def test_an_interrupt_is_130(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line."""
    raising.append(KeyboardInterrupt())
    assert main(["stats", "sqlite:///x.db"]) == 130
    assert capsys.readouterr().err == "leadfold: interrupted\n"


def test_what_stays_of_a_run_is_told_below_the_error(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever ended it, an interrupt too; a machine finds it in the message."""
    for error in (StoreError("the disk is full"), KeyboardInterrupt()):
        error.add_note("run r1 is unfinished")
        raising[:] = [error]
        main(["stats", "sqlite:///x.db"])
    assert capsys.readouterr().err == (
        "leadfold: the disk is full\nleadfold: run r1 is unfinished\n"
        "leadfold: interrupted\nleadfold: run r1 is unfinished\n"
    )
    raising[:] = [StoreError("the disk is full")]
    raising[0].add_note("run r1 is unfinished")
    main(["stats", "sqlite:///x.db", "--json"])
    told = json.loads(capsys.readouterr().out)["error"]["message"]
    assert told == "the disk is full; run r1 is unfinished"


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        pytest.param(UsageError("x"), Ending("failed", 2), id="usage"),
        pytest.param(UnreadableFileError("x"), Ending("failed", 2), id="file"),
        pytest.param(StoreError("x"), Ending("failed", 1), id="store"),
        pytest.param(MissingExtraError("x"), Ending("failed", 1), id="extra"),
        pytest.param(RunExistsError("r1"), Ending("refused", 1), id="run"),
        pytest.param(StalePlanError(["l1"]), Ending("refused", 1), id="stale"),
        pytest.param(LimitExceededError(["x"]), Ending("refused", 1), id="limit"),
        pytest.param(RollbackRefusedError("r1", ["x"]), Ending("refused", 1), id="built upon"),
        pytest.param(AlreadyUndoneError("r1", "r2"), Ending("refused", 1), id="undone"),
        pytest.param(LinkRequiredError({"Lead": "x"}), Ending("refused", 1), id="required"),
        pytest.param(DecisionError("x"), Ending("refused", 1), id="decision"),
        pytest.param(ZeroDivisionError(), Ending("failed", 1), id="unforeseen"),
    ],
)
def test_every_error_has_an_outcome_and_a_status(error: Exception, ending: Ending) -> None:
    """2 for what the user asked for, 1 for what came of it."""
    assert ending_of(error) == ending


@pytest.mark.parametrize("message", ["policy.toml: no TOML", "no TOML"])
def test_a_file_asked_for_is_named_once(message: str) -> None:
    """Whether or not the error names it already."""

    def read() -> None:
        with asked_for("policy.toml"):
            raise UnreadableFileError(message)

    with pytest.raises(UsageError) as raised:
        read()
    assert str(raised.value) == "policy.toml: no TOML"
