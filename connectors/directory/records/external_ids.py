"""Which id stands for an organization or a person in another back end, as an operator mapped it."""

from dataclasses import dataclass

from connectors.ids import OrganizationId, UserId


@dataclass(frozen=True, slots=True)
class ExternalIdRecord:
    """In the back end, `external_id` stands for the organization or the person."""

    backend: str
    owner_id: OrganizationId | UserId
    external_id: str
