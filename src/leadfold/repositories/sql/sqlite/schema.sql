-- All of leadfold's own tables, as the migrations leave them. Every row carries its tenant, '' where a store has none.

CREATE TABLE leadfold_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE leadfold_runs (
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    action TEXT NOT NULL,
    mode TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_by TEXT NOT NULL,
    at TEXT NOT NULL,
    policy TEXT NOT NULL,
    versions TEXT NOT NULL,
    status TEXT NOT NULL,
    stats TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    UNIQUE (tenant, id)
);

-- One row for each row that a run changed; before and after are JSON, NULL where there was nothing.
CREATE TABLE leadfold_ledger (
    sequence INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES leadfold_runs (sequence),
    unit INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    row_id TEXT NOT NULL,
    action TEXT NOT NULL,
    before TEXT,
    after TEXT,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX leadfold_ledger_run ON leadfold_ledger (run, unit);
CREATE INDEX leadfold_ledger_row ON leadfold_ledger (table_name, row_id);

-- The claim: one row for each value that some record holds. version is the clock of the commit
-- that last gave the value a holder or took one away; a value that nobody holds has no row.
CREATE TABLE leadfold_identity (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (tenant, kind, value)
);

-- Every record the index has seen, those that hold nothing included.
CREATE TABLE leadfold_records (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    record_id TEXT NOT NULL,
    UNIQUE (tenant, record_id)
);

CREATE TABLE leadfold_holders (
    record INTEGER NOT NULL REFERENCES leadfold_records (id) ON DELETE CASCADE,
    identity INTEGER NOT NULL REFERENCES leadfold_identity (id),
    PRIMARY KEY (record, identity)
) WITHOUT ROWID;
CREATE INDEX leadfold_holders_identity ON leadfold_holders (identity);

-- Leads that were resolved before they had a row: the customer each is to be inserted with, and how
-- long it counts without one.
CREATE TABLE leadfold_awaited (
    tenant TEXT NOT NULL,
    record_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (tenant, record_id)
) WITHOUT ROWID;
CREATE INDEX leadfold_awaited_until ON leadfold_awaited (tenant, until);

-- What the index was written with, its latest claim, and the claim at which values were erased: what
-- they were is not kept, so a plan of before is stale in any value that nobody holds.
CREATE TABLE leadfold_index_state (
    tenant TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    clock INTEGER NOT NULL,
    erased_at INTEGER NOT NULL DEFAULT 0
);

-- Those in force; of one that was lifted, the ledger tells.
CREATE TABLE leadfold_rulings (
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    parts TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TEXT,
    UNIQUE (tenant, id)
);

CREATE TABLE leadfold_queue (
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    record_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    UNIQUE (tenant, record_id)
);

CREATE TABLE leadfold_audit (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at TEXT NOT NULL
);
