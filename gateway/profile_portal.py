"""What a profile's ``profile.toml`` says of the portal beside its title and contact, checked as a whole."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from connectors.directory.records.organizations import OrganizationKind
from connectors.values import URI_CHARACTERS, AccountKind
from resolvers.languages import LANGUAGES, known_locale, known_time_zone
from resolvers.portal.facts import PortalFacts, RegistrationOptions
from resolvers.registrations.inputs import PRIVATE_KINDS

SPOKEN = tuple(sorted(LANGUAGES))
"""The languages that the portal's own texts are in."""

_URL = re.compile(rf"https://{URI_CHARACTERS}+")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def _is_url(value: str) -> str:
    if not _URL.fullmatch(value) or not urlsplit(value).hostname:
        raise ValueError("write an address such as https://www.company.example/terms")
    return value


def _by_language(texts: dict[str, str]) -> dict[str, str]:
    if not texts or not all(text.strip() for text in texts.values()):
        raise ValueError('write a text in each language, such as { de = "…", en = "…", fr = "…" }')
    for language in texts:
        if known_locale(language) is None:
            raise ValueError(f'"{language}" is no language; write de, en or fr, or another BCP 47 tag')
    return texts


def _is_image(value: str, info: ValidationInfo) -> str:
    if value.startswith("https://"):
        return _is_url(value)
    icons = (info.context or {}).get("icons", ())
    if value.removeprefix("/icons/") not in icons or not value.startswith("/icons/"):
        raise ValueError(
            "write /icons/ and the name of an SVG file in the profile's folder icons, or an https address; "
            f"there are {', '.join(sorted(icons)) or 'no icons'}"
        )
    return value


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("name each once")
    return values


Texts = Annotated[dict[str, str], AfterValidator(_by_language)]
Urls = Annotated[dict[str, Annotated[str, AfterValidator(_is_url)]], AfterValidator(_by_language)]
Image = Annotated[str, AfterValidator(_is_image)]


class Registration(BaseModel):
    """The table ``[registration]``."""

    model_config = ConfigDict(extra="forbid")

    account_kinds: Annotated[tuple[AccountKind, ...], AfterValidator(_each_once)] = PRIVATE_KINDS
    organization_kinds: Annotated[tuple[OrganizationKind, ...], AfterValidator(_each_once)] = tuple(OrganizationKind)
    vat_id_required: StrictBool = False
    customer_number_hint: Texts = Field(default_factory=dict)

    @field_validator("account_kinds")
    @classmethod
    def _without_organization(cls, value: tuple[AccountKind, ...]) -> tuple[AccountKind, ...]:
        if not set(value) <= set(PRIVATE_KINDS):
            raise ValueError(f"of kinds of account without an organization there are {' and '.join(PRIVATE_KINDS)}")
        return value


class PortalTable(BaseModel):
    """The keys of ``profile.toml`` that this file knows."""

    model_config = ConfigDict(extra="forbid")

    logo: Image | None = None
    logo_dark: Image | None = None
    favicon: Image | None = None
    accent_colour: str | None = None
    locales: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_each_once)] = SPOKEN
    default_locale: str | None = None
    time_zone: str = "UTC"
    terms_url: Urls = Field(default_factory=dict)
    privacy_url: Urls = Field(default_factory=dict)
    imprint_url: Urls = Field(default_factory=dict)
    help_url: Urls = Field(default_factory=dict)
    login_name_hint: Texts = Field(default_factory=dict)
    registration: Registration = Field(default_factory=Registration)

    @field_validator("accent_colour")
    @classmethod
    def _is_colour(cls, value: str | None) -> str | None:
        if value is not None and not _COLOUR.fullmatch(value):
            raise ValueError("write a colour as six hexadecimal digits, such as #0a6640")
        return value

    @field_validator("locales")
    @classmethod
    def _are_spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [one for one in value if one not in SPOKEN]:
            raise ValueError(f'the portal does not speak "{unknown[0]}"; it speaks {", ".join(SPOKEN)}')
        return value

    @field_validator("default_locale")
    @classmethod
    def _is_one_of_them(cls, value: str | None, info: ValidationInfo) -> str | None:
        locales = info.data.get("locales", SPOKEN)
        if value is not None and value.partition("-")[0] not in locales:
            raise ValueError(f'"{value}" is none of locales, which are {", ".join(locales)}')
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        found = known_time_zone(value)
        if found is None:
            close = difflib.get_close_matches(value, sorted(available_timezones()), n=1)
            guess = f'; did you mean "{close[0]}"?' if close else ", such as Europe/Berlin"
            raise ValueError(f'"{value}" is no time zone of the IANA database{guess}')
        return found

    @property
    def fallback_locale(self) -> str:
        """Return the language for somebody who understands none of `locales`."""
        return self.default_locale or ("en" if "en" in self.locales else self.locales[0])

    def facts(self) -> PortalFacts:
        """Return what the portal says of itself."""
        registration = self.registration
        return PortalFacts(
            logo_url=self.logo,
            logo_dark_url=self.logo_dark,
            favicon_url=self.favicon,
            accent_colour=self.accent_colour,
            locales=self.locales,
            terms_urls=self.terms_url,
            privacy_urls=self.privacy_url,
            imprint_urls=self.imprint_url,
            help_urls=self.help_url,
            login_name_hint=self.login_name_hint,
            registration=RegistrationOptions(
                registration.account_kinds,
                registration.organization_kinds,
                registration.vat_id_required,
                registration.customer_number_hint,
            ),
        )


KEYS = tuple(PortalTable.model_fields)


def read_portal(
    values: Mapping[str, Any], icons: Collection[str]
) -> tuple[PortalTable, list[tuple[tuple[str, ...], str]]]:
    """Return what these keys of ``profile.toml`` say, and all that is wrong with them: each path, and the problem.

    `icons` are the names of the files in the profile's folder ``icons``. With problems, the table is as if none of the
    keys were given.
    """
    given = {key: value for key, value in values.items() if key in PortalTable.model_fields}
    try:
        return PortalTable.model_validate(given, context={"icons": icons}), []
    except ValidationError as error:
        return PortalTable(), [(_path(problem["loc"]), _sentence(problem)) for problem in error.errors()]


def _path(location: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the path of a key, without the number of an entry."""
    return tuple(step for step in location if isinstance(step, str))


def _sentence(problem: Any) -> str:
    name = ".".join(map(str, problem["loc"]))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f'"{problem["loc"][-1]}" is not known in [{".".join(map(str, problem["loc"][:-1]))}]'
    if problem["type"] == "string_type":
        message = "write a text in quotes"
    return f"{name}: {message[0].lower()}{message[1:]}"
