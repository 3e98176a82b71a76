"""``forecourt token``: an access token for an engineer with curl, and one for tools that read the schema."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import typer

from gateway.cli.command import CommandRefused, ProfileOption, acting
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now
from resolvers.introspection_tokens import issue_introspection_token
from resolvers.sessions.commands import begin_session


def token(
    login_name: Annotated[str | None, typer.Argument(help="Whose token: a login name or an e-mail address.")] = None,
    introspection: Annotated[
        bool, typer.Option("--introspection", help="Nobody's: for tools that read the whole schema, and nothing else.")
    ] = False,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="How long one for introspection counts.")] = 10,
    profile: ProfileOption = None,
) -> None:
    """Print an access token of somebody, for use with curl, not in production; or one that opens introspection."""
    if (login_name is None) is not introspection:
        raise CommandRefused("Say whose token, by a login name, or give --introspection for one that is nobody's.")
    settings = read_settings(profile=profile)
    if login_name is not None:
        say(asyncio.run(token_for(settings, login_name, clock=utc_now)))
        return
    text, expires_at = asyncio.run(introspection_token(settings, timedelta(minutes=minutes), clock=utc_now))
    say(text)
    say(f"It opens introspection, and nothing else, until {expires_at:%Y-%m-%d %H:%M} UTC.", err=True)


async def token_for(settings: Settings, login_name: str, *, clock: Callable[[], datetime]) -> str:
    """Begin a session for the person with this login name and return its access token.

    Raises:
        CommandRefused: Nobody has this login name, or this is production, where people sign in themselves.
    """
    if settings.environment == "production":
        raise CommandRefused("In production nobody gets a token but by signing in.")
    async with acting(settings, clock(), "cli", "forecourt token") as context:
        user_id = await context.backends.directory.user_id_of_login_name(login_name)
        if user_id is None:
            raise CommandRefused(f'Nobody has the login name "{login_name}". `forecourt demo` lists the demo\'s.')
        return (await begin_session(context, user_id)).access_token


async def introspection_token(
    settings: Settings, lifetime: timedelta, *, clock: Callable[[], datetime]
) -> tuple[str, datetime]:
    """Return a token that opens introspection, and until when it does.

    Raises:
        CommandRefused: Introspection is switched off, for such a token as for everybody.
    """
    if settings.introspection == "off":
        raise CommandRefused(
            "Introspection is switched off (setting introspection), for every token. `forecourt schema print` prints "
            "the schema."
        )
    async with acting(settings, clock(), "forecourt token") as context:
        return await issue_introspection_token(context, lifetime)
