"""Registrations, and which organizations look alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, func, literal, select, union_all, update

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.keys import likeness_key, vat_key
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.registrations import (
    Likeness,
    LikenessReason,
    Lookalike,
    RegistrationEventRecord,
    RegistrationRecord,
    RegistrationStatus,
)
from connectors.directory.rows import ORGANIZATIONS, REGISTRATIONS
from connectors.directory.tables import audit_events, memberships, organizations, registrations, users
from connectors.directory.transaction import Transaction, oldest
from connectors.ids import RegistrationId, UserId

_registration, _organization, _event = registrations.c, organizations.c, audit_events.c
_IS_ORGANIZATION = _registration.organization_kind.is_not(None)
_WITH_TOKEN = REGISTRATIONS.select.where(_registration.token_hash == bindparam("token_hash"))
_WITH_REFERENCE = REGISTRATIONS.select.where(_registration.reference == bindparam("of_reference", type_=IdText))
_LAST_OF = REGISTRATIONS.select.where(
    _registration.id.in_(
        select(func.max(_registration.id)).where(one_of(_registration.user_id, "ids"), _IS_ORGANIZATION)
        .group_by(_registration.user_id)
    )
)  # fmt: skip
_WAITS_UNREMINDED = (
    _registration.status == RegistrationStatus.PENDING_REVIEW.value,
    _registration.reminded_at.is_(None),
)
_OVERDUE = (
    REGISTRATIONS.select.where(*_WAITS_UNREMINDED, _registration.review_due_at <= NOW)
    .order_by(_registration.id)
    .limit(bindparam("most"))
)
_EVENTS = (
    select(_event.id, _event.subject_id, _event.occurred_at, _event.actor_id, _event.after, _event.reason)
    .where(one_of(_event.subject_id, "ids"), _event.refused_with.is_(None))
    .order_by(_event.id)
)


def _alike(reason: LikenessReason, key: ColumnElement[Any], parameter: str) -> Select[Any]:
    return select(literal(reason.value).label("reason"), key.label("key"), *ORGANIZATIONS.columns).where(
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
    .where(_registration.id == bindparam("of_id"), *_WAITS_UNREMINDED)
    .values(reminded_at=bindparam("now"))
)
_FORGET_TOKENS = (
    update(registrations)
    .where(
        _registration.id.in_(
            oldest(
                _registration.id,
                _registration.token_hash.is_not(None),
                _registration.status != RegistrationStatus.EMAIL_UNVERIFIED.value,
                _registration.expires_at < bindparam("before", type_=UtcDateTime()),
                order=[_registration.expires_at],
            )
        )
    )
    .values(token_hash=None)
)
_RANK = list(LikenessReason)


class RegistrationQueries(DirectoryReader):
    """Queries about registrations."""

    async def registration_with_token(self, token_hash: bytes) -> RegistrationRecord | None:
        """Return the registration whose address this token confirms, or has confirmed, or did not in time.

        A month after it could have been used, it is forgotten which registration a token belongs to.
        """
        return REGISTRATIONS.first(await self.read(_WITH_TOKEN, token_hash=token_hash))

    async def registration_with_reference(self, reference: str) -> RegistrationRecord | None:
        """Return the registration with this reference."""
        return REGISTRATIONS.first(await self.read(_WITH_REFERENCE, of_reference=reference))

    async def organization_registrations_of(self, user_ids: Sequence[UserId]) -> Sequence[RegistrationRecord | None]:
        """Return each person's last registration of an organization."""
        found = REGISTRATIONS.records(await self.read_of(user_ids, _LAST_OF))
        return parallel(user_ids, {record.user_id: record for record in found if record.user_id is not None})

    async def overdue_registrations(self, now: datetime, limit: int) -> Sequence[RegistrationRecord]:
        """Return registrations that wait for a review past their time and of which nobody was reminded."""
        return REGISTRATIONS.records(await self.read(_OVERDUE, now=now, most=limit))

    async def registration_events(self, ids: Sequence[RegistrationId]) -> Sequence[Sequence[RegistrationEventRecord]]:
        """Return what happened to each registration, oldest first."""
        found = []
        for id, subject_id, occurred_at, actor_id, after, reason in await self.read_of(ids, _EVENTS):
            status = orjson.loads(after).get("status")
            if status is not None:
                found.append(
                    RegistrationEventRecord(id, subject_id, occurred_at, actor_id, RegistrationStatus(status), reason)
                )
        return gathered(ids, found, lambda event: event.registration_id)

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
        alike: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            alike.setdefault((row[0], row[1]), []).append(row)
        return [
            _lookalikes([row for reason, key in one.items() for row in alike.get((reason.value, key), ())])
            for one in keys
        ]


class RegistrationChanges(Transaction):
    """Changes of registrations."""

    async def store_registration(self, registration: RegistrationRecord, *, token_hash: bytes | None = None) -> None:
        """Store a registration as it is now, one version after the one that was read.

        A new token replaces the one that it had.

        Raises:
            ChangeConflict: Somebody else changed it meanwhile.
        """
        values = REGISTRATIONS.changed(registration)
        if token_hash is not None:
            values["token_hash"] = token_hash
        stored = await self._execute(
            _STORE.values(values), {"of_id": registration.id, "of_version": registration.version - 1}
        )
        if stored.rowcount == 0:
            raise ChangeConflict("Somebody else changed the registration meanwhile.")

    async def forget_registration_tokens(self, *, before: datetime) -> int:
        """Forget the tokens of registrations that could not be confirmed any more at this instant; return how many."""
        return (await self._execute(_FORGET_TOKENS, {"before": before})).rowcount

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


def _lookalikes(rows: Sequence[Row]) -> list[Lookalike]:
    reasons: dict[str, list[LikenessReason]] = {}
    found: dict[str, OrganizationRecord] = {}
    for row in rows:
        found.setdefault(row[2], ORGANIZATIONS.record(row[2:]))
        reasons.setdefault(row[2], []).append(LikenessReason(row[0]))
    alike = [Lookalike(found[id], tuple(sorted(given, key=_RANK.index))) for id, given in reasons.items()]
    return sorted(alike, key=lambda one: (-len(one.reasons), one.organization.id))
