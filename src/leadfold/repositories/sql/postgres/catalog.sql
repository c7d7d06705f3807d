-- What a store has of the tables that a mapping names.

-- name: relations
SELECT
    wanted.name,
    class.oid::bigint,
    space.nspname,
    class.relname,
    class.relkind::text,
    (
        SELECT json_agg(json_build_array(
            col.attname, format_type(col.atttypid, -1), col.attnotnull,
            col.atthasdef OR col.attidentity <> '', col.attgenerated <> ''
        ) ORDER BY col.attnum)::text
        FROM pg_attribute AS col
        WHERE col.attrelid = class.oid AND col.attnum > 0 AND NOT col.attisdropped
    ),
    (
        SELECT json_agg(col.attname ORDER BY col.attname)::text
        FROM pg_index AS each
        JOIN pg_attribute AS col ON col.attrelid = each.indrelid AND col.attnum = each.indkey[0]
        WHERE each.indrelid = class.oid AND each.indisunique AND each.indnkeyatts = 1
        AND each.indexprs IS NULL
        AND coalesce(pg_get_expr(each.indpred, each.indrelid), '') IN ('', format('(%%I IS NOT NULL)', col.attname))
    ),
    (
        SELECT json_agg(json_build_array(owner.oid::bigint, near.nspname, owner.relname, col.attname)
            ORDER BY owner.relname, col.attname)::text
        FROM pg_constraint AS link
        JOIN pg_class AS owner ON owner.oid = link.conrelid
        JOIN pg_namespace AS near ON near.oid = owner.relnamespace
        CROSS JOIN LATERAL unnest(link.conkey) AS key
        JOIN pg_attribute AS col ON col.attrelid = link.conrelid AND col.attnum = key
        WHERE link.contype = 'f' AND link.confrelid = class.oid AND link.conparentid = 0
    )
FROM (
    SELECT DISTINCT ON (name) name, to_regclass(candidate) AS oid
    FROM unnest(%(names)s::text[], %(candidates)s::text[]) WITH ORDINALITY AS told (name, candidate, rank)
    WHERE to_regclass(candidate) IS NOT NULL
    ORDER BY name, rank
) AS wanted
JOIN pg_class AS class ON class.oid = wanted.oid
JOIN pg_namespace AS space ON space.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f');

-- name: explain_condition
EXPLAIN SELECT 1 FROM {table} WHERE {conditions};

-- name: schema_exists
SELECT to_regnamespace(quote_ident(%(schema)s::text)) IS NOT NULL,
    to_regclass(format('%%I.migrations', %(schema)s::text)) IS NOT NULL;

-- name: note_migration
INSERT INTO {own}.migrations (number, name) VALUES ({number}, {name});
