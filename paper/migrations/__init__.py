"""How a paper store is brought up to date; alembic reads this folder."""
