"""What the link of a mail is about, for whoever holds its token."""

import strawberry

from permissions.access_rules import OPEN
from resolvers.mail import links as mail_links
from schema.graph.fields import graph_type, root
from schema.graph.scalars import DateTime


@graph_type(of=mail_links.MailLinkPreview)
class MailLinkPreview:
    """What a link in a mail is about, for whoever holds it."""

    masked_email: str = strawberry.field(
        description="The address of the account, masked so that only its owner recognizes it; for EMAIL_CHANGE, the "
        "new one."
    )
    organization_name: str | None = strawberry.field(
        description="The name of the organization being registered; null for every other link."
    )
    expires_at: DateTime = strawberry.field(
        description="When the link expires; for ACCOUNT_DELETION, when the account will be deleted."
    )


@strawberry.type
class MailLinkQueries:
    """Queries with the token of a mail's link."""

    mail_link_preview: MailLinkPreview | None = root(
        mail_links.mail_link_preview,
        requires=OPEN,
        cost=20,
        description="What a link in a mail is about; null when it is unknown, was used, or has expired.",
        arguments={"kind": "The purpose of the link.", "token": "The token from the mail's link."},
    )
