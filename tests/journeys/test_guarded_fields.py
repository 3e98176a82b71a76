"""Every guarded field of the schema, asked by a stranger, by members without and with the right, and by one elsewhere.

The table is compared with the schema: a field with a guard that nobody tries here fails the suite.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from permissions.vocabulary import DenialReason
from resolvers.context import RequestContext
from resolvers.refusals import NotSignedIn
from schema.graph.fields import BATCH
from tests.portal import NOW, Answer, Person, Portal
from tests.schemas import shared_core

HELIOS, LUMEN = "Helios Montage GmbH", "Lumen Handels AG"

ORGANIZATION = "query Q($id: ID!) { viewer { accountKind } organization(id: $id) { name FIELD } }"
ADMINISTRATORS = """
query Q($id: ID!) {
  viewer { accountKind } organization(id: $id) { name administrators { user { displayName } FIELD } }
}
"""
PEOPLE = """
query Q($id: ID!) {
  viewer { accountKind } organization(id: $id) { name administrators { user { displayName FIELD } } }
}
"""

MANAGING = ["VOUCHER_PURCHASE", "VOUCHER_REGISTER", "VOUCHER_EXCHANGE", "WARRANTY_ACTIVATE"]
APPLICATIONS = [
    "webshop", "solar_portal", "solar_plan", "smart_warranty", "repower_check", "installer_search", "installer_portal",
    "service_support",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """How to ask for a field that needs a right, and what those who have it see at Helios."""

    query: str
    field: str
    path: str
    required: tuple[str, ...]
    roles: tuple[str, ...]
    without: str
    having: str
    elsewhere: tuple[str, str]
    seen: Any


def of_members(query: str, field: str, path: str, seen: Any) -> Case:
    """A field that shows members: for the administration, and not for those who buy."""
    return Case(
        query,
        field,
        path,
        required=("MEMBER_VIEW", "MEMBER_MANAGE"),
        roles=("administration",),
        without="purchase@helios.example",
        having="administration@helios.example",
        elsewhere=("two.companies@helios.example", LUMEN),  # who is administration at Helios
        seen=seen,
    )


def of_administrators(field: str, seen: Any) -> Case:
    """A field of somebody's membership, asked of the administrators, whom everybody may know."""
    return of_members(ADMINISTRATORS, field, "organization.administrators.*." + field.split()[0], seen)


def of_people(field: str, seen: Any) -> Case:
    """A field of a person, asked of the administrators, whom everybody may know."""
    return of_members(PEOPLE, field, f"organization.administrators.*.user.{field}", seen)


def of_role_assign(query: str, field: str, path: str) -> Case:
    """A field that shows what members asked for: for the administration, and not for those who buy."""
    return replace(of_members(query, field, path, {"totalCount": 0}), required=("ROLE_ASSIGN",))


NEEDS_PERMISSION: dict[str, Case] = {
    "Organization.accessRequests": of_role_assign(
        ORGANIZATION, "accessRequests { totalCount }", "organization.accessRequests"
    ),
    "Membership.accessRequests": replace(
        of_role_assign(ADMINISTRATORS, "accessRequests { totalCount }", "organization.administrators.*.accessRequests"),
        seen=[{"totalCount": 0}] * 3,
    ),
    "Membership.openInvitations": replace(
        of_administrators("openInvitations { email }", [[{"email": "ayse.brandt@helios.example"}], [], []]),
        required=("MEMBER_MANAGE",),
    ),
    "Organization.members": of_members(
        ORGANIZATION, "members { totalCount }", "organization.members", {"totalCount": 25}
    ),
    "Organization.memberCounts": of_members(
        ORGANIZATION,
        "memberCounts { status count }",
        "organization.memberCounts",
        [
            {"status": "INVITED", "count": 1},
            {"status": "ACTIVE", "count": 22},
            {"status": "SUSPENDED", "count": 2},
            {"status": "REMOVED", "count": 2},
        ],
    ),
    "Organization.invitations": Case(
        ORGANIZATION,
        "invitations { totalCount nodes { email status } }",
        "organization.invitations",
        required=("MEMBER_MANAGE",),
        roles=("administration",),
        without="purchase@helios.example",
        having="administration@helios.example",
        elsewhere=("two.companies@helios.example", LUMEN),  # who is administration at Helios
        seen={"totalCount": 1, "nodes": [{"email": "ayse.brandt@helios.example", "status": "PENDING"}]},
    ),
    "Organization.joinRequests": Case(
        ORGANIZATION,
        "joinRequests { totalCount nodes { id } }",
        "organization.joinRequests",
        required=("MEMBER_MANAGE",),
        roles=("administration",),
        without="purchase@helios.example",
        having="administration@helios.example",
        elsewhere=("two.companies@helios.example", LUMEN),  # who is administration at Helios
        seen={"totalCount": 0, "nodes": []},
    ),
    "Organization.order": Case(
        ORGANIZATION,
        'order(number: "SW-204718-0084") { number }',
        "organization.order",
        required=("ORDER_VIEW", "ORDER_PLACE", "ORDER_APPROVE"),
        roles=("purchase",),
        without="administration@helios.example",
        having="purchase@helios.example",
        elsewhere=("two.companies@helios.example", HELIOS),  # who is purchase at Lumen
        seen={"number": "SW-204718-0084"},
    ),
    "Organization.orders": Case(
        ORGANIZATION,
        "orders(first: 1) { totalCount nodes { number lines { sku } events { status } } }",
        "organization.orders",
        required=("ORDER_VIEW", "ORDER_PLACE", "ORDER_APPROVE"),
        roles=("purchase",),
        without="administration@helios.example",
        having="purchase@helios.example",
        elsewhere=("two.companies@helios.example", HELIOS),  # who is purchase at Lumen
        seen={
            "totalCount": 81,
            "nodes": [
                {
                    "number": "SW-204718-0084",
                    "lines": [{"sku": "PC-BATTERY"}, {"sku": "PC-WALLBOX"}],
                    "events": [{"status": "DRAFT"}, {"status": "SUBMITTED"}],
                }
            ],
        },
    ),
    "Organization.addressBook": Case(
        ORGANIZATION,
        "addressBook { id }",
        "organization.addressBook",
        required=("ORGANIZATION_MANAGE", "ORDER_PLACE"),
        roles=("administration", "purchase"),
        without="planning@helios.example",
        having="purchase@helios.example",
        elsewhere=("aurelie.schmitt@helios.example", HELIOS),
        seen=[],
    ),
    "Organization.changeRequests": Case(
        ORGANIZATION,
        "changeRequests { totalCount }",
        "organization.changeRequests",
        required=("ORGANIZATION_VIEW", "ORGANIZATION_MANAGE", "ACCOUNT_MANAGE"),
        roles=("administration",),
        without="purchase@helios.example",
        having="administration@helios.example",
        elsewhere=("two.companies@helios.example", LUMEN),  # who is administration at Helios
        seen={"totalCount": 0},
    ),
    "Membership.roleGrants": of_administrators(
        "roleGrants { role { key } }",
        [
            [{"role": {"key": "administration"}}],
            [{"role": {"key": "administration"}}],
            [{"role": {"key": "administration"}}, {"role": {"key": "purchase"}}],
        ],
    ),
    "Membership.directGrants": of_administrators("directGrants { permission { code } }", [[], [], []]),
    "Membership.effectivePermissions": of_administrators(
        "effectivePermissions { permission { code } }",
        [
            [{"permission": {"code": code}} for code in codes]
            for codes in (
                ["ORGANIZATION_MANAGE", "MEMBER_MANAGE", "ROLE_ASSIGN", *MANAGING],
                ["ORGANIZATION_MANAGE", "MEMBER_MANAGE", "ROLE_ASSIGN", *MANAGING],
                ["ORGANIZATION_MANAGE", "MEMBER_MANAGE", "ROLE_ASSIGN", "ORDER_PLACE", "EVENT_BOOK", *MANAGING],
            )
        ],
    ),
    "Membership.applications": of_administrators(
        "applications { key }", [[{"key": key} for key in APPLICATIONS] for _ in range(3)]
    ),
    "Membership.tiles": of_administrators(
        "tiles { application { key } }", [[{"application": {"key": key}} for key in APPLICATIONS] for _ in range(3)]
    ),
    "User.email": of_people(
        "email", ["administration@helios.example", "two.companies@helios.example", "guenther.strauss@helios.example"]
    ),
    "User.phone": of_people("phone", ["+493023125990", "+493023125735", "+493023125887"]),
    "User.locale": of_people("locale", ["de-DE", "de-DE", "de-DE"]),
    "User.timeZone": of_people("timeZone", [None] * 3),
}
"""Each field that needs a permission, by its coordinate."""

TRIED_ELSEWHERE = {
    "Organization.auditEvents": "audit/test_audit_log.py",  # which nobody of the solar terminal may read
    "Organization.auditActions": "audit/test_wording.py",  # the same
    "Query.organizationChangeRequests": "change_requests/test_who_sees_them.py",  # which is the vendor's
    "Query.registrations": "registrations/test_callers.py",
    "OrganizationRegistration.duplicates": "registrations/test_callers.py",
    "RegistrationEvent.by": "registrations/test_callers.py",
    "JoinRequest.decidedBy": "join_requests/test_join_requests.py",
}
"""Each field that needs a permission and is tried with other callers: in which file."""

MEMBER_COMMAND = 'mutation Q { NAME(input: { id: "mbr_x" }) { errors { code } } }'

NEEDS_SIGN_IN: dict[str, tuple[str, str]] = {
    "Query.previewMembersAccess": (
        'query Q { previewMembersAccess(organizationId: "org_x", changes: []) { currentVersion } }',
        "previewMembersAccess",
    ),
    "Query.previewAccess": (
        'query Q { previewAccess(input: { membershipId: "mbr_x", roleKeys: [] }) { errors { code } } }',
        "previewAccess",
    ),
    "Mutation.updateMemberAccess": (
        'mutation Q { updateMemberAccess(input: { membershipId: "mbr_x", roleKeys: [] }) { errors { code } } }',
        "updateMemberAccess",
    ),
    "Mutation.updateMembersAccess": (
        'mutation Q($id: ID!) { updateMembersAccess(input: { organizationId: $id, changes: [], idempotencyKey: "k" }) '
        "{ errors { code } } }",
        "updateMembersAccess",
    ),
    **{
        f"Mutation.{name}": (MEMBER_COMMAND.replace("NAME", name), name)
        for name in ("suspendMember", "reactivateMember", "removeMember", "withdrawAccessRequest")
    },
    "Mutation.decideAccessRequest": (
        'mutation Q { decideAccessRequest(input: { id: "arq_x", approve: true }) { errors { code } } }',
        "decideAccessRequest",
    ),
    "Mutation.updateMember": (
        'mutation Q { updateMember(input: { id: "mbr_x", jobTitle: "x" }) { errors { code } } }',
        "updateMember",
    ),
    "Mutation.leaveOrganization": (
        "mutation Q($id: ID!) { leaveOrganization(input: { organizationId: $id }) { errors { code } } }",
        "leaveOrganization",
    ),
    "Mutation.transferAdministration": (
        "mutation Q($id: ID!) { transferAdministration(input: "
        '{ organizationId: $id, toMembershipId: "mbr_x", idempotencyKey: "k" }) { errors { code } } }',
        "transferAdministration",
    ),
    "Mutation.requestAccess": (
        "mutation Q($id: ID!) { requestAccess(input: { organizationId: $id, permissions: [ORDER_PLACE] }) "
        "{ errors { code } } }",
        "requestAccess",
    ),
    "Query.organization": ("query Q($id: ID!) { roles { key } organization(id: $id) { name } }", "organization"),
    "Organization.administrators": (
        "query Q($id: ID!) { roles { key } organization(id: $id) { administrators { user { displayName } } } }",
        "organization",  # a stranger does not get as far as the field itself
    ),
    "Mutation.updateOrganization": (
        "mutation Q($id: ID!) { updateOrganization(input: { id: $id, expectedVersion: 1 }) { errors { code } } }",
        "updateOrganization",
    ),
    "Mutation.saveAddress": (
        "mutation Q($id: ID!) { saveAddress(input: { organizationId: $id, address: "
        '{ street: ["X"], postalCode: "1", city: "X", countryCode: "DE" } }) { errors { code } } }',
        "saveAddress",
    ),
    "Mutation.deleteAddress": (
        "mutation Q($id: ID!) { deleteAddress(input: { id: $id }) { errors { code } } }",
        "deleteAddress",
    ),
    "Mutation.requestOrganizationChange": (
        'mutation Q($id: ID!) { requestOrganizationChange(input: { organizationId: $id, name: "X" }) '
        "{ errors { code } } }",
        "requestOrganizationChange",
    ),
    "Mutation.withdrawOrganizationChange": (
        "mutation Q($id: ID!) { withdrawOrganizationChange(input: { id: $id }) { errors { code } } }",
        "withdrawOrganizationChange",
    ),
    "Mutation.decideOrganizationChange": (
        "mutation Q($id: ID!) { decideOrganizationChange(input: { id: $id, approve: true }) { errors { code } } }",
        "decideOrganizationChange",
    ),
    "Mutation.answerRegistration": (
        'mutation Q { answerRegistration(input: { answer: "x" }) { errors { code } } }',
        "answerRegistration",
    ),
    "Mutation.approveRegistration": (
        'mutation Q { approveRegistration(input: { id: "reg_x" }) { errors { code } } }',
        "approveRegistration",
    ),
    "Mutation.rejectRegistration": (
        'mutation Q { rejectRegistration(input: { id: "reg_x", reason: "x" }) { errors { code } } }',
        "rejectRegistration",
    ),
    "Mutation.requestRegistrationInformation": (
        'mutation Q { requestRegistrationInformation(input: { id: "reg_x", question: "x" }) { errors { code } } }',
        "requestRegistrationInformation",
    ),
    "Mutation.requestToJoinOrganization": (
        'mutation Q { requestToJoinOrganization(input: { customerNumber: "1" }) { errors { code } } }',
        "requestToJoinOrganization",
    ),
    "Mutation.approveJoinRequest": (
        'mutation Q { approveJoinRequest(input: { id: "jrq_x", roleKeys: [] }) { errors { code } } }',
        "approveJoinRequest",
    ),
    "Mutation.declineJoinRequest": (
        'mutation Q { declineJoinRequest(input: { id: "jrq_x" }) { errors { code } } }',
        "declineJoinRequest",
    ),
    "Mutation.withdrawJoinRequest": (
        'mutation Q { withdrawJoinRequest(input: { id: "jrq_x" }) { errors { code } } }',
        "withdrawJoinRequest",
    ),
    "Mutation.signOut": ("mutation Q { signOut(input: {}) { accepted } }", "signOut"),
    "Mutation.inviteMembers": (
        'mutation Q { inviteMembers(input: { organizationId: "org_x", invitees: [], idempotencyKey: "x" }) '
        "{ errors { code } } }",
        "inviteMembers",
    ),
    "Mutation.resendInvitation": (
        'mutation Q { resendInvitation(input: { id: "inv_x" }) { errors { code } } }',
        "resendInvitation",
    ),
    "Mutation.revokeInvitation": (
        'mutation Q { revokeInvitation(input: { id: "inv_x" }) { errors { code } } }',
        "revokeInvitation",
    ),
    "Mutation.updateProfile": (
        'mutation Q { updateProfile(input: { expectedVersion: 1, firstName: "X" }) { errors { code } } }',
        "updateProfile",
    ),
    "Mutation.changePassword": (
        'mutation Q { changePassword(input: { currentPassword: "x", newPassword: "y" }) { accepted } }',
        "changePassword",
    ),
    "Mutation.requestEmailChange": (
        'mutation Q { requestEmailChange(input: { newEmail: "new@helios.example", currentPassword: "" }) '
        "{ accepted } }",
        "requestEmailChange",
    ),
    "Mutation.setNewsletterSubscription": (
        "mutation Q { setNewsletterSubscription(input: { subscribed: true }) { errors { code } } }",
        "setNewsletterSubscription",
    ),
    "Mutation.setConsent": (
        "mutation Q { setConsent(input: { purpose: NEWSLETTER, granted: true }) { errors { code } } }",
        "setConsent",
    ),
    "Mutation.setDefaultOrganization": (
        'mutation Q { setDefaultOrganization(input: { id: "org_x" }) { errors { code } } }',
        "setDefaultOrganization",
    ),
    "Mutation.revokeSession": (
        'mutation Q { revokeSession(input: { id: "ses_x" }) { errors { code } } }',
        "revokeSession",
    ),
    "Mutation.revokeOtherSessions": (
        "mutation Q { revokeOtherSessions(input: {}) { errors { code } } }",
        "revokeOtherSessions",
    ),
    "Mutation.requestDataExport": (
        "mutation Q { requestDataExport(input: {}) { errors { code } } }",
        "requestDataExport",
    ),
    "Mutation.requestAccountDeletion": (
        "mutation Q { requestAccountDeletion(input: {}) { accepted } }",
        "requestAccountDeletion",
    ),
}
"""Each field that needs somebody who is signed in: how to ask for it, and where the refusal stands."""


def without_columns(statements: list[str]) -> list[str]:
    return [re.sub(r"^SELECT .*? \nFROM", "SELECT FROM", one, flags=re.DOTALL) for one in statements]


def guarded_fields() -> dict[str, Any]:
    """The answering object of each field of the schema that has a guard, by its coordinate."""
    found = {}
    for type_ in shared_core().type_map.values():
        for field in getattr(type_, "fields", {}).values():
            answering = getattr(field, "extensions", {}).get(BATCH)
            if answering is not None and answering.bound.rule.signed_in:
                found[str(answering.bound.coordinate)] = answering
    return found


def test_no_guarded_field_is_forgotten_here() -> None:
    fields = guarded_fields()

    guarded = {name for name, it in fields.items() if it.bound.rule.any_of}
    tried = NEEDS_PERMISSION.keys() | TRIED_ELSEWHERE.keys()
    assert sorted(guarded - tried) == [], (
        "add these to NEEDS_PERMISSION, or say in TRIED_ELSEWHERE which file tries them"
    )
    assert sorted(tried - guarded) == [], "these are no longer in the schema"
    for name, file in TRIED_ELSEWHERE.items():
        assert name.partition(".")[2] in (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
    assert {name for name, it in fields.items() if not it.bound.rule.any_of} == set(NEEDS_SIGN_IN)


def test_every_guard_refuses_whoever_is_not_signed_in(solar: Portal) -> None:
    stranger = RequestContext(solar.wiring.backends, solar.wiring.policy, now=NOW, request_id="test")

    for coordinate, answering in guarded_fields().items():
        refusals = answering.bound.refusals(stranger, [object(), object()])

        assert [type(refusal) for refusal in refusals] == [NotSignedIn, NotSignedIn], coordinate
        assert {refusal.decision.reason for refusal in refusals} == {DenialReason.UNAUTHENTICATED}


@pytest.mark.parametrize("coordinate", NEEDS_PERMISSION)
@pytest.mark.parametrize("who", ["without", "elsewhere"])
async def test_a_member_without_the_right_in_this_organization_gets_null_a_reason_and_the_rest(
    solar: Portal, coordinate: str, who: str
) -> None:
    case = NEEDS_PERMISSION[coordinate]
    login_name, at_organization = (case.without, HELIOS) if who == "without" else case.elsewhere
    person, organization = await solar.person(login_name), await id_of(solar, at_organization)

    answer, statements = await asked(solar, person, case.query, case.field, organization)
    rest, fewest = await asked(solar, person, case.query, "", organization)

    assert set(values_at(answer.data, case.path)) == {None}
    assert without(answer.data, case.path) == rest.data
    assert rest.errors == []
    # No back end was asked for what is refused, only the directory for who could grant it. What is one more column of a
    # row that is read anyway is read: it may be refused for some of the rows alone.
    assert without_columns(statements[: len(fewest)]) == without_columns(fewest)
    assert len(statements) <= len(fewest) + 3
    assert {normalized(error["path"]) for error in answer.errors} == {case.path}
    for error in answer.errors:
        assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
        expected = explanation(coordinate, case, organization)
        assert {key: error["extensions"]["authorization"][key] for key in expected} == expected
        assert [way["role"] for way in error["extensions"]["authorization"]["grantableBy"]] == list(case.roles)


@pytest.mark.parametrize("coordinate", NEEDS_PERMISSION)
async def test_a_member_with_the_right_sees_what_it_opens(solar: Portal, coordinate: str) -> None:
    case = NEEDS_PERMISSION[coordinate]
    person, organization = await solar.person(case.having), await id_of(solar, HELIOS)

    answer, _ = await asked(solar, person, case.query, case.field, organization)

    assert answer.errors == []
    found = values_at(answer.data, case.path)
    assert (found if "*" in case.path else found[0]) == case.seen


@pytest.mark.parametrize("coordinate", NEEDS_PERMISSION)
@pytest.mark.parametrize("login_name", ["administration@lumen.example", "noemie.rochat@lumen.example"])
async def test_somebody_with_the_right_elsewhere_only_does_not_even_find_the_organization(
    solar: Portal, coordinate: str, login_name: str
) -> None:
    case = NEEDS_PERMISSION[coordinate]
    person, helios = await solar.person(login_name), await id_of(solar, HELIOS)

    answer, statements = await asked(solar, person, case.query, case.field, helios)

    assert answer.body == {"data": {"viewer": {"accountKind": "BUSINESS_CUSTOMER"}, "organization": None}}
    assert len(statements) == 1  # who asks


@pytest.mark.parametrize("coordinate", [*NEEDS_PERMISSION, *NEEDS_SIGN_IN])
async def test_a_stranger_gets_null_and_no_back_end_is_asked(solar: Portal, coordinate: str) -> None:
    case = NEEDS_PERMISSION.get(coordinate)
    query, path = NEEDS_SIGN_IN.get(coordinate, (case and case.query.replace("FIELD", case.field), "organization"))
    helios = await id_of(solar, HELIOS)

    with solar.statements() as statements:
        answer = await solar.anybody().asks(query, id=helios)

    assert answer.status == 200
    assert answer.data[path] is None
    assert answer.data.get("viewer") is None
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [([path], "UNAUTHENTICATED")]
    assert answer.errors[0]["extensions"]["authorization"]["reason"] == "UNAUTHENTICATED"
    assert statements == []


async def test_whoever_is_signed_in_passes_the_fields_that_ask_for_nothing_more(portal: Portal) -> None:
    person = await portal.person("planning@helios.example")
    helios = await portal.organization_of("planning@helios.example")

    at_organization, administrators, farewell, change = [
        await person.asks(NEEDS_SIGN_IN[name][0], id=helios)
        for name in ("Query.organization", "Organization.administrators", "Mutation.signOut", "Mutation.updateProfile")
    ]

    assert at_organization.at("organization") == {"name": HELIOS}
    assert [member["user"]["displayName"] for member in administrators.at("organization.administrators")] == [
        "Annegret Kästner",
        "Regula Oberhänsli",
        "Günther Strauß",
    ]
    assert farewell.body == {"data": {"signOut": {"accepted": True}}}
    assert change.status == 401  # for the session is over


@pytest.mark.parametrize("field", ["email", "phone", "locale"])
async def test_what_concerns_oneself_needs_no_right(solar: Portal, field: str) -> None:
    person = await solar.person("lena.hartwig@helios.example")  # who has no role at all

    answer = await person.asks(
        f"""
        {{
          viewer {{
            user {{ {field} }}
            memberships {{
              nodes {{
                user {{ {field} }} roleGrants {{ id }} directGrants {{ id }} applications {{ key }}
                effectivePermissions {{ permission {{ code }} }}
              }}
            }}
          }}
        }}
        """
    )

    membership = answer.at("viewer.memberships.nodes.0")
    assert answer.errors == []
    assert answer.at("viewer.user")[field] == membership["user"][field]
    assert [membership[name] for name in ("roleGrants", "directGrants", "applications", "effectivePermissions")] == [
        [], [], [], [],
    ]  # fmt: skip


async def test_an_alias_opens_nothing(solar: Portal) -> None:
    person, helios = await solar.person("purchase@helios.example"), await id_of(solar, HELIOS)

    answer = await person.asks(
        "query Q($id: ID!, $yes: Boolean! = true) { organization(id: $id) { name: members { totalCount } "
        "orders: members @include(if: $yes) { totalCount } __typename ...Hidden } } "
        "fragment Hidden on Organization { again: members(first: 1) { totalCount } }",
        id=helios,
    )

    assert answer.at("organization") == {"name": None, "orders": None, "__typename": "Organization", "again": None}
    assert answer.codes == dict.fromkeys(
        ["organization.name", "organization.orders", "organization.again"], "UNAUTHORIZED_FIELD_OR_TYPE"
    )


async def asked(portal: Portal, person: Person, query: str, field: str, organization: str) -> tuple[Answer, list[str]]:
    """The answer to the query with this field in it, and the statements it took."""
    with portal.statements() as statements:
        answer = await person.asks(query.replace("FIELD", field), id=organization)
    return answer, statements


async def id_of(portal: Portal, at_organization: str) -> str:
    """The id of one of the two organizations."""
    return await portal.organization_of(
        "administration@helios.example" if at_organization == HELIOS else "administration@lumen.example"
    )


def explanation(coordinate: str, case: Case, organization: str) -> dict[str, Any]:
    """What stands beside the message of a refusal."""
    type_name, field_name = coordinate.split(".")
    return {
        "coordinate": {"typeName": type_name, "fieldName": field_name},
        "required": [[code] for code in case.required],
        "missing": list(case.required),
        "organizationId": organization,
        "reason": "MISSING_PERMISSION",
        "requestable": True,
    }


def normalized(path: list[str | int]) -> str:
    """The path with * for any index in a list, as one refusal stands for all of them."""
    return ".".join("*" if isinstance(step, int) or step == "@" else step for step in path)


def values_at(data: Any, path: str) -> list[Any]:
    """All values at a path with * in it."""
    found = [data]
    for step in path.split("."):
        found = [entry for value in found for entry in (value if step == "*" else [value[step]])]
    return found


def without(data: Any, path: str) -> Any:
    """The data, with nothing at a path with * in it."""
    *way, last = path.split(".")
    for holder in values_at(data, ".".join(way)):
        del holder[last]
    return data
