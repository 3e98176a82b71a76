"""Changing how to reach an organization, and its address book."""

import strawberry

from connectors.ids import AddressId, OrganizationId
from permissions.access_rules import CHANGE_ORGANIZATION, USE_ADDRESS_BOOK
from resolvers.context import RequestContext
from resolvers.organizations import addresses
from resolvers.organizations import queries as organizations
from resolvers.organizations.addresses import AddressEdit
from schema.graph.common_inputs import NodeActionInput
from schema.graph.mutations import in_organization, mutation, of_object
from schema.graph.scalars import URL, EmailAddress, PhoneNumber
from schema.graph.user_errors import Payload
from schema.graph.value_types import AddressInput, address_of
from schema.organizations.addresses import AddressBookEntry
from schema.organizations.types import Organization


@strawberry.input
class UpdateOrganizationInput:
    """The changes; what is left out stays as it is, null removes it."""

    id: strawberry.ID
    expected_version: int
    phone: PhoneNumber | None = strawberry.field(default=strawberry.UNSET, description="The telephone number.")
    email: EmailAddress | None = strawberry.field(default=strawberry.UNSET, description="Its e-mail address.")
    website: URL | None = strawberry.field(default=strawberry.UNSET, description="The website.")


@strawberry.input
class SaveAddressInput:
    """An entry to save in the address book."""

    organization_id: strawberry.ID
    entry_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the entry to change; without it, a new entry is added."
    )
    address: AddressInput = strawberry.field(description="The whole address.")
    default_billing: bool | None = strawberry.field(
        default=None, description="Whether this becomes the default address for invoices; left out, it stays as it is."
    )
    default_shipping: bool | None = strawberry.field(
        default=None,
        description="Whether this becomes the default address for deliveries; left out, it stays as it is.",
    )
    idempotency_key: str | None = None


class OrganizationPayload(Payload):
    """The organization as it is now, or why nothing was changed."""

    organization: Organization | None = strawberry.field(
        description="The organization as it is now; null when nothing was changed."
    )


class SaveAddressPayload(Payload):
    """The entry and its organization as they are now, or why nothing was changed."""

    entry: AddressBookEntry | None = strawberry.field(
        description="The entry as it is now; null when nothing was changed."
    )
    organization: Organization | None = strawberry.field(
        description="The organization as it is now; null when nothing was changed."
    )


@strawberry.type
class OrganizationMutations:
    """Changing how to reach an organization, and its address book."""

    @mutation(requires=CHANGE_ORGANIZATION, within=in_organization("input.id"))
    async def update_organization(
        self, context: RequestContext, input: UpdateOrganizationInput
    ) -> OrganizationPayload | None:
        """Change the contact data of an organization. Its name and registered office change only by
        `requestOrganizationChange`.
        """
        given = {"phone": input.phone, "email": input.email, "website": input.website}
        values = {key: value for key, value in given.items() if value is not strawberry.UNSET}
        organization_id = OrganizationId(input.id)
        return OrganizationPayload(
            organization=await organizations.update_organization(
                context, organization_id, values, input.expected_version
            )
        )

    @mutation(requires=USE_ADDRESS_BOOK, within=in_organization())
    async def save_address(self, context: RequestContext, input: SaveAddressInput) -> SaveAddressPayload | None:
        """Add an entry to the organization's address book, or change one. An entry that becomes a default replaces the
        previous default.
        """
        edit = AddressEdit(
            OrganizationId(input.organization_id),
            AddressId(input.entry_id) if input.entry_id is not None else None,
            address_of(input.address),
            input.default_billing,
            input.default_shipping,
        )
        entry = await addresses.save_address(context, edit, input.idempotency_key)
        return SaveAddressPayload(
            entry=entry, organization=await organizations.organization(context, id=edit.organization_id)
        )

    @mutation(requires=USE_ADDRESS_BOOK, within=of_object("adr", "input.id"))
    async def delete_address(self, context: RequestContext, input: NodeActionInput) -> OrganizationPayload | None:
        """Delete an entry from the organization's address book."""
        organization_id = await addresses.delete_address(context, AddressId(input.id))
        return OrganizationPayload(organization=await organizations.organization(context, id=organization_id))
