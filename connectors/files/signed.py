"""Files in S3 or in Azure's blob store, fetched there by links that we sign; none of them passes through Forecourt.

Of obstore only `sign` is used, which asks nobody: its asynchronous calls ended short processes with SIGABRT.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, S3Store

from connectors.errors import AccessRefused, BackendUnavailable
from connectors.files.interface import check_key

BACKEND = "files"

_PLAIN = re.compile(r"[A-Za-z0-9._~/-]+")

_PROBE = "forecourt-probe"
"""The key of a file that there is not, by which is found out whether the store answers us."""

_PROBE_SECONDS = 2.0
_LONGEST_ERROR = 4_000


@dataclass(frozen=True, slots=True)
class SignedStore:
    """Where the files are: ``s3://bucket/prefix`` or ``az://container/prefix``, and who signs.

    `account` is S3's access key id, or Azure's storage account. `endpoint` is where a store answers that is not where
    Amazon's or Microsoft's does.
    """

    url: str
    account: str
    secret: str
    region: str | None = None
    endpoint: str | None = None


class SignedFiles:
    """Signs links to the files of a store. Its credentials need the right to read, and no other."""

    def __init__(self, store: SignedStore) -> None:
        where = urlsplit(store.url)
        prefix = where.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._is_azure = where.scheme == "az"
        endpoint = {"endpoint": store.endpoint} if store.endpoint else {}
        client = {"allow_http": bool(store.endpoint and store.endpoint.startswith("http://"))}
        try:
            self._store: AzureStore | S3Store
            if self._is_azure:
                azure = {"account_name": store.account, "account_key": store.secret, **endpoint}
                self._store = AzureStore(where.netloc, config=azure, client_options=client)  # type: ignore[arg-type]
            else:
                amazon = {"access_key_id": store.account, "secret_access_key": store.secret, **endpoint}
                region = {"region": store.region} if store.region else {}
                self._store = S3Store(where.netloc, config=amazon | region, client_options=client)  # type: ignore[arg-type]
        except BaseError as error:
            raise BackendUnavailable(BACKEND, str(error).partition("\n")[0]) from None

    def link(self, key: str, *, valid_for: timedelta) -> str:
        """Return where whoever has the link fetches the file for so long.

        Raises:
            ValueError: It is no key, or none that can be signed.
        """
        check_key(key)
        if self._is_azure and not _PLAIN.fullmatch(key):
            # obstore signs what stands in the address; Azure verifies the name itself, which then is another text.
            raise ValueError(
                f"{key[:100]!r} cannot be signed for Azure; name it by letters of ASCII, digits and - . _ ~."
            )
        return obstore.sign(self._store, "GET", self._prefix + key, valid_for)

    async def healthy(self) -> bool:
        """Return whether the store answers and accepts our signature.

        S3 says 403 of a file that is not there where we may not list, as of a wrong signature; that counts as up.
        """
        status, _said = await self._asked()
        return status in ((200, 404) if self._is_azure else (200, 403, 404))

    @property
    def address(self) -> str:
        """Return where the store answers, as links have it."""
        return self.link(_PROBE, valid_for=timedelta(minutes=1)).partition("?")[0]

    async def check(self) -> None:
        """Return when the store answers, accepts our signature, and has the bucket or container.

        Raises:
            BackendUnavailable, AccessRefused: As they say.
        """
        status, said = await self._asked()
        if status in (400, 401, 403) and said != "AccessDenied":  # S3's word where we may not list
            raise AccessRefused(BACKEND, f"it answers {status} {said}")
        if said in ("NoSuchBucket", "ContainerNotFound") or status not in (200, 403, 404):
            raise BackendUnavailable(BACKEND, f"it answers {status} {said}")

    async def _asked(self) -> tuple[int, str]:
        return await asyncio.to_thread(_answer_to, self.link(_PROBE, valid_for=timedelta(minutes=1)))


def _answer_to(link: str) -> tuple[int, str]:
    """Return with what status a store answers, and by which code of its own it says why.

    Raises:
        BackendUnavailable: It does not answer.
    """
    try:
        with urlopen(link, timeout=_PROBE_SECONDS) as answer:
            return int(answer.status), ""
    except HTTPError as error:
        code = re.search(rb"<Code>(\w{1,60})</Code>", error.read(_LONGEST_ERROR))
        return error.code, code[1].decode() if code is not None else ""
    except OSError as error:
        raise BackendUnavailable(BACKEND, str(getattr(error, "reason", error))) from error
