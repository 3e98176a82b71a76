"""The audit log speaks of ids: what it kept of people's names, telephone numbers, streets and addresses is masked."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_MASKED = {
    "profile.update": ("first_name", "last_name", "phone", "locale", "address"),
    "address.add": ("address",),
    "address.change": ("address",),
    "address.remove": ("address",),
}
_EVENTS = sa.table("audit_events", *(sa.column(name) for name in ("id", "action", "before", "after")))
_AT_ONCE = 1_000


def upgrade() -> None:
    """Mask the values of the rows that are there, the one time that the log is not append only."""
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        op.execute("ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only")
    else:
        op.execute("DROP TRIGGER audit_events_refuse_update")
    last = ""
    while rows := _next(connection, last):
        for id, action, before, after in rows:
            values = {"before": _masked(action, before), "after": _masked(action, after)}
            if (values["before"], values["after"]) != (before, after):
                connection.execute(sa.update(_EVENTS).where(_EVENTS.c.id == id).values(values))
        last = rows[-1][0]
    if is_postgresql:
        op.execute("ALTER TABLE audit_events ENABLE TRIGGER audit_events_append_only")
    else:
        op.execute(
            "CREATE TRIGGER audit_events_refuse_update BEFORE UPDATE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'The audit log is append only.'); END"
        )


def _next(connection: sa.Connection, last: str) -> list[Any]:
    personal = sa.or_(_EVENTS.c.action.in_(list(_MASKED)), _EVENTS.c.action.like("invitation.%"))
    found = sa.select(_EVENTS).where(personal, _EVENTS.c.id > last).order_by(_EVENTS.c.id).limit(_AT_ONCE)
    return list(connection.execute(found))


def _masked(action: str, written: str) -> str:
    values = json.loads(written)
    for name in _MASKED.get(action, ()):
        if values.get(name) is not None:
            values[name] = "***"
    if action.startswith("invitation.") and values.get("email") is not None:
        name, _, domain = values["email"].rpartition("@")
        values["email"] = f"{name[:1]}***@{domain}"
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
