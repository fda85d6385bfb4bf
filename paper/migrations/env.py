"""Run by alembic: migrates within the transaction of the connection that it is given."""

from alembic import context

from benbot.paper.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
