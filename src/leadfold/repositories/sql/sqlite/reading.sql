-- What a Reader asks. Names in braces are quoted tables and columns, or pieces that shapes.py makes.

-- name: leads
SELECT
    CAST(row.{lead.id} AS TEXT),
    {lead_name},
    {lead_created_at},
    CAST(row.{lead.customer_id} AS TEXT),
    {lead_version},
    {indexed},
    {queued},
    {lead_cells}
FROM {leads} AS row {lead_record}
WHERE {lead_chosen}
LIMIT -1 OFFSET :skip;

-- name: customers
SELECT
    CAST(row.{customer.id} AS TEXT),
    {customer_name},
    {customer_phone},
    {customer_email},
    {customer_metadata},
    {customer_created_at},
    {customer_version},
    {indexed},
    {customer_inserted}
FROM {customers} AS row {customer_record}
WHERE {customer_chosen}
LIMIT -1 OFFSET :skip;

-- name: rows_that
(SELECT * FROM {table} WHERE {conditions});

-- name: explain_condition
EXPLAIN SELECT 1 FROM {table} WHERE {conditions};

-- name: chosen
row.{id} IN (SELECT value FROM json_each(:ids));

-- name: indexed
CASE WHEN record.id IS NOT NULL THEN (
    SELECT json_group_array(json_array(identity.kind, identity.value))
    FROM leadfold_holders AS holder
    JOIN leadfold_identity AS identity ON identity.id = holder.identity
    WHERE holder.record = record.id
) END;

-- name: queued
EXISTS (
    SELECT 1 FROM leadfold_queue AS waiting
    WHERE waiting.tenant = :own AND waiting.record_id = CAST(row.{lead.id} AS TEXT)
);

-- name: lead_record
LEFT JOIN leadfold_records AS record
    ON record.tenant = :own AND record.record_id = CAST(row.{lead.id} AS TEXT);

-- name: customer_record
LEFT JOIN leadfold_records AS record
    ON record.tenant = :own AND record.record_id = 'customer:' || CAST(row.{customer.id} AS TEXT);

-- name: customer_inserted
EXISTS (
    SELECT 1 FROM leadfold_ledger AS entry
    WHERE entry.table_name = 'Customer' AND entry.action = 'insert'
    AND entry.row_id = CAST(row.{customer.id} AS TEXT)
);

-- name: dependents
SELECT
    CAST(row.{dependent.lead_id} AS TEXT),
    CAST(row.{dependent.customer_id} AS TEXT),
    count(*),
    EXISTS (SELECT 1 FROM {leads} AS known WHERE known.{lead.id} = row.{dependent.lead_id})
FROM {dependent.table} AS row
WHERE {dependent_mine} AND {dependent_chosen}
GROUP BY row.{dependent.lead_id}, row.{dependent.customer_id};

-- name: dependent_chosen
{dependent_lead} IN (SELECT CAST(value AS TEXT) FROM json_each(:ids));

-- name: dependent_mine
NOT EXISTS (
    SELECT 1 FROM {lead.table} AS other
    WHERE other.{lead.id} = row.{dependent.lead_id} AND other.{lead.tenant} IS NOT :tenant
) AND NOT EXISTS (
    SELECT 1 FROM {customer.table} AS other
    WHERE other.{customer.id} = row.{dependent.customer_id} AND other.{customer.tenant} IS NOT :tenant
);

-- name: index_state
SELECT fingerprint, clock FROM leadfold_index_state WHERE tenant = :own;

-- name: holders
SELECT record.record_id
FROM leadfold_identity AS identity
JOIN leadfold_holders AS holder ON holder.identity = identity.id
JOIN leadfold_records AS record ON record.id = holder.record
WHERE identity.tenant = :own AND identity.kind = :kind AND identity.value = :value
ORDER BY holder.record
LIMIT :at_most;

-- name: entries_of
SELECT asked.value, CAST(row.{pointing.id} AS TEXT), CAST(row.{pointing.customer_id} AS TEXT), {indexed}, {awaited}
FROM json_each(:records) AS asked
LEFT JOIN {pointing.table} AS row ON {pointing_row} = CAST(asked.value AS TEXT) AND {pointing_mine}
{asked_record};

-- name: asked_record
LEFT JOIN leadfold_records AS record ON record.tenant = :own AND record.record_id = asked.value
LEFT JOIN leadfold_awaited AS awaited ON awaited.tenant = :own AND awaited.record_id = record.record_id
LEFT JOIN leadfold_queue AS waiting ON waiting.tenant = :own AND waiting.record_id = asked.value;

-- name: awaited
awaited.customer_id, awaited.until, waiting.record_id IS NOT NULL;

-- name: shown
SELECT DISTINCT {column} FROM {customers} AS row
WHERE {column} IN (SELECT value FROM json_each(:values));

-- name: held
SELECT record.record_id, identity.kind, identity.value, identity.version
FROM leadfold_records AS record
JOIN leadfold_holders AS holder ON holder.record = record.id
JOIN leadfold_identity AS identity ON identity.id = holder.identity
WHERE record.tenant = :own AND record.record_id IN (SELECT value FROM json_each(:records));

-- name: recorded
SELECT {indexed} FROM leadfold_records AS record
WHERE record.tenant = :own AND record.record_id = :record;

-- name: waiting
SELECT record_id, reason, queued_at FROM leadfold_queue WHERE tenant = :own ORDER BY sequence;

-- name: edited
SELECT CAST(row.{lead.id} AS TEXT), {lead_created_at}, {lead_updated_at} FROM {leads} AS row;

-- name: rowless
SELECT record.record_id, awaited.until FROM leadfold_records AS record
LEFT JOIN leadfold_awaited AS awaited
    ON awaited.tenant = :own AND awaited.record_id = record.record_id
WHERE record.tenant = :own
AND EXISTS (SELECT 1 FROM leadfold_holders AS holder WHERE holder.record = record.id)
AND record.record_id NOT IN (
    SELECT CAST(row.{lead.id} AS TEXT) FROM {leads} AS row WHERE row.{lead.id} IS NOT NULL
    UNION ALL
    SELECT 'customer:' || CAST(row.{customer.id} AS TEXT) FROM {customers} AS row
    WHERE row.{customer.id} IS NOT NULL
);

-- name: rulings
SELECT id, parts, created_at, actor FROM leadfold_rulings
WHERE tenant = :own ORDER BY created_at IS NULL, created_at, id;

-- name: runs
SELECT id, action, mode, actor, created_by, at, policy, versions, status, stats, extra, {counted}
FROM leadfold_runs AS run
WHERE tenant = :own AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
AND (:action IS NULL OR action = :action) AND (:status IS NULL OR status = :status)
ORDER BY sequence DESC LIMIT :limit;

-- name: counted
CASE status WHEN 'open' THEN (
    SELECT json_group_array(json_array(table_name, action, kept, entries))
    FROM (
        SELECT table_name, action, after IS NOT NULL AS kept, count(*) AS entries
        FROM leadfold_ledger AS entry WHERE entry.run = run.sequence GROUP BY 1, 2, 3
    ) AS each
) END;

-- name: entry_columns
run.id, entry.unit, entry.table_name, entry.row_id, entry.action, entry.before, entry.after,
    entry.reason;

-- name: entries
SELECT {entry_columns}
FROM leadfold_runs AS run
JOIN leadfold_ledger AS entry ON entry.run = run.sequence
WHERE run.tenant = :own AND run.id = :run
ORDER BY entry.unit, entry.sequence;

-- name: later
WITH this AS (
    SELECT sequence FROM leadfold_runs WHERE tenant = :own AND id = :run
),
touched AS (
    SELECT entry.table_name, entry.row_id, min(entry.sequence) AS first
    FROM this CROSS JOIN leadfold_ledger AS entry ON entry.run = this.sequence
    GROUP BY entry.table_name, entry.row_id
)
SELECT {entry_columns}
FROM touched
CROSS JOIN leadfold_ledger AS entry
    ON entry.table_name = touched.table_name AND entry.row_id = touched.row_id
CROSS JOIN leadfold_runs AS run ON run.sequence = entry.run
WHERE run.tenant = :own AND entry.run <> (SELECT sequence FROM this) AND entry.sequence > touched.first
ORDER BY entry.sequence;

-- name: history
SELECT {entry_columns}
FROM leadfold_ledger AS entry
JOIN leadfold_runs AS run ON run.sequence = entry.run
WHERE run.tenant = :own AND entry.sequence IN (
    SELECT sequence FROM leadfold_ledger WHERE table_name = :table AND row_id = :row
    UNION
    SELECT sequence FROM leadfold_ledger
    WHERE :table = 'Customer' AND action IN ('link', 'follow', 'retire', 'restore')
    AND json_quote(:row) IN (before, after)
)
ORDER BY entry.sequence;

-- name: linked
SELECT CAST(row.{lead.id} AS TEXT) FROM {leads} AS row
WHERE row.{lead.customer_id} IS NOT NULL AND {lead_chosen};

-- name: unexplained
SELECT CAST(row.{lead.id} AS TEXT)
FROM {leads} AS row
WHERE row.{lead.customer_id} IS NOT NULL
AND json_quote(CAST(row.{lead.customer_id} AS TEXT)) IS NOT (
    SELECT entry.after
    FROM leadfold_ledger AS entry
    JOIN leadfold_runs AS run ON run.sequence = entry.run
    WHERE entry.table_name = 'Lead' AND entry.row_id = CAST(row.{lead.id} AS TEXT)
    AND run.tenant = :own
    ORDER BY entry.sequence DESC LIMIT 1
) AND {lead_chosen};

-- name: links
SELECT CAST(row.{pointing.id} AS TEXT), CAST(row.{pointing.customer_id} AS TEXT), {pointing_lead}
FROM {pointing.table} AS row
WHERE {pointing_row} IN (SELECT CAST(value AS TEXT) FROM json_each(:ids)) AND {pointing_mine};

-- name: pointing_at
SELECT CAST(row.{pointing.id} AS TEXT), CAST(row.{pointing.customer_id} AS TEXT), {pointing_lead}
FROM {pointing.table} AS row
WHERE {pointing_target} IN (SELECT CAST(value AS TEXT) FROM json_each(:ids))
AND {customer_mine};

-- name: lead_mine
row.{lead.tenant} IS :tenant;

-- name: customer_mine
NOT EXISTS (
    SELECT 1 FROM {customer.table} AS other
    WHERE other.{customer.id} = row.{pointing.customer_id}
    AND other.{customer.tenant} IS NOT :tenant
);

-- name: audited_script
SELECT CAST(row.{audit.payload} AS BLOB) FROM {audit.table} AS row
WHERE row.{audit.id} = CAST(:run AS TEXT);

-- name: user_audited
SELECT CAST({audit.action} AS TEXT), count(*) FROM {audit.table} GROUP BY 1;

-- name: own_audited
SELECT action, count(*) FROM leadfold_audit WHERE tenant = :own GROUP BY action;

-- name: columns
SELECT owner.name, info.name, info.type, info."notnull", info.dflt_value, info.hidden
FROM sqlite_master AS owner JOIN pragma_table_xinfo(owner.name) AS info
WHERE owner.type IN ('table', 'view')
AND lower(owner.name) IN (SELECT value FROM json_each(:tables));

-- name: unique_columns
SELECT lower(owner.name), min(info.name), each.partial, made.sql
FROM sqlite_master AS owner
JOIN pragma_index_list(owner.name) AS each
JOIN pragma_index_info(each.name) AS info
LEFT JOIN sqlite_master AS made ON made.type = 'index' AND made.name = each.name
WHERE owner.type = 'table' AND each."unique" AND lower(owner.name) = lower(:table)
GROUP BY each.name HAVING count(*) = 1;

-- name: definition
SELECT name, sql FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(:table);

-- name: foreign_keys
SELECT owner.name, link."from"
FROM sqlite_master AS owner JOIN pragma_foreign_key_list(owner.name) AS link
WHERE owner.type = 'table' AND lower(link."table") = lower(:table)
ORDER BY owner.name, link."from";
