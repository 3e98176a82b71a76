"""Which id stands for an organization or a person in another back end."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the tables; both are empty, so that customer numbers and e-mail addresses count as they did."""
    for table, owner, owners in (
        ("organization_external_ids", "organization_id", "organizations"),
        ("user_external_ids", "user_id", "users"),
    ):
        op.create_table(
            table,
            sa.Column("backend", IdText, nullable=False),
            sa.Column(owner, IdText, sa.ForeignKey(f"{owners}.id", name=f"fk_{table}_{owner}"), nullable=False),
            sa.Column("external_id", IdText, nullable=False),
            sa.PrimaryKeyConstraint("backend", owner, name=f"pk_{table}"),
            sa.UniqueConstraint("backend", "external_id", name=f"uq_{table}_backend_external_id"),
        )
    op.create_index("ix_user_external_ids_user_id", "user_external_ids", ["user_id"])
