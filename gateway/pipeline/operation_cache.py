"""Documents: the text of a GraphQL document, made ready to execute once and kept for the next request."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import Any, Generic, TypeVar

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.language import Location, Token
from graphql.language.parser import Parser

from connectors.wanted import Wanted
from gateway.execution import prepare
from gateway.pipeline.limits.cost import Cost
from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.limits.shape import check_shape
from gateway.pipeline.limits.text import check_size, check_text, size_of
from gateway.pipeline.validation import RULES
from gateway.pipeline.validation.once import validation_errors
from gateway.pipeline.variable_coercion import Variables
from gateway.settings import Limits

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

_MOST_ERRORS = 20
_LONGEST_MESSAGE = 300
_LARGE = 4_000
"""Texts of more characters than these take turns of their own: each may keep a processor busy for tens of ms."""
_MOST_REFUSALS = 500
_BYTES_PER_TOKEN = 700
"""What a token takes in memory with the nodes made of it, measured; an estimate is enough to keep a bound."""

_BYTES_PER_REFUSAL = 2_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document, with all that does not depend on the request.

    A mutation changes something, a subscription asks for events rather than for an answer.
    `shown` is which attributes of records it shows anywhere, by their class; None where that is not known beforehand.
    """

    name: str | None
    node: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    fragment_details: dict[str, FragmentDetails]
    cost: Cost
    variables: Variables
    is_mutation: bool
    is_subscription: bool
    shown: Mapping[type, Wanted[Any]] | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is valid and within every limit that does not depend on variables."""

    operations: tuple[Operation, ...]

    def operation(self, name: str | None) -> Operation:
        """Return the operation of this name, or the only one.

        Raises:
            NoSuchOperation: There is none, or no name was given to choose by.
        """
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            raise NoSuchOperation("The document has several operations; say which one by `operationName`.")
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise NoSuchOperation(f'The document has no operation called "{name[:60]}".')


class NoSuchOperation(Exception):
    """The operation that the request names is not in its document."""


class InvalidDocument(Exception):
    """A document that cannot be executed; carries what to report to the client, and why in one code."""

    def __init__(self, code: str, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.code = code
        self.errors = errors


class Documents:
    """Makes documents ready, each text once; the ones used last are kept, so are the refusals, apart from them."""

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, *, suggestions: bool = True, prepares: bool = False
    ) -> None:
        """`prepares` for the engine, so that it plans nothing of a document's only operation when that is asked."""
        self._prepares = prepares
        self._schema = schema
        self._limits = limits
        self._suggestions = suggestions
        self._ready: _Kept[Document] = _Kept(limits.document_cache_entries, limits.document_cache_bytes)
        # Apart, so that rubbish never drives out what is asked every day.
        self._refused: _Kept[Exception] = _Kept(_MOST_REFUSALS, limits.document_cache_bytes // 10)
        self._turn, self._turn_of_large = asyncio.Lock(), asyncio.Lock()

    def document(self, text: str) -> Document:
        """Return the document of a text, ready to execute.

        Raises:
            InvalidDocument: It cannot be parsed, or is not valid in this schema.
            LimitExceeded: It is larger, deeper or wider than is allowed.
        """
        return self._kept(text) or self._keep(text, self._outcome(text))

    async def document_aside(self, text: str) -> Document:
        """Return the same as `document`, with the event loop free for others while a new text is made ready.

        New texts take their turns, so that many of them cannot take the whole process; the large ones take theirs
        apart, so that nobody who asks something short waits for them.
        """
        kept = self._kept(text)
        if kept is not None:
            return kept
        async with self._turn if len(text) <= _LARGE else self._turn_of_large:
            return self._kept(text) or self._keep(text, await asyncio.to_thread(self._outcome, text))

    def _kept(self, text: str) -> Document | None:
        if len(text) > self._limits.max_document_bytes:  # found at once, so nothing of it is kept
            check_size(size_of(text), self._limits)
        refusal = self._refused.get(text)
        if refusal is not None:
            raise _again(refusal)
        return self._ready.get(text)

    def _keep(self, text: str, outcome: tuple[Document, int] | Exception) -> Document:
        if isinstance(outcome, Exception):
            reported_errors = len(outcome.errors) if isinstance(outcome, InvalidDocument) else 1
            self._refused.put(text, outcome, getsizeof(text) + reported_errors * _BYTES_PER_REFUSAL)
            raise _again(outcome)
        document, tokens = outcome
        self._ready.put(text, document, getsizeof(text) + tokens * _BYTES_PER_TOKEN)
        return document

    def _outcome(self, text: str) -> tuple[Document, int] | Exception:
        """Return the document with its number of tokens, or the refusal; touches nothing that others may use."""
        try:
            return self._made(text)
        except (InvalidDocument, LimitExceeded) as error:
            # Without its traceback, which would keep the text and the whole stack alive.
            error.__context__ = None
            return error.with_traceback(None)

    def _made(self, text: str) -> tuple[Document, int]:
        tokens = check_text(text, size_of(text), self._limits)
        try:
            document = parse(text)
        except GraphQLSyntaxError as error:
            raise InvalidDocument(PARSE_FAILED, reported([error], PARSE_FAILED)) from None
        check_shape(document, self._limits)
        errors = validation_errors(
            self._schema, document, RULES, max_errors=_MOST_ERRORS, hide_suggestions=not self._suggestions
        )
        if errors:
            raise InvalidDocument(VALIDATION_FAILED, reported(errors, VALIDATION_FAILED))
        return self._ready_to_execute(document), tokens

    def _ready_to_execute(self, document: DocumentNode) -> Document:
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        details = {name: FragmentDetails(node, None) for name, node in fragments.items()}
        nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        shown = prepare(self._schema, nodes[0], fragments, details) if self._prepares and len(nodes) == 1 else None
        return Document(
            tuple(
                Operation(
                    node.name.value if node.name else None,
                    node,
                    fragments,
                    details,
                    Cost(self._schema, fragments, node),
                    Variables(self._schema, node, suggestions=self._suggestions),
                    node.operation is OperationType.MUTATION,
                    node.operation is OperationType.SUBSCRIPTION,
                    shown,
                )
                for node in nodes
            )
        )


def _again(refusal: Exception) -> Exception:
    """Return another exception that says the same: what is raised holds on to the frames that it passes."""
    another = type(refusal).__new__(type(refusal), *refusal.args)
    another.__dict__.update(refusal.__dict__)
    return another


def parse(text: str) -> DocumentNode:
    """Return the document of a text, whose nodes know where they stand and nothing of the tokens there.

    Tokens take as much memory as the nodes, and the garbage collector looks through all that is kept while others wait.

    Raises:
        GraphQLSyntaxError: It is none.
    """
    parser = _Parser(text)
    try:
        return parser.parse_document()
    finally:
        parser.let_go_of_tokens()


class _Parser(Parser):
    def loc(self, start_token: Token) -> Location:
        """Return where a node stands."""
        location = Location.__new__(Location)
        location.start, location.end = start_token.start, self._lexer.last_token.end
        location.source = self._lexer.source
        return location

    def let_go_of_tokens(self) -> None:
        """Let no token refer to both its neighbours, or all would stay until Python looks for garbage."""
        token: Token | None = self._lexer.token
        while token is not None:
            token.next, token = None, token.prev


def reported(errors: Sequence[GraphQLError], code: str) -> list[dict[str, Any]]:
    """Return errors of a request that is not executed as the client sees them, none longer than a few lines."""
    return [_reported(error, code) for error in errors[: _MOST_ERRORS + 1]]


def _reported(error: GraphQLError, code: str) -> dict[str, Any]:
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    formatted: dict[str, Any] = {"message": message}
    if error.locations:
        formatted["locations"] = [
            {"line": location.line, "column": location.column} for location in error.locations[:10]
        ]
    formatted["extensions"] = {"code": code}
    return formatted


class _Kept(Generic[T]):
    """The values used last, bounded in number and in bytes."""

    __slots__ = ("_bytes", "_entries", "_most_bytes", "_most_entries")

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._entries: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._most_entries = most_entries
        self._most_bytes = most_bytes

    def get(self, key: str) -> T | None:
        """Return a value that is kept, and count it as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: str, value: T, size: int) -> None:
        """Keep a value, and let go of those used longest ago."""
        self._entries[key] = value, size
        self._bytes += size
        while self._entries and (len(self._entries) > self._most_entries or self._bytes > self._most_bytes):
            _, (_, gone) = self._entries.popitem(last=False)
            self._bytes -= gone

    def __len__(self) -> int:
        return len(self._entries)


__all__ = ["Document", "Documents", "InvalidDocument", "NoSuchOperation", "Operation", "reported"]
