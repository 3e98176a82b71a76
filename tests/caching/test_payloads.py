"""A payload carries what its change changed, and refuses no field because of it: each mutation, with all its fields."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLSchema, get_named_type

from tests.access.changing_access import member_of
from tests.audit.test_every_mutation import MUTATIONS, _filled
from tests.caching.test_consistency import ADMINISTRATION, WITHOUT_LIMITS
from tests.caching.walk import Operations, Values, all_of, written
from tests.every_mutation import ENTRIES
from tests.every_mutation.entry import Entry
from tests.portal import Person, Portal, open_portal
from tests.schemas import shared_core

HELD = """
{
  viewer {
    can(permissions: PERMISSIONS) { permission { code } allowed }
    memberships { nodes { organization { id } effectivePermissions { permission { code } } } }
  }
}
"""

LEVELS = 2
"""The payload's objects, and the objects that these lead to."""


def operations(organization_id: str) -> Operations:
    """All fields of a payload; `organization_id` is given where a field wants one."""
    of: list[dict[str, Any]] = [{"organizationId": organization_id}]
    return Operations(
        Values(
            {
                "Viewer.membership": of,
                "Viewer.can": [{"permissions": all_of("PermissionCode")}],
                "Role.viewerCanAssign": of,
                "Organization.order": [{"number": "SW-204718-0084"}],
            }
        )
    )


async def held_by(person: Person) -> dict[str | None, set[str]]:
    """The permissions that somebody holds, by organization; as vendor staff by None."""
    asked = HELD.replace("PERMISSIONS", f"[{', '.join(one.text for one in all_of('PermissionCode'))}]")
    viewer = (await person.asks(asked)).at("viewer")
    if viewer is None:
        return {}
    held: dict[str | None, set[str]] = {
        node["organization"]["id"]: {one["permission"]["code"] for one in node["effectivePermissions"]}
        for node in viewer["memberships"]["nodes"]
    }
    held[None] = {one["permission"]["code"] for one in viewer["can"] if one["allowed"]}
    return held


def of_the_change(error: Mapping[str, Any], held: Mapping[str | None, set[str]]) -> bool:
    """Whether a field was refused that the caller could read before the change: it is no lack of long standing."""
    extensions = error["extensions"]
    if extensions["code"] == "UNAUTHENTICATED":
        return bool(held)
    if extensions["code"] != "UNAUTHORIZED_FIELD_OR_TYPE":
        return True
    authorization = extensions["authorization"]
    return bool(set(authorization["missing"]) & held.get(authorization.get("organizationId"), set()))


async def answered(
    portal: Portal, mutation: str, entry: Entry, core: GraphQLSchema | None = None
) -> tuple[Any, list[Any]]:
    """The payload of a successful call, and the refusals of its fields that are because of the change."""
    names = dict(await entry.prepare(portal)) if entry.prepare is not None else {}
    person = await portal.person(entry.by) if entry.by else portal.anybody()
    held = await held_by(person)
    declared = (core or shared_core()).mutation_type.fields[mutation]  # type: ignore[union-attr]
    selection = written(operations("org_x").parts(get_named_type(declared.type), LEVELS))

    answer = await person.asks(
        f"mutation Call($input: {declared.args['input'].type}) {{ {mutation}(input: $input) {{ {selection} }} }}",
        input=_filled(entry.input, names),
    )

    return answer.at(mutation), [error for error in answer.errors if of_the_change(error, held)]


async def _herself(portal: Portal) -> dict[str, str]:
    return {"HELIOS": await portal.organization_of(ADMINISTRATION), "SELF": await member_of(portal, ADMINISTRATION)}


GIVING_AWAY = {
    "demoting oneself": ("updateMemberAccess", {"membershipId": "SELF", "roleKeys": []}),
    "demoting oneself among others": (
        "updateMembersAccess",
        {
            "organizationId": "HELIOS",
            "changes": [{"membershipId": "SELF", "roleKeys": ["planning"]}],
            "idempotencyKey": "k",
        },
    ),
    "an administrator leaves": ("leaveOrganization", {"organizationId": "HELIOS"}),
}
"""Changes by which somebody gives away what they need to read the payload."""

CALLS = {mutation: (mutation, ENTRIES[mutation]) for mutation in sorted(set(MUTATIONS) & ENTRIES.keys())} | {
    name: (mutation, Entry(by=ADMINISTRATION, prepare=_herself, input=input, rows=()))
    for name, (mutation, input) in GIVING_AWAY.items()
}


IN_EACH_RUN = {*GIVING_AWAY, "transferAdministration", "removeMember", "acceptInvitation", "updateProfile"}
"""Those that change most of what the caller may read; `make test-all` calls the others, too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in IN_EACH_RUN else pytest.mark.slow) for name in CALLS]
)
async def test_a_payload_refuses_no_field_because_of_its_change(name: str) -> None:
    mutation, entry = CALLS[name]
    async with open_portal(entry.profile, **WITHOUT_LIMITS) as portal:
        payload, refused = await answered(portal, mutation, entry)

    assert payload is not None
    assert next(value for key, value in payload.items() if key.endswith("_errors_0")) == []
    assert refused == []


async def test_what_a_payload_still_shows_is_gone_with_the_next_field(portal: Portal) -> None:
    """Only the payload itself is read as before the change: neither the next mutation nor the next request is."""
    person = await portal.person(ADMINISTRATION)
    names = await _herself(portal)
    shown = "membership { organization { members { totalCount } } } errors { code }"

    answer = await person.asks(
        f"""
        mutation M($me: ID!) {{
          demoted: updateMemberAccess(input: {{ membershipId: $me, roleKeys: [] }}) {{ {shown} }}
          again: updateMemberAccess(input: {{ membershipId: $me, roleKeys: ["planning"] }}) {{ {shown} }}
          renamed: updateProfile(input: {{ expectedVersion: 1, firstName: "Anne" }}) {{
            viewer {{ defaultOrganization {{ members {{ totalCount }} }} }}
          }}
        }}
        """,
        me=names["SELF"],
    )
    later = await person.asks(
        "query Q($id: ID!) { organization(id: $id) { members { totalCount } } }", id=names["HELIOS"]
    )

    assert answer.at("demoted") == {"membership": {"organization": {"members": {"totalCount": 24}}}, "errors": []}
    assert answer.at("again.errors") == [{"code": "FORBIDDEN"}]
    assert answer.at("renamed.viewer.defaultOrganization.members") is None
    assert answer.codes == {"renamed.viewer.defaultOrganization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert later.codes == {"organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}
