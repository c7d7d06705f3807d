"""``leadfold demo``: the main job with no set-up at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import leadfold

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_shows_the_main_job_and_leaves_nothing(tmp_path: Path) -> None:
    """Stages, figures, customers, the truth, a second run that does nothing, what to try next."""
    ended = leadfold("demo", cwd=tmp_path)
    assert ended.status == 0
    assert "[4/4] Recording audit log..." in ended.err
    for text in (
        "BACKFILL COMPLETE",
        "The largest customer of each type",
        "pairwise  precision",
        "Second run, nothing to do: 0 customers created",
        "Try next:",
    ):
        assert text in ended.out
    assert list(tmp_path.iterdir()) == []


def test_the_demo_keeps_a_store_that_other_commands_read(tmp_path: Path) -> None:
    """Every command it names works on what it kept."""
    ended = leadfold("demo", "--store", "sqlite:///demo.db", "--leads", "60", cwd=tmp_path)
    lines = [line.split() for line in ended.out.splitlines() if "demo.db" in line]
    named = [words for words in lines if words[0] == "leadfold"]
    assert {words[1] for words in named} == {"stats", "runs", "customer", "rollback"}
    for words in named:
        assert leadfold(*words[1:], cwd=tmp_path).status == 0


def test_the_demo_answers_in_json_and_is_the_same_every_time(tmp_path: Path) -> None:
    """The figures of both runs, and nothing on standard error."""
    ended = leadfold("demo", "--json", "--leads", "200", "--seed", "7", cwd=tmp_path)
    again = leadfold("demo", "--json", "--leads", "200", "--seed", "7", cwd=tmp_path)
    assert ended.err == ""
    assert ended.json["first"] == again.json["first"]
    first, second = ended.json["first"], ended.json["second"]
    assert second["customersSkipped"] == first["customersCreated"]
    assert (second["customersCreated"], second["leadsLinked"]) == (0, 0)
