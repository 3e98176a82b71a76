"""What extensions add to the schema: types of their own, and fields of ours that may be extended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strawberry.types.field import StrawberryField


@dataclass(frozen=True, slots=True)
class SchemaAddition:
    """The part of one extension: by name of a type of ours the fields it adds, and types that nothing else reaches.

    A field has its `python_name` and its type. `source` says whose they are, in messages.
    """

    source: str
    fields: Mapping[str, Sequence[StrawberryField]] = field(default_factory=dict)
    types: Sequence[Any] = ()
