"""What a call to a back end knows of the request that it is made for, without a parameter in each function between."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class CurrentRequest:
    """The request that is being answered.

    `deadline` is in seconds of `time.monotonic`, None for never. `caller` says who asks, as far as answers differ by
    it: empty for somebody who is not signed in, and one that begins with nothing is nobody else's. `stale` has, by the
    back end of which something stale was shown, how many seconds old it is at most.
    """

    deadline: float | None
    request_id: str
    traceparent: str | None
    language: str | None
    caller: tuple[str, ...]
    stale: dict[str, float] = field(default_factory=dict)

    @property
    def is_of_one_person(self) -> bool:
        """Return whether it is somebody's whom other requests may be of as well."""
        return bool(self.caller and self.caller[0])

    def note_stale(self, backend: str, seconds: float) -> None:
        """Take note that an answer as old as this is shown, because the back end fails."""
        self.stale[backend] = max(seconds, self.stale.get(backend, 0.0))


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
