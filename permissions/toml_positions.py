"""Where each key and each text of a TOML file stands, which Python's own parser does not say."""

import re
from collections import Counter
from collections.abc import Mapping

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_REST_OF_LINE = re.compile(r"[^\n]*")
_NAME = re.compile(r'[ \t.]*(?:"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|([A-Za-z0-9_-]+))')
_ERROR_POSITION = re.compile(r" \(at line (\d+), column \d+\)$| \(at end of document\)$")

_PARSER_WORDS: Mapping[str, str] = {
    "Cannot overwrite": "a key stands twice in its table; remove one",
    "Duplicate inline table key": "a key stands twice in its table; remove one",
    "Cannot declare": "this table stands twice in the file; make one of the two",
    "Cannot mutate immutable": "this table was written in braces before; write all of it together",
    "Unclosed array": 'a list is not closed; write "]" where it ends',
}


class TomlPositions:
    """The line of each table, key and text of a file that has been parsed already, counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines = _Scanner(text).scanned()

    def line_of(self, *path: str) -> int | None:
        """Return the line where this stands, else that of the nearest thing around it; None for the whole file.

        A text in a list stands one step below the list's key: ``("rights", "toggles", "ORDER_VIEW")``, a table in a
        list under its number: ``("organizations", "0", "name")``.
        """
        sizes = range(len(path), 0, -1)
        return next((line for size in sizes if (line := self._lines.get(path[:size])) is not None), None)

    def line_of_table(self, *path: str) -> int | None:
        """Return what `line_of` does; of a table that stands in the names of others only, the line of the first."""
        below = (line for noted, line in self._lines.items() if noted[: len(path)] == path)
        return next(below, None) or self.line_of(*path)


def parser_problem(error: Exception, text: str) -> tuple[int, str]:
    """Return the line at which Python's TOML parser gave up, and what to say of it."""
    message = str(error)
    match = _ERROR_POSITION.search(message)
    line = int(match[1]) if match is not None and match[1] else text.count("\n") + 1
    problem = message[: match.start()] if match is not None else message
    meaning = next((words for sign, words in _PARSER_WORDS.items() if problem.startswith(sign)), None)
    return line, meaning or f"this is not valid TOML: {problem[:1].lower()}{problem[1:]}"


class _Scanner:
    """Reads valid TOML from beginning to end and notes the line of everything on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.line = 1
        self.lines: dict[Path, int] = {}
        self.tables: Counter[Path] = Counter()

    def scanned(self) -> dict[Path, int]:
        table: Path = ()
        while self.skip(_BLANK) and self.position < len(self.text):
            if self.text[self.position] == "[":
                in_list = self.text.startswith("[[", self.position)
                self.position += 2 if in_list else 1
                table = self.names()
                self.note(table)
                if in_list:
                    self.tables[table] += 1
                    table = (*table, str(self.tables[table] - 1))
                    self.note(table)
                self.skip(_REST_OF_LINE)
            else:
                self.assignment(table)
        return self.lines

    def assignment(self, table: Path) -> None:
        path = table + self.names()
        self.note(path)
        equals = self.text.find("=", self.position)
        self.position = len(self.text) if equals < 0 else equals + 1
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            self.position += 1
        self.value(path)

    def value(self, path: Path) -> None:
        first = self.text[self.position : self.position + 1]
        string = _STRING.match(self.text, self.position)
        if first in ("[", "{"):
            self.position += 1
            number = -1
            while self.skip(_BLANK) and (begins := self.text[self.position : self.position + 1]) not in ("]", "}", ""):
                number += 1
                if first == "[" and begins in ("[", "{"):
                    self.note((*path, str(number)))
                    self.value((*path, str(number)))
                elif first == "[":
                    self.value(path)
                else:
                    self.assignment(path)
            self.position += 1
        elif string is not None:
            self.note((*path, string[0].strip("\"'")))
            self.skip(_STRING)
        else:
            before = self.position
            self.skip(_SCALAR)
            self.position = max(self.position, before + 1)  # always onwards, whatever stands there

    def names(self) -> Path:
        parts: list[str] = []
        while (found := _NAME.match(self.text, self.position)) is not None:
            parts.append(next(part for part in found.groups() if part is not None))
            self.position = found.end()
        return tuple(parts)

    def skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.line += found[0].count("\n")
            self.position = found.end()
        return True

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.line)
