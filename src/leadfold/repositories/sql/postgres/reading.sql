-- What a Reader asks. Names in braces are quoted tables and columns, or pieces that shapes.py makes.

-- name: leads
SELECT {lead_columns}
FROM {leads} AS row {lead_record}
WHERE {lead_chosen};

-- name: lead_columns
row.{lead.id}::text,
    {lead_name},
    {lead_created_at},
    row.{lead.customer_id}::text,
    {lead_version},
    {indexed},
    {queued}
    {lead_cells};

-- name: customers
SELECT {customer_columns}
FROM {customers} AS row {customer_record}
{customer_made}
WHERE {customer_chosen};

-- name: customer_columns
row.{customer.id}::text,
    {customer_name},
    {customer_phone},
    {customer_email},
    {customer_metadata},
    {customer_created_at},
    {customer_version},
    {indexed},
    {customer_inserted};

-- name: rows_that
(SELECT * FROM {table} WHERE {conditions});

-- name: chosen
row.{id} = ANY (CAST(%(ids)s::text[] AS {type}[]));

-- name: lead_record
LEFT JOIN {own}.records AS record
    ON record.tenant = %(whose)s AND record.record_id = row.{lead.id}::text
LEFT JOIN {own}.queue AS waiting
    ON waiting.tenant = %(whose)s AND waiting.record_id = row.{lead.id}::text;

-- name: customer_record
LEFT JOIN {own}.records AS record
    ON record.tenant = %(whose)s AND record.record_id = 'customer:' || row.{customer.id}::text;

-- name: customer_made
LEFT JOIN (
    SELECT DISTINCT row_id FROM {own}.ledger WHERE table_name = 'Customer' AND action = 'insert'
) AS made ON made.row_id = row.{customer.id}::text;

-- name: customer_made_here
LEFT JOIN LATERAL (
    SELECT entry.row_id FROM {own}.ledger AS entry
    WHERE entry.row_id = row.{customer.id}::text
    AND entry.table_name = 'Customer' AND entry.action = 'insert' LIMIT 1
) AS made ON true;

-- name: dependents
SELECT found.lead_id::text, found.customer_id::text, found.rows, known.{lead.id} IS NOT NULL
FROM (
    SELECT row.{dependent.lead_id} AS lead_id, row.{dependent.customer_id} AS customer_id, count(*) AS rows
    FROM {dependent.table} AS row
    WHERE {dependent_mine} AND {dependent_chosen}
    GROUP BY 1, 2
) AS found
LEFT JOIN {leads} AS known ON known.{lead.id} = {dependent_lead};

-- name: dependent_mine
NOT EXISTS (
    SELECT 1 FROM {lead.table} AS other
    WHERE other.{lead.id}::text = row.{dependent.lead_id}::text
    AND other.{lead.tenant}::text IS DISTINCT FROM %(tenant)s
) AND NOT EXISTS (
    SELECT 1 FROM {customer.table} AS other
    WHERE other.{customer.id}::text = row.{dependent.customer_id}::text
    AND other.{customer.tenant}::text IS DISTINCT FROM %(tenant)s
);

-- name: index_state
SELECT {mark}, (SELECT fingerprint FROM {own}.index_state WHERE tenant = %(whose)s);

-- name: no_index_state
SELECT {mark}, NULL;

-- name: mark
pg_current_snapshot()::text || coalesce('/' || nullif(current_setting('leadfold.own', true), ''), '');

-- name: holders
SELECT asked.kind, asked.value, holder.record_id
FROM unnest(%(kinds)s::text[], %(values)s::text[]) AS asked (kind, value)
CROSS JOIN LATERAL (
    SELECT each.record_id FROM {own}.holders AS each
    WHERE each.tenant = %(whose)s AND each.kind = asked.kind AND each.value = asked.value
    ORDER BY each.record_id LIMIT %(at_most)s
) AS holder
ORDER BY 1, 2, 3;

-- name: around
-- What is met one step from some leads, values and customers: of each thing its kind, and its cells as JSON. Every
-- look-up is LATERAL and fenced by OFFSET 0 or LIMIT: from a few names to their rows by an index, whatever a planner
-- expects. What is asked comes by a query of its own, so that no planner counts on it: a prepared statement would be
-- planned anew each time, for that looks cheaper once the few values are known.
WITH leadfold_held AS MATERIALIZED (
    {around_held}
),
leadfold_direct AS MATERIALIZED (
    SELECT record_id FROM leadfold_held AS held WHERE many <= %(at_most)s
    UNION SELECT unnest((SELECT %(leads)s::text[]))
),
leadfold_linked AS MATERIALIZED (
    SELECT row.id, row.customer_id
    FROM leadfold_direct AS direct CROSS JOIN LATERAL (
        SELECT row.{lead.id} AS id, row.{lead.customer_id}::text AS customer_id
        FROM {tenant_leads} AS row WHERE row.{lead.id} = {direct_lead} OFFSET 0
    ) AS row
),
leadfold_reached AS MATERIALIZED (
    SELECT customer_id FROM leadfold_linked AS linked WHERE customer_id IS NOT NULL
    UNION SELECT unnest((SELECT %(customers)s::text[]))
    UNION SELECT substr(record_id, 10) FROM leadfold_direct AS direct WHERE record_id LIKE 'customer:%%'
),
leadfold_met AS MATERIALIZED (
    SELECT id FROM leadfold_linked AS linked
    UNION
    SELECT other.id
    FROM leadfold_reached AS reached CROSS JOIN LATERAL (
        SELECT row.{lead.id} AS id FROM {leads} AS row
        WHERE row.{lead.customer_id} = {reached_link} LIMIT (SELECT %(at_most)s::bigint) + 1
    ) AS other
),
leadfold_known AS MATERIALIZED (
    SELECT named.record_id, row.customer_id, record.identifiers, awaited.customer_id AS awaits, awaited.until,
        waiting.record_id IS NOT NULL AS queued
    FROM (
        SELECT record_id FROM leadfold_held AS held
        UNION SELECT unnest((SELECT %(leads)s::text[]))
        UNION SELECT id::text FROM leadfold_met AS met
        UNION SELECT 'customer:' || customer_id FROM leadfold_reached AS reached
    ) AS named (record_id)
    LEFT JOIN LATERAL (
        SELECT row.{lead.customer_id}::text AS customer_id
        FROM {tenant_leads} AS row WHERE row.{lead.id} = {named_lead} OFFSET 0
    ) AS row ON true
    {around_records}
)
SELECT 'holder', row_to_json(ROW(kind, value, record_id))::text FROM leadfold_held AS held
UNION ALL
{around_further}
UNION ALL
SELECT 'entry', row_to_json(known)::text FROM leadfold_known AS known
UNION ALL
SELECT 'lead', row_to_json(ROW({lead_columns}))::text
FROM leadfold_met AS met LEFT JOIN leadfold_known AS record ON record.record_id = met.id::text
CROSS JOIN LATERAL (
    SELECT each.* FROM {leads} AS each WHERE each.{lead.id} = met.id OFFSET 0
) AS row
LEFT JOIN LATERAL (SELECT record.record_id WHERE record.queued) AS waiting ON true
UNION ALL
SELECT 'customer', row_to_json(ROW({customer_columns}))::text
FROM leadfold_reached AS reached LEFT JOIN leadfold_known AS record ON record.record_id = 'customer:' || reached.customer_id
CROSS JOIN LATERAL (
    SELECT each.* FROM {customers} AS each WHERE each.{customer.id} = {reached_customer} OFFSET 0
) AS row
{around_customer_made}
{around_dependents};

-- name: around_further
-- Who else holds what these hold, where that is not too many: most often nobody, and that ends the search.
SELECT 'holder', row_to_json(ROW(kind, value, record_id))::text
FROM (
    SELECT further.kind, further.value, holder.record_id,
        count(*) OVER (PARTITION BY further.kind, further.value) AS many
    FROM (
        SELECT pair ->> 0 AS kind, pair ->> 1 AS value
        FROM leadfold_known AS known CROSS JOIN LATERAL (
            -- LIMIT takes nothing away: it lets the planner expect ten values a record, not a hundred.
            SELECT * FROM json_array_elements(known.identifiers::json) AS pair
            LIMIT json_array_length(known.identifiers::json)
        ) AS each (pair)
        EXCEPT SELECT asked.kind, asked.value
        FROM unnest((SELECT %(kinds)s::text[]), (SELECT %(values)s::text[])) AS asked (kind, value)
    ) AS further
    CROSS JOIN LATERAL (
        SELECT each.record_id FROM {own}.holders AS each
        WHERE each.tenant = %(whose)s AND each.kind = further.kind AND each.value = further.value
        LIMIT (SELECT %(at_most)s::bigint) + 1
    ) AS holder
) AS found
WHERE many <= %(at_most)s;

-- name: around_further_nothing
SELECT 'holder', NULL WHERE false;

-- name: around_dependents
UNION ALL
SELECT 'dependent', row_to_json(ROW({dependent_name}, lead.record_id, found.customer_id, found.rows, (
    SELECT true FROM {leads} AS known WHERE known.{lead.id} = {recorded_lead}
)))::text
FROM (SELECT record_id FROM leadfold_direct AS direct UNION SELECT id::text FROM leadfold_met AS met) AS lead (record_id)
CROSS JOIN LATERAL (
    SELECT row.{dependent.customer_id}::text AS customer_id, count(*) AS rows
    FROM {dependent.table} AS row
    WHERE row.{dependent.lead_id} = {recorded_dependent} AND {dependent_mine}
    GROUP BY 1
) AS found;

-- name: around_held
SELECT asked.kind, asked.value, holder.record_id,
    count(*) OVER (PARTITION BY asked.kind, asked.value) AS many
FROM unnest((SELECT %(kinds)s::text[]), (SELECT %(values)s::text[])) AS asked (kind, value)
CROSS JOIN LATERAL (
    SELECT each.record_id FROM {own}.holders AS each
    WHERE each.tenant = %(whose)s AND each.kind = asked.kind AND each.value = asked.value
    LIMIT (SELECT %(at_most)s::bigint) + 1
) AS holder;

-- name: around_held_nothing
SELECT asked.kind, asked.value, asked.value AS record_id, 0 AS many
FROM unnest((SELECT %(kinds)s::text[]), (SELECT %(values)s::text[])) AS asked (kind, value) WHERE %(whose)s::text IS NULL;

-- name: around_records
LEFT JOIN LATERAL (
    SELECT each.identifiers FROM {own}.records AS each
    WHERE each.tenant = %(whose)s AND each.record_id = named.record_id OFFSET 0
) AS record ON true
LEFT JOIN LATERAL (
    SELECT each.customer_id, each.until AT TIME ZONE 'UTC' AS until FROM {own}.awaited AS each
    WHERE each.tenant = %(whose)s AND each.record_id = named.record_id OFFSET 0
) AS awaited ON true
LEFT JOIN LATERAL (
    SELECT each.record_id FROM {own}.queue AS each
    WHERE each.tenant = %(whose)s AND each.record_id = named.record_id OFFSET 0
) AS waiting ON true;

-- name: around_records_nothing
LEFT JOIN (SELECT NULL AS identifiers) AS record ON true
LEFT JOIN (SELECT NULL AS customer_id, NULL AS until) AS awaited ON true
LEFT JOIN (SELECT NULL AS record_id) AS waiting ON true;

-- name: shown
SELECT DISTINCT {column}::text FROM {customers} AS row
WHERE {column} = ANY (CAST(%(values)s::text[] AS {type}[]));

-- name: held
SELECT record_id, identifiers FROM {own}.records
WHERE tenant = %(whose)s AND record_id = ANY (%(records)s::text[])
ORDER BY record_id;

-- name: versions
SELECT identity.kind, identity.value, identity.version
FROM unnest(%(kinds)s::text[], %(values)s::text[]) AS asked (kind, value)
JOIN {own}.identity AS identity
    ON identity.tenant = %(whose)s AND identity.kind = asked.kind AND identity.value = asked.value;

-- name: waiting
SELECT record_id, reason, queued_at AT TIME ZONE 'UTC' FROM {own}.queue
WHERE tenant = %(whose)s ORDER BY sequence;

-- name: edited
SELECT row.{lead.id}::text, {lead_created_at}, {lead_updated_at} FROM {leads} AS row;

-- name: rowless
SELECT record.record_id, awaited.until AT TIME ZONE 'UTC' FROM {own}.records AS record
LEFT JOIN {own}.awaited AS awaited
    ON awaited.tenant = %(whose)s AND awaited.record_id = record.record_id
WHERE record.tenant = %(whose)s AND record.identifiers <> '[]' AND NOT EXISTS (
    SELECT 1 FROM {leads} AS row WHERE row.{lead.id}::text = record.record_id
) AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row WHERE 'customer:' || row.{customer.id}::text = record.record_id
);

-- name: rulings
SELECT id, parts, created_at AT TIME ZONE 'UTC', actor FROM {own}.rulings
WHERE tenant = %(whose)s ORDER BY created_at NULLS LAST, id COLLATE "C";

-- name: runs
SELECT id, action, mode, actor, created_by, at AT TIME ZONE 'UTC', policy, versions, status, stats, extra, {counted}
FROM {own}.runs AS run
WHERE tenant = %(whose)s AND (%(ids)s::text[] IS NULL OR id = ANY (%(ids)s::text[]))
AND (%(action)s::text IS NULL OR action = %(action)s)
AND (%(status)s::text IS NULL OR status = %(status)s)
ORDER BY sequence DESC LIMIT %(limit)s;

-- name: counted
CASE status WHEN 'open' THEN (
    SELECT json_agg(json_build_array(table_name, action, kept, entries))::text
    FROM (
        SELECT table_name, action, after IS NOT NULL AS kept, count(*) AS entries
        FROM {own}.ledger AS entry WHERE entry.run = run.sequence GROUP BY 1, 2, 3
    ) AS each
) END;

-- name: entry_columns
run.id, entry.unit, entry.table_name, entry.row_id, entry.action, entry.before, entry.after,
    entry.reason;

-- name: entries
SELECT {entry_columns}
FROM {own}.runs AS run
JOIN {own}.ledger AS entry ON entry.run = run.sequence
WHERE run.tenant = %(whose)s AND run.id = %(run_id)s
ORDER BY entry.unit, entry.sequence;

-- name: later
WITH this AS (
    SELECT sequence FROM {own}.runs WHERE tenant = %(whose)s AND id = %(run_id)s
),
touched AS (
    SELECT entry.table_name, entry.row_id, min(entry.sequence) AS first
    FROM {own}.ledger AS entry WHERE entry.run = (SELECT sequence FROM this)
    GROUP BY entry.table_name, entry.row_id
)
SELECT {entry_columns}
FROM {own}.runs AS run
JOIN {own}.ledger AS entry ON entry.run = run.sequence
JOIN touched ON touched.table_name = entry.table_name AND touched.row_id = entry.row_id
WHERE run.tenant = %(whose)s AND run.sequence <> (SELECT sequence FROM this) AND entry.sequence > touched.first
ORDER BY entry.sequence;

-- name: history
SELECT {entry_columns}
FROM {own}.ledger AS entry
JOIN {own}.runs AS run ON run.sequence = entry.run
WHERE run.tenant = %(whose)s AND (
    entry.row_id = %(row)s AND entry.table_name = %(table)s
    OR %(table)s = 'Customer' AND entry.action IN ('link', 'follow', 'retire', 'restore')
    AND (entry.before = %(quoted)s OR entry.after = %(quoted)s)
)
ORDER BY entry.sequence;

-- name: linked
SELECT row.{lead.id}::text FROM {leads} AS row
WHERE row.{lead.customer_id} IS NOT NULL AND {lead_chosen};

-- name: unexplained
SELECT row.{lead.id}::text
FROM {leads} AS row
LEFT JOIN LATERAL (
    SELECT entry.after
    FROM {own}.ledger AS entry
    JOIN {own}.runs AS run ON run.sequence = entry.run
    WHERE entry.table_name = 'Lead' AND entry.row_id = row.{lead.id}::text
    AND run.tenant = %(whose)s
    ORDER BY entry.sequence DESC LIMIT 1
) AS given ON true
WHERE row.{lead.customer_id} IS NOT NULL
AND given.after IS DISTINCT FROM to_json(row.{lead.customer_id}::text)::text
AND {lead_chosen};

-- name: links
SELECT row.{pointing.id}::text, row.{pointing.customer_id}::text, {pointing_lead}
FROM {pointing.table} AS row
WHERE row.{pointing.id} = ANY (CAST(%(ids)s::text[] AS {pointing.id_type}[])) AND {pointing_mine};

-- name: pointing_at
SELECT row.{pointing.id}::text, row.{pointing.customer_id}::text, {pointing_lead}
FROM {pointing.table} AS row
WHERE row.{pointing.customer_id} = ANY (CAST(%(ids)s::text[] AS {pointing.customer_type}[]))
AND {customer_mine};

-- name: lead_mine
row.{lead.tenant}::text IS NOT DISTINCT FROM %(tenant)s;

-- name: customer_mine
NOT EXISTS (
    SELECT 1 FROM {customer.table} AS other
    WHERE other.{customer.id}::text = row.{pointing.customer_id}::text
    AND other.{customer.tenant}::text IS DISTINCT FROM %(tenant)s
);

-- name: audited_script
SELECT row.{audit.payload}::text FROM {audit.table} AS row WHERE row.{audit.id}::text = %(run_id)s;

-- name: user_audited
SELECT {audit.action}::text, count(*) FROM {audit.table} GROUP BY 1;

-- name: own_audited
SELECT action, count(*) FROM {own}.audit WHERE tenant = %(whose)s GROUP BY action;
