"""What the schema's fields cost: whoever asks a back end pays for it, and no page of ours is refused."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    parse,
    value_from_ast_untyped,
)

from gateway.pipeline.limits.cost import Estimation
from gateway.pipeline.operation_cache import Documents
from gateway.settings import Limits
from schema.graph.cost_directives import PASSWORD_CHECK, CostDirective
from schema.graph.fields import DECLARATION, Declaration, DeclaredField
from tests.portal import Portal
from tests.schemas import shared_core

ROOT = Path(__file__).parents[3]
CORE = shared_core()
DOCUMENTS = Documents(CORE, Limits())


def _asking() -> list[tuple[Any, str]]:
    """Every field whose declaration waits for an answer, with its type."""
    return [
        (type_, name)
        for type_ in CORE.type_map.values()
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType))
        for name, field in type_.fields.items()
        if isinstance(definition := field.extensions.get("strawberry-definition"), DeclaredField)
        and _declaration(definition).waits
    ]


def _declaration(definition: DeclaredField) -> Declaration:
    declaration: Declaration = definition.metadata[DECLARATION]
    return declaration


def _cost(type_: Any, name: str, value: Any) -> int:
    """What a field costs when each of its arguments has this value and nothing but `__typename` is selected in it."""
    field = type_.fields[name]
    selected = SelectionSetNode(selections=(FieldNode(name=NameNode(value="__typename")),))
    node = FieldNode(
        name=NameNode(value=name),
        arguments=tuple(
            ArgumentNode(name=NameNode(value=argument), value=VariableNode(name=NameNode(value=argument)))
            for argument in field.args
        ),
        selection_set=selected if is_composite_type(get_named_type(field.type)) else None,
    )
    estimation = Estimation(CORE, {}, dict.fromkeys(field.args, value))
    return estimation.part((SelectionSetNode(selections=(node,)),), type_).total(None, 0)


@pytest.mark.parametrize(("type_", "name"), _asking(), ids=str)
def test_a_field_that_asks_a_back_end_costs_something_even_if_it_answers_nothing(type_: Any, name: str) -> None:
    assert _cost(type_, name, None) >= 1
    assert _cost(type_, name, []) >= 1
    assert _cost(type_, name, 0) >= 1


def test_there_are_fields_that_ask_a_back_end() -> None:
    names = {f"{type_.name}.{name}" for type_, name in _asking()}

    assert {"Viewer.loginNames", "Organization.members", "MembershipConnection.totalCount", "Mutation.signIn"} <= names
    assert "Organization.name" not in names


@pytest.mark.parametrize(
    ("argument", "weight"),
    [('search: "x"', 10), ('roleKeys: ["purchase"]', 5), ("search: null", 0), ("status: [ACTIVE]", 0)],
)
def test_an_argument_that_makes_a_field_expensive_costs_more_where_it_is_given(argument: str, weight: int) -> None:
    with_it = f'{{ organization(id: "x") {{ members(first: 10, {argument}) {{ totalCount }} }} }}'

    assert DOCUMENTS.document(with_it).operation(None).cost.of({}) == 1 + 1 + 5 + weight


SHARED = """
fragment Errors on UserError {
  __typename code message path
  ... on ValidationError { constraint }
  ... on ConflictError { currentVersion conflictingNode { __typename id } }
  ... on PermissionError { reason missingPermissions { code label } grantableBy { id user { id displayName } } }
  ... on LastAdministratorError { candidates { id user { id displayName } } }
  ... on InvitationStateError { status canRequestNew }
  ... on RateLimitError { retryAfterSeconds }
}
"""
"""What a front end shares between all its mutations."""


@pytest.mark.parametrize("name", sorted(CORE.mutation_type.fields) if CORE.mutation_type else [])
def test_a_fragment_shared_by_all_mutations_adds_little_to_each(name: str) -> None:
    assert CORE.mutation_type is not None
    field = CORE.mutation_type.fields[name]
    given = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    declared = ", ".join(f"${argument}: {it.type}" for argument, it in field.args.items())
    text = "mutation({}) {{ {}({}) {{ errors {{ {} }} }} }} {}"

    bare, shared = (
        DOCUMENTS.document(text.format(declared, name, given, asked, further)).operation(None).cost.of({})
        for asked, further in (("code", ""), ("...Errors ...Errors", SHARED))
    )

    assert bare < shared <= bare + 15


INVITE = """
mutation Invite($input: InviteMembersInput!) {
  inviteMembers(input: $input) {
    results {
      email
      invitation { id email status expiresAt roles { id label } }
      membership { id status }
      errors { ...Errors }
    }
    errors { ...Errors }
  }
}
"""


@pytest.mark.parametrize(("invitees", "cost"), [(1, 41), (10, 203), (50, 923)])
def test_an_invitation_of_many_costs_as_much_as_there_are(invitees: int, cost: int) -> None:
    operation = DOCUMENTS.document(INVITE + SHARED).operation(None)
    written = INVITE.replace("($input: InviteMembersInput!)", "").replace(
        "$input", f'{{ organizationId: "x", idempotencyKey: "x", invitees: [{INVITEE * invitees}] }}'
    )

    assert operation.cost.of({"input": {"invitees": [{}] * invitees}}) == cost
    assert operation.cost.of({"input": {"invitees": [{}] * 2}}) == 59
    assert DOCUMENTS.document(written + SHARED).operation(None).cost.of({}) == cost


INVITEE = '{ email: "a@b.example", roleKeys: [] } '


EXAMPLES = sorted(ROOT.glob("gateway/profiles/*/examples/*.graphql"))
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCKS = [
    (path, text)
    for path in PAGES
    for text in re.findall(r"^```graphql\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if any(isinstance(it, OperationDefinitionNode) for it in parse(text).definitions)  # others show a part of a schema
]

COLLEAGUES = """
query Colleagues {
  viewer {
    memberships {
      nodes {
        organization {
          name
          members { totalCount nodes { status jobTitle user { displayName email } roleGrants { role { label } } } }
          orders(first: 20) {
            totalCount
            nodes { number status placedBy { displayName } total { formatted } lines { sku name quantity } }
          }
        }
      }
    }
  }
}
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_the_examples_of_the_profiles_are_allowed(path: Path) -> None:
    assert _most_expensive_operation(path.read_text(encoding="utf-8")) <= Limits().max_cost


@pytest.mark.parametrize(("path", "text"), BLOCKS, ids=[path.stem for path, _ in BLOCKS])
def test_what_the_documentation_asks_is_allowed(path: Path, text: str) -> None:
    assert _most_expensive_operation(text) <= Limits().max_cost


def test_one_s_organizations_with_their_members_and_twenty_orders_each_are_well_allowed() -> None:
    assert _most_expensive_operation(COLLEAGUES) <= Limits().max_cost / 2


def _most_expensive_operation(text: str) -> int:
    """The estimate of a document's operations with the defaults of their variables."""
    return max(one.cost.of(_defaults(one.node)) for one in DOCUMENTS.document(text).operations)


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        variable.variable.name.value: value_from_ast_untyped(variable.default_value)
        for variable in operation.variable_definitions or ()
        if variable.default_value is not None
    }


async def test_equal_aliases_ask_as_many_statements_as_one(portal: Portal) -> None:
    person = await portal.person("administration@helios.example")
    id = await portal.organization_of("administration@helios.example")
    page = 'members(first: 3, search: "a") { totalCount nodes { id } }'
    one = f"query($id: ID!) {{ organization(id: $id) {{ {page} }} }}"
    many = f"query($id: ID!) {{ organization(id: $id) {{ {' '.join(f'a{n}: {page}' for n in range(15))} }} }}"

    with portal.statements() as asked_once:
        first = await person.asks(one, id=id)
    with portal.statements() as asked_often:
        answer = await person.asks(many, id=id)

    assert len(asked_often) == len(asked_once)
    assert answer.at("organization") == {f"a{n}": first.at("organization.members") for n in range(15)}


async def test_unequal_aliases_are_charged_for_what_each_asks(portal: Portal) -> None:
    person = await portal.person("administration@helios.example")
    id = await portal.organization_of("administration@helios.example")
    aliases = " ".join(f'a{n}: members(first: 1, search: "{"abcdefghijklmno"[n]}") {{ totalCount }}' for n in range(15))
    body = json.dumps({"query": f'{{ organization(id: "{id}") {{ {aliases} }} }}'}).encode()

    with portal.statements() as statements:
        answer = await person.posts(body, forecourt_cost="true")

    estimate = answer.body["extensions"]["cost"]["estimated"]
    assert answer.errors == []
    assert estimate == 1 + 15 * (1 + 10 + 5)
    assert estimate >= 5 * len(statements)


def test_every_mutation_that_takes_a_password_pays_for_checking_or_hashing_each() -> None:
    assert CORE.mutation_type is not None
    passwords = {
        name: sum("password" in part.lower() for part in get_named_type(field.args["input"].type).fields)
        for name, field in CORE.mutation_type.fields.items()
        if isinstance(get_named_type(field.args["input"].type), GraphQLInputObjectType)
    }
    costs = {
        name: next(one.weight for one in _directives(CORE.mutation_type.fields[name]) if isinstance(one, CostDirective))
        for name, number in passwords.items()
        if number
    }

    assert set(costs) >= {"signIn", "changePassword", "requestEmailChange", "resetPassword", "confirmRegistration"}
    assert costs == {name: passwords[name] * PASSWORD_CHECK for name in costs}


def _directives(field: GraphQLField) -> list[object]:
    definition = field.extensions["strawberry-definition"]
    return [*definition.directives]
