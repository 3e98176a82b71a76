"""How often signing in may be tried, so that nobody guesses passwords and nobody is locked out by those who do.

Failures count; an attempt is counted before the password is checked and taken back when it was right. A network gets
so many failures, in all and for one name. Over all networks, a name gets ten in a day, and then one after each of
growing waits: whoever has many addresses guesses some hundred times a day. Who signed in before on the same device, or
in the same network in the last thirty days, is not made to wait by them; their own failures count apart, so that a
stolen device and a shared network guess no faster. An unknown name is counted as a known one is, by the same
statements.
"""

from datetime import timedelta

from connectors.errors import ConnectorError
from connectors.ids import UserId
from connectors.rate_limits.interface import Backoff, Limit
from resolvers.context import RequestContext
from resolvers.rate_limiting import Attempt, Attempts, network_of
from resolvers.refusals import TooManyAttempts
from resolvers.sessions.known_devices import device_of
from resolvers.sessions.refused_sign_ins import log_refused_sign_in, report_refused_sign_in

KNOWN_NETWORK_LIFETIME = timedelta(days=30)
"""How long a network counts as known after somebody has signed in from there."""

LONGEST_NAME = 254

GUESSING = Backoff(times=10, seconds=86_400, pause=60, longest_pause=900)
"""Ten failures in a day, then one after 1, 2, 4, 8, 15, 15, … minutes: 96 a day at most, and an owner on a new device
and in a new network waits for a quarter of an hour at most, or has the password reset by mail."""

ATTEMPTS = Attempts("sign-in", from_address=Limit(100, 300), about_account=Limit(10, 300))

_FROM_ANYWHERE = Attempts("sign-in-from-anywhere", in_all=GUESSING)
_FROM_KNOWN_NETWORK = Attempts("sign-in-from-known-network", about_account=GUESSING)
_ON_KNOWN_DEVICE = Attempts("sign-in-on-known-device", about_account=GUESSING)

# A right password costs as much to check as a wrong one: some 50 ms of a core. A network gets what one person needs
# a thousand times, and a sixth of what a process can check in five minutes; a device, whoever shares its network, gets
# its own share by account, lest many devices of one account be a way around.
_WORK = Attempts("sign-in-work", from_address=Limit(1_000, 300), counts_successes=True)
_WORK_ON_KNOWN_DEVICE = Attempts("sign-in-work-of-account", in_all=Limit(100, 300), counts_successes=True)

OWN_PASSWORD_WORK = Attempts("own-password-work", in_all=Limit(30, 300), counts_successes=True)
"""How often somebody signed in may have their own password checked, which they may well know."""


async def count_sign_in(context: RequestContext, name: str) -> tuple[Attempt, UserId | None]:
    """Count that somebody tries to sign in with this name, and return the attempt and whose name it is, if anybody's.

    Raises:
        TooManyAttempts: Too many failed, from this network, for this name, or on this device.
    """
    attempt, directory, device = Attempt(context), context.backends.directory, device_of(context)
    user_id = await directory.user_id_of_login_name(name[:LONGEST_NAME]) if device is not None else None
    if device is not None and user_id in device.user_ids:
        try:
            await attempt.count(_ON_KNOWN_DEVICE, user_id or "", source=device.id)
            await attempt.count(_WORK_ON_KNOWN_DEVICE, user_id or "")
        except TooManyAttempts:
            pass  # a device that has used up its own attempts is a stranger's, no worse
        else:
            return attempt, user_id
    try:
        await attempt.count(ATTEMPTS, name)
    except TooManyAttempts:  # what failed for this name in this network in the last minutes is on record already
        log_refused_sign_in(context, name, user_id, "too_many_attempts")
        raise
    try:
        if device is None:
            user_id = await directory.user_id_of_login_name(name[:LONGEST_NAME])
        since, network = context.now - KNOWN_NETWORK_LIFETIME, network_of(context.ip_address)
        is_known = await directory.has_signed_in_from(user_id, network, since=since)
    except ConnectorError:
        await attempt.give_back()
        raise
    try:
        await attempt.count(_FROM_KNOWN_NETWORK if is_known else _FROM_ANYWHERE, name)
        await attempt.count(_WORK)
    except TooManyAttempts:
        await report_refused_sign_in(context, name, user_id, "too_many_attempts")
        raise
    return attempt, user_id
