"""Whether a store is what a backfill promises: its tables read once, and checked. Repairs nothing.

Grouping is the engine's: drift is seen here and by `leadfold.backfill.plan`, never in SQL.
"""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest
from itertools import compress
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.minting import now
from leadfold.backfill.snapshot import read_snapshot
from leadfold.backfill.statistics import unfinished_runs
from leadfold.backfill.tallying import Aside, Tally, groups_apart, groups_mixed, shown_twice
from leadfold.backfill.validation import Check, Validation
from leadfold.errands import look, run
from leadfold.grouping import group_columns
from leadfold.policy import Policy
from leadfold.reporter import SILENT
from leadfold.repository import undeclared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.backfill.tallying import DependentTally
    from leadfold.backfill.validation import Severity
    from leadfold.changes import Run
    from leadfold.errands import Errand
    from leadfold.grouping import Resolution
    from leadfold.repository import Repository, StoreFacts

__all__ = ["EXPLAINED_BY", "LARGE", "validate", "validating"]

LARGE = 50
"""A customer with more leads than this is unusually large: hardly anybody asks that often.

It warns well before the 200 at which `Limits.default_for` has a plan of ``linked`` refused.
"""

RESOLVING = "resolve_lead"

EXPLAINED_BY = ("backfill_customers", RESOLVING)
"""The actions of audit entries that say how leads came by their customers."""

REFRESH = "refresh the index (leadfold index refresh) under the policy it was made with"

NOT_JUDGED = "not judged: the index was made with another policy"

OTHER_POLICY = (
    "validate under the policy that the index was made with (--policy): under another nobody can "
    "tell which entries are stale, and a refresh would lock out the resolvers of that one"
)

DRAIN = "drain the queue (Resolver.drain), or run a backfill"

_NO_ID = "(no id)"


def validate(
    repository: Repository, policy: Policy | None = None, *, samples: int = 5
) -> Validation:
    """Check *repository* against what a backfill under *policy* promises. Nothing is written.

    What it looks at are the user's tables, in one snapshot; leadfold's own are held against them.

    | check | expected | if not |
    |---|---|---|
    | leads linked, and each dependent | all rows have a customer | fail |
    | leads that cannot be read | none: nobody can tell whose they are | fail |
    | leads, dependents whose customer is missing | none names a customer that is not there | fail |
    | dependents whose lead is missing | none names a lead that is not there | fail |
    | dependents with another customer than their lead | none, where both have one | fail |
    | audit entries | at least one, where leads are linked and no resolver did it | fail |
    | ready for NOT NULL, leads and each dependent | no NULL among the links | fail |
    | customers without leads | none that leadfold or the original made | warn |
    | phones, emails shown by several customers | none, as the policy normalizes them | warn |
    | customers with more than 50 leads | none | warn |
    | groups with several customers, customers with several groups | none: this is drift | warn |
    | stale index entries | none, but of leads in the queue; judged under its own policy | warn |
    | index entries without a row | none, but of leads in the queue, or still awaited | warn |
    | leads in the queue | none: `leadfold.Resolver.drain` or a backfill decides them | warn |
    | policy of the index | the fingerprint of *policy* | warn |
    | unfinished runs | none, but those that a later one has done the rest of | warn |
    | undeclared foreign keys | none references customers: merges and rollbacks refuse them | warn |

    Args:
        repository: the store.
        policy: what its leads are grouped by; default `Policy.keyed()`.
        samples: how many rows each check names.

    Raises:
        PolicyError: the policy asks for what the store does not map.
        DuplicateLeadError, ConflictingRulingsError, StoreError.

    >>> from leadfold import InMemoryRepository
    >>> found = validate(InMemoryRepository(leads=[{"id": "l1"}, {"id": "l2"}]))
    >>> found.ok, found["leads linked"].actual, found["leads linked"].samples
    (False, '0/2 (0%)', ('l1', 'l2'))
    """
    return run(validating(policy, samples=samples), repository)


def validating(policy: Policy | None, *, samples: int) -> Errand[Validation]:
    """Check whichever kind of repository; see `validate`."""
    policy = Policy() if policy is None else policy
    snapshot, dependents, audited, unfinished, aside = yield from look(_seen(policy))
    resolution = group_columns(snapshot.columns, policy, snapshot.rulings)
    checks = _Checks(samples)
    return Validation(
        (
            *checks.of_leads(snapshot),
            *(each for name, tally in dependents.items() for each in checks.of_rows(name, tally)),
            *checks.of_customers(snapshot, policy),
            *checks.of_grouping(snapshot, resolution),
            *checks.of_index(snapshot, policy, aside),
            checks.of_runs(unfinished),
            checks.of_mapping(snapshot.facts),
            checks.of_audit(snapshot, audited),
        )
    )


_Seen = tuple[
    "Snapshot", dict[str, "DependentTally"], "Mapping[str, int]", tuple["Run", ...], Aside
]


def _seen(policy: Policy) -> Asks[_Seen]:
    snapshot = yield from read_snapshot(policy, SILENT, keep_raw_phones=False)
    tally = Tally(snapshot)
    yield from asking.dependents().each(tally.add)
    audited = yield from asking.audited()
    resolved = yield from asking.runs(1, action=RESOLVING)
    unaudited = {RESOLVING: 0} if resolved else {}
    unfinished = yield from unfinished_runs()
    aside = Aside(now())
    yield from asking.queued().each(aside.wait)
    yield from asking.rowless().each(aside.miss)
    return snapshot, tally.tables, {**unaudited, **audited}, unfinished, aside


@attrs.frozen
class _Checks:
    """Makes the checks, each naming up to *samples* of what it found."""

    samples: int

    def of_leads(self, snapshot: Snapshot) -> Iterator[Check]:
        """Yield whether every lead has a customer that is there."""
        leads = range(snapshot.leads)
        links = snapshot.links
        unlinked = Counter(snapshot.ids[row] for row in leads if links[row] is None)
        dangling = Counter(
            snapshot.ids[row]
            for row in leads
            if links[row] is not None and links[row] not in snapshot.customers
        )
        unreadable = Counter(lead or _NO_ID for lead, _ in snapshot.unreadable)
        yield self._coverage("leads linked", snapshot.leads, unlinked)
        yield self._none("leads that cannot be read", "fail", unreadable)
        yield self._none("leads whose customer is missing", "fail", dangling)
        yield self._not_null("leads", unlinked)

    def of_rows(self, name: str, tally: DependentTally) -> Iterator[Check]:
        """Yield whether the rows of dependent *name* have the customer of their lead."""
        yield self._coverage(f"{name} linked", tally.rows, tally.unlinked)
        yield self._none(f"{name} whose lead is missing", "fail", tally.without_lead)
        yield self._none(f"{name} whose customer is missing", "fail", tally.without_customer)
        yield self._none(f"{name}/lead mismatch", "fail", tally.mismatched)
        yield self._not_null(name, tally.unlinked)

    def of_customers(self, snapshot: Snapshot, policy: Policy) -> Iterator[Check]:
        """Yield what is odd about customers, and may be right."""
        leads = Counter(link for link in snapshot.links[: snapshot.leads] if link is not None)
        idle = Counter(
            customer.id
            for customer in snapshot.customers.values()
            if customer.made_by is not None and customer.id not in leads
        )
        large = Counter(f"{id_}: {count} leads" for id_, count in leads.items() if count > LARGE)
        yield self._none("customers without leads", "warn", idle)
        for kind in ("phone", "email"):
            twice = shown_twice(snapshot, kind, policy)
            yield self._none(f"{kind}s shown by several customers", "warn", twice)
        yield self._none(f"customers with more than {LARGE} leads", "warn", large)

    def of_grouping(self, snapshot: Snapshot, resolution: Resolution) -> Iterator[Check]:
        """Yield where the stored links say something else than the grouping: the drift."""
        mixed, apart = groups_mixed(snapshot, resolution), groups_apart(snapshot, resolution)
        yield self._none("groups with several customers", "warn", mixed)
        yield self._none("customers with several groups", "warn", apart)

    def of_index(self, snapshot: Snapshot, policy: Policy, aside: Aside) -> Iterator[Check]:
        """Yield whether a look-up in the identity index would find what the leads now hold."""
        made_with = snapshot.facts.fingerprint
        is_same = made_with in {None, policy.fingerprint}
        changed = b"" if made_with is None or not is_same else snapshot.changed
        stale = Counter(compress(snapshot.ids, changed)) - aside.waiting
        check = self._none("stale index entries", "warn", _each(stale, REFRESH))
        yield check if is_same else attrs.evolve(check, actual=NOT_JUDGED)
        rowless = aside.rowless - aside.waiting
        yield self._none("index entries without a row", "warn", _each(rowless, REFRESH))
        yield self._none("leads in the queue", "warn", _each(aside.waiting, DRAIN))
        yield Check(
            "policy of the index",
            policy.fingerprint,
            "no index yet" if made_with is None else made_with,
            "warn",
            is_same,
            self._named([] if is_same else [OTHER_POLICY]),
        )

    def of_audit(self, snapshot: Snapshot, audited: Mapping[str, int]) -> Check:
        """Return whether the audit trail explains that leads are linked.

        What a resolver decides it need not tell: the ledger does.
        """
        linked = any(link is not None for link in snapshot.links[: snapshot.leads])
        least = int(linked and RESOLVING not in audited)
        entries = sum(audited.get(action, 0) for action in EXPLAINED_BY)
        expected = f"at least {least}"
        return Check("audit entries", expected, str(entries), "fail", entries >= least)

    def of_runs(self, unfinished: Iterable[Run]) -> Check:
        """Return whether every run came to its end; a sample names the two ways to one."""
        found = Counter(
            f"{run.id}: apply its plan again to go on, or roll it back" for run in unfinished
        )
        return self._none("unfinished runs", "warn", found)

    def of_mapping(self, facts: StoreFacts) -> Check:
        """Return whether the mapping knows of all that references customers; samples say how."""
        return self._none(
            "undeclared foreign keys", "warn", Counter(undeclared(facts.foreign_keys))
        )

    def _none(self, name: str, severity: Severity, found: Counter[str]) -> Check:
        """Return a check that expects none: *found* counts rows by what names them."""
        return Check(name, "0", str(found.total()), severity, not found, self._named(found))

    def _coverage(self, name: str, rows: int, missing: Counter[str]) -> Check:
        """Return a check that expects all *rows* but the *missing* to be all rows."""
        there = rows - missing.total()
        percent = 100 * there // rows if rows else 100  # down: 100 % is all of them
        actual = f"{there}/{rows} ({percent}%)"
        return Check(name, "100%", actual, "fail", not missing, self._named(missing))

    def _not_null(self, name: str, nulls: Counter[str]) -> Check:
        """Return whether the links of table *name* could be declared NOT NULL."""
        check = self._none(f"{name} ready for NOT NULL", "fail", nulls)
        return attrs.evolve(check, expected="0 NULL", actual=f"{check.actual} NULL")

    def _named(self, found: Iterable[str]) -> tuple[str, ...]:
        return tuple(nsmallest(self.samples, found))


def _each(found: Counter[str], way_out: str) -> Counter[str]:
    """Return what is *found* with the *way_out* beside each."""
    return Counter({f"{name}: {way_out}": count for name, count in found.items()})
