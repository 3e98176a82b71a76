"""Orders."""

from operator import attrgetter

import strawberry

from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus
from connectors.wanted import reads
from permissions.access_rules import OPEN
from resolvers.context import RequestContext
from resolvers.localization import in_language
from resolvers.orders import MOST_EVENTS, MOST_LINES, events_of, lines_of
from resolvers.people import person
from schema.graph.backends import Backend
from schema.graph.fields import computed, field, graph_type
from schema.graph.scalars import URL, DateTime
from schema.graph.value_types import Address, Money
from schema.nodes import Node
from schema.people import User


@graph_type(of=OrderLineRecord)
class OrderLine:
    """One line of an order."""

    sku: str = strawberry.field(description="The article's number.")
    name: str = strawberry.field(description="The article's name when it was ordered.")
    quantity: int = strawberry.field(description="The quantity ordered.")
    unit_price: Money = strawberry.field(description="The unit price when it was ordered.")
    total: Money = strawberry.field(description="Quantity times unit price.")


@reads(OrderEventRecord, lambda event: event.messages)
def _message(context: RequestContext, event: OrderEventRecord, *, locale: str | None = None) -> str | None:
    return in_language(context, event.messages, locale) if event.messages else None


@graph_type(of=OrderEventRecord, organization=attrgetter("organization_id"))
class OrderEvent(Node):
    """One step in the history of an order."""

    at: DateTime = strawberry.field(description="When it happened.")
    status: OrderStatus = strawberry.field(description="The status of the order from then on.")
    actor: User | None = field(person("actor_id"), requires=OPEN, description="Who did it; null when it was the shop.")
    message: str | None = computed(_message, requires=OPEN, description="The shop's message.")


@graph_type(of=OrderRecord, organization=attrgetter("organization_id"))
class Order(Node):
    """An order in the shop."""

    number: str = strawberry.field(description="The order number, as printed on documents.")
    created_at: DateTime = strawberry.field(description="When it was begun, as a draft.")
    placed_at: DateTime | None = strawberry.field(description="When it was placed; null for a draft.")
    status: OrderStatus = strawberry.field(description="Its status.")
    placed_by: User | None = field(
        person("placed_by_id"), requires=OPEN, description="Who placed it; null when the shop does not know."
    )
    lines: list[OrderLine] | None = field(
        lines_of,
        requires=OPEN,
        backend=Backend.SHOP,
        at_most=MOST_LINES,
        assumed_size=5,
        description="The lines of the order, in their order.",
    )
    total: Money = strawberry.field(description="The sum of the lines.")
    shipping_address: Address | None = strawberry.field(description="The delivery address.")
    tracking_url: URL | None = strawberry.field(description="Where to track the shipment.")
    events: list[OrderEvent] | None = field(
        events_of,
        requires=OPEN,
        backend=Backend.SHOP,
        at_most=MOST_EVENTS,
        assumed_size=5,
        description="The order's history, oldest first.",
    )
