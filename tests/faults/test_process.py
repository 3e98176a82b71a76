"""A gateway as operators run it, a process of its own, whose servers misbehave one after another, again and again."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url

from gateway.demo import DEMO_PASSWORD
from tests.faults.gateways import ADMINISTRATOR, BUYER, LONGEST, NEVER_SHOWN, ORDERS, SIGN_IN, misbehaving, until
from tests.faults.tcp_proxy import Failure, proxy_to
from tests.faults.test_postgresql import address_of
from tests.mail import smtp
from tests.portal import template_of
from tests.servers import servers

FAILURES = [failure for failure in Failure if failure not in (Failure.UNKNOWN_NAME, Failure.EXPIRED)]
RESET = "mutation ($name: String!) { requestPasswordReset(input: { loginIdentifier: $name }) { errors { code } } }"
ROUNDS = 2
MOST_MEGABYTES = 8
"""By so much a process may have grown after the first round; one answer that is kept in each would be more."""

MOST_THREADS = 8 + min(32, (os.cpu_count() or 1) + 4)
"""Those of asyncio's own pool, which look up names, and a few that check passwords."""


@pytest.mark.slow
async def test_a_process_whose_servers_misbehave_again_and_again_answers_and_keeps_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        url = await servers.copy("postgresql", await template_of("solar_terminal", "postgresql"))
        stack.push_async_callback(servers.drop, url)
        mails = await stack.enter_async_context(smtp.mail_server())
        database = make_url(url)
        ports = (address_of(database), urlsplit(servers.redis).port or 6379, mails.port)
        proxies = [await stack.enter_async_context(proxy_to(port)) for port in ports]
        redis, mail_host = (f"127.0.0.1:{proxy.port}" for proxy in proxies[1:])
        reached = database.set(host="127.0.0.1", port=proxies[0].port, query={}).render_as_string(False)
        environment = {
            "FORECOURT_PROFILE": "solar_terminal",
            "FORECOURT_DATABASE_URL": reached,
            "FORECOURT_DATABASE_TIMEOUT_SECONDS": "1",
            "FORECOURT_REQUEST_TIMEOUT_SECONDS": "6",
            "FORECOURT_REDIS_URL": f"redis://{redis}/0",
            "FORECOURT_SMTP_URL": f"smtp+plain://{mail_host}",
            "FORECOURT_MAIL_FROM": "noreply@portal.example",
            "FORECOURT_PUBLIC_URL": "http://portal.example",
            "FORECOURT_DATA_FOLDER": str(tmp_path),
        }
        process = await stack.enter_async_context(gateway(environment, tmp_path))
        client = await stack.enter_async_context(httpx2.AsyncClient(base_url=process.address, timeout=LONGEST))
        caller = Caller(client, {})
        await caller.sign_in()
        page = await caller.asks(ORDERS)
        figures = []
        for number in range(ROUNDS):
            for proxy in proxies:
                for failure in FAILURES:
                    async with misbehaving(proxy, failure):
                        await caller.asks_all(f"{number}{proxies.index(proxy)}{failure.name}".lower())
                    await until(lambda: caller.sees(page))
            figures.append(process.figures())

    assert page["data"]["viewer"]["defaultOrganization"]["orders"]["totalCount"] > 0
    threads, files, megabytes = zip(*figures, strict=True)
    assert max(threads) <= MOST_THREADS
    assert max(files[1:]) <= files[0] + 6  # as many connections as it may have, which not every round opens
    assert megabytes[-1] - megabytes[0] < MOST_MEGABYTES, megabytes


class Caller:
    """Somebody who asks over HTTP."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def sign_in(self) -> None:
        """Be the buyer from now on."""
        answer = await self.asks(SIGN_IN, name=BUYER, password=DEMO_PASSWORD)
        self._headers = {"authorization": f"Bearer {answer['data']['signIn']['accessToken']}"}

    async def asks(self, query: str, **variables: Any) -> Any:
        """Return what is answered, whatever it is."""
        response = await self._client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self._headers
        )
        assert response.status_code in (200, 503, 504), response.text
        assert [word for word in NEVER_SHOWN if word in response.text] == [], response.text
        return response.json()

    async def sees(self, page: Any) -> bool:
        """Whether the page is this one."""
        return bool(await self.asks(ORDERS) == page)

    async def asks_all(self, guess: str) -> None:
        """Ask for what needs the servers, twenty times at once, and for what needs none, which is always answered."""
        asked = [self.asks(ORDERS) for _ in range(20)]
        asked += [self.asks(SIGN_IN, name=f"{guess}{number}", password=guess) for number in range(3)]
        asked += [self.asks(SIGN_IN, name=ADMINISTRATOR, password=DEMO_PASSWORD), self.asks(RESET, name=BUYER)]
        *_, live = await asyncio.gather(*asked, self._client.get("/health/live"))
        assert live.status_code == 200


class Running:
    """The process of a gateway."""

    def __init__(self, pid: int, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._process = psutil.Process(pid)

    def figures(self) -> tuple[int, int, float]:
        """How many threads and open files it has, and megabytes of its own."""
        return self._process.num_threads(), self._process.num_fds(), self._process.memory_full_info().uss / 2**20


@asynccontextmanager
async def gateway(given: dict[str, str], folder: Path) -> AsyncIterator[Running]:
    """Serve as an operator would, on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
    log = folder / "gateway.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", "--port", str(port)),
            env=own | given | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                if b"GraphQL" in line:
                    break
            else:
                raise RuntimeError(log.read_text())
            yield Running(process.pid, port)
        finally:
            process.terminate()
            await process.communicate()
