"""The part of the contract about what an erasure leaves: nowhere what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold.changes import Erase, Retire
from leadfold.model import Identifier, Lead
from leadfold.repository import CUSTOMER
from leadfold.testing.changesets import link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import (
    StoreHooks,
    read_entries,
    read_history,
    read_holders,
    read_leads,
    read_runs,
    restored,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.changes import Change
    from leadfold.repository import Repository

__all__ = ["ErasingContract"]

X = Identifier("phone", "+15551230001")
Y = Identifier("email", "a@b.co")


class ErasingContract(StoreHooks):
    """A lead is erased from rows, index and ledger; what was decided stays."""

    def test_an_erased_lead_is_not_in_the_index(self, repository: Repository) -> None:
        """The index has never seen the lead; what others hold it knows still."""
        erase = self.annabel(repository)
        written(repository, erase, number=2)
        found = read_holders(repository, X, Y)
        assert dict(found.records) == {"l2": (Y,)}
        indexed = {key: row.indexed for key, row in read_leads(repository).items()}
        assert indexed == {"l1": None, "l2": (Y,)}

    def test_an_erasure_blanks_the_row(self, repository: Repository) -> None:
        """The values that the lead gave are gone from the customer, everything else stays."""
        erase = self.annabel(repository)
        entries = written(repository, erase, number=2)
        row = self.raw_customers(repository)["c1"]
        assert (row["name"], row["phone"], row["email"]) == (None, None, Y.value)
        metadata = dict(cast("Mapping[str, object]", row["metadata"]))
        assert metadata.pop("groupKey", None) is None
        assert metadata == {"createdBy": "leadfold", "leadCount": 2}
        (entry,) = (each for each in entries if each.row == "c1")
        assert (entry.table, entry.action, entry.before) == (CUSTOMER, "erase", None)
        assert set(cast("Sequence[str]", entry.after)) == {"name", "phone", "groupKey"}

    def test_an_erasure_leaves_what_somebody_edited(self, repository: Repository) -> None:
        """A column that holds something else now keeps it, and is not told as erased."""
        erase = self.annabel(repository)
        basis = read_basis(repository)
        metadata = {"groupKey": "theirs"}
        self.edit_customer(repository, "c1", name="Bea", metadata=metadata)
        repository.commit(basis.changeset(basis.unit(1, erase), run=run_of("run-2")))
        row = self.raw_customers(repository)["c1"]
        assert (row["name"], row["phone"], row["metadata"]) == ("Bea", None, metadata)
        entries = read_entries(repository, "run-2")
        (after,) = (each.after for each in entries if each.row == "c1")
        assert list(cast("Sequence[str]", after)) == ["phone"]

    def test_an_erasure_blanks_every_image(self, repository: Repository) -> None:
        """Each copy of the row in the ledger loses the values, and lists what it lost."""
        erase = self.annabel(repository)
        self.away_and_back(repository)
        written(repository, erase, number=4)
        images = [
            cast("Mapping[str, object]", image)
            for entry in read_history(repository, CUSTOMER, "c1")
            for image in (entry.before, entry.after)
            if entry.action in {"insert", "retire", "restore"} and image is not None
        ]
        assert len(images) == len(["insert", "retire", "restore"])
        for image in images:
            assert (image["name"], image["phone"], image["email"]) == (None, None, Y.value)
            assert set(cast("Sequence[str]", image.get("erased", ()))) == {
                "name",
                "phone",
                "groupKey",
            }

    def test_an_erased_value_is_nowhere_in_the_ledger(self, repository: Repository) -> None:
        """No run tells a value any more that the erased lead gave."""
        erase = self.annabel(repository)
        self.away_and_back(repository)
        written(repository, erase, number=4)
        for run in read_runs(repository):
            for entry in read_entries(repository, run.id):
                for value in ("Annabel", X.value):
                    assert value not in str(attrs.astuple(entry))

    def test_an_erasure_leaves_images_of_other_values(self, repository: Repository) -> None:
        """An image that shows another value is left as it was."""
        erase = self.annabel(repository)
        other = {"c1": {"name": "Bea", "phone": X.value}}
        written(repository, attrs.evolve(erase, rows={}, images=other), number=2)
        (image,) = (each.after for each in read_entries(repository, "run-1") if each.row == "c1")
        shown = cast("Mapping[str, object]", image)
        assert (shown["name"], shown["phone"], shown.get("erased")) == ("Annabel", None, ["phone"])
        assert self.raw_customers(repository)["c1"]["phone"] == X.value

    def test_a_customer_comes_back_without_what_was_erased(self, repository: Repository) -> None:
        """The image of a retired customer that was blanked gives back a row that is blank."""
        erase = self.annabel(repository)
        moves = (link("l1", None, before="c1"), link("l2", None, before="c1"))
        written(repository, Retire("c1"), *moves, number=2)
        written(repository, attrs.evolve(erase, rows={}), number=3)
        (gone,) = (each for each in read_entries(repository, "run-2") if each.row == "c1")
        written(repository, restored(gone), number=4)
        row = self.raw_customers(repository)["c1"]
        assert (row["name"], row["phone"], row["email"]) == (None, None, Y.value)

    def test_an_erasure_of_what_is_gone_is_no_fault(self, repository: Repository) -> None:
        """A lead and customers that the store has lost are erased all the same."""
        erase = self.annabel(repository)
        self.delete_lead(repository, "l1")
        gone = {"gone": {"name": "Annabel"}}
        everyone = Erase("l1", {**gone, **erase.rows}, {**gone, **erase.images})
        written(repository, everyone, number=2)
        assert read_holders(repository, X).records == {}
        assert self.raw_customers(repository)["c1"]["phone"] is None

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param((link("l3", "c1"),), id="a customer that showed it"),
            pytest.param((reindex("l3", X),), id="a value that the lead held"),
        ],
    )
    def test_a_plan_on_an_erased_value_is_stale(
        self, repository: Repository, changes: tuple[Change, ...]
    ) -> None:
        """A plan made before the erasure is refused where it rests on what is gone."""
        erase = self.annabel(repository)
        self.seed(repository, [Lead("l3")])
        basis = read_basis(repository)
        written(repository, erase, number=2)
        self.refuses(repository, basis.changeset(basis.unit(1, *changes), run=run_of("run-3")))

    # What the tests above start from.

    def annabel(self, repository: Repository) -> Erase:
        """Make a customer of two leads, as run-1; return what erases the one it is named by."""
        self.seed(repository, [Lead("l1"), Lead("l2")])
        given = {"name": "Annabel", "phone": X.value, "groupKey": X.key}
        metadata = {"createdBy": "leadfold", "leadCount": 2, "groupKey": X.key}
        row = {"name": "Annabel", "phone": X.value, "email": Y.value, "metadata": metadata}
        made = attrs.evolve(
            new_customer("c1", **row), sources={**dict.fromkeys(given, "l1"), "email": "l2"}
        )
        links = (link("l1", "c1"), link("l2", "c1"))
        written(repository, made, *links, reindex("l1", X), reindex("l2", Y))
        return Erase("l1", {"c1": given}, {"c1": given})

    def away_and_back(self, repository: Repository) -> None:
        """Retire the customer that `annabel` made as run-2, restore it as run-3."""
        away = [link(lead, None, before="c1") for lead in ("l1", "l2")]
        entries = written(repository, *away, Retire("c1"), number=2)
        (gone,) = (entry for entry in entries if entry.action == "retire")
        written(repository, restored(gone), link("l1", "c1"), link("l2", "c1"), number=3)
