"""What extensions add to the schema stands beside ours; a name that is somebody else's is refused, naming both."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.annotation import StrawberryAnnotation

from permissions.access_rules import OPEN, any_of
from permissions.texts import PermissionText
from permissions.vocabulary import NameTaken, Permission, add_permission, forgetting_permissions
from resolvers.context import RequestContext
from schema.graph.additions import SchemaAddition
from schema.graph.backends import add_backend, forgetting_backends
from schema.graph.build import InvalidSchema, Schema, build_schema, core_schema, printed
from schema.graph.clashes import reserved
from schema.graph.fields import field, graph_type, root
from tests.schemas import shared_core


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends():
        yield


class PlantRecord:
    """A plant as its portal knows it."""

    serial: str


@graph_type(of=PlantRecord)
class Plant:
    """A photovoltaic plant."""

    serial: str = strawberry.field(description="Its serial number.")


async def _plants(context: RequestContext, organizations: Sequence[Any]) -> Sequence[list[PlantRecord]]:
    return [[] for _ in organizations]


async def _plant(context: RequestContext) -> PlantRecord | None:
    return None


def named(name: str, graphql_type: Any, declared: Any) -> Any:
    """The field under this name and with this type."""
    declared.python_name, declared.type_annotation = name, StrawberryAnnotation(graphql_type)
    return declared


def plants(name: str = "plants", of: Any = Plant, **how: Any) -> Any:
    """A field with the plants of an organization."""
    how = {"requires": any_of(Permission.ORDER_VIEW), "description": "Its plants.", "at_most": 5} | how
    return named(name, list[of] | None, field(_plants, **how))


def built(*fields: Any, of: str = "Organization", source: str = "the extension plants", types: Any = ()) -> Schema:
    return build_schema(additions=[SchemaAddition(source, {of: fields}, types)])


def refusal_of(*fields: Any, of: str = "Organization") -> str:
    with pytest.raises(InvalidSchema) as refused:
        built(*fields, of=of)
    return str(refused.value)


def test_what_an_extension_adds_stands_behind_ours_and_changes_nothing_of_ours() -> None:
    view = add_permission("PLANTS_VIEW", PermissionText({"en": "See plants"}, {"en": "Sees plants."}), "plants")
    portal = add_backend("PLANTS", "The plants portal.", "plants")
    find = named("plant_by_serial", Plant | None, root(_plant, requires=OPEN, description="A plant."))
    before = printed(build_schema())

    schema = build_schema(
        additions=[
            SchemaAddition(
                "the extension plants",
                {"Organization": [plants(requires=any_of(view), backend=portal)], "Query": [find]},
            )
        ]
    )

    shown = " ".join(printed(schema).split())
    assert (
        "plants: [Plant!] @requiresPermission(anyOf: [PLANTS_VIEW], scope: ORGANIZATION, orSelf: false) "
        "@backend(name: PLANTS) @listSize(assumedSize: 5)" in shown
    )
    assert "plantBySerial: Plant" in shown
    organization = core_schema(schema).type_map["Organization"]
    assert isinstance(organization, GraphQLObjectType)
    assert list(organization.fields)[-1] == "plants"
    assert organization.fields["plants"].description == (
        "Its plants. At most 5.\n\nNeeds PLANTS_VIEW in the organization."
    )
    assert printed(build_schema()) == before


def test_a_field_of_the_name_of_one_of_ours_is_refused() -> None:
    assert refusal_of(plants("orders")) == (
        "Organization.orders is declared more than once, by schema.organizations.types.Organization and by "
        "the extension plants; rename all but one, in TOML by its key rename."
    )


def test_a_root_field_of_the_name_of_one_of_ours_is_refused() -> None:
    assert refusal_of(named("viewer", str | None, root(_plant, requires=OPEN, description="X.")), of="Query") == (
        "Query.viewer is declared more than once, by schema.viewer.ViewerQueries and by the extension plants; rename "
        "all but one, in TOML by its key rename."
    )


def test_a_field_that_two_extensions_add_is_refused() -> None:
    with pytest.raises(InvalidSchema) as refused:
        build_schema(
            additions=[
                SchemaAddition(f"the extension {name}", {"Organization": [plants()]}) for name in ("plants", "meters")
            ]
        )

    assert str(refused.value) == (
        "Organization.plants is declared more than once, by the extension plants and by the extension meters; rename "
        "all but one, in TOML by its key rename."
    )


def test_a_type_of_the_name_of_one_of_ours_is_refused() -> None:
    order = graph_type(of=PlantRecord)(type("Order", (), {"__doc__": "An order.", "__annotations__": {"serial": str}}))

    assert refusal_of(plants(of=order)) == (
        "Type Order is declared more than once, by schema.orders.Order and by tests.schema.test_additions.Order; "
        "rename all but one, in TOML by its key rename."
    )


def test_a_type_and_a_field_whose_names_are_reserved_are_refused() -> None:
    voucher = graph_type(of=PlantRecord)(
        type(
            "Voucher",
            (),
            {
                "__doc__": "A voucher.",
                "__annotations__": {"serial": str},
                "serial": strawberry.field(description="Its serial number."),
            },
        )
    )

    assert refusal_of(plants("vouchers", of=voucher)).splitlines() == [
        f"{name} is a name that Forecourt will use itself; rename it: a release would be in its way."
        for name in ("Voucher", "Organization.vouchers")
    ]


def test_an_added_field_keeps_the_rules_of_the_house() -> None:
    silent = plants(description=" ", backend=add_backend("PLANTS", "The plants portal.", "plants"))
    silent.type_annotation = StrawberryAnnotation(list[Plant])

    assert refusal_of(silent).splitlines() == [
        "Organization.plants has no description.",
        "Organization.plants is guarded or filled by a back end, so it must be nullable; write `… | None`.",
    ]


def test_a_back_end_of_somebody_else_is_refused_naming_both() -> None:
    with pytest.raises(NameTaken) as refused:
        add_backend("SHOP", "A shop.", "plants")

    assert str(refused.value) == "SHOP is a back end of Forecourt, so plants needs another name for its own"


def test_what_the_schema_has_is_reserved_no_more() -> None:
    core = shared_core()

    def has(name: str) -> bool:
        type_name, _, part = name.partition(".")
        type_: Any = core.type_map.get(type_name)
        return type_ is not None and (not part or part in getattr(type_, "fields", getattr(type_, "values", {})))

    assert [name for name in reserved() if has(name)] == []
    assert "Voucher" in reserved()
