"""How often somebody may try what could be abused: signing in, resetting a password, registering, inviting."""

import hashlib
import logging
import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from connectors.errors import BackendUnavailable
from connectors.rate_limits.interface import Backoff, Limit
from connectors.values import login_key
from resolvers.context import RequestContext
from resolvers.refusals import TooManyAttempts

log = logging.getLogger("forecourt.auth")

_NETWORKS_OF_A_SITE = 10
"""So many times the limit of one network hold for the IPv6 site (/48) it is in, which has 65,536 such networks."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often `what` may be tried from one network, and about one account.

    A network is one IPv4 address, or the /64 of an IPv6 address, of which its owner has 2^64. Attempts about an
    account are counted per network, so that nobody can lock somebody else out. `in_all` counts those about the account
    from everywhere: for what sends mail, which nobody should be flooded with; for what only the account's holder may
    try; and, as a Backoff, for guessing. `counts_successes` keeps an attempt counted that succeeded.
    """

    what: str
    from_address: Limit | None = None
    about_account: Limit | Backoff | None = None
    in_all: Limit | Backoff | None = None
    counts_successes: bool = False


class Attempt:
    """An attempt that was counted before anything was checked, lest many at once pass because none has failed yet."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self._counted: list[tuple[Attempts, str, Limit | Backoff, bool]] = []

    async def count(self, attempts: Attempts, account: str = "", *, source: str | None = None) -> None:
        """Count it as one of these attempts, too; `source` is from where, if not from the request's network.

        While the counts are away everybody may try: people still get in, and the work that a try takes bounds
        guessing.

        Raises:
            TooManyAttempts: With the seconds to wait; nothing of this attempt is counted then.
        """
        network = source or network_of(self._context.ip_address) or "unknown"
        hashed = hashlib.sha256(login_key(account).encode(errors="replace")).hexdigest()
        limits: list[tuple[str, Limit | Backoff | None, bool]] = [
            (f"{attempts.what}:{network}", attempts.from_address, False),
            (f"{attempts.what}:{network}:{hashed}", attempts.about_account if account else None, True),
            (f"{attempts.what}::{hashed}", attempts.in_all if account else None, False),
        ]
        site = _site_of(self._context.ip_address) if source is None and attempts.from_address is not None else None
        if site is not None and attempts.from_address is not None:
            wide = Limit(attempts.from_address.times * _NETWORKS_OF_A_SITE, attempts.from_address.seconds)
            limits.insert(0, (f"{attempts.what}:{site}", wide, False))
        for key, limit, is_own in limits:
            if limit is None:
                continue
            try:
                wait = await self._context.backends.rate_limits.hit(key, limit)
            except BackendUnavailable:
                return
            if wait is not None:
                await self._take_back(self._counted)
                self._counted = []
                raise TooManyAttempts(max(1, math.ceil(wait)))
            self._counted.append((attempts, key, limit, is_own))

    async def succeeded(self) -> None:
        """Take it back, for it was no guess; what failed before about the account from the same network is forgotten.

        NIST SP 800-63B-4, 3.2.2. What failed about other accounts stays counted, so that nobody can guess on and on
        with a success of their own in between.
        """
        counted = [one for one in self._counted if not one[0].counts_successes]
        try:
            for _, key, limit, is_own in counted:
                if is_own:
                    await self._context.backends.rate_limits.clear(key, limit)
        except BackendUnavailable:
            return
        await self._take_back([one for one in counted if not one[3]])

    async def give_back(self) -> None:
        """Take it back: nothing was found out by it."""
        await self._take_back([one for one in self._counted if not one[0].counts_successes])

    async def _take_back(self, counted: list[tuple[Attempts, str, Limit | Backoff, bool]]) -> None:
        try:
            for _, key, limit, _ in counted:
                await self._context.backends.rate_limits.forgive(key, limit)
        except BackendUnavailable:
            return  # counted a little too strictly for a while


async def check_attempts(
    context: RequestContext, attempts: Attempts, account: str = "", *, attempt: Attempt | None = None
) -> Attempt:
    """Count an attempt about an account, an e-mail address or a login name, say, and return it when it is allowed.

    It stays counted, unless whoever asks says that it succeeded. With `attempt`, one that was counted otherwise is
    counted so, too.

    Raises:
        TooManyAttempts: With the seconds to wait; such an attempt is not counted.
    """
    attempt = attempt or Attempt(context)
    try:
        await attempt.count(attempts, account)
    except TooManyAttempts as refused:
        person = context.caller.user.id if context.caller is not None else None
        values = {"what": attempts.what, "address": context.ip_address, "retry_after": refused.retry_after_seconds}
        log.warning("too many attempts", extra=values | ({"person": person} if person is not None else {}))
        raise
    return attempt


def network_of(address: str | None) -> str | None:
    """Return the network to which somebody with this address has the only key: an IPv4 address, an IPv6 /64."""
    return _prefix(address, 64)


def _site_of(address: str | None) -> str | None:
    """Return the /48 of an IPv6 address, which providers give to one customer; None for IPv4."""
    found = _prefix(address, 48)
    return found if found is not None and "/" in found else None


def _prefix(address: str | None, length: int) -> str | None:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    return str(ip_network((parsed, length), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
