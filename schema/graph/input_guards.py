"""Guards on what a request puts in: arguments, fields of inputs, values of enums.

Such a guard is asked only when the request uses what it guards: a literal, or a variable that has a value; null is a
value. It is asked before the field's function is called, in the organization of the field's object or, at the root,
in the one that the field's declaration names.

    orders: … = field(orders_of, argument_guards={"placed_by": SEE_MEMBERS}, …)
    note: str | None = input_field(requires=SEE_AUDIT_LOG, description="…")
    _enum(OrderStatus, "…", {…}, requires={"DRAFT": PLACE_ORDERS})
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from operator import attrgetter
from typing import Any

import strawberry
from graphql import (
    EnumValueNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    get_named_type,
)
from graphql.utilities import get_default_value_ast

from permissions.access_rules import OPEN, AccessRule
from permissions.vocabulary import PermissionScope
from resolvers.context import RequestContext
from resolvers.refusals import Coordinate, NotPermitted
from schema.graph.answering import Answering
from schema.graph.fields import DECLARATION, Belonging, Declaration, DeclaredField
from schema.graph.guards import Guard, described, directives_of, rule_of


def input_field(*, description: str, requires: AccessRule = OPEN, default: Any = strawberry.UNSET) -> Any:
    """Declare a field of an input that may be left out; `requires` is asked only when a request gives it."""
    return strawberry.field(
        default=default, description=described(description, requires), directives=directives_of(requires)
    )


@dataclass(slots=True)
class GuardedAnswering(Answering):
    """Answers a field of which some inputs are guarded; what the field itself asks is asked first."""

    inputs: "InputGuards" = dataclass_field(kw_only=True)

    def refusals(
        self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]
    ) -> Sequence[Exception | None] | None:
        """Return why each parent's field is refused, for itself or because of these inputs; None when none is."""
        return _joined(self.bound.refusals(context, parents), self.inputs.refusals(context, parents, values))


class InputGuards:
    """The guards on the inputs of one field."""

    __slots__ = ("_arguments", "_is_root")

    def __init__(self, arguments: "_Parts", is_root: bool) -> None:
        self._arguments = arguments
        self._is_root = is_root

    def refusals(
        self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]
    ) -> Sequence[NotPermitted | None] | None:
        """Return why each parent's field is refused because of these argument values; None when none is."""
        refusals: Sequence[NotPermitted | None] | None = None
        for guard, value in _used(self._arguments, values):
            if guard.rule.or_self and _is_of_viewer(value, context):
                continue
            # At the root, the arguments stand for the object that knows its organization.
            objects = [values] * len(parents) if self._is_root else parents
            refusals = _joined(refusals, guard.refusals(context, objects))
        return refusals


def input_guards(where: Coordinate, field: GraphQLField, belonging: Belonging) -> InputGuards | None:
    """Return the guards on the inputs of a field at this coordinate, None when there are none."""
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, DeclaredField):
        return None
    declaration: Declaration = definition.metadata[DECLARATION]
    path = declaration.organization_in
    compiler = _Compiler(_at(path) if path else belonging.organization_of, of_mutation=where.type_name == "Mutation")
    compiled = compiler.arguments(where, field)
    return InputGuards(compiled, path is not None) if compiled is not None else None


def input_problems(where: Coordinate, field: GraphQLField, belonging: Belonging) -> list[str]:
    """Return what is wrong with the guards on the inputs of a field, in sentences."""
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, DeclaredField):
        return []
    path = definition.metadata[DECLARATION].organization_in
    problems = []
    if path is not None and not _leads_somewhere(path, definition, field):
        problems.append(f"{where} reads its organization from {path}, which its arguments do not have.")
    guarded = list(_guarded(where, field))
    if guarded and isinstance(field.type, GraphQLNonNull):
        problems.append(f"{where} has guarded inputs, so it must be nullable; write `… | None`.")
    for coordinate, part, guard in guarded:
        if guard.any_of and guard.scope is PermissionScope.ORGANIZATION and not (path or belonging.organization_of):
            problems.append(
                f"{coordinate} asks for a permission, but {where} does not say in which organization; add "
                f"organization= to {where.type_name}, or organization_in= to a field at the root."
            )
        if not isinstance(part, _EnumPosition) and get_default_value_ast(part) is not None:
            problems.append(f"{coordinate} is guarded and has a default, so every request would use it; take it away.")
        if guard.or_self and isinstance(part, _EnumPosition):
            problems.append(f"{coordinate} is the value of an enum, which is nobody's id; leave or_self away.")
    return problems + [
        f"{where} uses {coordinate} in a default, so every request would use it; take it away."
        for coordinate in _used_by_defaults(field)
    ]


class _EnumPosition:
    """A value of an enum, among the guarded parts."""


@dataclass(frozen=True, slots=True)
class _Part:
    """An argument or a field of an input, by its Python name: its own guard, and what is guarded within its value."""

    name: str
    guard: Guard | None
    within: "_Within | None"


_Parts = list[_Part]
_Within = _Parts | dict[Any, Guard]
"""Of an input, its parts that are guarded or have something guarded within; of an enum, its guarded values."""


class _Compiler:
    """Finds all that is guarded within the arguments of one field."""

    def __init__(self, organization_of: Callable[[Any], str | None] | None, *, of_mutation: bool) -> None:
        self.organization_of = organization_of
        self.of_mutation = of_mutation
        self.known: dict[str, _Parts] = {}

    def arguments(self, where: Coordinate, field: GraphQLField) -> _Parts | None:
        """Return the parts of a field's arguments."""
        parts = [
            self._part(argument, name, Coordinate(where.type_name, where.field_name, name))
            for name, argument in field.args.items()
            if rule_of(argument) is not OPEN or _is_guarded_within(get_named_type(argument.type), set())
        ]
        return parts or None

    def _part(self, part: Any, name: str, coordinate: Coordinate) -> _Part:
        definition = part.extensions.get("strawberry-definition")
        guard = rule_of(part)
        return _Part(
            getattr(definition, "python_name", None) or name,
            self._bound(guard, coordinate) if guard is not OPEN else None,
            self._within(get_named_type(part.type)),
        )

    def _within(self, type_: GraphQLNamedType) -> _Within | None:
        if not _is_guarded_within(type_, set()):
            return None
        if isinstance(type_, GraphQLEnumType):
            return {
                type_.coerce_input_value(name): self._bound(rule_of(value), Coordinate(type_.name, name))
                for name, value in type_.values.items()
                if rule_of(value) is not OPEN
            }
        assert isinstance(type_, GraphQLInputObjectType)
        parts = self.known.get(type_.name)
        if parts is None:
            parts = self.known[type_.name] = []  # known before it is filled, for inputs within themselves
            for name, field in type_.fields.items():
                if rule_of(field) is not OPEN or _is_guarded_within(get_named_type(field.type), set()):
                    parts.append(self._part(field, name, Coordinate(type_.name, name)))
        return parts

    def _bound(self, guard: AccessRule, coordinate: Coordinate) -> Guard:
        return Guard(guard, coordinate, self.organization_of, None, of_mutation=self.of_mutation)


def _used(parts: _Parts, values: Any) -> Iterator[tuple[Guard, Any]]:
    """Return the guards of what is used in these values, each with the value, in the order of the declaration."""
    for part in parts:
        value = values.get(part.name, strawberry.UNSET) if type(values) is dict else getattr(values, part.name)
        if value is strawberry.UNSET:
            continue
        if part.guard is not None:
            yield part.guard, value
        if part.within is not None:
            yield from _used_within(part.within, value)


def _used_within(within: _Within, value: Any) -> Iterator[tuple[Guard, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _used_within(within, item)
    elif isinstance(within, dict):
        guard = within.get(value)
        if guard is not None:
            yield guard, value
    elif value is not None:
        yield from _used(within, value)


def _is_of_viewer(value: Any, context: RequestContext) -> bool:
    return context.viewer is not None and value == context.viewer.user_id


def _joined(
    one: Sequence[NotPermitted | None] | None, other: Sequence[NotPermitted | None] | None
) -> Sequence[NotPermitted | None] | None:
    """Return the refusals of both, those of the first where both refuse."""
    if one is None or other is None:
        return other if one is None else one
    return [first or second for first, second in zip(one, other, strict=True)]


def _is_guarded_within(type_: GraphQLNamedType, seen: set[str]) -> bool:
    if isinstance(type_, GraphQLEnumType):
        return any(rule_of(value) is not OPEN for value in type_.values.values())
    if not isinstance(type_, GraphQLInputObjectType) or type_.name in seen:
        return False
    seen.add(type_.name)
    return any(
        rule_of(field) is not OPEN or _is_guarded_within(get_named_type(field.type), seen)
        for field in type_.fields.values()
    )


def _guarded(where: Coordinate, field: GraphQLField) -> Iterator[tuple[Coordinate, Any, AccessRule]]:
    """Return every guarded part of a field's inputs, however deep, each once."""
    waiting: list[GraphQLNamedType] = []
    seen: set[str] = set()
    for name, argument in field.args.items():
        if (guard := rule_of(argument)) is not OPEN:
            yield Coordinate(where.type_name, where.field_name, name), argument, guard
        waiting.append(get_named_type(argument.type))
    while waiting:
        type_ = waiting.pop()
        if type_.name in seen:
            continue
        seen.add(type_.name)
        if isinstance(type_, GraphQLEnumType):
            for name, value in type_.values.items():
                if (guard := rule_of(value)) is not OPEN:
                    yield Coordinate(type_.name, name), _EnumPosition(), guard
        elif isinstance(type_, GraphQLInputObjectType):
            for name, it in type_.fields.items():
                if (guard := rule_of(it)) is not OPEN:
                    yield Coordinate(type_.name, name), it, guard
                waiting.append(get_named_type(it.type))


def _used_by_defaults(field: GraphQLField) -> Iterator[Coordinate]:
    """Return what is guarded and stands in a default of a field's arguments, or within one of its inputs."""
    seen: set[str] = set()
    waiting: list[Any] = list(field.args.values())
    while waiting:
        part = waiting.pop()
        type_ = get_named_type(part.type)
        default = get_default_value_ast(part)
        if default is not None:
            yield from _used_by_literal(type_, default)
        if isinstance(type_, GraphQLInputObjectType) and type_.name not in seen:
            seen.add(type_.name)
            waiting.extend(type_.fields.values())


def _used_by_literal(type_: GraphQLNamedType, literal: ValueNode) -> Iterator[Coordinate]:
    match literal:
        case ListValueNode(values=items):
            for item in items:
                yield from _used_by_literal(type_, item)
        case EnumValueNode(value=name) if isinstance(type_, GraphQLEnumType):
            if rule_of(type_.values[name]) is not OPEN:
                yield Coordinate(type_.name, name)
        case ObjectValueNode(fields=given) if isinstance(type_, GraphQLInputObjectType):
            for it in given:
                part = type_.fields[it.name.value]
                if rule_of(part) is not OPEN:
                    yield Coordinate(type_.name, it.name.value)
                yield from _used_by_literal(get_named_type(part.type), it.value)


def _python_name(name: str, part: Any) -> str:
    return getattr(part.extensions.get("strawberry-definition"), "python_name", None) or name


def _leads_somewhere(path: str, definition: DeclaredField, field: GraphQLField) -> bool:
    parts: Any = field.args
    for step in path.split("."):
        found = next((part for name, part in parts.items() if _python_name(name, part) == step), None)
        if found is None:
            return False
        type_ = get_named_type(found.type)
        parts = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
    return True


def _at(path: str) -> Callable[[dict[str, Any]], str | None]:
    """Return what reads the id at a dotted path of the arguments; None where there is none."""
    name, _, rest = path.partition(".")
    read = attrgetter(rest) if rest else None

    def organization_in(values: dict[str, Any]) -> str | None:
        value = values.get(name)
        found = read(value) if read is not None and value is not None else value
        return found if isinstance(found, str) else None

    return organization_in


__all__ = ["GuardedAnswering", "InputGuards", "input_field", "input_guards", "input_problems"]
