"""Run by alembic for every database of ours: migrates within the transaction that it is given."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=given["metadata"],
    version_table=given["version_table"],
)
context.run_migrations()
