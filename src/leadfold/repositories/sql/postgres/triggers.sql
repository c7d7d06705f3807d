-- What tells the queue of leads that somebody else edits: printed for whoever owns the tables, never run here.
-- Names in braces are quoted tables and columns, or pieces that triggering.py makes.

-- name: trigger_function
CREATE OR REPLACE FUNCTION {own}.lead_edited() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS {tag}
#variable_conflict use_column
BEGIN
    {unless_same}IF TG_OP <> 'INSERT' THEN
        {put_old};
    END IF;
    IF TG_OP <> 'DELETE' THEN
        {put_new};
    END IF;
    RETURN NULL;
END
{tag};

-- name: put
INSERT INTO {own}.queue (tenant, record_id, reason, queued_at)
        SELECT {owner}, {alias}.{lead.id}::text, 'edited', now()
        FROM (SELECT ({version}).*) AS {alias}
        WHERE {taking_part} AND {owner} IS NOT NULL
        ON CONFLICT (tenant, record_id) DO NOTHING;

-- name: unless_same
IF TG_OP = 'UPDATE' THEN
        IF NOT ({changed}) AND EXISTS (
            SELECT 1 FROM (SELECT (OLD).*) AS {alias} WHERE {taking_part}
        ) = EXISTS (
            SELECT 1 FROM (SELECT (NEW).*) AS {alias} WHERE {taking_part}
        ) THEN
            RETURN NULL;
        END IF;
    END IF;

-- name: triggers
DROP TRIGGER IF EXISTS leadfold_lead_came ON {lead.table};
CREATE TRIGGER leadfold_lead_came AFTER INSERT OR DELETE ON {lead.table}
FOR EACH ROW EXECUTE FUNCTION {own}.lead_edited();
DROP TRIGGER IF EXISTS leadfold_lead_edited ON {lead.table};
CREATE TRIGGER leadfold_lead_edited AFTER UPDATE ON {lead.table}
FOR EACH ROW {when}EXECUTE FUNCTION {own}.lead_edited();
