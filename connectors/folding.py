"""Text as it is searched and sorted, by every back end of ours alike."""

import re
import unicodedata


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
    if not text:
        return []
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
