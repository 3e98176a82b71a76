"""How deep and wide the operations of a document are, with every fragment measured once.

The figures are those of the document with its fragments written out, so that a fragment spread twice counts twice; yet
nothing is written out, and the time is linear in the size of the document whatever the fragments do. A fragment
within itself counts as empty: validation refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.pipeline.limits.limit_exceeded import LimitExceeded, check_limit
from gateway.pipeline.limits.text import check_nesting
from gateway.settings import Limits

INTROSPECTION = ("__schema", "__type")

_MAX_INTROSPECTION_DEPTH = 20
"""Fixed: the tools' own introspection is 13 to 15 deep; how wide it may be is a matter of cost."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The figures of a selection: `nesting` counts fragments as levels, `depth` only fields."""

    nesting: int = 0
    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0


_EMPTY = Shape()


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """Return when every operation of a document is within the limits.

    Raises:
        LimitExceeded: The first limit that is exceeded, in their fixed order.
    """
    fragments = shapes_of_fragments(document)
    operations = [
        (node, shape_of(node, fragments)) for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    deepest = max((shape.nesting for shape in (*fragments.values(), *(shape for _, shape in operations))), default=0)
    check_nesting(deepest, limits)
    for node, shape in operations:
        name = node.name.value[:60] if node.name else None
        _check(f"The operation {name}" if name else "The operation", shape, limits)


def shape_of(definition: OperationDefinitionNode | FragmentDefinitionNode, fragments: Mapping[str, Shape]) -> Shape:
    """Return the figures of an operation or a fragment, given those of the fragments that it spreads."""
    shape = _measured(definition.selection_set, fragments)
    return replace(shape, directives=shape.directives + _directives(definition))


def shapes_of_fragments(document: DocumentNode) -> dict[str, Shape]:
    """Return the figures of each fragment, in an order that comes to a fragment after those it spreads."""
    definitions = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return dict(_measured_in_order(definitions))


def _measured_in_order(definitions: Mapping[str, FragmentDefinitionNode]) -> list[tuple[str, Shape]]:
    known: dict[str, Shape] = {}
    begun: set[str] = set()
    for first in definitions:
        waiting = [first]
        while waiting:
            name = waiting[-1]
            if name in known:
                waiting.pop()
            elif name in begun:  # all that it spreads is known, or leads back to it
                known[name] = shape_of(definitions[name], known)
                waiting.pop()
            else:
                begun.add(name)
                waiting += [
                    spread for spread in _spreads(definitions[name]) if spread in definitions and spread not in begun
                ]
    return list(known.items())


def _measured(selection_set: SelectionSetNode, fragments: Mapping[str, Shape]) -> Shape:
    nesting = depth = introspection_depth = aliases = fields = directives = 0
    for selection in selection_set.selections:
        part = _part(selection, fragments)
        directives += part.directives + _directives(selection)
        aliases += part.aliases
        nesting = max(nesting, part.nesting)
        introspection_depth = max(introspection_depth, part.introspection_depth)
        if isinstance(selection, FieldNode):
            fields += 1
            aliases += selection.alias is not None
            if selection.name.value in INTROSPECTION:
                depth = max(depth, 1)
                introspection_depth = max(introspection_depth, part.depth)
            else:
                depth = max(depth, part.depth + 1)
        else:
            fields += part.fields
            depth = max(depth, part.depth)
    return Shape(nesting + 1, depth, introspection_depth, aliases, fields, directives)


def _part(selection: SelectionNode, fragments: Mapping[str, Shape]) -> Shape:
    """Return the figures of what stands within a selection."""
    if isinstance(selection, FragmentSpreadNode):
        return fragments.get(selection.name.value, _EMPTY)
    assert isinstance(selection, FieldNode | InlineFragmentNode)
    return _measured(selection.selection_set, fragments) if selection.selection_set else _EMPTY


def _spreads(definition: FragmentDefinitionNode) -> list[str]:
    found, waiting = [], [definition.selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                found.append(selection.name.value)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                waiting.append(selection.selection_set)
    return found


def _directives(node: SelectionNode | OperationDefinitionNode | FragmentDefinitionNode) -> int:
    count = len(node.directives or ())
    variables = getattr(node, "variable_definitions", None) or ()
    return count + sum(len(variable.directives or ()) for variable in variables)


def _check(who: str, shape: Shape, limits: Limits) -> None:
    check_limit(limits, "max_depth", shape.depth, "MAX_DEPTH_LIMIT", f"{who} has too many levels of fields:")
    if shape.introspection_depth > _MAX_INTROSPECTION_DEPTH:
        raise LimitExceeded(
            "MAX_DEPTH_LIMIT",
            f"{who} asks about the schema with too many levels below __schema or __type:",
            limit=_MAX_INTROSPECTION_DEPTH,
            actual=shape.introspection_depth,
            setting=None,
        )
    check_limit(limits, "max_aliases", shape.aliases, "MAX_ALIASES_LIMIT", f"{who} has too many aliases:")
    check_limit(limits, "max_root_fields", shape.fields, "MAX_ROOT_FIELDS_LIMIT", f"{who} has too many root fields:")
    check_limit(limits, "max_directives", shape.directives, "MAX_DIRECTIVES_LIMIT", f"{who} has too many directives:")
