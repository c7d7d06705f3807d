"""Stores that the original filled: nothing of theirs changes, and what is wrong is reported."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from command_line import leadfold, rows_of
from leadfold import Policy, backfill
from leadfold.backfill.statistics import GroupQuality, statistics
from leadfold.customers import customer, customer_id_now, merge
from leadfold.exceptions import NotUndoableError
from original_store import KeptInFile, KeptInMemory, filled_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold import Customer
    from leadfold.backfill import Drift, Report
    from original_store import Filled

POLICIES = {"keyed": Policy.keyed(), "linked": Policy.linked()}
PSID = "psid:24000000000000001"
PHONES = "phone:+12125550198"
COUNTS = ("leadCount", "multipleLeads")
GAINED = {"n1": "c2", "n2": "c1", "n3": "c3", "n4": "c7", "n5": "c5"}
"""Which of the original's customers each new lead joins; n6 is nobody's yet."""
STORE = "sqlite:///crm.db"


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    """Make a store that two runs of the original left behind, of each kind."""
    script = filled_store()
    in_file = request.param == "sqlite"
    kept = KeptInFile.of(script, tmp_path / "crm.db") if in_file else KeptInMemory.of(script)
    with closing(kept):
        yield kept


@pytest.fixture(params=list(POLICIES))
def policy(request: pytest.FixtureRequest) -> Policy:
    """Return each strategy's policy."""
    return POLICIES[request.param]


def run(store: Filled, policy: Policy | None = None, **options: str) -> Report:
    """Backfill *store*; every unit must be written."""
    plan = backfill.plan(store.repository, policy, **options)  # type: ignore[arg-type]
    report = backfill.apply(plan, store.repository)
    assert report.failures == ()
    return report


def drift_of(store: Filled, policy: Policy) -> tuple[Drift, ...]:
    """Return the drift that a plan reports."""
    return backfill.plan(store.repository, policy).drift


def without_counts(customer: Customer) -> Customer:
    """Return *customer* but for the two counts in its metadata."""
    metadata = customer.metadata or {}
    return attrs.evolve(
        customer, metadata={key: metadata[key] for key in metadata if key not in COUNTS}
    )


def test_the_fixture_is_as_the_script_leaves_a_store(store: Filled) -> None:
    """Its keys have no plus; a psid that came in later and a number typed otherwise are double."""
    keys = {each.id: (each.metadata or {})["groupKey"] for each in store.customers().values()}
    assert keys == {
        "c1": PSID,
        "c2": "phone:15551234567",
        "c3": "email:bea@mailbox.example",
        "c4": "individual:l6",
        "c5": "phone:2125550198",
        "c6": "phone:12125550198",
        "c7": "phone:12125550177",
        "c8": PSID,
    }
    links = store.links()
    assert {row for row, link in links.items() if link is None} == {*GAINED, "n6", "k1", "k4", "k6"}
    assert "c7" not in links.values()
    assert all(each.metadata and len(each.metadata) == 6 for each in store.customers().values())


def test_no_link_changes(store: Filled, policy: Policy) -> None:
    """Every lead and job that had a customer has it still."""
    before = {row: link for row, link in store.links().items() if link is not None}
    report = run(store, policy)
    after = store.links()
    assert {row: after[row] for row in before} == before
    assert report.stats.leads_already_linked == 9
    assert report.stats.jobs_already_linked == 3


def test_new_leads_join_the_customers_that_are_there(store: Filled, policy: Policy) -> None:
    """By whatever identifier made the group, the older of two, an idle one where nobody else is."""
    before = store.customers()
    report = run(store, policy)
    links = store.links()
    assert {lead: links[lead] for lead in GAINED} == GAINED
    assert report.stats.customers_created == 1
    assert links["n6"] not in before
    assert report.stats.leads_linked == 6
    assert {job: links[job] for job in ("k1", "k4", "k6")} == {
        "k1": "c2",
        "k4": "c7",
        "k6": links["n6"],
    }


def test_an_idle_customer_is_lent_by_its_recorded_key(store: Filled, policy: Policy) -> None:
    """``phone:12125550177`` is today's ``phone:+12125550177``; the recorded key stays as it is."""
    before = store.customers()["c7"]
    run(store, policy)
    after = store.customers()["c7"]
    assert store.links()["n4"] == "c7"
    assert (before.metadata or {})["groupKey"] == "phone:12125550177"
    assert without_counts(after) == without_counts(before)


def test_only_the_counts_of_those_that_gained_leads_change(store: Filled, policy: Policy) -> None:
    """Names, phones, keys, makers and moments are the original's, column by column."""
    before = store.customers()
    run(store, policy)
    after = store.customers()
    assert {key: without_counts(after[key]) for key in before} == {
        key: without_counts(customer) for key, customer in before.items()
    }
    touched = {key for key in before if after[key] != before[key]}
    leads = {"c1": 3, "c2": 3, "c3": 2, "c5": 2, "c7": 1}
    assert touched == leads.keys() - {"c7"}  # which has as many leads again as it once had
    for key, count in leads.items():
        metadata = after[key].metadata or {}
        assert [metadata[name] for name in COUNTS] == [count, count > 1]


def test_double_customers_are_drift(store: Filled, policy: Policy) -> None:
    """Each pair is reported with its groups, before the run and after it."""
    psid_groups = (PSID,) if policy.strategy == "linked" else ("phone:+12125550143", PSID)
    expected = {(("c1", "c8"), psid_groups), (("c5", "c6"), (PHONES,))}
    for _ in range(2):
        assert {(each.customers, each.groups) for each in drift_of(store, policy)} == expected
        run(store, policy)


def test_a_second_run_writes_nothing(store: Filled, policy: Policy) -> None:
    """It reports what is so: all reused, all linked."""
    run(store, policy)
    before = store.image()
    assert list(backfill.plan(store.repository, policy).units) == []
    report = run(store, policy)
    assert store.image() == before
    assert (report.stats.customers_created, report.stats.leads_linked) == (0, 0)
    assert (report.stats.leads_already_linked, report.stats.jobs_already_linked) == (15, 6)


def test_a_validation_warns_of_the_drift(store: Filled, policy: Policy) -> None:
    """Once every lead is linked all that must hold does, and the double customers are named."""
    assert not backfill.validate(store.repository, policy)["leads linked"].ok
    run(store, policy)
    found = backfill.validate(store.repository, policy)
    assert found.ok
    double = found["groups with several customers"]
    assert (double.verdict, double.actual) == ("warn", "2")
    apart = found["customers with several groups"]
    assert apart.verdict == ("ok" if policy.strategy == "linked" else "warn")
    assert found["audit entries"].ok


def test_the_originals_entry_alone_explains_its_links(tmp_path: Path) -> None:
    """A store that leadfold never wrote to has its audit trail in order."""
    script = filled_store()
    script.leads = [lead for lead in script.leads if lead["customer_id"] is not None]
    script.jobs = [job for job in script.jobs if job["customer_id"] is not None]
    for kept in (KeptInFile.of(script, tmp_path / "crm.db"), KeptInMemory.of(script)):
        with closing(kept) as store:
            found = backfill.validate(store.repository)
        assert found.ok
        assert (found["audit entries"].ok, found["audit entries"].actual) == (True, "2")


def test_a_rollback_restores_the_store(store: Filled, policy: Policy) -> None:
    """Every row of every table is as it was; the audit trail alone has grown."""
    before = store.image()
    report = run(store, policy)
    assert store.image() != before
    backfill.rollback(report.run_id, store.repository)
    assert store.image() == before
    assert store.audited() == 4


@pytest.mark.parametrize("backfilled", [False, True], ids=["untouched", "backfilled"])
def test_a_run_of_the_original_cannot_be_rolled_back(store: Filled, *, backfilled: bool) -> None:
    """It is known by its audit entry, and refused with the reason."""
    if backfilled:
        run(store)
    before = store.image()
    for audit_id in ("a1", "a2"):
        with pytest.raises(NotUndoableError, match=r"backfill-customers\.ts.*no ledger") as caught:
            backfill.rollback(audit_id, store.repository)
        assert caught.value.run_id == audit_id
    with pytest.raises(NotUndoableError, match="no such run"):
        backfill.rollback("a3", store.repository)
    assert store.image() == before


def test_its_double_customers_can_be_merged(store: Filled) -> None:
    """Leads, jobs and counts follow, the drift is gone, and no later run brings it back."""
    run(store)
    merge(store.repository, "c1", "c8")
    merge(store.repository, "c5", "c6")
    customers, links = store.customers(), store.links()
    assert not {"c6", "c8"} & customers.keys()
    assert (links["l9"], links["j3"], links["l8"]) == ("c1", "c1", "c5")
    for keeper, leads in (("c1", 4), ("c5", 3)):
        metadata = customers[keeper].metadata or {}
        assert [metadata[name] for name in COUNTS] == [leads, True]
    assert customer_id_now(store.repository, "c8") == "c1"
    assert customer(store.repository, "c1").former_ids == ("c8",)
    assert drift_of(store, Policy.linked()) == ()
    assert backfill.validate(store.repository)["groups with several customers"].ok
    before = store.image()
    run(store)
    assert store.image() == before


def test_a_merge_before_any_run_counts_from_the_links(store: Filled) -> None:
    """What the metadata said before does not matter: c1 has three leads then."""
    merge(store.repository, "c1", "c8")
    metadata = store.customers()["c1"].metadata or {}
    assert [metadata[name] for name in COUNTS] == [3, True]


def test_a_merge_of_its_customers_is_rolled_back(store: Filled) -> None:
    """The absorbed customer is there again under its id, with its leads, jobs and counts."""
    run(store)
    before = store.image()
    report = merge(store.repository, "c1", "c8")
    backfill.rollback(report.run_id, store.repository)
    assert customer_id_now(store.repository, "c8") == "c8"
    assert store.image() == before


def test_statistics_tell_its_group_types(store: Filled) -> None:
    """Averages are counted from the links, not read from the metadata."""
    found = statistics(store.repository)
    assert (found.customers, found.leads, found.leads_linked) == (8, 15, 9)
    assert found.groups == (
        GroupQuality("phone", 4, 4),
        GroupQuality("psid", 2, 3),
        GroupQuality("email", 1, 1),
        GroupQuality("individual", 1, 1),
    )


def test_its_customers_are_known_as_the_originals(store: Filled) -> None:
    """Before any run of leadfold's, and after it: who made a row does not change."""
    for _ in range(2):
        views = [customer(store.repository, f"c{number}") for number in range(1, 9)]
        assert {view.made_by for view in views} == {"original"}
        assert "555" not in repr(views)
        run(store)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptInFile]:
    """Make the store in a folder of its own, for the command line."""
    with closing(KeptInFile.of(filled_store(), tmp_path / "crm.db")) as kept:
        yield kept


@pytest.fixture
def place(kept: KeptInFile) -> Path:
    """Return the folder."""
    return kept.path.parent


def test_the_command_line_backfills_it(place: Path) -> None:
    """Figures, and drift with the customers' ids; the name that reports look for can be given."""
    named = ("--created-by", "backfill-customers.ts", "--stored-phone", "national")
    dry = leadfold("backfill", STORE, "--dry-run", *named, cwd=place)
    ended = leadfold("backfill", STORE, *named, cwd=place)
    assert (dry.status, ended.status, ended.err) == (0, 0, "")
    for figures in (dry.out, ended.out):
        assert "Customers created:      1\n   Customers reused:       6\n" in figures
        assert "Leads linked:           6\n   Leads already linked:   9\n" in figures
        assert (
            "\nDrift: stored links that differ from the grouping, left as they are (2):" in figures
        )
        assert "customers c1, c8; groups phone:+1…43, psid:…01" in figures
        assert "customers c5, c6; groups phone:+1…98" in figures
    [(made,)] = rows_of(
        place / "crm.db", "SELECT metadata FROM Customer WHERE email = 'new@mailbox.example'"
    )
    assert json.loads(made)["createdBy"] == "backfill-customers.ts"


def test_the_command_line_looks_at_it(place: Path) -> None:
    """``stats``, ``customer`` and ``validate`` read a store that leadfold never wrote to."""
    stats = leadfold("stats", STORE, cwd=place)
    assert (stats.status, stats.err) == (0, "")
    assert "        8  9 of 15       3 of 6       0 of 0\n" in stats.out
    assert "phone           4        1.0\n" in stats.out
    shown = leadfold("customer", STORE, "c1", cwd=place)
    assert "made by:           original\n" in shown.out
    assert "groupKey:          psid:…01\n" in shown.out
    validated = leadfold("validate", STORE, "--json", cwd=place)
    verdicts = {check["name"]: check["ok"] for check in validated.json["checks"]}
    assert (validated.status, verdicts["audit entries"]) == (1, True)
    assert not verdicts["groups with several customers"]
    assert leadfold("runs", STORE, cwd=place).out.startswith("No runs yet")


def test_the_command_line_puts_it_in_order(kept: KeptInFile, place: Path) -> None:
    """Backfill, merge the double customers, validate; roll it all back but what never was ours."""
    before = kept.image()
    runs = [
        leadfold(*words, "--json", cwd=place).json["run"]
        for words in (
            ("backfill", STORE),
            ("merge", STORE, "c1", "c8"),
            ("merge", STORE, "c5", "c6"),
        )
    ]
    validated = leadfold("validate", STORE, cwd=place)
    assert validated.status == 0
    assert "groups with several customers " in validated.out
    assert "groups with several customers, such as" not in validated.out
    assert leadfold("customer", STORE, "c8", cwd=place).err == "c8 is now c1\n"
    for taken_back in reversed(runs):
        ended = leadfold("rollback", STORE, taken_back, cwd=place)
        assert ended.status == 0, ended.err
    refused = leadfold("rollback", STORE, "a1", cwd=place)
    assert (refused.status, refused.out) == (1, "")
    assert "backfill-customers.ts" in refused.err
    assert kept.image() == before
