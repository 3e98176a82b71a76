"""Values: addresses and money."""

import strawberry

from connectors import values
from permissions.access_rules import OPEN
from resolvers import localization as texts
from schema.graph.fields import computed, graph_type, listed
from schema.graph.scalars import CurrencyCode, Decimal, PhoneNumber


@graph_type(of=values.Address, cost=0)
class Address:
    """A postal address."""

    name: str | None = strawberry.field(description="The addressee.")
    company: str | None = strawberry.field(description="The organization in the address.")
    street: list[str] = listed(at_most=4, description="Street and house number, and any further lines above the city.")
    postal_code: str = strawberry.field(
        description="The postal code, in the format of the country; empty where there is none."
    )
    city: str = strawberry.field(description="The city or town.")
    region: str | None = strawberry.field(description="The state, canton or province.")
    country_code: str = strawberry.field(description="The two-letter ISO 3166-1 code of the country.")
    phone: PhoneNumber | None = strawberry.field(description="The telephone number at this address.")


@graph_type(of=values.Money, cost=0)
class Money:
    """An amount of money, exact."""

    amount: Decimal = computed(texts.amount, requires=OPEN, description="The amount in units of the currency.")
    currency: CurrencyCode = strawberry.field(description="The currency.")
    formatted: str = computed(
        texts.formatted, requires=OPEN, description="The amount formatted for people, such as 1.234,50 €."
    )


@strawberry.input
class AddressInput:
    """A postal address."""

    street: list[str] = strawberry.field(description="Street and house number, and any further lines above the city.")
    city: str = strawberry.field(description="The city or town; empty where the country itself is a city.")
    country_code: str = strawberry.field(description="The two-letter ISO 3166-1 code of the country.")
    postal_code: str | None = strawberry.field(
        default=None, description="The postal code, in the format of the country, which most countries require."
    )
    name: str | None = strawberry.field(default=None, description="The addressee.")
    company: str | None = strawberry.field(default=None, description="The organization in the address.")
    region: str | None = strawberry.field(default=None, description="The state, canton or province.")
    phone: PhoneNumber | None = strawberry.field(default=None, description="The telephone number at this address.")


def address_of(address: AddressInput) -> values.Address:
    """Return the address as the back ends know it."""
    return values.Address(
        street=tuple(address.street),
        postal_code=address.postal_code or "",
        city=address.city,
        country_code=address.country_code,
        name=address.name,
        company=address.company,
        region=address.region,
        phone=address.phone,
    )
