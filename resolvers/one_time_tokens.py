"""Secrets that somebody proves something with: long, random, and kept only as hashes."""

import hashlib
import secrets


def new_token() -> str:
    """Return a new secret of 256 bits, in letters that stand in a URL as they are."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """Return what is stored of a secret: enough to recognise it, and nothing to use."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
