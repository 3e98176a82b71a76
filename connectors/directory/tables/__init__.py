"""The directory's tables."""

from connectors.directory.tables.access import (
    grants,
    login_names,
    memberships,
    organizations,
    users,
    vendor_permissions,
)
from connectors.directory.tables.accounts import account_deletions, consents, data_exports, mailed_tokens
from connectors.directory.tables.external_ids import organization_external_ids, user_external_ids
from connectors.directory.tables.invitations import invitations
from connectors.directory.tables.journal import audit_events, idempotency_records, outbox, write_checks
from connectors.directory.tables.metadata import METADATA
from connectors.directory.tables.registrations import registrations
from connectors.directory.tables.requests import access_requests, addresses, change_requests, join_requests
from connectors.directory.tables.sessions import refresh_tokens, sessions

__all__ = [
    "METADATA",
    "access_requests",
    "account_deletions",
    "addresses",
    "audit_events",
    "change_requests",
    "consents",
    "data_exports",
    "grants",
    "idempotency_records",
    "invitations",
    "join_requests",
    "login_names",
    "mailed_tokens",
    "memberships",
    "organization_external_ids",
    "organizations",
    "outbox",
    "refresh_tokens",
    "registrations",
    "sessions",
    "user_external_ids",
    "users",
    "vendor_permissions",
    "write_checks",
]
