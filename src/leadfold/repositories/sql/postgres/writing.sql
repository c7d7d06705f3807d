-- What a commit runs. Each statement is set-based: it takes all units staged between two positions.
-- Names in braces are quoted tables and columns, or pieces that shapes.py makes.

-- name: lock
SELECT pg_advisory_xact_lock(key)
FROM unnest(%(locks)s::bigint[]) WITH ORDINALITY AS told (key, place) ORDER BY place;

-- name: lock_shared
SELECT pg_advisory_xact_lock_shared(%(key)s);

-- name: bound_stage
(SELECT position, (%(numbers)s::integer[])[position + 1] AS unit, part, id, name, before, after, reason, version,
    shown_name, shown_phone, shown_email
FROM json_to_recordset(%(stage)s::json) AS bound (
    position integer, part text, id text, name text, before text, after text, reason text, version bigint,
    shown_name text, shown_phone text, shown_email text
));

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
    {own_version},
    {mark},
    EXISTS (SELECT 1 FROM {own}.identity AS identity WHERE identity.tenant = %(whose)s),
    state.fingerprint,
    migration.last,
    found.id, found.action, found.mode, found.actor, found.created_by, found.at AT TIME ZONE 'UTC',
    found.policy, found.versions, found.status, found.stats, found.extra
FROM (SELECT coalesce(max(number), 0) AS last FROM {own}.migrations) AS migration
LEFT JOIN {own}.index_state AS state ON state.tenant = %(whose)s
LEFT JOIN {own}.runs AS found ON found.tenant = %(whose)s AND found.id = %(id)s;

-- name: unit_numbers
SELECT nextval({unit_numbers}) FROM generate_series(1, %(units)s);

-- name: open_state
-- What a decision is told beside its misfits, in their shape: the run is that which it may be part of.
SELECT 0, 'state', row_to_json(ROW(
    (SELECT coalesce(max(number), 0) FROM {own}.migrations),
    (SELECT state.fingerprint FROM {own}.index_state AS state WHERE state.tenant = %(whose)s),
    ARRAY(SELECT nextval({unit_numbers}) FROM generate_series(1, %(units)s)),
    {run_columns}
))::text
FROM (SELECT 1) AS one
LEFT JOIN {own}.runs AS found ON found.tenant = %(whose)s AND found.id = %(id)s;

-- name: known_run
SELECT {run_columns} FROM {own}.runs AS found WHERE found.tenant = %(whose)s AND found.id = %(id)s;

-- name: run_columns
found.sequence, found.id, found.action, found.mode, found.actor, found.created_by, found.at AT TIME ZONE 'UTC',
    found.policy, found.versions, found.status, found.stats, found.extra;

-- name: begin_run
INSERT INTO {own}.runs (tenant, id, action, mode, actor, created_by, at, policy, versions, status)
VALUES (%(whose)s, %(id)s, %(action)s, %(mode)s, %(actor)s, %(created_by)s, %(at)s, %(policy)s,
    %(versions)s, %(status)s)
ON CONFLICT (tenant, id) DO NOTHING;

-- name: claim
-- A row for every value that is to be held or that the decision rests on, locked in the order of values: who has
-- one of them waits here and nowhere else. Nothing is written to a row that is there.
INSERT INTO {own}.identity AS identity (tenant, kind, value, version)
SELECT %(whose)s, kind, value, {own_version}
FROM (
    SELECT stage.name AS kind, stage.after AS value FROM {stage} AS stage WHERE stage.part = 'holder'
    UNION
    SELECT pair ->> 0, pair ->> 1
    FROM {stage} AS stage
    JOIN {own}.records AS record ON record.tenant = %(whose)s
        AND record.record_id = CASE stage.part WHEN 'customer' THEN 'customer:' || stage.id ELSE stage.id END
    CROSS JOIN LATERAL json_array_elements(record.identifiers::json) AS pair
    WHERE stage.part IN ('lead', 'customer', 'link', 'record')
) AS wanted
ORDER BY kind, value
ON CONFLICT (tenant, kind, value) DO UPDATE SET version = identity.version WHERE false;

-- name: hold_leads_to_write
SELECT count(*) FROM (
    SELECT 1 FROM {lead.table} AS row
    JOIN {stage} AS stage ON row.{lead.id} = {staged_lead}
    WHERE stage.part IN ('lead', 'link') ORDER BY row.{lead.id} FOR NO KEY UPDATE OF row
) AS held;

-- name: hold_customers_to_write
SELECT count(*) FROM (
    SELECT 1 FROM {customer.table} AS row
    JOIN {stage} AS stage ON row.{customer.id} = {staged_customer}
    WHERE stage.part IN ('customer', 'patch', 'retire') ORDER BY row.{customer.id} FOR NO KEY UPDATE OF row
) AS held;

-- name: end_run
UPDATE {own}.runs SET status = %(status)s, stats = %(stats)s, extra = %(extra)s
WHERE tenant = %(whose)s AND id = %(id)s;

-- name: close_run
WITH closed AS (
    UPDATE {own}.runs SET status = %(status)s, stats = %(stats)s, extra = %(extra)s
    WHERE sequence = %(run)s
),
audited AS (
    {audit_entry}
)
INSERT INTO {own}.index_state AS state (tenant, fingerprint, erased_at)
SELECT %(whose)s, %(policy)s::text, %(erased_at)s::bigint
WHERE %(marked)s::boolean
ON CONFLICT (tenant) DO UPDATE SET
    fingerprint = excluded.fingerprint,
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
    JOIN {stage} AS stage ON row.{lead.id} = {staged_lead}
    WHERE stage.part = 'lead' AND {here}
    FOR SHARE OF row
) AS held;

-- name: hold_customers
SELECT count(*) FROM (
    SELECT 1 FROM {customer.table} AS row
    JOIN {stage} AS stage ON row.{customer.id} = {staged_customer}
    WHERE stage.part = 'customer' AND {here}
    FOR SHARE OF row
) AS held;

-- name: misfit_leads
SELECT stage.position, 'lead', stage.id
FROM {stage} AS stage
WHERE stage.part = 'lead' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {leads} AS row
    WHERE row.{lead.id} = {staged_lead} AND {lead_version} = stage.version
);

-- name: misfit_customers
SELECT stage.position, 'customer', stage.id
FROM {stage} AS stage
WHERE stage.part = 'customer' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = {staged_customer} AND {customer_version} = stage.version
);

-- name: misfit_follows
SELECT max(stage.position), 'again', ''
FROM {stage} AS stage
WHERE stage.part = 'follow' AND {here}
GROUP BY stage.name, stage.id, stage.before HAVING count(*) > 1;

-- name: misfit_links
SELECT stage.position, 'lead', stage.id
FROM {stage} AS stage
WHERE stage.part = 'link' AND {here} AND (
    NOT EXISTS (
        SELECT 1 FROM {tenant_leads} AS row
        WHERE row.{lead.id} = {staged_lead} AND row.{lead.customer_id}::text IS NOT DISTINCT FROM stage.before
    )
    OR stage.version IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM {leads} AS row
        WHERE row.{lead.id} = {staged_lead} AND {lead_version} = stage.version
    )
);

-- name: own_version
-- What a commit claims with: its transaction, and the how manieth of that it is.
(SELECT (pg_current_xact_id()::text::bigint << 20) + 1 + {own_commits});

-- name: own_commits
coalesce(nullif(split_part(current_setting('leadfold.own', true), '.', 2), ''), '0')::integer;

-- name: own_commit
SELECT set_config('leadfold.own', pg_current_xact_id()::text || '.' || 1 + {own_commits}, true);

-- name: is_later
-- Whether a claim is none of this commit or run, and none that the plan's snapshot sees or its transaction had made.
-- A transaction that has not begun here yet is one of the cluster that the database was restored from; a snapshot
-- from such a future sees nothing.
{version} <> ALL (%(own_clocks)s::bigint[]) AND {version} <> {own_version} AND CASE
    WHEN {version} >> 20 = (SELECT pg_current_xact_id()::text::bigint)
        THEN {version} & 1048575 > CASE {version} >> 20 WHEN %(own_at)s::bigint THEN %(own_seen)s ELSE 0 END
    WHEN pg_snapshot_xmax(%(seen)s::pg_snapshot) > (SELECT pg_snapshot_xmax(pg_current_snapshot())) THEN true
    ELSE {version} >> 20 < (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        AND NOT pg_visible_in_snapshot(({version} >> 20)::text::xid8, %(seen)s::pg_snapshot)
END;

-- name: misfit_holders
SELECT stage.position, 'claim', ''
FROM {stage} AS stage
JOIN {own}.identity AS identity
    ON identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
WHERE stage.part = 'holder' AND {here} AND {claimed_later};

-- name: misfit_records
SELECT stage.position, 'claim', ''
FROM {stage} AS stage
JOIN {own}.records AS record
    ON record.tenant = %(whose)s
    AND record.record_id = CASE stage.part WHEN 'customer' THEN 'customer:' || stage.id ELSE stage.id END
CROSS JOIN LATERAL json_array_elements(record.identifiers::json) AS pair
JOIN {own}.identity AS identity
    ON identity.tenant = %(whose)s AND identity.kind = pair ->> 0 AND identity.value = pair ->> 1
WHERE stage.part IN ('lead', 'customer', 'link') AND stage.version IS NOT NULL AND {here} AND {claimed_later};

-- name: misfit_erased
SELECT stage.position, 'claim', ''
FROM {stage} AS stage
WHERE stage.part = 'holder' AND {here}
AND (SELECT {erased_later} FROM {own}.index_state AS state WHERE state.tenant = %(whose)s) AND NOT EXISTS (
    SELECT 1 FROM {own}.identity AS identity
    WHERE identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
    AND identity.version <> {own_version}
);

-- name: misfit_patches
SELECT stage.position, 'customer', stage.id
FROM {stage} AS stage
WHERE stage.part = 'patch' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row
    WHERE row.{customer.id} = {staged_customer} AND NOT EXISTS (
        SELECT 1 FROM jsonb_object_keys(stage.before::jsonb || stage.after::jsonb) AS key
        WHERE row.{customer.metadata}::jsonb -> key IS DISTINCT FROM stage.before::jsonb -> key
    )
)
UNION ALL
SELECT stage.position, 'broken', stage.id
FROM {stage} AS stage
JOIN {customers} AS row ON row.{customer.id} = {staged_customer}
WHERE stage.part = 'patch' AND {here} AND jsonb_typeof(row.{customer.metadata}::jsonb) <> 'object';

-- name: insert_customers
INSERT INTO {customer.table} ({insert_columns})
SELECT {insert_values}
FROM {stage} AS stage
WHERE stage.part = 'insert' AND {here};

-- name: patch_customers
UPDATE {customer.table} AS row SET {customer.metadata} = CAST(
    (coalesce(row.{customer.metadata}::jsonb, '{}'::jsonb)
        - ARRAY(SELECT jsonb_object_keys(stage.before::jsonb))) || stage.after::jsonb
    AS {customer.metadata_type})
FROM {stage} AS stage
WHERE stage.part = 'patch' AND {here} AND row.{customer.id} = {staged_customer} AND {customer_owned};

-- name: link_leads
UPDATE {lead.table} AS row SET {lead.customer_id} = CAST(stage.after AS {lead.customer_type})
FROM {stage} AS stage
WHERE stage.part = 'link' AND {here} AND row.{lead.id} = {staged_lead}
AND row.{lead.customer_id}::text IS NOT DISTINCT FROM stage.before
AND (stage.version IS NULL OR stage.version = {lead_version}) AND {lead_owned} {lead_taking_part};

-- name: lead_taking_part
AND (stage.version IS NULL OR EXISTS (SELECT 1 FROM {leads} AS each WHERE each.{lead.id} = row.{lead.id}));

-- name: log
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after, reason)
SELECT %(run)s, stage.unit,
    CASE WHEN stage.part IN ('link', 'await') THEN 'Lead' WHEN stage.part = 'rule' THEN 'Ruling' ELSE 'Customer' END,
    stage.id, CASE stage.part WHEN 'await' THEN 'link' ELSE stage.part END,
    CASE WHEN stage.part IN ('link', 'await', 'restore') THEN to_json(stage.before)::text
        WHEN stage.part <> 'insert' THEN stage.before END,
    CASE WHEN stage.part IN ('link', 'await') THEN to_json(stage.after)::text
        WHEN stage.part = 'insert' THEN {inserted} ELSE stage.after END,
    CASE WHEN stage.part IN ('link', 'await') THEN stage.reason ELSE '' END
FROM {stage} AS stage
WHERE stage.part IN ('insert', 'link', 'await', 'patch', 'restore', 'rule') AND {here};

-- name: expire_leads
DELETE FROM {own}.awaited AS gone
WHERE gone.tenant = %(whose)s AND gone.until < %(at)s::timestamptz AND NOT EXISTS (
    SELECT 1 FROM {stage} AS stage
    WHERE stage.part = 'await' AND {here} AND stage.id = gone.record_id
);

-- name: await_leads
INSERT INTO {own}.awaited (tenant, record_id, customer_id, until)
SELECT %(whose)s, stage.id, stage.after, stage.name::timestamptz
FROM {stage} AS stage
WHERE stage.part = 'await' AND {here}
ON CONFLICT (tenant, record_id) DO UPDATE SET customer_id = excluded.customer_id, until = excluded.until;

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
    FROM {stage} AS stage
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
    FROM {stage} AS stage
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
        FROM changed CROSS JOIN LATERAL (
            -- LIMIT takes nothing away: it lets the planner expect ten values a record, not a hundred,
            -- for which it would rather read all holders.
            SELECT * FROM json_array_elements(changed.held::json) AS pair
            LIMIT json_array_length(changed.held::json)
        ) AS each (pair)
        WHERE changed.held IS NOT NULL
    ) AS old
    WHERE holder.tenant = %(whose)s AND holder.kind = old.kind AND holder.value = old.value
    AND holder.record_id = old.id AND NOT EXISTS (
        SELECT 1 FROM {stage} AS stage
        WHERE stage.part = 'holder' AND {here}
        AND stage.id = old.id AND stage.name = old.kind AND stage.after = old.value
    )
    RETURNING holder.kind, holder.value
),
gained AS (
    INSERT INTO {own}.holders (tenant, kind, value, record_id)
    SELECT %(whose)s, stage.name, stage.after, stage.id
    FROM {stage} AS stage
    JOIN changed ON changed.id = stage.id
    WHERE stage.part = 'holder' AND {here}
    ORDER BY stage.name, stage.after
    ON CONFLICT DO NOTHING
    RETURNING kind, value
),
noted AS (
    {note_lost}
),
moved AS (
    SELECT pair ->> 0 AS kind, pair ->> 1 AS value
    FROM {stage} AS stage
    JOIN {own}.records AS record ON record.tenant = %(whose)s AND record.record_id = stage.id
    CROSS JOIN LATERAL json_array_elements(record.identifiers::json) AS pair
    WHERE stage.part IN ('link', 'await') AND stage.before IS NOT NULL AND {here}
),
claimed AS (
    -- All that a record holds that changed, for one without a row has no other version; all that a lead holds which
    -- is another customer's now, for so many customers make a value generic, and who leaves it out looks no further.
    INSERT INTO {own}.identity AS identity (tenant, kind, value, version)
    SELECT %(whose)s, kind, value, {own_version}
    FROM (
        SELECT stage.name AS kind, stage.after AS value
        FROM {stage} AS stage
        JOIN changed ON changed.id = stage.id
        WHERE stage.part = 'holder' AND {here}
        UNION SELECT kind, value FROM lost
        UNION SELECT kind, value FROM moved
    ) AS touched
    ORDER BY kind, value
    ON CONFLICT (tenant, kind, value) DO UPDATE SET version = excluded.version
    WHERE identity.version <> excluded.version
)
SELECT (SELECT count(*) FROM gained) + (SELECT count(*) FROM moved), (SELECT count(*) FROM lost), {lost_values};

-- name: note_lost
INSERT INTO pg_temp.leadfold_stage (position, unit, part, name, after)
SELECT %(low)s::integer, 0, 'lost', kind, value FROM lost;

-- name: lost_values
(SELECT json_agg(json_build_object('position', 0, 'part', 'lost', 'name', kind, 'after', value))::text FROM lost);

-- name: index_first
-- What reindex comes to where no value was ever claimed: a record may be there, but holds nothing.
WITH seen AS (
    INSERT INTO {own}.records (tenant, record_id, identifiers)
    SELECT %(whose)s, stage.id, stage.after
    FROM {stage} AS stage
    WHERE stage.part = 'record' AND {here} AND NOT EXISTS (
        SELECT 1 FROM {own}.records AS record WHERE record.tenant = %(whose)s AND record.record_id = stage.id
    )
    ORDER BY stage.id COLLATE "C"
),
again AS (
    UPDATE {own}.records AS record SET identifiers = stage.after
    FROM {stage} AS stage
    WHERE stage.part = 'record' AND {here} AND record.tenant = %(whose)s AND record.record_id = stage.id
),
held AS MATERIALIZED ( -- sorted once, for two tables
    SELECT stage.name AS kind, stage.after AS value, stage.id, row_number() OVER (
        PARTITION BY stage.name COLLATE "C", stage.after COLLATE "C" ORDER BY stage.id COLLATE "C"
    ) AS place
    FROM {stage} AS stage
    WHERE stage.part = 'holder' AND {here}
),
gained AS (
    INSERT INTO {own}.holders (tenant, kind, value, record_id)
    SELECT %(whose)s, kind, value, id FROM held
),
claimed AS (
    INSERT INTO {own}.identity (tenant, kind, value, version)
    SELECT %(whose)s, kind, value, {own_version} FROM held WHERE place = 1
)
SELECT count(*), 0, NULL FROM held;

-- name: index_forget
DELETE FROM {own}.identity AS identity
USING {stage} AS stage
WHERE stage.part = 'lost' AND {here}
AND identity.tenant = %(whose)s AND identity.kind = stage.name AND identity.value = stage.after
AND NOT EXISTS (
    SELECT 1 FROM {own}.holders AS holder
    WHERE holder.tenant = identity.tenant AND holder.kind = identity.kind AND holder.value = identity.value
);

-- name: counts
SELECT stage.part, stage.name, count(*)
FROM {stage} AS stage
WHERE {here}
GROUP BY 1, 2;

-- name: described
SELECT stage.position, stage.unit, stage.part, stage.id, stage.name, stage.before, stage.after
FROM {stage} AS stage
WHERE stage.position = ANY (%(positions)s::integer[])
AND stage.part IN ('lead', 'customer', 'link', 'insert', 'relink', 'retire', 'restore', 'rule')
ORDER BY stage.position, stage.part, stage.id;

-- name: leave_out
DELETE FROM {stage} AS stage WHERE stage.position = ANY (%(positions)s::integer[]);
