"""Precision and recall on every truth set in tests/data, under several policies, as a table.

Nothing is timed, and nothing is tuned to the data: each policy is a rule for all sets. The table
stands in docs/truth-sets.md, and a test compares the two. Run: ``python benchmarks/truth_sets.py``.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from leadfold import IdentifierRule, Lead, Policy, group
from leadfold.cli.columns import Source, columns_from_flags
from leadfold.cli.files import as_leads, open_leads
from leadfold.evaluate import evaluate, labels_of
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.cli.columns import Sources
    from leadfold.evaluate import Evaluation
    from leadfold.policy import Strategy

DATA = Path(__file__).parents[1] / "tests" / "data"
ABOUT = columns_from_flags(["id=id", "record=id", "source=source", "truth=true_id"])
Rules = tuple[IdentifierRule, ...]
Change = Callable[[Rules], Rules]


@attrs.frozen
class TruthSet:
    """Leads, who each of them is, and the kinds of identifier they come with, strongest first.

    A lead has its own id as ``record`` too, and where it comes from as ``source``.
    """

    name: str
    leads: tuple[Lead, ...]
    truth: dict[str, str]
    rules: Rules
    region: str = "US"

    @property
    def sources(self) -> int:
        """Return how many lists the leads come from."""
        return len({lead.fields["source"] for lead in self.leads})

    def judged(self, policy: Policy) -> Evaluation:
        """Hold the groups under *policy* against the truth."""
        return evaluate(labels_of(group(self.leads, policy).groups), self.truth)


def as_it_is(rules: Rules) -> Rules:
    """Leave the defaults: psid 1; phone and email 5, generic after 25; no guard for other kinds."""
    return rules


def at_most(limit: int) -> Change:
    """Return what lets a customer hold so many values of a kind; a unique one stays unique."""
    return lambda rules: tuple(
        rule if rule.limit == 1 else attrs.evolve(rule, limit=limit) for rule in rules
    )


def generic_after_2(rules: Rules) -> Rules:
    """Let a value that three groups hold join nothing."""
    return tuple(attrs.evolve(rule, generic_after=2) for rule in rules)


def unguarded(rules: Rules) -> Rules:
    """Take all guards off."""
    return tuple(attrs.evolve(rule, limit=None, generic_after=None) for rule in rules)


def once_a_source(rules: Rules) -> Rules:
    """Let a customer hold one record of each source: a list names each of its own once."""
    return (IdentifierRule("record", limit=1, scope="source"), *rules)


def paged(rules: Rules) -> Rules:
    """Let a psid be a person's on one page."""
    return tuple(
        attrs.evolve(rule, scope="page_id") if rule.kind == "psid" else rule for rule in rules
    )


POLICIES: dict[str, tuple[Strategy, Change]] = {
    "keyed": ("keyed", as_it_is),
    "linked": ("linked", as_it_is),
    "linked, at most 1": ("linked", at_most(1)),
    "linked, at most 2": ("linked", at_most(2)),
    "linked, generic after 2": ("linked", generic_after_2),
    "linked, psid within its page": ("linked", paged),
    "linked, one record a source": ("linked", once_a_source),
    "plain closure": ("linked", unguarded),
}
"""What each policy is called, its strategy, and what it makes of the rules of a set."""


def policies_for(each: TruthSet) -> Iterator[tuple[str, Policy]]:
    """Yield the policies that say something about a set: pages and sources are not everywhere."""
    for name, (strategy, change) in POLICIES.items():
        if change is paged and not any("page_id" in lead.fields for lead in each.leads):
            continue
        if change is once_a_source and each.sources == 1:
            continue
        yield name, Policy(change(each.rules), strategy=strategy, region=each.region)


def rules_of(*kinds: str | IdentifierRule) -> Rules:
    """Return the rule of each of *kinds*; the default one for a name."""
    return tuple(IdentifierRule(kind) if isinstance(kind, str) else kind for kind in kinds)


def from_file(
    name: str, path: str, rules: Rules, columns: Sources | None = None, region: str = "US"
) -> TruthSet:
    """Read a file with a column ``true_id`` as ``leadfold group`` does."""
    told = {**ABOUT, **(columns or {})}
    fields = [rule.kind for rule in rules if rule.kind not in told]
    file = open_leads(DATA / path, columns=told, fields=fields)
    leads = tuple(lead for batch in file.batches(lambda _: None) for lead in as_leads(batch))
    truth = {lead.id: str(lead.fields["truth"]) for lead in leads}
    return TruthSet(name, leads, truth, rules, region)


def dealt() -> TruthSet:
    """Return leadfold's own sample leads: the only set with psids and pages."""
    samples = sample_leads(4_000, seed=1)
    leads = tuple(
        attrs.evolve(each.lead, fields={**each.lead.fields, "source": "sample"}) for each in samples
    )
    truth = {each.lead.id: each.truth for each in samples}
    return TruthSet("Sample leads", leads, truth, rules_of("psid", "phone", "email"))


def stitched(name: str, case: str, *kinds: str) -> TruthSet:
    """Return a case of another product; kinds that are not ours are its own opaque ids."""
    lines = (DATA / "stitch_cases" / "stitch_cases.jsonl").read_text("utf-8").splitlines()
    (found,) = (one for one in map(json.loads, lines) if one["name"] == case)
    leads = tuple(
        Lead(
            record["id"],
            **{kind: record[kind] for kind in kinds if kind in record},
            fields={"source": case, **record["orig"]},
        )
        for record in found["records"]
    )
    truth = {lead: cluster[0] for cluster in found["expected_clusters"] for lead in cluster}
    return TruthSet(name, leads, truth, rules_of(*kinds))


def truth_sets() -> Iterator[TruthSet]:
    """Yield every set with a truth."""
    ids = {name: Source(("other_ids",), re.compile(rf"{name}::([^|]+)")) for name in ("nin", "art")}
    path, kinds = "opencr_uganda/records.csv", rules_of("nin", "art", "phone")
    yield from_file("OpenCR, Uganda", path, kinds, ids, region="UG")
    path, local = "dedupe_chicago_childcare/records.csv.gz", {"default_area": "773"}
    phones = {"phone": Source(("phone", "phone2"))}
    chicago = rules_of(IdentifierRule("phone", options=local))
    yield from_file("Chicago childcare, area code told", path, chicago, phones)
    yield from_file("Fodors and Zagats", "fodors_zagats/records.csv", rules_of("phone"))
    yield from_file("Splink fake 1000", "splink_fake_1000/records.csv", rules_of("email"))
    for name in ("t1_synthetic", "t3_clean_compat"):
        path = f"goldenmatch_fixtures/{name}.csv"
        yield from_file(f"GoldenMatch {name[:2]}", path, rules_of("phone", "email"))
    yield dealt()
    seeds = "sql-identity-resolution/sample-seeds"
    yield stitched("sql-identity-resolution", seeds, "psid", "phone", "email")
    two = ("td_client_id", "td_global_id")
    yield stitched("Treasure Data, two cookies", "treasuredata/ex1-two-cookie-ids", *two)
    four = ("email", "td_ssc_id", *two)
    yield stitched("Treasure Data, four ids", "treasuredata/ex2-four-key-types", *four)


def rows(each: TruthSet) -> Iterator[tuple[str, ...]]:
    """Yield policies and figures of a set; policies with the same figures share a row."""
    shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, policy in policies_for(each):
        found = each.judged(policy)
        pairs, cubed = found.pairwise, found.b_cubed
        figures = (pairs.precision, pairs.recall, cubed.precision, cubed.recall)
        told = (str(found.groups), *(f"{figure:.3f}" for figure in figures))
        shared[told].append(name)
    for told, names in shared.items():
        yield "; ".join(names), *told


def table() -> Iterator[str]:
    """Yield the lines of a Markdown table of all figures."""
    head = ["data", "leads", "policy", "groups", "precision", "recall", "B³ precision", "B³ recall"]
    yield f"| {' | '.join(head)} |"
    yield "|---|--:|---|" + "--:|" * 5
    for each in truth_sets():
        begins = f"| {each.name} | {len(each.leads)} |"
        for row in rows(each):
            yield f"{begins} {' | '.join(row)} |"
            begins = "| | |"


if __name__ == "__main__":
    print(*table(), sep="\n")
