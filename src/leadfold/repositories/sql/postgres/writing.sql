-- What a commit runs. Each statement is set-based: it takes all units staged between two positions.
-- Names in braces are quoted tables and columns, or pieces that shapes.py makes.

-- name: lock
SELECT pg_advisory_xact_lock(key)
FROM unnest(%(locks)s::bigint[]) WITH ORDINALITY AS told (key, place) ORDER BY place;

-- name: copy
COPY pg_temp.leadfold_stage FROM STDIN (NULL {null});

-- name: open_run
WITH opened AS (
    INSERT INTO {own}.runs
        (tenant, id, action, mode, actor, created_by, at, policy, versions, status)
    VALUES (%(whose)s, %(id)s, %(action)s, %(mode)s, %(actor)s, %(created_by)s, %(at)s, %(policy)s,
        %(versions)s, %(status)s)
    ON CONFLICT (tenant, id) DO NOTHING
    RETURNING sequence
)
SELECT
    coalesce(found.sequence, (SELECT sequence FROM opened)),
    coalesce(state.clock, 0) + 1,
    coalesce(state.erased_at, 0),
    state.fingerprint,
    migration.last,
    found.id, found.action, found.mode, found.actor, found.created_by, found.at AT TIME ZONE 'UTC',
    found.policy, found.versions, found.status, found.stats, found.extra
FROM (SELECT coalesce(max(number), 0) AS last FROM {own}.migrations) AS migration
LEFT JOIN {own}.index_state AS state ON state.tenant = %(whose)s
LEFT JOIN {own}.runs AS found ON found.tenant = %(whose)s AND found.id = %(id)s;

-- name: end_run
UPDATE {own}.runs SET status = 'stopped'
WHERE tenant = %(whose)s AND id = %(id)s AND status = 'unfinished' AND extra = %(extra)s;

-- name: close_run
WITH closed AS (
    UPDATE {own}.runs SET status = %(status)s, stats = %(stats)s, extra = %(extra)s
    WHERE sequence = %(run)s
),
audited AS (
    {audit_entry}
)
INSERT INTO {own}.index_state AS state (tenant, fingerprint, clock, erased_at)
SELECT %(whose)s, %(policy)s::text, %(now)s::bigint, %(erased_at)s::bigint
WHERE %(marked)s::boolean
ON CONFLICT (tenant) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    clock = greatest(state.clock, excluded.clock),
    erased_at = greatest(state.erased_at, excluded.erased_at);

-- name: no_audit
SELECT 1;

-- name: own_audit
INSERT INTO {own}.audit (tenant, actor, action, payload, created_at)
VALUES (%(whose)s, %(actor)s::text, %(action)s::text, %(payload)s::jsonb, %(at)s::timestamptz);

-- name: user_audit
INSERT INTO {audit.table} ({audit_columns}) VALUES ({audit_values});

-- name: hold_leads
SELECT count(*) FROM (
    SELECT 1 FROM {lead.table} AS row
    JOIN pg_temp.leadfold_stage AS stage ON row.{lead.id} = {staged_lead}
    WHERE stage.part = 'lead' AND {here}
    FOR SHARE OF row
) AS held;

-- name: hold_customers
SELECT count(*) FROM (
    SELECT 1 FROM {customer.table} AS row
    JOIN pg_temp.leadfold_stage AS stage ON row.{customer.id} = {staged_customer}
    WHERE stage.part = 'customer' AND {here}
    FOR SHARE OF row
) AS held;

-- name: misfits
SELECT stage.position, 'lead', stage.id
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'lead' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {leads} AS row
    WHERE row.{lead.id} = {staged_lead} AND {lead_version} = stage.version
)
UNION ALL
SELECT stage.position, 'customer', stage.id
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'customer' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = {staged_customer} AND {customer_version} = stage.version
)
UNION ALL
SELECT max(stage.position), 'again', ''
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'follow' AND {here}
GROUP BY stage.name, stage.id, stage.before HAVING count(*) > 1
{patch_misfits}
{claim_misfits}
{link_misfits}
{further_misfits};

-- name: link_misfits
UNION ALL
SELECT stage.position, 'lead', stage.id
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'link' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {tenant_leads} AS row
    WHERE row.{lead.id} = {staged_lead} AND row.{lead.customer_id}::text IS NOT DISTINCT FROM stage.before
)
UNION ALL
SELECT stage.position, 'lead', stage.id
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'link' AND stage.version IS NOT NULL AND {here} AND NOT EXISTS (
    SELECT 1 FROM {leads} AS row
    WHERE row.{lead.id} = {staged_lead} AND {lead_version} = stage.version
);

-- name: claim_misfits
UNION ALL
SELECT stage.position, 'claim', ''
FROM pg_temp.leadfold_stage AS stage
JOIN {own}.identity AS identity
    ON identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
WHERE stage.part = 'holder' AND {here}
AND identity.version > %(claims_at)s AND identity.version <> ALL (%(own_clocks)s::bigint[])
UNION ALL
SELECT stage.position, 'claim', ''
FROM pg_temp.leadfold_stage AS stage
JOIN {own}.records AS record
    ON record.tenant = %(whose)s
    AND record.record_id = CASE stage.part WHEN 'customer' THEN 'customer:' || stage.id ELSE stage.id END
CROSS JOIN LATERAL json_array_elements(record.identifiers::json) AS pair
JOIN {own}.identity AS identity
    ON identity.tenant = %(whose)s AND identity.kind = pair ->> 0 AND identity.value = pair ->> 1
WHERE stage.part IN ('lead', 'customer', 'link') AND stage.version IS NOT NULL AND {here}
AND identity.version > %(claims_at)s AND identity.version <> ALL (%(own_clocks)s::bigint[])
UNION ALL
SELECT stage.position, 'claim', ''
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'holder' AND {here} AND %(erased_at)s::bigint > %(claims_at)s::bigint AND NOT EXISTS (
    SELECT 1 FROM {own}.identity AS identity
    WHERE identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
);

-- name: patch_misfits
UNION ALL
SELECT stage.position, 'customer', stage.id
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'patch' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = {staged_customer} AND NOT EXISTS (
        SELECT 1 FROM jsonb_object_keys(stage.before::jsonb || stage.after::jsonb) AS key
        WHERE row.{customer.metadata}::jsonb -> key IS DISTINCT FROM stage.before::jsonb -> key
    )
)
UNION ALL
SELECT stage.position, 'broken', stage.id
FROM pg_temp.leadfold_stage AS stage
JOIN {customers} AS row ON row.{customer.id} = {staged_customer}
WHERE stage.part = 'patch' AND {here} AND jsonb_typeof(row.{customer.metadata}::jsonb) <> 'object';

-- name: insert_customers
INSERT INTO {customer.table} ({insert_columns})
SELECT {insert_values}
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'insert' AND {here};

-- name: patch_customers
UPDATE {customer.table} AS row SET {customer.metadata} = CAST(
    (coalesce(row.{customer.metadata}::jsonb, '{}'::jsonb)
        - ARRAY(SELECT jsonb_object_keys(stage.before::jsonb))) || stage.after::jsonb
    AS {customer.metadata_type})
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'patch' AND {here} AND row.{customer.id} = {staged_customer} AND {customer_owned};

-- name: link_leads
UPDATE {lead.table} AS row SET {lead.customer_id} = CAST(stage.after AS {lead.customer_type})
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part = 'link' AND {here} AND row.{lead.id} = {staged_lead}
AND row.{lead.customer_id}::text IS NOT DISTINCT FROM stage.before
AND (stage.version IS NULL OR stage.version = {lead_version}) AND {lead_owned} {lead_taking_part};

-- name: lead_taking_part
AND (stage.version IS NULL OR EXISTS (SELECT 1 FROM {leads} AS each WHERE each.{lead.id} = row.{lead.id}));

-- name: log
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after, reason)
SELECT %(run)s, stage.unit,
    CASE stage.part WHEN 'link' THEN 'Lead' WHEN 'rule' THEN 'Ruling' ELSE 'Customer' END,
    stage.id, stage.part,
    CASE WHEN stage.part IN ('link', 'restore') THEN to_json(stage.before)::text
        WHEN stage.part <> 'insert' THEN stage.before END,
    CASE stage.part WHEN 'link' THEN to_json(stage.after)::text WHEN 'insert' THEN {inserted} ELSE stage.after END,
    CASE stage.part WHEN 'link' THEN stage.reason ELSE '' END
FROM pg_temp.leadfold_stage AS stage
WHERE stage.part IN ('insert', 'link', 'patch', 'restore', 'rule') AND {here};

-- name: inserted
'{"name":' || coalesce(to_json(stage.shown_name)::text, 'null')
    || ',"phone":' || coalesce(to_json(stage.shown_phone)::text, 'null')
    || ',"email":' || coalesce(to_json(stage.shown_email)::text, 'null')
    || ',"metadata":' || coalesce(stage.after, 'null')
    || ',"created_at":' || coalesce(to_json(stage.reason)::text, 'null')
    || coalesce(',"sources":' || stage.before, '') || '}';

-- name: follow_leads
WITH moved AS (
    UPDATE {dependent.table} AS row
    SET {dependent.customer_id} = CAST(stage.after AS {dependent.customer_type})
    FROM pg_temp.leadfold_stage AS stage
    WHERE stage.part = 'follow' AND stage.name = %(name)s AND {here}
    AND row.{dependent.lead_id} = CAST(stage.id AS {dependent.lead_type})
    AND row.{dependent.customer_id}::text IS NOT DISTINCT FROM stage.before AND {dependent_mine}
    RETURNING stage.unit, row.{dependent.id}::text AS id, stage.before, stage.after
)
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after)
SELECT %(run)s, unit, %(name)s, id, 'follow', to_json(before)::text, to_json(after)::text FROM moved;

-- name: reindex
WITH changed AS MATERIALIZED (
    SELECT stage.id, stage.after, record.identifiers AS held
    FROM pg_temp.leadfold_stage AS stage
    LEFT JOIN {own}.records AS record ON record.tenant = %(whose)s AND record.record_id = stage.id
    WHERE stage.part = 'record' AND {here} AND record.identifiers IS DISTINCT FROM stage.after
),
seen AS (
    INSERT INTO {own}.records (tenant, record_id, identifiers)
    SELECT %(whose)s, id, after FROM changed
    ON CONFLICT (tenant, record_id) DO UPDATE SET identifiers = excluded.identifiers
),
lost AS (
    DELETE FROM {own}.holders AS holder
    USING (
        SELECT changed.id, pair ->> 0 AS kind, pair ->> 1 AS value
        FROM changed CROSS JOIN LATERAL json_array_elements(changed.held::json) AS pair
        WHERE changed.held IS NOT NULL
    ) AS old
    WHERE holder.tenant = %(whose)s AND holder.kind = old.kind AND holder.value = old.value
    AND holder.record_id = old.id AND NOT EXISTS (
        SELECT 1 FROM pg_temp.leadfold_stage AS stage
        WHERE stage.part = 'holder' AND {here}
        AND stage.id = old.id AND stage.name = old.kind AND stage.after = old.value
    )
    RETURNING holder.kind, holder.value
),
gained AS (
    INSERT INTO {own}.holders (tenant, kind, value, record_id)
    SELECT %(whose)s, stage.name, stage.after, stage.id
    FROM pg_temp.leadfold_stage AS stage
    JOIN changed ON changed.id = stage.id
    WHERE stage.part = 'holder' AND {here}
    ORDER BY stage.name, stage.after
    ON CONFLICT DO NOTHING
    RETURNING kind, value
),
noted AS (
    INSERT INTO pg_temp.leadfold_stage (position, unit, part, name, after)
    SELECT %(low)s::integer, 0, 'lost', kind, value FROM lost
),
claimed AS (
    INSERT INTO {own}.identity (tenant, kind, value, version)
    SELECT %(whose)s, kind, value, %(clock)s
    FROM (SELECT kind, value FROM gained UNION SELECT kind, value FROM lost) AS touched
    ORDER BY kind, value
    ON CONFLICT (tenant, kind, value) DO UPDATE SET version = excluded.version
)
SELECT (SELECT count(*) FROM gained), (SELECT count(*) FROM lost);

-- name: index_first
-- What reindex comes to where no value was ever claimed: a record may be there, but holds nothing.
WITH seen AS (
    INSERT INTO {own}.records (tenant, record_id, identifiers)
    SELECT %(whose)s, stage.id, stage.after
    FROM pg_temp.leadfold_stage AS stage
    WHERE stage.part = 'record' AND {here} AND NOT EXISTS (
        SELECT 1 FROM {own}.records AS record WHERE record.tenant = %(whose)s AND record.record_id = stage.id
    )
    ORDER BY stage.id COLLATE "C"
),
again AS (
    UPDATE {own}.records AS record SET identifiers = stage.after
    FROM pg_temp.leadfold_stage AS stage
    WHERE stage.part = 'record' AND {here} AND record.tenant = %(whose)s AND record.record_id = stage.id
),
held AS MATERIALIZED ( -- sorted once, for two tables
    SELECT stage.name AS kind, stage.after AS value, stage.id, row_number() OVER (
        PARTITION BY stage.name COLLATE "C", stage.after COLLATE "C" ORDER BY stage.id COLLATE "C"
    ) AS place
    FROM pg_temp.leadfold_stage AS stage
    WHERE stage.part = 'holder' AND {here}
),
gained AS (
    INSERT INTO {own}.holders (tenant, kind, value, record_id)
    SELECT %(whose)s, kind, value, id FROM held
),
claimed AS (
    INSERT INTO {own}.identity (tenant, kind, value, version)
    SELECT %(whose)s, kind, value, %(clock)s FROM held WHERE place = 1
)
SELECT count(*), 0 FROM held;

-- name: index_forget
DELETE FROM {own}.identity AS identity
USING pg_temp.leadfold_stage AS stage
WHERE stage.part = 'lost' AND {here}
AND identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
AND NOT EXISTS (
    SELECT 1 FROM {own}.holders AS holder
    WHERE holder.tenant = identity.tenant AND holder.kind = identity.kind AND holder.value = identity.value
);

-- name: counts
SELECT stage.part, stage.name, count(*)
FROM pg_temp.leadfold_stage AS stage
WHERE {here}
GROUP BY 1, 2;

-- name: described
SELECT stage.position, stage.unit, stage.part, stage.id, stage.name, stage.before, stage.after
FROM pg_temp.leadfold_stage AS stage
WHERE stage.position = ANY (%(positions)s::integer[])
AND stage.part IN ('lead', 'customer', 'link', 'insert', 'relink', 'retire', 'restore', 'rule')
ORDER BY stage.position, stage.part, stage.id;

-- name: leave_out
DELETE FROM pg_temp.leadfold_stage AS stage WHERE stage.position = ANY (%(positions)s::integer[]);
