"""Instants as PostgreSQL sends them: microseconds since the year 2000, in eight bytes."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def read_instants_quickly(connection: Any) -> None:
    """Let an asyncpg connection take instants from memory that were read lately.

    The driver takes ten times as long for an instant as for a text, and a page has more than a hundred of them: since
    when people are members, hold their roles, have their accounts. They never change, and come again with each page.
    """
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=written_instant, decoder=read_instant, format="binary"
    )


@lru_cache(maxsize=5_000)
def read_instant(value: bytes) -> datetime:
    """Return the instant.

    Raises:
        OverflowError: It is one that Python has no datetime for, such as `infinity`.
    """
    return _YEAR_2000 + timedelta(microseconds=int.from_bytes(value, "big", signed=True))


def written_instant(instant: datetime) -> bytes:
    """Return the instant as it is sent."""
    return ((instant - _YEAR_2000) // _MICROSECOND).to_bytes(8, "big", signed=True)
