"""The library: one rule per file, named as in the catalogue."""
