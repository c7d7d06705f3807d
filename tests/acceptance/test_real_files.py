"""Public data sets through the command line, as they were published, with the figures they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import DATA, leadfold

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Ended

UGANDA = DATA / "opencr_uganda"
CHICAGO = DATA / "dedupe_chicago_childcare" / "records.csv.gz"

COLUMNS = """\
nin = { column = "other_ids", pattern = 'nin::([^|]+)' }
art = { column = "other_ids", pattern = 'art::([^|]+)' }
"""
POLICY = """\
strategy = "{strategy}"
region = "UG"

[[identifiers]]
kind = "nin"

[[identifiers]]
kind = "art"

[[identifiers]]
kind = "phone"
"""


def figures(ended: Ended) -> tuple[int, int, dict[str, int], dict[str, dict[str, int]]]:
    """Return leads, groups, groups by kind, and refused values by field and reason."""
    assert ended.json["outcome"] == "done", ended.err
    answer = ended.json
    return answer["leads"], len(answer["groups"]), answer["counts"], answer["rejected"]


def pairs(ended: Ended) -> tuple[int, int, int]:
    """Return how many pairs are in one group, how many are one person, and how many are both."""
    judged = ended.json["evaluation"]
    return judged["predicted_pairs"], judged["true_pairs"], judged["shared_pairs"]


@pytest.mark.parametrize(
    ("strategy", "groups", "predicted"),
    [pytest.param("keyed", 2064, 498, id="keyed"), pytest.param("linked", 2037, 525, id="linked")],
)
def test_opencr_uganda(tmp_path: Path, strategy: str, groups: int, predicted: int) -> None:
    """National ids and phones with typos: ``keyed`` finds 498 of 525 pairs, ``linked`` all."""
    (tmp_path / "columns.toml").write_text(COLUMNS)
    (tmp_path / "policy.toml").write_text(POLICY.format(strategy=strategy))
    options = ("--mapping", "columns.toml", "--policy", "policy.toml", "--truth", "true_id")
    ended = leadfold("group", UGANDA / "records.csv", *options, "--json", cwd=tmp_path)
    counts = {"nin": groups, "art": 0, "phone": 0, "individual": 0}
    assert figures(ended) == (2562, groups, counts, {"phone": {"too_short": 24}})
    assert pairs(ended) == (predicted, 525, predicted)


def test_dedupe_chicago_childcare(tmp_path: Path) -> None:
    """Phones without an area code and dates for emails: all refused by name, nothing joined."""
    columns = ("-c", "phone=phone", "-c", "phone=phone2", "--truth", "true_id")
    ended = leadfold("group", CHICAGO, *columns, "--json", cwd=tmp_path)
    refused = {"phone": {"local_only": 3189, "too_long": 1}, "email": {"malformed": 134}}
    assert figures(ended) == (
        3337,
        3337,
        {"psid": 0, "phone": 0, "email": 0, "individual": 3337},
        refused,
    )
    assert pairs(ended) == (0, 6608, 0)
    assert "line 2668" in ended.err
    assert ended.json["unreadable"]["values"] == 1


def test_fodors_zagats(tmp_path: Path) -> None:
    """Restaurants by phone: 108 of 112 pairs; the 14 wrong ones share a front desk's number."""
    path = DATA / "fodors_zagats" / "records.csv"
    ended = leadfold("group", path, "--truth", "true_id", "--json", cwd=tmp_path)
    counts = {"psid": 0, "phone": 747, "email": 0, "individual": 1}
    assert figures(ended) == (864, 748, counts, {"phone": {"too_short": 1}})
    assert pairs(ended) == (122, 112, 108)


def test_splink_fake_1000(tmp_path: Path) -> None:
    """Emails with typos: what is joined is right, what a typo parted stays parted."""
    path = DATA / "splink_fake_1000" / "records.csv"
    ended = leadfold("group", path, "--truth", "true_id", "--json", cwd=tmp_path)
    counts = {"psid": 0, "phone": 0, "email": 394, "individual": 241}
    assert figures(ended) == (1000, 635, counts, {"email": {"malformed": 30}})
    assert pairs(ended) == (682, 2031, 682)
    assert ended.json["evaluation"]["pairwise"]["precision"] == 1.0


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        pytest.param("t1_synthetic", {}, id="emails"),
        pytest.param("t3_clean_compat", {"phone": {"local_only": 200}}, id="local phones"),
    ],
)
def test_goldenmatch_fixtures(
    tmp_path: Path, name: str, refused: dict[str, dict[str, int]]
) -> None:
    """Exact emails alone reach precision and recall 1.0; 555-xxxx phones are local and refused."""
    path = DATA / "goldenmatch_fixtures" / f"{name}.csv"
    ended = leadfold("group", path, "--truth", "true_id", "--json", cwd=tmp_path)
    counts = {"psid": 0, "phone": 0, "email": 150, "individual": 0}
    assert figures(ended) == (200, 150, counts, refused)
    assert pairs(ended) == (50, 50, 50)


def test_aws_synthetic_notruth(tmp_path: Path) -> None:
    """Phones as a generator of fake data writes them: three of four are numbers, none crashes."""
    path = DATA / "aws_synthetic_notruth" / "records.csv"
    ended = leadfold("group", path, "--json", cwd=tmp_path)
    counts = {"psid": 0, "phone": 384, "email": 117, "individual": 0}
    assert figures(ended) == (502, 501, counts, {"phone": {"too_long": 88, "too_short": 29}})
