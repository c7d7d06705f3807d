"""What a merge, a split or an erasure did, told from its ledger."""

from __future__ import annotations

from leadfold.cli.decision_text import Deeds, erase_lines, merge_lines, split_lines
from leadfold.repository import CUSTOMER, LEAD, RULING, LedgerEntry

ENTRIES = [
    LedgerEntry("r1", 0, CUSTOMER, "c2", "insert", None, {"name": "Ada"}),
    LedgerEntry("r1", 0, LEAD, "l1", "link", "c1", "c2"),
    LedgerEntry("r1", 0, LEAD, "l2", "link", "c1", "c2"),
    LedgerEntry("r1", 0, "Job", "j1", "follow", "c1", "c2"),
    LedgerEntry("r1", 0, CUSTOMER, "c1", "patch", {"leadCount": 3}, {"leadCount": 1}),
    LedgerEntry("r1", 0, RULING, "r0", "rule", {"id": "r0"}, None),
    LedgerEntry("r1", 0, RULING, "r1", "rule", None, {"id": "r1"}),
]


def test_a_split_tells_who_has_which_leads() -> None:
    """The customer that stays, each new one, and the rulings that hold no more."""
    assert [*split_lines("c1", ("l3",), Deeds.of(ENTRIES))] == [
        "Split customer c1: it keeps 1 lead(s): l3",
        "New customer c2 has 2 lead(s): l1, l2",
        "Out of force now, for it contradicts them: ruling(s) r0",
    ]


def test_a_merge_tells_what_moved() -> None:
    """Leads, and rows of other tables by name."""
    first, _ = merge_lines("c2", "c1", Deeds.of(ENTRIES))
    assert first == "Merged customer c1 into c2: 2 lead(s), 1 Job row(s) moved"
    assert [*merge_lines("c2", "c1", Deeds.of([]))] == [
        "Merged customer c1 into c2: 0 lead(s) moved"
    ]


def test_an_erasure_tells_which_columns_were_blanked() -> None:
    """Never what was in them."""
    entry = LedgerEntry("r1", 0, CUSTOMER, "c1", "erase", None, ["email", "phone"])
    assert [*erase_lines("l1", Deeds.of([entry]))] == [
        "Erased what was kept of lead l1: this cannot be undone",
        "Blanked on customer c1: email, phone",
    ]
    assert len([*erase_lines("l1", Deeds.of([]))]) == 1
