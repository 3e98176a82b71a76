"""Introspection over the whole gateway: everybody is shown what they may use, in the organization they look at."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import (
    REMOVE,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    NoUnusedFragmentsRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_introspection_query,
    introspection_from_schema,
    parse,
    print_ast,
    specified_rules,
    validate,
    validate_schema,
    visit,
)

from gateway.demo.loading import demo_accounts
from gateway.pipeline.introspection.audience import Audience
from gateway.pipeline.introspection.filtering import SchemaFilter
from gateway.profile_files import load_profile, shipped_profiles
from permissions.policy import parse_policy
from permissions.vocabulary import mask_of
from tests.portal import NOW, Answer, Person, Portal, open_portal
from tests.role_matrix import SUBSETS
from tests.schemas import shared_core

INTROSPECTION = get_introspection_query(input_value_deprecation=True)
FIELDS = "query Fields($type: String!) { __type(name: $type) { fields { name args { name } } } }"
WHOLE = shared_core()

ORDERS, MEMBERS = "Organization.orders", "Organization.members"
PLACED_BY = "Organization.orders(placedBy:)"
OPEN_FIELDS = ["Query.viewer", "Query.node", "Mutation.signIn", "Viewer.memberships", "Organization.name"]
SIGNED_IN = ["Query.organization", "Mutation.updateProfile", "Membership.roleGrants", "User.email"]

OF_BUYERS = [*SIGNED_IN, ORDERS, PLACED_BY]
"""Whoever sees orders may always filter them by one person: themselves."""

SEEN = {
    None: [],
    "private@home.example": SIGNED_IN,
    "planning@helios.example": SIGNED_IN,
    "administration@nordlicht.example": SIGNED_IN,  # in a blocked organization
    "suspended@helios.example": SIGNED_IN,
    "purchase@helios.example": OF_BUYERS,
    "administration@helios.example": [*SIGNED_IN, MEMBERS],
    "guenther.strauss@helios.example": [*OF_BUYERS, MEMBERS],
    "two.companies@helios.example": [*OF_BUYERS, MEMBERS],
}
"""What of the guarded parts each demo account sees, over all their organizations."""

GUARDED = [*SIGNED_IN, ORDERS, MEMBERS, PLACED_BY]


@pytest.fixture(scope="module", params=["breadth-first", "graphql-core"])
async def solar_on_each(request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway on each executor, for tests that only read."""
    async with open_portal(execution=request.param) as opened:
        yield opened


async def schema_of(person: Person) -> GraphQLSchema:
    """The schema as this person's client builds it, which is a valid one."""
    client = build_client_schema((await person.asks(INTROSPECTION)).data)
    assert validate_schema(client) == []
    return client


async def someone(portal: Portal, login_name: str | None) -> Person:
    """The person with this login name, or somebody who is not signed in."""
    return await portal.person(login_name) if login_name is not None else portal.anybody()


def shows(schema: GraphQLSchema, coordinate: str) -> bool:
    """Whether a schema has the field or the argument."""
    type_name, _, rest = coordinate.partition(".")
    field_name, _, argument = rest.removesuffix(":)").partition("(")
    fields: dict[str, Any] = getattr(schema.type_map.get(type_name), "fields", {})
    field = fields.get(field_name)
    return field is not None and (not argument or argument in field.args)


async def asks_within(person: Person, organization: str, query: str, **variables: Any) -> Answer:
    """Ask while looking at an organization, by the header."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    return await person.posts(body, forecourt_organization=organization)


def names(answer: Answer) -> set[str]:
    """The fields that `Fields` answered."""
    return {field["name"] for field in answer.at("__type.fields")}


@pytest.mark.parametrize("login_name", list(SEEN))
async def test_everybody_is_shown_what_they_may_use(solar_on_each: Portal, login_name: str | None) -> None:
    schema = await schema_of(await someone(solar_on_each, login_name))

    assert [part for part in OPEN_FIELDS if not shows(schema, part)] == []
    assert [part for part in GUARDED if shows(schema, part)] == [part for part in GUARDED if part in SEEN[login_name]]
    assert ("Order" in schema.type_map) == (ORDERS in SEEN[login_name])


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_every_demo_account_is_shown_a_schema_that_keeps_the_specification(profile: str) -> None:
    async with open_portal(profile) as portal:
        for account in demo_accounts(load_profile(profile)):
            schema = await schema_of(await portal.person(account.login))

            assert schema.query_type is not None
            assert {it.name for it in schema.directives} == {it.name for it in WHOLE.directives}


@pytest.mark.parametrize("roles", SUBSETS, ids=["+".join(roles) or "none" for roles in SUBSETS])
def test_every_set_of_roles_is_shown_a_schema_in_which_its_part_of_each_example_is_valid(
    roles: tuple[str, ...],
) -> None:
    profile = load_profile("solar_terminal")
    policy = parse_policy(profile.policy_text, profile.policy_source)
    held = mask_of(permission for role in roles for permission in policy.roles[role].permissions)

    view = SchemaFilter(WHOLE).schema_for(Audience(True, 0, frozenset({held})))
    schema = build_client_schema(introspection_from_schema(view))

    assert validate_schema(schema) == []
    for name in shipped_profiles():
        for example in load_profile(name).examples:
            part = visible_part(example.query, schema)
            assert validate(schema, parse(part), RULES) == [], part


async def test_a_hidden_field_answers_as_a_refused_one_and_not_as_an_unknown_one(solar_on_each: Portal) -> None:
    person = await solar_on_each.person("planning@helios.example")
    schema = await schema_of(person)

    answer = await person.asks("{ viewer { defaultOrganization { orders { totalCount nodes { lines { sku } } } } } }")
    unknown = await person.asks("{ viewer { defaultOrganization { orderz { totalCount } } } }")

    assert not shows(schema, ORDERS)
    assert (answer.status, answer.data) == (200, {"viewer": {"defaultOrganization": {"orders": None}}})
    assert answer.codes == {"viewer.defaultOrganization.orders": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert (unknown.status, unknown.codes) == (400, {"": "GRAPHQL_VALIDATION_FAILED"})


async def test_beside_data_only_the_schema_is_filtered(solar_on_each: Portal) -> None:
    person = await solar_on_each.person("planning@helios.example")

    answer = await person.asks(
        """
        query Mixed($hidden: String!) {
          viewer { __typename user { displayName } }
          order: __type(name: $hidden) { name }
          __schema { ...Kinds }
          node: __type(name: "Node") { possibleTypes { name } }
          __typename
        }
        fragment Kinds on __Schema { queryType { name fields { name } } mutationType { name } }
        """,
        hidden="Order",
    )

    assert answer.errors == []
    assert answer.at("viewer") == {"__typename": "Viewer", "user": {"displayName": "Franziska Löffler"}}
    assert answer.at("order") is None
    assert answer.at("__schema.mutationType") == {"name": "Mutation"}
    assert "organization" in {field["name"] for field in answer.at("__schema.queryType.fields")}
    possible = {it["name"] for it in answer.at("node.possibleTypes")}
    assert "Organization" in possible
    assert not possible & {"Order", "OrderEvent"}
    assert answer.at("__typename") == "Query"


async def test_who_belongs_to_two_organizations_is_shown_the_one_they_look_at(solar_on_each: Portal) -> None:
    login_name = "two.companies@helios.example"
    person = await solar_on_each.person(login_name)
    helios, lumen = [await solar_on_each.organization_of(login_name, number) for number in (0, 1)]

    at_helios = await asks_within(person, helios, FIELDS, type="Organization")
    at_lumen = await asks_within(person, lumen, FIELDS, type="Organization")
    in_any = await person.asks(FIELDS, type="Organization")

    shown = {"members", "orders"}
    assert names(at_helios) & shown == {"members"}
    assert names(at_lumen) & shown == {"orders"}
    assert names(in_any) & shown == {"members", "orders"}


async def test_the_request_may_name_the_organization_too_and_wins_over_the_header(solar_on_each: Portal) -> None:
    login_name = "two.companies@helios.example"
    person = await solar_on_each.person(login_name)
    helios, lumen = [await solar_on_each.organization_of(login_name, number) for number in (0, 1)]
    body = {"query": FIELDS, "variables": {"type": "Organization"}, "extensions": {"organizationId": lumen}}

    answer = await person.posts(json.dumps(body).encode(), forecourt_organization=helios)
    wrong = await person.posts(json.dumps(body | {"extensions": {"organizationId": 7}}).encode())

    assert names(answer) & {"members", "orders"} == {"orders"}
    assert (wrong.status, wrong.codes) == (400, {"": "BAD_REQUEST"})


async def test_in_a_batch_each_operation_looks_at_its_own_organization() -> None:
    async with open_portal(max_batch=3) as portal:
        login_name = "two.companies@helios.example"
        person = await portal.person(login_name)
        helios, lumen = [await portal.organization_of(login_name, number) for number in (0, 1)]
        one = {"query": FIELDS, "variables": {"type": "Organization"}}
        batch = [one | {"extensions": {"organizationId": lumen}}, one]

        answer = await person.posts(json.dumps(batch).encode(), forecourt_organization=helios)

    shown = [{field["name"] for field in it["data"]["__type"]["fields"]} & {"members", "orders"} for it in answer.body]
    assert shown == [{"orders"}, {"members"}]


async def test_somebody_elses_organization_and_an_unknown_one_show_the_same(solar_on_each: Portal) -> None:
    person = await solar_on_each.person("purchase@helios.example")
    lumen = await solar_on_each.organization_of("administration@lumen.example")

    with solar_on_each.statements() as for_foreign:
        foreign = await asks_within(person, lumen, INTROSPECTION)
    with solar_on_each.statements() as for_unknown:
        unknown = await asks_within(person, "org_" + "z" * 26, INTROSPECTION)

    assert foreign.body == unknown.body
    assert for_foreign == for_unknown
    assert not shows(build_client_schema(foreign.data), ORDERS)


async def test_looking_at_an_organization_decides_about_nothing_but_the_schema(solar_on_each: Portal) -> None:
    person = await solar_on_each.person("two.companies@helios.example")
    helios = await solar_on_each.organization_of("two.companies@helios.example")
    query = "{ viewer { memberships { nodes { organization { orders { totalCount } members { totalCount } } } } } }"

    there = await asks_within(person, helios, query)
    anywhere = await person.asks(query)

    assert there.data == anywhere.data
    assert there.codes == anywhere.codes


async def test_the_whole_schema_is_shown_where_the_operator_wants_it() -> None:
    async with open_portal(introspection="on") as portal:
        schema = await schema_of(portal.anybody())

    assert set(schema.type_map) == set(WHOLE.type_map)
    assert shows(schema, PLACED_BY)


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
@pytest.mark.parametrize(
    "query",
    [
        INTROSPECTION,
        '{ __type(name: "Query") { name } }',
        "{ viewer { id } ... { ...Root } } fragment Root on Query { again: __schema { description } }",
    ],
)
async def test_where_introspection_is_off_the_answer_says_so_and_the_rest_works(execution: str, query: str) -> None:
    async with open_portal(introspection="off", execution=execution) as portal:
        person = await portal.person("purchase@helios.example")
        answer = await person.asks(query)
        rest = await person.asks("{ __typename viewer { __typename } }")

    assert (answer.status, answer.codes) == (400, {"": "INTROSPECTION_DISABLED"})
    assert "data" not in answer.body
    assert rest.body == {"data": {"__typename": "Query", "viewer": {"__typename": "Viewer"}}}


async def test_a_role_that_ended_shows_nothing_any_more(portal: Portal) -> None:
    portal.clock.now = datetime(2024, 12, 30, tzinfo=UTC)
    before = names(await (await portal.person("miriam.thuermer@helios.example")).asks(FIELDS, type="Organization"))

    portal.clock.now = NOW
    after = names(await (await portal.person("miriam.thuermer@helios.example")).asks(FIELDS, type="Organization"))

    assert before - after == {"addressBook", "order", "orders"}
    assert after < before


RULES = [rule for rule in specified_rules if rule is not NoUnusedFragmentsRule]


def visible_part(query: str, schema: GraphQLSchema) -> str:
    """What of a query is left when everything that the schema does not show is taken out."""
    document = parse(query)
    while True:
        types = TypeInfo(WHOLE)
        seen = visit(document, TypeInfoVisitor(types, _Hidden(types, schema, fragments_of(document))))
        if print_ast(seen) == print_ast(document):
            used = {name for operation in seen.definitions for name in variables_in(operation)}
            return print_ast(visit(seen, _Unused(used)))
        document = seen


def variables_in(definition: Any) -> set[str]:
    """The names of the variables that a definition uses."""
    return set(re.findall(r"\$(\w+)", print_ast(definition.selection_set)))


def fragments_of(document: Any) -> set[str]:
    """The names of the fragments that still select something."""
    return {it.name.value for it in document.definitions if isinstance(it, FragmentDefinitionNode)}


class _Hidden(Visitor):
    """Takes out fields and arguments that a schema does not have, and what is left empty by that."""

    def __init__(self, types: TypeInfo, schema: GraphQLSchema, fragments: set[str]) -> None:
        super().__init__()
        self.types = types
        self.schema = schema
        self.fragments = fragments

    def enter_field(self, node: FieldNode, *_args: Any) -> Any:
        parent = self.types.get_parent_type()
        name = node.name.value
        if name == "__typename" or parent is None:
            return None
        return None if shows(self.schema, f"{parent.name}.{name}") else REMOVE

    def leave_field(self, node: FieldNode, *_args: Any) -> Any:
        return REMOVE if node.selection_set is not None and not node.selection_set.selections else None

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_args: Any) -> Any:
        return None if node.name.value in self.fragments else REMOVE

    def leave_inline_fragment(self, node: Any, *_args: Any) -> Any:
        return None if node.selection_set.selections else REMOVE

    def leave_fragment_definition(self, node: Any, *_args: Any) -> Any:
        return None if node.selection_set.selections else REMOVE


class _Unused(Visitor):
    """Takes out the variables that nothing uses any more, whose types may be hidden."""

    def __init__(self, used: set[str]) -> None:
        super().__init__()
        self.used = used

    def enter_variable_definition(self, node: Any, *_args: Any) -> Any:
        return None if node.variable.name.value in self.used else REMOVE
