"""What each link of a mail is for: the query that shows it, and the mutations behind the buttons of its page.

The documents are of the public schema, so a page can do what every client can do with the token, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PASSWORD, PASSWORD_AGAIN, TERMS = "password", "passwordAgain", "acceptTerms"
"""Names of fields of forms."""


_ERRORS = (
    "errors { code path ... on ValidationError { constraint } ... on RateLimitError { retryAfterSeconds } "
    "... on InvitationStateError { status } }"
)


@dataclass(frozen=True, slots=True)
class Command:
    """A mutation behind a button. `fields` names the fields of the form, each with the part of the input it fills.

    With `begins_session`, the payload has tokens, for which a page without a script has no use: it signs out.
    """

    mutation: str
    input_type: str
    fields: Mapping[str, str] = field(default_factory=dict)
    begins_session: bool = False
    is_idempotent: bool = False

    @property
    def document(self) -> str:
        """Return the text of the operation."""
        selection = f"accessToken {_ERRORS}" if self.begins_session else _ERRORS
        return f"mutation Page($input: {self.input_type}!) {{ {self.mutation}(input: $input) {{ {selection} }} }}"


@dataclass(frozen=True, slots=True)
class Link:
    """A kind of link: where its page is, the query that says what it is about, and what can be done there."""

    kind: str
    preview: str
    commands: Mapping[str, Command]

    @property
    def path(self) -> str:
        """Return the path of its page."""
        return f"/{self.kind.replace('_', '-')}"


SIGN_OUT = "mutation Page { signOut(input: {}) { accepted } }"

_NEW_ACCOUNT = {
    "firstName": "firstName",
    "lastName": "lastName",
    PASSWORD: "password",
    PASSWORD_AGAIN: "",
    TERMS: "acceptTerms",
}


def _preview(kind: str) -> str:
    fields = "state maskedEmail organizationName expiresAt"
    return f"query Page($token: String!) {{ linkPreview(kind: {kind}, token: $token) {{ {fields} }} }}"


LINKS = (
    Link(
        "invitation",
        "query Page($token: String!, $locale: Locale) { invitationPreview(token: $token) { organizationName "
        "maskedEmail roleLabels(locale: $locale) status expiresAt firstName lastName needsNewAccount } }",
        {
            "accept": Command("acceptInvitation", "AcceptInvitationInput", _NEW_ACCOUNT, begins_session=True),
            "decline": Command("declineInvitation", "TokenInput"),
            "renew": Command("requestNewInvitation", "TokenInput"),
        },
    ),
    Link(
        "registration",
        _preview("REGISTRATION"),
        {
            "confirm": Command(
                "confirmRegistration",
                "ConfirmRegistrationInput",
                {PASSWORD: "password", PASSWORD_AGAIN: ""},
                begins_session=True,
            ),
            "withdraw": Command("withdrawRegistration", "WithdrawRegistrationInput", is_idempotent=True),
        },
    ),
    Link(
        "password_reset",
        _preview("PASSWORD_RESET"),
        {
            "reset": Command(
                "resetPassword",
                "ResetPasswordInput",
                {PASSWORD: "newPassword", PASSWORD_AGAIN: ""},
                begins_session=True,
            )
        },
    ),
    Link("email_change", _preview("EMAIL_CHANGE"), {"confirm": Command("confirmEmailChange", "TokenInput")}),
    Link(
        "account_deletion",
        _preview("ACCOUNT_DELETION"),
        {"keep": Command("cancelAccountDeletion", "CancelAccountDeletionInput")},
    ),
)
"""The kinds of links, as `Portal.page_urls` and the templates of mails call them."""
