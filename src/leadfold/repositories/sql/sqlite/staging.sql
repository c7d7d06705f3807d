-- Where a batch of units waits, in the connection's own temporary tables, before set-based writing.

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_lead (
    unit INTEGER NOT NULL, id TEXT NOT NULL, version
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_customer (
    unit INTEGER NOT NULL, id TEXT NOT NULL, version
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_insert (
    unit INTEGER NOT NULL, id TEXT NOT NULL, name, phone, email, metadata, created_at,
    sources
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_patch (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, keys INTEGER NOT NULL, before, after
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_key (
    unit INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, path, before, after,
    PRIMARY KEY (id, position)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_link (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, before TEXT, after TEXT, reason
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_await (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, before TEXT, after TEXT, reason TEXT, until TEXT
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_moved (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_follow (
    unit INTEGER NOT NULL, dependent TEXT NOT NULL, lead_id TEXT NOT NULL, customer_id TEXT,
    before TEXT, known TEXT GENERATED ALWAYS AS (coalesce(before, '')),
    UNIQUE (dependent, lead_id, known)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_record (
    unit INTEGER NOT NULL, record_id TEXT PRIMARY KEY
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_holder (
    unit INTEGER NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (record_id, kind, value)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_lost (
    record INTEGER NOT NULL, identity INTEGER NOT NULL
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_gained (
    record INTEGER NOT NULL, identity INTEGER NOT NULL
);
