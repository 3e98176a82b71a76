"""Secrets that somebody proves something with: long, random, and kept only as hashes."""

import hashlib
import re
import secrets
import unicodedata


def new_token() -> str:
    """Return a new secret of 256 bits, in letters that stand in a URL as they are."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """Return what is stored of a secret: enough to recognise it, and nothing to use.

    It is that of the secret alone, whatever came along when somebody copied it or its link from a mail: blanks and line
    breaks, brackets, quotes, the full stop of the sentence.
    """
    return hashlib.sha256(_secret_in(token).encode(errors="replace")).digest()


def _secret_in(pasted: str) -> str:
    if len(pasted) > _LONGEST or _SECRET.fullmatch(pasted):
        return pasted
    # A mail program breaks a long line, and writes "=" where it does.
    joined = "".join(pasted.replace("=\r\n", "").replace("=\n", "").split())
    seen = "".join(one for one in joined if unicodedata.category(one) != "Cf").rpartition("token=")[2]
    found = _WITH_SIGNS_AROUND.fullmatch(seen)
    return found[1] if found else pasted


_LONGEST = 1_000
_SECRET = re.compile("[A-Za-z0-9_-]+")
_WITH_SIGNS_AROUND = re.compile("[^A-Za-z0-9_-]*([A-Za-z0-9_-]+)[^A-Za-z0-9_-]*")
