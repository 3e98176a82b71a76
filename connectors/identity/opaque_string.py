"""Passwords as they are compared: prepared as in the OpaqueString profile of RFC 8265, 4.2."""

import unicodedata

LONGEST = 256
"""The most characters of a password, once it is prepared."""

LONGEST_TYPED = 4 * LONGEST
"""The most code points that may become so many characters: a letter and its accents may come one by one."""


def opaque_string(password: str) -> str:
    """Return the password with plain spaces, composed (NFC).

    One keyboard composes "é", another sends "e" and the accent; one has another space than another. It is the same
    password. A text of more than `LONGEST_TYPED` code points is nobody's password and is returned as it is: to
    compose combining marks takes time that grows with the square of their number, and keeps the interpreter busy.
    """
    if len(password) > LONGEST_TYPED:
        return password
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaced)
