"""What a script of a validation's checks says in every SQL: its header, the names of checks."""

from __future__ import annotations

__all__ = ["HEADER", "OF_DEPENDENTS"]

HEADER = """\
-- The checks of leadfold's validation that are plain SQL. They only read: each statement gives
-- one row, with the name of the check, the figure expected and the actual one.
-- Not here, for SQL cannot group leads and would only seem to: drift (groups with several
-- customers, customers with several groups), stale index entries, leads that cannot be read.
-- Nor what only leadfold reads: index entries without a row, leads in the queue, unfinished runs,
-- undeclared foreign keys.
-- Counted otherwise than there: phones and emails are compared as written, not normalized; what
-- leadfold made goes by the metadata, not by the ledger; NOT NULL asks for the whole table."""

OF_DEPENDENTS = {
    "linked": "{} linked",
    "lead": "{} whose lead is missing",
    "customer": "{} whose customer is missing",
    "mismatch": "{}/lead mismatch",
    "not_null": "{} ready for NOT NULL",
}
"""Each statement for a dependent table, with what `backfill.validate` calls its check."""
