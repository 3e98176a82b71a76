"""Which characters a text may consist of: those that show something and leave their neighbours alone.

What RFC 8264 (PRECIS, FreeformClass) keeps out of texts for people is refused: controls, characters that turn the
direction of a text, fillers, blanks without width. Three things are wider than there, because living scripts and emoji
need them: joiners also by the rules of Bengali and of emoji, variation selectors and tags after what they vary, and
characters of the newest Unicode that this Python does not know.
"""

import unicodedata
from bisect import bisect_right

_IGNORABLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Unicode's Default_Ignorable_Code_Point, the interlinear annotations and the note head that shows nothing."""

_STARTS = [first for first, _ in _IGNORABLE]
_ZWNJ, _ZWJ, _NO_WIDTH_SPACE, _BRAILLE_BLANK = "\u200c", "\u200d", "\u200b", "\u2800"
_NO_WORD_SPACES = ("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "JAVANESE", "BALINESE", "TAI ", "NEW TAI", "CHAM")
"""Scripts that write no blanks between words and break lines at U+200B, by how their letters' names begin."""

_LONGEST_RUN = 30
"""UAX 15, 13 (Stream-Safe Text Format): no text of any language has more marks in a row; composing takes the square."""

_MOST_MARKS = 4
"""UTS 39, 5.4: more nonspacing marks on one letter belong to no language; they cover the lines above and below."""


def trimmed(text: str) -> str:
    """Return the text composed (NFC), without blanks and invisible characters at both ends."""
    composed = text if _piles_up(text) else unicodedata.normalize("NFC", text)
    start, end = 0, len(composed)
    while start < end and _is_blank(composed[start]):
        start += 1
    while end > start and _is_blank(composed[end - 1]) and not _belongs(composed, end - 1):
        end -= 1
    return composed[start:end]


def _piles_up(text: str) -> bool:
    """Return whether marks stand in a run that no language has; such a text is refused as it is, uncomposed."""
    run = 0
    for one in "" if text.isascii() else text:
        run = run + 1 if unicodedata.combining(one) else 0
        if run > _LONGEST_RUN:
            return True
    return False


def single_spaced(text: str) -> str:
    """Return a text of one line trimmed, each kind of blank in it one plain blank."""
    spaces = "".join(" " if unicodedata.category(one) == "Zs" else one for one in trimmed(text))
    return " ".join(word for word in spaces.split(" ") if word)


def first_unusable(text: str, *, lines: bool = False) -> int | None:
    """Return the index of the first character that may not stand where it stands, None when all may.

    With `lines`, line breaks and tabs may.
    """
    if text.isascii() and text.isprintable():
        return None
    marks: list[str] = []
    for index, one in enumerate(text):
        category = unicodedata.category(one)
        if category[0] == "M" and not _is_ignorable(one):
            if index == 0 or unicodedata.category(text[index - 1]) in ("Zs", "Zl", "Zp", "Cc"):
                return index  # a mark without a letter combines with whatever stands before the text
            new = [mark for mark in unicodedata.normalize("NFD", one) if unicodedata.category(mark) in ("Mn", "Me")]
            if (marks and new and marks[-1] == new[0]) or len(marks) + len(new) > _MOST_MARKS:
                return index
            marks += new
            continue
        if not _is_ignorable(one):
            marks = [mark for mark in unicodedata.normalize("NFD", one)[1:] if unicodedata.category(mark) == "Mn"]
        if category == "Cc":
            if not (lines and one in "\n\t"):
                return index
        elif (
            category in ("Cs", "Co", "Zl", "Zp")
            or (category == "Cn" and (ord(one) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(one) <= 0xFDEF))
            or ((_is_ignorable(one) or one == _BRAILLE_BLANK) and not _belongs(text, index))
        ):
            return index
    return None


def name_of(character: str) -> str:
    """Return how to call a character that nobody sees, such as ``U+200B (zero width space)``."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")


def _is_ignorable(character: str) -> bool:
    at = bisect_right(_STARTS, ord(character)) - 1
    return at >= 0 and ord(character) <= _IGNORABLE[at][1]


def _is_joiner(character: str) -> bool:
    return character in (_ZWNJ, _ZWJ)


def _is_blank(character: str) -> bool:
    return character.isspace() or _is_ignorable(character) or character == _BRAILLE_BLANK


def _belongs(text: str, index: int) -> bool:
    """Return whether a character that shows nothing itself does something to those around it here."""
    one, code = text[index], ord(text[index])
    if index == 0:
        return False
    before, after = text[index - 1], text[index + 1 : index + 2]
    if _is_joiner(one):
        return _joins(text, index)
    if one == _NO_WIDTH_SPACE:
        return all(unicodedata.name(side, "").startswith(_NO_WORD_SPACES) for side in (before, after or " "))
    if one == _BRAILLE_BLANK:
        return all(unicodedata.name(side, "").startswith("BRAILLE") for side in (before, after or " "))
    if 0xE0100 <= code <= 0xE01EF:
        return _is_ideograph(before)
    if 0x180B <= code <= 0x180F:
        return code != 0x180E and unicodedata.name(before, "").startswith("MONGOLIAN")
    if 0xFE00 <= code <= 0xFE0F:
        if before in "0123456789#*":
            return after == "\u20e3"
        return _is_symbol(before) or _is_ideograph(before) or before in "\u2139\u203c\u2049\u3030" or _varies(before)
    if 0xE0020 <= code <= 0xE007F:
        start = index
        while start and 0xE0020 <= ord(text[start]) <= 0xE007F:
            start -= 1
        end = text.find("\U000e007f", index)
        return text[start] == "\U0001f3f4" and end >= 0 and all(ord(tag) >= 0xE0020 for tag in text[index:end])
    return False


def _joins(text: str, index: int) -> bool:
    """Return whether a joiner stands where RFC 5892, A.1 and A.2, Bengali or an emoji needs it."""
    before, after = text[index - 1], text[index + 1 : index + 2]
    if after and unicodedata.combining(after) == 9 and unicodedata.category(before) == "Lo":
        return True  # Bengali: ra, joiner, hasanta, ya
    if (
        text[index] == _ZWNJ
        and after
        and all(unicodedata.bidirectional(side) in ("AL", "NSM") for side in (before, after))
    ):
        return True  # Persian sets the parts of a word apart, after letters that do not join, too
    if text[index] == _ZWJ and after and _is_symbol(after):
        return _is_symbol(before) or before == "\ufe0f"
    import idna.core  # few texts have joiners, and its tables are large

    window = text[max(0, index - 20) : index + 20]
    try:
        return idna.core.valid_contextj(window, min(index, 20))
    except ValueError:  # a neighbour without a name
        return False


def _is_symbol(character: str) -> bool:
    if character.isascii():
        return False
    return unicodedata.category(character) in ("So", "Sm") or 0x1F000 <= ord(character) <= 0x1FAFF


def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK") and unicodedata.category(character) == "Lo"


def _varies(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("MYANMAR", "PHAGS-PA", "MANICHAEAN"))
