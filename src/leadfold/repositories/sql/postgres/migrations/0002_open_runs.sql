-- Runs that many writes are made under, at once: the numbers of their units.

CREATE SEQUENCE {own}.unit_numbers AS integer CYCLE;
