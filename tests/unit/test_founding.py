"""The changes of a new customer, in columns: the same to everybody who asks for objects."""

from __future__ import annotations

from leadfold import InMemoryRepository, Lead, backfill
from leadfold.changes import Follow, InsertCustomer, Link, Reindex, Unit
from leadfold.founding import Founding
from leadfold.model import Identifier
from leadfold.repositories.mapping import CustomerTable
from leadfold.repositories.postgres.staging import Staging

X, Y = ("email", "y@example.com"), ("phone", "+12125550143")
FOUNDING = Founding(
    InsertCustomer("c1", {"name": "Ann", "metadata": {"leadCount": 2}}, {"name": "l1"}),
    "phone:+1…43",
    ["l1", "l2"],
    [[X, Y], None],
    {"l2": [("Job", None, 3)]},
)
CHANGES = (
    FOUNDING.insert,
    Link("l1", None, "c1", "phone:+1…43"),
    Link("l2", None, "c1", "phone:+1…43"),
    Reindex("l1", (Identifier(*X), Identifier(*Y))),
    Follow("Job", "l2", "c1", 3),
)


def test_sequence() -> None:
    """It is the sequence of its changes, whoever compares it."""
    assert tuple(FOUNDING) == CHANGES
    assert FOUNDING == CHANGES
    assert CHANGES == FOUNDING
    assert CHANGES[1:] != FOUNDING
    assert FOUNDING != 1
    assert (len(FOUNDING), FOUNDING[0], FOUNDING[1:3]) == (5, CHANGES[0], CHANGES[1:3])


def test_plan() -> None:
    """A plan of new customers holds its changes so."""
    store = InMemoryRepository(leads=[Lead("l1", phone="2125550143"), Lead("l2")])
    assert {type(unit.changes) for unit in backfill.plan(store).units} == {Founding}


def _staged(*units: Unit) -> tuple[list[list[str]], dict[tuple[str, str | None], int]]:
    """Return the rows of *units*, sorted, and how many there are of each sort."""
    staging = Staging(units, CustomerTable(), frozenset(), None)
    text = "".join(staging.blocks())
    return sorted(line.split("\t") for line in text.splitlines()), staging.counts


def test_staged() -> None:
    """Its rows on the way to PostgreSQL are those of the changes one by one."""
    versions = {"l1": 7, "l2": -8}
    columns = Unit(0, versions, {}, FOUNDING)
    objects = Unit(0, versions, {}, CHANGES)
    assert _staged(columns) == _staged(objects)


def test_staged_beside_what_needs_an_escape() -> None:
    """Nor do they change where another unit of the batch needs a closer look."""
    columns = Unit(0, {"l1": 7, "l2": -8}, {}, FOUNDING)
    other = Unit(1, {}, {}, (InsertCustomer("c2", {"name": r"a\b"}),))
    rows, counts = _staged(columns, other)
    alone, _ = _staged(columns)
    assert [row for row in rows if row[0] == "0"] == alone
    assert counts["insert", None] == 2
