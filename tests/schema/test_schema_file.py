"""The contract that clients read: committed as it is printed, and described to the last value."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_introspection_query,
    validate_schema,
)
from graphql import (
    build_schema as schema_from_text,
)

from schema.graph.build import build_schema, printed
from tests.portal import Portal
from tests.schemas import shared_core

FILE = Path(__file__).parents[2] / "schema" / "schema.graphql"


def test_the_printed_schema_is_a_valid_one_with_its_guards_in_it() -> None:
    text = printed(build_schema())

    read = schema_from_text(text)

    assert validate_schema(read) == []
    assert "orders" in read.type_map["Organization"].fields  # type: ignore[attr-defined]
    for guard in (
        "@requiresPermission(anyOf: [ORDER_VIEW, ORDER_PLACE, ORDER_APPROVE], scope: ORGANIZATION, orSelf: false)",
        "@requiresPermission(anyOf: [MEMBER_VIEW, MEMBER_MANAGE], scope: ORGANIZATION, orSelf: true)",
        "@authenticated",
        "@backend(name: SHOP)",
    ):
        assert guard in " ".join(text.split()), guard


def test_printing_twice_gives_the_same_text() -> None:
    assert printed(build_schema()) == printed(build_schema())


def described(schema: Any) -> dict[str, str | None]:
    """The description of everything in the schema that is ours, by its coordinate."""
    found: dict[str, str | None] = {f"@{directive.name}": directive.description for directive in schema.directives}
    for directive in schema.directives:
        found |= {f"@{directive.name}({name}:)": it.description for name, it in directive.args.items()}
    for type_ in schema.type_map.values():
        if type_.name.startswith("__"):
            continue
        found[type_.name] = type_.description
        if isinstance(type_, GraphQLEnumType):
            found |= {f"{type_.name}.{name}": value.description for name, value in type_.values.items()}
            continue
        for name, field in getattr(type_, "fields", {}).items():
            found[f"{type_.name}.{name}"] = field.description
            if not isinstance(type_, GraphQLInputObjectType):
                found |= {f"{type_.name}.{name}({arg}:)": it.description for arg, it in field.args.items()}
    return found


def test_every_type_field_argument_and_value_is_described() -> None:
    all_of_it = described(shared_core())

    assert [coordinate for coordinate, text in all_of_it.items() if not coordinate.startswith("@") and not text] == []
    assert {text for text in all_of_it.values() if text and not text.rstrip().endswith((".", "…", ":"))} == set()
    assert len(all_of_it) > 300


def test_the_description_of_a_guarded_field_says_what_it_needs() -> None:
    """Directives are invisible in introspection."""
    fields = shared_core().type_map

    assert fields["Organization"].fields["orders"].description == (  # type: ignore[attr-defined]
        "The orders placed for it by any of its members, newest first by `placedAt` unless `orderBy` says otherwise. "
        "Without `status`, drafts are left out; `status: [DRAFT]` gives them alone.\n\n"
        "Needs ORDER_VIEW, ORDER_PLACE or ORDER_APPROVE in the organization."
    )
    assert (
        fields["User"]
        .fields["email"]
        .description.endswith(  # type: ignore[attr-defined]
            "Needs MEMBER_VIEW or MEMBER_MANAGE in the organization, or to be the person concerned."
        )
    )
    assert fields["Mutation"].fields["signOut"].description.endswith("Needs somebody who is signed in.")  # type: ignore[attr-defined]


async def test_introspection_answers_with_the_descriptions(portal: Portal) -> None:
    person = await portal.person("guenther.strauss@helios.example")

    answer = await person.asks(get_introspection_query(descriptions=True))

    types = {type_["name"]: type_ for type_ in answer.at("__schema.types")}
    assert answer.errors == []
    assert {"Viewer", "Organization", "Order", "PermissionCode", "UpdateProfileInput"} <= set(types)
    for name, type_ in types.items():
        if not name.startswith("__"):
            parts = [type_, *(type_["fields"] or ()), *(type_["inputFields"] or ()), *(type_["enumValues"] or ())]
            parts += [argument for field in type_["fields"] or () for argument in field["args"]]
            assert [part["name"] for part in parts if not part["description"]] == [], name


@pytest.mark.parametrize("name", ["UpdateProfileInput", "AddressInput"])
def test_nobody_changes_an_organizations_name_or_registered_office_with_their_own_profile(name: str) -> None:
    """D15."""
    fields = shared_core().type_map[name].fields  # type: ignore[attr-defined]

    assert {"seat", "organizationName", "legalName", "customerNumber", "email"}.isdisjoint(fields)
