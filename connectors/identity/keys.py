"""The keys that sign access tokens and, by others derived from them, seal secrets: each replaced with overlap.

A key set is a PEM file and those that stand beside it under its name and their own key id: `signing_key.pem`,
`signing_key.<key id>.pem`. Lines before the PEM say when a key was made and from when on it signs. Every key of the
set is published and verifies; the one that began to sign last signs.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from connectors.private_files import keep_private, make_private_folder, warn_if_public

ALGORITHM = "EdDSA"

PUBLISHED_FOR = timedelta(minutes=5)
"""How long others may keep the published key set (RFC 9111, max-age)."""

ANNOUNCED_FOR = 2 * PUBLISHED_FOR
"""How long a new key is published before it signs: by then every cache and every process has it."""

REREAD_EVERY = 30.0
"""Seconds after which a process looks whether the files have changed."""

_REREAD_FOR_STRANGERS_EVERY = 10.0
"""Seconds between two looks because a token names a key that nobody knows: forged tokens must not cause more."""

_CREATED, _SIGNS_FROM = "Created", "Signs-From"
_BEGINNING = datetime.min.replace(tzinfo=UTC)

log = logging.getLogger("forecourt.keys")


class UnusableKey(Exception):
    """A signing key cannot be read; the message says what to do."""


class KeyState(StrEnum):
    """What a key does: it is published already and signs later, it signs, or it only verifies what it signed."""

    ANNOUNCED = "announced"
    SIGNING = "signing"
    VERIFYING = "verifying"


@dataclass(frozen=True, eq=False)
class SigningKey:
    """A key with its file; one that was made elsewhere does not say when, and signs from the beginning."""

    private: Ed25519PrivateKey
    file: Path
    created_at: datetime | None = None
    signs_from: datetime = _BEGINNING

    @cached_property
    def id(self) -> str:
        """The key's name: its thumbprint (RFC 7638)."""
        members = f'{{"crv":"Ed25519","kty":"OKP","x":"{self._x}"}}'
        return _base64url(hashlib.sha256(members.encode()).digest())

    @cached_property
    def public(self) -> Ed25519PublicKey:
        """The key that verifies."""
        return self.private.public_key()

    @cached_property
    def fernet(self) -> Fernet:
        """The key that seals secrets: from it, the signing key cannot be found out."""
        return Fernet(base64.urlsafe_b64encode(self._derived(b"forecourt outbox")))

    def fingerprint(self, text: str) -> str:
        """Return 16 hexadecimal digits, the same for the same text, from which nobody without the key finds it out."""
        return hmac.digest(self._fingerprint_key, text.encode(errors="replace"), "sha256")[:8].hex()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key (RFC 8037)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": self._x, "kid": self.id, "use": "sig", "alg": ALGORITHM}

    @cached_property
    def _fingerprint_key(self) -> bytes:
        return self._derived(b"forecourt fingerprints")

    def _derived(self, purpose: bytes) -> bytes:
        """Return a key of its own for a purpose (RFC 5869)."""
        raw = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(SHA256(), 32, salt=None, info=purpose).derive(raw)

    @property
    def _x(self) -> str:
        return _base64url(self.public.public_bytes(Encoding.Raw, PublicFormat.Raw))


class KeySet:
    """The keys at one moment, in the order in which they sign; at least one."""

    def __init__(self, keys: Iterable[SigningKey], file: Path) -> None:
        # Among keys that do not say when they sign, it is the one that the setting names.
        self.keys = tuple(sorted(keys, key=lambda key: (key.signs_from, key.file == file, key.id)))
        self._by_id = {key.id: key for key in self.keys}

    def get(self, id: str) -> SigningKey | None:
        """Return the key with this id."""
        return self._by_id.get(id)

    def signing_at(self, now: datetime) -> SigningKey:
        """Return the key that signs: the last that began; before any began, the first that will."""
        return next((key for key in reversed(self.keys) if key.signs_from <= now), self.keys[0])

    def state_of(self, key: SigningKey, now: datetime) -> KeyState:
        """Return what a key of the set does."""
        if key is self.signing_at(now):
            return KeyState.SIGNING
        return KeyState.ANNOUNCED if key.signs_from > now else KeyState.VERIFYING

    def replaced_at(self, key: SigningKey) -> datetime | None:
        """Return when the next key begins to sign instead of this one; None when there is none."""
        index = self.keys.index(key) + 1
        return self.keys[index].signs_from if index < len(self.keys) else None

    def is_like(self, other: "KeySet") -> bool:
        """Return whether both have the same keys, which sign from the same instants on."""
        return [(key.id, key.signs_from) for key in self.keys] == [(key.id, key.signs_from) for key in other.keys]


class SigningKeys:
    """The keys in force, read again while the process runs: at intervals, by `reload`, and for a key nobody knows."""

    def __init__(self, file: Path, current: KeySet) -> None:
        self.current = current
        self._file = file
        self._is_broken = False
        self._reading = asyncio.Lock()
        self._stranger_allowed_at = time.monotonic()

    async def reload(self) -> bool:
        """Read the files again, off the event loop, and return whether they can be used; bad ones change nothing."""
        async with self._reading:
            return await self._reload()

    async def finds(self, id: str) -> bool:
        """Return whether there is a key with this id, after looking into the files if that was not done just now."""
        async with self._reading:
            if self.current.get(id) is None and time.monotonic() >= self._stranger_allowed_at:
                self._stranger_allowed_at = time.monotonic() + _REREAD_FOR_STRANGERS_EVERY
                await self._reload()
        return self.current.get(id) is not None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look every half minute whether the files have changed, for as long as the block runs."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(REREAD_EVERY)
            await self.reload()

    async def _reload(self) -> bool:
        try:
            read = await asyncio.to_thread(read_keys, self._file)
        except UnusableKey as error:
            if not self._is_broken:
                log.error("signing keys not reloaded; the old ones stay in force", extra={"problem": str(error)})
            self._is_broken = True
            return False
        self._is_broken = False
        if not read.is_like(self.current):
            self.current = read
            log.info("signing keys reloaded", extra={"keys": [key.id for key in read.keys]})
        return True


def read_keys(file: Path) -> KeySet:
    """Return the keys of a set by the name of its first file, which may be gone when others stand beside it.

    Raises:
        UnusableKey: One of the files cannot be read, or holds no Ed25519 private key, or there is none.
    """
    name = re.compile(rf"{re.escape(file.stem)}\.[\w-]{{43}}{re.escape(file.suffix)}", re.ASCII)
    try:
        beside = [other for other in file.parent.iterdir() if name.fullmatch(other.name)]
        is_there = file.exists()
    except OSError:
        beside, is_there = [], False
    keys = [_read_key(one) for one in ([file] if is_there or not beside else []) + beside]
    return KeySet({key.id: key for key in reversed(keys)}.values(), file)


def read_given_keys(file: Path) -> KeySet:
    """Return the keys of a set that the operator made; says in the log which of their files everybody can read.

    Raises:
        UnusableKey: As `read_keys`.
    """
    keys = read_keys(file)
    for key in keys.keys:
        warn_if_public(key.file)
    return keys


def read_or_make_keys(file: Path) -> KeySet:
    """Return the keys of a set, whose first is made when there is none; only the owner of their files may read them.

    Raises:
        UnusableKey: One of the files cannot be read, or holds no Ed25519 private key.
    """
    try:
        keys = read_keys(file)
    except UnusableKey:
        if file.exists():
            raise
        make_private_folder(file.parent)
        with suppress(FileExistsError):  # another process makes it at the same time
            _write(file, _pem_of(Ed25519PrivateKey.generate()))
        keys = read_keys(file)
    for key in keys.keys:
        keep_private(key.file)
    return keys


def add_key(file: Path, *, now: datetime, signs_from: datetime) -> SigningKey:
    """Make a key and put its file beside the first one of the set, readable by that one's owner only."""
    private = Ed25519PrivateKey.generate()
    while not SigningKey(private, file).id[0].isalnum():  # which a command line would take for an option
        private = Ed25519PrivateKey.generate()
    key = SigningKey(private, file, now, signs_from)
    target = file.with_name(f"{file.stem}.{key.id}{file.suffix}")
    said = f"{_CREATED}: {_written(now)}\n{_SIGNS_FROM}: {_written(signs_from)}\n"
    _write(target, said.encode() + _pem_of(private), owner_of=file if file.exists() else None)
    return SigningKey(private, target, now, signs_from)


def remove_key(key: SigningKey) -> None:
    """Delete the file of a key, permanently."""
    key.file.unlink()
    _sync_folder(key.file.parent)


def _read_key(file: Path) -> SigningKey:
    try:
        text = file.read_bytes()
        private = load_pem_private_key(text, password=None)
    except FileNotFoundError:
        raise UnusableKey(
            f"There is no signing key {file}. Name another by FORECOURT_SIGNING_KEY_FILE, or make one with "
            f"`openssl genpkey -algorithm ed25519 -out {file}`; without that setting, `forecourt serve` makes one at "
            "its first start."
        ) from None
    except OSError as error:
        raise UnusableKey(
            f"The signing key {file} cannot be read: {error.strerror}. The user of this process has to be able to."
        ) from error
    except (ValueError, TypeError) as error:
        raise UnusableKey(_no_key(file)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise UnusableKey(_no_key(file))
    said = dict(line.split(b": ", 1) for line in text.partition(b"-----BEGIN")[0].splitlines() if b": " in line)
    created, signs_from = (_read_instant(said.get(name.encode()), name, file) for name in (_CREATED, _SIGNS_FROM))
    return SigningKey(private, file, created, signs_from or _BEGINNING)


def _read_instant(text: bytes | None, name: str, file: Path) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text.decode("ascii").strip())
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UnusableKey(f"{file}: what stands behind {name} is no instant such as 2026-11-21T09:00:00Z.")
    return instant


def _write(file: Path, content: bytes, *, owner_of: Path | None = None) -> None:
    """Write a new file that only its owner may read, so that others see all of it or nothing.

    Raises:
        FileExistsError: It is there already.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        if owner_of is not None and os.geteuid() == 0:  # by an administrator, for processes that are none
            owner = owner_of.stat()
            os.chown(temporary, owner.st_uid, owner.st_gid)
        try:
            os.link(temporary, file)  # unlike renaming, never over another file
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            temporary.rename(file)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pem_of(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _no_key(file: Path) -> str:
    return (
        f"{file} holds no Ed25519 private key in PEM. Make one with "
        f"`openssl genpkey -algorithm ed25519 -out {file.name}`."
    )
