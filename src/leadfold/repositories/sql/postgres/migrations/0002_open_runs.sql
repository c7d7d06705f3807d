-- Runs that many write under at once: the numbers of their units, and claims without a clock. A claim's
-- version is its transaction; what a clock counted before is older than any.

CREATE SEQUENCE {own}.unit_numbers AS integer CYCLE;

ALTER TABLE {own}.index_state DROP COLUMN clock;
