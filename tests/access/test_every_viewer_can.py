"""What `viewerCan…` says is what its mutation does: true exactly where the mutation is not refused.

Each field has an entry in the table; a new one without fails by its name. Whoever looks as a member (view as) sees what
the member may do, and changes nothing.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLObjectType
from sqlalchemy import select

from connectors.directory import tables
from connectors.errors import BackendUnavailable
from tests.caching.test_consistency import LIVED_IN, WITHOUT_LIMITS
from tests.portal import Person, Portal, open_portal
from tests.schemas import shared_core

DENIED = frozenset({"FORBIDDEN", "NOT_FOUND"})
"""The mutation is none of the caller's business."""

NOT_NOW = DENIED | {"CONFLICT", "NOT_DELEGABLE", "LAST_ADMINISTRATOR", "ALREADY_MEMBER", "ALREADY_INVITED"} | {
    f"INVITATION_{ending}" for ending in ("EXPIRED", "REVOKED", "ALREADY_USED")
}  # fmt: skip
"""Or it cannot be done with the object as it stands."""


@dataclass(frozen=True)
class Mutation:
    """What is tried of an object: the mutation, its input for the object's id, and what counts as a no."""

    name: str
    input: Callable[[str], Mapping[str, Any]]
    refused: frozenset[str] = NOT_NOW


def by_id(name: str, refused: frozenset[str] = NOT_NOW, **more: Any) -> Mutation:
    """A mutation whose input has the object's id."""
    return Mutation(name, lambda id: {"id": id, **more}, refused)


TABLE: dict[str, list[Mutation]] = {
    "Organization.viewerCanManageMembers": [
        Mutation("inviteMembers", lambda id: {"organizationId": id, "invitees": [], "idempotencyKey": "try"}, DENIED)
    ],
    "Organization.viewerCanManageOrganization": [
        by_id("updateOrganization", DENIED, expectedVersion=99),
        Mutation("requestOrganizationChange", lambda id: {"organizationId": id, "name": "Anders GmbH"}, DENIED),
    ],
    "Membership.viewerCanUpdateRoles": [
        Mutation(
            "updateMemberAccess",
            lambda id: {"membershipId": id, "roleKeys": [], "dryRun": True},
            NOT_NOW - {"LAST_ADMINISTRATOR", "NOT_DELEGABLE"},  # which depend on what is changed
        )
    ],
    "Membership.viewerCanSuspend": [by_id("suspendMember")],
    "Membership.viewerCanReactivate": [by_id("reactivateMember")],
    "Membership.viewerCanRemove": [by_id("removeMember")],
    "AccessRequest.viewerCanDecide": [by_id("decideAccessRequest", approve=True)],
    "AccessRequest.viewerCanWithdraw": [by_id("withdrawAccessRequest")],
    "ChangeRequest.viewerCanDecide": [by_id("decideOrganizationChange", approve=False, note="Nein")],
    "ChangeRequest.viewerCanWithdraw": [by_id("withdrawOrganizationChange")],
    "Invitation.viewerCanResend": [by_id("resendInvitation")],
    "Invitation.viewerCanRevoke": [by_id("revokeInvitation")],
}
"""Each `viewerCan…` of an object with an id, with the mutations that it speaks of."""

TRIED_APART = {
    "Role.viewerCanAssign": "test_a_role_can_be_assigned_exactly_where_it_is_said",
    "Organization.viewerCanPlaceOrders": "test_whoever_can_order_holds_the_permission",  # no mutation orders yet
}

ACCOUNTS = {
    "solar_terminal": [
        "administration@helios.example",
        "two.companies@helios.example",
        "purchase@helios.example",
        "planning@helios.example",
        "suspended@helios.example",
        "administration@lumen.example",
        "administration@nordlicht.example",
        "review@vendor.example",
        "private@home.example",
    ],
    "software_house": [
        "licence.holder@hausgut.example",
        "orders@hausgut.example",
        "lena.strauss@hausgut.example",
        "deputy@kappel.example",
        "licence.holder@wohnwert.example",
        "review@vendor.example",
    ],
}

MOST_OF_A_KIND = 3
"""So many objects of a type, of which an account is said the same, are tried for it."""


def viewer_can_fields() -> dict[str, list[str]]:
    """The names of all `viewerCan…` by type."""
    return {
        type_.name: names
        for type_ in shared_core().type_map.values()
        if isinstance(type_, GraphQLObjectType)
        and (names := [name for name in type_.fields if name.startswith("viewerCan")])
    }


def test_every_viewer_can_has_an_entry() -> None:
    said = {f"{type_}.{name}" for type_, names in viewer_can_fields().items() for name in names}
    reasons = {one for one in said if one.partition(".")[2].startswith("viewerCannot")}

    assert said - reasons == TABLE.keys() | TRIED_APART.keys()
    assert {one.replace("viewerCannot", "viewerCan").removesuffix("Reasons") for one in reasons} <= TABLE.keys()
    assert all(name in globals() for name in TRIED_APART.values())


@contextmanager
def nothing_is_stored(portal: Portal) -> Any:
    """Undo each change at its end; a mutation that is not refused is then answered as by a directory that is away."""
    directory = portal.wiring.backends.directory
    change = directory.change

    @asynccontextmanager
    async def undone() -> AsyncIterator[Any]:
        async with change() as open_change:
            yield open_change
            raise BackendUnavailable("directory", "undone by the test")

    directory.change = undone  # type: ignore[method-assign]
    try:
        yield
    finally:
        del directory.change


async def refused_by(portal: Portal, person: Person, tried: Mutation, id: str) -> set[str]:
    """The codes with which the mutation is refused; none when it is carried out, which is undone."""
    portal.forget_attempts()
    input = shared_core().mutation_type.fields[tried.name].args["input"].type  # type: ignore[union-attr]
    with nothing_is_stored(portal):
        answer = await person.asks(
            f"mutation Try($input: {input}) {{ {tried.name}(input: $input) {{ errors {{ code }} }} }}",
            input=tried.input(id),
        )
    assert set(answer.codes.values()) <= {"BACKEND_UNAVAILABLE"}, (tried.name, answer.errors)
    payload = answer.at(tried.name)
    return {error["code"] for error in payload["errors"]} & tried.refused if payload is not None else set()


async def ids_of_all(portal: Portal) -> list[str]:
    """The ids of all objects whose type has a `viewerCan…` and an entry in the table."""
    sources = (
        tables.organizations, tables.memberships, tables.access_requests, tables.change_requests, tables.invitations,
    )  # fmt: skip
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return [row[0] for table in sources for row in await connection.execute(select(table.c.id))]


@pytest.mark.parametrize("profile", ACCOUNTS)
async def test_what_the_viewer_can_is_what_the_mutation_does(profile: str) -> None:
    fragments = " ".join(
        f"... on {type_} {{ {' '.join(f'{type_}_{name}: {name}' for name in names)} }}"
        for type_, names in viewer_can_fields().items()
        if type_ != "Role"
    )
    query = f"query Said($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename id {fragments} }} }}"
    wrong, tries = [], {True: 0, False: 0}
    async with open_portal(profile, **WITHOUT_LIMITS) as portal:
        await LIVED_IN[profile](portal)
        ids = await ids_of_all(portal)
        for login_name in ACCOUNTS[profile]:
            person = await portal.person(login_name)
            seen: dict[str, list[dict[str, Any]]] = {}  # by all that is said of them
            for start in range(0, len(ids), 100):
                found = await person.asks(query, ids=ids[start : start + 100])
                for one in found.at("nodes"):
                    if one is not None:
                        seen.setdefault(str({**one, "id": None}), []).append(one)
            for objects in seen.values():
                for one in objects[:MOST_OF_A_KIND]:
                    type_ = one["__typename"]
                    for name in viewer_can_fields()[type_]:
                        said = one[f"{type_}_{name}"]
                        if name.startswith("viewerCannot"):
                            twin = name.replace("viewerCannot", "viewerCan").removesuffix("Reasons")
                            assert (said == []) is one[f"{type_}_{twin}"]
                        for tried in TABLE.get(f"{type_}.{name}", ()):
                            refused = await refused_by(portal, person, tried, one["id"])
                            tries[said] += 1
                            if said is bool(refused):
                                wrong.append((login_name, f"{type_}.{name}", said, tried.name, refused, one["id"]))

    assert wrong == []
    assert min(tries.values()) > 20, tries


@pytest.mark.parametrize("profile", ACCOUNTS)
async def test_a_role_can_be_assigned_exactly_where_it_is_said(profile: str) -> None:
    """`Role.viewerCanAssign`, tried on a colleague who keeps what they hold."""
    async with open_portal(profile, **WITHOUT_LIMITS) as portal:
        said_both = set()
        for login_name in ACCOUNTS[profile]:
            person = await portal.person(login_name)
            colleague = {
                "solar_terminal": ("lena.hartwig@helios.example", []),
                "software_house": ("marko.gross@hausgut.example", ["authorised_person"]),
            }
            email, held = colleague[profile]
            organization_id = await portal.organization_of(email)
            membership = await (await portal.person(email)).asks("{ viewer { memberships { nodes { id } } } }")
            id = membership.at("viewer.memberships.nodes.0.id")
            answer = await person.asks(
                "query Roles($id: ID!) { roles { key viewerCanAssign(organizationId: $id) } }", id=organization_id
            )
            for role in answer.at("roles"):
                if role["key"] in held:
                    continue
                tried = Mutation(
                    "updateMemberAccess",
                    lambda id, key=role["key"], held=held: {"membershipId": id, "roleKeys": [*held, key]},  # type: ignore[misc]
                )
                refused = await refused_by(portal, person, tried, id)
                assert role["viewerCanAssign"] is not bool(refused), (login_name, role, refused)
                said_both.add(role["viewerCanAssign"])

    assert said_both == {True, False}


@pytest.mark.parametrize("profile", ACCOUNTS)
async def test_whoever_can_order_holds_the_permission(profile: str) -> None:
    """`Organization.viewerCanPlaceOrders` is the decision of `Viewer.can`; no mutation of the graph orders yet."""
    async with open_portal(profile) as portal:
        said_both = set()
        for login_name in ACCOUNTS[profile]:
            person = await portal.person(login_name)
            answer = await person.asks(
                "{ viewer { memberships { nodes { organization { id viewerCanPlaceOrders } } } } }"
            )
            for node in answer.at("viewer.memberships.nodes"):
                organization = node["organization"]
                decided = await person.asks(
                    "query C($id: ID!) { viewer { can(organizationId: $id, permissions: [ORDER_PLACE]) { allowed } } }",
                    id=organization["id"],
                )
                assert decided.at("viewer.can.0.allowed") is organization["viewerCanPlaceOrders"]
                said_both.add(organization["viewerCanPlaceOrders"])

    assert said_both == {True, False}
