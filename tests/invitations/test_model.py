"""Whatever is done with invitations, in whatever order, the portal does what a small model says.

`FORECOURT_TEST_EXAMPLES` runs as many courses as it says instead of a few.
"""

import os
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.invitations.model import (
    ACTIONS,
    accept,
    accept_with_spent_tokens,
    check,
    decline,
    invite,
    new_world,
    remove,
    resend,
    revoke,
    run_scheduled_tasks,
    wait,
)
from tests.portal import Portal

EXAMPLES = int(os.environ.get("FORECOURT_TEST_EXAMPLES", "4"))

STEPS = st.lists(
    st.tuples(
        st.sampled_from((*ACTIONS, *ACTIONS[:1] * 3)),  # without an invitation, little can happen
        st.sampled_from((0, 0, 0, 1)),  # much about one membership finds more than little about many
        st.sampled_from((0, 0, 0, 1, 1, 2)),
        st.sampled_from(("purchase", "planning")),
    ),
    min_size=12,
    max_size=30,
)

Course = list[tuple[Any, int, int, str]]


def course(*actions: Any, address: int = 0) -> Course:
    """These actions in a row about one membership; a number lets time pass: 0 an hour, 1 three days, 2 a week."""
    return [
        (wait, 0, action, "") if isinstance(action, int) else (action, 0, address, "purchase") for action in actions
    ]


@example(steps=course(invite, remove, accept, invite, resend, accept, remove, invite, accept))
@example(steps=course(invite, 2, resend, accept, accept_with_spent_tokens, remove, resend, invite, accept))
@example(
    steps=course(
        invite,
        2,
        run_scheduled_tasks,
        accept,
        resend,
        1,
        run_scheduled_tasks,
        decline,
        invite,
        revoke,
        invite,
        2,
        invite,
    )
)
@example(steps=course(remove, invite, accept_with_spent_tokens, accept, invite, remove, resend, address=2))
@settings(max_examples=EXAMPLES)
@given(steps=STEPS)
async def test_invitations_and_memberships_go_as_the_model_says(each_portal: Portal, steps: Course) -> None:
    world = await new_world(each_portal)

    for action, organization, address, role in steps:
        await action(world, organization, address, role)
        await check(world)
