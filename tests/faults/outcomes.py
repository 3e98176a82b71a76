"""What becomes of requests while a server behind the gateway misbehaves: asserted by the tests beside this file, and
written into docs/failing-servers.md by `python -m scripts.generate`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from tests.faults.tcp_proxy import Failure


@dataclass(frozen=True, slots=True)
class OnPostgresql:
    """What is answered meanwhile, as `gateways.outcome_of` writes it, and the reason that the log gives."""

    query: str
    change: str
    sign_in: str
    ready: str
    reason: str


OR = " or "
_FINE = "`200`"
_AWAY, _LATE = "`503` `BACKEND_UNAVAILABLE`", "`504` `GATEWAY_TIMEOUT`"
_AWAY_AT_SIGN_IN, _LATE_AT_SIGN_IN = "`200` `BACKEND_UNAVAILABLE` at `signIn`", "`200` `GATEWAY_TIMEOUT` at `signIn`"
_AWAY_AT_CHANGE = "`200` `BACKEND_UNAVAILABLE` at `inviteMembers`"
_READY, _DOWN = "`200` `up`", "`503` `down`"
_WELL = OnPostgresql(_FINE, _FINE, _FINE, _READY, "")


def _away(reason: str) -> OnPostgresql:
    return OnPostgresql(_AWAY, _AWAY, _AWAY_AT_SIGN_IN, _DOWN, reason)


_HANGS = OnPostgresql(_LATE, _LATE, _LATE_AT_SIGN_IN, _DOWN, "no answer in time")
_CUTS = _away("the connection was closed")

TERMINATES, RESTARTS = "closes every connection", "restarts"
READ_ONLY, FULL, LOCKED = "takes no changes", "has no connection left", "takes too long over one table"

POSTGRESQL: Mapping[str, OnPostgresql] = {
    Failure.REFUSES.value: _away("connection refused"),
    Failure.HANGS.value: _HANGS,
    Failure.HANGS_HALF_WAY.value: _HANGS,
    Failure.CUTS.value: _CUTS,
    Failure.GARBAGE.value: _HANGS,
    Failure.SLOW.value: _WELL,
    Failure.FLAPS.value: OnPostgresql(
        OR.join((_FINE, _AWAY)),
        OR.join((_FINE, _AWAY, _AWAY_AT_CHANGE)),
        OR.join((_FINE, _AWAY_AT_SIGN_IN)),
        OR.join((_READY, _DOWN)),
        _CUTS.reason,
    ),
    Failure.DROPS_IDLE.value: _WELL,
    Failure.UNKNOWN_NAME.value: _away("its name is not known"),
    Failure.EXPIRED.value: _away("its certificate is not accepted: certificate has expired"),
    TERMINATES: _WELL,
    RESTARTS: _WELL,
    READ_ONLY: OnPostgresql(_FINE, _AWAY_AT_CHANGE, _AWAY_AT_SIGN_IN, "`503` `read-only`", ""),
    FULL: _away("TooManyConnectionsError"),
    LOCKED: OnPostgresql("`200` `GATEWAY_TIMEOUT` at `viewer.defaultOrganization.orders`", _FINE, _FINE, _READY, ""),
}


@dataclass(frozen=True, slots=True)
class OnRedis:
    """What a right and a wrong password get meanwhile, what /health/ready says in the end, and the log's reason."""

    right: str
    wrong: str
    rate_limits: str
    events: str
    reason: str


_COUNTED = OnRedis(_FINE, _FINE, "`up`", "`up`", "")


def _uncounted(reason: str) -> OnRedis:
    return OnRedis(_FINE, _FINE, "`down`", "`down`", reason)


WRONG_TYPES = "answers with another type than was asked for"

REDIS: Mapping[str, OnRedis] = {
    Failure.REFUSES.value: _uncounted("connection refused"),
    Failure.HANGS.value: _uncounted("no answer in time"),
    Failure.HANGS_HALF_WAY.value: _uncounted("no answer in time"),
    Failure.CUTS.value: _uncounted("the connection was closed"),
    Failure.GARBAGE.value: _uncounted("InvalidResponse"),
    WRONG_TYPES: OnRedis(_FINE, _FINE, "`down`", "`up`", "ValueError"),
    Failure.SLOW.value: _COUNTED,
    Failure.FLAPS.value: OnRedis(_FINE, _FINE, "`up` or `down`", "`up` or `down`", "the connection was closed"),
    Failure.DROPS_IDLE.value: _COUNTED,
    Failure.UNKNOWN_NAME.value: _uncounted("its name is not known"),
    Failure.EXPIRED.value: _uncounted("its certificate is not accepted: certificate has expired"),
}


@dataclass(frozen=True, slots=True)
class OnSmtp:
    """What somebody gets whose change sends mails, what becomes of these, what /health/ready says, and the reason."""

    change: str
    mails: str
    ready: str
    reason: str


WAIT, LEAVE, SOME_LEAVE = "wait", "leave", "leave now and then"


def _waiting(reason: str) -> OnSmtp:
    return OnSmtp(_FINE, WAIT, "`down`", reason)


SMTP: Mapping[str, OnSmtp] = {
    Failure.REFUSES.value: _waiting("connection refused"),
    Failure.HANGS.value: _waiting("no answer in time"),
    Failure.HANGS_HALF_WAY.value: _waiting("no answer in time"),
    Failure.CUTS.value: _waiting("the connection was closed"),
    Failure.GARBAGE.value: _waiting("-1 Malformed SMTP response line: HTTP/1.1 502 Bad Gateway"),
    Failure.SLOW.value: OnSmtp(_FINE, LEAVE, "`up`", ""),
    Failure.FLAPS.value: OnSmtp(_FINE, SOME_LEAVE, "`up` or `down`", "the connection was closed"),
    Failure.DROPS_IDLE.value: OnSmtp(_FINE, LEAVE, "`up`", ""),
    Failure.UNKNOWN_NAME.value: _waiting("its name is not known"),
    Failure.EXPIRED.value: _waiting("its certificate is not accepted: certificate has expired"),
}

_POSTGRESQL_HEADS = ("the database …", "a query", "a change", "signing in", "`/health/ready`, directory", "the log")
_REDIS_HEADS = ("Redis …", "the right password", "a wrong one", "rate limits", "events", "the log")

_SMTP_HEADS = ("the mail server …", "a change that sends mail", "mails", "`/health/ready`, mail", "the log")


def with_outcomes(page: str) -> str:
    """Return the page of back ends with these tables, each between comments with its name."""
    for name, heads, rows in (
        ("postgresql", _POSTGRESQL_HEADS, POSTGRESQL),
        ("redis", _REDIS_HEADS, REDIS),
        ("smtp", _SMTP_HEADS, SMTP),
    ):
        begin, end = f"<!-- outcomes: {name} -->", f"<!-- end of outcomes: {name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n\n{_table(heads, rows)}\n\n{end}{after}"
    return page


def _table(heads: Sequence[str], rows: Mapping[str, Any]) -> str:
    lines = [heads, ["---"] * len(heads)]
    lines += [[failure, *(text or "nothing" for text in astuple(row))] for failure, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
