"""No list is endless: it is a page, it has an entry for each of a bounded argument, or it has a greatest length."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from permissions.access_rules import OPEN
from resolvers.pagination import LARGEST_PAGE
from schema.graph.cost_directives import ListSize, cost_of
from schema.graph.fields import BATCH, SIZING, Sizing, attribute, computed, field
from tests.portal import Portal
from tests.schemas import shared_core

CORE = shared_core()

SELDOM_FULL = {
    # Of these the policy, the catalogue, a single order or a single change says how long they are. They come with what
    # they stand in, most are short, and `max_objects` bounds the rest. An organization has one last administrator.
    "AccessDecision.sources",
    "AccessPreview.applicationsAdded",
    "AccessPreview.applicationsRemoved",
    "AccessPreview.permissionsAdded",
    "AccessPreview.permissionsRemoved",
    "AccessPreview.tiles",
    "AccessPreview.warnings",
    "AccessRequest.permissions",
    "AccessRequest.roles",
    "AccessRequestPayload.warnings",
    "OrganizationRegistration.duplicates",
    "Application.modes",
    "ApplicationTile.grantedBy",
    "ApplicationTile.missing",
    "ApplicationTile.modes",
    "ApplicationTile.openedByRoles",
    "AuditEvent.after",
    "AuditEvent.before",
    "EffectivePermission.sources",
    "Invitation.permissions",
    "Invitation.roles",
    "LastAdministratorError.candidates",
    "Membership.applications",
    "Membership.directGrants",
    "Membership.effectivePermissions",
    "Membership.roleGrants",
    "Membership.tiles",
    "Order.events",
    "Order.lines",
    "Organization.assignablePermissions",
    "Organization.assignableRoles",
    "OrganizationRegistration.history",
    "OrganizationRegistration.wantedRoles",
    "PermissionError.missingPermissions",
    "Query.applicationCatalogue",
    "Query.roles",
    "RegistrationOptions.additionalRoles",
    "Role.applications",
    "Role.permissions",
    "UpdateMemberAccessPayload.warnings",
    "UpdateMembersAccessPayload.results",
    "Viewer.applications",
}
"""Lists whose assumed size is less than their greatest length, beside `errors`."""


def fields() -> Iterator[tuple[str, GraphQLField]]:
    for type_ in CORE.type_map.values():
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) and not type_.name.startswith("__"):
            for name, it in type_.fields.items():
                yield f"{type_.name}.{name}", it


def sizing_of(it: GraphQLField) -> Sizing:
    definition = it.extensions["strawberry-definition"]
    sizing: Sizing = definition.metadata.get(SIZING, Sizing())
    return sizing


LISTS = [(coordinate, it) for coordinate, it in fields() if is_list_type(get_nullable_type(it.type))]
BOUNDED = [
    (coordinate, it)
    for coordinate, it in LISTS
    if not (coordinate.split(".")[0].endswith("Connection") and coordinate.split(".")[1] in ("edges", "nodes"))
]


@pytest.mark.parametrize(("coordinate", "it"), BOUNDED, ids=[coordinate for coordinate, _ in BOUNDED])
def test_a_list_that_is_no_page_has_a_greatest_length_that_its_description_says(
    coordinate: str, it: GraphQLField
) -> None:
    most = sizing_of(it).at_most

    assert most is not None, "declare it by field, computed or attribute with at_most="
    assert most <= 200
    if sizing_of(it).sliced_by is None:
        assert f" At most {most}." in (it.description or "")
    else:
        assert str(most) in (it.args[to_graphql(sizing_of(it).sliced_by)].description or "")


def to_graphql(name: str | None) -> str:
    assert name is not None
    return name


def test_what_a_list_of_objects_is_assumed_to_have_is_what_it_can_have() -> None:
    shorter = {
        coordinate
        for coordinate, it in BOUNDED
        if is_composite_type(get_named_type(it.type))
        and sizing_of(it).sliced_by is None
        and (cost_of(it).size or ListSize()).assumed != sizing_of(it).at_most
        and not coordinate.endswith(".errors")
    }

    assert shorter == SELDOM_FULL


def test_every_page_is_as_long_as_its_argument_says() -> None:
    pages = [(coordinate, it) for coordinate, it in fields() if get_named_type(it.type).name.endswith("Connection")]

    assert len(pages) > 10
    assert [coordinate for coordinate, it in pages if "first" not in it.args] == []


async def test_no_page_is_longer_than_a_hundred(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    text = "{ viewer { memberships(first: 101) { nodes { id } } } }"

    answer = await person.asks(text)

    assert LARGEST_PAGE == 100
    assert answer.codes == {"viewer.memberships": "BAD_USER_INPUT"}


async def test_no_more_than_a_hundred_permissions_are_asked_about_at_once(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    text = "query($them: [PermissionCode!]!) { viewer { can(permissions: $them) { allowed } } }"

    answer = await person.asks(text, them=["ORDER_VIEW"] * 101)

    assert answer.codes == {"viewer.can": "BAD_USER_INPUT"}
    assert "ask for at most 100 at once" in answer.errors[0]["message"]


async def test_a_list_is_cut_at_its_greatest_length_whatever_its_function_answers() -> None:
    async def many(_context: Any, parents: Sequence[Any]) -> Sequence[Any]:
        return [list(range(9)), (1, 2), None, ValueError("none"), tuple(range(4))]

    declared = [
        field(many, requires=OPEN, at_most=3, description="Many."),
        computed(lambda _context, parent: list(parent), requires=OPEN, at_most=3, description="Many."),
        attribute("real", requires=OPEN, at_most=3, description="Many."),
    ]
    answers = [it.metadata["forecourt"].answer_all for it in declared]

    shown = await answers[0](None, [None] * 5)
    assert shown[:3] == [[0, 1, 2], (1, 2), None]
    assert isinstance(shown[3], ValueError)
    assert shown[4] == (0, 1, 2)
    assert answers[1](None, ["abcd", "ab"]) == [["a", "b", "c"], ["a", "b"]]
    assert [it.description for it in declared] == ["Many. At most 3."] * 3


def test_every_list_is_answered_by_what_cuts_it() -> None:
    assert [coordinate for coordinate, it in BOUNDED if BATCH not in it.extensions] == []
