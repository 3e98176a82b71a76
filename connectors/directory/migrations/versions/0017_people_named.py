"""Who sent, accepted or decided something is found by an index: they may be looked up by those who read it."""

from alembic import op

revision = "0017"
down_revision = "0016"

_COLUMNS = (
    ("access_requests", "decided_by_id"),
    ("join_requests", "decided_by_id"),
    ("change_requests", "decided_by_id"),
    ("invitations", "inviter_id"),
    ("invitations", "accepted_by_id"),
)


def upgrade() -> None:
    """Make the indexes."""
    for table, column in _COLUMNS:
        op.create_index(f"ix_{table}_{column}", table, [column])
