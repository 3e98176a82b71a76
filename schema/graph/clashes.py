"""Names that two declare: one would silently answer for the other, so both are named instead."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema
from strawberry.exceptions import DuplicatedTypeName
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

DECLARED_IN = "__declared_in__"
"""Where a class that no Python file declares keeps the one that does."""

Sourced = tuple[StrawberryField, str | None]
"""A field, and which extension adds it to the type; None for one that the type's classes declare."""

_RENAME = "rename all but one, in TOML by its key rename"


def same_names(
    definition: StrawberryObjectDefinition, fields: Sequence[Sourced], name_of: Callable[[StrawberryField], str]
) -> list[str]:
    """Return what is said of each field of a type, as strawberry knows it, that is declared more than once."""
    declared: dict[str, list[str]] = {}
    for field, source in fields:
        by = [source] if source is not None else _declared_by(definition, field)
        declared.setdefault(name_of(field), []).extend(by)
    return [
        f"{definition.name}.{name} is declared more than once, by {' and by '.join(by)}; {_RENAME}."
        for name, by in declared.items()
        if len(by) > 1
    ]


def same_type(duplicated: DuplicatedTypeName) -> str:
    """Return what is said of two types of the same name."""
    by = sorted(_qualified(cls) for cls in (duplicated.first_cls, duplicated.second_cls) if cls is not None)
    what = duplicated.message.removesuffix(" is defined multiple times in the schema")
    return f"{what} is declared more than once, by {' and by '.join(by)}; {_RENAME}."


def reserved_names(core: GraphQLSchema) -> list[str]:
    """Return what is said of each name in the schema that is reserved for Forecourt itself."""
    return [
        f"{name} is a name that Forecourt will use itself; rename it: a release would be in its way."
        for name in reserved()
        if _is_in(core, *name.split("."))
    ]


@cache
def reserved() -> tuple[str, ...]:
    """Return the names that Forecourt will use itself: types, and fields and values as ``Type.field``."""
    lines = Path(__file__).with_name("reserved_names.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def _is_in(core: GraphQLSchema, type_name: str, name: str | None = None) -> bool:
    type_: Any = core.type_map.get(type_name)
    if type_ is None or name is None:
        return type_ is not None
    return name in (type_.values if isinstance(type_, GraphQLEnumType) else type_.fields)


def _declared_by(definition: StrawberryObjectDefinition, field: StrawberryField) -> Iterator[str]:
    """Yield each class of which a field of this name became part of the type; what an interface asks for is none."""
    interfaces = {interface.origin for interface in definition.interfaces}
    classes = [
        cls
        for cls in definition.origin.__mro__
        if cls not in interfaces and field.python_name in vars(cls).get("__annotations__", {})
    ]
    yield from map(_qualified, classes or [definition.origin])


def _qualified(cls: type) -> str:
    return vars(cls).get(DECLARED_IN) or f"{cls.__module__}.{cls.__qualname__}"
