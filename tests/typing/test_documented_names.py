"""What docs/reference.md documents beside the root's names, as a typed program uses it: stores.

mypy holds the types, pytest that it runs. The last test says which documented name is used
neither here nor in test_public_names.py.
"""

from __future__ import annotations

import ast
import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

from leadfold import AsyncInMemoryRepository, InMemoryRepository, Lead, aio, exceptions, group
from leadfold import backfill as fold
from leadfold import changes as made
from leadfold.aio import customers as aio_customers
from leadfold.customers import (
    CustomerLead,
    CustomerView,
    Touch,
    customer,
    customer_id_now,
    erase,
    merge,
    split,
)
from leadfold.model import Rejection
from leadfold.progress import Progress, gone_on, opened
from leadfold.reporter import Reporter
from leadfold.repositories import mapping, postgres, sqlite
from leadfold.repository import (
    StoreFacts,
)
from leadfold.resolver import AsyncResolver, Event, refresh_index
from leadfold.testing import RepositoryContract, contract_hooks, sample_leads, strategies
from leadfold.testing.samples import SampleLead

if TYPE_CHECKING:
    import psycopg

    from leadfold.async_repository import AsyncReader, AsyncRepository
    from leadfold.repository import (
        CustomerBatch,
        DependentCount,
        Holders,
        LeadBatch,
        LedgerEntry,
        Reader,
        Reference,
        Repository,
    )
    from leadfold.resolver import Decision

LEADS = (
    Lead("l1", name="Ann", phone="212 555 0143"),
    Lead("l2", phone="+1 212 555 0143"),
    Lead("l3", phone="n/a", email="ann@mailbox.org"),
)
REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


def told(change: made.Change) -> str:
    """Return whom a change is about, whichever it is."""
    match change:
        case made.Link() | made.Await() | made.Follow() | made.Erase() | made.Queue():
            return change.lead_id
        case made.InsertCustomer() | made.PatchCustomer() | made.Retire() | made.Restore():
            return change.customer_id
        case made.Relink():
            return change.row
        case made.Carry():
            return change.after
        case made.Reindex():
            return change.record_id
        case made.Rule():
            return change.ruling.id


def test_a_plan_is_walked_and_written() -> None:
    """Its units and changes; what came of it; what a rollback would do, and does."""
    repository = InMemoryRepository(leads=LEADS)
    plan = fold.plan(repository, reporter=Reporter())
    plan.check(fold.Limits(max_group=5))
    for unit in plan.units:
        assert_type(unit, made.Unit)
        assert all(told(change) for change in unit.changes)
    assert_type(plan.run, made.Run)
    assert_type(plan.stats, made.Stats)
    assert_type(plan.drift, tuple[fold.Drift, ...])
    assert_type(plan.mismatches, tuple[fold.Mismatch, ...])
    assert_type(plan.large, tuple[fold.GroupSize, ...])

    report = fold.apply(plan, repository)
    assert_type(report, fold.Report)
    assert_type(report.failures, tuple[made.UnitFailure, ...])
    validation = fold.validate(repository)
    assert_type(validation, fold.Validation)
    assert_type(validation.checks[0], fold.Check)
    planned = fold.plan_rollback(report.run_id, repository)
    assert_type(planned, fold.RollbackPlan)
    assert_type(planned.blockers, tuple[fold.Blocker, ...])
    assert fold.rollback(report.run_id, repository).outcome == "done"


def test_people_decide() -> None:
    """Who a customer is; merge, split, erase."""
    repository = InMemoryRepository(leads=LEADS)
    fold.apply(fold.plan(repository), repository)
    ann, other = (row.id for row in repository.customers())
    view = customer(repository, ann)
    assert_type(view, CustomerView)
    assert_type(view.leads, tuple[CustomerLead, ...])
    assert_type(view.runs, tuple[Touch, ...])
    assert_type(merge(repository, ann, other), fold.Report)
    assert_type(customer_id_now(repository, other), str)
    assert_type(split(repository, ann, [["l3"]]), fold.Report)
    repository.delete_lead("l3")
    assert_type(erase(repository, "l3"), fold.Report)
    assert_type(refresh_index(repository), fold.Report)
    assert_type(group(LEADS).rejected[0], Rejection)


async def told_of(repository: AsyncRepository) -> Decision:
    """Backfill, look, decide and take back, awaiting."""
    report = await aio.apply(await aio.plan(repository), repository)
    assert_type(await aio.validate(repository), fold.Validation)
    assert_type(await aio.plan_rollback(report.run_id, repository), fold.RollbackPlan)
    await aio.rollback(report.run_id, repository)
    again = await aio.apply(await aio.plan(repository), repository)
    assert_type(again, fold.Report)
    assert_type(await aio.refresh_index(repository), fold.Report)
    return await AsyncResolver(repository).resolve(Lead("l4", phone="212 555 0143"))


async def people_decide(repository: AsyncInMemoryRepository) -> None:
    """Merge, split and erase, awaiting."""
    ann, other = (row.id for row in repository.customers())
    await aio_customers.merge(repository, ann, other)
    assert_type(await aio_customers.customer_id_now(repository, other), str)
    assert_type(await aio_customers.customer(repository, ann), CustomerView)
    await aio_customers.split(repository, ann, [["l3"]])
    repository.delete_lead("l3")
    assert_type(await aio_customers.erase(repository, "l3"), fold.Report)


def test_awaiting() -> None:
    """The same verbs, awaited."""
    repository = AsyncInMemoryRepository(leads=LEADS)
    decision = asyncio.run(told_of(repository))
    assert_type(decision.events, tuple[Event, ...])
    asyncio.run(people_decide(repository))


MAPPING = mapping.StoreMapping(
    lead=mapping.LeadTable(where="name IS NOT NULL"),
    customer=mapping.CustomerTable(),
    dependents=[mapping.DependentTable("Job", "Job")],
    references=[mapping.ReferenceTable("CustomerAddress")],
    audit=mapping.AuditTable(),
)


def test_a_file_with_a_mapping(tmp_path: Path) -> None:
    """A store of tables of one's own."""
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        sqlite.create_user_tables(connection)
    with sqlite.SQLiteRepository(tmp_path / "crm.db", mapping=MAPPING) as repository:
        assert read(repository) == 0


def test_a_server(postgres_dsn: str) -> None:
    """The same over PostgreSQL is a DSN, a connection or a pool; its schema is a script."""
    tables: type[psycopg.Connection[tuple[object, ...]]] | None = None
    assert tables is None
    assert callable(postgres.create_user_tables)
    assert_type(postgres.PostgresRepository(postgres_dsn), postgres.PostgresRepository)
    assert_type(postgres.AsyncPostgresRepository(postgres_dsn), postgres.AsyncPostgresRepository)
    assert "CREATE" in postgres.schema_sql("leadfold")


def read(repository: Repository) -> int:
    """Return how many leads there are, by the port that adapters have."""
    with repository.reading() as reader:
        return sum(len(batch.ids) for batch in leads_of(reader))


def leads_of(reader: Reader) -> list[LeadBatch]:
    """Read a store as an adapter gives it."""
    assert_type(reader.facts(), StoreFacts)
    customers: list[CustomerBatch] = list(reader.customers())
    counts: list[DependentCount] = list(reader.dependents())
    holders: Holders = reader.holders([], at_most=1)
    pointing: list[Reference] = list(reader.pointing_at([]))
    entries: list[LedgerEntry] = list(reader.entries("none"))
    assert not [*customers, *counts, *holders.records, *pointing, *entries]
    return list(reader.leads())


async def facts_of(reader: AsyncReader) -> StoreFacts:
    """Read one awaited."""
    return await reader.facts()


def test_an_adapter_of_ones_own() -> None:
    """What it commits, in portions; the suite that it passes; samples to try it on."""
    plan = fold.plan(InMemoryRepository(leads=LEADS))
    whole = made.ChangeSet(plan.run, plan.units, chunk=made.Chunk("a plan", 0, 1))
    progress = opened(None, whole)
    assert_type(progress, Progress)
    assert isinstance(gone_on(plan.run), exceptions.RetryableError)
    assert_type(made.Committed(made.Stats()).statements, int)
    assert issubclass(RepositoryContract, contract_hooks.StoreHooks)
    assert_type(sample_leads(3), tuple[SampleLead, ...])
    assert strategies.__all__
    assert asyncio.iscoroutinefunction(facts_of)


def test_every_documented_name_is_used() -> None:
    """By its own name, or as an attribute of its module."""
    nodes = [
        node
        for page in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(page.read_text("utf-8")))
    ]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}

    documented = re.findall(
        r"^\.\. auto\w+:: (leadfold[\w.]+)$", REFERENCE.read_text("utf-8"), re.MULTILINE
    )
    assert len(documented) > 100
    assert [name for name in documented if name.rpartition(".")[2] not in used] == []
