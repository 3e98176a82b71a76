"""Everything that Forecourt says to people is translated, and every translation fits."""

import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.messages.pofile import read_po

from permissions.vocabulary import DenialReason
from resolvers.languages import CATALOGUES, LANGUAGES, Reader, reader_of
from resolvers.refusals import ADVICE, Invalid, RefusedTogether
from resolvers.texts import AllOf, AnyOf, Text, restored, stored, translated
from scripts.texts import placeholders, texts_in_code, with_texts

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

GERMAN = Reader(Locale("de"), ZoneInfo("Europe/Berlin"))
FRENCH = Reader(Locale("fr"), ZoneInfo("Europe/Paris"))


def catalogue(language: str) -> dict[str, str]:
    file = CATALOGUES / f"{language}.po"
    return {str(one.id): str(one.string) for one in read_po(BytesIO(file.read_bytes())) if one.id}


def test_every_text_is_a_literal_and_gets_what_its_placeholders_name() -> None:
    wrong = [
        f"{found.file}:{found.line}: "
        + ("write the text itself, with placeholders" if found.words is None else f"{sorted(found.values)} do not fit")
        for found in texts_in_code()
        if found.file != "resolvers/texts.py" and (found.words is None or placeholders(found.words) != found.values)
    ]

    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_text_is_translated(language: str) -> None:
    translated = catalogue(language)

    missing = [
        f"resolvers/catalogues/{language}.po lacks a translation of {found.words!r} ({found.file}:{found.line}); "
        "`make generate` adds the entry"
        for found in texts_in_code()
        if found.words is not None and not translated.get(found.words)
    ]

    assert missing == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = [
        f"resolvers/catalogues/{language}.po: {words!r} and {translation!r} have different placeholders"
        for words, translation in catalogue(language).items()
        if placeholders(words) != placeholders(translation)
    ]

    assert wrong == []


def test_a_new_text_gets_an_empty_entry_and_one_that_is_said_nowhere_goes() -> None:
    before = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n#: gone.py\nmsgid "Said nowhere."\nmsgstr "Nirgends."\n'

    after = with_texts(before)

    assert "Said nowhere." not in after
    assert 'msgid "You are not permitted to do this."\nmsgstr ""\n' in after
    assert with_texts(after) == after


def test_french_has_its_blanks_where_a_line_must_not_break() -> None:
    wrong = [text for text in catalogue("fr").values() if re.search(r" [;:!?»]|« ", text)]

    assert wrong == []


def test_every_reason_has_its_advice() -> None:
    assert list(ADVICE) == list(DenialReason)


def test_lists_labels_days_and_times_to_wait_are_written_as_the_reader_writes_them() -> None:
    labels = {"de": "Einkauf", "en": "Purchase", "fr": "Achats"}
    text = Text("Too many attempts. Please try again {wait}.", wait=timedelta(seconds=61))
    advice = Text("One of these roles would allow it: {roles}.", roles=AnyOf(["A", labels, "C"]))

    assert str(text) == "Too many attempts. Please try again in 2 minutes."
    assert text.to(GERMAN) == "Zu viele Versuche. Bitte versuchen Sie es in 2 Minuten noch einmal."
    assert text.to(FRENCH) == "Trop de tentatives. Veuillez réessayer dans 2 minutes."
    assert str(advice) == "One of these roles would allow it: A, Purchase, or C."
    assert advice.to(GERMAN) == "Eine dieser Rollen würde es erlauben: A, Einkauf oder C."
    assert advice.to(FRENCH) == "L\u2019un de ces rôles le permettrait\u00a0: A, Achats ou C."


def test_a_time_to_wait_is_never_shorter_than_it_is() -> None:
    said = {
        seconds: str(Text("{wait}", wait=timedelta(seconds=seconds))) for seconds in (0.2, 45, 60, 61, 3_601, 90_000)
    }

    assert said == {
        0.2: "in 1 second",
        45: "in 45 seconds",
        60: "in 1 minute",
        61: "in 2 minutes",
        3_601: "in 2 hours",
        90_000: "in 2 days",
    }


def test_an_instant_is_written_in_the_readers_time_zone() -> None:
    instant = datetime(2026, 12, 3, 23, 30, tzinfo=UTC)
    written = [Text("{at}", at=instant).to(reader) for reader in (GERMAN, FRENCH, Reader())]

    assert written == [
        "4. Dezember 2026, 00:30 Uhr (MEZ)",
        "4 décembre 2026 à 00:30 (UTC+01:00)",
        "December 3, 2026, 11:30\u202fPM (UTC)",
    ]


def test_a_text_that_was_stored_is_read_in_any_language() -> None:
    text = Text(
        "{refusal} {advice}",
        refusal=Text("There are {most} roles; list each one once.", most=12),
        advice=AllOf([{"de": "Rolle", "en": "Role"}, AnyOf(["A", "B"]), date(2026, 1, 2), timedelta(seconds=5)]),
    )

    assert restored(stored(text)).to(GERMAN) == text.to(GERMAN)
    assert restored(stored(Text("{at}", at=datetime(2026, 1, 1, tzinfo=UTC)))).to(FRENCH) == (
        "1 janvier 2026 à 01:00 (UTC+01:00)"
    )


@pytest.mark.parametrize(
    ("tags", "locale"),
    [
        (["it", "fr-CH", "de"], "fr_CH"),
        (["de-AT"], "de_AT"),
        ([None, "xx", "nonsense?", "it"], "en"),
        ([], "en"),
    ],
)
def test_the_first_language_that_is_spoken_here_counts_with_its_region(tags: list[str | None], locale: str) -> None:
    assert str(reader_of(tags).locale) == locale


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_nothing_is_translated_as_nothing(language: str) -> None:
    assert translated("", reader_of([language])) == str(Text("").to(reader_of([language]))) == ""


def test_what_is_refused_together_is_put_into_words_for_whoever_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [Invalid(Text("This is not your password. If you have forgotten it, sign out and reset it."), [], "")] * 2
    with monkeypatch.context() as patched:
        patched.setattr(Text, "to", lambda *_: pytest.fail("nobody reads it"))
        together = RefusedTogether([*refused])

    assert str(together) == "; ".join(str(one.message) for one in refused)
