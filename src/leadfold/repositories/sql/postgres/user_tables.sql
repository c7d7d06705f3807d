-- The tables of the application leadfold grew up with, ids as text: for demos, docs and tests.

CREATE TABLE "Customer" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    name text,
    phone text,
    email text,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX "Customer_phone_idx" ON "Customer" (phone);
CREATE INDEX "Customer_email_idx" ON "Customer" (email);
CREATE INDEX "Customer_created_at_idx" ON "Customer" (created_at);

CREATE TABLE "Lead" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    channel text,
    customer_id text REFERENCES "Customer" (id) ON DELETE SET NULL,
    name text,
    "messengerPsid" text,
    phone text,
    email text,
    address text,
    stage text,
    "stateMetadata" jsonb,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE INDEX "Lead_customer_id_idx" ON "Lead" (customer_id);

CREATE TABLE "Job" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    lead_id text REFERENCES "Lead" (id) ON DELETE SET NULL,
    customer_id text REFERENCES "Customer" (id) ON DELETE SET NULL,
    window_start timestamptz,
    window_end timestamptz,
    status text NOT NULL DEFAULT 'tentative',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX "Job_lead_id_idx" ON "Job" (lead_id);
CREATE INDEX "Job_customer_id_idx" ON "Job" (customer_id);

CREATE TABLE "Conversation" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    customer_id text REFERENCES "Customer" (id) ON DELETE SET NULL,
    lead_id text REFERENCES "Lead" (id) ON DELETE SET NULL,
    channel text,
    external_id text,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_message_at timestamptz,
    metadata jsonb,
    UNIQUE (channel, external_id)
);
CREATE INDEX "Conversation_lead_id_idx" ON "Conversation" (lead_id);
CREATE INDEX "Conversation_customer_id_idx" ON "Conversation" (customer_id);

CREATE TABLE "Message" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    conversation_id text NOT NULL REFERENCES "Conversation" (id) ON DELETE CASCADE,
    role text,
    content text,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE "CustomerAddress" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    customer_id text NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE,
    address text,
    city text,
    state text,
    zip text,
    lat double precision,
    lng double precision,
    is_primary boolean NOT NULL DEFAULT false
);
CREATE INDEX "CustomerAddress_customer_id_idx" ON "CustomerAddress" (customer_id);

CREATE TABLE "MemoryNote" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    customer_id text NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE,
    conversation_id text REFERENCES "Conversation" (id) ON DELETE SET NULL,
    content text,
    expires_at timestamptz
);
CREATE INDEX "MemoryNote_customer_id_idx" ON "MemoryNote" (customer_id);

CREATE TABLE "Audit" (
    id text PRIMARY KEY NOT NULL DEFAULT gen_random_uuid()::text,
    lead_id text,
    actor text NOT NULL,
    action text NOT NULL,
    payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX "Audit_lead_id_idx" ON "Audit" (lead_id);
CREATE INDEX "Audit_created_at_idx" ON "Audit" (created_at);
