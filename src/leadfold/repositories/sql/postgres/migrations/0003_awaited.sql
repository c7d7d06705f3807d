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
