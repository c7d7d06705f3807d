"""Every error leadfold raises on purpose: one base, and the builtin each resembles.

A message names an identifier by its mask only; the raw value, where there is one, is an attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.masking import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AlreadyUndoneError",
    "AmbiguousCustomerError",
    "ConflictingRulingsError",
    "DecisionError",
    "DifferentGroupsError",
    "DuplicateLeadError",
    "FrameError",
    "IndexOutdatedError",
    "LeadfoldError",
    "LimitExceededError",
    "LinkRequiredError",
    "MappingError",
    "MissingExtraError",
    "NotHeldError",
    "NotUndoableError",
    "NothingToUndo",
    "PlanFormatError",
    "PolicyError",
    "RetryableError",
    "RollbackRefusedError",
    "RunExistsError",
    "SameGroupError",
    "StalePlanError",
    "StoreError",
    "UnitError",
    "UnknownCustomerError",
    "UnknownLeadError",
    "UnreadableFileError",
]


class LeadfoldError(Exception):
    """Something leadfold refuses to do, or could not do."""


class PolicyError(LeadfoldError, ValueError):
    """A policy that cannot mean anything; `faults` lists all that is wrong with it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("policy refused: " + "; ".join(self.faults))


class MappingError(LeadfoldError, ValueError):
    """A mapping that does not fit the store; `faults` lists every misfit."""

    def __init__(self, faults: Iterable[str], way_out: str | None = None) -> None:
        self.faults = tuple(faults)
        self.way_out = way_out
        told = "mapping does not fit the store: " + "; ".join(self.faults)
        super().__init__(told if way_out is None else f"{told}: {way_out}")


class FrameError(LeadfoldError, ValueError):
    """A data frame that leads cannot be read from; `faults` lists all that is wrong with it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("frame refused: " + "; ".join(self.faults))


class DuplicateLeadError(LeadfoldError, ValueError):
    """Several leads carry one id; `lead_ids` names the ids."""

    def __init__(self, lead_ids: Iterable[str]) -> None:
        self.lead_ids = tuple(sorted(lead_ids))
        super().__init__(
            f"several leads share an id: {some(self.lead_ids)}: give every lead an id of its own"
        )


class ConflictingRulingsError(LeadfoldError, ValueError):
    """Must-links join leads that a cannot-link keeps apart; `ruling_ids` names the rulings."""

    def __init__(self, ruling_ids: Iterable[str], lead_ids: Iterable[str]) -> None:
        self.ruling_ids = tuple(sorted(ruling_ids))
        self.lead_ids = tuple(sorted(lead_ids))
        super().__init__(
            f"rulings {some(self.ruling_ids)} contradict each other over leads "
            f"{some(self.lead_ids)}: withdraw one of them"
        )


class SameGroupError(LeadfoldError, ValueError):
    """Asked why two leads are apart that are in one group; `lead_ids` names them."""

    def __init__(self, *lead_ids: str) -> None:
        self.lead_ids = lead_ids
        super().__init__(f"leads {' and '.join(lead_ids)} are in one group: ask why, not why_not")


class DifferentGroupsError(LeadfoldError, ValueError):
    """Asked why two leads are together that are in different groups; `lead_ids` names them."""

    def __init__(self, *lead_ids: str) -> None:
        self.lead_ids = lead_ids
        super().__init__(
            f"leads {' and '.join(lead_ids)} are in different groups: ask why_not, not why"
        )


class NotHeldError(LeadfoldError, ValueError):
    """A lead is supposed to be without what it does not hold; `lead_id` and `value`, raw."""

    def __init__(self, lead_id: str, kind: str, value: str) -> None:
        self.lead_id = lead_id
        self.value = value
        super().__init__(f"lead {lead_id} holds no such {kind}: name an identifier that it holds")


class LimitExceededError(LeadfoldError):
    """A plan that goes beyond the limits it was checked against.

    `excesses` says each, masked; `values` are the keys of the groups that are too large, raw,
    and `lines` what to put at the end of a policy's TOML, where they add to what it blocks, raw
    too.
    """

    def __init__(
        self, excesses: Iterable[str], values: Iterable[str] = (), lines: Iterable[str] = ()
    ) -> None:
        self.excesses = tuple(excesses)
        self.values = tuple(values)
        self.lines = tuple(lines)
        super().__init__("plan refused by its limits: " + "; ".join(self.excesses))


class UnknownCustomerError(LeadfoldError, LookupError):
    """The store has no customer of that id; `customer_id` is the id."""

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        super().__init__(f"the store has no customer {customer_id}")


class UnknownLeadError(LeadfoldError, KeyError):
    """None of the leads that were grouped has that id; `lead_id` is what was asked for."""

    def __init__(self, lead_id: object, leads: int) -> None:
        self.lead_id = lead_id
        is_text = isinstance(lead_id, str)
        hint = "" if is_text else f": ids are text, and this is {type(lead_id).__name__}"
        super().__init__(f"no lead {lead_id} among the {leads} that were grouped{hint}")

    __str__ = Exception.__str__  # a KeyError shows its message quoted


class AmbiguousCustomerError(LeadfoldError, LookupError):
    """A retired customer whose leads live with several others now: `customer_ids`."""

    def __init__(self, customer_id: str, customer_ids: Iterable[str]) -> None:
        self.customer_id = customer_id
        self.customer_ids = tuple(sorted(customer_ids))
        super().__init__(
            f"the leads of former customer {customer_id} live with several customers now: "
            f"{some(self.customer_ids)}"
        )


class DecisionError(LeadfoldError, ValueError):
    """A merge, split or erasure that cannot be meant; nothing was written."""


class RollbackRefusedError(LeadfoldError):
    """Something was built on a run since; `blockers` says what, unit by unit."""

    def __init__(self, run_id: str, blockers: Iterable[object]) -> None:
        self.run_id = run_id
        self.blockers = tuple(blockers)
        super().__init__(
            f"run {run_id} was built upon since: {some(map(str, self.blockers))}: roll back what "
            "came later first, or keep it (later keep)"
        )


class NotUndoableError(LeadfoldError, LookupError):
    """A run that cannot be taken back at all; `run_id` is its id."""

    def __init__(self, run_id: str, reason: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} cannot be rolled back: {reason}")


class AlreadyUndoneError(LeadfoldError):
    """A run that was rolled back already, by the run `by`."""

    def __init__(self, run_id: str, by: str) -> None:
        self.run_id = run_id
        self.by = by
        super().__init__(
            f"run {run_id} was rolled back already, by run {by}: rolling that one back brings "
            "it into force again"
        )


class NothingToUndo(LeadfoldError):  # noqa: N818 - the name that other programs rely on
    """A run of which there is nothing to take back: it changed nothing, or nothing of it stands."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} changed nothing that could be taken back")


class LinkRequiredError(LeadfoldError):
    """Links would have to be null where the store does not let them.

    `statements` has the statement that would let it, by table.
    """

    def __init__(self, statements: Mapping[str, str]) -> None:
        self.statements = dict(statements)
        ways = "; ".join(self.statements.values())
        super().__init__(
            f"{some(self.statements)} must have a customer, and had none before the run: "
            f"this would allow it: {ways}"
        )


class PlanFormatError(LeadfoldError, ValueError):
    """A file that is no saved plan, or one of a format this version does not read."""


class UnreadableFileError(LeadfoldError, ValueError):
    """A file of leads that cannot be read; the message names file, line and the way out."""


class StoreError(LeadfoldError):
    """The store failed or refused; nothing was committed."""


class RetryableError(StoreError):
    """The store was busy or chose this transaction to give way; the caller may try again."""


class BusyError(RetryableError):
    """Somebody else holds what is needed, and did not let go in time; nothing was written."""


class StalePlanError(StoreError):
    """Rows the plan was made from have changed since; `lead_ids` names them.

    `unfinished` is the id of the run of which chunks were written before, if any were.
    """

    def __init__(self, lead_ids: Iterable[str], unfinished: str | None = None) -> None:
        self.lead_ids = tuple(sorted(lead_ids))
        self.unfinished = unfinished
        way_out = (
            "make a new plan; a backfill can also leave their units out (on_stale skip)"
            if unfinished is None
            else f"run {unfinished} is unfinished: apply the same plan again and leave their units "
            "out (on_stale skip), or roll the run back"
        )
        super().__init__(f"changed since the plan was made: {some(self.lead_ids)}: {way_out}")


class RunExistsError(StoreError):
    """This plan was applied already, perhaps rolled back since, or must not be gone on with.

    `run_id` says as which run.
    """

    def __init__(self, run_id: str, reason: str = "a plan is applied once") -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} is in this store already: {reason}")


class UnitError(StoreError):
    """One unit that the store would not take; raised inside an adapter, reported outside it."""


class MissingExtraError(LeadfoldError, ImportError):
    """A feature whose optional dependency is not installed; the message has the pip line."""


class IndexOutdatedError(LeadfoldError, RuntimeError):
    """The identity index does not fit what is asked of it."""

    def __init__(self) -> None:
        super().__init__(
            "the identity index was not written under this policy, or never: run a backfill, or "
            "leadfold index build, with this policy first"
        )
