"""Registrations are kept as they are, changed by one at a time, and show who looks the same as whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.directory import Directory
from connectors.directory.keys import likeness_key
from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.organizations import OrganizationKind
from connectors.directory.records.registrations import Likeness, LikenessReason, RegistrationRecord, RegistrationStatus
from connectors.errors import InvalidCursor
from connectors.ids import OrganizationId, RegistrationId, UserId, new_id
from connectors.pages import Slice
from connectors.values import AccountKind, Address
from tests.directory.people import ANNA, NOW, YESTERDAY, membership, organization, user

SEAT = Address(("Hof 2",), "8005", "Zürich", "CH")

NEW, OTHER = OrganizationId("org_new"), OrganizationId("org_other")
ZOE = user("zoe", "Zoë", "Žižek", email="Zoe@zoe.example")


def registration(**other: object) -> RegistrationRecord:
    """A registration of an organization."""
    id = RegistrationId(new_id("reg"))
    values: dict[str, object] = {
        "id": id,
        "version": 1,
        "reference": f"R-{id[4:]}",
        "account_kind": AccountKind.BUSINESS_CUSTOMER,
        "organization_kind": OrganizationKind.INSTALLER,
        "organization_name": "Ändere & Söhne",
        "legal_name": None,
        "vat_id": "DE123456789",
        "customer_number": None,
        "seat": SEAT,
        "first_name": "Zoë",
        "last_name": "Žižek",
        "email": "Zoe@new.example",
        "phone": "+41446681800",
        "locale": "de",
        "newsletter": True,
        "role_keys": ("purchase",),
        "status": RegistrationStatus.EMAIL_UNVERIFIED,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=7),
    }
    return RegistrationRecord(**{**values, **other})  # type: ignore[arg-type]


async def stored(directory: Directory, *records: RegistrationRecord, token: bytes | None = None) -> None:
    """Store registrations, the first with a token."""
    async with directory.change() as change:
        for number, record in enumerate(records):
            await change.add_approval(REGISTRATIONS, record, token_hash=token if number == 0 else None)


async def test_a_registration_is_found_by_id_reference_and_token_as_it_was_stored(directory: Directory) -> None:
    record = registration()
    await stored(directory, record, token=b"hash")

    assert await directory.approvals(REGISTRATIONS, [record.id, RegistrationId("reg_x")]) == [record, None]
    assert await directory.registration_with_reference(record.reference) == record
    assert await directory.registration_with_reference("R-x") is None
    assert await directory.registration_with_token(b"hash") == record
    assert await directory.registration_with_token(b"other") is None


async def test_a_token_counts_until_the_address_is_confirmed(directory: Directory) -> None:
    record = registration()
    await stored(directory, record, token=b"hash")
    after = replace(record, version=2, status=RegistrationStatus.PENDING_REVIEW, submitted_at=NOW, user_id=None)

    async with directory.change() as change:
        await change.store_registration(after)

    assert await directory.registration_with_token(b"hash") is None
    assert await directory.approvals(REGISTRATIONS, [record.id]) == [after]


async def test_who_read_an_older_registration_changes_nothing(directory: Directory) -> None:
    record = registration()
    await stored(directory, record)
    async with directory.change() as change:
        await change.store_registration(replace(record, version=2, note="first"))

    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.store_registration(replace(record, version=2, note="second"))

    (kept,) = await directory.approvals(REGISTRATIONS, [record.id])
    assert kept is not None
    assert kept.note == "first"


async def test_the_list_shows_submitted_organizations_only_oldest_first_in_pages(directory: Directory) -> None:
    waiting = RegistrationStatus.PENDING_REVIEW
    organizations = [registration(status=waiting, submitted_at=NOW) for _ in range(3)]
    others = [
        registration(),  # not confirmed
        registration(status=waiting, submitted_at=NOW, organization_kind=None),  # no organization
        registration(status=RegistrationStatus.REJECTED, submitted_at=NOW),
    ]
    await stored(directory, *organizations, *others)

    everything = await directory.all_approvals(REGISTRATIONS, Slice(100), status=[waiting])
    assert everything.items == organizations
    assert await directory.count_all_approvals(REGISTRATIONS, [waiting]) == 3
    seen, after = [], None
    while True:
        page = await directory.all_approvals(REGISTRATIONS, Slice(1, after), status=[waiting])
        seen += page.items
        if not page.has_next_page:
            break
        after = page.cursor_of(page.items[-1])
    assert seen == organizations
    with pytest.raises(InvalidCursor):
        await directory.all_approvals(REGISTRATIONS, Slice(1, "x"), status=[waiting])


async def test_somebodys_last_registration_of_an_organization_is_theirs(directory: Directory) -> None:
    first, last = registration(user_id=ANNA.id), registration(user_id=ANNA.id)
    private = registration(user_id=ANNA.id, organization_kind=None)
    await stored(directory, first, last, private)

    assert await directory.organization_registrations_of([UserId("usr_x"), ANNA.id]) == [None, last]


async def test_what_is_overdue_and_what_has_expired_is_found_once_its_time_has_come(directory: Directory) -> None:
    waiting = registration(status=RegistrationStatus.PENDING_REVIEW, review_due_at=NOW)
    reminded = replace(waiting, id=RegistrationId("reg_1"), reference="1", reminded_at=YESTERDAY)
    expiring = registration(expires_at=NOW)
    await stored(directory, waiting, reminded, expiring)
    earlier = NOW - timedelta(seconds=1)

    assert await directory.overdue_registrations(earlier, 10) == []
    assert await directory.overdue_registrations(NOW, 10) == [waiting]
    assert await directory.expired_approvals(REGISTRATIONS, earlier, limit=10) == []
    assert await directory.expired_approvals(REGISTRATIONS, NOW, limit=10) == [expiring]
    assert expiring.status_at(earlier) is RegistrationStatus.EMAIL_UNVERIFIED
    assert expiring.status_at(NOW) is RegistrationStatus.EXPIRED


async def test_its_history_is_what_the_audit_log_says_of_it(directory: Directory) -> None:
    record = registration()
    entry = AuditEntry("registration.create", None, record.id, None, "r", after={"status": "EMAIL_UNVERIFIED"})
    async with directory.change() as change:
        await change.record(entry, NOW)
        await change.record(replace(entry, action="registration.view", after={}), NOW)
        await change.record(replace(entry, action="approveRegistration", refused_with="CONFLICT"), NOW)
        await change.record(replace(entry, after={"status": "REJECTED"}, actor_id=ANNA.id, reason="No."), NOW)

    events, nothing = await directory.registration_events([record.id, RegistrationId("reg_x")])

    assert nothing == []
    assert [(event.status, event.actor_id, event.note, event.occurred_at) for event in events] == [
        (RegistrationStatus.EMAIL_UNVERIFIED, None, None, NOW),
        (RegistrationStatus.REJECTED, ANNA.id, "No.", NOW),
    ]


async def test_organizations_are_alike_in_their_numbers_their_name_and_their_peoples_addresses(
    directory: Directory,
) -> None:
    async with directory.change() as change:
        await change.add_organization(organization(OTHER, "Novum S.A.", vat_id="CHE-000.1 2", customer_number="77"))
        await change.add_organization(organization(NEW, "Hélios Énergie GmbH & Co. KG"))
        await change.add_user(ZOE)
        await change.add_membership(membership(ZOE, NEW))

    found = await directory.lookalikes(
        [
            Likeness(vat_id="CHE000 12", customer_number="77", name="NOVUM Sàrl", mail_domain="nobody.example"),
            Likeness(name="somebody", mail_domain="zoe.example"),
            Likeness(name="somebody else"),
            Likeness(),
        ]
    )

    assert [[(one.organization.id, one.reasons) for one in alike] for alike in found] == [
        [(OTHER, (LikenessReason.VAT_ID, LikenessReason.CUSTOMER_NUMBER, LikenessReason.NAME))],
        [(NEW, (LikenessReason.MAIL_DOMAIN,))],
        [],
        [],
    ]
    assert [one and one.id for one in await directory.organizations_with_numbers(["77", "78"])] == [OTHER, None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller & Söhne GmbH", "MULLER SOHNE"),
        ("Régie Bellerive S.A.", "regie bellerive"),
        ("Solar-Dach GmbH & Co. KG", "Solar Dach"),
        ("L'Atelier", "latelier"),
        ("AG", "ag"),
    ],
)
def test_a_name_is_alike_whatever_its_case_signs_and_legal_form(one: str, other: str) -> None:
    assert likeness_key(one) == likeness_key(other) != ""


async def test_a_number_and_a_login_name_belong_to_one(directory: Directory) -> None:
    async with directory.change() as change:
        await change.add_organization(organization(OTHER, "Novum", customer_number="77"))
        await change.add_organization(organization(NEW, "Novissimum"))
        await change.set_customer_number(NEW, "78")
        await change.add_login_name("DOMUS_78", ANNA.id)

    (kept,) = await directory.organizations([NEW])
    assert kept is not None
    assert (kept.customer_number, kept.version) == ("78", 2)
    assert await directory.user_id_of_login_name("domus_78") == ANNA.id
    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.set_customer_number(NEW, "77")
    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.add_login_name("domus_78 ", ANNA.id)


async def test_the_vendors_staff_is_found_by_what_it_may(directory: Directory) -> None:
    async with directory.change() as change:
        await change.set_vendor_permissions(ANNA.id, ["REGISTRATION_REVIEW"])

    assert await directory.holders_of_vendor_permission("REGISTRATION_REVIEW") == [ANNA]
    assert await directory.holders_of_vendor_permission("APPLICATION_MANAGE") == []
