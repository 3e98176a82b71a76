"""How an extension declares a field: as we do, with its type beside it, and a cost for asking a back end."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.wanted import EVERYTHING
from permissions.access_rules import OPEN, AccessRule
from schema.extending.back_end import DeclaredBackend
from schema.graph import fields
from schema.graph.fields import DECLARATION, Declaration, Length

GRAPHQL_TYPE, EXPLICIT = "forecourt graphql type", "forecourt explicit"
"""Where a field keeps the type that was declared beside it, and whether its guard was written."""

T = TypeVar("T", bound=type)

_WHOLE_CALLER = dict.fromkeys((UserRecord, OrganizationRecord, GrantRecord), EVERYTHING)
"""What a function may look at that its context knows of the caller, unless it says what it needs."""

BACKEND_COST = 5
"""What a field costs that asks a back end of an extension."""


def field(
    function: Callable[..., Any],
    *,
    description: str,
    requires: AccessRule | None = None,
    graphql_type: Any = None,
    backend: DeclaredBackend | None = None,
    arguments: Mapping[str, str] | None = None,
    cost: int | None = None,
    at_most: Length | None = None,
    assumed_size: int | None = None,
    sliced_by: str | None = None,
) -> Any:
    """Declare a relation, answered for all parents at once by ``function(context, parents, **arguments)``.

    It answers a list parallel to its parents; an Exception instead of an answer fails only that parent's field. On a
    type of ours, `requires` and `graphql_type` must be written; on a type of the extension's own, a field without
    `requires` is open to whoever may see the object, and its annotation is its type. A field that a `backend` fills can
    be null, and costs 5. A list says by `sliced_by` which argument chooses its length, or is never longer than
    `at_most`.
    """
    declared = fields.field(
        function,
        requires=requires or OPEN,
        description=description,
        backend=backend.backend if backend is not None else None,
        arguments=arguments,
        cost=BACKEND_COST if cost is None and backend is not None else cost,
        at_most=at_most,
        assumed_size=assumed_size,
        sliced_by=sliced_by,
    )
    return _noted(_with_the_whole_caller(declared), requires, graphql_type)


def root(
    function: Callable[..., Any],
    *,
    description: str,
    requires: AccessRule,
    graphql_type: Any,
    backend: DeclaredBackend | None = None,
    arguments: Mapping[str, str] | None = None,
    cost: int | None = None,
    at_most: Length | None = None,
    assumed_size: int | None = None,
    sliced_by: str | None = None,
) -> Any:
    """Declare a field of Query, answered by ``function(context, **arguments)``."""
    declared = fields.root(
        function,
        requires=requires,
        description=description,
        backend=backend.backend if backend is not None else None,
        arguments=arguments,
        cost=BACKEND_COST if cost is None and backend is not None else cost,
        at_most=at_most,
        assumed_size=assumed_size,
        sliced_by=sliced_by,
    )
    return _noted(_with_the_whole_caller(declared), requires, graphql_type)


def computed(
    function: Callable[..., Any],
    *,
    description: str,
    requires: AccessRule | None = None,
    graphql_type: Any = None,
    arguments: Mapping[str, str] | None = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a value made of one record by ``function(context, record, **arguments)``, which asks no back end."""
    declared = fields.computed(
        function, requires=requires or OPEN, description=description, arguments=arguments, at_most=at_most
    )
    return _noted(_with_the_whole_caller(declared), requires, graphql_type)


def attribute(
    path: str,
    *,
    description: str,
    requires: AccessRule | None = None,
    graphql_type: Any = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a value that the record has at a dotted path, such as ``site.city``."""
    declared = fields.attribute(path, requires=requires or OPEN, description=description, at_most=at_most)
    return _noted(declared, requires, graphql_type)


def graph_type(
    of: type,
    *,
    description: str | None = None,
    name: str | None = None,
    organization: Callable[[Any], str | None] | None = None,
) -> Callable[[T], T]:
    """Make a class the GraphQL type of a record; without a `description`, its docstring is one.

    Fields without a declaration read the record's attribute of that name. `organization` finds the id of the
    organization that a record belongs to; it is needed where fields of the type ask for a permission of their own.
    """
    declare = fields.graph_type(of, name=name, organization=organization)

    def decorate(cls: T) -> T:
        cls.__doc__ = description or cls.__doc__
        return declare(cls)

    return decorate


def _with_the_whole_caller(declared: Any) -> Any:
    declaration: Declaration = declared.metadata[DECLARATION]
    if not declaration.needs:
        declared.metadata = {**declared.metadata, DECLARATION: replace(declaration, needs=_WHOLE_CALLER)}
    return declared


def _noted(declared: Any, requires: AccessRule | None, graphql_type: Any) -> Any:
    declared.metadata = {**declared.metadata, GRAPHQL_TYPE: graphql_type, EXPLICIT: requires is not None}
    return declared
