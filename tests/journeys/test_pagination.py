"""Lists by the page: every entry once, in order, whatever the size of the page; and lists that are filtered."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.portal import Answer, Person, Portal

LISTS = {
    "members": ("administration@helios.example", "organization"),
    "orders": ("purchase@helios.example", "organization"),
    "memberships": ("two.companies@helios.example", "viewer"),
}
"""Who looks at each list, and where it stands."""

ENTRY = {
    "members": "id user { lastName firstName }",
    "orders": "id number placedAt",
    "memberships": "id organization { name }",
}

STATUSES = """{ __type(name: "OrderStatus") { enumValues { name } } }"""

SEARCH = """
query Search($id: ID!, $search: String, $status: [MembershipStatus!], $roles: [String!]) {
  organization(id: $id) {
    members(search: $search, status: $status, roleKeys: $roles) { totalCount nodes { user { displayName } } }
  }
}
"""


_known: dict[str, tuple[Person, str]] = {}


async def known(portal: Portal, login_name: str) -> tuple[Person, str]:
    """The person, signed in once for all tests here, and the id of Helios."""
    if login_name not in _known:
        helios = await portal.organization_of("administration@helios.example")
        _known[login_name] = (await portal.person(login_name), helios)
    return _known[login_name]


async def page_of(portal: Portal, listing: str, arguments: str = "", **variables: Any) -> Answer:
    """The answer to a query for one page of a list."""
    login_name, owner = LISTS[listing]
    person, helios = await known(portal, login_name)
    start = "organization(id: $id)" if owner == "organization" else "viewer @include(if: true)"
    return await person.asks(
        f"""
        query Page($id: ID!, $first: Int = 20, $after: String) {{
          unused: node(id: $id) {{ id }}
          owner: {start} {{
            list: {listing}(first: $first, after: $after{arguments}) {{
              totalCount
              pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
              edges {{ cursor node {{ {ENTRY[listing]} }} }}
              nodes {{ {ENTRY[listing]} }}
            }}
          }}
        }}
        """,
        id=helios,
        **variables,
    )


@pytest.mark.parametrize("listing", LISTS)
@examples(12)
@given(size=st.integers(1, 100))
async def test_pages_of_any_size_hold_every_entry_once_and_in_order(solar: Portal, listing: str, size: int) -> None:
    whole = (await page_of(solar, listing, first=100)).at("owner.list")
    walked: list[Any] = []
    after = None
    while True:
        page = (await page_of(solar, listing, first=size, after=after)).at("owner.list")
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == (cursors[0], cursors[-1])
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["totalCount"] == whole["totalCount"]
        walked += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        assert len(page["nodes"]) == size

    assert walked == whole["nodes"]
    assert len(walked) == len({entry["id"] for entry in walked}) == whole["totalCount"]


async def test_members_stand_by_name_and_orders_newest_first(solar: Portal) -> None:
    """D39."""
    members = (await page_of(solar, "members", first=100)).at("owner.list.nodes")
    orders = (await page_of(solar, "orders", first=100)).at("owner.list.nodes")

    assert [member["user"]["lastName"] for member in members][:8] == [
        "Böhm", "Brandt", "Dörr", "Fröhlich", "Groß", "Hartwig", "Hofstätter", "Jäger",
    ]  # fmt: skip
    placed = [order["placedAt"] for order in orders]
    assert placed == sorted(placed, reverse=True)
    assert len(orders) == 81  # of 84, three are drafts


async def test_after_the_last_entry_there_is_an_empty_page(solar: Portal) -> None:
    last = (await page_of(solar, "orders", first=81)).at("owner.list.pageInfo")

    page = (await page_of(solar, "orders", first=1, after=last["endCursor"])).at("owner.list")

    assert last["hasNextPage"] is False
    assert page == {
        "totalCount": 81,
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None},
        "edges": [],
        "nodes": [],
    }


@pytest.mark.parametrize("listing", LISTS)
async def test_a_page_of_nothing_says_how_much_there_is_and_whether_something_comes(
    solar: Portal, listing: str
) -> None:
    whole = (await page_of(solar, listing, first=100)).at("owner.list")
    last = whole["pageInfo"]["endCursor"]

    before, behind = [(await page_of(solar, listing, first=0, after=after)).at("owner.list") for after in (None, last)]

    nothing = {"startCursor": None, "endCursor": None}
    assert (before["edges"], before["nodes"], before["totalCount"]) == ([], [], whole["totalCount"])
    assert before["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, **nothing}
    assert behind["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True, **nothing}


@pytest.mark.parametrize("listing", LISTS)
async def test_an_empty_cursor_is_the_beginning(solar: Portal, listing: str) -> None:
    answers = [await page_of(solar, listing, first=1, after=after) for after in (None, "")]

    assert answers[0].body == answers[1].body
    assert answers[1].at("owner.list.pageInfo.hasPreviousPage") is False


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("first", [-1, 101, 2_147_483_647, -2_147_483_648])
async def test_a_page_of_a_size_that_there_is_not_is_refused(solar: Portal, listing: str, first: int) -> None:
    answer = await page_of(solar, listing, first=first)

    assert answer.status == 200
    assert answer.codes == {"owner.list": "BAD_USER_INPUT"}
    assert answer.errors[0]["message"] == (
        f"`first` is {first}, but a page has 0 to 100 entries. Ask for fewer and go on with `after`."
    )


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("first", [10**12, -(10**12), 1.5, "10", True, [1]])
async def test_a_size_that_is_no_number_of_entries_is_refused(solar: Portal, listing: str, first: Any) -> None:
    answer = await page_of(solar, listing, first=first)

    assert set(answer.codes.values()) == {"BAD_USER_INPUT"}
    assert answer.status == 400


def broken_cursors() -> list[str]:
    """Cursors that no list gave out."""
    positions: list[Any] = [
        [], ["members"], ["members", "a"], ["members", 1, 2, 3], ["members", "a", "b", "c", "d"],
        ["members", None, "b", "c"],
        ["orders", "2026-01-01T00:00:00+00:00"], ["orders", "not a time", "ord_1"], ["orders", "9" * 50, "x"],
        ["orders", "0000-00-00T00:00:00+00:00", "x"], ["memberships", ["a"], "b"], {}, 1, None, "members",
    ]  # fmt: skip
    encoded = [base64.urlsafe_b64encode(json.dumps(position).encode()).decode() for position in positions]
    return [
        *encoded,
        *(f"{cursor}.{cursor[:8]}" for cursor in encoded),
        ".",
        "x",
        "====",
        "💡",
        "\u0000",
        "a" * 1_001,
        "bnVsbA",
        "eyI",
        "//8",
        "W" * 999,
    ]


@pytest.mark.parametrize("listing", LISTS)
async def test_a_broken_cursor_is_refused_and_never_an_error_of_ours(solar: Portal, listing: str) -> None:
    for cursor in broken_cursors():
        answer = await page_of(solar, listing, first=5, after=cursor)

        assert answer.status == 200
        assert answer.codes == {"owner.list": "BAD_USER_INPUT"}, cursor
        assert answer.errors[0]["message"].startswith(("`after` is no cursor", "`after` is a cursor of another list"))


async def test_a_cursor_of_one_list_is_none_of_another(solar: Portal) -> None:
    for given_by in LISTS:
        cursor = (await page_of(solar, given_by, first=1)).at("owner.list.pageInfo.endCursor")
        for listing in set(LISTS) - {given_by}:
            answer = await page_of(solar, listing, after=cursor)
            assert answer.codes == {"owner.list": "BAD_USER_INPUT"}


@examples(25)
@given(text=st.text(max_size=60))
async def test_no_text_as_cursor_search_or_language_is_an_error_of_ours(solar: Portal, text: str) -> None:
    person, helios = await known(solar, "administration@helios.example")
    body = {
        "query": """
            query Any($id: ID!, $text: String!, $ids: [ID!]!) {
              nodes(ids: $ids) { id }
              organization(id: $id) {
                name
                searched: members(search: $text) { totalCount }
                paged: members(after: $text) { totalCount }
                byRole: members(roleKeys: [$text]) { totalCount }
              }
            }
        """,
        "variables": {"id": helios, "text": text, "ids": [text, f"org_{text}", f"usr_{text}", f"ord_{text}"]},
    }

    answer = await person.posts(json.dumps(body).encode())

    assert set(answer.codes.values()) <= {"BAD_USER_INPUT"}
    assert answer.at("organization.name") == "Helios Montage GmbH"


async def found(solar: Portal, **where: Any) -> list[str]:
    """The names of Helios' members that a filter keeps; fails when the count says otherwise."""
    person, helios = await known(solar, "administration@helios.example")
    answer = await person.asks(SEARCH, id=helios, **where)
    listing = answer.at("organization.members")
    assert listing["totalCount"] == len(listing["nodes"]) or listing["totalCount"] == 25
    return [node["user"]["displayName"] for node in listing["nodes"]]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("Kästner", ["Annegret Kästner"]),
        ("KASTNER", ["Annegret Kästner"]),
        ("kÄstner", ["Annegret Kästner"]),
        ("Ka\u0308stner", ["Annegret Kästner"]),  # the umlaut in two characters
        ("weiss", ["Jörg Weiß"]),
        ("WEIẞ", ["Jörg Weiß"]),
        ("y\u0131ld\u0131z", ["Murat Y\u0131ld\u0131z"]),
        ("örg we", ["Jörg Weiß"]),
        ("  weiß ", ["Jörg Weiß"]),
        ("planning@", ["Franziska Löffler", "Björn Schäfer"]),
        ("PURCHASE.PLANNING@helios.example", ["Björn Schäfer"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'; drop table users; --", []),
        ("preuß", []),  # was removed
    ],
)
async def test_members_are_found_whatever_the_case_and_the_accents(
    solar: Portal, search: str, names: list[str]
) -> None:
    assert sorted(await found(solar, search=search)) == sorted(names)


async def test_members_are_kept_by_status_and_by_role(solar: Portal) -> None:
    assert await found(solar, status=["SUSPENDED"]) == ["Detlef Groß", "Marko Zöller"]
    assert await found(solar, status=["REMOVED", "INVITED"]) == ["Ayşe Brandt", "Rüdiger Kühn", "Heike Preuß"]
    assert await found(solar, status=[]) == []
    assert await found(solar, roles=[]) == []
    # Miriam Thürmer's role ended in 2024.
    assert await found(solar, roles=["purchase"]) == [
        "Bärbel Fröhlich", "Detlef Groß", "Käthe Jäger", "Björn Schäfer", "Günther Strauß", "Jörg Weiß",
    ]  # fmt: skip
    assert await found(solar, roles=["purchase"], status=["SUSPENDED"], search="GROSS") == ["Detlef Groß"]
    assert len(await found(solar, search="", roles=None)) == 20


async def test_a_role_that_there_is_not_is_named(solar: Portal) -> None:
    person, helios = await known(solar, "administration@helios.example")

    answer = await person.asks(SEARCH, id=helios, roles=["purchase", "emperor"])
    long = await person.asks(SEARCH, id=helios, search="x" * 101)

    assert answer.codes == long.codes == {"organization.members": "BAD_USER_INPUT"}
    assert answer.errors[0]["message"] == (
        "There is no role 'emperor'. Roles are administration, purchase, installation, planning."
    )
    assert long.errors[0]["message"] == "`search` has 101 characters; 100 are the most that make sense."


async def test_orders_are_filtered_by_status_and_by_their_buyer(solar: Portal) -> None:
    person, helios = await known(solar, "guenther.strauss@helios.example")  # who sees members and orders
    query = """
        query Orders($id: ID!, $status: [OrderStatus!], $by: ID) {
          organization(id: $id) {
            orders(first: 100, status: $status, placedBy: $by) { totalCount nodes { number status placedBy { id } } }
          }
        }
    """

    drafts = (await person.asks(query, id=helios, status=["DRAFT"])).at("organization.orders.nodes")
    placed = (await person.asks(query, id=helios)).at("organization.orders.nodes")
    every = [status["name"] for status in (await person.asks(STATUSES)).at("__type.enumValues")]
    orders = (await person.asks(query, id=helios, status=every)).at("organization.orders.nodes")
    buyer = next(order["placedBy"]["id"] for order in orders if order["placedBy"])
    for where, kept in (
        ({"status": ["DELIVERED"]}, [order for order in orders if order["status"] == "DELIVERED"]),
        ({"status": ["DRAFT", "FAILED"]}, [order for order in orders if order["status"] in ("DRAFT", "FAILED")]),
        ({"by": buyer}, [order for order in placed if (order["placedBy"] or {}).get("id") == buyer]),
        (
            {"by": buyer, "status": ["SHIPPED"]},
            [order for order in orders if order["status"] == "SHIPPED" and order["placedBy"] == {"id": buyer}],
        ),
        ({"status": []}, []),
        ({"by": "usr_nobody"}, []),
        ({"status": None, "by": None}, placed),
        ({"status": ["DRAFT"]}, drafts),
    ):
        answer = await person.asks(query, id=helios, **where)
        assert answer.at("organization.orders") == {"totalCount": len(kept), "nodes": kept}, where
    assert {order["status"] for order in drafts} == {"DRAFT"}
    assert sorted(map(repr, drafts + placed)) == sorted(map(repr, orders))
    assert {order["status"] for order in placed} >= {"SUBMITTED", "DELIVERED", "CANCELLED"}


async def test_a_list_that_is_filtered_is_paged_as_one(solar: Portal) -> None:
    person, helios = await known(solar, "administration@helios.example")
    query = """
        query Page($id: ID!, $after: String) {
          organization(id: $id) {
            members(first: 2, after: $after, roleKeys: ["purchase"]) {
              totalCount nodes { user { lastName } } pageInfo { hasNextPage endCursor }
            }
          }
        }
    """
    names, after, more = [], None, True
    while more:
        page = (await person.asks(query, id=helios, after=after)).at("organization.members")
        names += [node["user"]["lastName"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert page["totalCount"] == 6

    assert names == ["Fröhlich", "Groß", "Jäger", "Schäfer", "Strauß", "Weiß"]
