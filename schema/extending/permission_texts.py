"""The texts of an extension's permissions, in a TOML file beside it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from permissions.texts import PermissionText
from permissions.toml_positions import TomlPositions, parser_problem
from schema.extending.extendable import InvalidExtension


def read_texts(file: Path) -> dict[str, PermissionText]:
    """Return the texts of permissions by code: a table each, with `label` and `description` by language.

    Raises:
        InvalidExtension: With all that is wrong with the file, each with its line.
    """
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidExtension(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except tomllib.TOMLDecodeError as error:
        line, problem = parser_problem(error, text)
        raise InvalidExtension(f"{file}, line {line}: {problem}.") from error
    positions, problems, texts = TomlPositions(text), [], {}
    for code, table in tables.items():
        found, wrong = permission_text(code, table)
        problems += [f"{file}, line {positions.line_of(code, *path)}: {problem}." for path, problem in wrong]
        if found is not None:
            texts[code] = found
    if problems:
        raise InvalidExtension("\n".join(problems))
    return texts


def permission_text(code: str, table: Any) -> tuple[PermissionText | None, list[tuple[tuple[str, ...], str]]]:
    """Return the texts that a table holds, and what is wrong with it, each with its path."""
    problems: list[tuple[tuple[str, ...], str]] = []
    given: Mapping[str, Any] = table if isinstance(table, dict) else {}
    for key in ("label", "description"):
        value = given.get(key)
        is_texts = isinstance(value, dict) and all(isinstance(it, str) and it.strip() for it in value.values())
        if not is_texts or "en" not in (value or {}):
            example = f'{key} = {{ de = "…", en = "…", fr = "…" }}'
            problems.append(((key,), f"{code} needs {example}, at least in en, the language of last resort"))
    problems += [
        ((key,), f'"{key}" of {code} is not known; known are label, description')
        for key in given
        if key not in ("label", "description")
    ]
    return (PermissionText(given["label"], given["description"]) if not problems else None), problems


def missing_languages(texts: Mapping[str, PermissionText], locales: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Return for each text that a language of the portal lacks its permission, its key and the language."""
    return [
        (code, key, locale)
        for code, text in texts.items()
        for key, by_language in (("label", text.labels), ("description", text.descriptions))
        for locale in locales
        if locale not in by_language
    ]
