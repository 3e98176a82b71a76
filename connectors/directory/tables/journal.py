"""What was done, what has to follow from it, and what must not be done twice."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, and_, literal_column

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.records.outbox import OutboxState
from connectors.directory.tables.metadata import METADATA, one_of

# Triggers of the first migration refuse to update or delete a row. There are no foreign keys: what was done stays
# on record when the person or the organization is gone.
audit_events = Table(
    "audit_events",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("action", IdText, nullable=False),
    Column("actor_id", IdText),
    Column("subject_id", IdText, nullable=False),
    Column("organization_id", IdText),
    Column("request_id", CleanText, nullable=False),
    Column("ip_address", CleanText),
    Column("before", CleanText, nullable=False, doc="JSON object of names and values"),
    Column("after", CleanText, nullable=False, doc="JSON object of names and values"),
    Column("reason", CleanText, doc="why, in the actor's own words"),
    Column("refused_with", IdText, doc="the code of the refusal; null for what was done"),
    Index("ix_audit_events_organization_id", "organization_id", "occurred_at", "id"),
    Index("ix_audit_events_action", "organization_id", "action", "occurred_at", "id"),
    Index("ix_audit_events_actor_id", "actor_id", "occurred_at", "id"),
    Index("ix_audit_events_actor_id_organization_id", "actor_id", "organization_id", "subject_id"),
    Index("ix_audit_events_subject_id", "subject_id", "occurred_at", "id"),
    Index("ix_audit_events_occurred_at", "occurred_at", "id"),
)

# An index of those alone, for reviewers are asked about whoever has something to do with a registration. Literals, for
# PostgreSQL would not see that a parameter has the value.
IS_OF_REGISTRATION = and_(
    audit_events.c.action >= literal_column("'registration.'"),
    audit_events.c.action < literal_column("'registration/'"),
)
Index(
    "ix_audit_events_registration",
    audit_events.c.actor_id,
    sqlite_where=IS_OF_REGISTRATION,
    postgresql_where=IS_OF_REGISTRATION,
)

# What has to happen after a change was stored, written in the same transaction and carried out by a worker.
outbox = Table(
    "outbox",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("kind", IdText, nullable=False),
    Column("content", CleanText, nullable=False, doc="JSON object"),
    Column("sealed", CleanText, doc="what may not be read here, encrypted; gone when it is done"),
    Column("state", IdText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, doc="not before; while somebody is at it, when others may try"),
    Column("attempts", Integer, nullable=False),
    Column("last_error", CleanText),
    Column("ended_at", UtcDateTime),
    Index("ix_outbox_state", "state", "due_at", "id"),
    one_of("state", OutboxState),
)

# One row, written to find out whether anything can be written.
write_checks = Table(
    "write_checks",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("checked_at", UtcDateTime, nullable=False),
    info={"is_copied": False},
)

idempotency_records = Table(
    "idempotency_records",
    METADATA,
    Column("actor", IdText, primary_key=True, doc="the person's id; empty for somebody who is not signed in"),
    Column("key", IdText, primary_key=True),
    Column("input_hash", LargeBinary, nullable=False),
    Column("receipt", CleanText, nullable=False, doc="JSON of what the first request answered"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)
