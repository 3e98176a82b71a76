"""Instants as PostgreSQL sends them."""

from datetime import UTC, datetime, timedelta, timezone

import asyncpg  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from connectors.database.engine import open_database
from connectors.database.postgresql import read_instant, written_instant
from tests.servers import fresh_database


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001  it gives the zone
def test_an_instant_is_read_as_it_was_written(instant: datetime) -> None:
    read = read_instant(written_instant(instant))

    assert read == instant.astimezone(UTC)
    assert read.tzinfo is UTC


def test_an_instant_that_python_has_no_datetime_for_is_no_instant() -> None:
    with pytest.raises(OverflowError):
        read_instant(b"\x7f" + b"\xff" * 7)  # 'infinity'


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 11, 25, 20, 44, 30, 123_456, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2))),
    ],
)
async def test_postgresql_understands_the_same_by_it_as_the_driver(instant: datetime) -> None:
    query = "SELECT $1::timestamptz, ($1::timestamptz)::text"
    async with fresh_database("postgresql") as url:
        engine = open_database(url)
        plain = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
        try:
            assert engine.direct is not None
            (row,) = await engine.direct.rows("directory", query, [instant])

            assert row[0] == instant
            assert tuple(row) == tuple(await plain.fetchrow(query, instant))
        finally:
            await engine.dispose()
            await plain.close()
