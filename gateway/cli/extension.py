"""``forecourt extension``: which extensions there are, and whether one can be part of the portal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.command import CommandRefused, ProfileOption
from gateway.profile_files import Profile, read_profile
from gateway.server.terminal import say
from gateway.settings import PREFIX, Settings
from gateway.settings_sources import read_settings
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
        parts = parts_of(core_schema(build_schema(additions=[*others, extension.addition])))
    except (InvalidExtension, InvalidSchema) as error:
        raise CommandRefused(str(error)) from error
    say(f"{name} is good: {', '.join(_adds(extension)) or 'it adds nothing'}.")
    asked = {permission for part in parts for permission in part.rule.any_of}
    for permission in extension.permissions:
        if permission not in asked:
            say(f"Note: no part of the schema asks for {permission}.")
    for one in extension.settings:
        say(f"It needs {PREFIX}{one.name.upper()}: {one.description}")


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
    from strawberry.utils.str_converters import to_camel_case

    return to_camel_case(str(getattr(field, "python_name", "")))
