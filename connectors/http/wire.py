"""One exchange over HTTP, by aiohttp: bounded in size and in the time to connect, and led nowhere else.

Loading aiohttp takes 15 MB, so only a process with such a back end imports this.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from socket import AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from connectors.http.addresses import is_refused
from connectors.http.limits import HttpLimits
from connectors.http.messages import CutOff, Incoming, NotHttp, NotReached, Outgoing, TooLong

_LONGEST_ERROR = 64_000


class Wire:
    """Sends calls to one origin and reads the answers."""

    def __init__(self, origin: str, limits: HttpLimits, wall_clock: Callable[[], float]) -> None:
        self._origin = origin
        self._limits = limits
        self._wall_clock = wall_clock
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, call: Outgoing) -> Incoming:
        """Return what the back end answers, whatever its status.

        Raises:
            NotReached, CutOff, NotHttp, TooLong: As they say.
        """
        session = self._session or self._open()
        # As it was made and, where the sign-in asks for it, signed: yarl shall not write it differently.
        url = URL(self._origin + call.target, encoded=True)
        try:
            async with session.request(
                call.method, url, headers=call.headers, data=call.body, allow_redirects=False
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise NotReached(f"no trusted connection: {_reason(error)}", may_pass=False) from error
        except _AddressRefused as error:
            raise NotReached(str(error), may_pass=False) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotReached(f"no connection: {_reason(error)}") from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            raise CutOff(f"the connection ended: {_reason(error)}") from error
        except aiohttp.ClientError as error:
            raise NotHttp(f"the answer is no HTTP: {_reason(error)}") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        limits = self._limits
        connector = aiohttp.TCPConnector(
            limit=max(limits.connections, limits.at_once),
            keepalive_timeout=limits.idle_seconds,
            ttl_dns_cache=limits.dns_seconds,
            resolver=_Resolver(),
            # Our own, so that the certificate authorities of SSL_CERT_FILE count as they are when it opens.
            ssl=ssl.create_default_context() if self._origin.startswith("https:") else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_timeout),
            headers={"User-Agent": "Forecourt"},
            trust_env=False,
        )
        # Else aiohttp would send some queries again on its own, which neither the budget nor the breaker would see.
        self._session._retry_connection = False
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> Incoming:
        most = self._limits.max_bytes if response.status < 300 else _LONGEST_ERROR
        parts, size = [], 0
        if response.status < 300 and (response.content_length or 0) > most:
            response.close()
            raise TooLong(f"more than {most:,} bytes")
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > most:
                response.close()  # else the rest would be read to use the connection again
                if response.status < 300:
                    raise TooLong(f"more than {most:,} bytes")
                break
        return Incoming(
            response.status,
            response.content_type,
            self._seconds(response.headers.get("Retry-After")),
            b"".join(parts),
        )

    def _seconds(self, retry_after: str | None) -> float | None:
        """Return what Retry-After says, in seconds or as a date (RFC 9110, 10.2.3)."""
        if retry_after is None:
            return None
        if retry_after.strip().isdecimal():
            return float(retry_after[:9])
        with suppress(ValueError, OverflowError):
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self._wall_clock())
        return None


class _AddressRefused(Exception):
    """A name leads to addresses that are refused."""


class _Resolver(AbstractResolver):
    """Leaves out addresses that a name must not lead to, each time that it is looked up.

    An address that stands in the URL itself is not looked up: whoever wrote the setting means it.
    """

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [one for one in found if not is_refused(one["host"])]
        if not allowed:
            raise _AddressRefused(f"{host} leads to {found[0]['host']}, where no back end may be")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


def _reason(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {said}"[:300]
