"""Keeping secrets in the database for a while: encrypted with a key that is not there."""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class BrokenSeal(Exception):
    """The text was sealed with another key, or is no sealed text."""


class Seals:
    """Seals texts so that only processes with the same signing key read them."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        # RFC 5869: a key of its own for each purpose, from which the signing key cannot be found out.
        derived = HKDF(SHA256(), 32, salt=None, info=b"forecourt outbox").derive(raw)
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))
        self._fingerprint_key = HKDF(SHA256(), 32, salt=None, info=b"forecourt fingerprints").derive(raw)

    def seal(self, text: str) -> str:
        """Return the text encrypted and authenticated."""
        return self._fernet.encrypt(text.encode()).decode()

    def fingerprint(self, text: str) -> str:
        """Return 16 hexadecimal digits, the same for the same text, from which nobody without the key finds it out."""
        return hmac.digest(self._fingerprint_key, text.encode(errors="replace"), "sha256")[:8].hex()

    def open(self, sealed: str) -> str:
        """Return the text that was sealed.

        Raises:
            BrokenSeal: It was sealed with another key, or was changed.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise BrokenSeal("This was sealed with another signing key, or was changed since.") from error
