"""The part of a schema that an audience may use, as a schema of its own that keeps the specification.

What is hidden takes along what cannot stand without it: a type without fields, a field of such a type, a field or an
input whose required part is hidden, an interface's field that one of its types does not show. Then only what can be
reached from the roots and the directives is left.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.pipeline.introspection.audience import Audience
from permissions.access_rules import AccessRule
from schema.graph.guards import rule_of

POSSIBLE_TYPES = "forecourt-possible-types"
"""Where a filtered interface keeps the types that implement it, in `extensions`."""

Output = GraphQLObjectType | GraphQLInterfaceType


class SchemaFilter:
    """Knows what every part of a schema asks for, and makes the schema that an audience sees."""

    def __init__(self, whole: GraphQLSchema) -> None:
        self.whole = whole
        self.types = {name: type_ for name, type_ in whole.type_map.items() if not is_introspection_type(type_)}
        self.rules = {id(part): rule_of(part) for type_ in self.types.values() for part in _parts(type_)}
        self.asked = 0
        for rule in self.rules.values():
            self.asked |= rule.mask
        self.named_directly = {name for type_ in self.types.values() for name in _named_by(type_)}

    def schema_for(self, audience: Audience) -> GraphQLSchema:
        """Return the schema of what the audience may use."""
        return _Copy(self, _Visible(self, audience)).schema()

    def rule_of(self, part: Any) -> AccessRule:
        """Return what a field, argument, input field or enum value asks for."""
        return self.rules[id(part)]


class _Visible:
    """What an audience sees of each type: names of fields, arguments, input fields and values."""

    def __init__(self, of: SchemaFilter, audience: Audience) -> None:
        self.of = of
        self.audience = audience
        self.hidden: set[str] = set()
        self.fields: dict[str, dict[str, list[str]]] = {}
        self.inputs: dict[str, list[str]] = {}
        self.values: dict[str, list[str]] = {}
        while self._more_is_hidden():
            pass
        self.reached = self._reached()

    def _more_is_hidden(self) -> bool:
        """Look at every type once, with what is known to be hidden; return whether that hid a further one."""
        before = len(self.hidden)
        for name, type_ in self.of.types.items():
            if name in self.hidden:
                continue
            match type_:
                case GraphQLObjectType() | GraphQLInterfaceType():
                    self.fields[name] = self._fields_of(type_)
                    is_empty = not self.fields[name]
                case GraphQLInputObjectType():
                    self.inputs[name] = [key for key, field in type_.fields.items() if self._shows(field, ())]
                    is_empty = not self.inputs[name] or any(
                        is_required_input_field(field) and key not in self.inputs[name]
                        for key, field in type_.fields.items()
                    )
                case GraphQLEnumType():
                    self.values[name] = [
                        key for key, value in type_.values.items() if self._may_use(self.of.rule_of(value))
                    ]
                    is_empty = not self.values[name]
                case GraphQLUnionType():
                    is_empty = all(member.name in self.hidden for member in type_.types)
                case _:
                    is_empty = False
            if is_empty:
                self.hidden.add(name)
        return len(self.hidden) > before or self._interfaces_promise_less()

    def _fields_of(self, type_: Output) -> dict[str, list[str]]:
        former = self.fields.get(type_.name)
        shown = {}
        for name, field in type_.fields.items():
            if former is not None and name not in former:
                continue
            guard = self.of.rule_of(field)
            if not self._may_use(guard) or get_named_type(field.type).name in self.hidden:
                continue
            arguments = [
                key
                for key, argument in field.args.items()
                if (former is None or key in former[name]) and self._shows(argument, (guard,))
            ]
            if all(key in arguments or not is_required_argument(argument) for key, argument in field.args.items()):
                shown[name] = arguments
        return shown

    def _interfaces_promise_less(self) -> bool:
        """Take from interfaces what one of their types does not show; return whether there was something."""
        changed = False
        for type_ in self.of.types.values():
            if not isinstance(type_, Output) or type_.name in self.hidden:
                continue
            own = self.fields[type_.name]
            for interface in type_.interfaces:
                promised = self.fields.get(interface.name, {})
                for name in list(promised):
                    kept = [key for key in promised[name] if key in own.get(name, ())]
                    if name not in own:
                        del promised[name]
                    elif kept != promised[name]:
                        promised[name] = kept
                    else:
                        continue
                    changed = True
        return changed

    def _shows(self, part: GraphQLArgument | GraphQLInputField, within: tuple[AccessRule, ...]) -> bool:
        return get_named_type(part.type).name not in self.hidden and self._may_use(*within, self.of.rule_of(part))

    def _may_use(self, *guards: AccessRule) -> bool:
        return self.audience.may_use(guards)

    def _reached(self) -> set[str]:
        """Return the types that can be reached, and give enums that are answered all their values back.

        An object is reached by a field or a union. An interface alone leads only to the types that nothing else leads
        to: an order is no more for somebody who sees no field with orders, although `node` would answer one.
        """
        whole = self.of.whole
        roots = (whole.query_type, whole.mutation_type, whole.subscription_type)
        waiting = [root.name for root in roots if root is not None and root.name not in self.hidden]
        waiting += [get_named_type(argument.type).name for it in whole.directives for argument in it.args.values()]
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in reached or name in self.hidden:
                continue
            reached.add(name)
            waiting += self._next(self.of.types[name])
        return reached

    def _next(self, type_: GraphQLNamedType) -> Iterator[str]:
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for name, arguments in self.fields[type_.name].items():
                    field = type_.fields[name]
                    answered = get_named_type(field.type)
                    if isinstance(answered, GraphQLEnumType):
                        # A client has to know what it may be answered; asking by it stays refused.
                        self.values[answered.name] = list(answered.values)
                    yield answered.name
                    yield from (get_named_type(field.args[key].type).name for key in arguments)
                yield from (interface.name for interface in type_.interfaces)
                if isinstance(type_, GraphQLInterfaceType):
                    for implementing in self.of.whole.get_implementations(type_).objects:
                        if implementing.name not in self.of.named_directly:
                            yield implementing.name
            case GraphQLUnionType():
                yield from (member.name for member in type_.types)
            case GraphQLInputObjectType():
                yield from (get_named_type(type_.fields[key].type).name for key in self.inputs[type_.name])


class _Copy:
    """Builds the schema of what is visible; scalars and whole enums are the same objects as in the whole schema."""

    def __init__(self, of: SchemaFilter, visible: _Visible) -> None:
        self.of = of
        self.visible = visible
        self.types: dict[str, GraphQLNamedType] = {}

    def schema(self) -> GraphQLSchema:
        """Return the schema; it is for introspection only and cannot be executed."""
        whole = self.of.whole
        self.types = {name: self._type(type_) for name, type_ in self.of.types.items() if name in self.visible.reached}
        schema = GraphQLSchema(
            query=self._root(whole.query_type),
            mutation=self._root(whole.mutation_type),
            subscription=self._root(whole.subscription_type),
            types=list(self.types.values()),
            directives=[self._directive(directive) for directive in whole.directives],
            description=whole.description,
            assume_valid=True,
        )
        for type_ in self.types.values():
            if isinstance(type_, GraphQLInterfaceType):
                type_.extensions[POSSIBLE_TYPES] = schema.get_implementations(type_).objects
        return schema

    def _root(self, root: GraphQLObjectType | None) -> Any:
        return self.types.get(root.name) if root is not None else None

    def _type(self, type_: GraphQLNamedType) -> Any:
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                return _copied(
                    type_, fields=lambda: self._fields(type_), interfaces=lambda: self._seen(type_.interfaces)
                )
            case GraphQLUnionType():
                return _copied(type_, types=lambda: self._seen(type_.types))
            case GraphQLInputObjectType():
                return _copied(type_, fields=lambda: self._input_fields(type_))
            case GraphQLEnumType():
                shown = self.visible.values[type_.name]
                if len(shown) < len(type_.values):
                    values = {name: type_.values[name] for name in shown}
                    return GraphQLEnumType(type_.name, values, description=type_.description)
        return type_

    def _fields(self, type_: Output) -> dict[str, GraphQLField]:
        fields = {}
        for name, shown in self.visible.fields[type_.name].items():
            field = type_.fields[name]
            arguments = {key: self._of_its_type(field.args[key]) for key in shown}
            fields[name] = self._of_its_type(field, args=arguments)
        return fields

    def _input_fields(self, type_: GraphQLInputObjectType) -> dict[str, GraphQLInputField]:
        return {name: self._of_its_type(type_.fields[name]) for name in self.visible.inputs[type_.name]}

    def _directive(self, directive: GraphQLDirective) -> Any:
        arguments = {name: self._of_its_type(argument) for name, argument in directive.args.items()}
        return _copied(directive, args=arguments)

    def _seen(self, types: Iterable[GraphQLNamedType]) -> list[Any]:
        return [self.types[it.name] for it in types if it.name in self.types]

    def _of_its_type(self, part: Any, **changes: Any) -> Any:
        return _copied(part, type_=self._wrapped(part.type), **changes)

    def _wrapped(self, type_: Any) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return GraphQLNonNull(self._wrapped(type_.of_type))
        if isinstance(type_, GraphQLList):
            return GraphQLList(self._wrapped(type_.of_type))
        return self.types[type_.name]


def _copied(part: Any, **changes: Any) -> Any:
    """Return a copy of a part of a schema, with these changes and without what strawberry keeps in it."""
    return type(part)(**{**part.to_kwargs(), "extensions": {}, **changes})


def _fields(type_: GraphQLNamedType) -> Mapping[str, GraphQLField]:
    return type_.fields if isinstance(type_, Output) else {}


def _named_by(type_: GraphQLNamedType) -> Iterator[str]:
    """Return the types that a type leads to by its fields or as its members."""
    if isinstance(type_, GraphQLUnionType):
        yield from (member.name for member in type_.types)
    yield from (get_named_type(field.type).name for field in _fields(type_).values())


def _parts(type_: GraphQLNamedType) -> Iterator[Any]:
    """Return all of a type that may be guarded."""
    for field in _fields(type_).values():
        yield field
        yield from field.args.values()
    if isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields.values()
    if isinstance(type_, GraphQLEnumType):
        yield from type_.values.values()
