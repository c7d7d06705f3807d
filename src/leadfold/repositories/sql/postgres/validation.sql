-- The checks that are plain SQL, for whoever wants to run them without leadfold: one row each,
-- with the name, the expected figure and the actual one that a validation gives.
-- Names in braces are quoted tables and columns, or pieces that checking.py and shapes.py make.

-- name: check_leads_linked
SELECT 'leads linked' AS "check", '100%%' AS expected,
    count(row.{lead.customer_id}) || '/' || count(*) || ' ('
    || coalesce(100 * count(row.{lead.customer_id}) / nullif(count(*), 0), 100) || '%%)' AS actual
FROM {leads} AS row;

-- name: check_leads_customer
SELECT 'leads whose customer is missing' AS "check", '0' AS expected, count(*) AS actual
FROM {leads} AS row
WHERE row.{lead.customer_id} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {customers} AS known WHERE known.{customer.id}::text = row.{lead.customer_id}::text
);

-- name: check_leads_not_null
SELECT 'leads ready for NOT NULL' AS "check", '0 NULL' AS expected,
    (count(*) - count(row.{lead.customer_id})) || ' NULL' AS actual
FROM {lead.table} AS row;

-- name: check_linked
SELECT {title} AS "check", '100%%' AS expected,
    count(row.{dependent.customer_id}) || '/' || count(*) || ' ('
    || coalesce(100 * count(row.{dependent.customer_id}) / nullif(count(*), 0), 100) || '%%)'
    AS actual
FROM {dependent.table} AS row
WHERE {mine};

-- name: check_lead
SELECT {title} AS "check", '0' AS expected, count(*) AS actual
FROM {dependent.table} AS row
WHERE {mine} AND row.{dependent.lead_id} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {leads} AS known WHERE known.{lead.id}::text = row.{dependent.lead_id}::text
);

-- name: check_customer
SELECT {title} AS "check", '0' AS expected, count(*) AS actual
FROM {dependent.table} AS row
WHERE {mine} AND row.{dependent.customer_id} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {customers} AS known WHERE known.{customer.id}::text = row.{dependent.customer_id}::text
);

-- name: check_mismatch
SELECT {title} AS "check", '0' AS expected, count(*) AS actual
FROM {dependent.table} AS row
JOIN {leads} AS lead ON lead.{lead.id}::text = row.{dependent.lead_id}::text
WHERE {mine} AND row.{dependent.customer_id}::text <> lead.{lead.customer_id}::text;

-- name: check_not_null
SELECT {title} AS "check", '0 NULL' AS expected,
    (count(*) - count(row.{dependent.customer_id})) || ' NULL' AS actual
FROM {dependent.table} AS row;

-- name: check_idle
SELECT 'customers without leads' AS "check", '0' AS expected, count(*) AS actual
FROM {customers} AS row
WHERE {made_by} IN ('leadfold', 'backfill-customers.ts')
AND NOT EXISTS (SELECT 1 FROM {leads} AS lead WHERE lead.{lead.customer_id}::text = row.{customer.id}::text);

-- name: check_shown_twice
SELECT {title} AS "check", '0' AS expected, count(*) AS actual
FROM (
    SELECT 1 FROM {customers} AS row WHERE trim(row.{column}::text) <> ''
    GROUP BY row.{column} HAVING count(*) > 1
) AS several;

-- name: check_large
SELECT 'customers with more than {large} leads' AS "check", '0' AS expected, count(*) AS actual
FROM (
    SELECT 1 FROM {leads} AS row WHERE row.{lead.customer_id} IS NOT NULL
    GROUP BY row.{lead.customer_id} HAVING count(*) > {large}
) AS large;

-- name: check_audit
SELECT 'audit entries' AS "check",
    'at least ' || (EXISTS (SELECT 1 FROM {leads} AS row WHERE row.{lead.customer_id} IS NOT NULL))::integer
    AS expected,
    count(*) AS actual
FROM {audit.table} AS row
WHERE row.{audit.action} IN ({actions});

-- name: created_by
CASE jsonb_typeof(row.{customer.metadata}::jsonb) WHEN 'object' THEN row.{customer.metadata}::jsonb ->> 'createdBy' END;
