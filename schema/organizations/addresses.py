"""The address book of a company."""

from operator import attrgetter

import strawberry

from connectors.directory.records.addresses import AddressRecord
from schema.graph.fields import graph_type
from schema.graph.value_types import Address
from schema.nodes import Node


@graph_type(
    of=AddressRecord,
    description="An address in a company's book.",
    organization=attrgetter("organization_id"),
)
class AddressBookEntry(Node):
    """An address in a company's book."""

    address: Address = strawberry.field(description="The address.")
    is_default_billing: bool = strawberry.field(description="Whether invoices go there unless another is chosen.")
    is_default_shipping: bool = strawberry.field(description="Whether goods go there unless another is chosen.")
