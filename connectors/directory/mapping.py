"""Rows of the directory's tables to its records, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement

from connectors.directory import keys, tables
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.ids import OrganizationId
from connectors.values import AccountKind, Address, address_from

Columns = Sequence[ColumnElement[Any]]
Values = Sequence[Any]

_u, _o, _m, _g, _s = (
    tables.users.c,
    tables.organizations.c,
    tables.memberships.c,
    tables.grants.c,
    tables.sessions.c,
)

USER: Columns = (
    _u.id, _u.email, _u.email_verified, _u.first_name, _u.last_name, _u.phone, _u.locale, _u.address,
    _u.account_kind, _u.default_organization_id, _u.created_at, _u.profile_version,
)  # fmt: skip
ORGANIZATION: Columns = (
    _o.id, _o.version, _o.customer_number, _o.name, _o.legal_name, _o.kind, _o.status, _o.seat, _o.vat_id,
    _o.phone, _o.email, _o.website,
)  # fmt: skip
MEMBERSHIP: Columns = (_m.id, _m.version, _m.organization_id, _m.user_id, _m.status, _m.joined_at, _m.job_title)
GRANT: Columns = (
    _g.id, _g.membership_id, _m.organization_id, _m.user_id, _g.kind, _g.key, _g.granted_at, _g.granted_by_id,
    _g.valid_until,
)  # fmt: skip
SESSION: Columns = (
    _s.id, _s.user_id, _s.device_label, _s.ip_address, _s.created_at, _s.last_seen_at, _s.expires_at,
)  # fmt: skip

# An enum called with a value takes ten times as long to find its member.
_ACCOUNT_KINDS: dict[str, AccountKind] = {kind.value: kind for kind in AccountKind}
_ORGANIZATION_KINDS: dict[str, OrganizationKind] = {kind.value: kind for kind in OrganizationKind}
_ORGANIZATION_STATUSES: dict[str, OrganizationStatus] = {status.value: status for status in OrganizationStatus}
MEMBERSHIP_STATUSES: dict[str, MembershipStatus] = {status.value: status for status in MembershipStatus}
_GRANT_KINDS: dict[str, GrantKind] = {kind.value: kind for kind in GrantKind}


def user(values: Values, seen_in: OrganizationId | None = None) -> UserRecord:
    """Return the person from the values of the USER columns."""
    id, email, verified, first_name, last_name, phone, locale, home, kind, default, created_at, version = values
    return UserRecord(
        id, email, verified, first_name, last_name, phone, locale, address(home), _ACCOUNT_KINDS[kind], default,
        created_at, version, seen_in,
    )  # fmt: skip


def organization(values: Values) -> OrganizationRecord:
    """Return the organization from the values of the ORGANIZATION columns."""
    id, version, customer_number, name, legal_name, kind, status, seat, vat_id, phone, email, website = values
    return OrganizationRecord(
        id, version, customer_number, name, legal_name, _ORGANIZATION_KINDS[kind], _ORGANIZATION_STATUSES[status],
        address(seat), vat_id, phone, email, website,
    )  # fmt: skip


def membership(values: Values, person: UserRecord | None = None) -> MembershipRecord:
    """Return the membership from the values of the MEMBERSHIP columns."""
    id, version, organization_id, user_id, status, joined_at, job_title = values
    return MembershipRecord(
        id, version, organization_id, user_id, MEMBERSHIP_STATUSES[status], joined_at, job_title, person
    )


def grant(values: Values) -> GrantRecord:
    """Return the grant from the values of the GRANT columns."""
    id, membership_id, organization_id, user_id, kind, key, granted_at, granted_by_id, valid_until = values
    return GrantRecord(
        id, membership_id, organization_id, user_id, _GRANT_KINDS[kind], key, granted_at, granted_by_id, valid_until
    )


def session(values: Values) -> SessionRecord:
    """Return the session from the values of the SESSION columns."""
    return SessionRecord(*values)


def address(text: str | None) -> Address | None:
    """Return the address kept as JSON."""
    return None if text is None else address_from(text)


def user_row(record: UserRecord) -> dict[str, Any]:
    """Return the row of table `users` for a person."""
    values = {
        "id": record.id,
        "email": record.email,
        "email_verified": record.email_verified,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "phone": record.phone,
        "locale": record.locale,
        "address": _json(record.address),
        "account_kind": record.account_kind.value,
        "default_organization_id": record.default_organization_id,
        "created_at": record.created_at,
        "profile_version": record.profile_version,
    }
    return values | derived_of_user(values)


def derived_of_user(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of table `users` that are made of others (see `connectors.directory.migrations.derived`)."""
    first_name, last_name = keys.folded(values["first_name"]), keys.folded(values["last_name"])
    return {
        "email_key": keys.login_key(values["email"]) if values["email_verified"] else values["id"],
        "last_name_key": last_name,
        "first_name_key": first_name,
        "search_text": f"{first_name} {last_name}\n{keys.folded(values['email'])}",
        "email_domain": keys.mail_domain(values["email"]) if values["email_verified"] else None,
    }


def user_values(record: UserRecord) -> dict[str, Any]:
    """Return what changes in the row of a person: all but the id, for which SQLite would look at who refers to it."""
    values = user_row(record)
    del values["id"]
    return values


def organization_row(record: OrganizationRecord) -> dict[str, Any]:
    """Return the row of table `organizations` for an organization."""
    values = {
        "id": record.id,
        "version": record.version,
        "customer_number": record.customer_number,
        "name": record.name,
        "legal_name": record.legal_name,
        "kind": record.kind.value,
        "status": record.status.value,
        "seat": _json(record.seat),
        "vat_id": record.vat_id,
        "phone": record.phone,
        "email": record.email,
        "website": record.website,
    }
    return values | derived_of_organization(values)


def derived_of_organization(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of table `organizations` that are made of others."""
    return {
        "name_key": keys.folded(values["name"]),
        "vat_key": keys.vat_key(values["vat_id"]),
        "likeness_key": keys.likeness_key(values["name"]),
    }


def membership_row(record: MembershipRecord) -> dict[str, Any]:
    """Return the row of table `memberships` for a membership."""
    return {
        "id": record.id,
        "version": record.version,
        "organization_id": record.organization_id,
        "user_id": record.user_id,
        "status": record.status.value,
        "joined_at": record.joined_at,
        "job_title": record.job_title,
    }


def grant_row(record: GrantRecord) -> dict[str, Any]:
    """Return the row of table `grants` for a grant; whose it is follows from its membership."""
    return {
        "id": record.id,
        "membership_id": record.membership_id,
        "kind": record.kind.value,
        "key": record.key,
        "granted_at": record.granted_at,
        "granted_by_id": record.granted_by_id,
        "valid_until": record.valid_until,
    }


def session_row(record: SessionRecord) -> dict[str, Any]:
    """Return the row of table `sessions` for a session that begins."""
    return {
        "id": record.id,
        "user_id": record.user_id,
        "device_label": record.device_label,
        "ip_address": record.ip_address,
        "created_at": record.created_at,
        "last_seen_at": record.last_seen_at,
        "expires_at": record.expires_at,
    }


def _json(address: Address | None) -> str | None:
    return None if address is None else orjson.dumps(address).decode()
