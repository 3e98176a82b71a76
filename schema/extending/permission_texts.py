"""The texts of an extension's permissions and mutations, in a TOML file beside it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

from connectors.values import Localized
from permissions.texts import PermissionText
from permissions.toml_positions import TomlPositions, parser_problem
from schema.extending.extendable import InvalidExtension

MUTATIONS = "mutations"
"""The table with those of mutations; every other is a permission's."""


@dataclass(frozen=True, slots=True)
class MutationText:
    """How the audit log calls a mutation, the sentence it says of one, and what the values are; each by language."""

    label: Localized
    summary: Localized
    values: Mapping[str, Localized]


@dataclass(frozen=True, slots=True)
class ExtensionTexts:
    """The texts of permissions by code, and of mutations by their name in the graph."""

    permissions: dict[str, PermissionText] = field(default_factory=dict)
    mutations: dict[str, MutationText] = field(default_factory=dict)


def read_texts(file: Path) -> ExtensionTexts:
    """Return the texts: of a permission a table with `label` and `description` by language; of a mutation one below
    `mutations`, with `label`, `summary` and `values`.

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
    positions, problems, texts = TomlPositions(text), [], ExtensionTexts()
    of_mutations = tables.pop(MUTATIONS, {})
    for code, table in tables.items():
        found, wrong = permission_text(code, table)
        problems += [f"{file}, line {positions.line_of(code, *path)}: {problem}." for path, problem in wrong]
        if found is not None:
            texts.permissions[code] = found
    for name, table in of_mutations.items() if isinstance(of_mutations, dict) else ():
        said, lacks = _mutation_text(name, table)
        problems += [f"{file}, line {positions.line_of(MUTATIONS, name)}: {problem}." for problem in lacks]
        if said is not None:
            texts.mutations[name] = said
    if problems:
        raise InvalidExtension("\n".join(problems))
    return texts


def _mutation_text(name: str, table: Any) -> tuple[MutationText | None, list[str]]:
    given = table if isinstance(table, dict) else {}
    values = given.get("values", {})
    problems = [
        f'{name} needs {key} = {{ de = "…", en = "…", fr = "…" }}, at least in en, the language of last resort'
        for key in ("label", "summary")
        if not _is_by_language(given.get(key))
    ]
    problems += [
        f'"{key}" of {name} is not known; known are label, summary, values'
        for key in given
        if key not in ("label", "summary", "values")
    ]
    if not isinstance(values, dict) or not all(map(_is_by_language, values.values())):
        problems.append(f'{name} needs values = {{ NAME = {{ de = "…", en = "…", fr = "…" }} }}, each at least in en')
    if problems:
        return None, problems
    for text in given["summary"].values():
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            return None, [f"the summary of {name} cannot be filled in: {error}"]
        problems += [
            f"{{{one}}} in the summary of {name} is no value of it; known are {', '.join(('subject', *values))}"
            for one in names
            if one not in ("subject", *values)
        ]
    return (MutationText(given["label"], given["summary"], values) if not problems else None), problems


def _is_by_language(value: Any) -> bool:
    is_texts = isinstance(value, dict) and all(isinstance(it, str) and it.strip() for it in value.values())
    return is_texts and "en" in value


def permission_text(code: str, table: Any) -> tuple[PermissionText | None, list[tuple[tuple[str, ...], str]]]:
    """Return the texts that a table holds, and what is wrong with it, each with its path."""
    problems: list[tuple[tuple[str, ...], str]] = []
    given: Mapping[str, Any] = table if isinstance(table, dict) else {}
    for key in ("label", "description"):
        value = given.get(key)
        if not _is_by_language(value):
            example = f'{key} = {{ de = "…", en = "…", fr = "…" }}'
            problems.append(((key,), f"{code} needs {example}, at least in en, the language of last resort"))
    problems += [
        ((key,), f'"{key}" of {code} is not known; known are label, description')
        for key in given
        if key not in ("label", "description")
    ]
    return (PermissionText(given["label"], given["description"]) if not problems else None), problems


def missing_languages(texts: ExtensionTexts, locales: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Return for each text that a language of the portal lacks whose it is, its key and the language."""
    by_language: list[tuple[str, str, Localized]] = []
    for code, text in texts.permissions.items():
        by_language += [(code, "label", text.labels), (code, "description", text.descriptions)]
    for name, said in texts.mutations.items():
        by_language += [(name, "label", said.label), (name, "summary", said.summary)]
        by_language += [(name, f"values.{value}", labels) for value, labels in said.values.items()]
    return [(whose, key, locale) for whose, key, given in by_language for locale in locales if locale not in given]
