"""Answers `__schema` and `__type` from what the caller may use; validation and execution keep the whole schema.

It is the schema itself that answers so, whatever executes it: there is no second way around to the whole.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    TypeMetaFieldDef,
)

from connectors.directory.standings import StandingsUnread
from gateway.auth.request_context import Introspection
from gateway.pipeline.introspection.audience import Audience, audience_of
from gateway.pipeline.introspection.filtering import POSSIBLE_TYPES, SchemaFilter
from resolvers.context import RequestContext

MOST_VIEWS = 64
"""So many filtered schemas are kept; there is one for each set of permissions, never for each person."""

DISABLED = "INTROSPECTION_DISABLED"
DISABLED_MESSAGE = (
    "Introspection is switched off here (setting introspection). The schema comes with the portal's documentation, or "
    "by `forecourt schema print`."
)


class IntrospectionDisabled(Exception):
    """Somebody asked for the schema where that is switched off."""

    def __init__(self) -> None:
        super().__init__(DISABLED_MESSAGE)


def look_at(context: RequestContext, organization_id: str | None) -> None:
    """Let introspection show what may be used in this organization; None leaves it as the header says."""
    if organization_id is not None:
        context.introspection = replace(context.introspection or Introspection(), organization_id=organization_id)


class SchemaViews:
    """The schemas that audiences see, each made once and kept while it is used."""

    def __init__(self, whole: GraphQLSchema) -> None:
        self._filter = SchemaFilter(whole)
        self._kept: OrderedDict[Audience, GraphQLSchema] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def seen_by(self, context: RequestContext | None) -> GraphQLSchema:
        """Return the schema that a request sees; without a request, as on the command line, it is the whole.

        Raises:
            IntrospectionDisabled: It is switched off.
        """
        if context is None:
            return self._filter.whole
        asked = context.introspection or Introspection()
        if asked.mode == "off":
            raise IntrospectionDisabled
        if asked.mode == "on":
            return self._filter.whole
        return self.view(audience_of(context.viewer, context.now, asked.organization_id, self._filter.asked))

    def view(self, audience: Audience) -> GraphQLSchema:
        """Return the schema that an audience sees."""
        view = self._kept.get(audience)
        if view is None:
            view = self._kept[audience] = self._filter.schema_for(audience)
            if len(self._kept) > MOST_VIEWS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(audience)
        return view


class _ViewedSchema(GraphQLSchema):
    """A schema whose introspection answers from the view that the request sees."""

    views: SchemaViews

    def get_field(self, parent_type: GraphQLCompositeType, field_name: str) -> GraphQLField | None:
        if field_name in _META_FIELDS:
            return _META_FIELDS[field_name] if parent_type is self.query_type else None
        return super().get_field(parent_type, field_name)

    def get_possible_types(self, abstract_type: GraphQLAbstractType) -> list[GraphQLObjectType]:
        # Below `__schema` the types of a view come here, but the schema that is asked is this one.
        possible: list[GraphQLObjectType] | None = abstract_type.extensions.get(POSSIBLE_TYPES)
        return super().get_possible_types(abstract_type) if possible is None else possible


def asks_for_the_schema(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    """Return whether a valid operation asks for `__schema` or `__type`, which stand at its root only."""
    return any(name in _META_FIELDS for name in _root_fields(operation, fragments))


def asks_only_for_the_schema(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Return whether a valid operation asks for `__schema`, `__type` and `__typename` at its root, and nothing else."""
    return all(name in _META_FIELDS or name == "__typename" for name in _root_fields(operation, fragments))


def _root_fields(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[str]:
    waiting: list[SelectionNode] = list(operation.selection_set.selections)
    seen: set[str] = set()
    while waiting:
        match waiting.pop():
            case FieldNode(name=name):
                yield name.value
            case InlineFragmentNode(selection_set=selected):
                waiting.extend(selected.selections)
            case FragmentSpreadNode(name=name) if name.value not in seen:
                seen.add(name.value)
                waiting.extend(fragments[name.value].selection_set.selections)


def filter_introspection(core: GraphQLSchema) -> SchemaViews:
    """Let this schema answer introspection from what the caller may use, from now on and for every executor."""
    if not isinstance(core, _ViewedSchema):
        core.__class__ = _ViewedSchema  # strawberry makes the schema and has no option to name a class
        core.views = SchemaViews(core)  # type: ignore[attr-defined]
    views: SchemaViews = core.views  # type: ignore[attr-defined]
    return views


def _schema(_source: Any, info: GraphQLResolveInfo[Any]) -> Any:
    try:
        return _seen(info)
    except StandingsUnread as unread:
        return _seen_later(info, unread)


def _type(_source: Any, info: GraphQLResolveInfo[Any], name: str) -> Any:
    try:
        return _seen(info).get_type(name)
    except StandingsUnread as unread:
        return _type_later(info, unread, name)


async def _seen_later(info: GraphQLResolveInfo[Any], unread: StandingsUnread) -> GraphQLSchema:
    """Return the schema seen by somebody in many organizations, once it has been read what they hold there."""
    id = unread.organization_id
    await info.context.learn(None if id is None else [id])
    return _seen(info)


async def _type_later(info: GraphQLResolveInfo[Any], unread: StandingsUnread, name: str) -> GraphQLNamedType | None:
    return (await _seen_later(info, unread)).get_type(name)


def _seen(info: GraphQLResolveInfo[Any]) -> GraphQLSchema:
    schema = info.schema
    assert isinstance(schema, _ViewedSchema)
    return schema.views.seen_by(info.context)


def _copy(field: GraphQLField, resolve: Any) -> GraphQLField:
    return GraphQLField(field.type, field.args, resolve, description=field.description)


_META_FIELDS = {"__schema": _copy(SchemaMetaFieldDef, _schema), "__type": _copy(TypeMetaFieldDef, _type)}
