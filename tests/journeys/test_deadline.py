"""One deadline for a request: what is late is null, what was answered stands."""

import asyncio
from typing import Any

from tests.portal import open_portal


async def test_a_shop_that_hangs_hides_only_its_fields_when_the_time_of_the_request_is_over() -> None:
    async with open_portal(request_timeout_seconds=0.3) as portal:
        buyer = await portal.person("purchase@helios.example")
        never = asyncio.Event()

        async def hang(*_args: Any, **_more: Any) -> Any:
            await never.wait()

        portal.wiring.backends.shop.orders_of = hang  # type: ignore[method-assign]
        answer = await buyer.asks(
            "{ viewer { memberships { nodes { organization { name orders { totalCount } } } } } }"
        )

    assert answer.status == 200
    assert answer.at("viewer.memberships.nodes.0.organization") == {"name": "Helios Montage GmbH", "orders": None}
    assert answer.codes == {"viewer.memberships.nodes.0.organization.orders": "GATEWAY_TIMEOUT"}
