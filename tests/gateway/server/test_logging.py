"""What a line of the log looks like, for people and for machines."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.server.logging import ConsoleLines, JsonLines

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def record(
    name: str, level: int, sentence: str, *arguments: object, error: Exception | None = None, **values: Any
) -> Any:
    """What a logger hands to its handlers."""
    raised = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.getLogger(name).makeRecord(name, level, "file.py", 1, sentence, arguments, raised, extra=values)
    made.created = AT.timestamp()
    return made


def failure() -> Exception:
    """An error that was raised."""
    try:
        raise LookupError("no such order")
    except LookupError as error:
        return error


def test_a_line_for_people_has_the_event_in_one_column_and_the_values_by_name() -> None:
    line = ConsoleLines(colors=False).format(
        record(
            "forecourt.outbox", logging.WARNING, "postponed", until="12:00", reason="it is 'busy'", attempt=2, mail=""
        )
    )

    assert line == (
        "2026-07-01T12:00:00.000000Z [warning  ] postponed                      [forecourt.outbox] "
        "attempt=2 mail= reason=\"it is 'busy'\" until=12:00"
    )


def test_a_terminal_gets_colors() -> None:
    line = ConsoleLines(colors=True).format(record("forecourt.http", logging.ERROR, "gone", path="a"))

    assert line == (
        "\033[2m2026-07-01T12:00:00.000000Z\033[0m [\033[31m\033[1merror    \033[0m] "
        f"\033[1m{'gone':30}\033[0m [\033[1m\033[34mforecourt.http\033[0m] \033[36mpath\033[0m=\033[35ma\033[0m"
    )


def test_a_line_for_people_escapes_what_would_steer_their_terminal() -> None:
    name = "\x1b[2J\u202eMeyer"
    error = LookupError(name)

    line = ConsoleLines(colors=False).format(
        record("forecourt.auth", logging.WARNING, f"refused {name}", error=error, user=name, said=f"by {name}")
    )

    assert line == (
        r"2026-07-01T12:00:00.000000Z [warning  ] refused \u001b[2J\u202eMeyer   [forecourt.auth] "
        r"said='by \x1b[2J\u202eMeyer' user=\u001b[2J\u202eMeyer"
        "\n"
        r"LookupError: \u001b[2J\u202eMeyer"
    )


def test_a_line_for_machines_is_one_object_with_the_values_as_they_are() -> None:
    line = JsonLines().format(
        record("forecourt.policy", logging.INFO, "policy reloaded", roles=["buyer"], at=AT, file="ä\n")
    )

    assert "\n" not in line
    assert orjson.loads(line) == {
        "roles": ["buyer"],
        "at": repr(AT),
        "file": "ä\n",
        "event": "policy reloaded",
        "level": "info",
        "logger": "forecourt.policy",
        "timestamp": "2026-07-01T12:00:00.000000Z",
    }


def test_an_error_has_its_traceback_and_none_of_its_local_variables() -> None:
    failed = record("forecourt.graphql", logging.ERROR, "unexpected error", error=failure(), reference="f00")

    shown = ConsoleLines(colors=False).format(failed)
    logged = orjson.loads(JsonLines().format(failed))

    assert shown.partition("\n")[2] == logged["exception"]
    assert logged["exception"].startswith("Traceback (most recent call last):\n")
    assert logged["exception"].endswith('    raise LookupError("no such order")\nLookupError: no such order')


def test_of_a_library_only_its_sentence_is_shown() -> None:
    said = record("uvicorn.error", logging.INFO, "Finished %s", "early", color_message="secret")

    assert orjson.loads(JsonLines().format(said)).keys() == {"event", "level", "logger", "timestamp"}
    assert ConsoleLines(colors=False).format(said).endswith(f"[info     ] {'Finished early':30} [uvicorn.error]")
