"""Profiles, shipped or not: everything that makes a Forecourt one vendor's portal, as files in one folder.

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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from connectors.values import Localized
from gateway.profile_portal import KEYS, PortalTable, read_portal
from gateway.settings import Settings
from permissions.toml_positions import TomlPositions, parser_problem
from resolvers.mail.pages import InvalidPage, checked_pages

if TYPE_CHECKING:
    from schema.extending import Extension
    from schema.graph.additions import SchemaAddition

_SHIPPED = Path(__file__).with_name("profiles")
_TEXTS = ("title", "contact")
_KNOWN_KEYS = (*_TEXTS, *KEYS, "pages", "extensions")


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
    are, by language, the portal's own texts of mails, each with the name of its file. `extensions` are those that it
    names, loaded; `not_loaded` those that there are besides.
    """

    key: str
    title: Localized
    contact: Localized
    portal: PortalTable
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
    extensions: "tuple[Extension, ...]" = ()
    not_loaded: tuple[str, ...] = ()

    @property
    def additions(self) -> "list[SchemaAddition]":
        """Return what the extensions add to the schema."""
        return [extension.addition for extension in self.extensions]


_RESERVED = re.compile(
    r"[\w.-]*[.@](?:example|test|invalid|localhost)(?![\w-]|\.\w)|\bexample\.(?:com|net|org)\b", re.IGNORECASE
)


def nobodys_domain(text: str) -> str | None:
    """Return a domain in the text that is nobody's (RFC 2606), None when there is none."""
    found = _RESERVED.search(text)
    return found[0] if found else None


def nobodys_host(address: str) -> str | None:
    """Return the host of an address that is nobody's or this machine's own, None when it is somebody's."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None  # it has none
    return host if nobodys_domain(f"@{host}") else None


def profile_for(settings: Settings) -> Profile:
    """Return the profile that is set; in production, one that names a vendor who exists.

    Raises:
        InvalidProfile: It cannot be used; or in production customers would not learn how to reach the vendor, or be
            asked to write to a domain that is nobody's, as that of a shipped profile.
    """
    profile = load_profile(settings.profile)
    if settings.environment == "production" and (problems := list(unreachable(profile))):
        raise InvalidProfile("\n".join(problems))
    return profile


def unreachable(profile: Profile) -> Iterator[str]:
    """Return what stands between customers and a vendor whom they want to reach."""
    file = profile.folder / "profile.toml"
    if not profile.contact.get("en"):
        yield (
            f"{file}: it has no [contact], so nobody would learn how to reach you; write an address or a telephone "
            f"number in {', '.join(profile.title)}."
        )
    domains: dict[str, list[str]] = {}
    for language, text in profile.contact.items():
        if domain := nobodys_domain(text):
            domains.setdefault(domain, []).append(language)
    positions = TomlPositions(file.read_text(encoding="utf-8"))
    for domain, languages in domains.items():
        yield (
            f'{file}, line {positions.line_of("contact", languages[0])}: [contact] {", ".join(languages)}: "{domain}" '
            "is a domain that is nobody's, and your customers would be asked to write there. Write how to reach you; "
            "where the profile is a shipped one, make your own by `forecourt profile new NAME`, and name it by "
            "FORECOURT_PROFILE."
        )


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with Forecourt."""
    return tuple(sorted(file.parent.name for file in _SHIPPED.glob("*/profile.toml")))


def load_profile(name_or_path: str) -> Profile:
    """Return the shipped profile of this name, or the one in the folder at this path.

    Raises:
        InvalidProfile: There is none, or with all that is missing or unreadable of its files.
    """
    profile, problems = read_profile(name_or_path)
    if problems:
        raise InvalidProfile("\n".join(problems))
    return profile


def read_profile(name_or_path: str) -> tuple[Profile, list[str]]:
    """Return as much of a profile as can be read, and what is missing or unreadable of its files.

    Raises:
        InvalidProfile: There is none.
    """
    folder = _folder(name_or_path)
    files = _Files(folder)
    icons = {file.name: file.read_bytes() for file in sorted(folder.glob("icons/*.svg"))}
    settings, portal = files.settings(icons)
    demo = folder / "demo.toml"
    extensions, not_loaded = files.extensions(settings["extensions"], portal.locales)
    profile = Profile(
        key=folder.name,
        title=settings["title"],
        contact=settings["contact"],
        portal=portal,
        default_locale=portal.fallback_locale,
        time_zone=portal.time_zone,
        pages=settings["pages"],
        folder=folder,
        policy_text=files.text(folder / "policy.toml", "who may do what"),
        policy_source=str(folder / "policy.toml"),
        applications_text=files.text(folder / "applications.toml", "the applications behind the portal"),
        applications_source=str(folder / "applications.toml"),
        demo_text=files.text(demo, "the demo organization") if demo.exists() else None,
        demo_source=str(demo),
        examples=tuple(files.example(file) for file in sorted(folder.glob("examples/*.graphql"))),
        icons=icons,
        mail_texts={
            file.stem: (files.text(file, "texts of mails"), str(file)) for file in sorted(folder.glob("mail/*.toml"))
        },
        extensions=extensions,
        not_loaded=not_loaded,
    )
    return profile, files.problems


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


class _Files:
    """Reads the files of one folder, and notes what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def settings(self, icons: Collection[str]) -> tuple[dict[str, Any], PortalTable]:
        """Return what stands in profile.toml; what cannot be used is as if it were not there."""
        settings: dict[str, Any] = {"title": {}, "contact": {}, "pages": {}, "extensions": []}
        file, problems = self.folder / "profile.toml", len(self.problems)
        text = self.text(file, "the portal's title")
        if len(self.problems) > problems:
            return settings, PortalTable()
        try:
            written = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line, problem = parser_problem(error, text)
            self.problems.append(f"{file}, line {line}: {problem}.")
            return settings, PortalTable()
        portal, found = read_portal(written, icons)
        for key in written:
            if key not in _KNOWN_KEYS:
                found.append(((key,), f'"{key}" is not known; known are {", ".join(_KNOWN_KEYS)}'))
        for key in _TEXTS:
            texts = written.get(key, {} if key == "title" else {"en": ""})
            if isinstance(texts, dict) and "en" in texts and all(isinstance(it, str) for it in texts.values()):
                settings[key] = texts if key in written else {}
            else:
                example = f'{key} = {{ de = "…", en = "…", fr = "…" }}'
                found.append(((key,), f"it needs {key}, such as {example}, at least in en"))
        try:
            settings["pages"] = checked_pages(written.get("pages", {}))
        except InvalidPage as error:
            found.append((("pages",), f"[pages]: {str(error).removesuffix('.')}"))
        names = written.get("extensions", [])
        if not isinstance(names, list) or not all(isinstance(it, str) and re.fullmatch(r"\w+", it) for it in names):
            found.append((("extensions",), 'extensions is a list of names, such as extensions = ["plants"]'))
        elif len(set(names)) < len(names):
            found.append((("extensions",), "an extension stands twice in extensions; name each once"))
        else:
            settings["extensions"] = names
        positions = TomlPositions(text)
        for path, problem in found:
            at = positions.line_of(*path)
            end = "" if problem.endswith("?") else "."
            self.problems.append(f"{file}{f', line {at}' if at else ''}: {problem}{end}")
        return settings, portal

    def extensions(
        self, names: Sequence[str], locales: tuple[str, ...]
    ) -> "tuple[tuple[Extension, ...], tuple[str, ...]]":
        """Return the extensions of these names, and the names of those that there are besides."""
        if not names and not (self.folder / "extensions").is_dir():
            return (), ()  # what makes a schema stays away from processes that need none
        from gateway.extensions.extension_loading import known_extensions, load_extensions

        loaded, problems = load_extensions(self.folder, names, locales)
        self.problems += problems
        return loaded, tuple(name for name in known_extensions(self.folder) if name not in names)

    def example(self, file: Path) -> Example:
        """Return the query in a file, with its name and variables."""
        text = self.text(file, "an example query")
        first, _, rest = text.lstrip().partition("\n")
        name, query = (first.removeprefix("#").strip(), rest) if first.startswith("#") else (file.stem, text)
        variables = file.with_suffix(".variables.json")
        if not variables.exists():
            return Example(name, query, None)
        values = self.text(variables, "the variables of an example query")
        try:
            json.loads(values)
        except ValueError as error:
            self.problems.append(f"{variables} is not valid JSON: {error}.")
        return Example(name, query, values)

    def text(self, file: Path, meaning: str) -> str:
        """Return the text of a file, empty when it cannot be read."""
        try:
            return file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.problems.append(
                f"{file} is missing; it holds {meaning}. `forecourt profile new NAME` makes a profile with all files, "
                "from which to copy it."
            )
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self.problems.append(f"{file} cannot be read: {reason}. Make it a readable UTF-8 text file.")
        return ""
