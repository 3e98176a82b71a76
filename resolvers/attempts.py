"""How often somebody may try what could be abused: signing in, resetting a password, registering, inviting."""

import hashlib
import math
from dataclasses import dataclass

from connectors.errors import BackendUnavailable
from connectors.rate_limits.interface import Limit
from resolvers.context import RequestContext
from resolvers.errors import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often `what` may be tried from one IP address, and about one account.

    Attempts about an account are counted per IP address, so that nobody can lock somebody else out. `in_all` counts
    those about the account from everywhere; only for what sends mail, which nobody should be flooded with.
    """

    what: str
    from_address: Limit
    about_account: Limit | None = None
    in_all: Limit | None = None


async def check_attempts(context: RequestContext, attempts: Attempts, account: str = "") -> None:
    """Count an attempt about an account, an e-mail address or a login name, say, and return when it is allowed.

    While the counts are away everybody may try: people still get in, and the work that a try takes bounds guessing.

    Raises:
        TooManyAttempts: With the seconds to wait; such an attempt is not counted.
    """
    address = context.ip_address or "unknown"
    hashed = hashlib.sha256(account.strip().lower().encode(errors="replace")).hexdigest()
    counted = [
        (f"{attempts.what}:{address}", attempts.from_address),
        (f"{attempts.what}:{address}:{hashed}", attempts.about_account if account else None),
        (f"{attempts.what}::{hashed}", attempts.in_all if account else None),
    ]
    for key, limit in counted:
        if limit is None:
            continue
        try:
            wait = await context.backends.rate_limits.hit(key, limit)
        except BackendUnavailable:
            return
        if wait is not None:
            raise TooManyAttempts(max(1, math.ceil(wait)))
