"""All that is kept of a person, to hand it over to them and to erase it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Delete,
    Select,
    Update,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)

from connectors.directory.people import PeopleChanges
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.accounts import DataExportStatus, PersonalData
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.people import DELETED, DELETED_ADDRESS
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import (
    access_requests,
    account_deletions,
    audit_events,
    change_requests,
    consents,
    data_exports,
    grants,
    invitations,
    join_requests,
    login_names,
    mailed_tokens,
    memberships,
    organizations,
    registrations,
    sessions,
    user_external_ids,
    users,
    vendor_permissions,
)
from connectors.ids import UserId

_PERSON: BindParameter[str] = bindparam("of_user")
_MEMBERSHIP_IDS = select(memberships.c.id).where(memberships.c.user_id == _PERSON)
_EMAIL_KEY = select(users.c.email_key).where(users.c.id == _PERSON).scalar_subquery()
_ORGANIZATION = organizations.c.name.label("organization")
_REQUEST = ("id", "organization_id", "message", "status", "created_at", "decided_at", "note")


def _columns(table: Any, *names: str) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in names]


def _of(table: Any, key: str, *names: str) -> Select[Any]:
    return select(*_columns(table, *names)).where(table.c[key] == _PERSON).order_by(table.c[names[0]])


def _with_organization(table: Any, where: ColumnElement[bool], *names: str) -> Select[Any]:
    both = table.join(organizations, organizations.c.id == table.c.organization_id)
    return select(*_columns(table, *names), _ORGANIZATION).select_from(both).where(where).order_by(table.c.id)


# Without hashes, and without the ids of others who gave, decided or invited.
_KEPT: Mapping[str, Select[Any]] = {
    "profile": _of(
        users, "id", "id", "email", "email_verified", "first_name", "last_name", "phone", "locale", "time_zone",
        "address",
        "account_kind", "default_organization_id", "created_at",
    ),
    "login_names": _of(login_names, "user_id", "name"),
    "external_ids": _of(user_external_ids, "user_id", "backend", "external_id"),
    "vendor_permissions": _of(vendor_permissions, "user_id", "permission"),
    "memberships": _with_organization(
        memberships, memberships.c.user_id == _PERSON, "id", "organization_id", "status", "joined_at", "job_title"
    ),
    "grants": select(*_columns(grants, "id", "membership_id", "kind", "key", "granted_at", "valid_until"))
    .where(grants.c.membership_id.in_(_MEMBERSHIP_IDS))
    .order_by(grants.c.id),
    "sessions": _of(
        sessions, "user_id", "id", "device_label", "ip_address", "created_at", "last_seen_at", "expires_at", "ended_at"
    ),
    "consents": _of(consents, "user_id", "id", "purpose", "granted", "changed_at", "source"),
    "mailed_links": _of(mailed_tokens, "user_id", "created_at", "purpose", "value", "expires_at", "used_at"),
    "data_exports": _of(data_exports, "user_id", "id", "status", "requested_at", "expires_at"),
    "account_deletion": _of(account_deletions, "user_id", "requested_at", "due_at"),
    "invitations": _with_organization(
        invitations,
        or_(
            invitations.c.email_key == _EMAIL_KEY,
            invitations.c.account_id == _PERSON,
            invitations.c.membership_id.in_(_MEMBERSHIP_IDS),
        ),
        "id", "organization_id", "email", "first_name", "last_name", "locale", "message", "role_keys", "permissions",
        "valid_until", "status", "created_at", "expires_at", "ended_at",
    ),
    "registrations": select(
        *_columns(
            registrations, "id", "reference", "account_kind", "organization_kind", "organization_name", "legal_name",
            "vat_id", "customer_number", "seat", "first_name", "last_name", "email", "phone", "locale", "newsletter",
            "role_keys", "status", "created_at", "submitted_at", "decided_at", "note", "answer",
        )
    )
    .where(or_(registrations.c.user_id == _PERSON, registrations.c.email_key == _EMAIL_KEY))
    .order_by(registrations.c.id),
    "join_requests": _with_organization(join_requests, join_requests.c.user_id == _PERSON, *_REQUEST),
    "access_requests": _with_organization(
        access_requests,
        access_requests.c.membership_id.in_(_MEMBERSHIP_IDS),
        *_REQUEST, "role_keys", "permissions", "valid_until",
    ),
    "change_requests": _with_organization(
        change_requests, change_requests.c.requested_by_id == _PERSON, *_REQUEST, "name", "legal_name", "seat"
    ),
    "audit_events": select(
        *_columns(
            audit_events, "id", "occurred_at", "action", "subject_id", "organization_id", "request_id", "ip_address",
            "before", "after", "reason", "refused_with",
        )
    )
    .where(audit_events.c.actor_id == _PERSON)
    .order_by(audit_events.c.id),
    "audit_events_by_others": select(
        *_columns(audit_events, "id", "occurred_at", "action", "subject_id", "organization_id", "before", "after")
    )
    .where(
        or_(audit_events.c.subject_id == _PERSON, audit_events.c.subject_id.in_(_MEMBERSHIP_IDS)),
        or_(audit_events.c.actor_id.is_(None), audit_events.c.actor_id != _PERSON),
    )
    .order_by(audit_events.c.id),
}  # fmt: skip
_JSON = frozenset({"address", "seat", "role_keys", "permissions", "before", "after"})
_ERASE: Sequence[Update | Delete] = (
    delete(login_names).where(login_names.c.user_id == _PERSON),
    delete(user_external_ids).where(user_external_ids.c.user_id == _PERSON),
    delete(mailed_tokens).where(mailed_tokens.c.user_id == _PERSON),
    delete(account_deletions).where(account_deletions.c.user_id == _PERSON),
    update(data_exports)
    .where(data_exports.c.user_id == _PERSON)
    .values(status=DataExportStatus.EXPIRED.value, content=None),
    update(sessions).where(sessions.c.user_id == _PERSON).values(device_label=DELETED, ip_address=None, network=None),
    update(registrations)
    .where(registrations.c.user_id == _PERSON)
    .values(
        email=DELETED_ADDRESS,
        email_key=registrations.c.id,
        first_name=DELETED,
        last_name=DELETED,
        phone=None,
        token_hash=None,
    ),
)


def _withdraw(table: Any, whose: ColumnElement[bool]) -> Update:
    return (
        update(table)
        .where(whose, table.c.status == RequestStatus.PENDING.value)
        .values(status=RequestStatus.WITHDRAWN.value, decided_at=NOW, message=None)
    )


_END = (
    _withdraw(join_requests, join_requests.c.user_id == _PERSON),
    _withdraw(access_requests, access_requests.c.membership_id.in_(_MEMBERSHIP_IDS)),
    update(invitations).where(invitations.c.account_id == _PERSON).values(account_id=None),
    # An open invitation of a membership that has ended must not bring it back.
    update(invitations)
    .where(invitations.c.membership_id.in_(_MEMBERSHIP_IDS))
    .values(
        status=case(
            (invitations.c.status == InvitationStatus.PENDING.value, InvitationStatus.REVOKED.value),
            else_=invitations.c.status,
        ),
        ended_at=case((invitations.c.status == InvitationStatus.PENDING.value, NOW), else_=invitations.c.ended_at),
        email=DELETED_ADDRESS,
        email_key=invitations.c.id,
        first_name=None,
        last_name=None,
        message=None,
    ),
)


class PersonalDataQueries(DirectoryReader):
    """The query that lists what is kept of a person."""

    async def kept_of(self, user_id: UserId) -> PersonalData:
        """Return all that the directory keeps of a person, without secrets and without what others are called.

        The one query that costs several statements, one for each topic.
        """
        return {
            topic: [_entry(statement, row) for row in await self.read(statement, of_user=user_id)]
            for topic, statement in _KEPT.items()
        }


class PersonalDataChanges(PeopleChanges):
    """Erasing who a person was."""

    async def forget_person(self, user_id: UserId, now: datetime) -> None:
        """Erase who a person was: names, addresses, login names, external ids, devices, tokens, exports, and a planned
        deletion.

        Open requests of theirs are withdrawn. The row stays, without a name, and so do the consents (that they were
        given has to be proved longer) and the audit log, which speaks of ids. Memberships and sessions are ended
        before.
        """
        before = await self._locked_user(user_id)
        for statement in _END:
            await self._execute(statement, {"of_user": user_id, "now": now})
        for erasing in _ERASE:
            await self._execute(erasing, {"of_user": user_id})
        nobody = replace(
            before,
            email=DELETED_ADDRESS,
            email_verified=False,
            first_name=DELETED,
            last_name="",
            phone=None,
            locale=None,
            time_zone=None,
            address=None,
            default_organization_id=None,
        )
        await self._store_user(nobody)


def _entry(statement: Select[Any], row: Sequence[Any]) -> dict[str, Any]:
    names = [column.key for column in statement.selected_columns]
    return {
        str(name): orjson.loads(value) if name in _JSON and isinstance(value, str) else value
        for name, value in zip(names, row, strict=True)
    }
