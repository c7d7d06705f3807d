"""Draws all that notebooks show, on one page to look at, and the pictures that the docs hold.

Look at the page in a browser, in light and in dark, whenever a sheet or a picture changes:

    python docs/gallery.py gallery.html
    chromium --headless --no-sandbox --disable-gpu --user-data-dir=$(mktemp -d) \
        --window-size=1000,6000 --hide-scrollbars --blink-settings=preferredColorScheme=1 \
        --screenshot=light.png file://$PWD/gallery.html

0 instead of 1 is dark. With ``--docs`` it also writes the files in ``docs/pictures`` anew.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from leadfold import InMemoryRepository, Lead, Policy, Resolver, backfill, group
from leadfold.compare import compare
from leadfold.evaluate import evaluate, labels_of
from leadfold.pictures import flow, group_sizes, identity_graph, share_by_kind, stops_by_reason
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold import Resolution

PICTURES = Path(__file__).parent / "pictures"

LEADS = (
    Lead("web-1", psid="24000000000000017", phone="(212) 555-0143"),
    Lead("web-2", psid="24000000000000017", email="ann@mailbox.org"),
    Lead("fair-1", phone="212.555.0143", email="ann.lee@work.example"),
    Lead("fair-2", email="Ann.Lee@work.example"),
    Lead("call-1", email="ann@mailbox.org", phone="+1 646 555 0188"),
    Lead("call-2", psid="24000000000000025", phone="646 555 0188"),
)
"""Ann, four times, and somebody who shares a phone with one of her leads."""

CLAIMED = (
    Lead("bea-1", psid="24000000000000033", email="bea@mailbox.org"),
    Lead("fax-1", phone="917 555 0121", email="bea@mailbox.org"),
    Lead("fax-2", phone="917 555 0121", email="cy@mailbox.org"),
    Lead("cy-1", psid="24000000000000041", email="cy@mailbox.org"),
)
"""Two leads of one phone that two people claim."""

_PAGE = """<!doctype html><meta charset="utf-8"><title>leadfold: what notebooks show</title>
<style>:root{color-scheme:light dark}body{margin:24px;font-family:sans-serif}
section{border-top:1px solid #8884;padding:16px 0}</style>
"""


class Drawable(Protocol):
    """What a notebook shows as HTML."""

    def _repr_html_(self) -> str: ...


def resolutions() -> tuple[Resolution, Resolution]:
    """Return two groupings of the same sample leads."""
    leads = [sample.lead for sample in sample_leads(2_000, seed=7)]
    return group(leads, Policy.keyed()), group(leads, Policy.linked())


def drawn() -> Iterator[Drawable]:
    """Yield one of everything that notebooks show."""
    keyed, linked = resolutions()
    truth = {sample.lead.id: sample.truth for sample in sample_leads(2_000, seed=7)}
    customer = group(LEADS, Policy.linked())
    yield from (linked, compare(keyed, linked), compare(linked, truth))
    yield evaluate(labels_of(linked.groups), truth)
    yield linked.what_if(limits={"psid": None})
    review = group(CLAIMED, Policy.linked()).review()
    yield from (review, review[0])
    yield from (customer.why("web-2", "fair-2"), customer.why_not("web-1", "call-1"))
    yield from _of_a_store()
    yield from (group_sizes(linked), share_by_kind(linked), stops_by_reason(linked))
    yield from (flow(compare(keyed, linked)), flow(compare(linked, truth)))
    yield identity_graph(customer, "web-1")
    yield identity_graph(linked, linked.largest(1)[0].lead_ids[0])


def _of_a_store() -> Iterator[Drawable]:
    """Yield a plan, its report, checks, a decision and what takes the run back."""
    leads = [sample.lead for sample in sample_leads(300)]
    repository = InMemoryRepository(leads=leads)
    numbers = count(1)
    plan = backfill.plan(
        repository,
        run_id="run-1",
        now=datetime(2026, 1, 1, tzinfo=UTC),
        new_id=lambda: f"customer-{next(numbers)}",
    )
    report = backfill.apply(plan, repository)
    yield from (plan, report, backfill.plan_rollback("run-1", repository))
    yield Resolver(repository).resolve(LEADS[0])
    yield backfill.validate(repository)


def files() -> Mapping[str, str]:
    """Return what the documentation shows, by the name of its file."""
    keyed, linked = resolutions()
    compared = compare(keyed, linked)
    customer = group(LEADS, Policy.linked())
    return {
        "resolution.html": linked.to_html(),
        "comparison.html": compared.to_html(),
        "why-not.html": customer.why_not("web-1", "call-1").to_html(),
        "customer.svg": identity_graph(customer, "web-1").svg(),
        "group-sizes.svg": group_sizes(linked).svg,
        "share-by-kind.svg": share_by_kind(linked).svg,
        "stops-by-reason.svg": stops_by_reason(linked).svg,
        "flow.svg": flow(compared).svg,
    }


def main(page: str, *options: str) -> None:
    """Write the *page*, and the files of the docs where ``--docs`` is given."""
    sections = (f"<section>{each._repr_html_()}</section>" for each in drawn())
    Path(page).write_text(_PAGE + "\n".join(sections), "utf-8")
    if "--docs" in options:
        for name, text in files().items():
            (PICTURES / name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
