"""Who asks for another name or registered office, who decides, and what each sees of the other (D15, D28)."""

from tests.change_requests.changing import (
    ADMINISTRATION,
    ASK,
    DECIDE,
    FRAGMENTS,
    LUMEN,
    OF_ALL,
    OF_ORGANIZATION,
    PURCHASE,
    REVIEW,
    WITHDRAW,
    asks,
    mails,
    organization,
    requested,
)
from tests.portal import Portal


async def test_only_who_may_asks_withdraws_and_decides(portal: Portal) -> None:
    """requestOrganizationChange, withdrawOrganizationChange and decideOrganizationChange, by everybody else."""
    asked, helios = await requested(portal), await portal.organization_of(ADMINISTRATION)
    buyer, elsewhere = await portal.person(PURCHASE), await portal.person(LUMEN)
    reviewer, administrator = await portal.person(REVIEW), await portal.person(ADMINISTRATION)
    decision = {"id": asked["id"], "approve": True}
    unknown = asked["id"][:-6] + "zzzzzz"

    refused = [
        await asks(buyer, ASK, organizationId=helios, name="Neu"),
        await asks(buyer, WITHDRAW, id=asked["id"]),
        await asks(administrator, DECIDE, **decision),
        await asks(buyer, DECIDE, **decision),
        await asks(elsewhere, DECIDE, **decision | {"id": unknown}),
    ]
    not_found = [
        await asks(elsewhere, ASK, organizationId=helios, name="Neu"),
        await asks(elsewhere, WITHDRAW, id=asked["id"]),
        await asks(elsewhere, WITHDRAW, id=unknown),
        await asks(reviewer, ASK, organizationId=helios, name="Neu"),
        await asks(reviewer, WITHDRAW, id=asked["id"]),
        await asks(reviewer, DECIDE, id=unknown, approve=True),
        await asks(reviewer, DECIDE, id=helios, approve=True),
    ]
    for query in (ASK, WITHDRAW, DECIDE):
        given = {"organizationId": helios} if query is ASK else {"id": asked["id"]}
        given |= {"approve": True} if query is DECIDE else {}
        answer = await portal.anybody().asks(query + FRAGMENTS, input=given)
        assert list(answer.codes.values()) == ["UNAUTHENTICATED"]

    assert {error["__typename"] for payload in refused for error in payload["errors"]} == {"PermissionError"}
    assert {error["code"] for payload in not_found for error in payload["errors"]} == {"NOT_FOUND"}
    assert [len(payload["errors"]) for payload in (*refused, *not_found)] == [1] * 12
    assert not_found[1] == not_found[2]
    (request,) = (await organization(portal))["changeRequests"]["nodes"]
    assert request["status"] == "PENDING"
    assert await mails(portal, "organization_change_decided") == []


async def test_requests_are_seen_by_those_who_may_ask_and_by_the_reviewers(portal: Portal) -> None:
    asked = await requested(portal)
    query = "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { status viewerCanDecide } } }"
    seen = {}
    for name in (ADMINISTRATION, PURCHASE, LUMEN, REVIEW):
        seen[name] = (await (await portal.person(name)).asks(query, id=asked["id"])).at("node")
    buyer = await portal.person(PURCHASE)
    refused = await buyer.asks(OF_ORGANIZATION, id=await portal.organization_of(PURCHASE))
    listed = await buyer.asks(OF_ALL)
    by_administration = await (await portal.person(ADMINISTRATION)).asks(OF_ALL)
    by_stranger = await portal.anybody().asks(OF_ALL)

    assert seen == {
        ADMINISTRATION: {"status": "PENDING", "viewerCanDecide": False}, PURCHASE: None, LUMEN: None,
        REVIEW: {"status": "PENDING", "viewerCanDecide": True},
    }  # fmt: skip
    assert (refused.at("organization.changeRequests"), listed.at("organizationChangeRequests")) == (None, None)
    codes = {*refused.codes.values(), *listed.codes.values(), *by_administration.codes.values()}
    assert codes == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    assert by_stranger.body["data"] == by_administration.data == {"organizationChangeRequests": None}
    assert by_stranger.codes == {"organizationChangeRequests": "UNAUTHENTICATED"}


async def test_a_deputy_of_a_licence_holder_asks_and_sees_too(software_portal: Portal) -> None:
    """D28: changes of the account are for the licence holder and one deputy."""
    asked = await requested(software_portal, "deputy@kappel.example", name="Kappel GmbH")

    seen = await organization(software_portal, "licence.holder@kappel.example")

    assert [one["id"] for one in seen["changeRequests"]["nodes"]] == [asked["id"]]


async def test_the_vendor_sees_of_an_organization_what_it_needs_to_decide(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)

    answer = await reviewer.asks(
        "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { requestedBy { displayName email } "
        "organization { name vatId members { totalCount } auditEvents { nodes { id } } } } } }",
        id=asked["id"],
    )

    assert answer.at("node") == {
        "requestedBy": {"displayName": "Annegret Kästner", "email": None},
        "organization": {"name": "Helios Montage GmbH", "vatId": "DE000204718", "members": None, "auditEvents": None},
    }


async def test_the_organization_sees_of_the_vendors_staff_the_name_only(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Nein")
    person = await portal.person(ADMINISTRATION)

    answer = await person.asks(
        "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { decidedBy { displayName email phone } } } }",
        id=asked["id"],
    )

    assert set(answer.at("node.decidedBy")) == {"displayName", "email", "phone"}
    assert answer.at("node.decidedBy")["displayName"]
    assert (answer.at("node.decidedBy.email"), answer.at("node.decidedBy.phone")) == (None, None)


async def test_requests_are_paged_newest_first(portal: Portal) -> None:
    names = ["Eins", "Zwei", "Drei", "Vier", "Fünf"]
    person, reviewer = await portal.person(ADMINISTRATION), await portal.person(REVIEW)
    for name in names:
        asked = await requested(portal, name=name)
        if name != names[-1]:
            await asks(person, WITHDRAW, id=asked["id"])
    await requested(portal, LUMEN, name="Lumen Zwei")

    first = (await organization(portal, first=2))["changeRequests"]
    second = (await organization(portal, first=9, after=first["pageInfo"]["endCursor"]))["changeRequests"]
    pending = (await organization(portal, status=["PENDING"]))["changeRequests"]
    everywhere = (await reviewer.asks(OF_ALL, first=2)).at("organizationChangeRequests")
    wrong = await reviewer.asks(OF_ALL, after="nonsense")

    pages = [[one["requestedName"] for one in page["nodes"]] for page in (first, second, pending)]
    assert pages == [["Fünf", "Vier"], ["Drei", "Zwei", "Eins"], ["Fünf"]]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], pending["totalCount"]) == (5, True, 1)
    assert [one["organization"]["name"] for one in everywhere["nodes"]] == ["Lumen Handels AG", "Helios Montage GmbH"]
    assert (everywhere["totalCount"], everywhere["pageInfo"]["hasNextPage"]) == (6, True)
    assert wrong.codes == {"organizationChangeRequests": "BAD_USER_INPUT"}
