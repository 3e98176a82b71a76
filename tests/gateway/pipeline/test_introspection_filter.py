"""What is hidden takes along what cannot stand without it, so that the rest is always a schema of its own."""

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    introspection_from_schema,
    print_directive,
    print_type,
    validate_schema,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.introspection.audience import Audience, audience_of
from gateway.pipeline.introspection.filtering import SchemaFilter, _parts
from gateway.pipeline.introspection.views import MOST_VIEWS, SchemaViews
from permissions.access_rules import AUTHENTICATED, any_of
from permissions.vocabulary import Permission, PermissionScope, mask_of
from schema.graph.guards import directives_of
from tests.examples import examples
from tests.schema.guarded_inputs import Caller
from tests.schemas import shared_core

GUARDS = {
    "orders": any_of(Permission.ORDER_VIEW),
    "members": any_of(Permission.MEMBER_VIEW, Permission.MEMBER_MANAGE),
    "vendor": any_of(Permission.REGISTRATION_REVIEW, scope=PermissionScope.VENDOR),
    "signedIn": AUTHENTICATED,
}

ORDERS = frozenset({mask_of([Permission.ORDER_VIEW])})
MEMBERS = frozenset({mask_of([Permission.MEMBER_VIEW])})
NOBODY, SOMEBODY = Audience(), Audience(signed_in=True)


def guarded(sdl: str) -> GraphQLSchema:
    """A schema of which each part with `@needs(name)` has that guard."""
    schema = build_schema("directive @needs(a: String) on FIELD_DEFINITION | ARGUMENT_DEFINITION\n" + sdl, True)
    for type_ in schema.type_map.values():
        for part in _parts(type_):
            node = part.ast_node
            needs = [it.arguments[0].value.value for it in node.directives or ()] if node else []
            if not needs:
                continue
            part.extensions["strawberry-definition"] = SimpleNamespace(
                directives=[directive for need in needs for directive in directives_of(GUARDS[need])]
            )
    return schema


def seen(sdl: str, audience: Audience) -> GraphQLSchema:
    """The schema as a client of this audience knows it, which is a valid one."""
    client = build_client_schema(introspection_from_schema(SchemaFilter(guarded(sdl)).schema_for(audience)))
    assert validate_schema(client) == []
    return client


def named(schema: GraphQLSchema) -> set[str]:
    """The types that are no part of GraphQL itself."""
    return {name for name in schema.type_map if not name.startswith("__")} - {"String", "Boolean"}


def test_a_hidden_field_takes_along_the_types_that_only_it_leads_to() -> None:
    sdl = """
    type Query { me: Me orders: Orders @needs(a: "orders") }
    type Me { name: String last: Order @needs(a: "orders") }
    type Orders { all: [Order!]! }
    type Order { state: State! total: Money }
    enum State { OPEN DONE }
    scalar Money
    """

    assert named(seen(sdl, SOMEBODY)) == {"Query", "Me"}
    assert named(seen(sdl, Audience(True, 0, ORDERS))) == {"Query", "Me", "Orders", "Order", "State", "Money"}


def test_a_type_of_which_everything_is_hidden_is_hidden_with_the_fields_that_answer_it() -> None:
    sdl = """
    type Query { name: String box: Box boxes: [[Box!]!] }
    type Box { inner: Inner }
    type Inner { order: String @needs(a: "orders") member: String @needs(a: "members") }
    type Mutation { pack: Inner }
    """

    nothing = seen(sdl, SOMEBODY)

    assert (named(nothing), nothing.mutation_type) == ({"Query"}, None)
    assert list(seen(sdl, Audience(True, 0, MEMBERS)).type_map["Inner"].fields) == ["member"]


def test_a_union_keeps_its_visible_members_and_goes_with_the_last() -> None:
    sdl = """
    type Query { name: String found: Found }
    union Found = Order | Member
    type Order { number: String @needs(a: "orders") }
    type Member { name: String @needs(a: "members") }
    """

    assert named(seen(sdl, SOMEBODY)) == {"Query"}
    members = seen(sdl, Audience(True, 0, MEMBERS))
    assert print_type(members.type_map["Found"]) == "union Found = Member"
    assert [it.name for it in members.get_possible_types(members.type_map["Found"])] == ["Member"]


def test_an_interface_promises_only_what_each_of_its_types_shows() -> None:
    sdl = """
    type Query { things: [Thing] orders: [Order] }
    interface Thing { id: String state(of: String, by: String): String owner: String }
    interface Owned { owner: String }
    type Order implements Thing & Owned {
      id: String state(of: String, by: String @needs(a: "members")): String owner: String @needs(a: "members")
    }
    type Member implements Thing { id: String state(of: String, by: String): String owner: String }
    """

    somebody = seen(sdl, SOMEBODY)

    assert print_type(somebody.type_map["Thing"]) == "interface Thing {\n  id: String\n  state(of: String): String\n}"
    assert print_type(somebody.type_map["Order"]).startswith("type Order implements Thing {\n")
    assert "owner" in somebody.type_map["Member"].fields
    assert "owner" in seen(sdl, Audience(True, 0, MEMBERS)).type_map["Thing"].fields


def test_an_interface_leads_only_to_types_that_nothing_else_leads_to() -> None:
    """An order is not shown for `node` when every field with orders is hidden; an error of a payload is."""
    sdl = """
    type Query { node: Node problem: Problem organization: Organization }
    type Organization implements Node { id: ID! orders: [Order] @needs(a: "orders") }
    type Order implements Node { id: ID! }
    type Stale implements Problem { message: String }
    interface Problem { message: String }
    interface Node { id: ID! }
    """

    somebody = seen(sdl, SOMEBODY)

    assert named(somebody) == {"Query", "Node", "Organization", "Problem", "Stale", "ID"}
    assert [it.name for it in somebody.get_possible_types(somebody.type_map["Node"])] == ["Organization"]
    assert "Order" in named(seen(sdl, Audience(True, 0, ORDERS)))


def test_hidden_parts_of_inputs_leave_what_can_be_used_without_them() -> None:
    sdl = """
    type Query {
      orders(by: ID @needs(a: "members"), filter: Filter, secret: Secret, old: Old): String
      report(secret: Secret!): String
      audit(from: String! @needs(a: "members")): String
    }
    input Filter { text: String owner: Owner @needs(a: "members") more: Filter }
    input Owner { id: ID }
    input Secret { key: String! @needs(a: "vendor") other: String }
    input Old { key: String @needs(a: "vendor") }
    """

    somebody = seen(sdl, SOMEBODY)

    assert print_type(somebody.query_type) == "type Query {\n  orders(filter: Filter): String\n}"
    assert print_type(somebody.type_map["Filter"]) == "input Filter {\n  text: String\n  more: Filter\n}"
    assert named(somebody) == {"Query", "Filter"}
    staff = seen(sdl, Audience(True, mask_of([Permission.REGISTRATION_REVIEW])))
    assert list(staff.query_type.fields) == ["orders", "report"]


def test_a_hidden_value_of_an_enum_is_shown_where_it_may_be_answered() -> None:
    sdl = """
    type Query { asked(state: State, secret: Secret): String answered(kind: Kind): Kind }
    enum State { OPEN DRAFT @needs(a: "orders") }
    enum Kind { BIG SMALL @needs(a: "orders") }
    enum Secret { ONE @needs(a: "orders") }
    """

    somebody = seen(sdl, SOMEBODY)

    assert list(somebody.type_map["State"].values) == ["OPEN"]
    assert list(somebody.type_map["Kind"].values) == ["BIG", "SMALL"]
    assert list(somebody.query_type.fields["asked"].args) == ["state"]


def test_what_needs_two_permissions_needs_them_in_one_organization() -> None:
    sdl = 'type Query { name: String orders(by: ID @needs(a: "members")): String @needs(a: "orders") }'

    apart = seen(sdl, Audience(True, 0, ORDERS | MEMBERS))
    together = seen(sdl, Audience(True, 0, frozenset({max(ORDERS) | max(MEMBERS)})))

    assert list(apart.query_type.fields["orders"].args) == []
    assert list(together.query_type.fields["orders"].args) == ["by"]


def test_a_stranger_sees_what_is_open() -> None:
    sdl = 'type Query { name: String me: Me @needs(a: "signedIn") } type Me { name: String }'

    assert named(seen(sdl, NOBODY)) == {"Query"}
    assert named(seen(sdl, SOMEBODY)) == {"Query", "Me"}


WHOLE = shared_core()
ALL = sorted(Permission)


@given(
    signed_in=st.booleans(),
    vendor=st.sets(st.sampled_from(ALL), max_size=4),
    held=st.lists(st.sets(st.sampled_from(ALL), max_size=6), max_size=3),
)
@examples(40, fixed=10)
def test_every_audience_sees_a_valid_part_of_the_whole(
    signed_in: bool, vendor: set[Permission], held: list[set[Permission]]
) -> None:
    audience = Audience(signed_in, mask_of(vendor), frozenset(map(mask_of, held))) if signed_in else NOBODY

    client = build_client_schema(introspection_from_schema(SchemaFilter(WHOLE).schema_for(audience)))

    assert validate_schema(client) == []
    assert [print_directive(it) for it in client.directives] == [print_directive(it) for it in WHOLE.directives]
    for name, type_ in client.type_map.items():
        whole: Any = WHOLE.type_map[name]
        assert type_.description == whole.description
        for key, field in (getattr(type_, "fields", None) or {}).items():
            assert str(field.type) == str(whole.fields[key].type)
            assert field.description == whole.fields[key].description


def test_everybody_who_may_do_the_same_shares_a_view_and_only_so_many_are_kept() -> None:
    views = SchemaViews(WHOLE)
    order = mask_of([Permission.ORDER_VIEW])
    asked = SchemaFilter(WHOLE).asked

    def audience(*organizations: list[Permission], organization: str | None = None) -> Audience:
        context = Caller({f"org_{index}": held for index, held in enumerate(organizations)}).context()
        return audience_of(context.viewer, context.now, organization, asked)

    one = audience([Permission.ORDER_VIEW, Permission.PLANNING_TOOL_USE])
    other = audience([], [Permission.ORDER_VIEW])
    assert one == other == Audience(True, 0, frozenset({order}))
    assert audience([Permission.ORDER_VIEW], [], organization="org_1") == SOMEBODY
    assert audience([Permission.ORDER_VIEW], organization="org_unknown") == SOMEBODY

    assert views.view(one) is views.view(other)
    for mask in range(MOST_VIEWS + 10):
        views.view(Audience(True, mask))
    assert len(views) == MOST_VIEWS


@pytest.mark.parametrize("contained", [[Permission.ORDER_VIEW], []])
def test_what_one_organization_gives_beyond_another_is_all_that_counts(contained: list[Permission]) -> None:
    both = [Permission.ORDER_VIEW, Permission.MEMBER_VIEW]
    context = Caller({"org_a": both, "org_b": contained}).context()

    assert audience_of(context.viewer, context.now, None, -1).held == {mask_of(both)}
