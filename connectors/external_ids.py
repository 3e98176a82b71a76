"""Which id stands for an organization or a person in another back end, as connectors ask for it."""

from collections.abc import Sequence
from typing import Protocol

from connectors.ids import OrganizationId, UserId


class ExternalIds(Protocol):
    """Which id stands for an organization or a person in another back end, as the directory keeps them.

    What an operator mapped counts; for everybody else the rule does: an organization is known by its customer number, a
    person by their confirmed e-mail address. Within one back end, no id ever stands for two organizations, nor for two
    people.

    Every answer is parallel to the list asked with, and costs one call to the directory; None where nothing stands for
    somebody (a connector raises or answers `NotMapped` then), or somebody for nothing.
    """

    async def of_organizations(self, backend: str, ids: Sequence[OrganizationId]) -> Sequence[str | None]:
        """Return the id of each organization in the back end."""

    async def of_people(self, backend: str, ids: Sequence[UserId]) -> Sequence[str | None]:
        """Return the id of each person in the back end; e-mail addresses are in lower case."""

    async def organizations(self, backend: str, external_ids: Sequence[str]) -> Sequence[OrganizationId | None]:
        """Return for which organization each id of the back end stands."""

    async def people(self, backend: str, external_ids: Sequence[str]) -> Sequence[UserId | None]:
        """Return for which person each id of the back end stands; the case of e-mail addresses does not count."""
