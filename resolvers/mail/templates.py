"""Every mail that the portal writes: what has to stand in it, and which page its link opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Value = str | Sequence[str] | None
"""What stands in a mail: a text, a list of them, or nothing. Instants are texts as in RFC 3339."""


class UnknownMail(LookupError):
    """There is no such mail, or something that has to stand in it is missing."""


class InvalidMailTexts(Exception):
    """A file with texts cannot be used; the message names the file, the text and what would be right."""


@dataclass(frozen=True, slots=True)
class Template:
    """A mail; each of `needs` has to be given, each of `may` can be None or left out.

    `page` is the kind of page that its link opens with a token, a key of `Portal.page_urls`; None: the link leads to
    the portal's start.
    """

    needs: frozenset[str]
    may: frozenset[str] = frozenset()
    page: str | None = None


def _mail(needs: str = "", may: str = "", page: str | None = None) -> Template:
    return Template(frozenset(needs.split()), frozenset(may.split()), page)


TEMPLATES: Mapping[str, Template] = {
    "invitation": _mail("organization inviter roles expires_at", "name message", "invitation"),
    "invitation_renewal_wanted": _mail("organization email"),
    "invitation_declined": _mail("organization email"),
    "registration_confirmation": _mail("name", "organization", "registration"),
    "registration_existing_account": _mail("name"),
    "registration_received": _mail("name reference review_due_at", "organization"),
    "registration_to_review": _mail("reference", "organization overdue"),
    "registration_approved": _mail("name", "organization customer_number"),
    "registration_rejected": _mail("name reason", "organization"),
    "registration_information_wanted": _mail("name question reference", "organization"),
    "join_request": _mail("organization person email", "message"),
    "join_request_decided": _mail("organization decision", "note"),
    "access_request": _mail("organization person wanted", "message"),
    "access_request_decided": _mail("organization decision wanted", "note until"),
    "access_changed": _mail("organization", "by gained lost"),
    "membership_ended": _mail("organization"),
    "administration_transferred": _mail("organization from to"),
    "password_reset": _mail("name", page="password_reset"),
    "password_changed": _mail("name"),
    "email_change_confirmation": _mail("name", page="email_change"),
    "email_change_notice": _mail("name new_address"),
    "login_names": _mail("names"),
    "staff_invitation": _mail("name expires_at", page="password_reset"),
    "account_unknown": _mail(),
    "organization_change_to_review": _mail("organization person", "wanted"),
    "organization_change_decided": _mail("organization decision", "note wanted"),
    "account_deletion_scheduled": _mail("name due_at", page="account_deletion"),
    "account_deleted": _mail("name"),
    "data_export_ready": _mail("name expires_at"),
}
"""The mails by the name of their text."""

INSTANTS = frozenset({"expires_at", "review_due_at", "due_at", "until"})
"""Values that are instants; everything else is words."""


def link_to(page_urls: Mapping[str, str], page: str | None, token: str | None) -> str:
    """Return the URL of a kind of page, a key of `Portal.page_urls` (None: its start), with the token in it."""
    return page_urls[page or "portal"].replace("{token}", quote(token or "", safe=""))


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
