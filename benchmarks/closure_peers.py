"""Connected components of leads that share a value, by others: what the grouping is held against.

They know no guard and give no reason: what they join is the plain closure. Each takes columns that
are normalized already, and returns the number of groups.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linked_data import Leads

__all__ = ["installed_peers"]

KINDS = ("psid", "phone", "email")


def edges(leads: Leads) -> Iterator[tuple[int, int]]:
    """Yield each lead with the first that holds a value of its own: no more edges than values."""
    for values in leads[1]:
        first: dict[str, int] = {}
        for row, value in enumerate(values):
            if value is not None and (holder := first.setdefault(value, row)) != row:
                yield holder, row


_HELD = """
CREATE TABLE held AS
WITH numbered AS (SELECT row_number() OVER () AS lead, * FROM leads)
SELECT lead, 'psid:' || psid AS value FROM numbered WHERE psid IS NOT NULL
UNION ALL SELECT lead, 'phone:' || phone FROM numbered WHERE phone IS NOT NULL
UNION ALL SELECT lead, 'email:' || email FROM numbered WHERE email IS NOT NULL
"""


def by_duckdb(leads: Leads) -> int:
    """Label propagation in SQL: the smallest label among all that share a value, until it rests."""
    ids, kinds = leads
    table = pa.table(dict(zip(("id", *KINDS), (ids, *kinds), strict=True)))
    connection = duckdb.connect()  # its own choice of threads: all of them
    connection.register("leads", table)
    connection.execute(_HELD)
    connection.execute(
        "CREATE TABLE shared AS SELECT lead, value FROM held WHERE value IN "
        "(SELECT value FROM held GROUP BY value HAVING count(*) > 1)"
    )
    connection.execute("CREATE TABLE labels AS SELECT DISTINCT lead, lead AS label FROM shared")
    while True:
        connection.execute(
            "CREATE OR REPLACE TABLE next AS WITH of_value AS (SELECT value, min(label) AS label "
            "FROM shared JOIN labels USING (lead) GROUP BY value), of_lead AS (SELECT lead, "
            "min(of_value.label) AS label FROM shared JOIN of_value USING (value) GROUP BY lead) "
            # pointer jumping: a label takes the label of the lead it names
            "SELECT of_lead.lead, least(of_lead.label, far.label) AS label FROM of_lead "
            "JOIN of_lead AS far ON far.lead = of_lead.label"
        )
        changed = connection.sql(
            "SELECT count(*) FROM next JOIN labels USING (lead) WHERE next.label <> labels.label"
        ).fetchall()
        connection.execute("DROP TABLE labels")
        connection.execute("ALTER TABLE next RENAME TO labels")
        if changed == [(0,)]:
            break
    found = connection.sql("SELECT count(DISTINCT label) - count(*) FROM labels").fetchall()
    return len(ids) + int(found[0][0])


def by_networkx(leads: Leads) -> int:
    """Connected components of a graph of leads."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(leads[0])))
    graph.add_edges_from(edges(leads))
    return sum(1 for _ in nx.connected_components(graph))


def by_igraph(leads: Leads) -> int:
    """Connected components of a graph of leads, in C."""
    import igraph

    graph = igraph.Graph(n=len(leads[0]), edges=list(edges(leads)))
    return len(graph.connected_components())


def by_scipy(leads: Leads) -> int:
    """Connected components of a sparse matrix; finding who shares a value is part of it."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(leads[0])
    pairs = list(edges(leads))
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    matrix = coo_array(([True] * len(pairs), (rows, columns)), shape=(count, count))
    return int(connected_components(matrix, directed=False)[0])


def by_splink(leads: Leads) -> int:
    """Deterministic linkage on each of the three columns, then clustering."""
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    ids, kinds = leads
    table = pa.table(dict(zip(("unique_id", *KINDS), (ids, *kinds), strict=True)))
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(kind) for kind in KINDS],
    )
    linker = Linker(DuckDBAPI().register(table), settings, log_level=50, validate_settings=False)
    links = linker.inference.deterministic_link()
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(links)
    return len(set(clusters.as_duckdbpyrelation().to_arrow_table()["cluster_id"].to_pylist()))


_PEERS: dict[str, Callable[[Leads], int]] = {
    "duckdb": by_duckdb,
    "scipy": by_scipy,
    "igraph": by_igraph,
    "networkx": by_networkx,
    "splink": by_splink,
}


def installed_peers() -> dict[str, Callable[[Leads], int]]:
    """Return the peers that are here, and say which are not."""
    for name in _PEERS:
        if importlib.util.find_spec(name) is None:
            print(f"not installed, left out: {name}")
    return {name: run for name, run in _PEERS.items() if importlib.util.find_spec(name)}
