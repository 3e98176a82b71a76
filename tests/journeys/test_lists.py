"""Lists as a page asks for them: backwards, sorted, searched, narrowed; and cursors that count for one list only."""

from typing import Any

import pytest

from tests.portal import Person, Portal

BUYER, ADMINISTRATION, TWO = "purchase@helios.example", "administration@helios.example", "two.companies@helios.example"

ORDERS = """
query Orders(
  $id: ID!, $first: Int, $after: String, $last: Int, $before: String, $status: [OrderStatus!], $search: String,
  $from: DateTime, $to: DateTime, $by: OrderSort
) {
  organization(id: $id) {
    orders(
      first: $first, after: $after, last: $last, before: $before
      status: $status, search: $search, from: $from, to: $to, orderBy: $by
    ) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { number createdAt placedAt status total { amount currency } lines { sku name } }
    }
  }
}
"""
MEMBERS = """
query Members($id: ID!, $by: MemberOrder, $status: [MembershipStatus!]) {
  organization(id: $id) {
    members(first: 100, orderBy: $by, status: $status) { nodes { joinedAt status user { lastName firstName } } }
  }
}
"""
MINE = """
query Mine($search: String, $first: Int) {
  viewer { memberships(search: $search, first: $first) { totalCount nodes { organization { name } } } }
}
"""
ALL = ["INVITED", "ACTIVE", "SUSPENDED", "REMOVED"]


async def orders(portal: Portal, **asked: Any) -> Any:
    """A page of Helios' orders."""
    person = await portal.person(BUYER)
    answer = await person.asks(ORDERS, id=await portal.organization_of(ADMINISTRATION), **asked)
    assert answer.errors == [], answer.errors
    return answer.at("organization.orders")


async def refusal(portal: Portal, **asked: Any) -> str:
    """Why a page of Helios' orders is refused."""
    person = await portal.person(BUYER)
    answer = await person.asks(ORDERS, id=await portal.organization_of(ADMINISTRATION), **asked)
    assert answer.codes == {"organization.orders": "BAD_USER_INPUT"}
    return str(answer.errors[0]["message"])


def numbers(page: Any) -> list[str]:
    return [order["number"] for order in page["nodes"]]


async def test_a_list_is_read_from_its_end(solar: Portal) -> None:
    whole = numbers(await orders(solar, first=100))
    found: list[str] = []
    before = None
    while True:
        page = await orders(solar, last=7, before=before)
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        found = numbers(page) + found
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break

    assert found == whole
    between = await orders(solar, first=3, after=(await orders(solar, first=2))["pageInfo"]["endCursor"])
    assert numbers(between) == whole[2:5]
    assert (between["pageInfo"]["hasPreviousPage"], between["pageInfo"]["hasNextPage"]) == (True, True)


@pytest.mark.parametrize("asked", [{"first": 0}, {"last": 0}])
async def test_an_empty_page_counts_all_and_says_what_is_beside_it(solar: Portal, asked: dict[str, int]) -> None:
    page = await orders(solar, after="", before="", **asked)

    assert (page["totalCount"], page["nodes"]) == (81, [])
    assert page["pageInfo"] == {
        "hasNextPage": "first" in asked,
        "hasPreviousPage": "last" in asked,
        "startCursor": None,
        "endCursor": None,
    }


async def test_first_and_last_together_and_cursors_of_other_lists_are_refused(solar: Portal) -> None:
    page = await orders(solar, first=2)
    cursor = page["pageInfo"]["endCursor"]
    other = "is a cursor of another list, or of this list with other filters or in another order."

    assert (await refusal(solar, first=1, last=1)).startswith("Give `first` or `last`, not both")
    assert (await refusal(solar, last=101)).startswith("`last` is 101, but a page has 0 to 100 entries.")
    assert (await refusal(solar, last=-1)).startswith("`last` is -1")
    for more in (
        {"status": ["SHIPPED"]},
        {"search": "x"},
        {"by": {"field": "NUMBER"}},
        {"by": {"field": "PLACED_AT", "direction": "ASC"}},
        {"from": "2020-01-01T00:00:00Z"},
    ):
        assert other in await refusal(solar, after=cursor, **more)
        assert other in await refusal(solar, last=1, before=cursor, **more)
    assert (await refusal(solar, before=cursor[:-3])).startswith("`before` is")


async def test_orders_are_sorted_by_what_the_list_shows(solar: Portal) -> None:
    by_day = (await orders(solar, first=100))["nodes"]
    by_number = numbers(await orders(solar, first=100, by={"field": "NUMBER", "direction": "ASC"}))
    by_total = (await orders(solar, first=100, by={"field": "TOTAL"}))["nodes"]

    assert [order["placedAt"] for order in by_day] == sorted((order["placedAt"] for order in by_day), reverse=True)
    assert by_number == sorted(by_number)
    amounts = [float(order["total"]["amount"]) for order in by_total]
    assert amounts == sorted(amounts, reverse=True)


async def test_drafts_stand_apart_and_are_sorted_by_when_they_were_begun(solar: Portal) -> None:
    placed = await orders(solar, first=100)
    drafts = await orders(solar, first=100, status=["DRAFT"])

    assert "DRAFT" not in {order["status"] for order in placed["nodes"]}
    assert {order["status"] for order in drafts["nodes"]} == {"DRAFT"}
    begun = [order["createdAt"] for order in drafts["nodes"]]
    assert begun == sorted(begun, reverse=True)
    assert drafts["totalCount"] == 3


async def test_orders_are_found_by_number_and_by_article_in_any_case_and_order(solar: Portal) -> None:
    whole = (await orders(solar, first=100))["nodes"]
    article = whole[5]["lines"][0]
    word = max(article["name"].split(), key=len)

    async def found(search: str) -> list[str]:
        return numbers(await orders(solar, first=100, search=search))

    with_article = [one["number"] for one in whole if any(article["sku"] == line["sku"] for line in one["lines"])]
    with_word = [one["number"] for one in whole if any(word in line["name"] for line in one["lines"])]
    assert await found(whole[5]["number"].lower()) == [whole[5]["number"]]
    assert await found(f"  {article['sku'].lower()} ") == with_article
    assert await found(word.upper()) == with_word
    assert await found(f"{word} {whole[5]['number']}") == [whole[5]["number"]]
    assert await found("%") == await found("nothing at all like this") == []


async def test_orders_of_some_days_are_found(solar: Portal) -> None:
    whole = (await orders(solar, first=100))["nodes"]
    since, until = whole[20]["placedAt"], whole[10]["placedAt"]

    page = await orders(solar, first=100, **{"from": since, "to": until})

    expected = [order["number"] for order in whole if since <= order["placedAt"] < until]
    assert numbers(page) == expected
    assert page["totalCount"] == len(expected)
    assert (await refusal(solar, **{"from": until, "to": since})).startswith("`from` is not before `to`")


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (BUYER, True),
        (ADMINISTRATION, False),  # a member without the permission
        ("administration@lumen.example", None),  # of another organization
        (None, None),
    ],
)
async def test_one_order_is_read_by_its_number_by_those_who_see_orders(
    solar: Portal, who: str | None, sees: bool | None
) -> None:
    number = numbers(await orders(solar, first=1))[0]
    person: Person = await solar.person(who) if who is not None else solar.anybody()
    helios = await solar.organization_of(ADMINISTRATION)

    answer = await person.asks(
        """
        query ($id: ID!, $n: String!) {
          organization(id: $id) { order(number: $n) { number } none: order(number: "x") { id } }
        }
        """,
        id=helios,
        n=f" {number} ",
    )

    if sees:
        assert answer.at("organization") == {"order": {"number": number}, "none": None}
    elif sees is False:
        assert answer.at("organization") == {"order": None, "none": None}
        assert set(answer.codes.values()) == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    else:
        assert (answer.data or {}).get("organization") is None


async def test_members_are_sorted_by_name_day_and_status(solar: Portal) -> None:
    person, helios = await solar.person(ADMINISTRATION), await solar.organization_of(ADMINISTRATION)

    async def sorted_by(field: str, direction: str = "ASC") -> list[Any]:
        given = {"by": {"field": field, "direction": direction}, "status": ALL}
        return list((await person.asks(MEMBERS, id=helios, **given)).at("organization.members.nodes"))

    names, back = await sorted_by("NAME"), await sorted_by("NAME", "DESC")
    days, back_days = await sorted_by("JOINED_AT"), await sorted_by("JOINED_AT", "DESC")
    statuses = [member["status"] for member in await sorted_by("STATUS")]

    assert back == names[::-1]
    joined = [member["joinedAt"] for member in days if member["joinedAt"]]
    assert joined == sorted(joined)
    assert [member["joinedAt"] for member in back_days if member["joinedAt"]] == sorted(joined, reverse=True)
    assert days[-1]["joinedAt"] is back_days[-1]["joinedAt"] is None  # who has not joined comes last either way
    assert statuses == sorted(statuses, key=ALL.index)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lumen", ["Lumen Handels AG"]),
        ("AG  lumen", ["Lumen Handels AG"]),
        ("311902", ["Lumen Handels AG"]),
        ("2047 helios", ["Helios Montage GmbH"]),
        ("", ["Helios Montage GmbH", "Lumen Handels AG"]),
        ("%", []),
    ],
)
async def test_ones_memberships_are_searched_by_name_and_customer_number(
    solar: Portal, search: str, found: list[str]
) -> None:
    listed = (await (await solar.person(TWO)).asks(MINE, search=search)).at("viewer.memberships")

    assert [node["organization"]["name"] for node in listed["nodes"]] == found
    assert listed["totalCount"] == len(found)
