"""A plan: everything one backfill would write, decided. A value to print, save, diff and bound."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from leadfold.backfill import saving
from leadfold.backfill.showing import figures_of, lines_table
from leadfold.changes import ChangeSet, Run, Stats
from leadfold.exceptions import LimitExceededError
from leadfold.masking import mask, mask_key, some
from leadfold.model import INDIVIDUAL
from leadfold.sheets import FEW, Bars, Note, Sheet, Shown, table
from leadfold.toml_text import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from os import PathLike

    from leadfold.changes import OnStale, Unit
    from leadfold.sheets import Names, Table

__all__ = ["Drift", "GroupSize", "Limits", "Mismatch", "Plan"]


def _masked_keys(keys: Iterable[str]) -> str:
    return repr(tuple(map(mask_key, keys)))


@attrs.frozen
class Drift:
    """Stored links that say something else than the grouping; ``fill`` reports and leaves them.

    Several *customers* in one group, or one customer in several *groups*.
    """

    groups: tuple[str, ...] = attrs.field(repr=_masked_keys)
    customers: tuple[str, ...]


@attrs.frozen
class Mismatch:
    """Dependent rows that do not follow their lead: reported, never changed, never evidence.

    *problem* is ``other customer`` (the row has another than its lead), ``no lead`` (it points
    at none that exists) or ``lead without customer``.
    """

    table: str
    lead_id: str | None
    customer_id: str | None
    count: int
    problem: str


@attrs.frozen
class GroupSize:
    """A large group, for limits and for looking: its key and how many leads it has.

    *value* is what a policy would block of its key: without scope, and without what tells groups
    of one key apart.
    """

    key: str = attrs.field(repr=lambda key: repr(mask_key(key)))
    leads: int
    value: str = attrs.field(
        default=attrs.Factory(lambda size: size.key.partition(":")[2], takes_self=True), repr=False
    )

    @property
    def kind(self) -> str:
        """Return the kind of its key."""
        return self.key.partition(":")[0]

    def excess(self, most: int) -> str:
        """Say, masked, that it has more than *most* leads, and the way out."""
        text = f"group {mask_key(self.key)} has {self.leads} leads, more than max_group={most}"
        if self.kind == INDIVIDUAL:  # the key is no identifier: nothing can be blocked
            return f"{text}: raise the limit"
        entry = f"{self.kind} = {literal([mask(self.kind, self.value)])}"
        return f"{text}: block the value too ([also_blocked] {entry}) or raise the limit"


def blocking_lines(groups: Iterable[GroupSize]) -> Iterator[str]:
    """Yield the lines that end a policy's TOML so that it blocks the keys of *groups*, too.

    They add to what the policy blocks. None where no key is an identifier.
    """
    values: dict[str, dict[str, None]] = {}
    for group in groups:
        if group.kind != INDIVIDUAL:
            values.setdefault(group.kind, {})[group.value] = None
    yield from ["[also_blocked]"] if values else ()
    yield from (f"{kind} = {literal([*entries])}" for kind, entries in values.items())


@attrs.frozen
class Limits:
    """How far a plan may go; None: as far as it likes.

    *max_group* bounds the leads of one group, *max_created* the new customers, *max_linked* the
    leads linked, *max_drift* the reported drift.
    """

    max_group: int | None = None
    max_created: int | None = None
    max_linked: int | None = None
    max_drift: int | None = None

    @classmethod
    def default_for(cls, strategy: str) -> Limits:
        """Return the limits a plan is held to unless told otherwise: ``linked`` 200 a group."""
        return cls(max_group=200 if strategy == "linked" else None)


@attrs.frozen
class Plan(Shown):
    """What a backfill would do. Nothing is written until `leadfold.backfill.apply`.

    Args:
        run: the run it will be, with its id, time and versions.
        stats: the figures, if all of it is written.
        counts: groups by kind of key.
        leads: how many leads were read.
        strategy: of the policy.
        units: what is written, unit by unit; may be walked repeatedly.
        claims_at: the store's mark of the moment when it was read.
        drift, mismatches, notes, unreadable: what was found and is reported.
        large: the largest groups, largest first.
        merges: in mode ``reconcile`` the customers that go, each with the one in its place.
        pinned: likewise the leads whose link somebody else made, and that stay.
    """

    run: Run
    stats: Stats
    counts: Mapping[str, int]
    leads: int
    strategy: str
    units: Iterable[Unit] = attrs.field(repr=False, eq=tuple)
    claims_at: int | str = 0
    drift: tuple[Drift, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    large: tuple[GroupSize, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    pinned: tuple[str, ...] = ()

    def check(self, limits: Limits | None = None) -> None:
        """Hold the plan to *limits* (default: `Limits.default_for` its strategy).

        Raises:
            LimitExceededError: naming every excess, masked; its ``values`` are the raw keys of
                groups that are too large, its ``lines`` what blocks them at the end of a policy.
        """
        limits = Limits.default_for(self.strategy) if limits is None else limits
        excesses = [*_figure_excesses(self, limits)]
        too_large = [
            group
            for group in self.large
            if limits.max_group is not None and group.leads > limits.max_group
        ]
        excesses += [group.excess(limits.max_group or 0) for group in too_large]
        if excesses:
            raise LimitExceededError(  # raw values stand in no local variable
                excesses,
                (group.key for group in too_large),
                blocking_lines(too_large),
            )

    @property
    def stage(self) -> tuple[int, int, str]:
        """Return what a reporter hears when it is applied: the stage, of how many, and its name."""
        return 2, 4, "Creating customers and linking leads"

    def changes(self, on_stale: OnStale = "refuse") -> ChangeSet:
        """Return what `Repository.commit` takes."""
        return ChangeSet(self.run, self.units, self.stats, self.claims_at, on_stale)

    def sheet(self, names: Names) -> Sheet:
        """Return the figures, if all of it is written, and the first of what was found."""
        customers = sum(self.counts.values())
        return Sheet(
            "Plan",
            f"{self.strategy}, mode {self.run.mode}, run {self.run.id}",
            (
                Note("Nothing is written until it is applied"),
                figures_of(self.stats, leads=self.leads, customers=customers),
                Bars("Customers by their strongest identifier", tuple(self.counts.items())),
                *_found_tables(self, names),
            ),
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write the plan to the new file *path*, for its owner only: it holds raw identifiers.

        One JSON value a line: what the plan is, then each unit.
        """
        header = {
            field.name: getattr(self, field.name)
            for field in attrs.fields(Plan)
            if field.name != "units"
        }
        saving.write(Path(path), header, self.units)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Plan:
        """Read a plan that `save` wrote; its units are read from the file when they are walked.

        Raises:
            PlanFormatError: not a saved plan, damaged or cut short, or of another format.
        """
        units = saving.SavedUnits(Path(path))
        header = units.header()
        try:
            plan = cls(units=units, **_read_header(header))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise saving.damaged(units.path, "its first line does not describe a plan") from e
        units.count()
        return plan


def _found_tables(plan: Plan, names: Names) -> Iterator[Table]:
    """Yield what a person should look at."""
    large = [group for group in plan.large if group.leads > 1]
    yield from table(
        "Largest groups", ("group", "leads"), large, lambda each: (names.key(each.key), each.leads)
    )
    yield from table(
        "Customers merged", ("customer", "into"), plan.merges, lambda merge: (merge[0], merge[1])
    )
    yield from table(
        "Drift: stored links that differ from the grouping",
        ("customers", "groups"),
        plan.drift,
        lambda drift: (some(drift.customers, FEW), some(map(names.key, drift.groups), FEW)),
    )
    yield from table(
        "Rows that do not follow their lead",
        ("table", "rows", "lead", "problem"),
        plan.mismatches,
        lambda each: (each.table, each.count, each.lead_id, each.problem),
    )
    yield from lines_table("Links that somebody else made, left as they are", plan.pinned)
    yield from table(
        "Leads that could not be read", ("lead", "reason"), plan.unreadable, lambda each: each
    )
    yield from lines_table("Notes", plan.notes)


def _read_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a plan but its units, from the JSON that `Plan.save` wrote."""
    given = {key: _tuples(value) for key, value in header.items() if key != "leadfold_plan"}
    given["run"] = Run(**{**given["run"], "at": datetime.fromisoformat(given["run"]["at"])})
    given["stats"] = Stats(**given["stats"])
    for name, noun in (("drift", Drift), ("mismatches", Mismatch), ("large", GroupSize)):
        given[name] = tuple(noun(**fields) for fields in given[name])
    return given


def _tuples(value: object) -> Any:  # noqa: ANN401 - whatever JSON held
    """Return *value* with JSON's lists as the tuples they were."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _figure_excesses(plan: Plan, limits: Limits) -> Iterator[str]:
    figures = (
        ("max_created", limits.max_created, plan.stats.customers_created, "new customers"),
        ("max_linked", limits.max_linked, plan.stats.leads_linked, "leads to link"),
        ("max_drift", limits.max_drift, len(plan.drift), "cases of drift"),
    )
    for name, most, found, what in figures:
        if most is not None and found > most:
            yield f"{found} {what}, more than {name}={most}"
