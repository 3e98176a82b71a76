"""Inputs that several mutations take."""

import strawberry


@strawberry.input(description="The object.")
class NodeActionInput:
    """The object."""

    id: strawberry.ID = strawberry.field(description="The object's id.")


@strawberry.input(description="The secret of a link in a mail.")
class TokenInput:
    """The secret of a link in a mail."""

    token: str = strawberry.field(description="The token in the link.")
