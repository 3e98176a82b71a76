"""Names, addresses and numbers as they are looked up, ordered and compared."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.folding import folded, searchable
from connectors.values import login_key

_LEGAL_FORMS = frozenset(
    (
        *("ag", "bv", "co", "eg", "ek", "ev", "gbr", "ges", "gesellschaft", "gmbh", "inc", "kg", "kgaa", "llc", "llp"),
        *("ltd", "mbh", "nv", "ohg", "plc", "sa", "sarl", "sas", "sasu", "sci", "se", "sl", "snc", "spa", "srl", "ug"),
        *("and", "et", "und"),
    )
)
"""Words that say what kind of organization it is, and those that join names."""


def vat_key(vat_id: str | None) -> str | None:
    """Return a number for value added tax as it is looked up: without blanks, dots and hyphens, in capitals.

    What Switzerland and Norway write after it, in each of their languages, is no part of the number.
    """
    if vat_id is None:
        return None
    return _TAX_WORDS.sub(r"\1", re.sub(r"[\s.\-]", "", vat_id).upper()) or None


_TAX_WORDS = re.compile(r"^(CHE[0-9]{9}|NO[0-9]{9})(?:MWST|TVA|IVA|TPV|MVA)$")


def likeness_key(name: str) -> str:
    """Return an organization's name without what people write now this way, now that: case, signs, legal form."""
    words = re.findall(r"\w+", folded(name).replace(".", "").replace("'", ""))
    return "".join(word for word in words if word not in _LEGAL_FORMS) or "".join(words)


def mail_domain(email: str) -> str:
    """Return the part of an e-mail address after the @, in lower case."""
    return login_key(email).rpartition("@")[2]


def user_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of table `users` that are made of others (see `connectors.directory.migrations.derived`)."""
    first_name, last_name = folded(values["first_name"]), folded(values["last_name"])
    return {
        "email_key": login_key(values["email"]) if values["email_verified"] else values["id"],
        "last_name_key": last_name,
        "first_name_key": first_name,
        "search_text": searchable(f"{values['first_name']} {values['last_name']}", *_spellings(values["email"])),
        "email_domain": mail_domain(values["email"]) if values["email_verified"] else None,
    }


def _spellings(email: str) -> list[str]:
    """Return an address as people write it and, where it is another, as its domain stands in ASCII."""
    key = login_key(email)
    return [email] if key == email.lower() else [email, key]


def organization_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of table `organizations` that are made of others."""
    return {
        "name_key": folded(values["name"]),
        "vat_key": vat_key(values["vat_id"]),
        "likeness_key": likeness_key(values["name"]),
    }


def email_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of tables `invitations` and `registrations` that are made of others."""
    return {"email_key": login_key(values["email"])}


def access_request_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for in one order, by which the same request is noticed."""
    roles, permissions = (sorted(orjson.loads(values[name])) for name in ("role_keys", "permissions"))
    return {"wanted": "\n".join([*roles, "", *permissions])}
