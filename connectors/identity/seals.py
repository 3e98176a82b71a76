"""Keeping secrets in the database for a while: encrypted with a key that is not there."""

from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import InvalidToken, MultiFernet

from connectors.identity.keys import SigningKey, SigningKeys


class BrokenSeal(Exception):
    """The text was sealed with another key, or is no sealed text."""


class Seals:
    """Seals texts so that only processes with the same signing keys read them.

    The key that signs seals; each key of the set opens, so a key may be replaced while something is sealed with it.
    """

    def __init__(self, keys: SigningKeys, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock

    def seal(self, text: str) -> str:
        """Return the text encrypted and authenticated."""
        return self._keys.current.signing_at(self._clock()).fernet.encrypt(text.encode()).decode()

    def fingerprint(self, text: str) -> str:
        """Return 16 hexadecimal digits, the same for the same text, from which nobody without the key finds it out.

        Another signing key makes others of it.
        """
        return self._keys.current.signing_at(self._clock()).fingerprint(text)

    def open(self, sealed: str) -> str:
        """Return the text that was sealed.

        Raises:
            BrokenSeal: It was sealed with a key that is not in use here, or was changed.
        """
        newest_first = MultiFernet([key.fernet for key in reversed(self._keys.current.keys)])
        try:
            return newest_first.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise BrokenSeal("This was sealed with a key that is not in use here, or was changed since.") from error

    async def look_for_keys(self) -> None:
        """Find out whether there are new keys with which something may have been sealed."""
        await self._keys.reload()


def resealed(sealed: str, old: SigningKey, new: SigningKey) -> str | None:
    """Return what was sealed with the old key, sealed with the new one; None for what was not."""
    try:
        return new.fernet.encrypt(old.fernet.decrypt(sealed.encode())).decode()
    except InvalidToken:
        return None
