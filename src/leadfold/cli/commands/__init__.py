"""What each command of ``leadfold`` does: options in, calls, an answer out. No logic of its own."""
