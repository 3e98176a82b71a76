"""``forecourt token``: an access token for an engineer who wants to try something with curl."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from gateway.cli.command import CommandRefused, ProfileOption, acting
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now
from resolvers.sessions.commands import begin_session


def token(
    login_name: Annotated[str, typer.Argument(help="Whose token: a login name or an e-mail address.")],
    profile: ProfileOption = None,
) -> None:
    """Begin a session for somebody and print its access token, for use with curl; not in production."""
    say(asyncio.run(token_for(read_settings(profile=profile), login_name, clock=utc_now)))


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
