"""What a call to a back end knows of the request that it is made for, without a parameter in each function between."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class CurrentRequest:
    """The request that is being answered.

    `deadline` is in seconds of `time.monotonic`, None for never. `caller` says who asks, as far as answers differ by
    it: empty for somebody who is not signed in.
    """

    deadline: float | None
    request_id: str
    traceparent: str | None
    language: str | None
    caller: tuple[str, ...]


_CURRENT: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def current_request() -> CurrentRequest | None:
    """Return the request that is being answered; None in the work of a process between requests."""
    return _CURRENT.get()


@contextmanager
def answering(request: CurrentRequest) -> Iterator[None]:
    """Let calls within the block, and in tasks that it begins, be made for this request."""
    token = _CURRENT.set(request)
    try:
        yield
    finally:
        _CURRENT.reset(token)
