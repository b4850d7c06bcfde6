"""Alembic's entry point. `migrate` passes the connection and the callback in the attributes of the config."""

from alembic import context

from casare_rpa.infrastructure.orchestrator.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    on_version_apply=context.config.attributes.get("on_version_apply"),
)
with context.begin_transaction():
    context.run_migrations()
