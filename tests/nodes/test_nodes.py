"""Any object by its id."""

from typing import Any

import pytest
from sqlalchemy import update

from connectors.directory.tables import users
from tests.every_mutation.entry import payload, user_id
from tests.invitations.inviting import DECLINE, accepts, invited
from tests.portal import Answer, Person, Portal
from tests.registrations.registering import applicant_of, registration_of

PURCHASE = "purchase@helios.example"

NODES = "query Nodes($ids: [ID!]!) { viewer { user { displayName } } nodes(ids: $ids) { __typename id } }"


async def ids_seen_by(portal: Portal, login_name: str) -> dict[str, str]:
    """An id of each kind that a buyer may see."""
    person = await portal.person(login_name)
    answer = await person.asks(
        """
        {
          viewer {
            id user { id }
            memberships {
              nodes {
                id roleGrants { id role { id } }
                organization { id orders(first: 1) { nodes { id events { id } } } }
              }
            }
          }
          applicationCatalogue { id category { id } }
        }
        """
    )
    viewer, application = answer.at("viewer"), answer.at("applicationCatalogue.0")
    (membership,) = viewer["memberships"]["nodes"]
    (order,) = membership["organization"]["orders"]["nodes"]
    return {
        "Viewer": viewer["id"],
        "User": viewer["user"]["id"],
        "Membership": membership["id"],
        "RoleGrant": membership["roleGrants"][0]["id"],
        "Role": membership["roleGrants"][0]["role"]["id"],
        "Organization": membership["organization"]["id"],
        "Order": order["id"],
        "OrderEvent": order["events"][0]["id"],
        "Application": application["id"],
        "ApplicationCategory": application["category"]["id"],
    }


async def test_every_object_on_the_page_is_found_again_by_its_id(solar: Portal) -> None:
    """D40; each kind of Node."""
    person = await solar.person(PURCHASE)
    ids = await ids_seen_by(solar, PURCHASE)

    together = await person.asks(NODES, ids=list(ids.values()))

    assert together.at("nodes") == [{"__typename": kind, "id": identifier} for kind, identifier in ids.items()]
    for kind, identifier in ids.items():
        alone = await person.asks("query Node($id: ID!) { node(id: $id) { __typename id } }", id=identifier)
        assert alone.at("node") == {"__typename": kind, "id": identifier}


async def test_a_direct_permission_is_a_node_too(software: Portal) -> None:
    person = await software.person("orders@hausgut.example")
    answer = await person.asks("{ viewer { memberships { nodes { directGrants { id } } } } }")
    identifier = answer.at("viewer.memberships.nodes.0.directGrants.0.id")

    found = await person.asks(
        "query Node($id: ID!) { node(id: $id) { ... on DirectGrant { id permission { code } } } }", id=identifier
    )

    assert found.at("node") == {"id": identifier, "permission": {"code": "ORDER_PLACE"}}


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "_",
        "org",
        "org_",
        "role",
        "app",
        "cat_",
        "xyz_1",
        "usr_\u0000",
        "ord_💡",
        "vwr_",
        "__proto__",
        "org_" + "0" * 5000,
    ],
)
async def test_what_is_no_id_is_no_object(solar: Portal, identifier: str) -> None:
    person = await solar.person(PURCHASE)

    answer = await person.asks(NODES, ids=[identifier])

    assert answer.body == {"data": {"viewer": {"user": {"displayName": "Jörg Weiß"}}, "nodes": [None]}}


async def test_more_than_a_hundred_ids_at_once_are_refused(solar: Portal) -> None:
    person = await solar.person(PURCHASE)

    answer = await person.asks("query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["org_1"] * 101)

    assert answer.status == 200
    assert answer.codes == {"nodes": "BAD_USER_INPUT"}
    assert answer.errors[0]["message"] == "`ids` has 101 entries; ask for at most 100 at once."


async def test_a_fragment_on_one_kind_of_object_opens_no_guarded_field_of_another(solar: Portal) -> None:
    person = await solar.person(PURCHASE)
    ids = await ids_seen_by(solar, PURCHASE)

    answer = await person.asks(
        """
        query Fragments($order: ID!, $organization: ID!) {
          order: node(id: $order) { ...Either }
          organization: node(id: $organization) { ...Either }
        }
        fragment Either on Node { ... on Organization { members { totalCount } } ... on Order { number } }
        """,
        order=ids["Order"],
        organization=ids["Organization"],
    )

    assert answer.data == {"order": {"number": "SW-204718-0084"}, "organization": {"members": None}}
    assert answer.codes == {"organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_a_shop_that_is_down_hides_only_the_orders_among_the_objects(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    ids = await ids_seen_by(portal, PURCHASE)

    with portal.without_shop():
        answer = await person.asks(NODES, ids=[ids["Organization"], ids["Order"], ids["User"], ids["OrderEvent"]])
        alone = await person.asks("query Node($id: ID!) { node(id: $id) { id } }", id=ids["Order"])

    assert answer.at("viewer.user.displayName") == "Jörg Weiß"
    assert [node and node["__typename"] for node in answer.at("nodes")] == ["Organization", None, "User", None]
    assert answer.codes == {"nodes.1": "BACKEND_UNAVAILABLE", "nodes.3": "BACKEND_UNAVAILABLE"}
    assert (alone.data, alone.codes) == ({"node": None}, {"node": "BACKEND_UNAVAILABLE"})


async def test_what_the_rights_in_an_organization_do_not_show_is_no_node_either(solar: Portal) -> None:
    """A buyer finds orders and no colleagues by id, an administrator colleagues and no orders."""
    administrator = await solar.person("administration@helios.example")
    buyer = await solar.person(PURCHASE)
    answer = await administrator.asks(
        "{ viewer { memberships { nodes { organization "
        '{ members(search: "planning@") { nodes { id user { id } roleGrants { id } } } } } } } }'
    )
    colleague = answer.at("viewer.memberships.nodes.0.organization.members.nodes.0")
    bought = await ids_seen_by(solar, PURCHASE)
    ids = [colleague["id"], colleague["user"]["id"], colleague["roleGrants"][0]["id"], bought["Order"]]
    ids.append(bought["OrderEvent"])

    seen = {}
    for name, person in (("administrator", administrator), ("buyer", buyer)):
        found = await person.asks("query Nodes($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", ids=ids)
        seen[name] = [node and node["__typename"] for node in found.at("nodes")]

    assert seen == {
        "administrator": ["Membership", "User", "RoleGrant", None, None],
        "buyer": [None, None, None, "Order", "OrderEvent"],
    }


PERSON = "query P($id: ID!) { node(id: $id) { ... on User { displayName email phone locale } } }"


async def person_seen(portal: Portal, login_name: str, id: str) -> Any:
    """What somebody finds of a person by the id."""
    answer: Answer = await (await portal.person(login_name)).asks(PERSON, id=id)
    assert set(answer.codes.values()) <= {"UNAUTHORIZED_FIELD_OR_TYPE"}
    return answer.at("node")


async def test_whoever_is_named_in_what_one_reads_is_found_by_id_with_no_more_than_that(solar: Portal) -> None:
    """Somebody who only asked to join, and the vendor's staff who decided: neither is a member."""
    administrator, private, review = "administration@helios.example", "private@home.example", "review@vendor.example"
    helios = await solar.organization_of(administrator)
    ids = {name: await user_id(solar, name) for name in (private, review, PURCHASE)}
    assert await person_seen(solar, administrator, ids[private]) is None
    assert await person_seen(solar, administrator, ids[review]) is None

    await payload(solar, private, "requestToJoinOrganization", {"customerNumber": "204718"}, "errors { code }")
    asked = await payload(
        solar, administrator, "requestOrganizationChange", {"organizationId": helios, "name": "Neu"},
        "changeRequest { id } errors { code }",
    )  # fmt: skip
    decision = {"id": asked["changeRequest"]["id"], "approve": False, "note": "Nein"}
    await payload(solar, review, "decideOrganizationChange", decision, "errors { code }")

    asking = await person_seen(solar, administrator, ids[private])
    assert (asking["displayName"], asking["email"]) == ("Hannelore Wörner", private)
    decided = {"displayName": "Claire Hübner", "email": None, "phone": None, "locale": None}
    assert await person_seen(solar, administrator, ids[review]) == decided
    assert await person_seen(solar, PURCHASE, ids[private]) is None
    assert await person_seen(solar, PURCHASE, ids[review]) is None
    buyer = await person_seen(solar, review, ids[PURCHASE])
    assert buyer is None
    lumen = "administration@lumen.example"
    assert [await person_seen(solar, lumen, id) for id in ids.values()] == [None] * 3


async def test_who_is_invited_and_has_an_account_shows_nothing_of_it_before_they_accept(solar: Portal) -> None:
    administrator, invited = "administration@helios.example", "gael.jaquet@leman.example"
    id = await user_id(solar, invited)
    change = {"expectedVersion": 1, "phone": "+41215550101", "locale": "fr-CH"}
    await payload(solar, invited, "updateProfile", change, "errors { code }")
    invitation = {
        "organizationId": await solar.organization_of(administrator),
        "invitees": [{"email": invited, "roleKeys": ["planning"]}],
        "idempotencyKey": "k",
    }
    sent = await payload(solar, administrator, "inviteMembers", invitation, "results { invitation { id } }")

    waiting = await person_seen(solar, administrator, id)
    revoked = {"id": sent["results"][0]["invitation"]["id"]}
    await payload(solar, administrator, "revokeInvitation", revoked, "errors { code }")
    taken_back = await person_seen(solar, administrator, id)

    assert waiting is None
    assert taken_back is None
    assert (await person_seen(solar, invited, id))["phone"] == "+41215550101"


async def test_a_reviewer_finds_the_organization_of_a_registration_without_reading_them_all(portal: Portal) -> None:
    organization = (await registration_of(await applicant_of(portal)))["organization"]["id"]
    review = await portal.person("review@vendor.example")

    with portal.statements() as sent:
        answer = await review.asks("query Node($id: ID!) { node(id: $id) { __typename } }", id=organization)

    assert answer.data == {"node": {"__typename": "Organization"}}
    assert [one for one in sent if "registrations.submitted_at IS NOT NULL" in one] == []


async def test_an_invitation_that_was_answered_is_theirs_who_answered_whoever_has_the_address_now(
    portal: Portal,
) -> None:
    """An address is given to somebody else: a mailbox of a team, or of somebody who has left."""
    accepting, later = "private@home.example", "administration@lumen.example"
    inviter = await user_id(portal, "administration@helios.example")
    accepted, token = await invited(portal, accepting)
    assert (await accepts(portal.anybody(), token))["errors"] == []
    declined, token = await invited(portal, "not.now@home.example")
    await portal.anybody().asks(DECLINE, input={"token": token})
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        for old, new in ((accepting, "elsewhere@home.example"), (later, accepting)):
            moved = update(users).where(users.c.email_key == old).values(email=new, email_key=new)
            await connection.execute(moved)

    async def seen_by(person: Person) -> list[Any]:
        query = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
        nodes = (await person.asks(query, ids=[accepted, declined, inviter])).at("nodes")
        return [node and node["__typename"] for node in nodes]

    assert await seen_by(await portal.person(accepting)) == [None, None, None]
    assert await seen_by(await portal.person("elsewhere@home.example")) == ["Invitation", None, "User"]
