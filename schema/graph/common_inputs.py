"""Inputs that several mutations take, and fields that several inputs have."""

from collections.abc import Mapping

import strawberry

FIELDS: Mapping[str, str] = {
    "id": "The object's id.",
    "organization_id": "The organization's id.",
    "expected_version": "The object's `version` as you read it; if it has changed since, nothing is done.",
    "reason": "The reason, for the audit log.",
    "idempotency_key": "A key of your choice for this request: repeated with it, the request is carried out once and "
    "answered alike.",
}
"""What these fields mean in every input; a declaration may say it more closely."""


@strawberry.input
class NodeActionInput:
    """The object."""

    id: strawberry.ID


@strawberry.input
class TokenInput:
    """The secret of a link in a mail."""

    token: str = strawberry.field(description="The token in the link.")
