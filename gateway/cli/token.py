"""A token for an engineer who wants to try something with curl."""

from collections.abc import Callable
from datetime import datetime

from gateway.profile_files import load_profile
from gateway.settings import Settings
from gateway.wiring import open_wiring
from resolvers.context import RequestContext
from resolvers.sessions.commands import begin_session


class NoSuchAccount(Exception):
    """Nobody has this login name, or no token may be made here."""


async def token_for(settings: Settings, login_name: str, *, clock: Callable[[], datetime]) -> str:
    """Begin a session for the person with this login name and return its access token.

    Raises:
        NoSuchAccount: Nobody has this login name, or this is production, where people sign in themselves.
    """
    if settings.environment == "production":
        raise NoSuchAccount("In production nobody gets a token but by signing in.")
    async with open_wiring(settings, load_profile(settings.profile)) as wiring:
        user_id = await wiring.backends.directory.user_id_of_login_name(login_name.strip().lower())
        if user_id is None:
            raise NoSuchAccount(f'Nobody has the login name "{login_name}". `forecourt demo` lists the demo\'s.')
        context = RequestContext(
            backends=wiring.backends, policy=wiring.policy, now=clock(), request_id="cli", device="forecourt token"
        )
        return (await begin_session(context, user_id)).access_token
