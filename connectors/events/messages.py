"""Events as text, as they travel between gateways."""

from typing import Any

import orjson

from connectors.access_events import AccessChanged, AccessEvent, SessionEnded
from connectors.events.interface import Heard, Interrupted

ACCESS, SESSION, LOST = "access", "session", "lost"


def written(sender: str, event: AccessEvent) -> str:
    """Return the event as one line of text; `sender` says which process publishes it."""
    match event:
        case AccessChanged(epoch, user_id, organization_id):
            parts = [ACCESS, epoch, user_id, organization_id]
        case SessionEnded(session_id, user_id):
            parts = [SESSION, session_id, user_id]
    return orjson.dumps([sender, *parts]).decode()


def lost(sender: str) -> str:
    """Return, as one line of text, that this process could not publish some of its events."""
    return orjson.dumps([sender, LOST]).decode()


def read(text: str | bytes) -> tuple[str, Heard] | None:
    """Return who publishes what; None for what no Forecourt of this version writes."""
    try:
        parts: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    match parts:
        case [str(sender), "access", int(epoch), str() | None as user_id, str() | None as organization_id]:
            return sender, AccessChanged(epoch, user_id, organization_id)  # type: ignore[arg-type]
        case [str(sender), "lost"]:
            return sender, Interrupted()
        case [str(sender), "session", str(session_id), str(user_id)]:
            return sender, SessionEnded(session_id, user_id)  # type: ignore[arg-type]
    return None
