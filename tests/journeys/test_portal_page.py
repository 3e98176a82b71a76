"""The portal's page: one query, everything on it, each part only for those who may see it."""

from tests.portal import Portal

PAGE = """
query Page {
  viewer {
    user { displayName email }
    accountKind
    memberships {
      nodes {
        status
        roleGrants { role { key } }
        organization {
          id
          name
          members(first: 3) { totalCount nodes { user { displayName } roleGrants { role { key } } } }
          orders(first: 2) { totalCount nodes { number status placedBy { displayName } lines { sku quantity } } }
        }
      }
    }
    applications { application { key } state }
  }
}
"""


async def test_an_administrator_sees_members_but_no_orders(each_portal: Portal) -> None:
    administrator = await each_portal.person("administration@helios.example")

    answer = await administrator.asks(PAGE)

    organization = answer.at("viewer.memberships.nodes.0.organization")
    assert organization["name"] == "Helios Montage GmbH"
    assert len(organization["members"]["nodes"]) == 3
    assert organization["orders"] is None
    assert answer.codes == {"viewer.memberships.nodes.0.organization.orders": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_a_buyer_sees_orders_but_no_members(each_portal: Portal) -> None:
    buyer = await each_portal.person("purchase@helios.example")

    answer = await buyer.asks(PAGE)

    organization = answer.at("viewer.memberships.nodes.0.organization")
    assert organization["members"] is None
    assert organization["orders"]["totalCount"] == 81
    assert [order["number"] for order in organization["orders"]["nodes"]] == ["SW-204718-0084", "SW-204718-0083"]
    assert answer.codes == {"viewer.memberships.nodes.0.organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_a_shop_that_is_down_hides_only_the_orders(portal: Portal) -> None:
    buyer = await portal.person("purchase@helios.example")

    with portal.without_shop():
        answer = await buyer.asks(
            "{ viewer { user { displayName } memberships { nodes { organization { name orders { totalCount } } } } } }"
        )

    assert answer.status == 200
    assert answer.at("viewer.memberships.nodes.0.organization") == {"name": "Helios Montage GmbH", "orders": None}
    assert answer.codes == {"viewer.memberships.nodes.0.organization.orders": "BACKEND_UNAVAILABLE"}


async def test_nobody_is_a_stranger_to_an_error(portal: Portal) -> None:
    answer = await portal.anybody().asks("{ viewer { id } }")

    assert (answer.status, answer.body) == (200, {"data": {"viewer": None}})
