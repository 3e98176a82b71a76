"""Names that two declare: one would silently answer for the other, so both are named instead."""

from collections.abc import Callable, Iterator, Sequence

from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField


def same_names(
    definition: StrawberryObjectDefinition,
    fields: Sequence[StrawberryField],
    name_of: Callable[[StrawberryField], str],
) -> list[str]:
    """Return what is said of each field of a type, as strawberry knows it, that is declared more than once."""
    declared: dict[str, list[str]] = {}
    for field in fields:
        declared.setdefault(name_of(field), []).extend(_declared_by(definition, field))
    return [
        f"{definition.name}.{name} is declared more than once, by {' and by '.join(by)}; rename all but one."
        for name, by in declared.items()
        if len(by) > 1
    ]


def _declared_by(definition: StrawberryObjectDefinition, field: StrawberryField) -> Iterator[str]:
    """Yield each class of which a field of this name became part of the type; what an interface asks for is none."""
    interfaces = {interface.origin for interface in definition.interfaces}
    classes = [
        cls
        for cls in definition.origin.__mro__
        if cls not in interfaces and field.python_name in vars(cls).get("__annotations__", {})
    ]
    for cls in classes or [definition.origin]:
        yield f"{cls.__module__}.{cls.__qualname__}"
