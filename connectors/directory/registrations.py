"""Registrations, and which organizations look alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, func, insert, literal, select, union_all, update

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.database.sql_errors import ChangeConflict
from connectors.directory import mapping
from connectors.directory.keys import likeness_key, login_key, vat_key
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord
from connectors.directory.records.registrations import (
    Likeness,
    LikenessReason,
    Lookalike,
    RegistrationEventRecord,
    RegistrationRecord,
    RegistrationStatus,
)
from connectors.directory.tables import audit_events, memberships, organizations, registrations, users
from connectors.directory.transaction import Transaction
from connectors.ids import RegistrationId, UserId
from connectors.pages import Page, cursor, position
from connectors.values import AccountKind

LISTING = "registrations"
_registration, _organization, _event = registrations.c, organizations.c, audit_events.c
_COLUMNS = (
    _registration.id, _registration.version, _registration.reference, _registration.account_kind,
    _registration.organization_kind, _registration.organization_name, _registration.legal_name, _registration.vat_id,
    _registration.customer_number, _registration.seat, _registration.first_name, _registration.last_name,
    _registration.email, _registration.phone, _registration.locale, _registration.newsletter, _registration.role_keys,
    _registration.status, _registration.created_at, _registration.expires_at, _registration.submitted_at,
    _registration.review_due_at, _registration.reminded_at, _registration.decided_at, _registration.decided_by_id,
    _registration.note, _registration.answer, _registration.organization_id, _registration.user_id,
)  # fmt: skip
_IS_ORGANIZATION = _registration.organization_kind.is_not(None)
_REGISTRATIONS = select(*_COLUMNS)
_WITH_IDS = _REGISTRATIONS.where(one_of(_registration.id, "ids"))
_WITH_TOKEN = _REGISTRATIONS.where(_registration.token_hash == bindparam("token_hash"))
_WITH_REFERENCE = _REGISTRATIONS.where(_registration.reference == bindparam("of_reference", type_=IdText))
_LAST_OF = _REGISTRATIONS.where(
    _registration.id.in_(
        select(func.max(_registration.id)).where(one_of(_registration.user_id, "ids"), _IS_ORGANIZATION)
        .group_by(_registration.user_id)
    )
)  # fmt: skip
_IS_SUBMITTED = (one_of(_registration.status, "statuses"), _registration.submitted_at.is_not(None), _IS_ORGANIZATION)
_SUBMITTED = _REGISTRATIONS.where(*_IS_SUBMITTED).order_by(_registration.id).limit(bindparam("most"))
_SUBMITTED_AFTER = _SUBMITTED.where(_registration.id > bindparam("after_id", type_=IdText))
_COUNT_SUBMITTED = select(func.count()).select_from(registrations).where(*_IS_SUBMITTED)
_OVERDUE = (
    _REGISTRATIONS.where(
        _registration.status == RegistrationStatus.PENDING_REVIEW.value,
        _registration.review_due_at <= bindparam("now", type_=UtcDateTime),
        _registration.reminded_at.is_(None),
    )
    .order_by(_registration.id)
    .limit(bindparam("most"))
)
_EXPIRED = (
    _REGISTRATIONS.where(
        _registration.status == RegistrationStatus.EMAIL_UNVERIFIED.value,
        _registration.expires_at <= bindparam("now", type_=UtcDateTime),
    )
    .order_by(_registration.id)
    .limit(bindparam("most"))
)
_EVENTS = (
    select(_event.id, _event.subject_id, _event.occurred_at, _event.actor_id, _event.after, _event.reason)
    .where(one_of(_event.subject_id, "ids"), _event.refused_with.is_(None))
    .order_by(_event.id)
)


def _alike(reason: LikenessReason, key: ColumnElement[Any], parameter: str) -> Select[Any]:
    return select(literal(reason.value).label("reason"), key.label("key"), *mapping.ORGANIZATION).where(
        one_of(key, parameter)
    )


_LOOKALIKES = union_all(
    _alike(LikenessReason.VAT_ID, _organization.vat_key, "vat_keys"),
    _alike(LikenessReason.CUSTOMER_NUMBER, _organization.customer_number, "numbers"),
    _alike(LikenessReason.NAME, _organization.likeness_key, "names"),
    _alike(LikenessReason.MAIL_DOMAIN, users.c.email_domain, "domains")
    .select_from(
        users.join(memberships, memberships.c.user_id == users.c.id).join(
            organizations, _organization.id == memberships.c.organization_id
        )
    )
    .where(memberships.c.status != MembershipStatus.REMOVED.value)
    .distinct(),
)
_STORE = update(registrations).where(
    _registration.id == bindparam("of_id"), _registration.version == bindparam("of_version")
)
_REMIND = (
    update(registrations)
    .where(
        _registration.id == bindparam("of_id"),
        _registration.status == RegistrationStatus.PENDING_REVIEW.value,
        _registration.reminded_at.is_(None),
    )
    .values(reminded_at=bindparam("now"))
)
_RANK = list(LikenessReason)


class RegistrationQueries(DirectoryReader):
    """Queries about registrations."""

    async def registrations(self, ids: Sequence[RegistrationId]) -> Sequence[RegistrationRecord | None]:
        """Return the registrations with these ids."""
        return parallel(ids, {row[0]: _record(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def registration_with_token(self, token_hash: bytes) -> RegistrationRecord | None:
        """Return the registration whose address is confirmed by this token; None once it was used."""
        rows = await self.read(_WITH_TOKEN, token_hash=token_hash)
        return _record(rows[0]) if rows else None

    async def registration_with_reference(self, reference: str) -> RegistrationRecord | None:
        """Return the registration with this reference."""
        rows = await self.read(_WITH_REFERENCE, of_reference=reference)
        return _record(rows[0]) if rows else None

    async def organization_registrations_of(self, user_ids: Sequence[UserId]) -> Sequence[RegistrationRecord | None]:
        """Return each person's last registration of an organization."""
        found = map(_record, await self.read_of(user_ids, _LAST_OF))
        return parallel(user_ids, {record.user_id: record for record in found if record.user_id is not None})

    async def submitted_registrations(
        self, *, first: int, after: str | None, status: Sequence[RegistrationStatus]
    ) -> Page[RegistrationRecord]:
        """Return registrations of organizations by confirmed addresses that stand like this, oldest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        asked: dict[str, Any] = {"statuses": status, "most": first + 1}
        if after is None:
            rows = await self.read(_SUBMITTED, **asked)
        else:
            (after_id,) = position(LISTING, after, 1)
            rows = await self.read(_SUBMITTED_AFTER, after_id=after_id, **asked)
        found = [_record(row) for row in rows]
        return Page(found[:first], len(found) > first, after is not None, lambda entry: cursor(LISTING, entry.id))

    async def count_submitted_registrations(self, status: Sequence[RegistrationStatus]) -> int:
        """Return how many entries `submitted_registrations` has in all."""
        counted: int = (await self.read(_COUNT_SUBMITTED, statuses=status))[0][0]
        return counted

    async def overdue_registrations(self, now: datetime, limit: int) -> Sequence[RegistrationRecord]:
        """Return registrations that wait for a review past their time and of which nobody was reminded."""
        return [_record(row) for row in await self.read(_OVERDUE, now=now, most=limit)]

    async def expired_registrations(self, now: datetime, limit: int) -> Sequence[RegistrationRecord]:
        """Return registrations past their time that are not stored as EXPIRED yet."""
        return [_record(row) for row in await self.read(_EXPIRED, now=now, most=limit)]

    async def registration_events(self, ids: Sequence[RegistrationId]) -> Sequence[Sequence[RegistrationEventRecord]]:
        """Return what happened to each registration, oldest first."""
        found = []
        for id, subject_id, occurred_at, actor_id, after, reason in await self.read_of(ids, _EVENTS):
            status = orjson.loads(after).get("status")
            if status is not None:
                event = RegistrationEventRecord(
                    id, subject_id, occurred_at, actor_id, RegistrationStatus(status), reason
                )
                found.append((subject_id, event))
        return gathered(ids, found)

    async def lookalikes(self, of: Sequence[Likeness]) -> Sequence[Sequence[Lookalike]]:
        """Return the organizations that are the same in something, each once, those alike in the most first."""
        if not of:
            return []
        keys = [_keys(likeness) for likeness in of]
        wanted = {reason: list({one[reason] for one in keys if reason in one}) for reason in LikenessReason}
        rows = await self.read(
            _LOOKALIKES,
            vat_keys=wanted[LikenessReason.VAT_ID],
            numbers=wanted[LikenessReason.CUSTOMER_NUMBER],
            names=wanted[LikenessReason.NAME],
            domains=wanted[LikenessReason.MAIL_DOMAIN],
        )
        return [_lookalikes(one, rows) for one in keys]


class RegistrationChanges(Transaction):
    """Changes of registrations."""

    async def add_registration(self, registration: RegistrationRecord, token_hash: bytes | None) -> None:
        """Store a new registration, with the hash of the token that confirms its address."""
        await self._execute(insert(registrations), _row(registration) | {"token_hash": token_hash})

    async def store_registration(self, registration: RegistrationRecord) -> None:
        """Store a registration as it is now, one version after the one that was read; its token counts no more.

        Raises:
            ChangeConflict: Somebody else changed it meanwhile.
        """
        row = _row(registration)
        has_token = registration.status is RegistrationStatus.EMAIL_UNVERIFIED
        statement = _STORE.values(row if has_token else row | {"token_hash": None})
        stored = await self._execute(statement, {"of_id": registration.id, "of_version": registration.version - 1})
        if stored.rowcount == 0:
            raise ChangeConflict("Somebody else changed the registration meanwhile.")

    async def mark_reminded(self, id: RegistrationId, now: datetime) -> bool:
        """Say that the reviewers are reminded of a registration that waits; return whether nobody was before.

        Its version stays: whoever read it decides about the same.
        """
        return (await self._execute(_REMIND, {"of_id": id, "now": now})).rowcount > 0


def _keys(likeness: Likeness) -> dict[LikenessReason, str]:
    """Return what is looked up, by the reason that it would give."""
    keys = {
        LikenessReason.VAT_ID: vat_key(likeness.vat_id),
        LikenessReason.CUSTOMER_NUMBER: (likeness.customer_number or "").strip(),
        LikenessReason.NAME: likeness_key(likeness.name or ""),
        LikenessReason.MAIL_DOMAIN: (likeness.mail_domain or "").lower(),
    }
    return {reason: key for reason, key in keys.items() if key}


def _lookalikes(keys: dict[LikenessReason, str], rows: Sequence[Any]) -> list[Lookalike]:
    reasons: dict[str, list[LikenessReason]] = {}
    found: dict[str, OrganizationRecord] = {}
    for row in rows:
        reason = LikenessReason(row[0])
        if keys.get(reason) == row[1]:
            found.setdefault(row[2], mapping.organization(row[2:]))
            reasons.setdefault(row[2], []).append(reason)
    alike = [Lookalike(found[id], tuple(sorted(given, key=_RANK.index))) for id, given in reasons.items()]
    return sorted(alike, key=lambda one: (-len(one.reasons), one.organization.id))


def _record(row: Any) -> RegistrationRecord:
    (
        id, version, reference, account_kind, organization_kind, organization_name, legal_name, vat_id, customer_number,
        seat, first_name, last_name, email, phone, locale, newsletter, role_keys, status, *rest,
    ) = row  # fmt: skip
    return RegistrationRecord(
        id, version, reference, AccountKind(account_kind),
        OrganizationKind(organization_kind) if organization_kind is not None else None,
        organization_name, legal_name, vat_id, customer_number, mapping.address(seat), first_name, last_name, email,
        phone, locale, newsletter, tuple(orjson.loads(role_keys)), RegistrationStatus(status), *rest,
    )  # fmt: skip


def _row(record: RegistrationRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "version": record.version,
        "reference": record.reference,
        "account_kind": record.account_kind.value,
        "organization_kind": record.organization_kind.value if record.organization_kind is not None else None,
        "organization_name": record.organization_name,
        "legal_name": record.legal_name,
        "vat_id": record.vat_id,
        "customer_number": record.customer_number,
        "seat": orjson.dumps(record.seat).decode() if record.seat is not None else None,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "email": record.email,
        "email_key": login_key(record.email),
        "phone": record.phone,
        "locale": record.locale,
        "newsletter": record.newsletter,
        "role_keys": orjson.dumps(record.role_keys).decode(),
        "status": record.status.value,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "submitted_at": record.submitted_at,
        "review_due_at": record.review_due_at,
        "reminded_at": record.reminded_at,
        "decided_at": record.decided_at,
        "decided_by_id": record.decided_by_id,
        "note": record.note,
        "answer": record.answer,
        "organization_id": record.organization_id,
        "user_id": record.user_id,
    }
