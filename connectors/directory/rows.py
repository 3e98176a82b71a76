"""Which records the directory's tables keep."""

from connectors.database.record_rows import Rows
from connectors.directory.keys import access_request_keys, email_keys, organization_keys, user_keys
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.accounts import (
    AccountDeletionRecord,
    ConsentRecord,
    CredentialsRecord,
    DataExportRecord,
    MailedTokenRecord,
)
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.records.audit import AuditEntry, AuditEventRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.directory.tables import (
    access_requests,
    account_deletions,
    addresses,
    audit_events,
    change_requests,
    consents,
    data_exports,
    grants,
    invitations,
    join_requests,
    mailed_tokens,
    memberships,
    organizations,
    outbox,
    registrations,
    sessions,
    users,
)

ORGANIZATIONS = Rows(OrganizationRecord, organizations, derive=organization_keys)
USERS = Rows(UserRecord, users, derive=user_keys)
MEMBERSHIPS = Rows(MembershipRecord, memberships)
GRANTS = Rows(
    GrantRecord,
    grants,
    source=grants.join(memberships, memberships.c.id == grants.c.membership_id),
    user_id=memberships.c.user_id,
)
SESSIONS = Rows(SessionRecord, sessions)

CONSENTS = Rows(ConsentRecord, consents)
CREDENTIALS = Rows(
    CredentialsRecord,
    users,
    user_id=users.c.id,
    version=users.c.credential_version,
    item_id=users.c.credential_item_id,
)
MAILED_TOKENS = Rows(MailedTokenRecord, mailed_tokens)
DATA_EXPORTS = Rows(DataExportRecord, data_exports)
ACCOUNT_DELETIONS = Rows(AccountDeletionRecord, account_deletions)

ACCESS_REQUESTS = Rows(
    AccessRequestRecord,
    access_requests,
    source=access_requests.join(memberships, memberships.c.id == access_requests.c.membership_id),
    derive=access_request_keys,
    user_id=memberships.c.user_id,
)
CHANGE_REQUESTS = Rows(ChangeRequestRecord, change_requests)
INVITATIONS = Rows(InvitationRecord, invitations, derive=email_keys)
JOIN_REQUESTS = Rows(JoinRequestRecord, join_requests)
REGISTRATIONS = Rows(RegistrationRecord, registrations, derive=email_keys)

ADDRESSES = Rows(AddressRecord, addresses)
AUDIT_ENTRIES = Rows(AuditEntry, audit_events)
AUDIT_EVENTS = Rows(AuditEventRecord, audit_events, at=audit_events.c.occurred_at)
OUTBOX = Rows(OutboxRecord, outbox)
