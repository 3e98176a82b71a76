"""Seeing the portal as a member would: the header that asks for it, and what it does to an answer."""

from collections.abc import Iterable
from typing import Any

from gateway.server.request_errors import RefusedRequest
from resolvers.context import RequestContext
from resolvers.view_as import ViewIsReadOnly

REFUSED = "VIEW_AS_REFUSED"
READ_ONLY = "VIEW_AS_READ_ONLY"


def check_changes_nothing(context: RequestContext, are_mutations: Iterable[bool]) -> None:
    """Return unless somebody who looks as a member sent a mutation; called before anything is executed.

    Raises:
        RefusedRequest: They did.
    """
    if context.view_as is not None and any(are_mutations):
        raise RefusedRequest(403, READ_ONLY, context.in_words(ViewIsReadOnly().message), viewAs=mark_of(context))


def mark_of(context: RequestContext) -> dict[str, Any] | None:
    """Return what stands in `extensions.viewAs` of every answer; None for somebody who looks as themself."""
    view = context.view_as
    if view is None:
        return None
    mark: dict[str, Any] = {
        "membershipId": view.membership_id,
        "displayName": view.display_name,
        "by": view.by,
    }
    if context.discloses in ("permission", "full"):  # these are permissions that whoever looks lacks
        mark["withheld"] = [permission.value for permission in view.withheld]
    return mark
