"""Names and texts show all that they say: every living script stays, what is invisible or turns others does not."""

# ruff: noqa: RUF001

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.characters import first_unusable, name_of, single_spaced, trimmed
from resolvers.refusals import Invalid
from resolvers.validation import message, text

NAMES = {
    "Arabic": "عبد الله بن محمد",
    "Arabic with vowels": "مُحَمَّد",
    "Armenian": "Արամ Խաչատրյան",
    "Bengali": "রবীন্দ্রনাথ ঠাকুর",
    "Bengali with a joiner": "র‍্যাচেল",
    "Burmese": "အောင်ဆန်းစုကြည်",
    "Canadian syllabics": "ᐃᓄᒃ ᑎᑐᑦ",
    "Catalan": "Col·lectiu Solar",
    "Cherokee": "ᏣᎳᎩ",
    "Chinese": "毛泽东",
    "Czech": "Dvořák",
    "Emoji": "Anna ❤️ 👩‍🔧",
    "Emoji, a family": "👨‍👩‍👧‍👦",
    "Emoji, a flag of a country's part": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "Emoji, a keycap": "1️⃣ GmbH",
    "Emoji, a skin": "👨🏽‍💻",
    "Emoji, newer than this Python": "🫨",
    "Ethiopic": "ኃይለ ሥላሴ",
    "French": "Société d’Énergie",
    "Georgian": "ზვიად გამსახურდია",
    "German": "Jörg Weiß",
    "Greek": "Ελένη Παπαδοπούλου",
    "Gujarati": "નરેન્દ્ર મોદી",
    "Hawaiian": "Kalaniʻōpuʻu",
    "Hebrew": "דוד בן־גוריון",
    "Hebrew with vowels": "שָׁלוֹם",
    "Hindi": "क्षितिज शर्मा",
    "Hindi with a joiner": "न्‍याय",
    "Icelandic": "Guðmundur Þórsson",
    "Japanese": "山田　太郎",
    "Japanese with a variant": "葛󠄀城",
    "Kannada": "ಕುವೆಂಪು ಕ್ಷ",
    "Khmer": "ស៊ីម សុខា",
    "Khmer with a break": "ស្រី​ស្រស់",
    "Korean": "김민수",
    "Kurdish": "هه‌ولێر",
    "Lao": "ສົມສະຫວາດ",
    "Malayalam, an old chillu at the end": "മോഹന്‍",
    "Marathi": "दऱ्‍या",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ",
    "Persian": "محمد رضا‌پور",
    "Persian verb": "می‌خواهم",
    "Punjabi": "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "Russian": "Фёдор Достоевский",
    "Sinhala": "ශ්‍රී ලංකා",
    "Tamil": "கிருஷ்ணன்",
    "Telugu": "పి. వి. నరసింహారావు",
    "Thai": "สมชาย น้ำฝน",
    "Tibetan": "བསྟན་འཛིན་རྒྱ་མཚོ",
    "Turkish": "İpek Yıldız",
    "Urdu": "محمّد اقبال",
    "Vietnamese": "Nguyễn Thị Ánh",
    "Yoruba": "Adékúnlé Ọ̀ṣun",
}

UNUSABLE = [
    "An\u200bna",  # a blank without width
    "An\u2060na",
    "An\ufeffna",
    "Jo\u00adrg",  # a soft hyphen
    "An\u200dna",  # joiners where nothing joins
    "An\u200cna",
    "Anna\u202egpj.exe",  # the direction turned
    "Anna\u202a B",
    "An\u2066na",
    "An\u200ena",
    "An\u200fna",
    "An\u061cna",
    "\u0301Anna",  # marks without a letter
    "An \u0301na",
    "a\u0301\u0301",
    "Z\u0316\u0301\u0317\u0302\u0318x",  # marks over marks
    "A\u3164B",  # fillers
    "A\u115fB",
    "A\uffa0B",
    "A\u2800B",
    "A\u034fB",
    "A\U000e0041B",  # tags without a flag
    "\U0001f3f4\U000e0067\U000e0062B",
    "A\ufe0fB",  # a variation of nothing
    "A\U000e0100B",
    "A\U0001d159B",
    "A\ufff9B",
    "A\ue000B",  # private, unknown for ever, halves of a character
    "A\ufffeB",
    "A\ufdd0B",
    "A\ud800B",
    "A\x00B",
    "A\x1bB",
    "A\u0085B",
    "A\u2028B",
    "A\nB",
    "A\tB",
]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_of_every_script_stays(name: str) -> None:
    once = text(name, ["name"])

    assert once == text(once, ["name"])
    assert once == unicodedata.normalize("NFC", name).replace("\u3000", " ")
    assert message(f"{name}\n{name}", ["name"]) == trimmed(f"{name}\n{name}")


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_what_shows_nothing_or_changes_its_neighbours_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        text(name, ["name"])

    assert (refused.value.constraint, refused.value.path) == ("printable", ["name"])


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b\u00a0", "\u3164", "\u2800\u2800", "\ufeff", "\u200d", "\ufe0f"], ids=ascii
)
def test_what_shows_nothing_at_all_is_no_name(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        text(name, ["name"])

    assert refused.value.constraint == "length 1..100"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\ufeff\u200b Anna \u200e\u00a0", "Anna"),
        ("Anna\u00a0 \u2003Maria", "Anna Maria"),
        ("Jo\u0308rg", "Jörg"),
        ("Anna\u202c", "Anna"),
    ],
)
def test_what_is_invisible_at_the_ends_is_left_out(written: str, kept: str) -> None:
    assert text(written, ["name"]) == kept


def test_a_message_keeps_its_lines() -> None:
    assert message(" One\r\n\r\n\tTwo \n", ["message"]) == "One\n\n\tTwo"


def test_whoever_typed_what_cannot_be_seen_learns_where_it_stands() -> None:
    with pytest.raises(Invalid, match=r"Remove the character U\+200B \(zero width space\) after “An”"):
        text("An\u200bna", ["name"])


@given(st.text(st.characters(categories=("L", "Nd", "P")), min_size=1, max_size=40))
def test_letters_digits_and_signs_alone_are_always_usable(written: str) -> None:
    cleaned = single_spaced(written)
    at = first_unusable(cleaned)

    assert at is None or cleaned[at] in "\u115f\u1160\u3164\uffa0" or unicodedata.category(cleaned[at])[0] == "M"


@given(st.text(max_size=60))
def test_what_is_accepted_is_accepted_again_and_is_the_same(written: str) -> None:
    try:
        once = text(written, ["name"])
    except Invalid:
        return

    assert text(once, ["name"]) == once
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Co", "Zl", "Zp") for one in once)


@given(st.text(st.characters(categories=("Cf", "Cc", "Co", "Mn")), min_size=1, max_size=8))
def test_what_is_made_of_invisible_characters_alone_is_no_name(written: str) -> None:
    cleaned = single_spaced(written)

    assert cleaned == "" or first_unusable(cleaned) is not None or unicodedata.category(cleaned[0]) == "Cf", name_of(
        cleaned[0]
    )


_LONG = 20_000


@pytest.mark.parametrize(
    "written",
    [
        "a" + "\U000e0061" * _LONG,  # tags, of which seven stand after a flag
        "\U0001f3f4" + "\U000e0061" * _LONG,
        "a" + "\U000e0061" * _LONG + "b",
        "a" + "\u200d" * _LONG,  # joiners, which join nothing
        "a" + "\u0300\u0316" * (_LONG // 2),  # marks, which normalization sorts
        "a" + "\u0300" * _LONG + "\u0316" * _LONG,
    ],
)
def test_what_is_long_takes_no_longer_than_its_length(written: str) -> None:
    began = process_time()

    first_unusable(single_spaced(written))

    assert process_time() - began < 1


def test_a_letter_with_more_marks_than_any_has_is_refused_composed_or_not() -> None:
    for marks in (5, 30, 31, 100):
        with pytest.raises(Invalid):
            text("a" + "\u0300\u0316" * marks, ["name"], 200)
