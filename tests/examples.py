"""On how many examples a property is tried."""

from hypothesis import settings


def examples(number: int, *, fixed: int | None = None) -> settings:
    """Return so many examples where they are random; of those that are the same each time a quarter, or `fixed`."""
    default = settings.default
    assert default is not None
    return settings(max_examples=(fixed or min(number, max(25, number // 4))) if default.derandomize else number)
