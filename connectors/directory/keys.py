"""Names, addresses and numbers as they are looked up, ordered and compared."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.values import login_key

_LEGAL_FORMS = frozenset(
    (
        *("ag", "bv", "co", "eg", "ek", "ev", "gbr", "ges", "gesellschaft", "gmbh", "inc", "kg", "kgaa", "llc", "llp"),
        *("ltd", "mbh", "nv", "ohg", "plc", "sa", "sarl", "sas", "sasu", "sci", "se", "sl", "snc", "spa", "srl", "ug"),
        *("and", "et", "und"),
    )
)
"""Words that say what kind of organization it is, and those that join names."""


def folded(text: str) -> str:
    """Return the text as it is searched and ordered: neither case nor accents nor umlauts count, and ß is ss.

    Nor do letters that a stroke, a hook or a missing dot makes of others, which Unicode does not take apart (ł, ø),
    and what shows nothing; apostrophes and hyphens are each one sign.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_SIGNS))
    if letters.isascii():
        return letters
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter) and not _IGNORED.match(letter))
    return plain.translate(_PLAIN).casefold()


def search_words(text: str) -> list[str]:
    """Return the words of a search as they are looked for, in any order: all of them stand in what is found.

    Signs around a word are not part of it, unless there is nothing else.
    """
    words = [word.strip(_AROUND) or word for word in re.split(r"[\s,;]+", folded(text)) if word]
    return list(dict.fromkeys(words or text.split()))


def searchable(*texts: str) -> str:
    """Return texts in which `search_words` are looked for, each a line."""
    return "\n".join(" ".join(folded(text).split()) for text in texts)


def _plain_letters() -> dict[int, str]:
    """Return what small letters of Latin are without what is added to them, by their names in Unicode."""
    found = {}
    for code in (*range(0xDF, 0x2B0), *range(0x1D00, 0x1EFF), *range(0x2C60, 0x2C80), *range(0xA720, 0xA800)):
        name = unicodedata.name(chr(code), "")
        if plain := re.fullmatch(r"LATIN SMALL (?:LETTER|LIGATURE) (?:DOTLESS )?([A-Z]|AE|OE)(?: WITH .*)?", name):
            found[code] = plain[1].lower()
    others = {"ð": "d", "þ": "th", "ŋ": "n", "ə": "e", "ɛ": "e", "ɔ": "o", "ی": "ي", "ى": "ي", "ک": "ك"}
    return found | {ord(letter): plain for letter, plain in others.items()}


_SIGNS = str.maketrans({**dict.fromkeys("’‘ʼʻ`´ʹ", "'"), **dict.fromkeys("‐‑‒–—―−", "-")})  # noqa: RUF001
_PLAIN = _plain_letters()
_IGNORED = re.compile(
    "[\u00ad\u034f\u0640\u180b-\u180f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_AROUND = ".:!?\"'()[]{}<>«»„“”‚‹›…·¿¡"  # noqa: RUF001


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
