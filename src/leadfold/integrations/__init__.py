"""Other libraries' objects in, the same out. Each is imported by its full path; nothing here."""
