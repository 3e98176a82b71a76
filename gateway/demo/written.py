"""What stands in ``demo.toml`` and in ``words.toml``, checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationStatus
from connectors.shop.interface import OrderStatus
from connectors.values import AccountKind
from gateway.profile_files import InvalidProfile

Kind = TypeVar("Kind")
Texts = dict[str, str]
_STRICT_KEYS = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class WrittenMember:
    """A person in an organization; who is in several is named in the first and known by e-mail address in the others.

    `until` gives the last day of a role or permission that ends, `formerly` what a removed member held and ordered by.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    email: str
    first: str | None = None
    last: str | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    status: MembershipStatus = MembershipStatus.ACTIVE
    joined: date | None = None
    job: str | None = None
    until: dict[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenOrganization:
    """An organization, its registered office, its members (the first from the beginning) and how many orders it has."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    key: str
    name: str
    kind: OrganizationKind
    language: str
    currency: str
    street: str
    postal_code: str
    city: str
    country: str
    since: date
    members: tuple[WrittenMember, ...]
    orders: int = 0
    status: OrganizationStatus = OrganizationStatus.ACTIVE
    customer_number: str | None = None
    legal_name: str | None = None
    vat_id: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenPerson:
    """Somebody who is in no organization."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    email: str
    first: str
    last: str
    account_kind: AccountKind
    locale: str
    since: date
    street: str
    postal_code: str
    city: str
    country: str
    vendor_permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenAccount:
    """Somebody one can sign in as, by e-mail address."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    login: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Article:
    """Something that is sold: its name by language, its price by currency, and how many are ordered at once."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    sku: str
    name: Texts
    price: Texts
    quantity: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Basket:
    """A kind of order: who orders so, how often, with what in it. A `digital` one is provided, not sent."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    weight: int
    roles: frozenset[str]
    permissions: frozenset[str]
    articles: tuple[str, ...]
    lines: tuple[int, int]
    digital: bool = False


@dataclass(frozen=True, slots=True)
class WrittenShop:
    """What the organizations order; `approver_roles` release orders that need it, nobody known when there are none."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    number_prefix: str
    approver_roles: frozenset[str]
    articles: tuple[Article, ...]
    baskets: tuple[Basket, ...]


@dataclass(frozen=True, slots=True)
class Staff:
    """A kind of member of an invented organization; `weight` is how common they are, `jobs` their job titles."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    jobs: dict[str, tuple[str, ...]]
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Invention:
    """How organizations are invented; ranges include both ends.

    `names` are patterns with {name} and {city}, by region; `first_member` is who has been there from the beginning.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    first_customer_number: int
    kinds: dict[OrganizationKind, int]
    names: dict[str, tuple[str, ...]]
    members: tuple[int, int]
    orders: tuple[int, int]
    first_member: Staff
    staff: tuple[Staff, ...]


@dataclass(frozen=True, slots=True)
class WrittenDemo:
    """A profile's ``demo.toml``."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    reference: datetime
    accounts: tuple[WrittenAccount, ...]
    organizations: tuple[WrittenOrganization, ...]
    people: tuple[WrittenPerson, ...]
    shop: WrittenShop
    invention: Invention


@dataclass(frozen=True, slots=True)
class Region:
    """Where organizations are: towns as postal code and name, streets, and the currency they buy in."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    currency: str
    towns: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Words:
    """Names to invent people and towns from, and what the shop says of each step of an order.

    Regions are named by country and language (``CH-fr``); `provided` replaces `events` where nothing is sent.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT_KEYS
    first_names: dict[str, tuple[str, ...]]
    last_names: dict[str, tuple[str, ...]]
    regions: dict[str, Region]
    events: dict[OrderStatus, Texts]
    provided: dict[OrderStatus, Texts]


_MOST_PROBLEMS = 20


@cache
def read_demo(text: str, source: str) -> WrittenDemo:
    """Return what stands in a ``demo.toml``.

    Raises:
        InvalidProfile: With the path of each problem of the form, else of the first one.
    """
    demo = _read(WrittenDemo, text, source)
    known = {member.email for organization in demo.organizations for member in organization.members}
    known |= {person.email for person in demo.people}
    for account in demo.accounts:
        if account.login not in known:
            raise InvalidProfile(
                f'{source}: account "{account.login}" is nobody; add a person or member with this email.'
            )
    if demo.reference.tzinfo is None:
        raise InvalidProfile(f"{source}: reference needs a time zone, such as 2026-06-30T12:00:00Z.")
    skus = {article.sku for article in demo.shop.articles}
    for basket in demo.shop.baskets:
        if unknown := [sku for sku in basket.articles if sku not in skus]:
            raise InvalidProfile(
                f'{source}: shop.baskets: there is no article "{unknown[0]}"; add it to shop.articles.'
            )
    _check_languages(demo, source)
    return demo


@cache
def read_words() -> Words:
    """Return the shipped words."""
    file = Path(__file__).with_name("words.toml")
    return _read(Words, file.read_text(encoding="utf-8"), str(file))


def _check_languages(demo: WrittenDemo, source: str) -> None:
    """Return when organizations can be invented in every region and language there is."""
    regions = read_words().regions
    if missing := [region for region in regions if not demo.invention.names.get(region)]:
        raise InvalidProfile(
            f"{source}: invention.names has none for {missing[0]}; it needs a list for each of {', '.join(regions)}."
        )
    languages = sorted({region.partition("-")[2] for region in regions})
    named: list[tuple[str, Mapping[str, object]]] = [
        (f"shop.articles: {article.sku}: name", article.name) for article in demo.shop.articles
    ]
    named += [("invention: jobs", staff.jobs) for staff in (demo.invention.first_member, *demo.invention.staff)]
    for path, texts in named:
        if missing := [language for language in languages if not texts.get(language)]:
            raise InvalidProfile(f"{source}: {path} is missing in {missing[0]}; write it in {', '.join(languages)}.")


def _read(kind: type[Kind], text: str, source: str) -> Kind:
    try:
        return TypeAdapter(kind).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidProfile(f"{source} is not valid TOML: {error}.") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:_MOST_PROBLEMS])
        raise InvalidProfile("\n".join(f"{source}: {problem}." for problem in problems)) from error
