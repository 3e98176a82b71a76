"""What extensions add to the words of the process is forgotten after each module."""

from collections.abc import Iterator

import pytest

from permissions.vocabulary import forgetting_permissions
from resolvers.audit.wording import forgetting_actions
from schema.graph.backends import forgetting_backends


@pytest.fixture(autouse=True, scope="module")
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends(), forgetting_actions():
        yield
