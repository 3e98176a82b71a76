"""Reads a table of an extension's file: what is wrong is noted with its line, the nearest name and what to write."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from permissions.policy import nearest
from permissions.toml_positions import TomlPositions

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Problems:
    """What is wrong with a file, each with its line."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.found: list[str] = []
        self._positions = TomlPositions(text)

    def note(self, path: Sequence[str], problem: str) -> None:
        """Note what is wrong at a path."""
        line = self._positions.line_of_table(*path)
        end = "" if problem.endswith(("?", '."')) else "."
        self.found.append(f"{self.source}{f', line {line}' if line else ''}: {problem}{end}")


class Table:
    """One table: each method notes what is wrong with a value, and returns one that can be gone on with."""

    def __init__(
        self, problems: Problems, path: tuple[str, ...], value: Any, known: Sequence[str] | None = None
    ) -> None:
        self.problems = problems
        self.path = path
        self.values: Mapping[str, Any] = {}
        if not isinstance(value, dict):
            problems.note(path, f"{self.name} must be a table")
            return
        self.values = value
        for key in value if known is not None else ():
            if known is not None and key not in known:
                self.note(f'"{key}" is not known in {self.name}{nearest(key, known)}', key)

    @property
    def name(self) -> str:
        """Return what it is called in messages."""
        return f"[{'.'.join(self.path)}]" if self.path else "the file"

    def __contains__(self, key: str) -> bool:
        """Return whether it has the key."""
        return key in self.values

    def note(self, problem: str, *path: str) -> None:
        """Note what is wrong with it, or with what stands below it."""
        self.problems.note((*self.path, *path), problem)

    def needs(self, key: str, example: str) -> bool:
        """Return whether it has the key, and note where not."""
        if key not in self.values:
            self.note(f"{self.name} needs {key}; write {key} = {example}")
        return key in self.values

    def table(self, key: str, known: Sequence[str] | None = None) -> "Table":
        """Return the table of a key; an empty one where there is none."""
        return Table(self.problems, (*self.path, key), self.values.get(key, {}), known)

    def tables(self, known: Sequence[str] | None = None) -> Iterable[tuple[str, "Table"]]:
        """Yield the tables in it, each with its key."""
        for key, value in self.values.items():
            yield key, Table(self.problems, (*self.path, key), value, known)

    def text(self, key: str, example: str | None = None) -> str | None:
        """Return a text; with an example, there has to be one."""
        if key not in self.values and example is None:
            return None
        if not self.needs(key, f'"{example}"'):
            return None
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.note(f'{key} of {self.name} must be a text, such as {key} = "{example or "…"}"', key)
            return None
        return value

    def number(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number between two."""
        value = self.values.get(key, default)
        if type(value) is not int or not least <= value <= most:
            self.note(f"{key} of {self.name} must be a whole number from {least} to {most}", key)
            return default
        return value

    def truth(self, key: str) -> bool:
        """Return whether something is so."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.note(f"{key} of {self.name} must be true or false", key)
            return False
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """Return one of some words."""
        value = self.values.get(key, default)
        if value not in choices:
            self.note(f'"{value}" is no {key} of {self.name}{nearest(str(value), choices)}', key)
            return default
        return str(value)

    def seconds(self, key: str, default: float, most: float) -> float:
        """Return a duration, such as ``"2s"``."""
        value = self.values.get(key)
        if value is None:
            return default
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = float(found[1]) * _SECONDS[found[2]] if found is not None else 0.0
        if not 0 < seconds <= most:
            limit = timedelta(seconds=most)
            self.note(f'{key} of {self.name} must be a duration, such as {key} = "2s" or "500ms", up to {limit}', key)
            return default
        return seconds

    def setting(self, key: str, example: str) -> str | None:
        """Return the name of a setting; what it holds never stands in the file."""
        if not self.needs(key, f'{{ setting = "{example}" }}'):
            return None
        value = self.values[key]
        if not isinstance(value, dict) or set(value) != {"setting"} or not isinstance(value["setting"], str):
            self.note(
                f'{key} of {self.name} never stands in the file; write {key} = {{ setting = "{example}" }}, which is '
                f"FORECOURT_{example.upper()}",
                key,
            )
            return None
        name: str = value["setting"]
        return name

    def one_of(self, keys: Sequence[str], of: Callable[[], str]) -> str | None:
        """Return which of some keys it has, exactly one; `of` says what to write."""
        given = [key for key in keys if key in self.values]
        if len(given) != 1:
            self.note(f"{self.name} needs one of {', '.join(keys)}, and has {' and '.join(given) or 'none'}; {of()}")
            return None
        return given[0]
