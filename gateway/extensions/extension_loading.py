"""The extensions that a profile names, loaded: from its own folder, or from installed packages."""

import difflib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from gateway.extensions.declared import extension_from_toml
from gateway.extensions.imports import forbidden_imports
from gateway.settings import is_ours
from schema.extending import Extension, InvalidExtension
from schema.extending.permission_texts import missing_languages

GROUP = "forecourt.extensions"
"""The entry points of packages that are extensions, each by its name."""

FOLDER = "extensions"


def known_extensions(profile: Path) -> list[str]:
    """Return the names of all extensions that a profile could name: those in its folder, and the installed ones."""
    files = [file.stem for file in (profile / FOLDER).glob("*") if file.suffix in (".py", ".toml")]
    return sorted({*(stem for stem in files if "." not in stem), *(point.name for point in _installed())})


def load_extensions(
    profile: Path, names: Sequence[str], locales: tuple[str, ...]
) -> tuple[tuple[Extension, ...], list[str]]:
    """Return the extensions of these names, in this order, and what is wrong with any; those are left out."""
    loaded, problems = [], []
    for name in names:
        try:
            loaded.append(load_extension(profile, name, locales))
        except InvalidExtension as error:
            problems.append(str(error))
    return tuple(loaded), problems


def load_extension(profile: Path, name: str, locales: tuple[str, ...] = ()) -> Extension:
    """Return the extension of this name: the file in the profile's folder, else the installed package.

    Raises:
        InvalidExtension: There is none, or with all that is wrong with it.
    """
    file, declared = profile / FOLDER / f"{name}.py", profile / FOLDER / f"{name}.toml"
    point = next((point for point in _installed() if point.name == name), None)
    if file.is_file() and declared.is_file():
        raise InvalidExtension(f"{file} and {declared} are both the extension {name}; remove one.")
    if declared.is_file():
        extension, source = extension_from_toml(declared), str(declared)
    elif file.is_file():
        extension, source = _from_file(file), str(file)
    elif point is not None:
        extension, source = _from_package(point), f"the package of {point.value}"
    else:
        known = known_extensions(profile)
        close = difflib.get_close_matches(name, known, n=1)
        hint = (
            f'did you mean "{close[0]}"?'
            if close
            else f"put it there as {name}.toml or {name}.py, or install its package."
        )
        raise InvalidExtension(f'There is no extension "{name}" in {profile / FOLDER}; {hint}')
    if extension.name != name:
        raise InvalidExtension(f'{source}: its extension is called "{extension.name}"; call both the same')
    problems = [
        f"{extension.texts_source or source}: {code} has no {key} in {locale}, a language of this portal."
        for code, key, locale in missing_languages(extension.texts, locales)
    ]
    problems += [
        f"{source}: FORECOURT_{one.name.upper()} is a setting of Forecourt, so the extension needs another name."
        for one in extension.settings
        if is_ours(one.name)
    ]
    if problems:
        raise InvalidExtension("\n".join(problems))
    return extension


def _installed() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=GROUP))


def _from_file(file: Path) -> Extension:
    if problems := forbidden_imports([file]):
        raise InvalidExtension("\n".join(problems))
    module_name = f"forecourt_extension_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InvalidExtension(_failure(file, error)) from error
    return _only(vars(module).get("extension"), str(file))


def _from_package(point: EntryPoint) -> Extension:
    found = importlib.util.find_spec(point.module.partition(".")[0])
    if found is not None and found.origin is not None:
        origin = Path(found.origin)
        files = sorted(origin.parent.rglob("*.py")) if found.submodule_search_locations is not None else [origin]
        if problems := forbidden_imports(files):
            raise InvalidExtension("\n".join(problems))
    try:
        return _only(point.load(), f"the entry point {point.value}")
    except InvalidExtension:
        raise
    except Exception as error:
        file = Path(found.origin) if found is not None and found.origin is not None else Path(point.module)
        raise InvalidExtension(_failure(file, error)) from error


def _only(extension: object, source: str) -> Extension:
    if not isinstance(extension, Extension):
        raise InvalidExtension(f'{source} has no extension; write extension = Extension("…", api=1) in it.')
    return extension


def _failure(file: Path, error: Exception) -> str:
    """Return what went wrong, with the last line of the file that was reached."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    line = lines[-1] if lines else error.lineno if isinstance(error, SyntaxError) else None
    what = str(error) if isinstance(error, InvalidExtension) else f"{type(error).__name__}: {error}"
    return f"{file}{f', line {line}' if line else ''}: {what.removesuffix('.')}."
