"""``forecourt extension``: which extensions there are, and whether one can be part of the portal."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from graphql import GraphQLError, GraphQLSchema, parse, validate
from strawberry.utils.str_converters import to_camel_case

from gateway.cli.command import CommandRefused, ProfileOption
from gateway.profile_files import Profile, load_profile, read_profile, shipped_profiles
from gateway.server.terminal import say
from gateway.settings import PREFIX, Settings
from gateway.settings_sources import read_settings
from permissions.policy import nearest
from schema.graph.build import InvalidSchema, build_schema, core_schema
from schema.graph.coordinates import parts_of

if TYPE_CHECKING:
    from schema.extending import Extension

extension_cli = typer.Typer(help="What is added to this portal without changing Forecourt.", no_args_is_help=True)


@extension_cli.command("list")
def list_extensions(profile: ProfileOption = None) -> None:
    """List the extensions that the profile names, and those that it could name."""
    settings, chosen = _read(profile)
    for extension in chosen.extensions:
        say(f"{extension.name}: {', '.join(_adds(extension)) or 'nothing'}")
        for one in extension.settings:
            state = "set" if settings.of_extensions.get(one.name) else "not set"
            say(f"  {PREFIX}{one.name.upper()} ({state}): {one.description}")
    for name in chosen.not_loaded:
        say(f"{name}: not loaded; name it by extensions in {chosen.folder / 'profile.toml'}")
    if not chosen.extensions and not chosen.not_loaded:
        say(f"There is none; put one into {chosen.folder / 'extensions'}, or install its package.")


@extension_cli.command()
def check(
    name: Annotated[str, typer.Argument(help="The name of an extension, whether the profile names it or not.")],
    profile: ProfileOption = None,
) -> None:
    """Load an extension beside those of the profile, check all that it adds, and call nothing."""
    from gateway.extensions.extension_loading import load_extension
    from schema.extending import InvalidExtension

    _, chosen = _read(profile)
    extension = next((one for one in chosen.extensions if one.name == name), None)
    try:
        if extension is None:
            extension = load_extension(chosen.folder, name, chosen.portal.locales)
        others = [one.addition for one in chosen.extensions if one is not extension]
        core = core_schema(build_schema(additions=[*others, extension.addition]))
    except (InvalidExtension, InvalidSchema) as error:
        raise CommandRefused(str(error)) from error
    if wrong := [line for asks, calls in extension.tests for line in _problems_of(core, extension, asks, calls)]:
        raise CommandRefused("\n".join(wrong))
    say(f"{name} is good: {', '.join(_adds(extension)) or 'it adds nothing'}.")
    for note in extension.notes:
        say(f"Note: {note}")
    asked = {permission for part in parts_of(core) for permission in part.rule.any_of}
    for permission in extension.permissions:
        if permission not in asked:
            say(f"Note: no part of the schema asks for {permission}.")
    for one in extension.settings:
        say(f"It needs {PREFIX}{one.name.upper()}: {one.description}")


@extension_cli.command("new")
def new_extension(
    name: Annotated[str, typer.Argument(help="What the extension is called, such as plants.")],
    profile: ProfileOption = None,
) -> None:
    """Write an example of a declared extension into the profile's folder, to be changed."""
    _, chosen = _read(profile)
    file = chosen.folder / "extensions" / f"{name}.toml"
    if chosen.key in shipped_profiles() and chosen.folder == load_profile(chosen.key).folder:
        raise CommandRefused("A shipped profile stays as it is; make your own by `forecourt profile new NAME` first.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise CommandRefused(f'"{name}" is no name of an extension; write small letters, digits and _, as plants.')
    if file.exists() or file.with_suffix(".py").exists():
        raise CommandRefused(f"There is an extension {name} already in {file.parent}.")
    text = (Path(__file__).parents[1] / "extensions" / "new_extension.toml").read_text(encoding="utf-8")
    asked = (r"\{ plants \{", f"{{ {to_camel_case(name)} {{")  # as the graph has it
    for word, own in (asked, ("plants", name), ("PLANTS", name.upper()), (r"\bPlant\b", _type_name(name))):
        text = re.sub(word, own, text)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    say(f"{file} is written. Name it by extensions in {chosen.folder / 'profile.toml'} when it is good.")


def _type_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.removesuffix("s").split("_"))


def _problems_of(core: GraphQLSchema, extension: "Extension", asks: str, calls: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong with a test of an extension, which is not run here."""
    try:
        errors = validate(core, parse(asks))
    except GraphQLError as not_parsed:
        errors = [not_parsed]
    for error in errors:
        yield f"[[tests]] of {extension.name}: {asks}: {error.message}"
    known = [one.backend.value for one in extension.back_ends]
    for backend in calls.keys() - known:
        problem = f'[[tests]] of {extension.name}: "{backend}" is none of its back ends{nearest(backend, known)}'
        yield problem if problem.endswith("?") else f"{problem}."


def _read(name: str | None) -> tuple[Settings, Profile]:
    settings = read_settings(profile=name)
    profile, problems = read_profile(settings.profile)
    if problems:
        raise CommandRefused("\n".join(problems))
    return settings, profile


def _adds(extension: "Extension") -> Iterator[str]:
    yield from extension.permissions
    yield from (f"back end {one.backend}" for one in extension.back_ends)
    yield from (
        f"{type_name}.{name}"
        for type_name, fields in extension.addition.fields.items()
        for name in map(_graphql_name, fields)
    )


def _graphql_name(field: object) -> str:
    return to_camel_case(str(getattr(field, "python_name", "")))
