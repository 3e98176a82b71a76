"""People."""

from operator import attrgetter

import strawberry

from connectors.directory.records.people import UserRecord
from permissions.vocabulary import Permission
from resolvers import people
from schema.graph.fields import attribute, computed, graph_type
from schema.graph.guards import OPEN, any_of
from schema.graph.scalars import DateTime, EmailAddress, Locale, PhoneNumber
from schema.nodes import Node

CONTACT = any_of(Permission.MEMBER_VIEW, Permission.MEMBER_MANAGE, or_self=True, personal=True)
"""Contact details are for the person and for those who may see the members of a company the two share."""


@graph_type(
    of=UserRecord,
    description="A person.",
    organization=attrgetter("seen_in"),
    person=attrgetter("id"),
)
class User(Node):
    """A person."""

    display_name: str = computed(people.display_name, requires=OPEN, description="First and last name.")
    first_name: str | None = strawberry.field(description="The first name.")
    last_name: str | None = strawberry.field(description="The last name.")
    email: EmailAddress | None = attribute("email", requires=CONTACT, description="The e-mail address.")
    phone: PhoneNumber | None = attribute("phone", requires=CONTACT, description="The telephone number.")
    locale: Locale | None = attribute("locale", requires=CONTACT, description="The language the person reads.")
    created_at: DateTime = strawberry.field(description="Since when the person has an account.")
