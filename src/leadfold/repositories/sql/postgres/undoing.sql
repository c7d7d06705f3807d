-- What a commit runs where it moves, retires, restores, rules or erases: as in writing.sql, each
-- statement takes all units staged between two positions.

-- name: misfit_retired
SELECT stage.position, 'customer', stage.id
FROM {stage} AS stage
WHERE stage.part = 'retire' AND {here} AND NOT EXISTS (
    SELECT 1 FROM {customers} AS row WHERE row.{customer.id} = {staged_customer}
);

-- name: misfit_rulings
SELECT stage.position, 'ruling', ''
FROM {stage} AS stage
WHERE stage.part = 'rule' AND {here} AND (stage.after IS NOT NULL) = EXISTS (
    SELECT 1 FROM {own}.rulings AS ruling
    WHERE ruling.tenant = %(whose)s AND ruling.id = stage.id
);

-- name: relink_misfits
SELECT stage.position, 'row', ''
FROM {stage} AS stage
WHERE stage.part = 'relink' AND stage.name = %(name)s AND {here} AND NOT EXISTS (
    SELECT 1 FROM {pointing.table} AS row
    WHERE row.{pointing.id} = CAST(stage.id AS {pointing.id_type})
    AND row.{pointing.customer_id}::text IS NOT DISTINCT FROM stage.before AND {pointing_mine}
);

-- name: several_of_one
SELECT count(*) FROM (
    SELECT 1 FROM {stage} AS stage
    WHERE stage.part IN ('carry', 'relink', 'retire', 'restore', 'rule') AND {here}
    GROUP BY stage.part, stage.name, stage.id, CASE stage.part WHEN 'carry' THEN stage.before END
    HAVING count(*) > 1
) AS several;

-- name: keep_cells
INSERT INTO pg_temp.leadfold_stage (position, unit, part, id, name, before)
SELECT stage.position, stage.unit, 'cell', stage.id, %(field)s, row.{column}::text
FROM {stage} AS stage
JOIN {customers} AS row ON row.{customer.id} = {staged_customer}
WHERE stage.part = 'retire' AND {here} AND row.{column} IS NOT NULL;

-- name: give_up
UPDATE {customer.table} AS row SET {column} = NULL
FROM {stage} AS stage
WHERE stage.part = 'retire' AND {here} AND row.{customer.id} = {staged_customer} AND {customer_owned};

-- name: restore_customers
INSERT INTO {customer.table} ({row_columns}) OVERRIDING SYSTEM VALUE
SELECT {row_values}
FROM {stage} AS stage
WHERE stage.part = 'restore' AND stage.name = %(shape)s AND {here}
ORDER BY stage.position;

-- name: carry_rows
WITH moved AS (
    UPDATE {pointing.table} AS row
    SET {pointing.customer_id} = CAST(stage.after AS {pointing.customer_type})
    FROM {stage} AS stage
    WHERE stage.part = 'carry' AND stage.name = %(name)s AND {here}
    AND row.{pointing.customer_id} = CAST(stage.before AS {pointing.customer_type}) AND {customer_mine}
    RETURNING stage.unit, row.{pointing.id}::text AS id, stage.before, stage.after
)
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after)
SELECT %(run)s, unit, %(name)s, id, %(action)s, to_json(before)::text, to_json(after)::text FROM moved;

-- name: relink_rows
WITH moved AS (
    UPDATE {pointing.table} AS row
    SET {pointing.customer_id} = CAST(stage.after AS {pointing.customer_type})
    FROM {stage} AS stage
    WHERE stage.part = 'relink' AND stage.name = %(name)s AND {here}
    AND row.{pointing.id} = CAST(stage.id AS {pointing.id_type})
    AND row.{pointing.customer_id}::text IS NOT DISTINCT FROM stage.before AND {pointing_mine}
    RETURNING stage.unit, stage.id, stage.before, stage.after
)
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after)
SELECT %(run)s, unit, %(name)s, id, 'follow', to_json(before)::text, to_json(after)::text FROM moved;

-- name: make_rulings
INSERT INTO {own}.rulings (tenant, id, parts, actor, created_at)
SELECT %(whose)s, stage.id, (stage.after::json -> 'parts')::text, stage.after::json ->> 'actor',
    (stage.after::json ->> 'created_at')::timestamptz
FROM {stage} AS stage
WHERE stage.part = 'rule' AND stage.after IS NOT NULL AND {here}
ORDER BY stage.position;

-- name: lift_rulings
DELETE FROM {own}.rulings AS ruling
USING {stage} AS stage
WHERE stage.part = 'rule' AND stage.after IS NULL AND {here}
AND ruling.tenant = %(whose)s AND ruling.id = stage.id;

-- name: still_pointing
SELECT stage.id, {pointing_name}, count(*)
FROM {stage} AS stage
JOIN {pointing.table} AS row ON row.{pointing.customer_id} = CAST(stage.id AS {pointing.customer_type})
WHERE stage.part = 'retire' AND {here}
GROUP BY stage.id;

-- name: log_retirements
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, before, after)
SELECT %(run)s, stage.unit, 'Customer', stage.id, 'retire',
    (jsonb_object({image_fields}::text[], {image_cells}::text[])
        || jsonb_build_object('columns', jsonb_object({column_names}::text[], {column_cells}::text[])))::text,
    to_json(stage.after)::text
FROM {stage} AS stage
JOIN {customers} AS row ON row.{customer.id} = {staged_customer}
WHERE stage.part = 'retire' AND {here};

-- name: kept_cell
coalesce({cell}, (
    SELECT kept.before FROM {stage} AS kept
    WHERE kept.part = 'cell' AND kept.id = stage.id AND kept.name = {field} LIMIT 1
));

-- name: hold_retired
-- Waits for transactions that have referred to them, whose rows are then moved with the others, and lets nobody else
-- refer to them: a row that came between would go with its customer, by ON DELETE CASCADE.
SELECT count(*) FROM (
    SELECT 1 FROM {customer.table} AS row
    JOIN {stage} AS stage ON row.{customer.id} = {staged_customer}
    WHERE stage.part = 'retire' AND {here} ORDER BY row.{customer.id} FOR UPDATE OF row
) AS held;

-- name: retire_customers
DELETE FROM {customer.table} AS row
USING {stage} AS stage
WHERE stage.part = 'retire' AND {here} AND row.{customer.id} = {staged_customer} AND {customer_owned};

-- name: group_key
CASE jsonb_typeof(row.{customer.metadata}::jsonb) WHEN 'object' THEN row.{customer.metadata}::jsonb ->> 'groupKey' END;

-- name: no_key
CAST(jsonb_set(row.{customer.metadata}::jsonb, ARRAY['groupKey'], 'null') AS {customer.metadata_type});

-- name: blank_customers
WITH blanked AS (
    UPDATE {customer.table} AS row SET {column} = {blank}
    FROM {stage} AS stage
    WHERE stage.part = 'blank' AND stage.name = %(field)s AND {here}
    AND row.{customer.id} = {staged_customer} AND {cell} = stage.before AND {customer_owned}
    RETURNING stage.position, stage.unit, stage.id
)
INSERT INTO pg_temp.leadfold_stage (position, unit, part, id, name)
SELECT position, unit, 'blanked', id, %(field)s FROM blanked;

-- name: log_erasures
INSERT INTO {own}.ledger (run, unit, table_name, row_id, action, after)
SELECT %(run)s, stage.unit, 'Customer', stage.id, 'erase', json_agg(stage.name ORDER BY stage.name)::text
FROM {stage} AS stage
WHERE stage.part = 'blanked' AND {here}
GROUP BY stage.unit, stage.id;

-- name: copies_to_blank
SELECT entry.run, entry.sequence,
    CASE entry.action WHEN 'retire' THEN entry.before ELSE entry.after END,
    stage.name, stage.before
FROM {stage} AS stage
JOIN {own}.ledger AS entry ON entry.table_name = 'Customer' AND entry.row_id = stage.id
JOIN {own}.runs AS run ON run.sequence = entry.run
WHERE stage.part = 'copy' AND {here}
AND run.tenant = %(whose)s AND entry.action IN ('insert', 'retire', 'restore')
ORDER BY entry.run, entry.sequence;

-- name: blank_copies
UPDATE {own}.ledger AS entry SET
    before = CASE entry.action WHEN 'retire' THEN told.image ELSE entry.before END,
    after = CASE entry.action WHEN 'retire' THEN entry.after ELSE told.image END
FROM unnest(%(runs)s::bigint[], %(sequences)s::bigint[], %(images)s::text[]) AS told (run, sequence, image)
WHERE entry.run = told.run AND entry.sequence = told.sequence;

-- name: index_erase
DELETE FROM {own}.records AS record
USING {stage} AS stage
WHERE stage.part = 'erase' AND {here}
AND record.tenant = %(whose)s AND record.record_id = stage.id;

-- name: queue
WITH decided AS (
    DELETE FROM {own}.queue AS waiting
    USING {stage} AS stage
    WHERE stage.part = 'queue' AND {here} AND stage.after IS NULL
    AND waiting.tenant = %(whose)s AND waiting.record_id = stage.id
)
INSERT INTO {own}.queue (tenant, record_id, reason, queued_at)
SELECT %(whose)s, stage.id, stage.after, %(at)s::timestamptz
FROM {stage} AS stage
WHERE stage.part = 'queue' AND {here} AND stage.after IS NOT NULL
ORDER BY stage.position
ON CONFLICT (tenant, record_id) DO NOTHING;
