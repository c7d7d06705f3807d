-- The tables of the application leadfold grew up with, as SQLite has them: for demos and tests.

CREATE TABLE "Customer" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    name TEXT,
    phone TEXT,
    email TEXT,
    metadata TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX "Customer_phone_idx" ON "Customer" (phone);
CREATE INDEX "Customer_email_idx" ON "Customer" (email);
CREATE INDEX "Customer_created_at_idx" ON "Customer" (created_at);

CREATE TABLE "Lead" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    channel TEXT,
    customer_id TEXT REFERENCES "Customer" (id) ON DELETE SET NULL,
    name TEXT,
    "messengerPsid" TEXT,
    phone TEXT,
    email TEXT,
    address TEXT,
    stage TEXT,
    "stateMetadata" TEXT,
    created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX "Lead_customer_id_idx" ON "Lead" (customer_id);

CREATE TABLE "Job" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    lead_id TEXT REFERENCES "Lead" (id) ON DELETE SET NULL,
    customer_id TEXT REFERENCES "Customer" (id) ON DELETE SET NULL,
    window_start TEXT,
    window_end TEXT,
    status TEXT NOT NULL DEFAULT 'tentative',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX "Job_lead_id_idx" ON "Job" (lead_id);
CREATE INDEX "Job_customer_id_idx" ON "Job" (customer_id);

CREATE TABLE "Conversation" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    customer_id TEXT REFERENCES "Customer" (id) ON DELETE SET NULL,
    lead_id TEXT REFERENCES "Lead" (id) ON DELETE SET NULL,
    channel TEXT,
    external_id TEXT,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    last_message_at TEXT,
    metadata TEXT,
    UNIQUE (channel, external_id)
);
CREATE INDEX "Conversation_lead_id_idx" ON "Conversation" (lead_id);
CREATE INDEX "Conversation_customer_id_idx" ON "Conversation" (customer_id);

CREATE TABLE "Message" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    conversation_id TEXT NOT NULL REFERENCES "Conversation" (id) ON DELETE CASCADE,
    role TEXT,
    content TEXT,
    metadata TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE "CustomerAddress" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    customer_id TEXT NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE,
    address TEXT,
    city TEXT,
    state TEXT,
    zip TEXT,
    lat REAL,
    lng REAL,
    is_primary INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX "CustomerAddress_customer_id_idx" ON "CustomerAddress" (customer_id);

CREATE TABLE "MemoryNote" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    customer_id TEXT NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE,
    conversation_id TEXT REFERENCES "Conversation" (id) ON DELETE SET NULL,
    content TEXT,
    expires_at TEXT
);
CREATE INDEX "MemoryNote_customer_id_idx" ON "MemoryNote" (customer_id);

CREATE TABLE "Audit" (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    lead_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    payload TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX "Audit_lead_id_idx" ON "Audit" (lead_id);
CREATE INDEX "Audit_created_at_idx" ON "Audit" (created_at);
