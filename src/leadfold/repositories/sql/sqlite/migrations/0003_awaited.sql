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
