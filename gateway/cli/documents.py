"""``forecourt documents``: how operations will be executed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from graphql import GraphQLSchema

from connectors.wanted import Wanted
from gateway.cli.command import CommandRefused, ProfileOption
from gateway.execution.explanation import ExplainedLevel, FieldLeft, explained
from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.operation_cache import Documents, InvalidDocument, Operation
from gateway.profile_files import load_profile
from gateway.server.terminal import say
from gateway.settings_sources import read_settings
from schema.graph.build import build_schema, core_schema

documents_cli = typer.Typer(help="Documents of GraphQL operations.", no_args_is_help=True)


@documents_cli.callback()
def _documents() -> None:
    """Documents of GraphQL operations."""


@documents_cli.command("explain")
def explain_document(
    file: Annotated[Path, typer.Argument(help="A file with one or several operations and their fragments.")],
    profile: ProfileOption = None,
) -> None:
    """Print how each operation of a document is executed: its levels, and the functions generated for their rows.

    Nothing is executed. A field under `@include` is taken as included, one under `@skip` as not skipped.
    """
    settings = read_settings(profile=profile)
    schema = core_schema(build_schema(additions=load_profile(settings.profile).additions))
    try:
        document = Documents(schema, settings).document(file.read_text(encoding="utf-8"))
    except InvalidDocument as invalid:
        raise CommandRefused("\n".join(_located(file, error) for error in invalid.errors)) from None
    except LimitExceeded as exceeded:
        raise CommandRefused(f"{file}: {exceeded}") from None
    except UnicodeDecodeError:
        raise CommandRefused(f"{file} is not a text in UTF-8.") from None
    say("\n\n".join(text for operation in document.operations for text in _explanation(schema, operation)))


def _explanation(schema: GraphQLSchema, operation: Operation) -> Iterator[str]:
    levels = list(explained(schema, operation.node, operation.fragments, operation.fragment_details))
    made = sum(level.function is not None for level in levels)
    kind = operation.node.operation.value
    number = "1 level" if len(levels) == 1 else f"{len(levels)} levels"
    yield f"# {kind} {operation.name or ''}".rstrip() + f": {number}, {made} with a function"
    yield from map(_level, levels)


def _level(level: ExplainedLevel) -> str:
    lines = [f"# {'.'.join(level.path) or 'the root'}: {level.type_name}", *map(_left, level.left)]
    if level.function is not None:
        lines += ["", *(f"{name} = {_constant(value)}" for name, value in level.function.constants.items())]
        lines += ["", "", level.function.source.rstrip()]
    return "\n".join(lines)


def _left(field: FieldLeft) -> str:
    line = f"#   {field.key} is left to the general engine: {field.reason}"
    for name, wanted in field.wanted.items():
        line += f"\n#     {name} of its records: {_attributes(wanted)}"
    return line


def _attributes(wanted: Wanted[Any]) -> str:
    if wanted.names is None:
        return "everything"
    return ", ".join(sorted(wanted.names)) or "nothing but their keys"


def _constant(value: Any) -> str:
    """Return what stands for a constant: a text as it is, a function or class by where it is."""
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"…: {name!r}" for name in value.values())) + "}"
    return f"{getattr(value, '__module__', '…')}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def _located(file: Path, error: dict[str, Any]) -> str:
    location = next(iter(error.get("locations", ())), {"line": 1, "column": 1})
    return f"{file}, line {location['line']}, column {location['column']}: {error['message']}"
