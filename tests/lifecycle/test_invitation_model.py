"""Whatever is done with invitations, in whatever order, the portal does what a small model says (K26-K30).

`FORECOURT_TEST_EXAMPLES` runs as many courses as it says instead of a few.
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lifecycle.invitation_model import ACTIONS, ADDRESSES, COMPANIES, check, new_world
from tests.portal import Portal

EXAMPLES = int(os.environ.get("FORECOURT_TEST_EXAMPLES", "12"))

STEPS = st.lists(
    st.tuples(
        st.sampled_from((*ACTIONS, *ACTIONS[:1] * 3)),  # without an invitation, little can happen
        st.integers(0, COMPANIES - 1),
        st.integers(0, ADDRESSES - 1),
        st.sampled_from(("purchase", "planning")),
    ),
    min_size=6,
    max_size=25,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_invitations_and_places_go_as_the_model_says(each_portal: Portal, steps: list[tuple]) -> None:
    """DOMAIN, invariants 6, 7, 10, 11, 12 and 14, after every step."""
    world = await new_world(each_portal)

    for action, company, address, role in steps:
        await action(world, company, address, role)
        await check(world)
