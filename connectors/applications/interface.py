"""The catalogue of applications as the rest of Forecourt sees it: records, queries and what can go wrong.

Exception
    InvalidCatalogue        what the catalogue is read from cannot be used
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connectors.values import AccountKind, Localized

MOST_APPLICATIONS = 100
"""So many applications a catalogue may have, so no list of them is longer."""

MOST_MODES = 20
"""So many ways of opening it an application may have."""


class LaunchKind(StrEnum):
    """How an application is opened."""

    OIDC_INITIATE_LOGIN = "OIDC_INITIATE_LOGIN"
    DEEP_LINK = "DEEP_LINK"
    EXTERNAL_LINK = "EXTERNAL_LINK"
    MOBILE_APP = "MOBILE_APP"


@dataclass(frozen=True, slots=True)
class CategoryRecord:
    """A group of applications on the page; `position` orders the groups, from 1."""

    key: str
    labels: Localized
    position: int


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """A way in which an application can be opened, such as the PRO mode of an app.

    It is for those for whom the application opens and who hold one of `role_keys` or one of `permissions` there.
    """

    key: str
    labels: Localized
    role_keys: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """An application behind the portal, to whom it is shown and for whom it opens.

    It is shown only to people whose account kind is in `audience`; for everybody else it does not exist. Of those it
    is shown to, it opens for

    - people whose account kind is in `open_to`, without any condition: no organization and no role is asked for;
    - active members of an active organization, when they look at it there, with one of `role_keys` or one of
      `permissions` in that organization, or, when it is `for_every_member`, with neither.

    So an application with the audience private operator and business customer, open to private operators, opens for
    every private operator, and for a business customer only by role or permission. `open_to` is part of `audience`.
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
    open_to: frozenset[AccountKind]
    launch_kind: LaunchKind
    launch_url: str
    parent_key: str | None
    modes: tuple[ModeRecord, ...]
    published_at: datetime | None


class InvalidCatalogue(Exception):
    """The catalogue cannot be used; the message says where, what is wrong and what to write instead."""


class Applications(Protocol):
    """Queries about the catalogue, in the order of the page (category, then position).

    `at_hand` is what `catalogue` returns, where nobody has to be asked for it, else None.
    """

    @property
    def at_hand(self) -> Sequence[ApplicationRecord] | None: ...

    async def catalogue(self) -> Sequence[ApplicationRecord]:
        """Return every published application."""

    async def applications(self, keys: Sequence[str]) -> Sequence[ApplicationRecord | None]:
        """Return the applications with these keys, parallel to `keys`, None where there is none."""
