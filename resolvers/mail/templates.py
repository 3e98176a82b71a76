"""Every mail that the portal writes: what has to stand in it, and which page its link opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from resolvers import texts
from resolvers.mail.pages import page_of

Value = texts.Value | Sequence[texts.Value] | None
"""What stands in a mail: anything that may stand in a text, a list of that, or nothing. INSTANTS are as in RFC 3339."""


class UnknownMail(LookupError):
    """There is no such mail, or something that has to stand in it is missing."""


class InvalidMailTexts(Exception):
    """A file with texts cannot be used; the message names the file, the text and what would be right."""


@dataclass(frozen=True, slots=True)
class Template:
    """A mail; each of `needs` has to be given, each of `may` can be None or left out.

    `page` is the kind of page that its link opens with a token, a key of `Portal.page_urls`; `about` is the page of the
    object that it is about, a key of `pages.PAGES`. With neither, the link leads to the portal's start.
    """

    needs: frozenset[str]
    may: frozenset[str] = frozenset()
    page: str | None = None
    about: str | None = None


def _mail(needs: str = "", may: str = "", page: str | None = None, about: str | None = None) -> Template:
    return Template(frozenset(needs.split()), frozenset(may.split()), page, about)


TEMPLATES: Mapping[str, Template] = {
    "invitation": _mail("organization inviter roles expires_at", "name message", "invitation"),
    "invitation_renewal_wanted": _mail("organization email", about="invitation_sent"),
    "invitation_declined": _mail("organization email", about="invitation_sent"),
    "registration_confirmation": _mail("name", "organization", "registration"),
    "registration_existing_account": _mail("name"),
    "registration_received": _mail("name reference review_due_at", "organization", about="own_registration"),
    "registration_to_review": _mail("reference", "organization overdue", about="registration_review"),
    "registration_approved": _mail("name", "organization customer_number", about="own_registration"),
    "registration_rejected": _mail("name reason", "organization", about="own_registration"),
    "registration_information_wanted": _mail("name question reference", "organization", about="own_registration"),
    "join_request": _mail("organization person email", "message", about="join_request"),
    "join_request_decided": _mail("organization decision", "note", about="own_join_request"),
    "access_request": _mail("organization person wanted", "message", about="access_request"),
    "access_request_decided": _mail("organization decision wanted", "note until", about="access_request"),
    "access_changed": _mail("organization", "by gained lost", about="organization"),
    "membership_ended": _mail("organization"),
    "administration_transferred": _mail("organization from to", about="members"),
    "password_reset": _mail("name", page="password_reset"),
    "password_changed": _mail("name", about="sessions"),
    "email_change_confirmation": _mail("name", page="email_change"),
    "email_change_notice": _mail("name new_address", about="profile"),
    "login_names": _mail("names"),
    "staff_invitation": _mail("name expires_at", page="password_reset"),
    "account_unknown": _mail(),
    "organization_change_to_review": _mail("organization person", "wanted", about="change_review"),
    "organization_change_decided": _mail("organization decision", "note wanted", about="change_request"),
    "account_deletion_scheduled": _mail("name due_at", page="account_deletion"),
    "account_deleted": _mail("name"),
    "data_export_ready": _mail("name expires_at", about="data_export"),
}
"""The mails by the name of their text."""

INSTANTS = frozenset({"expires_at", "review_due_at", "due_at", "until"})
"""Values that are instants; everything else is words."""


def link_to(
    page_urls: Mapping[str, str], template: Template, token: str | None, about: Mapping[str, str] | None = None
) -> str:
    """Return the URL that the link of a mail leads to, with the token in it, or the ids of what the mail is about."""
    if template.about is not None:
        return page_of(page_urls, template.about, about or {})
    return page_urls[template.page or "portal"].replace("{token}", quote(token or "", safe=""))


def template_of(name: str, values: Mapping[str, Any], token: str | None) -> Template:
    """Return the mail's template, for which everything is there.

    Raises:
        UnknownMail: There is no such mail, or one of its values or its token is missing.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise UnknownMail(f"There is no mail {name!r}.")
    missing = sorted(needed for needed in template.needs if values.get(needed) is None)
    if template.page is not None and token is None:
        missing.append("its token")
    if missing:
        raise UnknownMail(f"The mail {name} lacks {', '.join(missing)}.")
    return template
