"""What of ours an extension may add to."""

from collections.abc import Mapping

from schema.graph.build import Query
from schema.members.types import Membership
from schema.orders import Order
from schema.organizations.types import Organization
from schema.people import User
from schema.viewer import Viewer

EXTENDABLE: Mapping[type, str] = {cls: cls.__name__ for cls in (Organization, Viewer, Membership, User, Order, Query)}
"""The types that take fields of extensions, each with its name in the graph."""


class InvalidExtension(Exception):
    """The extension cannot be part of the portal; the message says what is wrong and what to write."""
