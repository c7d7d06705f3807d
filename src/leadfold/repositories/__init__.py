"""Adapters of the port; each is imported by its full path, so that none loads another."""
