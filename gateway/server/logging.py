"""Logs: readable lines on a terminal, JSON lines in production. Never a secret, never a body.

What we log ourselves is an event and values beside it, by loggers whose names begin with ``forecourt``:
``log.info("policy reloaded", extra={"file": file})``. Of libraries, only their sentence is shown.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from gateway.server.terminal import visible

_OURS = "forecourt."
_OF_EVERY_RECORD = frozenset(logging.makeLogRecord({}).__dict__)
_EVENT_WIDTH = 30
_LEVEL_WIDTH = len("exception")

_RESET, _BRIGHT, _DIM = "\033[0m", "\033[1m", "\033[2m"
_RED, _GREEN, _YELLOW, _BLUE, _MAGENTA, _CYAN = (f"\033[{number}m" for number in range(31, 37))
_LEVELS = {"debug": _GREEN, "info": _GREEN, "warning": _YELLOW, "error": _RED, "critical": _RED}


def configure_logs(form: Literal["console", "json"]) -> None:
    """Send all logs, those of libraries too, to standard error in the form asked for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else ConsoleLines(colors=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # when debugging it logs the values of statements: mails


class JsonLines(logging.Formatter):
    """A JSON object a line: the values, then `event`, `level`, `logger`, `timestamp` and, of an error, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {**values_of(record), "event": record.getMessage()}
        if record.stack_info:
            line["stack_info"] = record.stack_info
        line |= {"level": record.levelname.lower(), "logger": record.name, "timestamp": _instant(record)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=repr)


class ConsoleLines(logging.Formatter):
    """A line for people: when, how bad, what, who says so, and the values; below, the traceback of an error.

    Tracebacks are plain: one that shows local variables shows passwords. What would move the cursor, turn around what
    follows, or hide is escaped, for people choose their names and send what they like.
    """

    def __init__(self, *, colors: bool) -> None:
        super().__init__()
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        level, painted = record.levelname.lower(), self._painted
        values = values_of(record) | ({"stack_info": record.stack_info} if record.stack_info else {})
        parts = [
            painted(_instant(record), _DIM),
            f"[{painted(level.ljust(_LEVEL_WIDTH), _LEVELS.get(level, '') + _BRIGHT)}]",
            painted(visible(record.getMessage()).ljust(_EVENT_WIDTH), _BRIGHT),
            f"[{painted(record.name, _BRIGHT + _BLUE)}]",
            *(f"{painted(key, _CYAN)}={painted(_shown(value), _MAGENTA)}" for key, value in sorted(values.items())),
        ]
        line = " ".join(parts)
        return f"{line}\n{visible(self.formatException(record.exc_info))}" if record.exc_info else line

    def _painted(self, text: str, color: str) -> str:
        return f"{color}{text}{_RESET}" if self._colors else text


def values_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the values that stand beside an event of ours; none for a library's sentence."""
    if not record.name.startswith(_OURS):
        return {}
    return {key: value for key, value in record.__dict__.items() if key not in _OF_EVERY_RECORD}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _shown(value: object) -> str:
    """Return the value; a text in quotes when it could be taken for something else."""
    return visible(value if isinstance(value, str) and not set(value) & set(" \t=\r\n\"'") else repr(value))
