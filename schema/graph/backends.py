"""Which application behind the gateway fills a field, as it stands in the printed schema: ``@backend``."""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location


@strawberry.enum(name="BackendName", description="An application behind the gateway.")
class Backend(Enum):
    """An application behind the gateway."""

    SHOP = strawberry.enum_value("SHOP", description="The shop: articles and orders.")


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="backend")
class BackendDirective:
    """Is filled by this application; null, with an error that says so, while it does not answer."""

    name: Backend
