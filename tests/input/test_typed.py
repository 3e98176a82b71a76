"""Instants, languages and secrets are read as programs and people write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.languages import language_tag
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.registrations.inputs import _new_reference, reference_in
from resolvers.validation import Misread, read_instant

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["2026-03-01T12:00:00Z", "2026-03-01t12:00:00z", "2026-03-01T13:00:00+01:00", " 2026-03-01 12:00:00.000Z\n"],
)
def test_an_instant_is_read_as_rfc_3339_writes_it(written: str) -> None:
    assert read_instant(written) == NOON


@pytest.mark.parametrize(
    "written",
    [
        "", "tomorrow", "2026-03-01", "2026-03-01T12:00:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "99999-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01",
        "2026-02-30T00:00:00Z", "2026-03-01T25:00:00Z", "2026-03-01T12:00:00+99:00", "\ud800", "1" * 100_000,
    ],
    ids=lambda one: ascii(one)[:30],
)  # fmt: skip
def test_what_is_no_instant_is_refused_in_our_words(written: str) -> None:
    misread = read_instant(written)

    assert isinstance(misread, Misread)
    assert str(misread.problem).endswith(("in the years 1 to 9999.", "such as 2026-03-01T12:00:00Z."))
    assert len(misread.written) <= 64


@given(st.datetimes(timezones=st.timezones()))
def test_every_instant_that_python_knows_is_read_or_refused(instant: datetime) -> None:
    try:
        expected: object = instant.astimezone(UTC)
    except OverflowError:
        expected = None

    read = read_instant(instant.isoformat())

    assert read == expected or (expected is None and isinstance(read, Misread))


@given(st.text(max_size=80))
def test_no_text_makes_python_speak(written: str) -> None:
    assert isinstance(read_instant(written), (datetime, Misread))


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("de", "de"), ("DE", "de"), ("de_CH", "de-CH"), ("fr-ch", "fr-CH"), (" de-DE ", "de-DE"),
        ("de_DE.UTF-8", "de-DE"), ("zh_hant_tw", "zh-Hant-TW"), ("de-CH-u-co-phonebk", "de-CH"), ("es-419", "es-419"),
        ("zz", None), ("german language", None), ("", None), ("-", None), ("d" * 100_000, None),
    ],
    ids=lambda one: str(one)[:30],
)  # fmt: skip
def test_a_language_is_known_however_its_tag_is_written(written: str, tag: str | None) -> None:
    assert language_tag(written) == tag


@pytest.mark.parametrize(
    "around",
    [
        "{} ", "\n{}\r\n", "{}.", "<{}>", "\u201e{}\u201c", "({}),", "'{}'", "\u00a0{}\u200b", "\ufeff{}", "{}!",
        "https://portal.example/invitation?token={}", "<https://portal.example/invitation#token={}>.",
    ],
)  # fmt: skip
def test_a_token_counts_whatever_was_copied_with_it(around: str) -> None:
    for _ in range(20):
        token = new_token()
        assert hash_of(around.format(token)) == hash_of(token)


def test_a_token_counts_that_a_mail_program_has_broken_into_lines() -> None:
    token = new_token()

    for broken in (f"{token[:20]}\r\n  {token[20:]}", f"{token[:20]}=\r\n{token[20:]}", f"{token[:20]}=\n{token[20:]}"):
        assert hash_of(broken) == hash_of(token)


@given(st.text(max_size=60))
def test_no_other_text_is_taken_for_a_token(written: str) -> None:
    token = "TcAGIvkUPxvPqL0Z3tC0pG7UqR2nX5w8yB1dF4hJ6kM"

    assert (hash_of(written) == hash_of(token)) is (token in written)


def test_a_reference_is_found_however_it_is_read_out() -> None:
    for _ in range(50):
        reference = _new_reference()
        spoken = reference.replace("-", " ").replace("0", "o").replace("1", "l").lower()
        assert reference_in(f" {spoken} ") == reference_in(reference) == reference
    assert reference_in("R" * 100_000) == ""
    assert reference_in(" r-demo ") == "R-DEMO"
