"""Values: addresses and money."""

import strawberry

from connectors import values
from permissions.access_rules import OPEN
from resolvers import localization as texts
from schema.graph.fields import computed, field, graph_type, listed
from schema.graph.scalars import CurrencyCode, Decimal, PhoneNumber


@graph_type(of=values.Address, description="A postal address.", cost=0)
class Address:
    """A postal address."""

    name: str | None = strawberry.field(description="For whom.")
    company: str | None = strawberry.field(description="In which company.")
    street: list[str] = listed(at_most=4, description="Street and number, and what else stands above the town.")
    postal_code: str = strawberry.field(description="The postal code, as the country writes it.")
    city: str = strawberry.field(description="The town.")
    region: str | None = strawberry.field(description="The state, canton or province.")
    country_code: str = strawberry.field(description="The country, by its two letters in ISO 3166-1.")
    phone: PhoneNumber | None = strawberry.field(description="The telephone number there.")


@graph_type(of=values.Money, description="An amount of money, exact.", cost=0)
class Money:
    """An amount of money."""

    amount: Decimal = field(texts.amounts, requires=OPEN, description="The amount in units of the currency.")
    currency: CurrencyCode = strawberry.field(description="The currency.")
    formatted: str = computed(
        texts.formatted, requires=OPEN, description="The amount as one writes it, such as 1.234,50 €."
    )


@strawberry.input(description="A postal address.")
class AddressInput:
    """A postal address."""

    street: list[str] = strawberry.field(description="Street and number, and what else stands above the town.")
    postal_code: str = strawberry.field(description="The postal code, as the country writes it.")
    city: str = strawberry.field(description="The town.")
    country_code: str = strawberry.field(description="The country, by its two letters in ISO 3166-1.")
    name: str | None = strawberry.field(default=None, description="For whom.")
    company: str | None = strawberry.field(default=None, description="In which company.")
    region: str | None = strawberry.field(default=None, description="The state, canton or province.")
    phone: PhoneNumber | None = strawberry.field(default=None, description="The telephone number there.")


def address_of(address: AddressInput) -> values.Address:
    """Return the address as the back ends know it."""
    return values.Address(
        street=tuple(address.street),
        postal_code=address.postal_code,
        city=address.city,
        country_code=address.country_code,
        name=address.name,
        company=address.company,
        region=address.region,
        phone=address.phone,
    )
