-- Where the units of a run wait, in a temporary table of the transaction, before set-based writing.
-- All parts share their columns, so that one COPY takes a whole run as it comes; each of the large
-- ones has a partition to itself, and statistics of its own. What the columns hold, by part:
--   lead, customer  id, version: rows that a decision rests on (leads only where no link has them)
--   insert          id, before: its sources, after: its metadata, both JSON, reason: its moment, shown_*
--   link            id, before, after, reason, version
--   patch           id, before, after: JSON                 follow  id of the lead, name, before, after
--   record          id, after: its identifiers as JSON      holder  id of the record, name: kind, after: value
--   carry, relink   id of the row, name of the table, before, after
--   retire          id, after: who takes its place          restore id, before: likewise, after: image,
--                                                                   name: columns, reason: row, as JSON
--   rule            id, before or after: the ruling         erase   id of the lead
--   queue           id of the lead, after: why it waits
--   blank, copy     id of the customer, name: field, before: value
--   cell, blanked   what writing itself found: unique cells given up, fields that were blanked
--   lost            name: kind, after: value: what a record holds no more

CREATE TEMPORARY TABLE leadfold_stage (
    position integer NOT NULL, unit integer NOT NULL, part text NOT NULL,
    id text, name text, before text, after text, reason text, version bigint,
    shown_name text, shown_phone text, shown_email text
) PARTITION BY LIST (part) ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_link PARTITION OF pg_temp.leadfold_stage FOR VALUES IN ('link') ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_insert PARTITION OF pg_temp.leadfold_stage FOR VALUES IN ('insert') ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_follow PARTITION OF pg_temp.leadfold_stage FOR VALUES IN ('follow') ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_record PARTITION OF pg_temp.leadfold_stage FOR VALUES IN ('record') ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_holder PARTITION OF pg_temp.leadfold_stage FOR VALUES IN ('holder') ON COMMIT DROP;
CREATE TEMPORARY TABLE leadfold_stage_rest PARTITION OF pg_temp.leadfold_stage DEFAULT ON COMMIT DROP;
-- What joins and conditions meet: a tenth of the usual sample says as much, and is ten times as quick.
ALTER TABLE pg_temp.leadfold_stage ALTER COLUMN position SET STATISTICS 10, ALTER COLUMN part SET STATISTICS 10,
    ALTER COLUMN id SET STATISTICS 10, ALTER COLUMN name SET STATISTICS 10
