"""A small directory to query, with what makes answers differ: umlauts, states, several organizations."""

from datetime import UTC, datetime, timedelta

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MemberFilter, MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, SessionId, UserId
from connectors.values import AccountKind, Address

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)

HELIOS, LUMEN, AEOLUS, CLOSED = (OrganizationId(f"org_{name}") for name in ("helios", "lumen", "aeolus", "closed"))


def user(name: str, first_name: str, last_name: str, **other: object) -> UserRecord:
    values: dict[str, object] = {
        "id": UserId(f"usr_{name}"),
        "email": f"{name}@helios.example",
        "email_verified": True,
        "first_name": first_name,
        "last_name": last_name,
        "phone": None,
        "locale": None,
        "address": None,
        "account_kind": AccountKind.BUSINESS_CUSTOMER,
        "default_organization_id": None,
        "created_at": NOW,
        "profile_version": 1,
    }
    return UserRecord(**{**values, **other})  # type: ignore[arg-type]


def organization(id: OrganizationId, name: str, **other: object) -> OrganizationRecord:
    values: dict[str, object] = {
        "id": id,
        "version": 1,
        "customer_number": None,
        "name": name,
        "legal_name": None,
        "kind": OrganizationKind.INSTALLER,
        "status": OrganizationStatus.ACTIVE,
        "seat": None,
        "vat_id": None,
    }
    return OrganizationRecord(**{**values, **other})  # type: ignore[arg-type]


def membership(
    person: UserRecord, organization_id: OrganizationId, status: MembershipStatus = MembershipStatus.ACTIVE
) -> MembershipRecord:
    return MembershipRecord(
        id=MembershipId(f"mem_{person.id[4:]}_{organization_id[4:]}"),
        version=1,
        organization_id=organization_id,
        user_id=person.id,
        status=status,
        joined_at=None if status is MembershipStatus.INVITED else NOW,
        job_title=None,
    )


def grant(
    holder: MembershipRecord, kind: GrantKind, key: str, *, until: datetime | None = None, by: UserId | None = None
) -> GrantRecord:
    return GrantRecord(
        id=GrantId(f"grt_{holder.id[4:]}_{key}"),
        membership_id=holder.id,
        organization_id=holder.organization_id,
        user_id=holder.user_id,
        kind=kind,
        key=key,
        granted_at=NOW,
        granted_by_id=by,
        valid_until=until,
    )


def session(name: str, person: UserRecord, expires_at: datetime = TOMORROW) -> SessionRecord:
    return SessionRecord(
        id=SessionId(f"ses_{name}"),
        user_id=person.id,
        device_label="Firefox on Linux",
        ip_address="203.0.113.7",
        created_at=NOW,
        last_seen_at=NOW,
        expires_at=expires_at,
    )


EVERYBODY = MemberFilter()

UNUSED = OrganizationId("org_unused")

ADDRESS = Address(
    street=("Sonnenstraße 1", "Hinterhaus"), postal_code="34117", city="Kassel", country_code="DE", name="Anna Müller"
)

ANNA = user("anna", "Anna", "Müller", phone="+4956112345", locale="de", address=ADDRESS, default_organization_id=HELIOS)
BERND = user("bernd", "Bernd", "Mueller")
CLEO = user("cleo", "Cléo", "Muller", email="Cleo.M@Lumen.Example")
DORA = user("dora", "Dora", "Weiß")
EMIL = user("emil", "Emil", "Adam", email_verified=False)
FRIEDA = user("frieda", "Frieda", "Zapf")
VERA = user("vera", "Vera", "Review", account_kind=AccountKind.VENDOR_STAFF)
PAUL = user("paul", "Paul", "Privat", account_kind=AccountKind.PRIVATE_OPERATOR)
USERS = (ANNA, BERND, CLEO, DORA, EMIL, FRIEDA, VERA, PAUL)

ORGANIZATIONS = (
    organization(HELIOS, "Helios Montage GmbH", customer_number="10001", legal_name="Helios GmbH", seat=ADDRESS),
    organization(LUMEN, "lumen Handels AG", customer_number="10002", kind=OrganizationKind.RESELLER, vat_id="DE1"),
    organization(AEOLUS, "Äolus Wind"),
    organization(CLOSED, "Zu GmbH", status=OrganizationStatus.CLOSED),
)

ANNA_AT_HELIOS = membership(ANNA, HELIOS)
BERND_AT_HELIOS = membership(BERND, HELIOS)
CLEO_AT_HELIOS = membership(CLEO, HELIOS)
DORA_AT_HELIOS = membership(DORA, HELIOS, MembershipStatus.SUSPENDED)
EMIL_AT_HELIOS = membership(EMIL, HELIOS, MembershipStatus.INVITED)
FRIEDA_AT_HELIOS = membership(FRIEDA, HELIOS, MembershipStatus.REMOVED)
ANNA_AT_LUMEN = membership(ANNA, LUMEN)
CLEO_AT_LUMEN = membership(CLEO, LUMEN)
ANNA_AT_AEOLUS = membership(ANNA, AEOLUS)
ANNA_AT_CLOSED = membership(ANNA, CLOSED)
FRIEDA_AT_LUMEN = membership(FRIEDA, LUMEN)
MEMBERSHIPS = (
    ANNA_AT_HELIOS,
    BERND_AT_HELIOS,
    CLEO_AT_HELIOS,
    DORA_AT_HELIOS,
    EMIL_AT_HELIOS,
    FRIEDA_AT_HELIOS,
    ANNA_AT_LUMEN,
    CLEO_AT_LUMEN,
    ANNA_AT_AEOLUS,
    ANNA_AT_CLOSED,
    FRIEDA_AT_LUMEN,
)

ANNA_ADMINISTERS = grant(ANNA_AT_HELIOS, GrantKind.ROLE, "administration")
ANNA_BUYS_NO_MORE = grant(ANNA_AT_HELIOS, GrantKind.ROLE, "purchase", until=YESTERDAY, by=BERND.id)
ANNA_READS_ORDERS = grant(ANNA_AT_HELIOS, GrantKind.PERMISSION, "orders:read", until=TOMORROW)
ANNA_BUYS_AT_LUMEN = grant(ANNA_AT_LUMEN, GrantKind.ROLE, "purchase", by=CLEO.id)
BERND_BUYS = grant(BERND_AT_HELIOS, GrantKind.ROLE, "purchase", until=TOMORROW)
CLEO_INVITES = grant(CLEO_AT_HELIOS, GrantKind.PERMISSION, "members:invite")
DORA_ADMINISTERED = grant(DORA_AT_HELIOS, GrantKind.ROLE, "administration")
CLEO_ADMINISTERS_LUMEN = grant(CLEO_AT_LUMEN, GrantKind.ROLE, "administration")
FRIEDA_BOUGHT = grant(FRIEDA_AT_HELIOS, GrantKind.ROLE, "purchase")
GRANTS = (
    ANNA_READS_ORDERS,
    ANNA_BUYS_NO_MORE,
    ANNA_ADMINISTERS,
    ANNA_BUYS_AT_LUMEN,
    BERND_BUYS,
    CLEO_INVITES,
    DORA_ADMINISTERED,
    CLEO_ADMINISTERS_LUMEN,
    FRIEDA_BOUGHT,
)

PEOPLE = DirectoryData(
    users=USERS,
    login_names=[("SUN_10001", ANNA.id), ("anna", ANNA.id), ("Bernd", BERND.id)],
    organizations=ORGANIZATIONS,
    memberships=MEMBERSHIPS,
    grants=GRANTS,
    vendor_permissions=[(VERA.id, "vendor:review"), (VERA.id, "vendor:audit")],
)
