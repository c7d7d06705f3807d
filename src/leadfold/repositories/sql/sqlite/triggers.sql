-- What tells the queue of leads that somebody else edits: printed for whoever owns the tables, never run here.
-- Names in braces are quoted tables and columns, or pieces that triggering.py makes.

-- name: trigger
DROP TRIGGER IF EXISTS {trigger};
CREATE TRIGGER {trigger} AFTER {event} ON {table}
{when}BEGIN
{puts}END;

-- name: takes_part
EXISTS (SELECT 1 FROM {row} WHERE {taking_part});

-- name: put
INSERT INTO leadfold_queue (tenant, record_id, reason, queued_at)
SELECT {owner}, CAST({id} AS TEXT), 'edited', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM {row}
WHERE {taking_part} AND {owner} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM leadfold_queue AS waiting
    WHERE waiting.tenant = {owner} AND waiting.record_id = CAST({id} AS TEXT)
);
