-- Runs that many writes are made under: the numbers of their units are looked up.

DROP INDEX leadfold_ledger_run;
CREATE INDEX leadfold_ledger_run ON leadfold_ledger (run, unit);
