"""The address book of an organization."""

from operator import attrgetter

import strawberry

from connectors.directory.records.addresses import AddressRecord
from schema.graph.fields import graph_type
from schema.graph.value_types import Address
from schema.nodes import Node


@graph_type(of=AddressRecord, organization=attrgetter("organization_id"))
class AddressBookEntry(Node):
    """An entry in an organization's address book."""

    address: Address = strawberry.field(description="The address.")
    is_default_billing: bool = strawberry.field(description="Whether this is the default address for invoices.")
    is_default_shipping: bool = strawberry.field(description="Whether this is the default address for deliveries.")
