"""What the link of a mail is about, for whoever holds its token."""

import strawberry

from permissions.access_rules import OPEN
from resolvers.mail import links as mail_links
from resolvers.mail.links import MailLinkKind, MailLinkState
from schema.graph.fields import graph_type, root
from schema.graph.scalars import DateTime, Locale


@graph_type(of=mail_links.MailLinkPreview)
class MailLinkPreview:
    """What a link in a mail is about, for whoever holds it. Of a link that is VOID, nothing more is said."""

    kind: MailLinkKind = strawberry.field(description="The purpose of the link.")
    state: MailLinkState = strawberry.field(description="Whether the link can be used.")
    expires_at: DateTime | None = strawberry.field(
        description="When the link expires; for ACCOUNT_DELETION, when the account will be deleted."
    )
    masked_email: str | None = strawberry.field(
        description="The address of the account, masked so that only its owner recognizes it; for EMAIL_CHANGE, the "
        "new one."
    )
    organization_name: str | None = strawberry.field(
        description="The name of the organization that one is invited to or that is being registered; null for every "
        "other link."
    )
    locale: Locale | None = strawberry.field(description="The language of the person to whom the link was sent.")
    can_request_new: bool = strawberry.field(
        description="Whether a new mail can be had without signing in: by `requestNewInvitation`, "
        "`resendRegistrationMail` or `requestPasswordReset`."
    )


@strawberry.type
class MailLinkQueries:
    """Queries with the token of a mail's link."""

    link_preview: MailLinkPreview = root(
        mail_links.link_preview,
        requires=OPEN,
        cost=20,
        description="What a link in a mail is about, without using it.",
        arguments={"kind": "The purpose of the link.", "token": "The token from the mail's link."},
    )
