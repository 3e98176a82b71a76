"""The successor of a refresh token, sealed, for as long as the token may be used again."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; tokens that were replaced before have nothing there, and cannot be used again."""
    op.add_column("refresh_tokens", sa.Column("sealed_successor", CleanText))
    where = sa.text("sealed_successor IS NOT NULL")
    op.create_index(
        "ix_refresh_tokens_sealed_successor",
        "refresh_tokens",
        ["replaced_at"],
        postgresql_where=where,
        sqlite_where=where,
    )
