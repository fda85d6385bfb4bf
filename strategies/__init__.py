"""Rules that form an opinion on every symbol at every close; one rule per file, found by name."""
