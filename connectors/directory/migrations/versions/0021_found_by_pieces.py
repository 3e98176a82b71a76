"""Members are found by words of any length by index, and those whom many words fit, in the order of their list."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText, MadeOf
from connectors.database.text_search import make_index

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the index of pieces, and let the indexes that lists are read by have the texts."""
    op.add_column(
        "memberships",
        sa.Column("listed_text", IdText, MadeOf("CASE WHEN length(search_text) <= 200 THEN search_text END")),
    )
    by_name = ("last_name_key", "first_name_key", "id", "listed_text")
    for index, columns in (
        ("name", by_name),
        ("joined_up", ("joined_up", *by_name)),
        ("joined_down", ("joined_down", *by_name)),
    ):
        op.drop_index(f"ix_memberships_{index}", "memberships")
        op.create_index(f"ix_memberships_{index}", "memberships", ["organization_id", "status_rank", *columns])
    is_present = sa.text("status <> 'REMOVED'")
    op.drop_index("ix_memberships_present", "memberships")
    op.create_index(
        "ix_memberships_present",
        "memberships",
        ["organization_id", *by_name],
        sqlite_where=is_present,
        postgresql_where=is_present,
    )
    make_index(op.get_bind(), "memberships")
