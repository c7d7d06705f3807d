"""What leadfold keeps of a lead goes, once the lead's own row holds nothing any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from leadfold import asking
from leadfold.backfill.images import metadata_of
from leadfold.backfill.minting import new_run
from leadfold.backfill.undoing import ERASURE
from leadfold.changes import Erase, Queue
from leadfold.customers.deciding import decide
from leadfold.errands import run
from leadfold.exceptions import DecisionError
from leadfold.model import Identifier, text_id
from leadfold.policy import Policy
from leadfold.repository import CUSTOMER, LEAD, ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.applying import Report
    from leadfold.errands import Errand
    from leadfold.repository import LedgerEntry, Repository

__all__ = ["erase", "erasing"]

Values = dict[tuple[str, str], set[str]]
"""What to blank, by customer and column."""

Image = Mapping[str, Any]
"""A copy of a customer's row in the ledger."""

Shown = tuple[str, Image, str, str, Identifier]
"""What a copy of a customer's row shows: customer, copy, column, value, what that stands for."""


def erase(
    repository: Repository,
    lead_id: str,
    *,
    policy: Policy | None = None,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Blank what leadfold keeps of a lead: for good, no rollback brings it back.

    Gone are its entries in the identity index and the queue, what leadfold put on customers from
    it (name, phone, email, and the key it grouped by, where they still stand so), and both in the
    copies of customers' rows that the ledger keeps. A later rollback that restores such a row says
    what it comes back without. The lead's own row is the application's: blank or delete it first.
    Plans saved to files are not leadfold's to find.

    Args:
        repository: the store.
        lead_id: the lead.
        policy: whose identifier kinds are looked at; default `Policy.keyed()`.
        actor: who decided it.
        run_id: the run's id; default: a new one.
        now: the time of the run; default: the present.

    Raises:
        DecisionError: the lead's row still holds values, or nothing is known of such a lead.
        StalePlanError, StoreError: nothing was written.
    """
    errand = erasing(lead_id, policy=policy, actor=actor, run_id=run_id, now=now)
    return run(errand, repository)


def erasing(
    lead_id: str, *, policy: Policy | None, actor: str, run_id: str | None, now: datetime | None
) -> Errand[Report]:
    """Erase in whichever kind of repository; see `erase`."""
    policy = Policy() if policy is None else policy
    made = new_run(ERASURE, actor=actor, run_id=run_id, now=now)
    return (yield from decide(made, _erasures(text_id(lead_id), policy)))


def _erasures(lead_id: str, policy: Policy) -> Asks[list[Erase | Queue]]:
    present = yield from _refuse_values(lead_id, policy)
    held = yield from asking.recorded(lead_id)
    history = yield from asking.history(LEAD, lead_id).whole()
    if not present and held is None and not history:
        msg = f"nothing is known of a lead {lead_id}: check the id"
        raise DecisionError(msg)
    customers = {cast("str", end) for e in history for end in (e.before, e.after) if end}
    rows: Values = defaultdict(set)
    shown: list[Shown] = []
    for customer in sorted(customers):
        told = yield from asking.history(CUSTOMER, customer).whole()
        entries = [e for e in told if e.row == customer]
        for image in [_image(entry) for entry in entries if entry.action == "insert"]:
            _add(rows, customer, _given(image, lead_id))
        shown += _copies(customer, entries, policy)
    images: Values = defaultdict(set, {place: set(values) for place, values in rows.items()})
    for customer, image, column, value, identifier in shown:
        if identifier in (held or ()) or not (yield from _others(identifier, lead_id)):
            images[customer, column].add(value)
            if isinstance(image.get("name"), str):  # whose phone it was, theirs the name was too
                images[customer, "name"].add(image["name"])
    return [*_as_changes(lead_id, rows, images), Queue(lead_id, None)]


def _copies(customer: str, entries: Sequence[LedgerEntry], policy: Policy) -> Iterator[Shown]:
    """Yield what copies of a customer's row show, where leadfold or the original made it."""
    for image in [_image(e) for e in entries if e.action in {"retire", "restore"}]:
        if entries[0].action == "insert" or metadata_of(image).get("createdBy") == ORIGINAL:
            for each in _shown_by(image, policy):
                yield (customer, image, *each)


def _others(identifier: Identifier, lead_id: str) -> Asks[bool]:
    """Tell whether anybody else holds *identifier*.

    What a lead once held the index forgets when it reads the blanked row; a value in a copy of
    its customer that nobody holds any more is then as good as its own.
    """
    found = yield from asking.holders([identifier], at_most=2)
    return any(identifier in held for record, held in found.records.items() if record != lead_id)


def _refuse_values(lead_id: str, policy: Policy) -> Asks[bool]:
    """Tell whether the lead's row is there; raise if it holds what would be read again."""
    for batch in (yield from asking.leads([lead_id]).whole()):
        for place in range(len(batch.ids)):
            kept = [kind for kind in policy.kinds if batch.fields.get(kind, [None])[place]]
            kept += ["name"] if (batch.names[place] or "").strip() else []
            if kept:
                msg = (
                    f"lead {lead_id} still holds {', '.join(kept)}: blank them in its row, or "
                    "delete it, and erase it then"
                )
                raise DecisionError(msg)
            return True
    return False


def _given(image: Image, lead_id: str) -> Iterator[tuple[str, str]]:
    """Yield what a new customer was given by the lead: column and value."""
    for column, source in image.get("sources", {}).items():
        if source == lead_id:
            value = image["metadata"][column] if column == "groupKey" else image[column]
            if isinstance(value, str):
                yield column, value


def _image(entry: LedgerEntry) -> Image:
    """Return the copy of a customer's row that *entry* holds."""
    return cast("Image", entry.before if entry.action == "retire" else entry.after)


def _shown_by(image: Image, policy: Policy) -> Iterator[tuple[str, str, Identifier]]:
    """Yield what a copy of a customer's row shows: column, value, and what the value stands for."""
    key = metadata_of(image).get("groupKey")
    kind, _, value = key.partition(":") if isinstance(key, str) else ("", "", "")
    told = [("phone", "phone", image.get("phone")), ("email", "email", image.get("email"))]
    for column, named, raw in (*told, ("groupKey", kind, value)):
        for rule in policy.identifiers:
            if rule.kind == named and isinstance(raw, str) and raw:
                (read,) = policy.normalizer(rule).parse([raw])
                if isinstance(read, str):
                    whole = cast("str", key) if column == "groupKey" else raw
                    yield column, whole, Identifier(named, read)


def _add(values: Values, customer: str, found: Iterator[tuple[str, str]]) -> None:
    for column, value in found:
        values[customer, column].add(value)


def _as_changes(lead_id: str, rows: Values, images: Values) -> Iterator[Erase]:
    """Yield as many changes as some column has values, at least one."""
    layers = [_layers(rows), _layers(images)]
    for row, image in zip_longest(*layers, fillvalue={}) if any(layers) else [({}, {})]:
        yield Erase(lead_id, row, image)


def _layers(values: Values) -> list[dict[str, dict[str, str]]]:
    layers: list[dict[str, dict[str, str]]] = []
    for (customer, column), found in sorted(values.items()):
        for number, value in enumerate(sorted(found)):
            if number == len(layers):
                layers.append({})
            layers[number].setdefault(customer, {})[column] = value
    return layers
