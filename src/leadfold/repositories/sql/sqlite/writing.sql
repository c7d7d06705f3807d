-- What a commit runs. Each statement is set-based: it takes a whole staged batch at once.
-- CROSS JOIN keeps SQLite to the order written: from the few staged rows to the many stored ones.
-- Names in braces are quoted tables and columns, or pieces that shapes.py makes.

-- name: opening
SELECT run.sequence, state.clock + 1, state.erased_at, state.fingerprint,
    (SELECT coalesce(max(entry.unit), -1) + 1 FROM leadfold_ledger AS entry WHERE entry.run = run.sequence),
    run.id, action, mode, actor, created_by, at, policy, versions, status, stats, extra
FROM (
    SELECT coalesce(max(clock), 0) AS clock, coalesce(max(erased_at), 0) AS erased_at,
        max(fingerprint) AS fingerprint
    FROM leadfold_index_state WHERE tenant = :own
) AS state
LEFT JOIN leadfold_runs AS run ON run.tenant = :own AND run.id = :id;

-- name: end_run
UPDATE leadfold_runs SET status = :status, stats = :stats, extra = :extra WHERE tenant = :own AND id = :id;

-- name: open_run
INSERT INTO leadfold_runs
    (tenant, id, action, mode, actor, created_by, at, policy, versions, status)
VALUES (:own, :id, :action, :mode, :actor, :created_by, :at, :policy, :versions, :status);

-- name: close_run
UPDATE leadfold_runs SET status = :status, stats = :stats, extra = :extra WHERE sequence = :run;

-- name: own_audit
INSERT INTO leadfold_audit (tenant, actor, action, payload, created_at)
VALUES (:own, :actor, :action, :payload, :at);

-- name: user_audit
INSERT INTO {audit.table} ({audit_columns}) VALUES ({audit_values});

-- name: note_index_state
INSERT INTO leadfold_index_state (tenant, fingerprint, clock, erased_at)
VALUES (:own, :policy, :now, :erased_at)
ON CONFLICT (tenant) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    clock = max(clock, excluded.clock),
    erased_at = max(erased_at, excluded.erased_at)
WHERE clock < excluded.clock OR fingerprint <> excluded.fingerprint;

-- name: misfit_leads
SELECT stage.unit, 'lead', stage.id
FROM temp.leadfold_stage_lead AS stage
WHERE NOT EXISTS (
    SELECT 1 FROM {leads} AS row
    WHERE row.{lead.id} = stage.id AND {lead_version} IS stage.version
);

-- name: misfit_links
SELECT stage.unit, 'lead', stage.id
FROM temp.leadfold_stage_link AS stage
WHERE NOT EXISTS (
    SELECT 1 FROM {tenant_leads} AS row
    WHERE row.{lead.id} = stage.id AND CAST(row.{lead.customer_id} AS TEXT) IS stage.before
);

-- name: misfit_customers
SELECT stage.unit, 'customer', stage.id
FROM temp.leadfold_stage_customer AS stage
WHERE NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = stage.id AND {customer_version} IS stage.version
);

-- name: misfit_holders
SELECT stage.unit, 'claim', ''
FROM temp.leadfold_stage_holder AS stage
CROSS JOIN leadfold_identity AS identity
    ON identity.tenant = :own AND identity.kind = stage.kind AND identity.value = stage.value
WHERE {claimed_later};

-- name: misfit_lead_records
SELECT stage.unit, 'claim', ''
FROM temp.leadfold_stage_lead AS stage
CROSS JOIN leadfold_records AS record ON record.tenant = :own AND record.record_id = stage.id
CROSS JOIN leadfold_holders AS holder ON holder.record = record.id
CROSS JOIN leadfold_identity AS identity ON identity.id = holder.identity
WHERE {claimed_later};

-- name: misfit_customer_records
SELECT stage.unit, 'claim', ''
FROM temp.leadfold_stage_customer AS stage
CROSS JOIN leadfold_records AS record
    ON record.tenant = :own AND record.record_id = 'customer:' || stage.id
CROSS JOIN leadfold_holders AS holder ON holder.record = record.id
CROSS JOIN leadfold_identity AS identity ON identity.id = holder.identity
WHERE {claimed_later};

-- name: claimed_later
identity.version > :claims_at AND identity.version NOT IN (SELECT value FROM json_each(:own_clocks));

-- name: misfit_erased
SELECT stage.unit, 'claim', ''
FROM temp.leadfold_stage_holder AS stage
WHERE :erased_at > :claims_at AND NOT EXISTS (
    SELECT 1 FROM leadfold_identity AS identity
    WHERE identity.tenant = :own AND identity.kind = stage.kind AND identity.value = stage.value
);

-- name: misfit_keys
SELECT stage.unit, 'customer', stage.id
FROM temp.leadfold_stage_key AS stage
WHERE NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = stage.id
    AND CASE WHEN {metadata_is_object}
        THEN json_type(row.{customer.metadata}, stage.path) IS json_type(stage.before)
            AND json_extract(row.{customer.metadata}, stage.path) IS json_extract(stage.before, '$')
        ELSE stage.before IS NULL
    END
);

-- name: misfit_patches
SELECT stage.unit, 'broken', stage.id
FROM temp.leadfold_stage_patch AS stage
CROSS JOIN {customers} AS row ON row.{customer.id} = stage.id
WHERE row.{customer.metadata} IS NOT NULL AND NOT {metadata_is_object};

-- name: metadata_is_object
CASE WHEN typeof(row.{customer.metadata}) = 'text' AND json_valid(row.{customer.metadata})
    THEN json_type(row.{customer.metadata}) = 'object' ELSE 0
END;

-- name: insert_customers
INSERT INTO {customer.table} ({insert_columns})
SELECT {insert_values} FROM temp.leadfold_stage_insert ORDER BY rowid;

-- name: log_inserts
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, after)
SELECT :run, unit, 'Customer', id, 'insert',
    CASE WHEN sources IS NULL THEN row ELSE json_set(row, '$.sources', json(sources)) END
FROM (
    SELECT rowid AS position, unit, id, sources, json_object(
        'name', name, 'phone', phone, 'email', email, 'metadata', json(metadata),
        'created_at', coalesce(created_at, :at)
    ) AS row
    FROM temp.leadfold_stage_insert
)
ORDER BY position;

-- name: patch_customers
UPDATE {customer.table} AS target SET {customer.metadata} = patched.metadata
FROM (
    WITH RECURSIVE folded (id, position, metadata) AS (
        SELECT stage.id, 0, coalesce(row.{customer.metadata}, '{}')
        FROM temp.leadfold_stage_patch AS stage
        CROSS JOIN {customer.table} AS row ON row.{customer.id} = stage.id
        UNION ALL
        SELECT folded.id, stage.position, CASE
            WHEN stage.after IS NULL THEN json_remove(folded.metadata, stage.path)
            ELSE json_set(folded.metadata, stage.path, json(stage.after))
        END
        FROM folded
        CROSS JOIN temp.leadfold_stage_key AS stage
            ON stage.id = folded.id AND stage.position = folded.position + 1
    )
    SELECT folded.id, folded.metadata
    FROM folded
    CROSS JOIN temp.leadfold_stage_patch AS stage
        ON stage.id = folded.id AND stage.keys = folded.position
) AS patched
WHERE target.{customer.id} = patched.id;

-- name: log_patches
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, unit, 'Customer', id, 'patch', before, after
FROM temp.leadfold_stage_patch ORDER BY rowid;

-- name: link_leads
UPDATE {lead.table} AS target SET {lead.customer_id} = stage.after
FROM temp.leadfold_stage_link AS stage
WHERE target.{lead.id} = stage.id;

-- name: log_links
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after, reason)
SELECT :run, unit, 'Lead', id, 'link',
    CASE WHEN before IS NOT NULL THEN json_quote(before) END,
    CASE WHEN after IS NOT NULL THEN json_quote(after) END,
    reason
FROM temp.leadfold_stage_link ORDER BY rowid;

-- name: log_awaits
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after, reason)
SELECT :run, unit, 'Lead', id, 'link',
    CASE WHEN before IS NOT NULL THEN json_quote(before) END, json_quote(after), reason
FROM temp.leadfold_stage_await ORDER BY rowid;

-- name: await_leads
INSERT INTO leadfold_awaited (tenant, record_id, customer_id, until)
SELECT :own, id, after, until FROM temp.leadfold_stage_await WHERE 1
ON CONFLICT (tenant, record_id) DO UPDATE SET customer_id = excluded.customer_id, until = excluded.until;

-- name: await_no_more
DELETE FROM leadfold_awaited WHERE tenant = :own AND until < :at;

-- name: log_follows
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, stage.unit, :dependent, CAST(row.{dependent.id} AS TEXT), 'follow',
    CASE WHEN stage.before IS NOT NULL THEN json_quote(stage.before) END,
    json_quote(stage.customer_id)
FROM temp.leadfold_stage_follow AS stage
CROSS JOIN {dependent.table} AS row ON {dependent_lead} = stage.lead_id
WHERE stage.dependent = :dependent
AND CAST(row.{dependent.customer_id} AS TEXT) IS stage.before AND {dependent_mine};

-- name: follow_leads
UPDATE {dependent.table} AS row SET {dependent.customer_id} = stage.customer_id
FROM temp.leadfold_stage_follow AS stage
WHERE stage.dependent = :dependent
AND {dependent_lead} = stage.lead_id
AND CAST(row.{dependent.customer_id} AS TEXT) IS stage.before AND {dependent_mine};

-- name: index_records
INSERT OR IGNORE INTO leadfold_records (tenant, record_id)
SELECT :own, record_id FROM temp.leadfold_stage_record;

-- name: index_lost
INSERT INTO temp.leadfold_stage_lost (record, identity)
SELECT holder.record, holder.identity
FROM temp.leadfold_stage_record AS stage
CROSS JOIN leadfold_records AS record
    ON record.tenant = :own AND record.record_id = stage.record_id
CROSS JOIN leadfold_holders AS holder ON holder.record = record.id
CROSS JOIN leadfold_identity AS identity ON identity.id = holder.identity
WHERE NOT EXISTS (
    SELECT 1 FROM temp.leadfold_stage_holder AS kept
    WHERE kept.record_id = stage.record_id
    AND kept.kind = identity.kind AND kept.value = identity.value
);

-- name: index_claims
INSERT OR IGNORE INTO leadfold_identity (tenant, kind, value, version)
SELECT DISTINCT :own, kind, value, :clock FROM temp.leadfold_stage_holder;

-- name: index_gained
INSERT INTO temp.leadfold_stage_gained (record, identity)
SELECT record.id, identity.id
FROM temp.leadfold_stage_holder AS stage
CROSS JOIN leadfold_records AS record
    ON record.tenant = :own AND record.record_id = stage.record_id
CROSS JOIN leadfold_identity AS identity
    ON identity.tenant = :own AND identity.kind = stage.kind AND identity.value = stage.value
WHERE NOT EXISTS (
    SELECT 1 FROM leadfold_holders AS holder
    WHERE holder.record = record.id AND holder.identity = identity.id
);

-- name: index_release
DELETE FROM leadfold_holders
WHERE (record, identity) IN (SELECT record, identity FROM temp.leadfold_stage_lost);

-- name: index_hold
INSERT INTO leadfold_holders (record, identity)
SELECT record, identity FROM temp.leadfold_stage_gained ORDER BY record, identity;

-- name: index_versions
-- Of all that a record holds that changed, for one without a row has no other version; of all that a lead holds
-- which is another customer's now, for so many customers make a value generic, and who leaves it out looks no further.
UPDATE leadfold_identity SET version = :clock
WHERE version <> :clock AND id IN (
    SELECT identity FROM temp.leadfold_stage_lost
    UNION SELECT identity FROM leadfold_holders WHERE record IN (
        SELECT record FROM temp.leadfold_stage_lost
        UNION SELECT record FROM temp.leadfold_stage_gained
        UNION SELECT record.id
        FROM temp.leadfold_stage_moved AS stage
        CROSS JOIN leadfold_records AS record ON record.tenant = :own AND record.record_id = stage.id
    )
);

-- name: index_forget
DELETE FROM leadfold_identity
WHERE id IN (SELECT identity FROM temp.leadfold_stage_lost)
AND NOT EXISTS (
    SELECT 1 FROM leadfold_holders AS holder WHERE holder.identity = leadfold_identity.id
);
