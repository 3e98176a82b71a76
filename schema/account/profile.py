"""Your own data."""

from typing import Any

import strawberry

from permissions.access_rules import AUTHENTICATED
from resolvers.account import profile
from resolvers.account.profile import ProfileEdit
from resolvers.context import RequestContext
from schema.graph.mutations import mutation
from schema.graph.scalars import Locale, PhoneNumber
from schema.graph.user_errors import Payload
from schema.graph.value_types import AddressInput, address_of
from schema.viewer import Viewer


@strawberry.input
class UpdateProfileInput:
    """The changes; what is left out stays as it is, null removes it."""

    expected_version: int = strawberry.field(description="The `profileVersion` as you read it.")
    first_name: str | None = strawberry.field(default=strawberry.UNSET, description="The first name.")
    last_name: str | None = strawberry.field(default=strawberry.UNSET, description="The last name.")
    phone: PhoneNumber | None = strawberry.field(default=strawberry.UNSET, description="The telephone number.")
    address: AddressInput | None = strawberry.field(default=strawberry.UNSET, description="The address.")
    locale: Locale | None = strawberry.field(default=strawberry.UNSET, description="Your language.")
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Your time zone, a name of the IANA database such as `Europe/Berlin`."
    )


class ViewerPayload(Payload):
    """You as you are now, or why nothing was changed."""

    viewer: Viewer | None = strawberry.field(
        description="You as you are now; null when nothing was changed, and when you are not signed in."
    )


@strawberry.type
class ProfileMutations:
    """Changes of your own data."""

    @mutation(requires=AUTHENTICATED)
    async def update_profile(self, context: RequestContext, input: UpdateProfileInput) -> ViewerPayload | None:
        """Change your own profile."""
        given: dict[str, Any] = {
            "first_name": input.first_name,
            "last_name": input.last_name,
            "phone": input.phone,
            "address": address_of(input.address) if input.address else input.address,
            "locale": input.locale,
            "time_zone": input.time_zone,
        }
        changed = {key: value for key, value in given.items() if value is not strawberry.UNSET}
        return ViewerPayload(viewer=await profile.update_profile(context, ProfileEdit(changed, input.expected_version)))
