"""Devices on which somebody has signed in, so that guessing elsewhere does not keep them out (OWASP: device cookies).

A device is known by a sealed token that it keeps and sends along; the gateway carries it in a cookie. The token proves
nothing about who somebody is: it only lets failed attempts of the device be counted apart from those of strangers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from connectors.identity.seals import BrokenSeal
from connectors.ids import UserId, new_id
from resolvers.context import RequestContext

DEVICE_LIFETIME = timedelta(days=90)
"""How long a device is known after somebody has signed in on it."""

MOST_PEOPLE = 5
"""So many people are remembered who share a device, the last ones."""

_LONGEST_TOKEN = 2_000
_PURPOSE = "device"


@dataclass(frozen=True, slots=True)
class Device:
    """A device, and who has signed in on it, the last one first."""

    id: str
    user_ids: tuple[UserId, ...]


def device_of(context: RequestContext) -> Device | None:
    """Return the device that the request comes from; None when it is not known."""
    token = context.device_token
    if token is None or len(token) > _LONGEST_TOKEN:
        return None
    try:
        purpose, id, until, user_ids = orjson.loads(context.backends.seals.open(token))
    except (BrokenSeal, ValueError, TypeError):
        return None
    if purpose != _PURPOSE or datetime.fromisoformat(until) <= context.now:
        return None
    return Device(id, tuple(UserId(user_id) for user_id in user_ids))


def remember_device(context: RequestContext, user_id: UserId) -> None:
    """Let the answer carry a token by which the device is known for the next ninety days, also to this person."""
    known = device_of(context)
    others = [id for id in known.user_ids if id != user_id] if known is not None else []
    device = Device(known.id if known is not None else new_id("dev"), (user_id, *others[: MOST_PEOPLE - 1]))
    until = (context.now + DEVICE_LIFETIME).isoformat()
    written = orjson.dumps([_PURPOSE, device.id, until, device.user_ids]).decode()
    context.device_token = context.backends.seals.seal(written)
    context.issued_device_tokens.append(context.device_token)
