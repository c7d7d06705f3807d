"""The run that the original published: three messenger leads and one job, once and again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Ended

PSIDS = ("1234567890", "2345678901", "3456789012")
LEADS = [
    {"id": f"lead-{n}", "messengerPsid": psid, "created_at": f"2025-11-0{n}T08:00:00Z"}
    for n, psid in enumerate(PSIDS, 1)
]
JOBS = [{"id": "job-1", "lead_id": "lead-2"}]

FIRST = """\
BACKFILL COMPLETE

Statistics:
   Customers created:      3
   Customers reused:       0
   Leads linked:           3
   Leads already linked:   0
   Jobs linked:            1
   Jobs already linked:    0
   Errors:                 0
"""
SECOND = """\
BACKFILL COMPLETE

Statistics:
   Customers created:      0
   Customers reused:       3
   Leads linked:           0
   Leads already linked:   3
   Jobs linked:            0
   Jobs already linked:    1
   Errors:                 0
"""
STAGES = """\
[1/4] Grouping leads by customer identifiers...
   Found 3 total leads
   Grouped into 3 potential customers
   - By PSID: 3
   - By Phone: 0
   - By Email: 0
   - Individual: 0

[2/4] Creating customers and linking leads...
   ✓ Created customer ID (psid, 1 lead)
   ✓ Linked 1 lead(s) to customer
   ✓ Created customer ID (psid, 1 lead)
   ✓ Linked 1 lead(s) to customer
   ✓ Created customer ID (psid, 1 lead)
   ✓ Linked 1 lead(s) to customer

[3/4] Linking jobs to customers...
   ✓ Linked 1 job(s) to customers

[4/4] Recording audit log...
   ✓ Audit log created
"""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make the database before Batch 3."""
    make_store(tmp_path / "crm.db", LEADS, JOBS)
    return tmp_path / "crm.db"


def backfill(store: Path, *options: str) -> Ended:
    """Run the backfill of *store*, which must be done."""
    ended = leadfold("backfill", f"sqlite:///{store.name}", *options, cwd=store.parent)
    assert ended.status == 0, ended.err
    return ended


def test_the_first_run_gives_the_published_statistics(store: Path) -> None:
    """Three customers, three leads, one job, no error."""
    assert backfill(store).out.startswith(FIRST)


def test_the_second_run_changes_nothing(store: Path) -> None:
    """It reuses three customers; leads, jobs and customers stay as the first run left them."""
    query = 'SELECT id, customer_id FROM "Lead" UNION ALL SELECT id, customer_id FROM "Job"'
    customers = 'SELECT * FROM "Customer" ORDER BY id'
    backfill(store)
    before = rows_of(store, query), rows_of(store, customers)
    assert backfill(store).out.startswith(SECOND)
    assert (rows_of(store, query), rows_of(store, customers)) == before


def test_verbose_shows_the_published_stages(store: Path) -> None:
    """Stages and per-customer lines are the original's, on standard error."""
    assert STAGES in UUID.sub("ID", backfill(store, "--verbose").err)


def test_without_verbose_nothing_is_said_to_a_program(store: Path) -> None:
    """Standard error stays empty where it is no terminal."""
    assert backfill(store).err == ""


def test_metadata_has_the_original_six_keys(store: Path) -> None:
    """Each customer says how it was grouped, as the original wrote it."""
    backfill(store, "--created-by", "backfill-customers.ts")
    found = [json.loads(text) for (text,) in rows_of(store, 'SELECT metadata FROM "Customer"')]
    for metadata in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", metadata.pop("createdAt"))
    assert sorted(found, key=lambda metadata: metadata["groupKey"]) == [
        {
            "groupType": "psid",
            "groupKey": f"psid:{psid}",
            "leadCount": 1,
            "createdBy": "backfill-customers.ts",
            "multipleLeads": False,
        }
        for psid in PSIDS
    ]


def test_the_audit_entry_is_the_original_one(store: Path) -> None:
    """Actor, action and payload are as published, with leadfold's own version and run id."""
    backfill(store)
    [(actor, action, text)] = rows_of(store, 'SELECT actor, action, payload FROM "Audit"')
    payload = json.loads(text)
    assert (actor, action) == ("system", "backfill_customers")
    assert payload["stats"] == {
        "customersCreated": 3,
        "customersSkipped": 0,
        "leadsLinked": 3,
        "leadsAlreadyLinked": 0,
        "jobsLinked": 1,
        "jobsAlreadyLinked": 0,
        "errors": [],
    }
    assert payload["script"] == "leadfold"
    assert {"timestamp", "version"} <= payload.keys()


def test_every_link_is_written(store: Path) -> None:
    """No lead and no job without a customer; the job has its lead's."""
    backfill(store)
    [(unlinked,)] = rows_of(store, 'SELECT count(*) FROM "Lead" WHERE customer_id IS NULL')
    jobs = 'SELECT count(*) FROM "Job" j JOIN "Lead" l ON l.id = j.lead_id'
    [(followed,)] = rows_of(store, f"{jobs} WHERE j.customer_id = l.customer_id")
    assert (unlinked, followed) == (0, 1)


def test_stats_answer_the_original_queries(store: Path) -> None:
    """Health check and grouping quality come out as published."""
    backfill(store)
    ended = leadfold("stats", f"sqlite:///{store.name}", cwd=store.parent)
    assert ended.out == (
        "Health check\n"
        "customers  leads_linked  jobs_linked  conversations_linked\n"
        "        3  3 of 3        1 of 1       0 of 0\n"
        "\n"
        "Grouping quality\n"
        "type  count  avg_leads\n"
        "psid      3        1.0\n"
    )


def test_a_dry_run_says_what_would_be_and_writes_nothing(store: Path) -> None:
    """The file has the same bytes; the figures are those of the run that follows."""
    before = store.read_bytes()
    ended = backfill(store, "--dry-run", "--verbose")
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == [store.name]
    headline = "DRY RUN COMPLETE: nothing was written"
    assert ended.out.startswith(FIRST.replace("BACKFILL COMPLETE", headline))
    assert ended.err.count("Would create customer") == 3
    assert backfill(store).out.startswith(FIRST)


def test_a_dry_run_after_a_run_writes_nothing_either(store: Path) -> None:
    """A store that leadfold has written to keeps its bytes, and gains no side files."""
    backfill(store)
    before = store.read_bytes()
    assert "Customers reused:       3" in backfill(store, "--dry-run").out
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == [store.name]
