"""An organization of a thousand members, with what each may do and what may be done with each, page by page."""

from tests.journeys.test_statement_count import organization_data
from tests.portal import UNMEASURED, open_portal
from tests.servers import DatabaseKind

MEMBERS = """
query Members($after: String) {
  viewer {
    defaultOrganization {
      members(first: 100, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          version
          status
          user { displayName email }
          roleGrants { role { key viewerCanAssign(organizationId: "org_large0") } grantedBy { displayName } }
          directGrants { permission { code } validUntil }
          effectivePermissions { permission { code } sources { __typename } }
          applications { key }
          accessRequests(first: 1) { totalCount nodes { status } }
          viewerCanUpdateRoles
          viewerCannotUpdateRolesReasons
          viewerCanSuspend
          viewerCanReactivate
          viewerCanRemove
          viewerCannotRemoveReasons
        }
      }
    }
  }
}
"""


async def test_a_thousand_members_take_as_many_statements_on_each_page_as_one(portal_kind: DatabaseKind) -> None:
    """D22; a page has 100 at most, so there are ten of them."""
    async with open_portal(kind=portal_kind, **UNMEASURED) as portal:
        for name, members in (("small", 1), ("large", 1_000)):
            directory, _ = organization_data(name, 1, members)
            await portal.wiring.backends.directory.load(directory)
        taken: dict[str, list[list[str]]] = {}
        seen: dict[str, list[str]] = {"small": [], "large": []}

        for name, names in seen.items():
            person, after = await portal.person(f"{name}-0@count.example"), None
            while True:
                with portal.statements() as statements:
                    answer = await person.asks(MEMBERS, after=after)
                assert answer.errors == []
                page = answer.at("viewer.defaultOrganization.members")
                taken.setdefault(name, []).append([statement.split()[0] for statement in statements])
                names += [node["user"]["email"] for node in page["nodes"]]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]

    assert (len(set(seen["small"])), len(set(seen["large"]))) == (1, 1_000)
    assert len(taken["large"]) == 10
    # One statement fewer where everybody who gave something is on the page themself, and so was read already.
    least, most = len(taken["small"][0]), max(map(len, taken["large"]))
    assert most - least in (0, 1), (least, most)
