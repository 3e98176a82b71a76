"""The catalogue from a profile's ``applications.toml``, the embedded default.

The order of the file is the order of the page: categories as they stand, applications as they stand within theirs.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from connectors.applications.interface import (
    MOST_APPLICATIONS,
    MOST_MODES,
    ApplicationRecord,
    CategoryRecord,
    InvalidCatalogue,
    LaunchKind,
    ModeRecord,
)
from connectors.values import URI_CHARACTERS, AccountKind, Localized

Word = TypeVar("Word", bound=StrEnum)

_PLATFORMS = ("pc", "tablet", "smartphone")
_APPLICATION_KEYS = (
    "name",
    "tagline",
    "description",
    "icon",
    "category",
    "platforms",
    "audience",
    "open_to",
    "roles",
    "permissions",
    "every_member",
    "launch",
    "parent",
    "modes",
    "published_at",
)


class EmbeddedApplications:
    """The applications of one file, read once and kept."""

    def __init__(self, records: Iterable[ApplicationRecord]) -> None:
        self._records = tuple(sorted(records, key=lambda record: record.position))
        self._by_key = {record.key: record for record in self._records}

    @classmethod
    def from_toml(cls, text: str, source: str) -> "EmbeddedApplications":
        """Return the catalogue that the TOML text describes; `source` is the file's name for messages.

        Raises:
            InvalidCatalogue: With all problems, each with the entry, what is wrong there, and the nearest valid name.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidCatalogue(f"{source} is not valid TOML: {error}.") from error
        reader = _Reader(source, text)
        records = reader.catalogue(document)
        if reader.problems:
            raise InvalidCatalogue("\n".join(reader.problems))
        return cls(records)

    @property
    def at_hand(self) -> Sequence[ApplicationRecord]:
        """Every published application."""
        return self._records

    async def catalogue(self) -> Sequence[ApplicationRecord]:
        """Return every published application."""
        return self._records

    async def applications(self, keys: Sequence[str]) -> Sequence[ApplicationRecord | None]:
        """Return the applications with these keys, parallel to `keys`, None where there is none."""
        return [self._by_key.get(key) for key in keys]


class _Reader:
    """Turns tables into records and notes of each problem where it stands and what would be right."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.lines = [line.strip() for line in text.splitlines()]
        self.problems: list[str] = []

    def catalogue(self, document: Mapping[str, Any]) -> list[ApplicationRecord]:
        self.only_keys(document, "the file", ("categories", "applications"))
        categories = {
            key: self.category(key, table, position)
            for position, (key, table) in enumerate(self.tables(document, "categories").items(), 1)
        }
        tables = self.tables(document, "applications")
        if len(tables) > MOST_APPLICATIONS:
            self.note("the file", f"it has {len(tables)} applications; {MOST_APPLICATIONS} are the most")
        category_of = {key: self.category_of(key, table, categories) for key, table in tables.items()}
        by_category = sorted(tables, key=lambda key: category_of[key].position)
        records = {
            key: self.application(key, tables[key], position, category_of[key])
            for position, key in enumerate(by_category, 1)
        }
        for record in records.values():
            self.check_parent(record, records)
        return list(records.values())

    def category(self, key: str, table: Mapping[str, Any], position: int) -> CategoryRecord:
        section = f"[categories.{key}]"
        self.only_keys(table, section, ("label",))
        return CategoryRecord(key=key, labels=self.texts(table, "label", section), position=position)

    def category_of(
        self, key: str, table: Mapping[str, Any], categories: Mapping[str, CategoryRecord]
    ) -> CategoryRecord:
        section = f"[applications.{key}]"
        name = self.text(table, "category", section, example=next(iter(categories), "tools"))
        if name and categories and name not in categories:
            self.note(section, f'category "{name}" is none of the file{_nearest(name, categories)}')
        return categories.get(name, CategoryRecord(name, {}, 0))

    def application(
        self, key: str, table: Mapping[str, Any], position: int, category: CategoryRecord
    ) -> ApplicationRecord:
        section, problems = f"[applications.{key}]", len(self.problems)
        self.only_keys(table, section, _APPLICATION_KEYS)
        kind, url = self.launch(table, section)
        record = ApplicationRecord(
            key=key,
            names=self.texts(table, "name", section),
            taglines=self.texts(table, "tagline", section),
            descriptions=self.texts(table, "description", section),
            icon_url=self.icon(table, section),
            category=category,
            position=position,
            platforms=self.platforms(table, section),
            audience=self.words(table, "audience", section, AccountKind),
            open_to=self.words(table, "open_to", section, AccountKind),
            role_keys=frozenset(self.strings(table, "roles", section)),
            permissions=frozenset(self.strings(table, "permissions", section)),
            for_every_member=self.boolean(table, "every_member", section),
            launch_kind=kind,
            launch_url=url,
            parent_key=(self.text(table, "parent", section, example="shop") or None) if "parent" in table else None,
            modes=tuple(
                self.mode(mode_key, mode, f"[applications.{key}.modes.{mode_key}]")
                for mode_key, mode in self.modes(table, section).items()
            ),
            published_at=self.instant(table, "published_at", section),
        )
        if len(self.problems) == problems:  # what was left out because of one would make others of itself
            self.check_audience(record, section)
        return record

    def check_audience(self, record: ApplicationRecord, section: str) -> None:
        if not record.audience:
            self.note(section, f"nobody would see it; list in audience some of {', '.join(AccountKind)}")
        elif surplus := sorted(record.open_to - record.audience):
            self.note(section, f"it is open to {surplus[0]}, who do not see it; add {surplus[0]} to audience")
        if not (record.open_to or record.role_keys or record.permissions or record.for_every_member):
            self.note(section, "nobody could open it; give it roles, permissions, open_to, or every_member = true")

    def check_parent(self, record: ApplicationRecord, records: Mapping[str, ApplicationRecord]) -> None:
        section = f"[applications.{record.key}]"
        parent = records.get(record.parent_key) if record.parent_key is not None else None
        if record.parent_key is not None and parent is None:
            self.note(section, f'parent "{record.parent_key}" is no application{_nearest(record.parent_key, records)}')
        if parent is not None and (parent.parent_key is not None or parent is record):
            self.note(
                section, f'parent "{parent.key}" is itself part of an application; name one that stands on its own'
            )

    def mode(self, key: str, table: Mapping[str, Any], section: str) -> ModeRecord:
        self.only_keys(table, section, ("label", "roles", "permissions"))
        roles = frozenset(self.strings(table, "roles", section))
        permissions = frozenset(self.strings(table, "permissions", section))
        if not table.get("roles") and not table.get("permissions"):
            self.note(section, "nobody could use this mode; give it roles or permissions")
        return ModeRecord(key=key, labels=self.texts(table, "label", section), role_keys=roles, permissions=permissions)

    def launch(self, table: Mapping[str, Any], section: str) -> tuple[LaunchKind, str]:
        launch, nothing = table.get("launch"), (LaunchKind.EXTERNAL_LINK, "")
        if not isinstance(launch, dict):
            self.note(section, 'it needs launch = { kind = "OIDC_INITIATE_LOGIN", url = "https://…" }')
            return nothing
        self.only_keys(launch, f"launch of {section}", ("kind", "url"), section)
        kind = self.word(
            self.text(launch, "kind", section, example=LaunchKind.OIDC_INITIATE_LOGIN), section, LaunchKind
        )
        url = self.text(launch, "url", section, example="https://shop.example/login")
        if kind is None or not url:
            return nothing
        if not _may_be_launched(url, kind):
            self.note(
                section,
                f'launch url "{url}" is none that a portal may open; write an absolute https:// address (http:// for '
                "localhost, an application's own scheme for DEEP_LINK and MOBILE_APP), without a user name",
            )
        return kind, url

    def icon(self, table: Mapping[str, Any], section: str) -> str | None:
        if "icon" not in table:
            return None
        icon = self.text(table, "icon", section, example="/icons/shop.svg")
        if icon and not (icon.startswith("https://") or (icon.startswith("/") and not icon.startswith(("//", "/\\")))):
            self.note(section, f'icon "{icon}" must be a path on our site ("/icons/shop.svg") or https://')
        return icon

    def platforms(self, table: Mapping[str, Any], section: str) -> tuple[str, ...]:
        platforms = self.strings(table, "platforms", section) if "platforms" in table else _PLATFORMS
        for platform in platforms:
            if platform not in _PLATFORMS:
                self.note(section, f'"{platform}" is no platform{_nearest(platform, _PLATFORMS)}')
        return platforms

    # What stands in a table

    def note(self, section: str, problem: str, where: str = "") -> None:
        line = self.line_of(where or section)
        self.problems.append(f"{self.source}{f', line {line}' if line else ''}: {section}: {problem}.")

    def line_of(self, section: str) -> int | None:
        return self.lines.index(section) + 1 if section in self.lines else None

    def only_keys(self, table: Mapping[str, Any], section: str, known: Sequence[str], where: str = "") -> None:
        for key in table:
            if key not in known:
                self.note(section, f'"{key}" is not known here{_nearest(key, known)}', where)

    def modes(self, table: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
        found = self.tables(table, "modes", section, required=False)
        if len(found) > MOST_MODES:
            self.note(section, f"it has {len(found)} modes; {MOST_MODES} are the most")
        return found

    def tables(
        self, table: Mapping[str, Any], key: str, section: str = "the file", *, required: bool = True
    ) -> dict[str, dict[str, Any]]:
        value = table.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(entry, dict) for entry in value.values()):
            self.note(section, f"each of the {key} must be a table of its own, such as [{key}.shop]")
            value = value if isinstance(value, dict) else {}
        elif required and not value:
            self.note(section, f"it has no {key}; write at least one table such as [{key}.shop]")
        return {name: entry for name, entry in value.items() if isinstance(entry, dict)}

    def texts(self, table: Mapping[str, Any], key: str, section: str) -> Localized:
        value = table.get(key)
        if not isinstance(value, dict) or not all(isinstance(text, str) and text for text in value.values()):
            self.note(section, f'it needs {key} in each language, such as {key} = {{ de = "…", en = "…", fr = "…" }}')
            return {}
        if "en" not in value:
            self.note(section, f"{key} needs a text in en, the language of last resort")
        return value

    def text(self, table: Mapping[str, Any], key: str, section: str, *, example: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value:
            self.note(section, f'it needs {key} as text, such as {key} = "{example}"')
            return ""
        return value

    def strings(self, table: Mapping[str, Any], key: str, section: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.note(section, f'{key} must be a list of texts, such as ["A", "B"]')
            return ()
        for item in dict.fromkeys(value):
            if value.count(item) > 1:
                self.note(section, f'"{item}" stands twice in {key}; remove one')
        return tuple(value)

    def words(self, table: Mapping[str, Any], key: str, section: str, vocabulary: type[Word]) -> frozenset[Word]:
        found = [self.word(text, section, vocabulary) for text in self.strings(table, key, section)]
        return frozenset(word for word in found if word is not None)

    def word(self, text: str, section: str, vocabulary: type[Word]) -> Word | None:
        known = [word.value for word in vocabulary]
        if text in known:
            return vocabulary(text)
        if text:  # a text that is missing has been noted
            self.note(section, f'"{text}" is not known here{_nearest(text, known)}')
        return None

    def boolean(self, table: Mapping[str, Any], key: str, section: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.note(section, f"{key} must be true or false")
            return False
        return value

    def instant(self, table: Mapping[str, Any], key: str, section: str) -> datetime | None:
        value = table.get(key)
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            self.note(section, f"{key} must be an instant with its time zone, such as 2026-01-31T08:00:00Z")
            return None
        return value.astimezone(UTC)


def _may_be_launched(url: str, kind: LaunchKind) -> bool:
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        return False
    if not re.fullmatch(rf"{URI_CHARACTERS}+", url) or user is not None:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in ("localhost", "127.0.0.1", "::1")
    own_scheme = kind in (LaunchKind.DEEP_LINK, LaunchKind.MOBILE_APP)
    return own_scheme and bool(host) and parts.scheme not in ("", "javascript", "data", "vbscript", "file", "blob")


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word.upper() if names and names[0].isupper() else word.lower(), names, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(names)}"
