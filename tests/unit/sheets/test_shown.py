"""What notebooks show: strangers' texts stay text, values are masked, long lists are cut."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from leadfold import Lead, Policy, group
from leadfold.grouping import Groups
from leadfold.sheets import SHOWN, Shown
from leadfold.sheets.style import SCOPE, STYLE
from leadfold.testing import sample_leads
from shown_objects import contested, shown_objects

if TYPE_CHECKING:
    from leadfold import Group

MARKUP = "'\"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;</td></div></style>"
TAGS = frozenset(
    {"div", "style", "b", "span", "dl", "dt", "dd", "table", "caption", "thead", "tbody"}
    | {"tr", "th", "td", "i", "p"}
)
OBJECTS = [*shown_objects(MARKUP)]


class Page(HTMLParser):
    """The tags, the attributes and the text of a page, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, open now, and its attributes."""
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        """Hold that the tag that was opened last is closed first."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add to the text, but for the style's."""
        if self.open and self.open[-1] != "style":
            self.text += data


def _name(shown: object) -> str:
    return type(shown).__name__


def _all_kinds() -> set[type]:
    return {kind for kind in Shown.__subclasses__() if kind.__module__.startswith("leadfold")}


def test_every_object_that_is_shown_is_tried_here() -> None:
    """A class that gains `to_html` must be among the objects of these tests."""
    assert {type(each) for each in OBJECTS} == _all_kinds()


@pytest.mark.parametrize("show_values", [False, True])
@pytest.mark.parametrize("shown", OBJECTS, ids=_name)
def test_markup_in_every_field_stays_text(shown: Shown, *, show_values: bool) -> None:
    """Ids, values, keys, notes, messages: nothing of them is read as a tag or an attribute."""
    page = Page(shown.to_html(show_values=show_values))

    assert page.tags <= TAGS
    assert page.attributes <= {"class", "style", "colspan"}
    assert page.open == []
    if _name(shown) != "Evaluation":  # which has no text of anybody's
        assert MARKUP[:20] in page.text


@pytest.mark.parametrize("shown", OBJECTS, ids=_name)
def test_nothing_is_fetched_and_nothing_runs(shown: Shown) -> None:
    """One element, a style of its own, no script, no address."""
    html = shown.to_html().replace(MARKUP, "")

    assert html.startswith(f'<div class="{SCOPE}"><style>')
    assert html.count("<style>") == 1
    for forbidden in ("<script", "<img", "<link", "url(", "@import", "http:", "https:"):
        assert forbidden not in html


def test_a_notebook_shows_the_masked_page() -> None:
    """Jupyter calls `_repr_html_`; a person who wants values says so."""
    shown = contested("any")

    assert shown._repr_html_() == shown.to_html() == shown.to_html(show_values=False)


def test_identifiers_are_masked_unless_asked_for() -> None:
    """In a resolution, and in everything it answers."""
    leads = [
        Lead("l1", psid="24000000000000001", phone="212 555 0143"),
        Lead("l2", psid="24000000000000001"),
        Lead("l3", psid="24000000000000002", phone="212 555 0143", email="ann@mailbox.org"),
        Lead("l4", phone="212 555 0143"),
    ]
    found = group(leads, Policy.linked())
    answers: list[Shown] = [
        found,
        found.why("l1", "l2"),
        found.why_not("l1", "l3"),
        found.what_if(block=["psid:24000000000000001"]),
        found.review(),
        found.review()[0],
    ]
    raw = ("24000000000000001", "24000000000000002", "2125550143", "ann@mailbox.org")
    for answer in answers:
        assert not any(value in answer.to_html() for value in raw)
        assert any(value in answer.to_html(show_values=True) for value in raw)


@pytest.mark.parametrize("many", [200, 5_000])
def test_few_groups_are_made_for_a_page(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many leads there are: as many groups as are listed, no more."""
    resolution = group([sample.lead for sample in sample_leads(many)], Policy.keyed())
    made = []
    by_number = Groups.by_number

    def counted(self: Groups, number: int) -> Group:
        made.append(number)
        return by_number(self, number)

    monkeypatch.setattr(Groups, "by_number", counted)
    resolution.to_html()

    assert len(made) <= SHOWN + len(resolution.suspicious)


def test_long_lists_say_what_they_leave_out() -> None:
    """The page stays short, and nobody takes ten stops for all of them."""
    resolution = group([sample.lead for sample in sample_leads(2_000)], Policy.linked())
    page = Page(resolution.to_html())

    assert f"… and {len(resolution.stops) - SHOWN:,} more" in page.text
    assert len(resolution.to_html()) < 12_000


def test_the_style_touches_nothing_else_on_the_page() -> None:
    """Every selector begins with the class of the element, thrice: it also wins over the page's."""
    selectors = [rule.partition("{")[0] for rule in STYLE.split("}") if rule]

    assert len(selectors) > 15
    assert all(selector.startswith(f".{SCOPE}" * 3) for selector in selectors)
    assert not any(
        "," in selector.replace("(th,td)", "").replace("(dt,dd)", "") for selector in selectors
    )
