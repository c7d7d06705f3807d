"""A frame of any kind is grouped as `group` groups its rows: keys, stops, rejected values."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_kinds import every_kind, frame, rows_of
from leadfold import IdentifierRule, Policy, group
from leadfold.integrations.dataframes import group_frame, guess_columns, resolve_frame
from leadfold.testing import sample_leads
from leadfold.testing.strategies import READINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATA = Path(__file__).parents[1] / "data"
FIELDS = ("psid", "phone", "email")

messy = st.text("0123456789+-() .xaA@_\t\u00a0\u2011\uff11\u0661", max_size=18)
anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
policies = st.sampled_from(
    [
        Policy.keyed(),
        Policy.linked(),
        Policy.linked(region="GB"),
        Policy.keyed(identifiers=["email", IdentifierRule("phone", blocked=("+12025550142",))]),
        Policy.linked(identifiers=[IdentifierRule("psid", scope="email"), "phone"]),
    ]
)


def cells(kind: str) -> st.SearchStrategy[str | None]:
    """Return cells of *kind*: some that collide, some messy, some missing."""
    known = st.sampled_from(sorted(READINGS[kind]))
    return st.one_of(known, known, st.none(), messy, anything)


leads = st.lists(st.tuples(*(cells(kind) for kind in FIELDS)), max_size=12)


def same(columns: Mapping[str, Sequence[object]], kind: str, policy: Policy) -> None:
    """Hold the frame to the answers of `group` on its rows."""
    names = [name for name in columns if name == "id" or name in policy.fields]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    expected = group([{name: row[name] for name in names} for row in rows], policy)
    given = frame(kind, columns)
    resolution = resolve_frame(given, policy)
    assert resolution == expected
    found = rows_of(group_frame(given, policy))
    assert [row["id"] for row in found] == list(columns["id"])
    for row in found:
        its = expected.groups[row["group"]]
        assert (row["group_key"], row["group_kind"]) == (its.key, its.kind)
        assert row["id"] in its.lead_ids


@every_kind
@settings(max_examples=25)
@given(leads, policies)
def test_messy_leads_are_grouped_as_their_rows_are(
    kind: str, drawn: list[tuple[str | None, ...]], policy: Policy
) -> None:
    """Whatever the texts, whatever the policy; a column of nothing included."""
    columns: dict[str, Sequence[object]] = {"id": [f"l{n}" for n in range(len(drawn))]}
    for place, field in enumerate(FIELDS):
        columns[field] = [lead[place] for lead in drawn]
    same(columns, kind, policy)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_sample_leads_are_grouped_as_their_rows_are(kind: str, strategy: str) -> None:
    """Thousands of them, with a few of everything that real leads have."""
    samples = [sample.lead for sample in sample_leads(3_000, seed=5)]
    columns: dict[str, list[object]] = {"id": [lead.id for lead in samples]}
    for field in FIELDS:
        found = [getattr(lead, field) for lead in samples]
        columns[field] = [c if isinstance(c, str) or c is None else next(iter(c)) for c in found]
    policy = Policy.keyed() if strategy == "keyed" else Policy.linked()
    same(columns, kind, policy)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.parent.name) for path in sorted(DATA.glob("*/records.csv"))],
)
def test_public_data_sets_are_grouped_as_their_rows_are(path: Path) -> None:
    """As they were published."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        table = dict(zip(header, zip(*reader, strict=True), strict=True))
    guess = {field: names[0] for field, names in guess_columns(header).items()}
    size = len(next(iter(table.values())))
    columns: dict[str, Sequence[object]] = {"id": [f"row {n}" for n in range(size)]}
    columns |= {
        field: [c or None for c in table[name]] for field, name in guess.items() if field != "id"
    }
    for kind in ("pandas", "polars", "pyarrow"):
        for policy in (Policy.keyed(), Policy.linked()):
            same(columns, kind, policy)
