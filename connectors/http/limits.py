"""The figures that calls to a back end keep to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long, how many, how large; seconds and bytes.

    `timeout` is for a whole call, its second attempt included, and never more than what the request has left, less
    `reserve`, in which the answer is written. Of all calls, `at_once` are under way; the others wait for
    `longest_queue`.

    A query is attempted `attempts` times, after a pause between `shortest_pause` and `longest_pause`. Of the calls of
    the last `window`, the share `retried` may be repeated, but always `retried_at_least` calls.

    The breaker opens when of the last `breaker_calls` or more within the window the share `breaker_failures` failed:
    first for `opens_for`, each time twice as long up to `opens_at_most`, until `probes` calls succeed.
    """

    timeout: float = 2.0
    reserve: float = 0.05
    connect_timeout: float = 2.0
    connections: int = 20
    idle_seconds: float = 4.0  # Node's servers hang up after five, and what is sent just then is lost
    dns_seconds: int = 30
    at_once: int = 8
    longest_queue: float = 0.1
    max_bytes: int = 5_000_000
    max_depth: int = 64
    max_values: int = 1_000_000
    attempts: int = 2
    shortest_pause: float = 0.05
    longest_pause: float = 0.25
    window: float = 10.0
    retried: float = 0.1
    retried_at_least: int = 3
    breaker_calls: int = 20
    breaker_failures: float = 0.5
    opens_for: float = 5.0
    opens_at_most: float = 30.0
    probes: int = 3


USUAL = HttpLimits()
