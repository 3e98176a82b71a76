"""Inputs that several mutations take, and fields that several inputs have."""

from collections.abc import Mapping

import strawberry

FIELDS: Mapping[str, str] = {
    "id": "The object's id.",
    "organization_id": "The organization's id.",
    "expected_version": "The object's `version` as you read it; when it is another by now, nothing is done.",
    "reason": "Why, for the audit log.",
    "idempotency_key": "A key of your own for this request: sent again with the same key, it is done once and answered "
    "alike.",
}
"""What these fields mean in every input; a declaration may say it more closely."""


@strawberry.input
class NodeActionInput:
    """Which object."""

    id: strawberry.ID


@strawberry.input
class TokenInput:
    """The secret of a link in a mail."""

    token: str = strawberry.field(description="The token in the link.")
