"""The command line: arguments in, calls, text out; no rule of grouping lives here."""
