"""Why and review on a file: what is said, in JSON too, and nothing raw unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import leadfold

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Ended

LEADS = """\
id,psid,phone,email
A,24000000000000001,212-555-0143,
B,24000000000000002,212-555-0143,
C,,212-555-0143,ada@canary.example
D,,,ada@canary.example
E,,,
"""
DESK = "".join(f"S{n},,212-555-0199,desk{n}@canary.example\n" for n in range(6))
CANARIES = ("2125550143", "555-0143", "canary", "24000000000000001", "2125550199")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a file of leads and a policy."""
    (tmp_path / "leads.csv").write_text(LEADS + DESK)
    (tmp_path / "linked.toml").write_text('strategy = "linked"\n')
    return tmp_path


def ask(place: Path, command: str, *words: str) -> Ended:
    """Run *command* on the file under the policy."""
    return leadfold(command, "leads.csv", *words, "--policy", "linked.toml", cwd=place)


def test_leads_that_are_together_are_told_why(place: Path) -> None:
    """A step a line, after the group that both are in."""
    ended = ask(place, "why", "D", "C")
    assert ended.status == 0
    assert ended.out == "D and C are both in phone:+1…43\n   D and C share email:a…@….example\n"
    answer = ask(place, "why", "D", "C", "--json", "--show-values").json
    assert answer == {
        "outcome": "done",
        "together": True,
        "leads": ["D", "C"],
        "groups": ["phone:+12125550143", "phone:+12125550143"],
        "steps": [
            {
                "lead": "D",
                "other": "C",
                "level": "email",
                "identifier": "email:ada@canary.example",
                "ruling": None,
            }
        ],
    }


def test_leads_that_are_apart_are_told_why_not(place: Path) -> None:
    """What both hold, what their groups hold, or that it is nothing."""
    answer = ask(place, "why", "A", "C", "--json", "--show-values").json
    assert (answer["together"], answer["around"]) == (False, [])
    assert answer["shared"] == [
        {
            "identifier": "phone:+12125550143",
            "reasons": ["contested"],
            "owners": ["psid:24000000000000001", "psid:24000000000000002"],
            "lead_ids": ["A", "B", "C"],
        }
    ]
    assert "the groups of A and D share phone:+1…43" in ask(place, "why", "A", "D").out
    assert "A and E share nothing" in ask(place, "why", "A", "E").out


def test_review_lists_cases_with_the_rulings_that_settle_them(place: Path) -> None:
    """Largest impact first; the text shows as many as asked for, JSON all."""
    out = ask(place, "review").out
    assert out.startswith("2 case(s), largest impact first\n\nsuspicious: phone:+1…99, 6 leads\n")
    assert "if it is one customer: a must-link of all its leads (S0 …)" in out
    assert "contested: phone:+1…43, 2 leads, claimed by psid:…01, psid:…02" in out
    assert "… and 1 more" in ask(place, "review", "--top", "1").out
    cases = ask(place, "review", "--json", "--top", "1").json["cases"]
    assert [case["reason"] for case in cases] == ["suspicious", "contested"]
    assert cases[1]["ruling"] == {"id": "review:contested:C", "parts": [["C", "D"], ["A", "B"]]}


OPENING = """\
{"id": "ann", "psid": "24000000000000001", "phone": "212-555-0143"}
{"id": "ann-2", "psid": "24000000000000001", "email": "b@six.example"}
{"id": "ben", "psid": "24000000000000002", "phone": "212-555-0143", "email": "e@six.example"}
{"id": "who", "phone": "212-555-0143", "email": ["a@six.example", "c@six.example", "g@six.example"]}
{"id": "new", "email": ["e@six.example", "a@six.example", "f@six.example"]}
{"id": "new-2", "email": ["b@six.example", "a@six.example"]}
"""


def test_what_a_ruling_opens_is_told_for_the_cases_that_are_shown(place: Path) -> None:
    """Without ``who`` the emails are few enough to join, and to be claimed; masked, too."""
    (place / "leads.jsonl").write_text(OPENING)
    options = ("leads.jsonl", "--policy", "linked.toml")
    (case,) = leadfold("review", *options, "--json", cwd=place).json["cases"]
    assert (case["lead_ids"], case["ruling"]["id"]) == (["who"], "review:contested:who")
    (opened,) = case["opens"]
    assert opened["lead_ids"] == ["new", "new-2"]
    assert (opened["reason"], opened["key"]) == ("contested", "email:b…@….example")
    assert opened["claimants"] == ["psid:…01", "psid:…02"]
    assert "which would open 1 more" in leadfold("review", *options, cwd=place).out


def test_what_takes_long_is_not_looked_into_unasked(place: Path) -> None:
    """What a ruling opens is null beyond ``--top``: each takes a grouping of connected leads."""
    cases = ask(place, "review", "--json", "--top", "1").json["cases"]
    assert [case["opens"] for case in cases] == [[], None]


def test_a_file_without_cases_says_so(tmp_path: Path) -> None:
    """There is nothing to look at."""
    (tmp_path / "leads.csv").write_text("id,phone\nl1,212-555-0143\n")
    assert leadfold("review", "leads.csv", cwd=tmp_path).out == "Nothing to look at\n"


@pytest.mark.parametrize("words", [("why", "A", "C"), ("why", "C", "D"), ("review",)])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_explanations_are_masked(
    place: Path, words: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """No raw value in what is said without ``--show-values``, whichever way it is written."""
    ended = ask(place, *words, *options)
    assert not any(value in ended.out + ended.err for value in CANARIES)


def test_rows_that_cannot_be_read_make_the_answer_partial(place: Path) -> None:
    """As with ``group``: something is missing from what was looked at."""
    with (place / "leads.csv").open("a") as file:
        file.write(",,212-555-0143,\n")
    ended = ask(place, "why", "C", "D")
    assert ended.status == 1
    assert "C and D are both in" in ended.out
