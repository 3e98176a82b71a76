"""The directory's records of a demo's organizations and people."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from random import Random

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.ids import GrantId, InvitationId, MembershipId, OrganizationId, RegistrationId, UserId, base32
from connectors.values import AccountKind, Address
from gateway.demo.written import WrittenDemo, WrittenMember, WrittenOrganization, WrittenPerson
from gateway.profile_files import InvalidProfile, Profile
from resolvers.registrations.commands import TIME_TO_REVIEW

# Numbers that belong to nobody: Germany and France reserve them for films, Austria and Switzerland do not assign them.
_PHONES = {"AT": "+4310001", "CH": "+41440001", "DE": "+493023125", "FR": "+33199001"}
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)
"""When the demo's invitations expire: they stay open, however old the demo is."""
_GONE = (MembershipStatus.SUSPENDED, MembershipStatus.REMOVED)


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member as the orders need them: who, and since when (None: invited, not there yet)."""

    user_id: UserId
    written: WrittenMember
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkingOrganization:
    """An organization with its people, the first of whom has been there from the beginning."""

    written: WrittenOrganization
    record: OrganizationRecord
    colleagues: tuple[Colleague, ...]


@dataclass(frozen=True, slots=True)
class Population:
    """All records of the directory, the organizations they make up, and each person's id by e-mail address."""

    directory: DirectoryData
    with_people: tuple[WorkingOrganization, ...]
    user_ids: Mapping[str, UserId]


def populate(
    profile: Profile, demo: WrittenDemo, organizations: Sequence[WrittenOrganization], reference: datetime
) -> Population:
    """Return the records of these organizations and of the people in them and in none, as they are at `reference`.

    Raises:
        InvalidProfile: Somebody has no name.
    """
    return _Registry(profile, demo, reference).population(organizations)


class _Registry:
    """Collects people as they turn up in one organization after the other."""

    def __init__(self, profile: Profile, demo: WrittenDemo, reference: datetime) -> None:
        self.profile = profile
        self.demo = demo
        self.reference = reference
        self.users: dict[str, UserRecord] = {}
        self.memberships: list[MembershipRecord] = []
        self.grants: list[GrantRecord] = []
        self.invitations: list[InvitationRecord] = []
        self.registrations: list[RegistrationRecord] = []
        self.login_names: list[tuple[str, UserId]] = []
        policy = tomllib.loads(profile.policy_text)
        self.prefix: str | None = policy.get("login", {}).get("customer_number_prefix")

    def population(self, organizations: Sequence[WrittenOrganization]) -> Population:
        since = self._first_seen(organizations)
        with_people = tuple(self._with_people(organization, since) for organization in organizations)
        vendor_permissions: list[tuple[UserId, str]] = []
        for person in self.demo.people:
            user = self.users[person.email] = self._person(person)
            vendor_permissions.extend((user.id, code) for code in person.vendor_permissions)
        directory = DirectoryData(
            users=list(self.users.values()),
            login_names=self.login_names,
            organizations=[one.record for one in with_people],
            memberships=self.memberships,
            grants=self.grants,
            vendor_permissions=vendor_permissions,
            invitations=self.invitations,
            registrations=self.registrations,
        )
        return Population(directory, with_people, {email: user.id for email, user in self.users.items()})

    def _first_seen(self, organizations: Sequence[WrittenOrganization]) -> dict[str, datetime]:
        """Return when each member's account was made: shortly before they first joined an organization."""
        since: dict[str, datetime] = {}
        for organization in organizations:
            for index, member in enumerate(organization.members):
                joined = self._joined_at(organization, member, index) or self.reference - timedelta(days=3)
                since[member.email] = min(joined - timedelta(minutes=10), since.get(member.email, joined))
        return since

    def _with_people(self, written: WrittenOrganization, since: Mapping[str, datetime]) -> WorkingOrganization:
        record = self._organization(written)
        colleagues: list[Colleague] = []
        for index, member in enumerate(written.members):
            if member.email not in self.users:
                self.users[member.email] = self._user(written, record, member, since[member.email])
            user_id = self.users[member.email].id
            colleague = Colleague(user_id, member, self._joined_at(written, member, index))
            colleagues.append(colleague)
            self._enter(record, colleague, None if index == 0 else colleagues[0].user_id)
        if record.status is OrganizationStatus.PENDING_REVIEW:
            self.registrations.append(
                _registration(record, self.users[written.members[0].email], self._instant(written.since))
            )
        if self.prefix is not None and record.customer_number is not None:
            self.login_names.append((self.prefix + record.customer_number, colleagues[0].user_id))
        return WorkingOrganization(written, record, tuple(colleagues))

    def _organization(self, written: WrittenOrganization) -> OrganizationRecord:
        at = self._instant(written.since)
        return OrganizationRecord(
            id=OrganizationId(demo_id("org", at, self.profile.key, written.key)),
            version=1,
            customer_number=written.customer_number,
            name=written.name,
            legal_name=written.legal_name or written.name,
            kind=written.kind,
            status=written.status,
            seat=Address(
                street=(written.street,),
                postal_code=written.postal_code,
                city=written.city,
                country_code=written.country,
                company=written.name,
                phone=_phone(written.country, written.key),
            ),
            vat_id=written.vat_id,
        )

    def _user(
        self, written: WrittenOrganization, record: OrganizationRecord, member: WrittenMember, at: datetime
    ) -> UserRecord:
        if not member.first or not member.last:
            raise InvalidProfile(
                f"{self.profile.demo_source}: {member.email} has no name; give first and last where the person "
                "is mentioned first."
            )
        belongs = member.status not in (MembershipStatus.REMOVED, MembershipStatus.INVITED)
        return UserRecord(
            id=UserId(demo_id("usr", at, self.profile.key, member.email)),
            email=member.email,
            email_verified=member.status is not MembershipStatus.INVITED,
            first_name=member.first,
            last_name=member.last,
            phone=_phone(written.country, member.email) if member.status is not MembershipStatus.INVITED else None,
            locale=f"{written.language}-{written.country}",
            address=replace(record.seat, name=f"{member.first} {member.last}") if record.seat and belongs else None,
            account_kind=(
                AccountKind.COMMERCIAL_OPERATOR
                if written.kind is OrganizationKind.OPERATOR
                else AccountKind.BUSINESS_CUSTOMER
            ),
            default_organization_id=record.id if belongs else None,
            created_at=at,
            profile_version=1,
        )

    def _person(self, person: WrittenPerson) -> UserRecord:
        at = self._instant(person.since)
        return UserRecord(
            id=UserId(demo_id("usr", at, self.profile.key, person.email)),
            email=person.email,
            email_verified=True,
            first_name=person.first,
            last_name=person.last,
            phone=_phone(person.country, person.email),
            locale=person.locale,
            address=Address(
                street=(person.street,),
                postal_code=person.postal_code,
                city=person.city,
                country_code=person.country,
                name=f"{person.first} {person.last}",
            ),
            account_kind=person.account_kind,
            default_organization_id=None,
            created_at=at,
            profile_version=1,
        )

    def _enter(self, organization: OrganizationRecord, colleague: Colleague, inviter: UserId | None) -> None:
        member, at = colleague.written, colleague.joined_at or self.reference - timedelta(days=3)
        membership_id = MembershipId(demo_id("mbr", at, organization.id, colleague.user_id))
        self.memberships.append(
            MembershipRecord(
                id=membership_id,
                version=1,
                organization_id=organization.id,
                user_id=colleague.user_id,
                status=member.status,
                joined_at=colleague.joined_at,
                job_title=member.job,
            )
        )
        if member.status is MembershipStatus.INVITED:
            self.invitations.append(
                _invitation(organization, self.users[member.email], member, membership_id, inviter, at)
            )
        for kind, key in _grants(member):
            self.grants.append(
                GrantRecord(
                    id=GrantId(demo_id("grt", at, membership_id, kind, key)),
                    membership_id=membership_id,
                    organization_id=organization.id,
                    user_id=colleague.user_id,
                    kind=kind,
                    key=key,
                    granted_at=at,
                    granted_by_id=inviter,
                    valid_until=_end_of(member.until[key]) if key in member.until else None,
                )
            )

    def _joined_at(self, organization: WrittenOrganization, member: WrittenMember, index: int) -> datetime | None:
        """Return when the member joined; where it is not written, some time after the organization began."""
        if member.status is MembershipStatus.INVITED:
            return None
        if index == 0:
            return self._instant(organization.since)
        if member.joined is not None:
            return self._instant(member.joined)
        draw = Random(f"{self.profile.key}/{organization.key}/{member.email}")
        last = self.demo.reference.date() - timedelta(days=300 if member.status in _GONE else 30)
        days = max((last - organization.since).days, 1)
        joined = organization.since + timedelta(days=draw.randint(1, days))
        return self._instant(joined) + timedelta(minutes=draw.randint(0, 540))

    def _instant(self, day: date) -> datetime:
        """Return the morning of a day in `demo.toml`, as far back from `reference` as it is written there."""
        return datetime.combine(day, time(7, 30), UTC) - (self.demo.reference - self.reference)


def _invitation(
    organization: OrganizationRecord,
    user: UserRecord,
    member: WrittenMember,
    membership_id: MembershipId,
    inviter: UserId | None,
    at: datetime,
) -> InvitationRecord:
    return InvitationRecord(
        id=InvitationId(demo_id("inv", at, membership_id)),
        organization_id=organization.id,
        membership_id=membership_id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        locale=user.locale,
        message=None,
        role_keys=tuple(member.roles),
        permissions=tuple(member.permissions),
        valid_until=None,
        status=InvitationStatus.PENDING,
        created_at=at,
        expires_at=_NEVER,
        last_sent_at=at,
        send_count=1,
        inviter_id=inviter,
        accepted_by_id=None,
        ended_at=None,
    )


def _registration(organization: OrganizationRecord, applicant: UserRecord, at: datetime) -> RegistrationRecord:
    """Return what the vendor's staff decide about, of an organization that is under review."""
    id = RegistrationId(demo_id("reg", at, organization.id))
    letters = id.removeprefix("reg_")[-20:].upper()
    return RegistrationRecord(
        id=id,
        version=2,
        reference=f"R-{'-'.join(letters[start : start + 5] for start in range(0, 20, 5))}",
        account_kind=applicant.account_kind,
        organization_kind=organization.kind,
        organization_name=organization.name,
        legal_name=organization.legal_name,
        vat_id=organization.vat_id,
        customer_number=organization.customer_number,
        seat=organization.seat,
        first_name=applicant.first_name,
        last_name=applicant.last_name,
        email=applicant.email,
        phone=applicant.phone,
        locale=applicant.locale,
        newsletter=False,
        role_keys=(),
        status=RegistrationStatus.PENDING_REVIEW,
        created_at=at - timedelta(hours=1),
        expires_at=at + timedelta(days=7),
        submitted_at=at,
        review_due_at=at + TIME_TO_REVIEW,
        reminded_at=at + TIME_TO_REVIEW,
        organization_id=organization.id,
        user_id=applicant.id,
    )


def _grants(member: WrittenMember) -> Iterator[tuple[GrantKind, str]]:
    yield from ((GrantKind.ROLE, role) for role in member.roles)
    yield from ((GrantKind.PERMISSION, permission) for permission in member.permissions)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC) + timedelta(days=1)


def _phone(country: str, whose: str) -> str:
    return f"{_PHONES[country]}{Random(whose).randrange(1000):03}"


def demo_id(kind: str, at: datetime, *names: str) -> str:
    """Return the id of the thing of this kind, made at this time, that these names single out.

    Like a new id: 48 bits of time, then 80 that no other thing shares.
    """
    digest = blake2b("\0".join((kind, *names)).encode(), digest_size=10).digest()
    return f"{kind}_{base32(int(at.timestamp() * 1000) << 80 | int.from_bytes(digest))}"
