"""A store whose leads are resolved one by one while everything else happens to it, too.

After every step the links are what one grouping of all that is stored says (mode ``reconcile``),
or the promises of ``fill`` hold; a backfill would find nothing to do. What is stored is read past
the adapter. What went on unseen, and what a person decided, is followed by what its user is told
to do next: `settle` or a resolve.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict, TypeVar, cast

import attrs
import psycopg
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from leadfold import Customer, IdentifierRule, Lead, Policy, backfill, customers, group
from leadfold.changes import InsertCustomer, Link, Reindex
from leadfold.exceptions import (
    AlreadyUndoneError,
    DecisionError,
    NothingToUndo,
    NotUndoableError,
    RollbackRefusedError,
)
from leadfold.model import Ruling
from leadfold.repositories.postgres import AsyncPostgresRepository, PostgresRepository
from leadfold.repository import RECORD
from leadfold.resolver import AsyncResolver, Resolver, refresh_index
from leadfold.rulings import lifted_by
from leadfold.testing import BlockingRepository
from properties.played_stores import InMemory, OnSQLite
from repositories.postgres_hooks import PostgresHooks
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from leadfold.backfill import Plan
    from leadfold.changes import Unit
    from leadfold.repository import Repository
    from leadfold.resolver import Decision
    from leadfold.testing.contract_hooks import StoreHooks

__all__ = ["AsyncMachine", "MemoryMachine", "PostgresMachine", "ResolvingMachine", "SQLiteMachine"]

T = TypeVar("T")
Cells = tuple[str | None, str | None, str | None]

PICKS = st.integers(0, 63)
PSIDS = (None, None, *(f"2400000000000000{number}" for number in range(1, 5)))
PHONES = (None, "+12125550143", "(212) 555-0143", "212 555 0177", "212 555 0188")
EMAILS = (None, "ann@mailbox.org", "Bob@mailbox.org", "cat@mailbox.org")
CELLS = st.tuples(*map(st.sampled_from, (PSIDS, PHONES, EMAILS)))
MODES: tuple[Literal["fill", "reconcile"], ...] = ("fill", "reconcile")
GRACE = timedelta(hours=1)
MOST = 10_000


def _tight(limit: int, most: int) -> Policy:
    """Return a policy whose phones and emails are soon too many, and soon generic."""
    rules = [
        IdentifierRule("psid", limit=1),
        IdentifierRule("phone", limit=limit, generic_after=most),
        IdentifierRule("email", limit=limit, generic_after=most),
    ]
    return Policy.linked(identifiers=rules)


POLICIES = {
    "keyed": Policy.keyed(),
    "linked": Policy.linked(),
    "tight": _tight(1, 1),
    "of two": _tight(2, 2),
    "no psid": Policy.linked(
        identifiers=[IdentifierRule("phone", limit=2), IdentifierRule("email")]
    ),
}
"""By name, so that failing steps can be read."""


def _indexes_customers(unit: Unit) -> bool:
    return all(isinstance(c, Reindex) and c.record_id.startswith(RECORD) for c in unit.changes)


class Settings(TypedDict):
    """What a resolver is made with beside store, policy and mode."""

    max_set: int
    grace: timedelta
    new_id: Callable[[], str]
    now: Callable[[], datetime]


class ResolvingMachine(RuleBasedStateMachine):
    """Steps of the application, of people and of leadfold on one store."""

    hooks: StoreHooks
    repository: Repository
    seen: ClassVar[Counter[str]] = Counter()
    """How many steps were made, and what became of them, by all machines."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.numbers = count(1)
        self.clock = datetime(2026, 11, 30, 12, tzinfo=UTC)
        self.foreign: set[str] = set()
        self.told: dict[str, object] = {}
        self.awaited: dict[str, tuple[Lead, str]] = {}
        self.open()

    def open(self) -> None:
        """Make the empty store."""
        raise NotImplementedError

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer behind leadfold's back."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Close what was opened."""
        self.exits.close()

    @initialize(
        mode=st.sampled_from(MODES),
        policy=st.sampled_from(sorted(POLICIES)),
        rows=st.lists(CELLS, max_size=5),
    )
    def begin(self, mode: Literal["fill", "reconcile"], policy: str, rows: list[Cells]) -> None:
        """Start with some leads that a backfill links."""
        self.mode, self.policy = mode, POLICIES[policy]
        self.hooks.seed(self.repository, [self.lead(cells) for cells in rows])
        self.settle()

    # Leads that come, change and go, the resolver being told.

    @rule(cells=CELLS)
    def add(self, cells: Cells) -> None:
        """A lead comes in."""
        lead = self.lead(cells)
        self.hooks.seed(self.repository, [lead])
        self.resolve([lead])

    @rule(rows=st.lists(CELLS, min_size=2, max_size=4))
    def add_many(self, rows: list[Cells]) -> None:
        """Several leads come in, and are resolved at once."""
        leads = [self.lead(cells) for cells in rows]
        self.hooks.seed(self.repository, leads)
        self.resolve(leads)

    @rule(pick=PICKS, cells=CELLS)
    def update(self, pick: int, cells: Cells) -> None:
        """A lead is edited."""
        if lead := self.pick(self.raw_leads(), pick):
            self.edit(lead, cells)
            self.resolve([Lead(lead)])

    @rule(picks=st.lists(PICKS, min_size=2, max_size=3), cells=CELLS)
    def update_many(self, picks: list[int], cells: Cells) -> None:
        """Several leads are edited, and resolved at once."""
        here = self.raw_leads()
        leads = sorted({lead for pick in picks if (lead := self.pick(here, pick))})
        for lead in leads:
            self.edit(lead, cells)
        self.resolve([Lead(lead) for lead in leads])

    @rule(pick=PICKS)
    def remove(self, pick: int) -> None:
        """A lead is deleted, and forgotten."""
        if lead := self.pick(self.raw_leads(), pick):
            by_hand = self.is_linked_by_hand(lead)
            self.hooks.delete_lead(self.repository, lead)
            self.written(lambda: self.forget(lead))
            if by_hand:
                self.settle()

    @rule(pick=PICKS)
    def resolve_again(self, pick: int) -> None:
        """A lead is resolved of which nothing changed: it is where it was."""
        if lead := self.pick(self.raw_leads(), pick):
            [decision] = self.resolve([Lead(lead)])
            assert decision.outcome == "unchanged"
            assert not decision.events

    @rule(pick=PICKS, cells=CELLS)
    def preview(self, pick: int, cells: Cells) -> None:
        """A look ahead, at a lead that is there or one that is not, writes nothing."""
        lead = self.pick(self.raw_leads(), pick)
        image = self.hooks.image(self.repository)
        self.look_ahead(Lead(lead) if lead and pick % 2 else self.lead(cells))
        assert self.hooks.image(self.repository) == image

    # Leads that are resolved before they have a row.

    @rule(cells=CELLS, at_once=st.booleans())
    def resolve_first(self, cells: Cells, at_once: bool) -> None:  # noqa: FBT001 - drawn
        """A lead is resolved; its row comes with the customer it was given, or is awaited."""
        lead = self.lead(cells)
        [decision] = self.resolve([lead])
        assert decision.customer_id is not None
        self.awaited[lead.id] = lead, decision.customer_id
        if at_once:
            self.arrive(0)

    @rule(pick=PICKS)
    def arrive(self, pick: int) -> None:
        """The row of a lead comes that was resolved before: the resolver tells its customer."""
        if not (awaited := self.pick(self.awaited, pick)):
            return
        lead, _ = self.awaited[awaited]
        [decision] = self.resolve([lead])
        assert decision.customer_id is not None
        self.hooks.seed(self.repository, [attrs.evolve(lead, customer_id=decision.customer_id)])
        del self.awaited[awaited]
        self.told[awaited] = decision.customer_id
        self.resolve([lead])

    # What goes on behind leadfold's back, and what people decide.

    @rule(pick=PICKS, cells=CELLS, draining=st.booleans())
    def edit_unseen(self, pick: int, cells: Cells, draining: bool) -> None:  # noqa: FBT001 - drawn
        """A lead is edited, and nobody tells the resolver."""
        if lead := self.pick(self.raw_leads(), pick):
            self.edit(lead, cells)
            self.seen_late(draining=draining)

    @rule(rows=st.lists(CELLS, min_size=1, max_size=3), chunk=st.sampled_from([None, 1, 2]))
    def add_unseen(self, rows: list[Cells], chunk: int | None) -> None:
        """Leads come in, and a backfill links them, in chunks or not."""
        self.hooks.seed(self.repository, [self.lead(cells) for cells in rows])
        self.settle(chunk)

    @rule(rows=st.lists(CELLS, min_size=1, max_size=3))
    def add_late(self, rows: list[Cells]) -> None:
        """Leads come in, and the queue has them."""
        self.hooks.seed(self.repository, [self.lead(cells) for cells in rows])
        self.seen_late(draining=True)

    @rule(pick=PICKS, draining=st.booleans())
    def remove_unseen(self, pick: int, draining: bool) -> None:  # noqa: FBT001 - drawn
        """A lead is deleted, and nobody tells the resolver.

        Of one that held nothing a refresh finds no trace, so only a backfill indexes the customer
        that it leaves behind; likewise of one that was linked by hand.
        """
        if lead := self.pick(self.raw_leads(), pick):
            [held] = [each for each in self.stored() if each.id == lead]
            [kind] = [each.kind for each in group([held], self.policy).groups]
            is_traced = kind != "individual" and not self.is_linked_by_hand(lead)
            self.hooks.delete_lead(self.repository, lead)
            self.seen_late(draining=draining and is_traced)

    @rule(pick=PICKS, cells=CELLS, fresh=st.booleans(), most=st.integers(1, 3))
    def crowd(self, pick: int, cells: Cells, fresh: bool, most: int) -> None:  # noqa: FBT001
        """A lead comes, or is edited, with more around it than may be decided: it waits."""
        lead = "" if fresh else self.pick(self.raw_leads(), pick)
        if lead:
            self.edit(lead, cells)
        else:
            new = self.lead(cells)
            self.hooks.seed(self.repository, [new])
            lead = new.id
        before = self.hooks.links(self.repository)
        decided = self.written(lambda: self.tell([Lead(lead)], most))
        assert decided is not None
        self.note(decided[0].outcome)
        self.keep(before)
        if decided[0].outcome == "queued":
            self.drained()

    @rule(pick=PICKS, to=PICKS, nowhere=st.booleans())
    def relink(self, pick: int, to: int, nowhere: bool) -> None:  # noqa: FBT001 - drawn
        """Somebody links a lead by hand."""
        lead, customer = self.pick(self.raw_leads(), pick), self.pick(self.raw_customers(), to)
        if lead and (customer or nowhere):
            columns = {"customer_id": None if nowhere else customer}
            self.hooks.edit_lead(self.repository, lead, **columns)
            self.settle()

    @rule(phone=st.sampled_from(PHONES), email=st.sampled_from(EMAILS))
    def add_customer(self, phone: str | None, email: str | None) -> None:
        """Somebody makes a customer by hand: it takes part as a record of its own."""
        customer = Customer(self.fresh("f"), phone=phone, email=email)
        self.hooks.seed(self.repository, customers=[customer])
        self.foreign.add(customer.id)
        self.settle()

    @rule(pick=PICKS, phone=st.sampled_from(PHONES))
    def edit_customer(self, pick: int, phone: str | None) -> None:
        """Somebody edits a customer's phone."""
        if customer := self.pick(self.raw_customers(), pick):
            self.hooks.edit_customer(self.repository, customer, phone=phone)
            self.settle()

    @rule(pick=PICKS)
    def remove_customer(self, pick: int) -> None:
        """Somebody deletes a customer: the store lets go of what pointed at it."""
        if customer := self.pick(self.raw_customers(), pick):
            self.delete_customer(customer)
            self.settle()

    @rule(policy=st.sampled_from(sorted(POLICIES)))
    def change_policy(self, policy: str) -> None:
        """Another policy rules from now on."""
        self.policy = POLICIES[policy]
        self.settle()

    @rule(keep=PICKS, absorb=PICKS)
    def merge(self, keep: int, absorb: int) -> None:
        """A person merges two customers; whoever the ruling concerns is resolved."""
        here = self.raw_customers()
        one, other = self.pick(here, keep), self.pick(here, absorb)
        if one and other and one != other:
            self.decided(lambda: customers.merge(self.repository, one, other))

    @rule(pick=PICKS, bits=st.integers(1, 7))
    def split(self, pick: int, bits: int) -> None:
        """A person splits some leads off a customer; whoever that concerns is resolved."""
        if customer := self.pick(self.raw_customers(), pick):
            links = self.hooks.links(self.repository)
            leads = sorted(lead for lead, link in links.items() if link == customer)
            part = [lead for place, lead in enumerate(leads) if bits >> place & 1]
            self.decided(
                lambda: customers.split(
                    self.repository, customer, [part], policy=self.policy, new_id=self.mint
                )
            )

    @rule(pick=PICKS, forget=st.booleans())
    def erase(self, pick: int, forget: bool) -> None:  # noqa: FBT001 - drawn
        """Somebody blanks or deletes a lead, and erases it."""
        if lead := self.pick(self.raw_leads(), pick):
            if forget:
                self.hooks.delete_lead(self.repository, lead)
            else:
                self.edit(lead, (None, None, None))
            self.written(lambda: customers.erase(self.repository, lead), DecisionError)
            self.settle()

    @rule(pick=PICKS, later=st.sampled_from(["refuse", "keep", "keep"]))
    def roll_back(self, pick: int, later: Literal["refuse", "keep"]) -> None:
        """A run is taken back."""
        with self.repository.reading() as reader:
            runs = [run.id for run in reader.runs(5)]
        refusals = (AlreadyUndoneError, NothingToUndo, NotUndoableError, RollbackRefusedError)
        self.written(
            lambda: backfill.rollback(runs[pick % len(runs)], self.repository, later=later),
            *refusals,
        )
        self.settle()

    # What must hold after every step.

    @invariant()
    def links_are_the_groupings(self) -> None:
        """Law 3; in both modes every lead has a customer."""
        self.seen["steps"] += 1
        links = self.hooks.links(self.repository)
        assert None not in links.values()
        if self.mode == "reconcile":
            parts: dict[object, set[str]] = defaultdict(set)
            for lead, customer in links.items():
                parts[customer].add(lead)
            assert {frozenset(part) for part in parts.values()} == self.expected(links)

    @invariant()
    def a_backfill_has_nothing_to_do(self) -> None:
        """Promise (c), in both modes; what awaits its row is known to the resolver alone.

        But for the index: a customer that leads left is not always indexed by its key at once.
        """
        if not self.awaited:
            left = [unit.changes for unit in self.plan().units if not _indexes_customers(unit)]
            assert not left, f"something is left to do: {left}"

    @invariant()
    def drift_is_told(self) -> None:
        """Promise (d): validate warns of drift if there is some, and only then."""
        if self.mode == "fill" and not self.awaited:
            links = self.hooks.links(self.repository)
            records = {f"customer:{one}": row for one, row in self.records().items()}
            whose = {**links, **{record: record.removeprefix("customer:") for record in records}}
            blank = [{one} for one, row in records.items() if not row["phone"] and not row["email"]]
            groups = [
                {whose[one] for one in found} for found in self.grouped() if found not in blank
            ]
            spread = Counter(customer for found in groups for customer in found)
            found = backfill.validate(self.repository, self.policy)
            mixed, apart = "groups with several customers", "customers with several groups"
            assert found[mixed].ok == all(len(each) == 1 for each in groups)
            assert found[apart].ok == (max(spread.values(), default=1) == 1)

    def expected(self, leads: Iterable[str]) -> set[frozenset[str]]:
        """Return the *leads* as one `group` of all that is stored parts them."""
        here = set(leads)
        return {part for found in self.grouped() if (part := found & here)}

    def grouped(self) -> list[frozenset[str]]:
        """Return one `group` of leads, customer records, rulings and pinned links."""
        leads = [*self.stored(), *(lead for lead, _ in self.awaited.values())]
        records = [
            Lead(f"customer:{one}", phone=cells["phone"], email=cells["email"])
            for one, cells in self.records().items()
        ]
        found = group([*leads, *records], self.policy, rulings=self.rulings())
        return [frozenset(each.lead_ids) for each in found.groups]

    def rulings(self) -> tuple[Ruling, ...]:
        """Return those in force; in ``reconcile`` pinned links rule, being newer."""
        with self.repository.reading() as reader:
            rulings = reader.rulings()
        pins: dict[str, list[str]] = defaultdict(list)
        for lead, customer in self.hooks.links(self.repository).items():
            if self.mode == "reconcile" and customer is not None and self.told[lead] != customer:
                pins[str(customer)].append(lead)
        for customer in pins.keys() & self.records().keys():
            pins[customer].append(f"customer:{customer}")
        made = [Ruling(f"pin {key}", [part]) for key, part in pins.items()]
        made += [Ruling("pins", pins.values())] if len(pins) > 1 else []
        for ruling in made:
            lifted = lifted_by(ruling, rulings)
            rulings = tuple(old for old in rulings if old not in lifted)
        return (*rulings, *made)

    def ruled(self) -> set[str]:
        """Return the rulings in force."""
        with self.repository.reading() as reader:
            return {ruling.id for ruling in reader.rulings()}

    def is_linked_by_hand(self, lead: str) -> bool:
        """Tell whether the link of *lead* is another than leadfold gave it."""
        return self.told[lead] != self.hooks.links(self.repository)[lead]

    # How the steps are made.

    def settle(self, chunk: int | None = None) -> None:
        """Do what is due after something went on unseen; what awaited its row never comes."""
        self.clock += 2 * GRACE
        self.awaited.clear()
        refresh_index(self.repository, self.policy, now=self.clock)
        plan, before = self.plan(), self.hooks.links(self.repository)
        report = self.written(lambda: backfill.apply(plan, self.repository, chunk=chunk))
        assert report is not None
        assert not report.failures
        self.keep(before)

    def seen_late(self, *, draining: bool) -> None:
        """Do what is due after leads were edited unseen: a backfill, or the queue is drained."""
        if not draining:
            self.settle()
            return
        self.clock += 2 * GRACE
        self.awaited.clear()
        refresh_index(self.repository, self.policy, now=self.clock)
        self.drained()

    def drained(self) -> None:
        """Settle all that waits."""
        before = self.hooks.links(self.repository)
        found = self.written(self.drain)
        assert found is not None
        self.note(*(f"drained: {decision.outcome}" for decision in found))
        self.keep(before)

    def decided(self, decide: Callable[[], object]) -> None:
        """Let a person decide; then resolve whose links that touched.

        Where an older ruling is lifted, or a customer is gone that somebody else made, a backfill
        is due: others were parted or tied by them.
        """
        before, ruled = self.hooks.links(self.repository), {*self.ruled(), *self.records()}
        if self.written(decide, DecisionError) is None:
            return
        if ruled - {*self.ruled(), *self.records()}:
            self.settle()
            return
        after = self.hooks.links(self.repository)
        moved = {lead for lead in after if after[lead] != before[lead]}
        touched = {before[lead] for lead in moved} | {after[lead] for lead in moved}
        leads = [Lead(lead) for lead, link in before.items() if link in touched]
        if leads:
            self.resolve(leads)
        else:
            self.settle()

    def resolve(self, leads: Sequence[Lead]) -> tuple[Decision, ...]:
        """Resolve *leads* together, and hold it against what a backfill would write now."""
        here = self.raw_leads()
        compared = not self.awaited and all(lead.id in here for lead in leads)
        plan = self.plan() if compared else None
        before = self.hooks.links(self.repository)
        found = self.written(lambda: self.tell(leads))
        assert found is not None
        self.note(*(decision.outcome for decision in found))
        after = self.hooks.links(self.repository)
        if plan is not None:
            self.compare(plan, before, after)
        self.keep(before)
        for decision in found:
            assert decision.lead_id not in after or after[decision.lead_id] == decision.customer_id
        return found

    def keep(self, before: Mapping[str, object]) -> None:
        """Promise (a): no link of *before* changed."""
        after = self.hooks.links(self.repository)
        assert self.mode == "reconcile" or all(
            after[lead] == link for lead, link in before.items() if link is not None
        )

    def compare(
        self, plan: Plan, before: Mapping[str, object], after: Mapping[str, object]
    ) -> None:
        """Promise (b): links changed as *plan* says, new customers' ids set aside."""
        changes = [change for unit in plan.units for change in unit.changes]
        planned = {**before, **{c.lead_id: c.after for c in changes if isinstance(c, Link)}}
        minted = {c.customer_id for c in changes if isinstance(c, InsertCustomer)}
        new: dict[object, set[object]] = defaultdict(set)
        for lead, customer in planned.items():
            if customer in minted:
                new[customer].add(after[lead])
            else:
                assert after[lead] == customer, f"{lead}: a backfill would say otherwise"
        assert all(len(found) == 1 for found in new.values())
        assert len(set[object]().union(*new.values())) == len(new)
        assert not set[object]().union(*new.values()) & set(before.values())

    def written(self, write: Callable[[], T], *refusals: type[Exception]) -> T | None:
        """Let leadfold write, and note which links it changed; a refusal changes nothing."""
        before = self.hooks.links(self.repository)
        try:
            found = write()
        except refusals as refusal:
            self.note(f"refused: {type(refusal).__name__}")
            assert self.hooks.links(self.repository) == before
            return None
        finally:
            for lead, customer in self.hooks.links(self.repository).items():
                self.told.setdefault(lead, None)
                if customer != before.get(lead, customer):
                    self.told[lead] = customer
        return found

    def note(self, *happened: str) -> None:
        """Count what happened."""
        for what in happened:
            self.seen[f"{self.mode}: {what}"] += 1
            event(f"{self.mode}: {what}")

    def plan(self) -> Plan:
        """Return what a backfill would write now."""
        return backfill.plan(
            self.repository, self.policy, mode=self.mode, new_id=self.mint, now=self.clock
        )

    def resolver(self, most: int = MOST) -> Resolver:
        """Return a resolver as a service makes one, which decides *most* records at once."""
        return Resolver(self.repository, self.policy, self.mode, **self.settings(most))

    def settings(self, most: int) -> Settings:
        """Return what a resolver of this machine is made with, whichever its kind."""
        return {
            "max_set": most,
            "grace": GRACE,
            "new_id": self.mint,
            "now": lambda: self.clock,
        }

    def tell(self, leads: Sequence[Lead], most: int = MOST) -> tuple[Decision, ...]:
        """Resolve *leads*."""
        return self.resolver(most).resolve_many(leads)

    def drain(self) -> tuple[Decision, ...]:
        """Drain the queue."""
        return self.resolver().drain()

    def look_ahead(self, lead: Lead) -> None:
        """Preview *lead*."""
        self.resolver().preview(lead)

    def forget(self, lead: str) -> bool:
        """Forget *lead*."""
        self.resolver().forget(lead)
        return True

    def lead(self, cells: Cells) -> Lead:
        """Return a new lead of these *cells*."""
        self.clock += timedelta(seconds=1)
        return Lead(self.fresh("l"), *cells, created_at=self.clock)

    def edit(self, lead: str, cells: Cells) -> None:
        """Edit a lead's identifiers behind leadfold's back."""
        psid, phone, email = cells
        self.hooks.edit_lead(self.repository, lead, psid=psid, phone=phone, email=email)

    def mint(self) -> str:
        """Return an id for a customer."""
        return self.fresh("c")

    def fresh(self, prefix: str) -> str:
        """Return an id never used before."""
        return f"{prefix}{next(self.numbers):04}"

    def pick(self, rows: Iterable[str], number: int) -> str:
        """Return one of *rows*, or nothing where there is none."""
        ids = sorted(rows)
        return ids[number % len(ids)] if ids else ""

    def raw_leads(self) -> Mapping[str, Mapping[str, object]]:
        """Return the leads past the adapter."""
        return self.hooks.raw_leads(self.repository)

    def raw_customers(self) -> Mapping[str, Mapping[str, object]]:
        """Return the customers past the adapter."""
        return self.hooks.raw_customers(self.repository)

    def records(self) -> dict[str, Mapping[str, str | None]]:
        """Return the customers that neither leadfold nor the original made."""
        rows = cast("Mapping[str, Mapping[str, str | None]]", self.raw_customers())
        return {one: row for one, row in rows.items() if one in self.foreign}

    def stored(self) -> Iterator[Lead]:
        """Yield the leads past the adapter."""
        for lead, row in self.raw_leads().items():
            held = cast("Mapping[str, str | None]", row)
            yield Lead(lead, held["psid"], held["phone"], held["email"])


class MemoryMachine(InMemory, ResolvingMachine):
    """The steps on the in-memory store."""


class SQLiteMachine(OnSQLite, ResolvingMachine):
    """The steps on a SQLite file, edits made past the adapter."""


class PostgresMachine(ResolvingMachine):
    """The steps on a PostgreSQL schema; *server* is set before machines are made."""

    server: ClassVar[str]

    def open(self) -> None:
        """Make the empty store."""
        hooks = PostgresHooks()
        hooks.tenants, hooks.exits = {}, self.exits
        hooks.place = self.exits.enter_context(new_place(self.server))
        hooks.store = hooks.place.dsn
        hooks.raw = psycopg.connect(hooks.place.dsn, autocommit=True)
        self.exits.callback(hooks.raw.close)
        self.hooks = hooks
        self.repository = self.opened(hooks)

    def opened(self, hooks: PostgresHooks) -> Repository:
        """Return a repository over the schema."""
        made = PostgresRepository(hooks.place.dsn, schema=hooks.place.own)
        return self.exits.enter_context(made)

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer behind leadfold's back."""
        hooks = cast("PostgresHooks", self.hooks)
        hooks.raw.execute('DELETE FROM "Customer" WHERE id = %s', [customer_id])


class AsyncMachine(PostgresMachine):
    """The same for asyncio: every call is run to its end on one event loop."""

    def opened(self, hooks: PostgresHooks) -> Repository:
        """Return a repository over the schema."""
        self.runner = self.exits.enter_context(asyncio.Runner())
        self.made = AsyncPostgresRepository(hooks.place.dsn, schema=hooks.place.own)
        self.exits.callback(lambda: self.runner.run(self.made.close()))
        return BlockingRepository(self.made, self.runner)

    def awaiting(self, most: int = MOST) -> AsyncResolver:
        """Return a resolver as an asynchronous service makes one."""
        return AsyncResolver(self.made, self.policy, self.mode, **self.settings(most))

    def tell(self, leads: Sequence[Lead], most: int = MOST) -> tuple[Decision, ...]:
        """Resolve *leads*."""
        return self.runner.run(self.awaiting(most).resolve_many(leads))

    def drain(self) -> tuple[Decision, ...]:
        """Drain the queue."""
        return self.runner.run(self.awaiting().drain())

    def look_ahead(self, lead: Lead) -> None:
        """Preview *lead*."""
        self.runner.run(self.awaiting().preview(lead))

    def forget(self, lead: str) -> bool:
        """Forget *lead*."""
        self.runner.run(self.awaiting().forget(lead))
        return True
