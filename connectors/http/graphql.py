"""GraphQL upstreams, asked by documents of ours that are checked beforehand and leave out what nobody wants."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    extend_schema,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
    specified_rules,
    strip_ignored_characters,
    type_from_ast,
    validate,
    value_from_ast_untyped,
    visit,
)
from graphql.language import Visitor

from connectors.errors import AccessRefused, BackendUnavailable, Declined, UnexpectedAnswer
from connectors.http.client import HttpBackend
from connectors.wanted import EVERYTHING, Wanted

log = logging.getLogger("forecourt")

WANTED = "wanted"
_OURS = parse(f"directive @{WANTED}(by: [String!]!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT")
_SIGN_IN = frozenset({"UNAUTHENTICATED", "UNAUTHORIZED", "FORBIDDEN"})
_NOT_UNDERSTOOD = frozenset(
    {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "USER_INPUT_ERROR", "BAD_REQUEST"}
)
_MOST_PROJECTIONS = 100
"""So many forms of a document are kept, each for the attributes that somebody wanted."""
_LONGEST_LOGGED = 500

Scalars = Mapping[str, Callable[[Any], Any]]
"""How the values of the upstream's own scalars are read; one that cannot be is a ValueError or TypeError."""
_Read = Callable[[Any, str], Any]
"""Reads a value of the answer, given where it stands."""


class InvalidDocument(ValueError):
    """A document does not go with the upstream's schema; the message names its line and what is wrong."""


@dataclass(frozen=True, slots=True)
class _Projection:
    """A document without what is not wanted, the variables that it still has, and how its answer is read."""

    text: str
    variables: frozenset[str]
    read: _Read


class UpstreamSchema:
    """The part of an upstream's schema that documents of ours use."""

    def __init__(self, sdl: str, scalars: Scalars | None = None) -> None:
        self.types: GraphQLSchema = extend_schema(build_schema(sdl), _OURS)
        self.scalars: Scalars = {**_BUILT_IN, **(scalars or {})}

    def document(self, text: str, source: str) -> "UpstreamDocument":
        """Return a document that can be sent; `source` names it in messages.

        It is one operation and its fragments. What bears ``@wanted(by: ["total"])`` is sent only where one of these
        attributes is wanted; the directive itself never is.

        Raises:
            InvalidDocument: With all that is wrong.
        """
        try:
            parsed = parse(text)
        except GraphQLError as error:
            raise InvalidDocument(_said(source, error)) from error
        operations = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) != 1:
            raise InvalidDocument(f"{source}: it has {len(operations)} operations; write one for each file.")
        errors = validate(self.types, parsed, specified_rules)
        if errors:
            raise InvalidDocument("\n".join(_said(source, error) for error in errors))
        document = UpstreamDocument(self, parsed, operations[0])
        try:
            document.projected(EVERYTHING)
        except InvalidDocument as error:
            raise InvalidDocument(f"{source}, {error}") from None
        if document.unmarked:
            raise InvalidDocument(
                f"{source}, line {document.unmarked[0]}: everything here bears @{WANTED}; ask for something always, "
                "such as an id."
            )
        return document


class UpstreamDocument:
    """One operation of ours; `changes` says whether it is a mutation."""

    def __init__(self, schema: UpstreamSchema, parsed: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.changes = operation.operation is OperationType.MUTATION
        self.projected = lru_cache(_MOST_PROJECTIONS)(lambda wanted: _projected(schema, parsed, wanted))
        """Gives the document without what is not wanted."""
        marks = _Marks()
        visit(parsed, marks)
        self.named = frozenset(marks.named)
        """The attributes by which something can be left out."""
        self.unmarked = marks.of_all
        """The lines of selections of which nothing is left where nothing is wanted."""


class GraphqlBackend:
    """An upstream that answers documents of ours, by POST to one path.

    Where it answers the same whoever asks us, `for_everybody` lets those who ask at the same time share a call.
    """

    def __init__(
        self,
        client: HttpBackend,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        for_everybody: bool = False,
    ) -> None:
        self.name = client.name
        self._client = client
        self._path = path
        self._headers = headers or {}
        self._for_everybody = for_everybody

    async def ask(
        self, document: UpstreamDocument, variables: Mapping[str, Any], wanted: Wanted[Any] = EVERYTHING
    ) -> Any:
        """Return the data of the answer, of the shape that the schema says, in one call.

        What bears `@wanted` is asked for as far as it is wanted. Queries are repeatable, mutations are not.

        Raises:
            BackendUnavailable: It does not answer, or says that it cannot.
            UnexpectedAnswer: It does not understand the document, or answers something else than its schema says.
        """
        names = None if wanted.names is None else wanted.names & document.named
        projection = document.projected(Wanted(names))
        body = {
            "query": projection.text,
            "variables": {name: value for name, value in variables.items() if name in projection.variables},
        }
        try:
            answer = await self._client.post(
                self._path,
                body,
                repeatable=not document.changes,
                headers=self._headers,
                for_everybody=self._for_everybody,
            )
        except Declined as declined:  # GraphQL over HTTP says so with 400 as well
            if not isinstance(declined.answer, dict) or not declined.answer.get("errors"):
                raise
            answer = declined.answer
        if not isinstance(answer, dict):
            raise UnexpectedAnswer(self.name, "the answer is not an object")
        if answer.get("errors"):
            self._raise(answer["errors"])
        try:
            return projection.read(answer.get("data"), "data")
        except _WrongShape as error:
            log.error("%s answered something else than its schema says: %s", self.name, error)
            raise UnexpectedAnswer(self.name, str(error)) from None

    def _raise(self, errors: Any) -> None:
        """Raise what the upstream's errors come to; its own words stand in the log alone."""
        first = next((one for one in errors if isinstance(one, dict)), {}) if isinstance(errors, list) else {}
        extensions = first.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        said = str(first.get("message", errors))[:_LONGEST_LOGGED]
        if code in _SIGN_IN:
            log.error("%s does not let us in (%s): %s. Check its key and what the key may do.", self.name, code, said)
            raise AccessRefused(self.name, "it does not let us in")
        if code in _NOT_UNDERSTOOD:
            log.error("%s does not understand a document of ours (%s): %s", self.name, code, said)
            raise UnexpectedAnswer(self.name, "it does not understand what it was asked")
        log.warning("%s answered with an error (%s): %s", self.name, code, said)
        raise BackendUnavailable(self.name, "it answered with an error")


def read_text(value: Any) -> str:
    """Return a text of an answer."""
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def read_integer(value: Any) -> int:
    """Return a whole number of an answer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number")
    return value


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("a number")
    return float(value)


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _read_id(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else read_text(value)


_BUILT_IN: Scalars = {
    "String": read_text,
    "ID": _read_id,
    "Int": read_integer,
    "Float": _read_number,
    "Boolean": _read_boolean,
}


class _WrongShape(Exception):
    """An answer is not as the schema says; the message says where and what was expected, never what stood there."""


class _Marks(Visitor):
    """Collects the attributes by which something of a document can be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()
        self.of_all: list[int] = []

    def enter_directive(self, node: Any, *_: Any) -> None:
        """Note what a mark names."""
        if node.name.value == WANTED:
            self.named.update(_names(node))

    def enter_selection_set(self, node: SelectionSetNode, *_: Any) -> None:
        """Note where everything is marked."""
        if all(_mark(one) is not None for one in node.selections):
            self.of_all.append(_line(node))


class _Variables(Visitor):
    """Collects the variables that selections use."""

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Note one."""
        self.used.add(node.name.value)


def _names(directive: Any) -> list[str]:
    (by,) = directive.arguments
    names: list[str] = value_from_ast_untyped(by.value)
    return names


def _line(node: SelectionSetNode) -> int:
    return node.loc.start_token.line if node.loc else 0


def _said(source: str, error: GraphQLError) -> str:
    line = f", line {error.locations[0].line}" if error.locations else ""
    return f"{source}{line}: {error.message}"


def _projected(schema: UpstreamSchema, parsed: DocumentNode, wanted: Wanted[Any]) -> _Projection:
    """Return the document without what is not wanted, and without the fragments and variables that only that needed."""
    fragments = {one.name.value: one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)}
    (operation,) = (one for one in parsed.definitions if isinstance(one, OperationDefinitionNode))
    kept: dict[str, FragmentDefinitionNode] = {}

    def keep(selections: SelectionSetNode) -> SelectionSetNode:
        left = [one for one in (_unmarked(selection, wanted) for selection in selections.selections) if one is not None]
        return SelectionSetNode(selections=tuple(keep_within(one) for one in left), loc=selections.loc)

    def keep_within(selection: SelectionNode) -> SelectionNode:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in kept:
                kept[name] = fragments[name]
                kept[name] = _with_selections(fragments[name], keep(fragments[name].selection_set))
            return selection
        below = selection.selection_set  # type: ignore[attr-defined]
        return selection if below is None else _with_selections(selection, keep(below))

    selected = keep(operation.selection_set)
    variables = _Variables()
    for node in (selected, *(operation.directives or ()), *kept.values()):
        visit(node, variables)
    sent = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(
            one for one in operation.variable_definitions or () if one.variable.name.value in variables.used
        ),
        directives=operation.directives,
        selection_set=selected,
    )
    root = schema.types.get_root_type(operation.operation)
    assert root is not None, "the document was validated"
    text = print_ast(DocumentNode(definitions=(sent, *kept.values())))
    read = _object(schema, root, [selected], kept)
    return _Projection(strip_ignored_characters(text), frozenset(variables.used), read)


def _with_selections(node: Any, selections: SelectionSetNode) -> Any:
    return replace(node, selection_set=selections)


def _mark(selection: SelectionNode) -> DirectiveNode | None:
    return next((one for one in selection.directives or () if one.name.value == WANTED), None)


def _unmarked(selection: SelectionNode, wanted: Wanted[Any]) -> SelectionNode | None:
    """Return a selection without its mark, None where nobody wants it."""
    mark = _mark(selection)
    if mark is None:
        return selection
    if wanted.names is not None and wanted.names.isdisjoint(_names(mark)):
        return None
    return replace(selection, directives=tuple(one for one in selection.directives or () if one is not mark))


Fragments = Mapping[str, FragmentDefinitionNode]


def _reader(
    schema: UpstreamSchema, type_: GraphQLOutputType, selections: list[SelectionSetNode], fragments: Fragments
) -> _Read:
    """Return what reads a value of this type, with these selections below it."""
    if is_non_null_type(type_):
        return _present(_reader(schema, type_.of_type, selections, fragments))
    if is_list_type(type_):
        return _list(_reader(schema, type_.of_type, selections, fragments))
    if is_leaf_type(type_):
        return _leaf(schema, type_)
    if is_abstract_type(type_):
        return _abstract(schema, type_, selections, fragments)
    return _optional(_object(schema, type_, selections, fragments))


def _optional(read: _Read) -> _Read:
    return lambda value, path: None if value is None else read(value, path)


def _present(read: _Read) -> _Read:
    def present(value: Any, path: str) -> Any:
        if value is None:
            raise _WrongShape(f"{path} is null, which it never is")
        return read(value, path)

    return present


def _list(read: _Read) -> _Read:
    def every(value: Any, path: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise _WrongShape(f"{path} is not a list")
        return [read(one, f"{path}.{index}") for index, one in enumerate(value)]

    return every


def _leaf(schema: UpstreamSchema, type_: GraphQLLeafType) -> _Read:
    read = schema.scalars.get(type_.name, _anything)
    if hasattr(type_, "values"):  # an enum, whose values may become more
        read = read_text

    def leaf(value: Any, path: str) -> Any:
        if value is None:
            return None
        try:
            return read(value)
        except (TypeError, ValueError, OverflowError):
            raise _WrongShape(f"{path} is no {type_.name}") from None

    return leaf


def _anything(value: Any) -> Any:
    return value


def _object(schema: UpstreamSchema, type_: Any, selections: list[SelectionSetNode], fragments: Fragments) -> _Read:
    fields: dict[str, list[FieldNode]] = {}
    conditional: set[str] = set()
    for selected in selections:
        _collect(schema, type_, selected, fragments, False, fields, conditional)
    readers = []
    for key, nodes in fields.items():
        name = nodes[0].name.value
        if name == "__typename":
            readers.append((key, _leaf(schema, schema.types.type_map["String"]), key in conditional))  # type: ignore[arg-type]
            continue
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        readers.append((key, _reader(schema, type_.fields[name].type, below, fragments), key in conditional))

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _WrongShape(f"{path} is not an object")
        return {
            key: one(value.get(key), f"{path}.{key}")
            for key, one, may_be_left_out in readers
            if not (may_be_left_out and key not in value)
        }

    return read


def _collect(
    schema: UpstreamSchema,
    type_: Any,
    selected: SelectionSetNode,
    fragments: Fragments,
    is_conditional: bool,
    fields: dict[str, list[FieldNode]],
    conditional: set[str],
) -> None:
    """Add the fields that an object of this type answers, by their keys, and which of them a variable may leave out."""
    for one in selected.selections:
        left_out = is_conditional or any(it.name.value in ("skip", "include") for it in one.directives or ())
        if isinstance(one, FieldNode):
            key = (one.alias or one.name).value
            if left_out and key not in fields:
                conditional.add(key)
            elif not left_out:
                conditional.discard(key)
            fields.setdefault(key, []).append(one)
            continue
        fragment = fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
        assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)
        on = type_from_ast(schema.types, fragment.type_condition) if fragment.type_condition else type_
        if on is type_ or (is_abstract_type(on) and schema.types.is_sub_type(on, type_)):
            _collect(schema, type_, fragment.selection_set, fragments, left_out, fields, conditional)


def _abstract(schema: UpstreamSchema, type_: Any, selections: list[SelectionSetNode], fragments: Fragments) -> _Read:
    """Return what reads an object of one of several types, which says by __typename of which."""
    names = [
        (one.alias or one.name).value
        for selected in selections
        for one in selected.selections
        if isinstance(one, FieldNode) and one.name.value == "__typename"
    ]
    if not names:
        raise InvalidDocument(
            f"line {_line(selections[0])}: {type_.name} stands for several types; ask for __typename."
        )
    readers = {one.name: _object(schema, one, selections, fragments) for one in schema.types.get_possible_types(type_)}

    def read(value: Any, path: str) -> Any:
        if value is None:
            return None
        kind = value.get(names[0]) if isinstance(value, dict) else None
        if not isinstance(kind, str):
            raise _WrongShape(f"{path} does not say of which type it is")
        # Of a type that is new to us, nothing was asked but that.
        return readers[kind](value, path) if kind in readers else {names[0]: kind}

    return read
