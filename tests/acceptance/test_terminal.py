"""How the command line behaves where a person watches, and where the reader goes away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="pseudo-terminals are not everywhere")

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BARE = "import sys; sys.modules['rich'] = None; from leadfold.cli import main; sys.exit(main())"


def watched(*words: str, cwd: Path, bare: bool = False, **env: str) -> str:
    """Run the command line in a terminal and return all that it wrote there."""
    program = ["-c", BARE] if bare else ["-m", "leadfold"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60", **env}
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in env else None
    with subprocess.Popen(  # noqa: S603 - our own interpreter and package
        [sys.executable, *program, *words],
        cwd=cwd,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
        assert process.wait(60) == 0
    os.close(ours)
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end was closed
        return b""


def test_a_terminal_gets_stages_bars_and_colour(tmp_path: Path) -> None:
    """With rich installed, without being asked to be verbose."""
    store = make_store(tmp_path / "crm.db", [{"id": "l1", "phone": "212-555-0143"}])
    written = watched("backfill", store, cwd=tmp_path)
    assert COLOUR.search(written)
    assert "Reading leads" in written
    assert "[1/4] Grouping leads" in written


def test_no_color_is_honoured(tmp_path: Path) -> None:
    """Bars and tables stay, colours go."""
    store = make_store(tmp_path / "crm.db")
    written = watched("stats", store, cwd=tmp_path, NO_COLOR="1")
    assert "38;5" not in written
    assert not re.search(r"\x1b\[(?:[0-9;]*;)?3[0-7]", written)


def test_the_bare_install_has_plain_stages(tmp_path: Path) -> None:
    """Without rich: the same lines, no bar, no colour, no complaint."""
    store = make_store(tmp_path / "crm.db", [{"id": "l1", "phone": "212-555-0143"}])
    written = watched("backfill", store, cwd=tmp_path, bare=True)
    assert "\x1b" not in written
    assert "[1/4] Grouping leads" in written
    assert "BACKFILL COMPLETE" in written


def test_ids_in_tables_are_never_cut_short(tmp_path: Path) -> None:
    """A narrow terminal wraps a table's lines; what one wants to copy is whole."""
    store = make_store(tmp_path / "crm.db", [{"id": "l1", "phone": "212-555-0143"}])
    [run] = re.findall(r"[0-9a-f-]{36}", leadfold("backfill", store, cwd=tmp_path).out)
    assert run in watched("runs", store, cwd=tmp_path)


def test_a_reader_that_goes_away_is_no_error_to_speak_of(tmp_path: Path) -> None:
    """As with any other program in a pipe: quiet, and the status a shell expects."""
    leads = "id,phone\n" + "".join(f"l{n},\n" for n in range(20_000))
    (tmp_path / "leads.csv").write_text(leads)
    command = [sys.executable, "-m", "leadfold", "group", "leads.csv", "--json"]
    # Unbuffered, Python itself takes a write that was cut short for a whole one.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and package
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_an_interrupt_ends_quietly(tmp_path: Path) -> None:
    """Status 130 and one line; a store is as it was."""
    os.mkfifo(tmp_path / "policy.toml")
    command = [sys.executable, "-m", "leadfold", "group", "x.csv", "--policy", "policy.toml"]
    with (
        subprocess.Popen(  # noqa: S603 - our own interpreter and package
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        (tmp_path / "policy.toml").open("w"),  # returns once the command reads
    ):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"leadfold: interrupted\n")


def test_an_ascii_terminal_is_written_to_all_the_same(tmp_path: Path) -> None:
    """What its encoding lacks is replaced; nothing fails."""
    store = make_store(tmp_path / "crm.db", [{"id": "l1", "phone": "212-555-0143"}])
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = leadfold("backfill", store, "--verbose", cwd=tmp_path, env=env)
    assert ended.status == 0
    assert "   + Linked 1 lead(s) to customer" in ended.err


def test_help_loads_nothing_slow(tmp_path: Path) -> None:
    """Neither the normalizing libraries nor any extra is imported to print the help."""
    code = (
        "import sys\nfrom leadfold.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "slow = {'phonenumbers', 'email_validator', 'rich', 'pyarrow', 'hypothesis', 'pytest'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(  # noqa: S603 - our own interpreter and package
        command, cwd=tmp_path, capture_output=True, check=False
    )
    assert process.returncode == 0, process.stderr.decode()
