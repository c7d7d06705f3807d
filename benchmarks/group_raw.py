"""From raw plain records to keyed groups, against DuckDB SQL that normalizes by regexp.

Both start from the same list of records and end with keys and lead ids as Python objects; also
printed is the same without making these objects, and DuckDB's time from an Arrow table. The
peer's answers are worse: it knows one numbering plan by its lengths, no placeholder, no blocked
value. Interleaved in one process, medians. Arguments: leads (a million), rounds (three).
"""

from __future__ import annotations

import statistics
import sys

import duckdb
import pyarrow as pa
from group_keyed import timed
from machine import describe

from leadfold import Policy, group
from leadfold.testing import sample_leads

Record = dict[str, str | None]

CLEAN = """
WITH clean AS (
    SELECT *,
           nullif(trim(psid), '') AS clean_psid,
           regexp_replace(
               regexp_replace(
                   regexp_replace(lower(phone), '(x|ext[.]?|extension)[ :]*[0-9]+$', ''),
                   '[^0-9]', '', 'g'),
               '^(00|011)?1?([0-9]{10})$', '\\2') AS clean_phone,
           lower(trim(email)) AS clean_email
    FROM leads
)
"""
KEY = """
    CASE
        WHEN clean_psid IS NOT NULL THEN 'psid:' || clean_psid
        WHEN length(clean_phone) = 10 THEN 'phone:+1' || clean_phone
        WHEN regexp_full_match(clean_email, '[a-z0-9.!#$%&*+/=?^_{|}~-]+@([a-z0-9-]+[.])+[a-z]+')
            THEN 'email:' || clean_email
        ELSE 'individual:' || id
    END
"""
QUERY = f"{CLEAN} SELECT {KEY} AS key, list(id) AS ids FROM clean GROUP BY key"  # noqa: S608 - constants


def records(count: int) -> list[Record]:
    """Return raw records with one text a field."""
    found = []
    for sample in sample_leads(count, seed=1):
        lead = sample.lead
        row: Record = {"id": lead.id}
        for name, cell in (("psid", lead.psid), ("phone", lead.phone), ("email", lead.email)):
            row[name] = cell if isinstance(cell, str) or cell is None else next(iter(cell))
        found.append(row)
    return found


def ours(rows: list[Record]) -> int:
    """Group with leadfold; nothing is looked at."""
    return group(rows, Policy.keyed()).partition.size


def ours_as_objects(rows: list[Record]) -> list[tuple[str, tuple[str, ...]]]:
    """Group with leadfold; every group is looked at."""
    return [(found.key, found.lead_ids) for found in group(rows, Policy.keyed()).groups]


def theirs(table: pa.Table) -> int:
    """Group with DuckDB, with as many threads as it likes; the result stays in Arrow."""
    connection = duckdb.connect()
    connection.register("leads", table)
    return int(connection.sql(QUERY).to_arrow_table().num_rows)


def theirs_from_records(rows: list[Record]) -> int:
    """Hand the records to DuckDB, and group."""
    return theirs(pa.Table.from_pylist(rows))


def theirs_as_objects(rows: list[Record]) -> list[tuple[str, list[str]]]:
    """Hand the records to DuckDB, group, and fetch every group."""
    connection = duckdb.connect()
    connection.register("leads", pa.Table.from_pylist(rows))
    return connection.sql(QUERY).fetchall()


def main() -> None:
    """Print the medians and their ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = records(count)
    table = pa.Table.from_pylist(rows)
    print(describe())
    print(f"groups: leadfold {ours(rows):,}, DuckDB {theirs(table):,}")
    runs = (ours_as_objects, theirs_as_objects, ours, theirs_from_records)
    rounds_of = [[*(timed(run, rows) for run in runs), timed(theirs, table)] for _ in range(rounds)]
    whole, whole_sql, mine, peer, sql = map(statistics.median, zip(*rounds_of, strict=True))
    print(f"{count:,} records to groups as Python objects: leadfold {whole:.2f} s, ", end="")
    print(f"DuckDB {whole_sql:.2f} s: {whole / whole_sql:.2f} x")
    print(f"the same, no group looked at: {mine:.2f} s, {peer:.2f} s: {mine / peer:.2f} x")
    print(f"DuckDB from an Arrow table: {sql:.2f} s: {mine / sql:.2f} x")


if __name__ == "__main__":
    main()
