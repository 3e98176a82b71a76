"""The page about normalised caches names the key of each type, and all types that have none."""

import re

from graphql import GraphQLInterfaceType, GraphQLObjectType

from tests.caching.walk import KEYS
from tests.docs.markdown import ROOT
from tests.schemas import shared_core

PAGE = (ROOT / "docs" / "normalised-caches.md").read_text(encoding="utf-8")
CORE = shared_core()
NODE = CORE.type_map["Node"]


def object_types() -> dict[str, GraphQLObjectType]:
    """The types of what stands in answers, but for the roots."""
    return {
        name: type_
        for name, type_ in CORE.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__") and name not in ("Query", "Mutation")
    }


def test_whatever_has_an_id_is_a_node_so_that_ids_are_keys() -> None:
    assert isinstance(NODE, GraphQLInterfaceType)
    nodes = {type_.name for type_ in CORE.get_possible_types(NODE)}

    assert {name for name, type_ in object_types().items() if "id" in type_.fields} == nodes


def test_the_page_names_each_type_that_has_no_id() -> None:
    listed = set(re.findall(r"`(\w+)`", PAGE.partition("| kind | types without a key |")[2].partition("\n\n")[0]))
    of_a_family = re.compile(r"\w+(Payload|Error|Connection|Edge)")
    without = {
        name for name, type_ in object_types().items() if "id" not in type_.fields and not of_a_family.fullmatch(name)
    }

    assert listed == without - KEYS.keys()
    assert all(f"`{name}` has no `id`; its key is `{key}`" in PAGE for name, key in KEYS.items())
