"""Ways by which federated routers and portals were made to show what they should not, one test each, on both executors.

At Helios, purchase sees orders and no members, the administration sees members and no orders.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.demo import DEMO_PASSWORD
from tests.portal import Answer, Person, Portal, open_portal

PURCHASE, ADMINISTRATION = "purchase@helios.example", "administration@helios.example"
REFUSED = "UNAUTHORIZED_FIELD_OR_TYPE"

EXECUTORS = ["breadth-first", "graphql-core"]


@pytest.fixture(scope="module", params=EXECUTORS)
async def reading(request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway on each executor, for tests that only read."""
    async with open_portal(execution=request.param) as opened:
        yield opened


@pytest.fixture(params=EXECUTORS)
async def changing(request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    """The same, of one's own, for tests that change something."""
    async with open_portal(execution=request.param, max_batch=2) as opened:
        yield opened


async def ids_of(portal: Portal) -> dict[str, str]:
    """The ids of Helios, of an order there, and of somebody who is a member there and not of Lumen."""
    buyer, administrator = await portal.person(PURCHASE), await portal.person(ADMINISTRATION)
    order = await buyer.asks("{ viewer { defaultOrganization { id orders(first: 1) { nodes { id } } } } }")
    member = await administrator.asks("{ viewer { user { id } memberships { nodes { id } } } }")
    return {
        "organization": order.at("viewer.defaultOrganization.id"),
        "order": order.at("viewer.defaultOrganization.orders.nodes.0.id"),
        "user": member.at("viewer.user.id"),
        "membership": member.at("viewer.memberships.nodes.0.id"),
    }


def unknown(identifier: str) -> str:
    """An id of the same kind that nothing has."""
    return f"{identifier[:-6]}zzzzzz"


async def of_helios(portal: Portal, login_name: str, selection: str) -> Answer:
    """What somebody is answered about the organization that they look at first."""
    person = await portal.person(login_name)
    return await person.asks(f"{{ viewer {{ defaultOrganization {selection} }} }}")


async def test_a_fragment_on_one_member_of_an_interface_opens_no_other(reading: Portal) -> None:
    ids = await ids_of(reading)
    administrator = await reading.person(ADMINISTRATION)

    answer = await administrator.asks(
        """
        query Nodes($ids: [ID!]!) { nodes(ids: $ids) { ... on Node { __typename ...Guarded } } }
        fragment Guarded on Node {
          ... on User { email }
          ... on Organization { orders { totalCount } members { totalCount } }
          ... on Order { number placedBy { displayName } }
        }
        """,
        ids=[ids["user"], ids["organization"], ids["order"]],
    )

    assert answer.at("nodes") == [
        {"__typename": "User", "email": ADMINISTRATION},
        {"__typename": "Organization", "orders": None, "members": {"totalCount": 25}},
        None,
    ]
    assert answer.codes == {"nodes.1.orders": REFUSED}


async def test_a_fragment_on_one_member_of_a_union_opens_no_other(reading: Portal) -> None:
    buyer = await reading.person(PURCHASE)

    answer = await buyer.asks(
        """
        {
          viewer {
            can(permissions: [ORDER_PLACE]) {
              sources {
                __typename
                ... on RoleGrant { role { key } grantedBy { displayName email } }
                ... on DirectGrant { permission { code } grantedBy { displayName email } }
              }
            }
          }
        }
        """
    )

    (source,) = answer.at("viewer.can.0.sources")
    assert source == {
        "__typename": "RoleGrant",
        "role": {"key": "purchase"},
        "grantedBy": {"displayName": "Annegret Kästner", "email": None},
    }
    assert answer.codes == {"viewer.can.0.sources.0.grantedBy.email": REFUSED}


async def test_sibling_fragments_with_the_same_response_key_are_refused_as_one_field(reading: Portal) -> None:
    buyer = await reading.person(PURCHASE)

    answer = await buyer.asks(
        """
        query Siblings { viewer { defaultOrganization { ...One ...Other } } }
        fragment One on Organization { administrators { user { displayName } } members { totalCount } }
        fragment Other on Organization { members { nodes { user { email } } } administrators { user { phone } } }
        """
    )

    organization = answer.at("viewer.defaultOrganization")
    assert organization["members"] is None
    assert [set(member["user"]) for member in organization["administrators"]] == [{"displayName", "phone"}] * 3
    assert [member["user"]["phone"] for member in organization["administrators"]] == [None] * 3
    # graphql-core reports each index of a list, our engine all of them at once.
    assert {re.sub(r"\.\d+\.", ".@.", path): code for path, code in answer.codes.items()} == {
        "viewer.defaultOrganization.members": REFUSED,
        "viewer.defaultOrganization.administrators.@.user.phone": REFUSED,
    }


@pytest.mark.parametrize("alias", ["name", "orders", "viewerMembership", "id", "x"])
async def test_no_alias_makes_a_guarded_field_an_open_one(reading: Portal, alias: str) -> None:
    answer = await of_helios(reading, PURCHASE, f"{{ {alias}: members {{ totalCount }} status }}")

    assert answer.data == {"viewer": {"defaultOrganization": {alias: None, "status": "ACTIVE"}}}
    (error,) = answer.errors
    assert error["path"] == ["viewer", "defaultOrganization", alias]
    assert error["extensions"]["authorization"]["coordinate"] == {"typeName": "Organization", "fieldName": "members"}


async def test_the_same_field_under_two_names_is_decided_twice_alike(reading: Portal) -> None:
    answer = await of_helios(
        reading, PURCHASE, '{ a: members(first: 1) { totalCount } b: members(search: "a") { totalCount } }'
    )

    assert answer.data == {"viewer": {"defaultOrganization": {"a": None, "b": None}}}
    assert set(answer.codes.values()) == {REFUSED}
    assert len(answer.errors) == 2


async def test_the_name_of_the_type_behind_a_refused_field_is_not_answered(reading: Portal) -> None:
    ids = await ids_of(reading)
    selection = "{ __typename members { __typename nodes { __typename } } }"
    stranger = reading.anybody()

    answer = await of_helios(reading, PURCHASE, selection)
    foreign = await stranger.asks("query N($id: ID!) { node(id: $id) { __typename } }", id=ids["order"])

    assert answer.at("viewer.defaultOrganization") == {"__typename": "Organization", "members": None}
    assert foreign.body == {"data": {"node": None}}


async def test_a_field_that_is_skipped_is_neither_refused_nor_fetched_whatever_was_asked_before(
    reading: Portal,
) -> None:
    """The same document with both values, in both orders: what was compiled for one must not serve the other."""
    query = """
    query Q($with: Boolean!, $without: Boolean!) {
      viewer {
        defaultOrganization {
          name
          ...Members @include(if: $with)
          ... @skip(if: $without) { orders { totalCount } }
        }
      }
    }
    fragment Members on Organization { members { totalCount } }
    """
    buyer = await reading.person(PURCHASE)
    at_members = "viewer.defaultOrganization.members"

    for included in (False, True, False, True):
        with reading.statements() as statements:
            answer = await buyer.asks(query, **{"with": included, "without": True})

        assert "orders" not in answer.at("viewer.defaultOrganization")
        assert ("members" in answer.at("viewer.defaultOrganization")) is included
        assert answer.codes == ({at_members: REFUSED} if included else {})
        assert not [statement for statement in statements if "orders" in statement.lower()]


async def test_a_node_is_found_by_those_only_who_find_it_on_their_page(reading: Portal) -> None:
    """Whom everybody may ask, the administrators, everybody finds; other colleagues only who sees the members."""
    ids = await ids_of(reading)
    colleague = (await (await reading.person("planning@helios.example")).asks(
        "{ viewer { user { id } memberships { nodes { id } } } }"
    )).at("viewer")  # fmt: skip
    asked = [ids["order"], colleague["user"]["id"], colleague["memberships"]["nodes"][0]["id"]]
    asked += [ids["user"], ids["membership"], ids["organization"]]
    found = {}
    for login_name in (PURCHASE, ADMINISTRATION, "planning@helios.example", "beat.buerki@lumen.example", None):
        person = await reading.person(login_name) if login_name else reading.anybody()
        answer = await person.asks("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", ids=asked)
        found[login_name] = [node and node["__typename"] for node in answer.at("nodes")]

    assert found == {
        PURCHASE: ["Order", None, None, "User", "Membership", "Organization"],
        ADMINISTRATION: [None, "User", "Membership", "User", "Membership", "Organization"],
        "planning@helios.example": [None, "User", "Membership", "User", "Membership", "Organization"],
        "beat.buerki@lumen.example": [None] * 6,
        None: [None] * 6,
    }


@pytest.mark.parametrize(
    "selection", ["totalCount", "pageInfo { hasNextPage endCursor }", "edges { cursor }", "nodes { __typename }"]
)
async def test_neither_counts_nor_cursors_of_a_refused_list_are_answered(reading: Portal, selection: str) -> None:
    ids = await ids_of(reading)

    with reading.statements() as statements:
        answer = await of_helios(reading, PURCHASE, f"{{ members {{ {selection} }} }}")
    orders = await of_helios(reading, ADMINISTRATION, f"{{ orders {{ {selection} }} }}")

    assert answer.data == {"viewer": {"defaultOrganization": {"members": None}}}
    assert orders.data == {"viewer": {"defaultOrganization": {"orders": None}}}
    assert ids["user"] not in json.dumps(answer.body)
    # A statement may count within itself how far to read, but none returns a number.
    assert not [statement for statement in statements if "count(" in statement.lower().partition("\nfrom ")[0]]


async def test_filters_and_cursors_of_a_refused_list_answer_alike_whether_something_would_be_found(
    reading: Portal,
) -> None:
    administrator = await reading.person(ADMINISTRATION)
    cursor = (await administrator.asks(
        "{ viewer { defaultOrganization { members(first: 1) { pageInfo { endCursor } } } } }"
    )).at("viewer.defaultOrganization.members.pageInfo.endCursor")  # fmt: skip

    answers = [
        await of_helios(reading, PURCHASE, f"{{ members({arguments}) {{ totalCount }} }}")
        for arguments in ('search: "Kästner"', 'search: "Nobody"', f'after: "{cursor}"', 'after: "x"', "first: 0")
    ]

    assert {json.dumps(answer.data) for answer in answers} == {'{"viewer": {"defaultOrganization": {"members": null}}}'}
    assert {error["message"] for answer in answers for error in answer.errors} == {answers[0].errors[0]["message"]}


async def test_somebody_elses_orders_are_filtered_by_nobody_who_may_not_see_members(reading: Portal) -> None:
    ids = await ids_of(reading)
    buyer = await reading.person(PURCHASE)
    me = (await buyer.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    query = "query F($of: ID) { viewer { defaultOrganization { orders(placedBy: $of) { totalCount } } } }"

    mine = await buyer.asks(query, of=me)
    with reading.statements() as for_colleague:
        colleague = await buyer.asks(query, of=ids["user"])
    with reading.statements() as for_nobody:
        nobody = await buyer.asks(query, of=unknown(ids["user"]))

    assert mine.errors == []
    assert mine.at("viewer.defaultOrganization.orders.totalCount") > 0
    assert colleague.data == nobody.data == {"viewer": {"defaultOrganization": {"orders": None}}}
    assert colleague.codes == nobody.codes == {"viewer.defaultOrganization.orders": REFUSED}
    assert colleague.errors[0]["extensions"]["authorization"]["coordinate"] == {
        "typeName": "Organization", "fieldName": "orders", "argumentName": "placedBy",
    }  # fmt: skip
    assert for_colleague == for_nobody


PAYLOAD = "viewer { user { displayName email } defaultOrganization { members { totalCount } orders { totalCount } } }"
SIGN_IN = f"mutation S($input: SignInInput!) {{ signIn(input: $input) {{ {PAYLOAD} errors {{ code }} }} }}"


@pytest.mark.parametrize("before", [ADMINISTRATION, None])
async def test_the_payload_of_sign_in_shows_what_the_new_session_may_see(changing: Portal, before: str | None) -> None:
    person = await changing.person(before) if before else changing.anybody()

    answer = await person.asks(SIGN_IN, input={"loginName": PURCHASE, "password": DEMO_PASSWORD})

    viewer = answer.at("signIn.viewer")
    assert viewer["user"] == {"displayName": "Jörg Weiß", "email": PURCHASE}
    assert viewer["defaultOrganization"] == {"members": None, "orders": {"totalCount": 81}}
    assert answer.codes == {"signIn.viewer.defaultOrganization.members": REFUSED}


async def test_a_sign_in_that_is_refused_shows_nobody(changing: Portal) -> None:
    administrator = await changing.person(ADMINISTRATION)

    answer = await administrator.asks(SIGN_IN, input={"loginName": PURCHASE, "password": "wrong"})

    assert answer.data == {"signIn": {"viewer": None, "errors": [{"code": "INVALID_CREDENTIALS"}]}}


async def test_the_payload_of_a_change_shows_no_more_than_a_query(changing: Portal) -> None:
    buyer = await changing.person(PURCHASE)

    answer = await buyer.asks(
        f"mutation U($input: UpdateProfileInput!) {{ updateProfile(input: $input) {{ {PAYLOAD} }} }}",
        input={"expectedVersion": 1, "firstName": "Georg"},
    )

    assert answer.at("updateProfile.viewer.user.displayName") == "Georg Weiß"
    assert answer.at("updateProfile.viewer.defaultOrganization.members") is None
    assert answer.codes == {"updateProfile.viewer.defaultOrganization.members": REFUSED}


async def test_what_follows_a_sign_out_in_the_same_request_is_done_by_nobody(changing: Portal) -> None:
    buyer = await changing.person(PURCHASE)

    answer = await buyer.asks(
        """
        mutation Out($input: UpdateProfileInput!) {
          signOut(input: {}) { accepted }
          updateProfile(input: $input) { viewer { id } }
        }
        """,
        input={"expectedVersion": 1, "firstName": "Georg"},
    )

    assert answer.data == {"signOut": {"accepted": True}, "updateProfile": None}
    assert answer.codes == {"updateProfile": "UNAUTHENTICATED"}


async def test_signing_in_within_a_batch_opens_nothing_for_the_other_operation(changing: Portal) -> None:
    body = [
        {"query": SIGN_IN, "variables": {"input": {"loginName": ADMINISTRATION, "password": DEMO_PASSWORD}}},
        {"query": f"{{ {PAYLOAD} }}"},
    ]

    first, second = (await changing.anybody().posts(json.dumps(body).encode())).body

    assert first["data"]["signIn"]["viewer"]["defaultOrganization"]["members"] == {"totalCount": 25}
    assert second == {"data": {"viewer": None}}


async def test_a_refusal_names_nothing_that_it_protects(reading: Portal) -> None:
    ids = await ids_of(reading)
    asked = "{ members { nodes { user { email } } } administrators { id roleGrants { id } user { email phone } } }"

    answer = await of_helios(reading, PURCHASE, asked)

    reported = json.dumps(answer.errors, ensure_ascii=False)
    assert set(answer.codes.values()) == {REFUSED}
    assert "@helios.example" not in reported
    assert ids["user"] not in reported
    assert "grt_" not in reported


async def test_an_unexpected_error_shows_no_value_of_a_back_end(changing: Portal) -> None:
    buyer = await changing.person(PURCHASE)
    shop: Any = changing.wiring.backends.shop

    async def fail(*_args: Any, **_more: Any) -> Any:
        raise RuntimeError("no row for customer 4711 in shop_secrets")

    for name in [name for name in dir(type(shop)) if not name.startswith("_") and callable(getattr(shop, name))]:
        setattr(shop, name, fail)
    answer = await buyer.asks("{ viewer { defaultOrganization { name orders { totalCount } } } }")

    assert answer.at("viewer.defaultOrganization") == {"name": "Helios Montage GmbH", "orders": None}
    assert answer.codes == {"viewer.defaultOrganization.orders": "INTERNAL_SERVER_ERROR"}
    assert "4711" not in json.dumps(answer.body)
    assert "shop_secrets" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("organization", "organization(id: $id) { name members { totalCount } }"),
        ("organization", "viewer { membership(organizationId: $id) { id } }"),
        ("organization", "viewer { applications(organizationId: $id) { state } }"),
        ("organization", "node(id: $id) { ... on Organization { orders { totalCount } } }"),
        ("order", "node(id: $id) { ... on Order { number events { id } } }"),
        ("user", "node(id: $id) { ... on User { displayName } }"),
        ("membership", "node(id: $id) { ... on Membership { user { email } } }"),
    ],
)
@pytest.mark.parametrize("login_name", ["administration@lumen.example", "private@home.example", None])
async def test_what_is_somebody_elses_and_what_does_not_exist_get_the_same_answer_by_the_same_statements(
    reading: Portal, login_name: str | None, kind: str, query: str
) -> None:
    identifier = (await ids_of(reading))[kind]
    person: Person = await reading.person(login_name) if login_name else reading.anybody()

    with reading.statements() as for_foreign:
        foreign = await person.asks(f"query Q($id: ID!) {{ {query} }}", id=identifier)
    with reading.statements() as for_unknown:
        nobodys = await person.asks(f"query Q($id: ID!) {{ {query} }}", id=unknown(identifier))

    assert (foreign.status, foreign.data, foreign.codes) == (nobodys.status, nobodys.data, nobodys.codes)
    assert [error["message"] for error in foreign.errors] == [error["message"] for error in nobodys.errors]
    assert for_foreign == for_unknown
