"""Whatever is asked of whatever schema, the engine answers as graphql-core does."""

import gc
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.levels import BY_FUNCTION, LEVELS, TAKEN_BACK
from tests.examples import examples
from tests.gateway.execution.both import EVERY_ENGINE, CloselyCounted, in_async, in_declared_sync, in_sync
from tests.gateway.execution.generated import World

VARIABLES = {"yes": True, "no": False, "n": 3}

# graphql-core leaves some coroutines behind when it cancels siblings; the engine must leave none.
pytestmark = pytest.mark.filterwarnings(r"ignore:coroutine 'Executor\..* was never awaited:RuntimeWarning")


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_for_other_tests() -> Iterator[None]:
    yield
    gc.collect()


exhaustive = examples(1_000, fixed=40)
chances = st.integers(0, 2**48).map(Random)


@pytest.fixture(scope="module", autouse=True)
def _generated_functions_are_among_what_is_compared() -> Iterator[None]:
    before = LEVELS.copy()
    yield
    assert LEVELS[BY_FUNCTION] - before[BY_FUNCTION] > 30
    assert LEVELS[TAKEN_BACK] - before[TAKEN_BACK] > 30


def _root_name(text: str) -> str:
    return text.split(" ", 1)[0].capitalize()


@exhaustive
@given(chances)
def test_synchronous_operations_have_the_same_data_and_the_same_errors(chance: Random) -> None:
    world = World(chance, is_async=False)

    for _ in range(5):
        text = world.operation()
        in_sync(
            world.schema,
            text,
            lambda text=text: world.root(_root_name(text)),  # type: ignore[misc]
            EVERY_ENGINE,
            variable_values=VARIABLES,
        )


@exhaustive
@given(chances)
def test_operations_declared_synchronous_have_the_same_data_and_the_same_errors(chance: Random) -> None:
    world = World(chance, is_async=False)
    text = world.operation().replace("$yes", "true").replace("$no", "false").replace("$n", "3")
    text = text.replace("(true: Boolean!, false: Boolean!, 3: Int)", "")

    in_declared_sync(world.schema, text, lambda: world.root(_root_name(text)))


@exhaustive
@given(chances)
async def test_asynchronous_operations_have_the_same_data(chance: Random) -> None:
    world = World(chance, is_async=True)

    for _ in range(3):
        text = world.operation()
        await in_async(
            world.schema,
            text,
            lambda text=text: world.root(_root_name(text)),  # type: ignore[misc]
            same_errors=False,
            engines=EVERY_ENGINE,
            variable_values=VARIABLES,
        )


@exhaustive
@given(chances, st.booleans())
async def test_operations_of_which_the_answer_is_long_have_the_same_data_and_the_same_errors(
    chance: Random, is_async: bool
) -> None:
    world = World(chance, is_async=is_async)

    for _ in range(3):
        text = world.operation()
        await in_async(
            world.schema,
            text,
            lambda text=text: world.root(_root_name(text)),  # type: ignore[misc]
            same_errors=not is_async,
            engines=(CloselyCounted,),
            variable_values=VARIABLES,
        )
