"""Lists are read by index, however long: what members are sorted and found by stands beside the organization.

Triggers keep it as the person has it. They are the one place that does: whoever inserts a membership, gives it to
somebody else or changes a person's name or address needs to know nothing of it. Nor does a process of the last version,
which gives grants without their organization while it is being replaced.
"""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText, MadeOf, UtcDateTime

revision = "0019"
down_revision = "0018"

_RANK = "CASE status WHEN 'INVITED' THEN '0' WHEN 'ACTIVE' THEN '1' WHEN 'SUSPENDED' THEN '2' ELSE '3' END"
_COPIED = "last_name_key, first_name_key, search_text"
_BEFORE, _NOW = (", ".join(f"{row}.{name}" for name in _COPIED.split(", ")) for row in ("OLD", "NEW"))

_FILL = f"""
UPDATE memberships SET ({_COPIED}) = (users.last_name_key, users.first_name_key, users.search_text)
FROM users WHERE users.id = memberships.user_id"""
_FILL_GRANTS = """
UPDATE grants SET organization_id = memberships.organization_id
FROM memberships WHERE memberships.id = grants.membership_id"""

# Whose membership it is may change their name just now: FOR NO KEY UPDATE waits for them, and has them wait.
_POSTGRESQL = (
    f"""
CREATE FUNCTION memberships_take_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    SELECT {_COPIED} INTO {_NOW}
    FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER memberships_take_name BEFORE INSERT OR UPDATE OF user_id ON memberships
FOR EACH ROW EXECUTE FUNCTION memberships_take_name()""",
    f"""
CREATE FUNCTION users_pass_name_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE memberships SET ({_COPIED}) = ({_NOW})
    WHERE user_id = NEW.id;
    RETURN NULL;
END $$""",
    f"""
CREATE TRIGGER users_pass_name_on AFTER UPDATE OF {_COPIED} ON users
FOR EACH ROW WHEN (({_BEFORE}) <> ({_NOW})) EXECUTE FUNCTION users_pass_name_on()""",
    """
CREATE FUNCTION grants_take_organization() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    SELECT organization_id INTO NEW.organization_id FROM memberships WHERE id = NEW.membership_id;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER grants_take_organization BEFORE INSERT ON grants
FOR EACH ROW WHEN (NEW.organization_id = '') EXECUTE FUNCTION grants_take_organization()""",
)

_TAKE_NAME = f"""
    UPDATE memberships SET ({_COPIED}) = (SELECT {_COPIED} FROM users WHERE id = NEW.user_id) WHERE id = NEW.id;
END"""
_SQLITE = (
    f"CREATE TRIGGER memberships_take_name AFTER INSERT ON memberships BEGIN {_TAKE_NAME}",
    f"CREATE TRIGGER memberships_take_other_name AFTER UPDATE OF user_id ON memberships BEGIN {_TAKE_NAME}",
    f"""
CREATE TRIGGER users_pass_name_on AFTER UPDATE OF {_COPIED} ON users WHEN ({_BEFORE}) <> ({_NOW}) BEGIN
    UPDATE memberships SET ({_COPIED}) = ({_NOW})
    WHERE user_id = NEW.id;
END""",
    """
CREATE TRIGGER grants_take_organization AFTER INSERT ON grants WHEN NEW.organization_id = '' BEGIN
    UPDATE grants SET organization_id = (SELECT organization_id FROM memberships WHERE id = NEW.membership_id)
    WHERE id = NEW.id;
END""",
)


def upgrade() -> None:
    """Add the columns, fill them, keep them by triggers, and index what lists are read by."""
    connection = op.get_bind()
    for name in ("last_name_key", "first_name_key", "search_text"):
        op.add_column("memberships", sa.Column(name, IdText, nullable=False, server_default=""))
    op.add_column("grants", sa.Column("organization_id", IdText, nullable=False, server_default=""))
    for statement in _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE:
        connection.exec_driver_sql(statement)
    op.execute(_FILL)  # after the triggers: whoever is renamed while this runs would keep the old name here
    op.execute(_FILL_GRANTS)
    for name, type_, made_of in (
        ("status_rank", IdText, _RANK),
        ("joined_up", UtcDateTime, "coalesce(joined_at, '9999-12-31 00:00:00.000000')"),
        ("joined_down", UtcDateTime, "coalesce(joined_at, '0001-01-02 00:00:00.000000')"),
    ):
        op.add_column("memberships", sa.Column(name, type_, MadeOf(made_of)))
    op.drop_index("ix_memberships_organization_id", "memberships")
    op.create_index("ix_memberships_organization_id", "memberships", ["organization_id", "status"])
    by_name = ("last_name_key", "first_name_key", "id")
    for index, columns in (
        ("name", by_name),
        ("joined_up", ("joined_up", *by_name)),
        ("joined_down", ("joined_down", *by_name)),
    ):
        op.create_index(f"ix_memberships_{index}", "memberships", ["organization_id", "status_rank", *columns])
    is_present = sa.text("status <> 'REMOVED'")
    op.create_index(
        "ix_memberships_present",
        "memberships",
        ["organization_id", *by_name],
        sqlite_where=is_present,
        postgresql_where=is_present,
    )
    op.create_index("ix_grants_organization_id", "grants", ["organization_id", "kind", "key", "membership_id"])
    for table in ("access_requests", "join_requests", "change_requests", "invitations"):
        op.drop_index(f"ix_{table}_organization_id", table)
        op.create_index(f"ix_{table}_organization_id", table, ["organization_id", "status", "id"])
    op.create_index("ix_audit_events_action", "audit_events", ["organization_id", "action", "occurred_at", "id"])
    is_of_registration = sa.text("action >= 'registration.' AND action < 'registration/'")
    op.create_index(
        "ix_audit_events_registration",
        "audit_events",
        ["actor_id"],
        sqlite_where=is_of_registration,
        postgresql_where=is_of_registration,
    )
