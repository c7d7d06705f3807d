"""A customer as a graph: what is in it, and that labels cannot become markup or syntax."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import IdentifierRule, Lead, Policy, Ruling, group
from leadfold.pictures import identity_graph
from leadfold.pictures.nodes import printable
from shown_objects import NOTE, contested

if TYPE_CHECKING:
    from leadfold.pictures import IdentityGraph

LEADS = [
    Lead("a1", psid="24000000000000001", phone="212 555 0143"),
    Lead("a2", psid="24000000000000001", email="ann@mailbox.org"),
    Lead("b1", psid="24000000000000002", phone="212 555 0143"),
    Lead("c1", phone="212 555 0143", email="cy@mailbox.org"),
]
RAW = ("24000000000000001", "24000000000000002", "2125550143", "ann@mailbox.org")
FORMS = ("svg", "mermaid", "dot")

DOT_LINE = re.compile(
    r'  n\d+( -- n\d+)? \[(label="(?P<node>(?:[^"\\\n]|\\["\\])*)", )?'
    r'(shape=box|style=bold|style=solid|style=dashed)[a-z=,0-9 "]*'
    r'(, label="(?:[^"\\\n]|\\["\\])*")?\]'
)
MERMAID_LINE = re.compile(
    r'  n\d+(\["[^"\n]*"\]|\(\["[^"\n]*"\]\)|\[\["[^"\n]*"\]\]'
    r'| (===|---|-\.-)(\|"[^"\n]*"\|)? n\d+)'
)


def _texts(svg: str) -> list[str]:
    """Return what a reader of the drawing sees, as XML has it."""
    return [each.text or "" for each in ET.fromstring(svg).iter() if each.tag.endswith("}text")]  # noqa: S314 - our own


def _of(text: str) -> IdentityGraph:
    return identity_graph(contested(text), f"{text}a")


def test_a_graph_says_what_joined_what_is_held_and_what_did_not_join() -> None:
    """The psid ties two leads; the phone is contested by another customer."""
    found = identity_graph(group(LEADS, Policy.linked()), "a2")

    assert found.lead_ids == ("a1", "a2")
    assert [str(each) for each in found.joining] == ["psid:…01"]
    assert {str(each): leads for each, leads in found.held.items()} == {
        "psid:…01": ("a1", "a2"),
        "email:a…@….org": ("a2",),
        "phone:+1…43": ("a1",),
    }
    ((stop, others),) = found.stops
    assert stop.reasons == ("contested",)
    assert [each.lead_ids for each in others] == [("b1",), ("c1",)]


def test_a_ruling_that_joins_is_in_the_graph() -> None:
    """With the leads that it ties."""
    found = identity_graph(group(LEADS, rulings=[Ruling("r1", [("a1", "c1")])]), "c1")

    assert found.rulings == {"r1": ("a1", "c1")}
    assert "ruling r1" in _texts(found.svg())


def test_a_lead_that_is_none_of_these_is_an_error() -> None:
    """As everywhere."""
    with pytest.raises(KeyError):
        identity_graph(group(LEADS), "nobody")


@pytest.mark.parametrize("form", FORMS)
def test_values_are_masked_unless_asked_for(form: str) -> None:
    """In every form."""
    draw = getattr(identity_graph(group(LEADS, Policy.linked()), "a1"), form)

    assert not any(value in draw() for value in RAW)
    assert all(value in unescape(_plain(draw(show_values=True))) for value in RAW)


def _plain(text: str) -> str:
    """Return Mermaid's codes as the signs they stand for."""
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), text)


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_the_leads_does_not_matter(form: str) -> None:
    """Drawn twice, or from leads in another order, it is the same picture to the letter."""
    first, second = (
        getattr(identity_graph(group(leads, Policy.linked()), "a1"), form)()
        for leads in (LEADS, LEADS[::-1])
    )

    assert first == second


@given(st.text(min_size=1, max_size=30))
def test_any_text_is_drawn_as_text(text: str) -> None:
    """Well-formed XML, lines of the two languages: whatever ids and values hold."""
    found = _of(text)

    assert any(printable(text)[:20] in drawn for drawn in _texts(found.svg(show_values=True)))
    head, *lines, tail = found.dot(show_values=True).split("\n")
    assert (head, lines[0], tail) == ("graph {", "  rankdir=LR", "}")
    assert all(DOT_LINE.fullmatch(line) for line in lines[1:])
    head, *lines = found.mermaid(show_values=True).split("\n")
    assert head == "flowchart LR"
    assert all(MERMAID_LINE.fullmatch(line) for line in lines)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"]; n0 --> n1', "\\N", 'x" onload="y', "&amp;", "-->|a|"]
)
def test_syntax_in_an_id_is_not_syntax(text: str) -> None:
    """Neither elements, nor edges, nor escapes come of it."""
    svg, plain = _of(text), _of("q")

    assert _elements(svg.svg()) == _elements(plain.svg())
    assert svg.mermaid().count("\n") == plain.mermaid().count("\n")
    assert svg.dot().count(" -- ") == plain.dot().count(" -- ")


def _elements(svg: str) -> list[str]:
    return sorted(each.tag for each in ET.fromstring(svg).iter())  # noqa: S314 - our own


def test_a_large_customer_is_drawn_in_part() -> None:
    """Thirty leads of a thousand, the one that was asked about among them, and it says so."""
    leads = [Lead(f"l{n:04}", phone="212 555 0143", email=f"m{n}@mailbox.org") for n in range(1000)]
    policy = Policy.linked()
    found = identity_graph(group(leads, policy), "l0999")

    assert len(found.lead_ids) == 30
    assert "l0999" in found.lead_ids
    assert "1000 leads, the first 30 shown" in _texts(found.svg())[0]
    assert len(found.held) == 31


def test_a_widely_shared_value_names_a_few_of_its_groups() -> None:
    """A call centre's phone is in forty customers: twelve of the others are drawn."""
    rules = [IdentifierRule("badge", normalizer=NOTE, limit=1), IdentifierRule("phone")]
    leads = [Lead(f"l{n}", phone="212 555 0143", fields={"badge": str(n)}) for n in range(40)]
    found = identity_graph(group(leads, Policy(rules, strategy="linked")), "l7")

    ((stop, others),) = found.stops
    assert len(stop.lead_ids) == 40
    assert len(others) == 12


def test_a_lead_without_identifiers_is_a_graph_of_one_node() -> None:
    """It has a picture too."""
    found = identity_graph(group([Lead("l1")]), "l1")

    assert "l1" in _texts(found.svg())
    assert found.mermaid() == 'flowchart LR\n  n0["l1"]'


def test_the_drawing_fetches_nothing() -> None:
    """No script, no address but the name of the language."""
    svg = identity_graph(group(LEADS), "a1").svg()

    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in svg
    assert "prefers-color-scheme:dark" in svg
