-- All of leadfold's own tables, as the migrations leave them. Every row carries its tenant, '' where a store has none.

CREATE TABLE {own}.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE {own}.runs (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    id text NOT NULL,
    action text NOT NULL,
    mode text NOT NULL,
    actor text NOT NULL,
    created_by text NOT NULL,
    at timestamptz NOT NULL,
    policy text NOT NULL,
    versions text NOT NULL,
    status text NOT NULL,
    stats text NOT NULL DEFAULT '{}',
    extra text NOT NULL DEFAULT '{}',
    UNIQUE (tenant, id)
);

-- One row for each row that a run changed; before and after are JSON, NULL where there was nothing.
-- No foreign key to runs: checking one for each of a million entries costs more than writing them.
CREATE TABLE {own}.ledger (
    run bigint NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    unit integer NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    action text NOT NULL,
    before text,
    after text,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (run, sequence)
);
CREATE INDEX ledger_row ON {own}.ledger (row_id);

-- The units of runs that many write under at once; a plan numbers its own.
CREATE SEQUENCE {own}.unit_numbers AS integer CYCLE;

-- The claim: one row for each value that some record holds. version is the transaction
-- that last gave the value a holder or took one away; a value that nobody holds has no row.
CREATE TABLE {own}.identity (
    tenant text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant, kind, value)
);

-- Every record the index has seen, and what it holds: sorted pairs of kind and value, in JSON.
CREATE TABLE {own}.records (
    tenant text NOT NULL,
    record_id text NOT NULL,
    identifiers text NOT NULL,
    PRIMARY KEY (tenant, record_id)
);

-- The same by value.
CREATE TABLE {own}.holders (
    tenant text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    record_id text NOT NULL,
    PRIMARY KEY (tenant, kind, value, record_id)
);

-- Leads that were resolved before they had a row: the customer each is to be inserted with, and how
-- long it counts without one.
CREATE TABLE {own}.awaited (
    tenant text NOT NULL,
    record_id text NOT NULL,
    customer_id text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant, record_id)
);
CREATE INDEX awaited_until ON {own}.awaited (tenant, until);

-- What the index was written with, and the transaction that erased values last: what they were is
-- not kept, so a plan of before is stale in any value that nobody holds.
CREATE TABLE {own}.index_state (
    tenant text PRIMARY KEY,
    fingerprint text NOT NULL,
    erased_at bigint NOT NULL DEFAULT 0
);

-- Those in force; of one that was lifted, the ledger tells.
CREATE TABLE {own}.rulings (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    id text NOT NULL,
    parts text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz,
    UNIQUE (tenant, id)
);

CREATE TABLE {own}.queue (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    record_id text NOT NULL,
    reason text NOT NULL,
    queued_at timestamptz NOT NULL,
    UNIQUE (tenant, record_id)
);

CREATE TABLE {own}.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
