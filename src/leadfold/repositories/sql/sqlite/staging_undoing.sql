-- Where changes wait that no backfill makes. Their tables come with the first batch that holds one.

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_restore (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, successor TEXT, image TEXT NOT NULL
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_carry (
    unit INTEGER NOT NULL, table_name TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    PRIMARY KEY (table_name, before)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_relink (
    unit INTEGER NOT NULL, table_name TEXT NOT NULL, id TEXT NOT NULL, before TEXT, after TEXT,
    PRIMARY KEY (table_name, id)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_rule (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, parts TEXT NOT NULL, actor TEXT NOT NULL,
    created_at TEXT, in_force INTEGER NOT NULL, ruling TEXT NOT NULL
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_retire (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY, successor TEXT
);

-- The rows of customers that retire, as the ledger keeps them.
CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_image (
    unit INTEGER NOT NULL, id TEXT NOT NULL, successor TEXT, image TEXT NOT NULL
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_erase (
    unit INTEGER NOT NULL, id TEXT PRIMARY KEY
);

-- What an erasure blanks in rows of customers, and in the ledger's copies of them.
CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_blank (
    unit INTEGER NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_copy (
    unit INTEGER NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL
);

-- Which columns still hold what an erasure blanks.
CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_blanked (
    unit INTEGER NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL,
    PRIMARY KEY (id, field)
);

CREATE TEMP TABLE IF NOT EXISTS leadfold_stage_queue (
    unit INTEGER NOT NULL, id TEXT NOT NULL, reason TEXT
);
