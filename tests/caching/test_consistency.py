"""The cache-consistency walk: for one viewer, an object has one value for each field, by whichever path it is met, and
`node(id:)` gives it again. See docs/normalised-caches.md.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.caching.walk import Ask, Store, Values, Word, all_of, walked
from tests.every_mutation.entry import ANYBODY, payload, token_for
from tests.portal import Answer, Portal, open_portal
from tests.view_as.test_view_as import membership_of

WITHOUT_LIMITS = {
    "cost_mode": "measure",
    "max_document_bytes": 10_000_000,
    "max_body_bytes": 20_000_000,
    "max_tokens": 2_000_000,
    "max_depth": 60,
    "max_recursion": 150,
    "max_aliases": 1_000_000,
    "max_objects": 5_000_000,
    "max_answer_bytes": 500_000_000,
}

ADMINISTRATION, PURCHASE, PLANNING, TWO = (
    "administration@helios.example",
    "purchase@helios.example",
    "planning@helios.example",
    "two.companies@helios.example",
)
REVIEW, PRIVATE, SUSPENDED = "review@vendor.example", "private@home.example", "suspended@helios.example"
INVITED = "ayse.brandt@helios.example"
HOLDER, LENA, ORDERS = (
    "licence.holder@hausgut.example",
    "lena.strauss@hausgut.example",
    "orders@hausgut.example",
)


async def lived_in_solar(portal: Portal) -> None:
    """Let there be something of all that waits for a decision, and of all that was decided."""
    helios = await portal.organization_of(ADMINISTRATION)
    planner = await membership_of(portal, PLANNING)

    async def does(who: str, mutation: str, answer: str = "errors { code message path }", **input: Any) -> Any:
        return await payload(portal, who, mutation, input, answer)

    asked = await does(
        PLANNING, "requestAccess", "accessRequest { id } errors { code }", organizationId=helios, roleKeys=["purchase"]
    )
    await does(ADMINISTRATION, "decideAccessRequest", id=asked["accessRequest"]["id"], approve=False, note="Nein")
    await does(PLANNING, "requestAccess", organizationId=helios, roleKeys=["installation"])
    await does(PURCHASE, "requestAccess", organizationId=helios, roleKeys=["planning"])
    for name in ("Helios Solar GmbH", "Helios AG"):
        changing = await does(
            ADMINISTRATION, "requestOrganizationChange", "changeRequest { id } errors { code }",
            organizationId=helios, name=name,
        )  # fmt: skip
        if name == "Helios Solar GmbH":
            await does(
                REVIEW, "decideOrganizationChange", id=changing["changeRequest"]["id"], approve=False, note="Nein"
            )
    joining = "joinRequest { id } errors { code }"
    asked = await does(PRIVATE, "requestToJoinOrganization", joining, customerNumber="204718")
    await does(ADMINISTRATION, "declineJoinRequest", id=asked["joinRequest"]["id"], note="Nein")
    await does("gael.jaquet@leman.example", "requestToJoinOrganization", customerNumber="204718")
    await does("gael.jaquet@leman.example", "updateProfile", expectedVersion=1, phone="+41215550101", locale="fr-CH")
    invitees = [
        {"email": email, "roleKeys": ["purchase"]}
        for email in ("gael.jaquet@leman.example", PRIVATE, "administration@lumen.example", "new@helios.example")
    ]
    sent = await does(
        ADMINISTRATION, "inviteMembers", "results { invitation { id } errors { code } } errors { code }",
        organizationId=helios, invitees=invitees, idempotencyKey="walk",
    )  # fmt: skip
    assert [one["errors"] for one in sent["results"]] == [[]] * 4
    await does(PRIVATE, "declineInvitation", token=await token_for(portal, PRIVATE))
    await does(ADMINISTRATION, "revokeInvitation", id=sent["results"][2]["invitation"]["id"], reason="Irrtum")
    await does(ADMINISTRATION, "suspendMember", id=await membership_of(portal, "lukas.doerr@helios.example"))
    await does(ADMINISTRATION, "removeMember", id=await membership_of(portal, "elif.nowak@helios.example"))
    await does(
        ADMINISTRATION, "updateMemberAccess", membershipId=planner, roleKeys=["planning"],
        validUntil="2027-01-01T00:00:00Z",
    )  # fmt: skip
    for person in (PURCHASE, ADMINISTRATION, TWO):
        await does(person, "setNewsletterSubscription", subscribed=True)
        await does(person, "requestDataExport")
        await does(person, "setConsent", purpose="PRODUCT_ADVICE", granted=True)
        await does(person, "setConsent", purpose="PRODUCT_ADVICE", granted=False)
    address = {"street": ["Weg 1"], "postalCode": "79100", "city": "Freiburg", "countryCode": "DE"}
    await does(PURCHASE, "saveAddress", organizationId=helios, address=address, defaultBilling=True)
    for number, answer in enumerate(("approveRegistration", "rejectRegistration", None)):
        email = f"zoe@firstblick{number}.example"
        given = {
            "confirmFirstRegistration": True, "kind": "INSTALLER", "name": f"Firstblick {number} GmbH", "seat": address,
            "acceptTerms": True, "applicantFirstName": "Zoë", "applicantLastName": "Žižek", "applicantEmail": email,
            "newsletter": True, "idempotencyKey": f"walk {number}",
        }  # fmt: skip
        await does(ANYBODY, "registerOrganization", **given)
        token = await token_for(portal, email)
        await does(ANYBODY, "confirmRegistration", token=token, password="drei Dachziegel im Regen")
        found = await (await portal.person(email)).asks("{ viewer { registration { id } } }")
        id = found.at("viewer.registration.id")
        if answer == "approveRegistration":
            await does(REVIEW, answer, id=id, customerNumber=f"7700{number}")
        elif answer is not None:
            await does(REVIEW, answer, id=id, reason="Kein Betrieb")
    portal.forget_attempts()


async def lived_in_software(portal: Portal) -> None:
    """Let there be something on record, and something that waits."""
    gut = await portal.organization_of(HOLDER)

    async def does(who: str, mutation: str, answer: str = "errors { code message path }", **input: Any) -> Any:
        return await payload(portal, who, mutation, input, answer)

    await does(LENA, "requestAccess", organizationId=gut, permissions=["ORDER_PLACE"])
    await does(
        HOLDER, "updateMemberAccess", membershipId=await membership_of(portal, LENA),
        permissions=["ORDER_VIEW", "SOFTWARE_DOWNLOAD"],
    )  # fmt: skip
    changing = await does(
        HOLDER, "requestOrganizationChange", "changeRequest { id } errors { code }", organizationId=gut, name="Gut KG"
    )
    await does(REVIEW, "decideOrganizationChange", id=changing["changeRequest"]["id"], approve=True)
    await does(HOLDER, "removeMember", id=await membership_of(portal, "marko.gross@hausgut.example"))
    refused = await (await portal.person(LENA)).asks(
        'mutation M($id: ID!) { inviteMembers(input: { organizationId: $id, invitees: [], idempotencyKey: "k" }) '
        "{ errors { code } } }",
        id=gut,
    )
    assert refused.at("inviteMembers.errors.0.code") == "FORBIDDEN"


async def values_of(portal: Portal, login_name: str, colleague: str | None) -> Values:
    """What the arguments are given for somebody: their organizations, and a colleague to look at."""
    person = await portal.person(login_name)
    answer = await person.asks("{ viewer { user { id } memberships { nodes { organization { id } } } } }")
    own = [node["organization"]["id"] for node in answer.at("viewer.memberships.nodes")]
    few: dict[str, Any] = {"first": 5}
    anyhow: list[Any] = [few, {**few, "status": all_of("RequestStatus")}]
    others = {"first": 12, "status": [Word("INVITED"), Word("SUSPENDED"), Word("REMOVED")]}
    everything = {"permissions": all_of("PermissionCode")}
    preview = {"membershipId": colleague, "roleKeys": [], "validUntil": "2027-06-01T00:00:00Z"}
    return Values(
        {
            "Query.organization": [{"id": id} for id in own],
            "Query.previewAccess": [{"input": preview}] if colleague is not None else [],
            "Query.registrations": [few, {**few, "status": all_of("RegistrationStatus")}],
            "Query.organizationChangeRequests": anyhow,
            "Query.invitationPreview": [],
            "Query.mailLinkPreview": [],
            "Query.linkPreview": [],
            "Query.previewMembersAccess": [],
            "Query.registrationStatus": [],
            "Query.organizationRegistrationCheck": [],
            "Viewer.membership": [{"organizationId": id} for id in own],
            "Viewer.memberships": [few, {**few, "status": all_of("MembershipStatus")}],
            "Viewer.applications": [
                {"organizationId": id, "includeUnavailable": whether}
                for id in own or [None]
                for whether in (True, False)
            ],
            "Viewer.can": [everything, *({**everything, "organizationId": id} for id in own)],
            "Viewer.auditEvents": [{"first": 10}],
            "Organization.members": [few, others],
            "Organization.orders": [few],
            "Organization.order": [{"number": "SW-204718-0084"}],
            "Organization.auditEvents": [{"first": 15}],
            "Organization.accessRequests": anyhow,
            "Organization.changeRequests": anyhow,
            "Organization.joinRequests": anyhow,
            "Organization.invitations": [{**few, "status": all_of("InvitationStatus")}],
            "Membership.accessRequests": anyhow,
            "Role.viewerCanAssign": [{"organizationId": id} for id in own],
        }
    )


@dataclass(frozen=True)
class Viewer:
    """Whose cache it is: as whom somebody is signed in, as which member they look, whom they may look at."""

    name: str
    profile: str
    login_name: str
    looks_as: str | None = None
    colleague: str | None = None
    finds: tuple[str, ...] = field(default=())


VIEWERS = [
    Viewer("administrator", "solar_terminal", ADMINISTRATION, colleague=PLANNING, finds=("JoinRequest", "Invitation")),
    Viewer("a buyer", "solar_terminal", PURCHASE, finds=("Order", "OrderEvent", "AddressBookEntry", "DataExport")),
    Viewer("a member without permissions", "solar_terminal", PLANNING, finds=("AccessRequest", "Membership")),
    Viewer("a member of two organizations", "solar_terminal", TWO, colleague=PLANNING, finds=("Order", "Invitation")),
    Viewer("a suspended member", "solar_terminal", SUSPENDED, finds=("Membership",)),
    Viewer("a private person", "solar_terminal", PRIVATE, finds=("JoinRequest",)),
    Viewer("somebody invited", "solar_terminal", "gael.jaquet@leman.example", finds=("Invitation", "JoinRequest")),
    Viewer("an applicant", "solar_terminal", "zoe@firstblick2.example", finds=("OrganizationRegistration",)),
    Viewer("a rejected applicant", "solar_terminal", "zoe@firstblick1.example", finds=("OrganizationRegistration",)),
    Viewer("vendor staff", "solar_terminal", REVIEW, finds=("OrganizationRegistration", "ChangeRequest")),
    Viewer("an administrator as a buyer", "solar_terminal", ADMINISTRATION, looks_as=PURCHASE, finds=("Order",)),
    Viewer("a licence holder", "software_house", HOLDER, colleague=LENA, finds=("AuditEvent", "DirectGrant")),
    Viewer("an authorised person", "software_house", LENA, finds=("Order", "AccessRequest")),
    Viewer("a licence holder as a member", "software_house", HOLDER, looks_as=ORDERS, finds=("Order",)),
]

LIVED_IN: dict[str, Callable[[Portal], Awaitable[None]]] = {
    "solar_terminal": lived_in_solar,
    "software_house": lived_in_software,
}


async def asking(portal: Portal, viewer: Viewer) -> Ask:
    """Return how the viewer asks."""
    person = await portal.person(viewer.login_name)
    if viewer.looks_as is None:
        return person.asks
    membership_id = await membership_of(portal, viewer.looks_as)

    async def ask(query: str, **variables: Any) -> Answer:
        body = json.dumps({"query": query, "variables": variables}).encode()
        return await person.posts(body, forecourt_view_as=membership_id)

    return ask


async def store_of(portal: Portal, viewer: Viewer) -> Store:
    """Return what the viewer's cache knows after the walk."""
    colleague = await membership_of(portal, viewer.colleague) if viewer.colleague is not None else None
    values = await values_of(portal, viewer.looks_as or viewer.login_name, colleague)
    return await walked(await asking(portal, viewer), values, levels=3, samples=2)


IN_EACH_RUN = ("an administrator as a buyer",)
"""The other viewers walk in `make test-all`: each takes seconds of the processor."""


@pytest.mark.parametrize(
    "viewer",
    [
        pytest.param(viewer, id=viewer.name, marks=[] if viewer.name in IN_EACH_RUN else pytest.mark.slow)
        for viewer in VIEWERS
    ],
)
async def test_an_object_is_the_same_by_every_path_and_found_again_by_its_id(viewer: Viewer) -> None:
    async with open_portal(viewer.profile, **WITHOUT_LIMITS) as portal:
        await LIVED_IN[viewer.profile](portal)

        store = await store_of(portal, viewer)

    assert store.conflicts == []
    assert _lost(store) == []
    assert set(viewer.finds) <= {type_ for type_, _ in store.values}


def _lost(store: Store) -> list[str]:
    """What is not found again, but for what a preview says would be there."""
    return [f"{type_}:{id}" for type_, id in store.lost if not id.startswith(PREVIEWED)]


PREVIEWED = ("til_pre_", "grt_planned_")
"""With this the ids begin of what would be there after a change; they find nothing."""
