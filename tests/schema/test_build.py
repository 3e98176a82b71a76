"""What could leak, or break an answer, does not start: the build refuses it and says what to write."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import pytest
import strawberry
from strawberry.annotation import StrawberryAnnotation

from connectors.directory.records.organizations import OrganizationRecord
from permissions.access_rules import AUTHENTICATED, OPEN, any_of
from permissions.vocabulary import Permission, PermissionScope
from resolvers.context import RequestContext
from schema.graph.backends import Backend
from schema.graph.build import InvalidSchema, build_schema, core_schema
from schema.graph.coordinates import parts_of
from schema.graph.fields import attribute, computed, field, graph_type, root
from schema.organizations.types import Organization
from tests.schemas import shared_schema

ORDERS = any_of(Permission.ORDER_VIEW)
VENDORS = any_of(Permission.APPLICATION_MANAGE, scope=PermissionScope.VENDOR)


class Thing:
    """A record that belongs to nobody in particular."""


async def _names(context: RequestContext, things: Sequence[Any]) -> Sequence[str]:
    return [""] * len(things)


async def _thing(context: RequestContext) -> Thing:
    return Thing()


async def _name(context: RequestContext) -> str:
    return ""


async def _lists(context: RequestContext, things: Sequence[Any]) -> Sequence[list[str]]:
    return [[] for _ in things]


async def _found(context: RequestContext, *, wanted: str | None = None) -> Thing:
    return Thing()


def refusal_of(type_name: str, of: type = Thing, /, **fields: Any) -> str:
    """What the build says of a type with these fields; fails when it says nothing."""
    with pytest.raises(InvalidSchema) as refused:
        built_with(type_name, of, **fields)
    return str(refused.value)


def built_with(type_name: str, of: type = Thing, /, **fields: Any) -> Any:
    """Build a schema of one type with these fields: (annotation, field) by name, and how to find its organization."""
    belongs = {key: fields.pop(key) for key in ("organization", "person") if key in fields}
    doc = fields.pop("doc", "A thing.")
    body = {"__doc__": doc, "__annotations__": {key: of_type for key, (of_type, _) in fields.items()}}
    body |= {key: declared for key, (_, declared) in fields.items()}
    cls = graph_type(of=of, **belongs)(type(type_name, (), body))
    query = type(
        "Query",
        (),
        {"__annotations__": {"thing": cls}, "thing": root(_thing, requires=OPEN, description="The thing.")},
    )
    return build_schema(query=strawberry.type(query, description="What may be asked."), mutation=None)


def test_a_guarded_field_that_cannot_be_null_is_refused() -> None:
    message = refusal_of(
        "GuardedThing",
        name=(str, field(_names, requires=AUTHENTICATED, description="Its name.")),
        label=(str, attribute("label", requires=ORDERS, description="Its label.")),
        organization=attrgetter("id"),
    )

    assert message == (
        "GuardedThing.name is guarded or filled by a back end, so it must be nullable; write `… | None`.\n"
        "GuardedThing.label is guarded or filled by a back end, so it must be nullable; write `… | None`."
    )


def test_a_field_of_a_back_end_that_cannot_be_null_is_refused() -> None:
    message = refusal_of(
        "ShopThing", name=(str, field(_names, requires=OPEN, backend=Backend.SHOP, description="Its name."))
    )

    assert message == "ShopThing.name is guarded or filled by a back end, so it must be nullable; write `… | None`."


def test_a_resolver_without_a_guard_is_refused() -> None:
    def name() -> str:
        return ""

    message = refusal_of("BareThing", name=(str, strawberry.field(resolver=name, description="Its name.")))

    assert message == (
        "BareThing.name has a resolver without a guard; declare it by field, computed or root, with requires=."
    )


def test_a_permission_asked_of_a_type_without_an_organization_is_refused() -> None:
    message = refusal_of("HomelessThing", name=(str | None, field(_names, requires=ORDERS, description="Its name.")))

    assert message == (
        "HomelessThing.name asks for a permission, but HomelessThing does not say its organization; add organization=."
    )


def test_letting_the_person_concerned_pass_without_saying_who_it_is_is_refused() -> None:
    guard = any_of(Permission.MEMBER_VIEW, or_self=True)

    message = refusal_of(
        "FacelessThing",
        name=(str | None, field(_names, requires=guard, description="Its name.")),
        organization=attrgetter("id"),
    )

    assert message == (
        "FacelessThing.name lets the person concerned pass, but FacelessThing does not say who that is; add person=."
    )


def test_what_is_not_described_is_refused() -> None:
    message = refusal_of("SilentThing", name=(str, strawberry.field()), doc=None)

    assert message.splitlines() == ["SilentThing.name has no description.", "SilentThing has no description."]


def test_an_input_or_a_value_that_is_not_described_is_refused() -> None:
    @strawberry.input
    class Request:
        """A request."""

        what: str

    async def asked_for(context: RequestContext, *, input: Request) -> Thing:
        return Thing()

    asked_for.__annotations__["input"] = Request
    query = type(
        "Query",
        (),
        {"__annotations__": {"asked_for": str}, "asked_for": root(asked_for, requires=OPEN, description="A request.")},
    )

    with pytest.raises(InvalidSchema) as refused:
        build_schema(query=strawberry.type(query, description="What may be asked."), mutation=None)

    assert str(refused.value) == "Request.what has no description."


def test_an_argument_that_is_not_described_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError) as refused:
        root(_found, requires=OPEN, description="What was found.")

    assert str(refused.value) == (
        'tests.schema.test_build._found: say what the argument wanted means, by arguments={"wanted": "…"} in its '
        "declaration."
    )


def test_an_argument_of_a_type_that_graphql_does_not_know_is_refused() -> None:
    async def found(context: RequestContext, *, wanted: bytes) -> Thing:
        return Thing()

    with pytest.raises(TypeError) as refused:
        root(found, requires=OPEN, description="What was found.", arguments={"wanted": "What."})

    assert str(refused.value) == (
        "The argument wanted has the type <class 'bytes'>, which has no GraphQL type; add it to ARGUMENT_TYPES."
    )


def test_every_problem_is_named_at_once() -> None:
    message = refusal_of(
        "FaultyThing",
        name=(str, field(_names, requires=ORDERS, description="Its name.")),
        label=(str, strawberry.field()),
    )

    assert message.splitlines() == [
        "FaultyThing.name is guarded or filled by a back end, so it must be nullable; write `… | None`.",
        "FaultyThing.name asks for a permission, but FaultyThing does not say its organization; add organization=.",
        "FaultyThing.label has no description.",
    ]


def test_what_keeps_the_rules_is_built() -> None:
    built = built_with(
        "GoodThing",
        OrganizationRecord,
        name=(str | None, field(_names, requires=ORDERS, backend=Backend.SHOP, description="Its name.")),
        vendors=(
            str | None,
            field(
                _names, requires=any_of(Permission.APPLICATION_MANAGE, scope=PermissionScope.VENDOR), description="It."
            ),
        ),
        open=(str, computed(lambda _context, _thing: "", requires=OPEN, description="It.")),
        organization=attrgetter("id"),
    )

    printed = " ".join(built.as_str().split())
    assert "name: String @requiresPermission(anyOf: [ORDER_VIEW], scope: ORGANIZATION, orSelf: false)" in printed
    assert "@backend(name: SHOP)" in printed
    assert "vendors: String @requiresPermission(anyOf: [APPLICATION_MANAGE], scope: VENDOR, orSelf: false)" in printed


def test_a_guarded_part_without_a_description_is_refused_although_its_guard_has_a_sentence() -> None:
    message = refusal_of(
        "SilentThing",
        name=(str | None, field(_names, requires=ORDERS, description=" ")),
        label=(str | None, attribute("label", requires=ORDERS, description="")),
        organization=attrgetter("id"),
    )

    assert message == "SilentThing.name has no description.\nSilentThing.label has no description."


def test_fields_that_somebody_adds_say_at_the_end_of_their_description_what_they_need() -> None:
    """As GraphiQL shows it, and every other tool that reads the schema; whatever way the field is declared."""
    schema = built_with(
        "AddedThing",
        name=(str | None, field(_names, requires=ORDERS, description="Its name.")),
        label=(str | None, attribute("label", requires=ORDERS, description="Its label.")),
        sum=(str | None, computed(lambda thing: "", requires=VENDORS, description="Its sum.")),
        mine=(str | None, attribute("mine", requires=AUTHENTICATED, description="Mine.")),
        organization=attrgetter("id"),
    )

    shown = core_schema(schema).type_map["AddedThing"].fields

    assert {name: it.description for name, it in shown.items()} == {
        "name": "Its name.\n\nNeeds ORDER_VIEW in the organization.",
        "label": "Its label.\n\nNeeds ORDER_VIEW in the organization.",
        "sum": "Its sum.\n\nNeeds APPLICATION_MANAGE as vendor staff.",
        "mine": "Mine.\n\nNeeds somebody who is signed in.",
    }


def test_every_guarded_part_of_the_schema_names_its_permissions_at_the_end_of_its_description() -> None:
    core = core_schema(shared_schema())
    silent = []
    for part in parts_of(core):
        type_name, _, rest = part.coordinate.partition(".")
        name, _, argument = rest.partition("(")
        type_ = core.type_map[type_name]
        element = type_.values[name] if hasattr(type_, "values") else type_.fields[name]
        if argument:
            element = element.args[argument.rstrip(":)")]
        last = (element.description or "").rpartition("\n\n")[2]
        if not all(permission.value in last for permission in part.rule.any_of):
            silent.append(part.coordinate)

    assert silent == []


def test_two_parts_of_the_queries_with_a_field_of_the_same_name_are_refused_naming_both() -> None:
    class Guarded:
        thing: str | None = root(_name, requires=VENDORS, description="The thing.")

    class Open:
        thing: str | None = root(_name, requires=OPEN, description="The thing.")

    query = type("Query", tuple(strawberry.type(part) for part in (Guarded, Open)), {})

    with pytest.raises(InvalidSchema) as refused:
        build_schema(query=strawberry.type(query, description="What may be asked."), mutation=None)

    local = f"{__name__}.test_two_parts_of_the_queries_with_a_field_of_the_same_name_are_refused_naming_both.<locals>"
    assert str(refused.value) == (
        f"Query.thing is declared more than once, by {local}.Guarded and by {local}.Open; "
        "rename all but one, in TOML by its key rename."
    )


def test_a_second_field_of_the_name_of_one_of_ours_is_refused_instead_of_answering_for_it() -> None:
    definition = Organization.__strawberry_definition__  # type: ignore[attr-defined]
    second = root(_name, requires=OPEN, description="Everybody's orders.")
    second.python_name, second.type_annotation = "orders", StrawberryAnnotation(str | None)
    definition.fields.append(second)

    try:
        with pytest.raises(InvalidSchema) as refused:
            build_schema()
    finally:
        definition.fields.remove(second)

    assert str(refused.value).startswith("Organization.orders is declared more than once, by schema.organizations")


@pytest.mark.parametrize("nothing", ["", " "])
def test_a_guarded_list_says_nothing_of_itself_by_its_guard_and_its_length(nothing: str) -> None:
    message = refusal_of(
        "SilentList",
        OrganizationRecord,
        names=(list[str] | None, field(_lists, requires=ORDERS, at_most=5, description=nothing)),
        organization=attrgetter("id"),
    )

    assert message == "SilentList.names has no description."
