"""Nothing that was acknowledged is lost, and nothing happens twice, however the gateway ends.

The full run of twenty rounds on each database is `python -m scripts.kill_proof`.
"""

import pytest

from tests.live.kills import killed, without_mail
from tests.servers import DatabaseKind

pytestmark = pytest.mark.slow


async def test_a_gateway_that_is_killed_loses_nothing_and_does_nothing_twice(database_kind: DatabaseKind) -> None:
    figures = await killed(database_kind, rounds=3)

    assert figures.problems == []
    assert figures.kills == 3
    assert len(figures.acknowledged) >= 6


async def test_a_failing_mail_server_delays_mails_and_nothing_else(database_kind: DatabaseKind) -> None:
    figures = await without_mail(database_kind, invitations_each=2)

    assert figures.problems == []
    assert len(figures.acknowledged) == 6
    assert max(figures.seconds) < 15.0  # who waited for the server that hangs would wait for twenty
