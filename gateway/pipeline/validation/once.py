"""Validating a document in one walk that leaves out what no rule looks at.

graphql-core's own walk visits each name as a node, asks every rule at every node whether it has something to say, and
looks up what it knows of an operation by a hash of the whole tree below it. Without that it takes a third less.
"""

from collections.abc import Callable, Collection
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    visit,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.language.visitor import BREAK, SKIP, EnterLeaveVisitor, Visitor
from graphql.pyutils import RefMap
from graphql.validation.validate import ValidationAbortedError
from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage, VariableUsageVisitor

_KEYS = {
    kind: tuple(key for key in keys if key not in ("name", "alias", "description"))
    for kind, keys in QUERY_DOCUMENT_KEYS.items()
}


def validation_errors(
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: Collection[type[ASTValidationRule]],
    *,
    max_errors: int,
    hide_suggestions: bool = False,
) -> list[GraphQLError]:
    """Return what graphql-core's `validate` does, for a document whose nesting has been bounded, in less time.

    After `max_errors`, one more says that there were too many.
    """
    errors: list[GraphQLError] = []

    def on_error(error: GraphQLError) -> None:
        if len(errors) >= max_errors:
            raise ValidationAbortedError("Too many validation errors, error limit reached. Validation aborted.")
        errors.append(error)

    type_info = TypeInfo(schema)
    context = _Context(schema, document, type_info, on_error, hide_suggestions)
    visitors: list[Visitor] = [rule(context) for rule in rules]
    walk = TypeInfoVisitor(type_info, _Parallel(visitors))
    try:
        visit(document, walk, _KEYS)
    except ValidationAbortedError as error:
        errors.append(error)
    for found in errors:  # raised where a value was looked at, with all that was there
        found.__traceback__ = found.__context__ = found.__cause__ = None
        if found.original_error is not None:
            found.original_error.__traceback__ = None
    _let_go(walk, *visitors)
    return errors


def _let_go(*visitors: Visitor) -> None:
    """Let no visitor keep methods of its own, or it would stay with the document until Python looks for garbage."""
    for visitor in visitors:
        visitor.enter_leave_map.clear()


class _Context(ValidationContext):
    """What rules ask of a document, known by the node itself rather than by a hash of all that is below it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fragment_spreads = RefMap()  # type: ignore[assignment]
        self._variable_usages = RefMap()  # type: ignore[assignment]
        self._recursive_variable_usages = RefMap()  # type: ignore[assignment]

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        """Return where an operation or a fragment uses variables itself."""
        usages: list[VariableUsage] | None = self._variable_usages.get(node)
        if usages is None:
            visitor = VariableUsageVisitor(self._type_info, node if isinstance(node, FragmentDefinitionNode) else None)
            walk = TypeInfoVisitor(self._type_info, visitor)
            visit(node, walk, _KEYS)
            _let_go(walk, visitor)
            usages = self._variable_usages[node] = visitor.usages
        return usages


_Method = Callable[..., Any]


class _Parallel(Visitor):
    """Several visitors in one walk, of whom each is asked only where it has something to say.

    A visitor may skip what is below a node or stop, and edit nothing.
    """

    def __init__(self, visitors: Collection[Visitor]) -> None:
        super().__init__()
        self._visitors = tuple(visitors)
        self._is_silent = [False] * len(self._visitors)
        self._skipped: list[tuple[Node, int]] = []
        """The nodes below which a visitor is silent, the innermost last."""
        self._methods: dict[str, EnterLeaveVisitor] = {}

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        """Return what is called before and after the nodes of a kind."""
        methods = self._methods.get(kind)
        if methods is None:
            pairs = [visitor.get_enter_leave_for_kind(kind) for visitor in self._visitors]
            entering = [(number, pair.enter) for number, pair in enumerate(pairs) if pair.enter]
            leaving = [(number, pair.leave) for number, pair in enumerate(pairs) if pair.leave]
            methods = EnterLeaveVisitor(None, None)
            if entering or leaving:
                methods = EnterLeaveVisitor(self._enter(entering), self._leave(leaving))
            self._methods[kind] = methods
        return methods

    def _enter(self, entering: list[tuple[int, _Method]]) -> _Method:
        is_silent, skipped = self._is_silent, self._skipped

        def enter(node: Node, *arguments: Any) -> None:
            for number, method in entering:
                if not is_silent[number]:
                    result = method(node, *arguments)
                    if result is not None:
                        is_silent[number] = True
                        if result is SKIP or result is False:
                            skipped.append((node, number))

        return enter

    def _leave(self, leaving: list[tuple[int, _Method]]) -> _Method:
        is_silent, skipped = self._is_silent, self._skipped

        def leave(node: Node, *arguments: Any) -> None:
            for number, method in leaving:
                if not is_silent[number] and method(node, *arguments) in (BREAK, True):
                    is_silent[number] = True
            while skipped and skipped[-1][0] is node:
                is_silent[skipped.pop()[1]] = False

        return leave
