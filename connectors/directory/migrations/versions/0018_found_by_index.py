"""What is looked for every minute, and whether somebody did anything in an organization, is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make both."""
    has_token = sa.text("token_hash IS NOT NULL")
    op.create_index(
        "ix_registrations_token_expires_at",
        "registrations",
        ["expires_at"],
        sqlite_where=has_token,
        postgresql_where=has_token,
    )
    op.create_index(
        "ix_audit_events_actor_id_organization_id", "audit_events", ["actor_id", "organization_id", "subject_id"]
    )
