-- What a commit runs where it moves, retires, restores, rules or erases: as in writing.sql, each
-- statement takes a whole staged batch at once.

-- name: relink_misfits
SELECT stage.unit, 'row', ''
FROM temp.leadfold_stage_relink AS stage
WHERE stage.table_name = :name AND NOT EXISTS (
    SELECT 1 FROM {pointing.table} AS row
    WHERE {pointing_row} = stage.id
    AND CAST(row.{pointing.customer_id} AS TEXT) IS stage.before AND {pointing_mine}
);

-- name: retire_misfits
SELECT stage.unit, 'customer', stage.id
FROM temp.leadfold_stage_retire AS stage
WHERE NOT EXISTS (SELECT 1 FROM {customers} AS row WHERE row.{customer.id} = stage.id);

-- name: rule_misfits
SELECT stage.unit, 'ruling', ''
FROM temp.leadfold_stage_rule AS stage
WHERE stage.in_force = EXISTS (
    SELECT 1 FROM leadfold_rulings AS ruling
    WHERE ruling.tenant = :own AND ruling.id = stage.id
);

-- name: unique_cells
SELECT stage.id, row.{column}
FROM temp.leadfold_stage_retire AS stage
CROSS JOIN {customers} AS row ON row.{customer.id} = stage.id
WHERE row.{column} IS NOT NULL;

-- name: give_up
UPDATE {customer.table} AS row SET {column} = NULL
WHERE row.{customer.id} IN (SELECT id FROM temp.leadfold_stage_retire)
AND row.{column} IS NOT NULL AND {customer_owned};

-- name: present_customers
SELECT stage.id
FROM temp.leadfold_stage_restore AS stage
CROSS JOIN {customer.table} AS row ON row.{customer.id} = stage.id
ORDER BY stage.id LIMIT 1;

-- name: images_to_restore
SELECT id, image FROM temp.leadfold_stage_restore ORDER BY rowid;

-- name: restore_customers
INSERT INTO {customer.table} ({row_columns}) VALUES {row_values};

-- name: log_restores
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, unit, 'Customer', id, 'restore',
    CASE WHEN successor IS NOT NULL THEN json_quote(successor) END, image
FROM temp.leadfold_stage_restore ORDER BY rowid;

-- name: log_carries
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, stage.unit, :name, CAST(row.{pointing.id} AS TEXT), :action,
    json_quote(stage.before), json_quote(stage.after)
FROM temp.leadfold_stage_carry AS stage
CROSS JOIN {pointing.table} AS row ON {pointing_target} = stage.before
WHERE stage.table_name = :name AND {customer_mine};

-- name: carry_rows
UPDATE {pointing.table} AS row SET {pointing.customer_id} = stage.after
FROM temp.leadfold_stage_carry AS stage
WHERE stage.table_name = :name AND {pointing_target} = stage.before AND {customer_mine};

-- name: log_relinks
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, unit, table_name, id, 'follow',
    CASE WHEN before IS NOT NULL THEN json_quote(before) END,
    CASE WHEN after IS NOT NULL THEN json_quote(after) END
FROM temp.leadfold_stage_relink WHERE table_name = :name ORDER BY rowid;

-- name: relink_rows
UPDATE {pointing.table} AS row SET {pointing.customer_id} = stage.after
FROM temp.leadfold_stage_relink AS stage
WHERE stage.table_name = :name AND {pointing_row} = stage.id;

-- name: make_rulings
INSERT INTO leadfold_rulings (tenant, id, parts, actor, created_at)
SELECT :own, id, parts, actor, created_at
FROM temp.leadfold_stage_rule WHERE in_force ORDER BY rowid;

-- name: lift_rulings
DELETE FROM leadfold_rulings
WHERE tenant = :own AND id IN (SELECT id FROM temp.leadfold_stage_rule WHERE NOT in_force);

-- name: log_rulings
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, unit, 'Ruling', id, 'rule',
    CASE WHEN NOT in_force THEN ruling END, CASE WHEN in_force THEN ruling END
FROM temp.leadfold_stage_rule ORDER BY rowid;

-- name: still_pointing
SELECT stage.id, {pointing_name}, count(*)
FROM temp.leadfold_stage_retire AS stage
CROSS JOIN {pointing.table} AS row ON {pointing_target} = stage.id
GROUP BY stage.id;

-- name: rows_to_retire
SELECT stage.unit, stage.id, stage.successor, {row_cells}
FROM temp.leadfold_stage_retire AS stage
CROSS JOIN {customers} AS row ON row.{customer.id} = stage.id
ORDER BY stage.rowid;

-- name: log_retirements
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, before, after)
SELECT :run, unit, 'Customer', id, 'retire', image,
    CASE WHEN successor IS NOT NULL THEN json_quote(successor) END
FROM temp.leadfold_stage_image ORDER BY rowid;

-- name: retire_customers
DELETE FROM {customer.table} AS row
WHERE row.{customer.id} IN (SELECT id FROM temp.leadfold_stage_retire) AND {customer_owned};

-- name: group_key
CASE WHEN {metadata_is_object} THEN json_extract(row.{customer.metadata}, '$.groupKey') END;

-- name: no_key
json_set(row.{customer.metadata}, '$.groupKey', NULL);

-- name: without_key
SELECT json_set(:metadata, '$.groupKey', NULL);

-- name: find_to_blank
INSERT OR IGNORE INTO temp.leadfold_stage_blanked (unit, id, field)
SELECT stage.unit, stage.id, stage.field
FROM temp.leadfold_stage_blank AS stage
CROSS JOIN {customers} AS row ON row.{customer.id} = stage.id
WHERE CASE stage.field
    WHEN 'name' THEN {customer_name}
    WHEN 'phone' THEN {customer_phone}
    WHEN 'email' THEN {customer_email}
    WHEN 'groupKey' THEN {group_key}
END = stage.value
ORDER BY stage.rowid;

-- name: fields_to_blank
SELECT field, count(*) FROM temp.leadfold_stage_blanked GROUP BY field ORDER BY field;

-- name: blank_customers
UPDATE {customer.table} AS row SET {column} = {blank}
FROM temp.leadfold_stage_blanked AS stage
WHERE stage.field = :field AND row.{customer.id} = stage.id AND {customer_owned};

-- name: log_erasures
INSERT INTO leadfold_ledger (run, unit, table_name, row_id, action, after)
SELECT :run, unit, 'Customer', id, 'erase', json_group_array(field)
FROM (SELECT unit, id, field FROM temp.leadfold_stage_blanked ORDER BY unit, id, field)
GROUP BY unit, id;

-- name: copies_to_blank
SELECT entry.sequence,
    CASE entry.action WHEN 'retire' THEN entry.before ELSE entry.after END,
    stage.field, stage.value
FROM temp.leadfold_stage_copy AS stage
CROSS JOIN leadfold_ledger AS entry
    ON entry.table_name = 'Customer' AND entry.row_id = stage.id
CROSS JOIN leadfold_runs AS run ON run.sequence = entry.run
WHERE run.tenant = :own AND entry.action IN ('insert', 'retire', 'restore')
ORDER BY entry.sequence;

-- name: blank_copy
UPDATE leadfold_ledger SET
    before = CASE action WHEN 'retire' THEN :image ELSE before END,
    after = CASE action WHEN 'retire' THEN after ELSE :image END
WHERE sequence = :sequence;

-- name: index_erase
DELETE FROM leadfold_records
WHERE tenant = :own AND record_id IN (SELECT id FROM temp.leadfold_stage_erase);

-- name: leave_queue
DELETE FROM leadfold_queue WHERE tenant = :own AND record_id IN (
    SELECT id FROM temp.leadfold_stage_queue WHERE reason IS NULL
);

-- name: join_queue
INSERT OR IGNORE INTO leadfold_queue (tenant, record_id, reason, queued_at)
SELECT :own, id, reason, :at FROM temp.leadfold_stage_queue WHERE reason IS NOT NULL ORDER BY rowid;
