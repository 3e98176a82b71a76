"""When a gateway ends, its log says who answered the levels of operations."""

from gateway.execution import LEVELS
from tests.logs import capture_logs
from tests.portal import open_portal


async def test_a_gateway_that_ends_says_how_many_levels_were_answered_by_generated_functions() -> None:
    LEVELS.clear()

    with capture_logs() as logged:
        async with open_portal() as portal:
            buyer = await portal.person("purchase@helios.example")
            before = dict(LEVELS)
            await buyer.asks("{ viewer { id memberships { nodes { id status } } } }")
            answered = {name: number - before.get(name, 0) for name, number in LEVELS.items()}

    (said,) = (entry for entry in logged if entry["event"] == "levels answered")
    assert answered == {"by general engine": 2, "by function": 2}
    assert said["by_function"] == before.get("by function", 0) + 2
    assert said["by_general_engine"] == before.get("by general engine", 0) + 2
