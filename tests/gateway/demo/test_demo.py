"""The demo is the same everywhere, its people keep the rules of the domain, and its accounts are there."""

import hashlib
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationStatus
from connectors.values import AccountKind
from gateway.demo.demo_data import DemoData, demo_data
from gateway.profile_files import InvalidProfile, load_profile, shipped_profiles
from permissions.policy import Policy, parse_policy
from tests.portal import Portal

TODAY = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
REFERENCE = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

both_profiles = pytest.mark.parametrize("name", shipped_profiles())


@cache
def demo(name: str, organizations: int = 60) -> DemoData:
    return demo_data(load_profile(name), organizations=organizations, now=TODAY)


def policy_of(name: str) -> Policy:
    profile = load_profile(name)
    return parse_policy(profile.policy_text, profile.policy_source)


def grants_by_membership(data: DemoData) -> dict[str, list[GrantRecord]]:
    grants: dict[str, list[GrantRecord]] = defaultdict(list)
    for grant in data.directory.grants:
        grants[grant.membership_id].append(grant)
    return grants


def digest(data: DemoData) -> str:
    return hashlib.sha256(repr(data).encode()).hexdigest()


def memberships_of(data: DemoData, email: str) -> list[MembershipRecord]:
    (user,) = [user for user in data.directory.users if user.email == email]
    return [membership for membership in data.directory.memberships if membership.user_id == user.id]


def held_by(data: DemoData, email: str) -> dict[str, list[str]]:
    """Return what somebody holds, by name of the organization."""
    names = {organization.id: organization.name for organization in data.directory.organizations}
    grants = grants_by_membership(data)
    return {
        names[membership.organization_id]: [grant.key for grant in grants[membership.id]]
        for membership in memberships_of(data, email)
    }


# The same everywhere


@both_profiles
def test_the_data_does_not_depend_on_the_day(name: str) -> None:
    years_later = demo_data(load_profile(name), organizations=60, now=TODAY + timedelta(days=4000))

    assert years_later == demo(name)


@both_profiles
def test_the_data_is_the_same_in_another_process(name: str) -> None:
    script = (
        "import hashlib, sys; from datetime import datetime, UTC; from gateway.profile_files import load_profile; "
        "from gateway.demo.demo_data import demo_data; "
        "data = demo_data(load_profile(sys.argv[1]), organizations=60, now=datetime(2027, 1, 15, 9, tzinfo=UTC)); "
        "sys.stdout.write(hashlib.sha256(repr(data).encode()).hexdigest())"
    )

    other = subprocess.run(
        [sys.executable, "-c", script, name], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )

    assert other.stdout == digest(demo(name))


@both_profiles
def test_an_invented_organization_is_the_same_however_many_others_there_are(name: str) -> None:
    few, many = demo(name, 5), demo(name)
    few_ids = {organization.id for organization in few.directory.organizations}

    assert [o for o in many.directory.organizations if o.id in few_ids] == few.directory.organizations
    assert [m for m in many.directory.memberships if m.organization_id in few_ids] == few.directory.memberships
    assert [g for g in many.directory.grants if g.organization_id in few_ids] == few.directory.grants
    assert [o for o in many.shop.orders if o.organization_id in few_ids] == few.shop.orders
    assert [e for e in many.shop.events if e.organization_id in few_ids] == few.shop.events


@both_profiles
def test_nothing_lies_in_the_future_even_where_the_clock_is_years_behind(name: str) -> None:
    early = datetime(2019, 5, 1, 8, 0, tzinfo=UTC)

    data = demo_data(load_profile(name), organizations=5, now=early)

    assert max(_past_instants(data)) <= early


@both_profiles
def test_nothing_is_younger_than_the_reference_date(name: str) -> None:
    assert max(_past_instants(demo(name))) <= REFERENCE


def _past_instants(data: DemoData) -> Iterable[datetime]:
    yield from (user.created_at for user in data.directory.users)
    yield from (membership.joined_at for membership in data.directory.memberships if membership.joined_at)
    yield from (grant.granted_at for grant in data.directory.grants)
    yield from (order.created_at for order in data.shop.orders)
    yield from (event.at for event in data.shop.events)


@both_profiles
def test_ids_are_unique_and_look_like_new_ones(name: str) -> None:
    data = demo(name)
    ids: dict[str, list[str]] = {
        "usr": [user.id for user in data.directory.users],
        "org": [organization.id for organization in data.directory.organizations],
        "mbr": [membership.id for membership in data.directory.memberships],
        "grt": [grant.id for grant in data.directory.grants],
        "ord": [order.id for order in data.shop.orders],
        "oev": [event.id for event in data.shop.events],
    }

    for kind, some in ids.items():
        assert len(set(some)) == len(some)
        assert all(re.fullmatch(rf"{kind}_[0-9a-hjkmnp-tv-z]{{26}}", identifier) for identifier in some)


# Organizations and people


@both_profiles
def test_each_profile_has_active_organizations_and_a_blocked_one(name: str) -> None:
    states = Counter(organization.status for organization in demo(name, 0).directory.organizations)

    assert states[OrganizationStatus.ACTIVE] >= 3
    assert states[OrganizationStatus.BLOCKED] == 1


@both_profiles
def test_there_are_members_in_every_state_and_people_in_several_organizations(name: str) -> None:
    memberships = demo(name, 0).directory.memberships

    assert {membership.status for membership in memberships} == set(MembershipStatus)
    assert max(Counter(membership.user_id for membership in memberships).values()) > 1


@both_profiles
def test_an_active_organization_has_an_active_administrator_without_end(name: str) -> None:
    data = demo(name)
    administrative = set(policy_of(name).administrative_role_keys())
    grants = grants_by_membership(data)
    administered = {
        membership.organization_id
        for membership in data.directory.memberships
        if membership.status is MembershipStatus.ACTIVE
        and any(grant.key in administrative and grant.valid_until is None for grant in grants[membership.id])
    }

    assert {o.id for o in data.directory.organizations if o.status is OrganizationStatus.ACTIVE} <= administered


@both_profiles
def test_only_known_roles_and_rights_that_can_be_switched_on_are_granted(name: str) -> None:
    data, policy = demo(name), policy_of(name)
    direct_permissions = {right.value for right in policy.direct_permissions}

    for grant in data.directory.grants:
        assert grant.key in (policy.roles if grant.kind is GrantKind.ROLE else direct_permissions)
    assert {code for _, code in data.directory.vendor_permissions} == {code.value for code in policy.vendor_permissions}


@both_profiles
def test_one_grant_has_ended_and_one_ends_in_the_far_future(name: str) -> None:
    ends = [grant.valid_until for grant in demo(name, 0).directory.grants if grant.valid_until]

    assert min(ends) < REFERENCE
    assert max(ends) == datetime(2100, 1, 1, tzinfo=UTC)


@both_profiles
def test_removed_members_hold_nothing_and_invited_ones_have_not_joined(name: str) -> None:
    data = demo(name)
    grants = grants_by_membership(data)

    for membership in data.directory.memberships:
        assert (membership.joined_at is None) == (membership.status is MembershipStatus.INVITED)
        if membership.status is MembershipStatus.REMOVED:
            assert not grants[membership.id]


@both_profiles
def test_whoever_is_invited_has_an_open_invitation_that_gives_what_is_granted(name: str) -> None:
    data = demo(name)
    invited = {one.id for one in data.directory.memberships if one.status is MembershipStatus.INVITED}
    granted = {id: sorted(grant.key for grant in data.directory.grants if grant.membership_id == id) for id in invited}

    gives = {one.membership_id: sorted((*one.role_keys, *one.permissions)) for one in data.directory.invitations}

    assert gives == granted
    assert all(one.expires_at > REFERENCE for one in data.directory.invitations)


@both_profiles
def test_all_records_of_the_directory_refer_to_each_other(name: str) -> None:
    directory = demo(name).directory
    users = {user.id for user in directory.users}
    organizations = {organization.id for organization in directory.organizations}
    memberships = {membership.id: membership for membership in directory.memberships}

    assert {user.default_organization_id for user in directory.users} <= organizations | {None}
    assert {user_id for _, user_id in directory.login_names} <= users
    assert {user_id for user_id, _ in directory.vendor_permissions} <= users
    assert {membership.user_id for membership in directory.memberships} <= users
    assert {membership.organization_id for membership in directory.memberships} == organizations
    for grant in directory.grants:
        membership = memberships[grant.membership_id]
        assert (grant.organization_id, grant.user_id) == (membership.organization_id, membership.user_id)
        assert grant.granted_by_id is None or grant.granted_by_id in users


@pytest.mark.parametrize("organizations", [60, pytest.param(1_000, marks=pytest.mark.slow)])
@both_profiles
def test_what_must_be_unique_is_unique(name: str, organizations: int) -> None:
    data = demo(name, organizations)
    directory = data.directory

    for values in (
        [user.email for user in directory.users],
        [login_name.lower() for login_name, _ in directory.login_names],
        [o.customer_number for o in directory.organizations if o.customer_number],
        [(membership.organization_id, membership.user_id) for membership in directory.memberships],
        [(grant.membership_id, grant.kind, grant.key) for grant in directory.grants],
        [order.number for order in data.shop.orders],
    ):
        assert len(set(values)) == len(values)


@both_profiles
def test_addresses_are_plain_and_end_in_example(name: str) -> None:
    for user in demo(name).directory.users:
        assert re.fullmatch(r"[a-z0-9.-]+@[a-z0-9.-]+\.example", user.email), user.email
        if user.email_verified:  # of somebody who is only invited, nobody knows more than the address and the name
            assert user.phone is not None
            assert re.fullmatch(r"\+[1-9][0-9]{8,14}", user.phone)


# Accounts


@both_profiles
def test_accounts_are_people_who_sign_in_by_a_verified_address(name: str) -> None:
    data = demo(name, 0)
    users = {user.id: user for user in data.directory.users}

    for account in data.accounts:
        assert users[account.user_id].email == account.login_name
        assert users[account.user_id].email_verified
        assert account.title
        assert account.description.endswith(".")


def test_the_accounts_of_the_solar_terminal_hold_what_others_rely_on() -> None:
    data = demo("solar_terminal", 0)
    helios, lumen = "Helios Montage GmbH", "Lumen Handels AG"

    held = {account.login_name: held_by(data, account.login_name) for account in data.accounts[:9]}

    assert held == {
        "administration@helios.example": {helios: ["administration"]},
        "purchase@helios.example": {helios: ["purchase"]},
        "installation@helios.example": {helios: ["installation"]},
        "planning@helios.example": {helios: ["planning"]},
        "purchase.planning@helios.example": {helios: ["purchase", "planning"]},
        "two.companies@helios.example": {helios: ["administration"], lumen: ["purchase"]},
        "administration@lumen.example": {lumen: ["administration"]},
        "review@vendor.example": {},
        "private@home.example": {},
    }


def test_the_accounts_of_the_software_house_hold_what_others_rely_on() -> None:
    data = demo("software_house", 0)
    gut, kappel = "Hausverwaltung Gut", "Kappel Immobilien KG"

    held = {account.login_name: held_by(data, account.login_name) for account in data.accounts[:6]}

    assert held == {
        "licence.holder@hausgut.example": {gut: ["licence_holder"]},
        "orders@hausgut.example": {gut: ["authorised_person", "ORDER_PLACE"]},
        "downloads@hausgut.example": {gut: ["authorised_person", "SOFTWARE_DOWNLOAD"]},
        "contracts@hausgut.example": {gut: ["authorised_person", "CONTRACT_DOCUMENT_VIEW"]},
        "licence.holder@kappel.example": {kappel: ["licence_holder"]},
        "review@vendor.example": {},
    }


def test_licence_holders_sign_in_by_customer_number() -> None:
    data = demo("software_house", 0)
    emails = {user.id: user.email for user in data.directory.users}
    names = {login_name: emails[user_id] for login_name, user_id in data.directory.login_names}

    assert names["DOMUS_12345"] == "licence.holder@hausgut.example"
    assert names["DOMUS_67890"] == "licence.holder@kappel.example"
    assert len(names) == len(data.directory.organizations)


def test_the_solar_terminal_has_operators_of_both_kinds_and_vendor_staff() -> None:
    data = demo("solar_terminal", 0)
    kinds = {user.email: user.account_kind for user in data.directory.users}
    organization_kinds = {organization.kind for organization in data.directory.organizations}

    assert kinds["private@home.example"] is AccountKind.PRIVATE_OPERATOR
    assert kinds["commercial@suesskind.example"] is AccountKind.COMMERCIAL_OPERATOR
    assert kinds["review@vendor.example"] is AccountKind.VENDOR_STAFF
    assert organization_kinds == {OrganizationKind.INSTALLER, OrganizationKind.RESELLER, OrganizationKind.OPERATOR}


def test_helios_is_worth_paging() -> None:
    data = demo("solar_terminal", 0)
    (helios,) = [o for o in data.directory.organizations if o.name == "Helios Montage GmbH"]

    assert sum(m.organization_id == helios.id for m in data.directory.memberships) == 27
    assert sum(o.organization_id == helios.id for o in data.shop.orders) == 84


# What is wrong with a demo.toml


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("reference = ", "reference ", r"demo\.toml, line 4: this is not valid TOML"),
        (
            "orders = 84",
            'orders = "many"',
            r"demo\.toml, line 83: organizations\.0\.orders: Input should be a valid integer",
        ),
        (
            "vat_id",
            "vat_number",
            r"demo\.toml, line 81: organizations\.0\.vat_number: (.|\n)*line 125: organizations\.1\.vat_number",
        ),
        ('kind = "RESELLER"', 'kind = "SHOP"', r"organizations\.1\.kind: Input should be 'INSTALLER', 'RESELLER'"),
        ('login = "private@home', 'login = "nobody@home', 'account "nobody@home.example" is nobody; add a person'),
        ('articles = ["EV-HYBRID"', 'articles = ["EV-HYBIRD"', 'there is no article "EV-HYBIRD"; add it to'),
        ("reference = 2026-06-30T12:00:00Z", "reference = 2026-06-30T12:00:00", "reference needs a time zone"),
        ('first = "Jörg", last = "Weiß", ', "", r"purchase@helios\.example has no name; give first and last"),
    ],
)
def test_a_problem_in_demo_toml_is_reported_with_its_path(right: str, wrong: str, message: str) -> None:
    profile = load_profile("solar_terminal")
    spoilt = replace(profile, demo_text=(profile.demo_text or "").replace(right, wrong))

    with pytest.raises(InvalidProfile, match=message):
        demo_data(spoilt, now=TODAY)


def test_all_problems_of_the_form_of_a_demo_toml_are_reported_at_once() -> None:
    profile = load_profile("solar_terminal")
    text = (profile.demo_text or "").replace("orders = 84", 'orders = "many"').replace('"RESELLER"', '"SHOP"')

    with pytest.raises(InvalidProfile) as refused:
        demo_data(replace(profile, demo_text=text), now=TODAY)

    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == [
        "organizations.0.orders", "organizations.1.kind",
    ]  # fmt: skip


def test_a_profile_without_demo_data_says_so() -> None:
    profile = replace(load_profile("solar_terminal"), demo_text=None)

    with pytest.raises(InvalidProfile, match=r"demo\.toml is missing; it holds the demo organization"):
        demo_data(profile, now=TODAY)


def test_a_negative_number_of_organizations_is_refused() -> None:
    with pytest.raises(ValueError, match="organizations must be 0 or more, not -1"):
        demo_data(load_profile("solar_terminal"), organizations=-1, now=TODAY)


async def test_the_organization_under_review_can_be_approved_by_the_vendors_staff(portal: Portal) -> None:
    reviewer, applicant = await portal.person("review@vendor.example"), "info@dachwerk.example"
    listed = await reviewer.asks("{ registrations { nodes { id status applicantEmail organization { name } } } }")
    (registration,) = listed.at("registrations.nodes")
    assert (registration["status"], registration["applicantEmail"]) == ("PENDING_REVIEW", applicant)

    approved = await reviewer.asks(
        """
        mutation ($id: ID!) {
          approveRegistration(input: { id: $id }) { registration { organization { name status } } errors { code } }
        }
        """,
        id=registration["id"],
    )

    assert approved.at("approveRegistration") == {
        "registration": {"organization": {"name": "Dachwerk Brückner & Söhne OHG", "status": "ACTIVE"}},
        "errors": [],
    }
    own = await (await portal.person(applicant)).asks(
        "{ viewer { memberships { nodes { organization { viewerCanManageMembers } } } } }"
    )
    assert own.at("viewer.memberships.nodes") == [{"organization": {"viewerCanManageMembers": True}}]
