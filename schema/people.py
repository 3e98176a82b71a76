"""People."""

from operator import attrgetter

import strawberry

from connectors.directory.records.people import UserRecord
from permissions.access_rules import OPEN, SEE_CONTACT_DATA
from resolvers import people
from schema.graph.fields import attribute, computed, graph_type
from schema.graph.scalars import DateTime, EmailAddress, Locale, PhoneNumber
from schema.nodes import Node


@graph_type(of=UserRecord, organization=attrgetter("seen_in"), person=attrgetter("id"), read_once=True)
class User(Node):
    """A person."""

    display_name: str = computed(people.display_name, requires=OPEN, description="The first and last name.")
    first_name: str | None = computed(people.first_name, requires=OPEN, description="The first name.")
    last_name: str | None = strawberry.field(description="The last name.")
    email: EmailAddress | None = computed(
        people.address_of, requires=SEE_CONTACT_DATA, description="The e-mail address."
    )
    phone: PhoneNumber | None = attribute("phone", requires=SEE_CONTACT_DATA, description="The telephone number.")
    locale: Locale | None = attribute("locale", requires=SEE_CONTACT_DATA, description="The person's language.")
    time_zone: str | None = attribute(
        "time_zone",
        requires=SEE_CONTACT_DATA,
        description="The person's time zone, such as `Europe/Berlin`, in which mails to them write times; null: the "
        "portal's.",
    )
    created_at: DateTime = strawberry.field(description="When the person's account was created.")
