"""The shipped profiles: everything that makes a Forecourt one vendor's portal, as files in one folder.

Exception
    InvalidProfile          the profile cannot be used

A folder holds ``profile.toml`` (title, how to reach the vendor, time zone, pages), ``policy.toml``,
``applications.toml`` and, if it likes, ``demo.toml``, ``icons/*.svg``, ``examples/*.graphql`` and ``mail/*.toml``. What
stands in the policy, in the catalogue and in the texts of mails is read by those who use it.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from connectors.values import Localized
from gateway.settings import Settings
from resolvers.languages import LANGUAGES, known_locale, known_time_zone
from resolvers.mail.pages import InvalidPage, checked_pages

_SHIPPED = Path(__file__).with_name("profiles")
_TEXTS = ("title", "contact")
_KNOWN_KEYS = (*_TEXTS, "default_locale", "time_zone", "pages")


class InvalidProfile(Exception):
    """The profile cannot be used; the message names what is wrong and what to do."""


class Example(NamedTuple):
    """A query to try, named by the comment in its file's first line; `variables` is JSON text or None."""

    name: str
    query: str
    variables: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One portal as configured: its texts as they were read, each with the name of its file for messages.

    `icons` are the SVG files by name (``webshop.svg``); `examples` stand in the order of their file names; `mail_texts`
    are, by language, the portal's own texts of mails, each with the name of its file.
    """

    key: str
    title: Localized
    contact: Localized
    default_locale: str
    time_zone: str
    pages: Mapping[str, str]
    folder: Path
    policy_text: str
    policy_source: str
    applications_text: str
    applications_source: str
    demo_text: str | None
    demo_source: str
    examples: tuple[Example, ...]
    icons: Mapping[str, bytes]
    mail_texts: Mapping[str, tuple[str, str]]


_RESERVED = re.compile(
    r"[\w.-]*[.@](?:example|test|invalid|localhost)(?![\w-]|\.\w)|\bexample\.(?:com|net|org)\b", re.IGNORECASE
)
"""Domains that are nobody's (RFC 2606)."""


def profile_for(settings: Settings) -> Profile:
    """Return the profile that is set; in production, one that names a vendor who exists.

    Raises:
        InvalidProfile: It cannot be used; or in production customers would be asked to write to a domain that is
            nobody's, as that of a shipped profile.
    """
    profile = load_profile(settings.profile)
    if settings.environment == "production":
        for language, text in profile.contact.items():
            if found := _RESERVED.search(text):
                raise InvalidProfile(
                    f'{profile.folder / "profile.toml"}, [contact] {language}: "{found[0]}" is a domain that is '
                    "nobody's, and your customers would be asked to write there. Copy the folder, write how to reach "
                    "you, and name the copy by FORECOURT_PROFILE."
                )
    return profile


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with Forecourt."""
    return tuple(sorted(file.parent.name for file in _SHIPPED.glob("*/profile.toml")))


def load_profile(name_or_path: str) -> Profile:
    """Return the shipped profile of this name, or the one in the folder at this path.

    Raises:
        InvalidProfile: There is none, or one of its files is missing or unreadable.
    """
    folder = _folder(name_or_path)
    settings = _settings(folder)
    demo = folder / "demo.toml"
    return Profile(
        key=folder.name,
        title=settings["title"],
        contact=settings.get("contact", {}),
        default_locale=settings.get("default_locale", "en"),
        time_zone=known_time_zone(settings.get("time_zone", "UTC")) or "UTC",
        pages=_pages(folder, settings.get("pages", {})),
        folder=folder,
        policy_text=_read(folder / "policy.toml", "who may do what"),
        policy_source=str(folder / "policy.toml"),
        applications_text=_read(folder / "applications.toml", "the applications behind the portal"),
        applications_source=str(folder / "applications.toml"),
        demo_text=_read(demo, "the demo organization") if demo.exists() else None,
        demo_source=str(demo),
        examples=tuple(_example(file) for file in sorted(folder.glob("examples/*.graphql"))),
        icons={file.name: file.read_bytes() for file in sorted(folder.glob("icons/*.svg"))},
        mail_texts={
            file.stem: (_read(file, "texts of mails"), str(file)) for file in sorted(folder.glob("mail/*.toml"))
        },
    )


def _folder(name_or_path: str) -> Path:
    shipped = shipped_profiles()
    if name_or_path in shipped:
        return _SHIPPED / name_or_path
    is_path = "/" in name_or_path or "\\" in name_or_path or name_or_path in (".", "..")
    folder = Path(name_or_path)
    is_folder = bool(name_or_path) and _is_folder(folder)
    if not is_path and not is_folder:
        close = difflib.get_close_matches(name_or_path.lower().replace("-", "_"), shipped, n=1)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        raise InvalidProfile(
            f'There is no profile "{name_or_path}".{guess} Shipped are {", ".join(shipped)}; '
            "or give the path of a folder with a profile.toml of your own."
        )
    if not is_folder:
        raise InvalidProfile(
            f"{name_or_path} is not a folder. Give the path of a folder with a profile.toml, "
            f"or one of the shipped profiles: {', '.join(shipped)}."
        )
    return folder.resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name longer than the file system allows, or a folder that we may not look into
        return False


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / "profile.toml"
    text = _read(file, "the portal's title")
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidProfile(f"{file} is not valid TOML: {error}.") from error
    for key in settings:
        if key not in _KNOWN_KEYS:
            raise InvalidProfile(f'{file}: "{key}" is not known; known are {", ".join(_KNOWN_KEYS)}.')
    for key in _TEXTS:
        text = settings.get(key, {} if key == "title" else {"en": ""})
        if not isinstance(text, dict) or "en" not in text or not all(isinstance(one, str) for one in text.values()):
            raise InvalidProfile(
                f'{file}: it needs {key}, such as {key} = {{ de = "…", en = "…", fr = "…" }}, at least in en.'
            )
    locale, zone = settings.get("default_locale", "en"), settings.get("time_zone", "UTC")
    known = known_locale(locale) if isinstance(locale, str) else None
    if known is None or known.language not in LANGUAGES:
        raise InvalidProfile(
            f"{file}: default_locale = {locale!r} is none that the portal speaks; write one of {', '.join(LANGUAGES)}, "
            "or one with a region, such as de-AT."
        )
    if not isinstance(zone, str) or known_time_zone(zone) is None:
        close = difflib.get_close_matches(str(zone), sorted(available_timezones()), n=1)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        raise InvalidProfile(
            f"{file}: time_zone = {zone!r} is no time zone of the IANA database, such as Europe/Berlin.{guess}"
        )
    return settings


def _pages(folder: Path, written: Any) -> Mapping[str, str]:
    try:
        return checked_pages(written)
    except InvalidPage as problem:
        raise InvalidProfile(f"{folder / 'profile.toml'}, [pages]: {problem}") from problem


def _example(file: Path) -> Example:
    text = _read(file, "an example query")
    first, _, rest = text.lstrip().partition("\n")
    name, query = (first.removeprefix("#").strip(), rest) if first.startswith("#") else (file.stem, text)
    variables = file.with_suffix(".variables.json")
    if not variables.exists():
        return Example(name, query, None)
    values = _read(variables, "the variables of an example query")
    try:
        json.loads(values)
    except ValueError as error:
        raise InvalidProfile(f"{variables} is not valid JSON: {error}.") from error
    return Example(name, query, values)


def _read(file: Path, meaning: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidProfile(
            f"{file} is missing; it holds {meaning}. Copy the one of a shipped profile "
            f"({', '.join(shipped_profiles())}) and change it."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidProfile(f"{file} cannot be read: {reason}. Make it a readable UTF-8 text file.") from error
