"""Public names as a typed program uses them: mypy holds the types, pytest that it runs.

Every public name of `MODULES` must be used here; the last test says which is not.
"""

from __future__ import annotations

import ast
import asyncio
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import polars as pl

from leadfold import (
    AsyncInMemoryRepository,
    Customer,
    Dependent,
    Group,
    Identifier,
    IdentifierRule,
    InMemoryRepository,
    Lead,
    LeadfoldError,
    Normalizer,
    Policy,
    Reason,
    Resolution,
    Resolver,
    Ruling,
    backfill,
    compare,
    evaluate,
    explanations,
    group,
    normalize_email,
    normalize_phone,
    normalize_psid,
    own_normalizer,
    pictures,
    sheets,
)
from leadfold.grouping import Groups, WhatIf
from leadfold.integrations import dataframes
from leadfold.model import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES = (
    "leadfold",
    "leadfold.compare",
    "leadfold.evaluate",
    "leadfold.explanations",
    "leadfold.integrations.dataframes",
    "leadfold.pictures",
    "leadfold.sheets",
)

LEADS = (
    Lead("l1", psid="24000000000000001", phone="212 555 0143"),
    Lead("l2", psid="24000000000000001", email="ann@mailbox.org"),
    Lead("l3", psid="24000000000000002", phone="212 555 0143"),
    Lead("l4", phone="212 555 0143"),
)


def test_normalizing() -> None:
    """A value or None; a normalizer of one's own."""
    assert_type(str(normalize_email("a@mailbox.org")), str)
    assert normalize_phone("212 555 0143") == "+12125550143"
    assert normalize_psid("24000000000000001") is not None
    own = own_normalizer("badge", "1", lambda raw: raw.upper() or None)
    assert_type(own, Normalizer)
    rule = IdentifierRule("badge", normalizer=own)
    assert_type(Policy([rule]), Policy)
    assert_type(str(Reason.BLOCKED.value), str)


def test_grouping() -> None:
    """A resolution, its groups, and what it answers."""
    ruling = Ruling("r1", [("l1", "l4")])
    found = group(LEADS, Policy.linked(), rulings=[ruling])
    assert_type(found, Resolution)
    assert_type(found.groups, Groups)
    assert_type(found.groups[0], Group)
    assert_type(found.largest(3), tuple[Group, ...])
    assert_type(found.counts, dict[str, int])
    assert_type(found.stops, tuple[Stop, ...])
    assert_type(found.identifiers_of("l1"), tuple[Identifier, ...])
    assert_type(found.links_of("l1"), tuple[explanations.Tie, ...])
    assert_type(found.what_if(), WhatIf)
    assert_type(found.to_html(), str)


def test_explaining() -> None:
    """Why, why not, and what a person should look at."""
    found = group(LEADS, Policy.linked())
    why = found.why("l1", "l2")
    assert_type(why, explanations.Why)
    assert_type(why.steps[0].level, str)
    assert why.steps[0].level in {explanations.KEY, explanations.RULING, "phone"}
    assert_type(found.why_not("l1", "l3"), explanations.WhyNot)
    cases = found.review()
    assert_type(cases, explanations.Cases)
    assert_type(cases[0], explanations.Case)
    assert_type(cases[0].opens, tuple[explanations.Case, ...])


def test_comparing() -> None:
    """Resolutions, labels and whatever has groups."""
    keyed, linked = group(LEADS), group(LEADS, Policy.linked())
    found = compare.compare(keyed, {"l1": 1, "l2": 1, "l3": 2, "l4": None})
    assert_type(found, compare.Comparison)
    assert_type(found.regroupings, tuple[compare.Regrouping, ...])
    kind: compare.Kind = "same"
    assert_type(found.counts[kind], int)
    assert_type(found.parted, tuple[compare.Parted, ...])
    assert_type(found.same, tuple[Group, ...])
    side: compare.Grouped = linked
    merged = compare.compare(keyed, side)
    for regrouping in merged.regroupings:
        assert_type(merged.reasons(regrouping), tuple[compare.Witness, ...])
    assert_type(merged.to_html(show_values=True), str)


def test_evaluating() -> None:
    """Figures against the truth."""
    labels = evaluate.labels_of(group(LEADS).groups)
    assert_type(labels, dict[str, int])
    figures = evaluate.evaluate(labels, {lead.id: "ann" for lead in LEADS})
    assert_type(figures, evaluate.Evaluation)
    assert_type(figures.pairwise, evaluate.Score)
    assert_type(evaluate.UnevenLeadsError([], ["l1"]).only_true, tuple[str, ...])


def test_showing() -> None:
    """Sheets are values."""
    shown: sheets.Shown = group(LEADS, Policy.linked())
    sheet = shown.sheet(sheets.MASKED)
    assert_type(sheet, sheets.Sheet)
    assert_type(sheets.Names(show_values=True).key("phone:+15551234567"), str)
    kinds = sheets.Figures, sheets.Bars, sheets.Table, sheets.Note
    assert all(isinstance(block, kinds) for block in sheet.blocks)
    made = sheets.table("Leads", ("id",), LEADS, lambda lead: (lead.id,))
    assert_type(made, tuple[sheets.Table, ...])
    assert len(made[0].rows) <= sheets.SHOWN
    groups = [Group("individual:l1", "individual", ("l1",) * 2 * sheets.FEW)]
    assert_type(sheets.groups_table("Groups", groups, sheets.MASKED), tuple[sheets.Table, ...])


def test_drawing() -> None:
    """Graphs in three languages, charts as SVG."""
    found = group(LEADS, Policy.linked())
    graph = pictures.identity_graph(found, "l1")
    assert_type(graph, pictures.IdentityGraph)
    assert_type(graph.svg(show_values=True), str)
    assert_type(graph.mermaid(), str)
    assert_type(graph.dot(), str)
    charts = (
        pictures.group_sizes(found),
        pictures.share_by_kind(found),
        pictures.stops_by_reason(found),
        pictures.flow(compare.compare(group(LEADS), found)),
    )
    for chart in charts:
        assert_type(chart, pictures.Picture)
    assert_type(charts[0].svg, str)


def test_frames() -> None:
    """The same kind of frame back; a resolution; a frame of the class that is asked for."""
    frame = pl.DataFrame({"id": ["l1"], "phone": ["212 555 0143"]})
    assert_type(dataframes.group_frame(frame, Policy.linked(), phone=["phone"]), pl.DataFrame)
    found = dataframes.resolve_frame(frame.lazy(), columns=dataframes.guess_columns(frame.columns))
    assert_type(found, Resolution)
    assert_type(dataframes.to_frame(found, "stops", like=pl.DataFrame), pl.DataFrame)


def test_storing() -> None:
    """A backfill, one lead now, and the customer that came of it; awaiting, too."""
    repository = InMemoryRepository(leads=LEADS, dependents={"Job": []}, customers=[])
    plan = backfill.plan(repository)
    assert_type(plan, backfill.Plan)
    report = backfill.apply(plan, repository)
    assert_type(report.to_html(), str)
    customer_id = Resolver(repository).resolve(Lead("l5", phone="212 555 0143")).customer_id
    assert_type(customer_id, str | None)
    assert_type(Customer("c1").name, str | None)
    assert_type(Dependent("Job").lead_id, str)
    assert isinstance(asyncio.run(_awaited()), LeadfoldError)


async def _awaited() -> Exception:
    repository: AsyncInMemoryRepository = AsyncInMemoryRepository(leads=LEADS)
    async with repository.reading():
        return LeadfoldError("read")


def test_every_public_name_is_used_here() -> None:
    """By its own name, or as an attribute of its module."""
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    for module in MODULES:
        names: Sequence[str] = import_module(module).__all__
        assert {*names} <= used, module
