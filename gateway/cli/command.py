"""What all commands have in common: whose profile they work for, how they act, and how they end."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from connectors.applications.interface import InvalidCatalogue
from connectors.database.migrations import DatabaseNotMigrated, DatabaseTooNew
from connectors.directory.directory import DirectoryQueries
from connectors.errors import BackendUnavailable, CopyRefused
from connectors.identity.keys import UnusableKey, read_keys
from connectors.ids import UserId
from gateway.demo.loading import NoDemo
from gateway.profile_files import InvalidProfile, Profile, load_profile, read_profile, unreachable
from gateway.server.terminal import visible
from gateway.settings import Settings
from gateway.settings_sources import InvalidSettings, missing_extension_settings, read_settings
from gateway.wiring import open_wiring, profile_problems
from permissions.policy import InvalidPolicy
from permissions.sheet import InvalidSheet
from resolvers.context import RequestContext
from resolvers.mail.templates import InvalidMailTexts
from schema.graph.build import InvalidSchema

ProfileOption = Annotated[str | None, typer.Option(help="A shipped profile, or the path of a folder with one.")]


class CommandRefused(Exception):
    """Nothing was done; the message says why and what to do."""


_EXPLAINED = (
    CommandRefused,
    CopyRefused,
    DatabaseNotMigrated,
    DatabaseTooNew,
    InvalidCatalogue,
    InvalidMailTexts,
    InvalidPolicy,
    InvalidProfile,
    InvalidSchema,
    InvalidSettings,
    InvalidSheet,
    NoDemo,
    UnusableKey,
)


class Commands(TyperGroup):
    """Commands that explain what the operator can fix in one sentence, without a traceback, and exit with 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except _EXPLAINED as error:
            _fail(str(error))
        except BackendUnavailable as error:
            _fail(f"The {error.backend} database does not answer ({error}). Is it running, and is the URL right?")
        except BrokenPipeError:  # whoever reads what we print has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(1) from None
        except OSError as error:
            _fail(f"{error.filename or 'The system'}: {error.strerror}.")


def settings_and_profile(**given: Any) -> tuple[Settings, Profile]:
    """Return what a process runs with: the settings, as `read_settings` does, and the profile that they name.

    Raises:
        InvalidSettings: With all that is wrong with the settings, with the profile, and with the signing key.
    """
    settings, problems = None, []
    try:
        settings = read_settings(**given)
        values: Any = settings.model_dump()
    except InvalidSettings as error:
        values, problems = error.values, [str(error)]
        if not values:  # the file of the settings cannot be read, so nothing is known
            raise
    profile = None
    name = values.get("profile", Settings.model_fields["profile"].default)
    if isinstance(name, str):
        try:
            profile, unreadable = read_profile(name)
        except InvalidProfile as error:
            problems.append(str(error))
        else:
            problems += unreadable
            problems += asyncio.run(profile_problems(profile))
            if values.get("environment") == "production" and not unreadable:
                problems += unreachable(profile)
    if isinstance(key_file := values.get("signing_key_file"), (str, Path)):
        try:
            read_keys(Path(key_file))
        except UnusableKey as error:
            problems.append(str(error))
    if settings is not None and profile is not None:
        problems += missing_extension_settings(settings, profile)
    if settings is None or profile is None or problems:
        raise InvalidSettings("\n".join(problems), values)
    return settings, profile


@asynccontextmanager
async def acting(settings: Settings, now: datetime, request_id: str, device: str = "") -> AsyncIterator[RequestContext]:
    """Open the back ends for as long as a command runs, and yield what it asks and changes them with."""
    async with open_wiring(settings, load_profile(settings.profile)) as wiring:
        yield RequestContext(wiring.backends, wiring.policy, now, request_id, device=device)


async def user_id_of(directory: DirectoryQueries, name: str) -> UserId | None:
    """Return who is meant by an id, which nobody looks up, or by a login name, which may be an e-mail address."""
    name = name.strip()
    return UserId(name) if name.startswith("usr_") else await directory.user_id_of_login_name(name)


def _fail(message: str) -> None:
    typer.secho(visible(f"forecourt: {message}"), err=True, fg=typer.colors.RED)
    raise typer.Exit(2)
