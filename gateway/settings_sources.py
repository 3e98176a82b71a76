"""Where settings come from: the environment (``FORECOURT_…``) and one TOML file, checked before anything starts."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.profile_files import InvalidProfile, Profile, read_profile
from gateway.settings import PREFIX, TABLES, UNUSABLE, Settings

FILE = "forecourt.toml"
_CONFIG = f"{PREFIX}CONFIG"
_NOT_OURS = f"{PREFIX}TEST_"


class InvalidSettings(Exception):
    """Settings cannot be used; the message names each and says what would be right.

    `values` are those that were given, as they were, for whoever has more to say of them; `of_extensions` are usable.
    """

    def __init__(
        self, message: str, values: Mapping[str, Any] | None = None, of_extensions: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.values = values or {}
        self.of_extensions = of_extensions or {}


def read_settings(variables: Mapping[str, str] | None = None, /, **given: Any) -> Settings:
    """Return the settings from the environment and the file that FORECOURT_CONFIG names (else ``forecourt.toml``).

    The environment is `variables`, else that of the process. `given` values, those of the command line, win over
    both; None among them means not given. What is no setting of ours may be one of an extension of the profile.

    Raises:
        InvalidSettings: An unknown name, with the nearest known one, or a value that is not allowed.
    """
    variables = os.environ if variables is None else variables
    values, others, problems = _from_file(variables.get(_CONFIG))
    for name, value in variables.items():
        if name.startswith(PREFIX) and name != _CONFIG and not name.startswith(_NOT_OURS):
            key = name.removeprefix(PREFIX).lower()
            table = next((table for table in TABLES if key.startswith(f"{table}_")), None)
            if table is not None:
                part, known = key.removeprefix(f"{table}_"), TABLES[table].model_fields
                before = values.get(table)
                if part in known:
                    values[table] = {**(before if isinstance(before, dict) else {}), part: value}
                else:
                    problems.append(_unknown(part, name, prefix=f"{PREFIX}{table.upper()}_", known=known))
            elif key in Settings.model_fields and key not in TABLES:
                values[key] = value
            else:
                others[key] = _Other(value, name, PREFIX)
    given = {key: value for key, value in given.items() if value is not None}
    values |= {key: value for key, value in given.items() if key in Settings.model_fields}
    others |= {key: _Other(value, key, "") for key, value in given.items() if key not in Settings.model_fields}
    of_extensions: Mapping[str, str] = {}
    if others:
        of_extensions, unknown = _of_extensions(values.get("profile"), others)
        problems += unknown
    settings = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_problem(problem) for problem in error.errors()]
        if unusable := frozenset(str(problem["loc"][0]) for problem in error.errors() if problem["loc"]):
            problems += _together(values, unusable)
    if settings is None or problems:
        raise InvalidSettings("\n".join(problems), values, of_extensions)
    return settings.with_extension_settings(of_extensions) if of_extensions else settings


def missing_extension_settings(settings: Settings, profile: Profile) -> list[str]:
    """Return what is said of each setting that an extension of the profile needs and that is not set."""
    return [
        f"The extension {extension.name} needs {PREFIX}{one.name.upper()}: {one.description}"
        for extension in profile.extensions
        for one in extension.settings
        if not settings.of_extensions.get(one.name)
    ]


class _Other(NamedTuple):
    """What is set and is none of our settings; `shown` is how it was named, `prefix` what stands before each name."""

    value: Any
    shown: str
    prefix: str


def _of_extensions(name: Any, others: Mapping[str, _Other]) -> tuple[dict[str, str], list[str]]:
    """Return the settings of a profile's extensions among these, and what is said of the rest."""
    declared: list[str] = []
    not_loaded: tuple[str, ...] = ()
    try:
        profile, _ = read_profile(name if isinstance(name, str) else Settings.model_fields["profile"].default)
        declared = [one.name for extension in profile.extensions for one in extension.settings]
        not_loaded = profile.not_loaded
    except InvalidProfile:
        pass  # whoever reads the profile says so
    values, problems = {}, []
    for key, (value, shown, prefix) in others.items():
        owner = next((one for one in not_loaded if key.startswith(f"{one}_")), None)
        if key in declared and isinstance(value, str):
            values[key] = value
        elif key in declared:
            problems.append(f"{shown} is a text, as every setting of an extension.")
        elif owner is not None:
            problems.append(f"There is no setting {shown}: the extension {owner} is not loaded by the profile.")
        else:
            problems.append(_unknown(key, shown, prefix=prefix, known=[*Settings.model_fields, *declared]))
    return values, problems


def _together(values: Mapping[str, Any], unusable: frozenset[str]) -> list[str]:
    """Return what settings say of one another, which is asked only where each can be used on its own."""
    usable = {key: value for key, value in values.items() if key not in unusable}
    try:
        Settings.model_validate(usable, context={UNUSABLE: unusable})
    except ValidationError as error:
        return [_problem(problem) for problem in error.errors()]
    return []


def _from_file(path: str | None) -> tuple[dict[str, Any], dict[str, _Other], list[str]]:
    """Return what the file sets, what of it is none of our settings, and what is wrong with the names of parts."""
    file = Path(path or FILE)
    if path is None and not file.exists():
        return {}, {}, []
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"The settings file {file} is not valid TOML: {error}.") from error
    problems = []
    others = {
        key: _Other(value, f"{key} in {file}", "") for key, value in values.items() if key not in Settings.model_fields
    }
    for table, model in TABLES.items():
        parts = values.get(table)
        for part in [*parts] if isinstance(parts, dict) else ():
            if part not in model.model_fields:
                del values[table][part]
                problems.append(_unknown(part, f"{table}.{part} in {file}", prefix="", known=model.model_fields))
    return {key: value for key, value in values.items() if key not in others}, others, problems


def _unknown(key: str, shown: str, *, prefix: str, known: Iterable[str]) -> str:
    """Return what is said of a setting that there is not."""
    known = sorted(known)
    close = difflib.get_close_matches(key, known, n=1)
    names = ", ".join(f"{prefix}{name.upper()}" if prefix else name for name in known)
    guess = f"{prefix}{close[0].upper()}" if prefix and close else close[0] if close else ""
    return f"There is no setting {shown}. " + (f"Did you mean {guess}?" if guess else f"Settings are {names}.")


def _problem(problem: Any) -> str:
    where = "_".join(map(str, problem["loc"][: 2 if problem["loc"][:1] and problem["loc"][0] in TABLES else 1]))
    message = problem["msg"].removeprefix("Value error, ")
    if where:
        return f"{PREFIX}{where.upper()}: {message}."
    return f"{message[0].upper()}{message[1:]}{'' if message.endswith('.') else '.'}"
