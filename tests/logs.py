"""What the gateway has logged, for tests to look at."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.server.logging import values_of


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """Give the list of what we log during the block: `event`, `log_level`, the values and, of an error, `exc_info`."""
    seen: list[dict[str, Any]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = {"exc_info": record.exc_info[1]} if record.exc_info else {}
            seen.append(
                {**values_of(record), **error, "event": record.getMessage(), "log_level": record.levelname.lower()}
            )

    logger, keeping = logging.getLogger("forecourt"), Keeping()
    level = logger.level
    logger.addHandler(keeping)
    logger.setLevel(logging.DEBUG)
    try:
        yield seen
    finally:
        logger.removeHandler(keeping)
        logger.setLevel(level)
