"""The catalogue of applications as the rest of Forecourt sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connectors.values import AccountKind, Localized


class LaunchKind(StrEnum):
    """How an application is opened (K2)."""

    OIDC_INITIATE_LOGIN = "OIDC_INITIATE_LOGIN"
    DEEP_LINK = "DEEP_LINK"
    EXTERNAL_LINK = "EXTERNAL_LINK"
    MOBILE_APP = "MOBILE_APP"


@dataclass(frozen=True, slots=True)
class CategoryRecord:
    """A group of applications on the page; `position` orders the groups."""

    key: str
    labels: Localized
    position: int


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """A way in which an application can be opened, by these roles or permissions only (the PRO mode of K52)."""

    key: str
    labels: Localized
    role_keys: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """An application behind the portal and who may open it.

    A member may open it with one of `role_keys`, with one of `permissions`, or when it is `for_every_member`;
    somebody without an organization when their account kind is in `audience` and nothing else is asked for
    (`for_every_account`). An application is only ever shown to the account kinds in `audience`.
    """

    key: str
    names: Localized
    taglines: Localized
    descriptions: Localized
    icon_url: str | None
    category: CategoryRecord
    position: int
    platforms: tuple[str, ...]
    audience: frozenset[AccountKind]
    role_keys: frozenset[str]
    permissions: frozenset[str]
    for_every_member: bool
    for_every_account: bool
    launch_kind: LaunchKind
    launch_url: str
    parent_key: str | None
    modes: tuple[ModeRecord, ...]
    published_at: datetime | None


class Applications(Protocol):
    """Questions about the catalogue, in the order of the page (category, then position)."""

    async def catalogue(self) -> Sequence[ApplicationRecord]:
        """Return every published application."""

    async def applications(self, keys: Sequence[str]) -> Sequence[ApplicationRecord | None]:
        """Return the applications with these keys, parallel to `keys`, None where there is none."""
