"""One lead now: the set connected with it is found, decided anew, and the difference written."""
