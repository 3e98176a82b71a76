"""How often signing in may be tried: guessing ends soon, and neither owners nor their neighbours are locked out."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from connectors.rate_limits.interface import Limit
from gateway.demo import DEMO_PASSWORD
from resolvers.context import RequestContext
from resolvers.rate_limiting import check_attempts
from resolvers.refusals import TooManyAttempts
from resolvers.sessions.sign_in_attempts import ATTEMPTS
from tests.logs import capture_logs
from tests.portal import Portal, open_portal
from tests.sessions.test_sign_in import SIGN_IN

OWNER = "purchase@helios.example"
NOBODY = "nobody@helios.example"
WRONG, LIMITED = ["INVALID_CREDENTIALS"], ["RATE_LIMITED"]


@dataclass
class Client:
    """Somebody at an address, with the cookies that they were given, as a browser keeps them."""

    portal: Portal
    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    keeps_cookies: bool = True

    async def signs_in(self, name: str = OWNER, password: str = DEMO_PASSWORD) -> list[str]:
        """The codes of the errors; none when there is a session."""
        return [error["code"] for error in (await self.payload(name, password))["errors"]]

    async def guesses(self, number: int = 1, name: str = OWNER) -> list[list[str]]:
        """The codes of so many wrong passwords."""
        return [await self.signs_in(name, f"guess {count}") for count in range(number)]

    async def payload(self, name: str, password: str) -> Any:
        """The payload of signIn."""
        headers = {"x_forwarded_for": self.address}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = {"query": SIGN_IN, "variables": {"name": name, "password": password}}
        answer = await self.portal.anybody().posts(json.dumps(body).encode(), **headers)
        if self.keeps_cookies and "set-cookie" in answer.headers:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        self.portal.client.cookies.clear()
        return answer.at("signIn")

    def at(self, address: str) -> "Client":
        """The same device at another address."""
        return Client(self.portal, address, self.cookies, self.keeps_cookies)


@pytest.fixture
async def gate() -> AsyncIterator[Portal]:
    """A gateway behind one proxy, so that clients have addresses; passwords are compared without hashing them."""
    async with open_portal(trusted_proxies=1) as portal:

        def verify(password: str, stored: str | None) -> tuple[bool, None]:
            return stored is not None and password == DEMO_PASSWORD, None

        portal.wiring.backends.accounts._verify = verify  # type: ignore[attr-defined]
        yield portal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the counts, which stands until it is moved."""
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr("connectors.rate_limits.embedded.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


async def is_counted(portal: Portal, address: str, name: str) -> bool:
    """Whether somebody at this address may try this name."""
    context = RequestContext(
        backends=portal.wiring.backends,
        policy=portal.wiring.policy,
        now=portal.clock(),
        request_id="test",
        ip_address=address,
    )
    try:
        await check_attempts(context, ATTEMPTS, name)
    except TooManyAttempts:
        return False
    return True


async def guesses_from_everywhere(portal: Portal, number: int, name: str = OWNER) -> list[list[str]]:
    """So many wrong passwords, each from a network of its own."""
    return [(await Client(portal, f"203.0.113.{count}").guesses(1, name))[0] for count in range(number)]


async def test_right_passwords_do_not_count(gate: Portal) -> None:
    """A login shared by a shift, behind one address."""

    codes = [await Client(gate, "198.51.100.7").signs_in() for _ in range(30)]

    assert codes == [[]] * 30


async def test_a_right_password_forgets_the_wrong_ones_before_it(gate: Portal) -> None:
    client = Client(gate, "198.51.100.7", keeps_cookies=False)

    codes = [await client.guesses(9), await client.signs_in(), await client.guesses(10), await client.signs_in()]

    assert codes == [[WRONG] * 9, [], [WRONG] * 10, LIMITED]


async def test_a_success_of_ones_own_does_not_let_one_guess_on_at_others(gate: Portal) -> None:
    attacker = Client(gate, "198.51.100.7", keeps_cookies=False)
    codes = []
    for number in range(101):
        assert await attacker.signs_in("planning@helios.example") in ([], LIMITED)
        codes += await attacker.guesses(1, f"{number}@helios.example")

    assert codes == [WRONG] * 100 + [LIMITED]


async def test_of_guesses_at_once_no_more_are_checked_than_may_fail(gate: Portal) -> None:
    checked: list[str] = []
    still_checking = asyncio.Event()

    async def verify(_user_id: str | None, password: str, *, at_least: int) -> int | None:
        checked.append(password)
        await still_checking.wait()
        return None

    gate.wiring.backends.accounts.verify = verify  # type: ignore[method-assign]
    client = Client(gate, "198.51.100.7")
    guesses = [asyncio.create_task(client.signs_in(OWNER, f"guess {number}")) for number in range(20)]
    async with asyncio.timeout(60):
        refused = [await one for _, one in zip(range(10), asyncio.as_completed(guesses), strict=False)]
    still_checking.set()

    codes = await asyncio.gather(*guesses)

    assert refused == [LIMITED] * 10
    assert (len(checked), codes.count(WRONG), codes.count(LIMITED)) == (10, 10, 10)


async def test_a_network_of_ipv6_counts_as_one_address_and_its_site_as_ten(gate: Portal) -> None:
    codes = [(await Client(gate, f"2001:db8:0:1::{number:x}").guesses(1))[0] for number in range(11)]
    neighbour = await Client(gate, "2001:db8:0:2::1").guesses(1, "planning@helios.example")
    counted = []
    for number in range(1_100):
        address = f"2001:db8:1:{number // 100:x}::{number:x}"
        counted.append(await is_counted(gate, address, f"{number}@helios.example"))

    assert (codes, neighbour) == ([WRONG] * 10 + [LIMITED], [WRONG])
    assert counted == [True] * 1_000 + [False] * 100
    assert await is_counted(gate, "2001:db8:2::1", NOBODY)


@pytest.mark.parametrize("name", [OWNER, NOBODY])
async def test_guessing_from_many_addresses_has_to_wait_ever_longer(
    gate: Portal, clock: SimpleNamespace, name: str
) -> None:
    codes = await guesses_from_everywhere(gate, 11, name)
    waits = []
    for number in range(100, 106):
        payload = await Client(gate, f"203.0.113.{number}").payload(name, "guess")
        waits.append(payload["errors"][0]["retryAfterSeconds"])
        clock.now += waits[-1]
        assert await Client(gate, f"203.0.113.{number}").guesses(1, name) == [WRONG]

    assert codes == [WRONG] * 10 + [LIMITED]
    assert waits == [60, 120, 240, 480, 900, 900]


async def test_the_owner_signs_in_from_where_they_did_before_whoever_guesses_elsewhere(gate: Portal) -> None:
    """What has no cookies: an application, or `curl`."""
    owner, stranger = Client(gate, "198.51.100.7", keeps_cookies=False), Client(gate, "198.51.100.8")
    before = await owner.signs_in()
    gate.clock.move(timedelta(days=29))
    await guesses_from_everywhere(gate, 10)

    codes = [await stranger.signs_in(), await owner.signs_in()]
    gate.clock.move(timedelta(days=31))
    later = await owner.signs_in()

    assert (before, codes, later) == ([], [LIMITED, []], LIMITED)


async def test_the_owner_signs_in_on_a_known_device_wherever_it_is(gate: Portal) -> None:
    device = Client(gate, "198.51.100.7")
    before = await device.signs_in()
    await guesses_from_everywhere(gate, 10)

    codes = [await Client(gate, "198.51.100.8").signs_in(), await device.at("198.51.100.8").signs_in()]

    assert (before, codes) == ([], [LIMITED, []])


async def test_a_neighbour_who_guesses_does_not_lock_a_known_device_out(gate: Portal) -> None:
    device, neighbour = Client(gate, "198.51.100.7"), Client(gate, "198.51.100.7", keeps_cookies=False)
    await device.signs_in()
    for number in range(10):
        await neighbour.guesses(10, f"{number}@helios.example" if number else OWNER)

    assert [await neighbour.signs_in(), await device.signs_in()] == [LIMITED, []]


async def test_a_stolen_device_gets_ten_attempts_of_its_own_and_is_a_strangers_then(gate: Portal) -> None:
    device = Client(gate, "198.51.100.7")
    await device.signs_in()

    of_its_own = [(await device.at(f"203.0.113.{number}").guesses(1))[0] for number in range(10)]
    as_a_stranger = [(await device.at(f"203.0.113.{number}").guesses(1))[0] for number in range(11)]
    at_others = [(await device.at(f"203.0.113.{number}").guesses(1, NOBODY))[0] for number in range(11)]

    assert of_its_own == [WRONG] * 10
    assert as_a_stranger == at_others == [WRONG] * 10 + [LIMITED]
    assert await device.signs_in() == []  # where its owner has signed in before


async def test_a_device_is_known_for_ninety_days_and_to_the_five_people_who_signed_in_last(gate: Portal) -> None:
    device = Client(gate, "198.51.100.7")
    people = ["administration", "purchase", "planning", "installation", "purchase.planning", "two.companies"]
    signed_in = [await device.signs_in(f"{name}@helios.example") for name in people]
    for name in people:
        await guesses_from_everywhere(gate, 10, f"{name}@helios.example")

    kept = dict(device.cookies)
    codes = []
    for name in people:
        device.cookies = dict(kept)
        codes.append(await device.at("203.0.113.99").signs_in(f"{name}@helios.example"))
    gate.clock.move(timedelta(days=90))
    device.cookies = dict(kept)
    later = await device.at("203.0.113.98").signs_in("planning@helios.example")

    assert signed_in == [[]] * 6
    assert codes == [LIMITED, *[[]] * 5]
    assert later == LIMITED


@pytest.mark.parametrize("forged", ["", "x", "x" * 5_000, "gAAAAAB", "null"])
async def test_a_cookie_of_ones_own_making_is_no_device(gate: Portal, forged: str) -> None:
    await guesses_from_everywhere(gate, 10)

    assert await Client(gate, "198.51.100.7", {"forecourt-device": forged}).signs_in() == LIMITED


async def test_what_else_was_sealed_is_no_device(gate: Portal) -> None:
    seals, until = gate.wiring.backends.seals, (gate.clock.now + timedelta(days=1)).isoformat()
    user_id = await gate.wiring.backends.directory.user_id_of_login_name(OWNER)
    await guesses_from_everywhere(gate, 10)

    for text in (OWNER, json.dumps(["other", "dev_1", until, [user_id]]), json.dumps(["device"]), "{}", "1"):
        assert await Client(gate, "198.51.100.7", {"forecourt-device": seals.seal(text)}).signs_in() == LIMITED
    genuine = seals.seal(json.dumps(["device", "dev_1", until, [user_id]]))
    assert await Client(gate, "198.51.100.7", {"forecourt-device": genuine}).signs_in() == []


async def test_known_and_unknown_names_are_counted_by_the_same_statements_and_get_the_same_answers(
    gate: Portal,
) -> None:
    asked: dict[str, list[Any]] = {OWNER: [], NOBODY: []}
    for name, reported in asked.items():
        for count in range(11):
            with gate.statements() as statements:
                payload = await Client(gate, f"203.0.113.{count}").payload(name, "guess")
            reported.append((payload, list(statements)))

    assert asked[OWNER] == asked[NOBODY]
    assert [payload["errors"][0]["code"] for payload, _ in asked[OWNER]] == WRONG * 10 + LIMITED


async def test_right_passwords_are_checked_a_thousand_times_in_five_minutes_from_one_network(
    gate: Portal, clock: SimpleNamespace
) -> None:
    """Hashing takes a processor's time, so that also what is right is bounded; far above what people need."""
    for _ in range(999):
        await gate.wiring.backends.rate_limits.hit("sign-in-work:198.51.100.7", Limit(1_000, 300))
    client = Client(gate, "198.51.100.7", keeps_cookies=False)

    codes = [await client.signs_in(), await client.signs_in()]
    clock.now += 300

    assert (codes, await client.signs_in()) == ([[], LIMITED], [])


async def test_while_the_counts_are_away_people_get_in(gate: Portal) -> None:
    async def away(*_args: Any) -> None:
        raise BackendUnavailable("rate_limits", "down for the test")

    limits: Any = gate.wiring.backends.rate_limits
    limits.hit = limits.forgive = limits.clear = away

    assert await Client(gate, "198.51.100.7").signs_in() == []
    assert await Client(gate, "198.51.100.7").guesses(1) == [WRONG]


async def test_an_attempt_that_could_not_be_checked_does_not_count(gate: Portal) -> None:
    accounts: Any = gate.wiring.backends.accounts
    check = accounts.verify

    async def away(*_args: Any, **_more: Any) -> int:
        raise BackendUnavailable("identity", "down for the test")

    accounts.verify = away
    for _ in range(12):
        body = {"query": SIGN_IN, "variables": {"name": OWNER, "password": DEMO_PASSWORD}}
        await gate.anybody().posts(json.dumps(body).encode(), x_forwarded_for="198.51.100.7")
    accounts.verify = check

    assert await Client(gate, "198.51.100.7").signs_in() == []


@pytest.mark.parametrize(
    ("address", "name", "more"),
    [
        ("https://portal.example", "__Host-forecourt-device", "; Secure"),
        ("http://localhost:8000", "forecourt-device", ""),
    ],
)
async def test_the_cookie_of_a_device_is_kept_from_scripts_and_other_sites(address: str, name: str, more: str) -> None:
    async with open_portal(public_url=address) as portal:
        answer = await portal.anybody().asks(SIGN_IN, name=OWNER, password=DEMO_PASSWORD)
        refused = await portal.anybody().asks(SIGN_IN, name=OWNER, password="wrong")

    given, _, attributes = answer.headers["set-cookie"].partition("; ")
    assert given.partition("=")[0] == name
    assert attributes == f"Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict{more}"
    assert "set-cookie" not in refused.headers


async def test_the_cookie_of_a_device_makes_no_get_look_forged(gate: Portal) -> None:
    url = "/graphql?query=%7Broles%7Bkey%7D%7D"

    alone = await gate.client.get(url, headers={"cookie": "forecourt-device=x; __Host-forecourt-device=y"})
    beside = await gate.client.get(url, headers={"cookie": "forecourt-device=x; session=y"})

    assert (alone.status_code, beside.status_code) == (200, 403)


async def test_a_refused_sign_in_is_a_line_of_the_log_without_the_name_that_was_typed(gate: Portal) -> None:
    client = Client(gate, "2001:db8::7")
    with capture_logs() as logged:
        await client.guesses(10)
        await client.guesses(1)
        await client.guesses(1, "my-very-own-passphrase")

    lines = [line for line in logged if line["event"] == "sign-in refused"]
    owner = await gate.wiring.backends.directory.user_id_of_login_name(OWNER)
    prints = [gate.wiring.backends.seals.fingerprint(name) for name in (OWNER, "my-very-own-passphrase")]
    assert [(line["reason"], line["address"], line["login"], line.get("person")) for line in lines] == [
        *[("wrong_credentials", "2001:db8::7", prints[0], owner)] * 10,
        ("too_many_attempts", "2001:db8::7", prints[0], None),
        ("wrong_credentials", "2001:db8::7", prints[1], None),
    ]
    assert OWNER not in str(logged)
    assert "passphrase" not in str(logged)


async def test_refused_sign_ins_are_on_record_once_an_hour_for_the_person_and_the_network(gate: Portal) -> None:
    for address in ("2001:db8::7", "2001:db8::8", "198.51.100.7"):
        await Client(gate, address).guesses(3)
        await Client(gate, address).guesses(1, NOBODY)
    await guesses_from_everywhere(gate, 1)
    await gate.deliver()
    await gate.deliver()

    rows = await gate.audit("session.refused")
    owner = await gate.wiring.backends.directory.user_id_of_login_name(OWNER)
    assert sorted((row.subject_id, row.actor_id, row.ip_address, row.after, row.refused_with) for row in rows) == [
        (owner, None, address, '{"reason":"wrong_credentials"}', "INVALID_CREDENTIALS")
        for address in ("198.51.100.7", "2001:db8::7", "203.0.113.0")
    ]
    seen = await (await gate.person(OWNER)).asks("{ viewer { auditEvents { nodes { action refusedWith } } } }")
    assert {"action": "session.refused", "refusedWith": "INVALID_CREDENTIALS"} in seen.at("viewer.auditEvents.nodes")


async def test_an_owner_who_has_to_wait_because_of_others_reads_so_in_their_audit_log(gate: Portal) -> None:
    await guesses_from_everywhere(gate, 10)
    await Client(gate, "198.51.100.7").signs_in()
    await gate.deliver()

    rows = [row for row in await gate.audit("session.refused") if row.ip_address == "198.51.100.7"]
    assert [(row.after, row.refused_with) for row in rows] == [('{"reason":"too_many_attempts"}', "RATE_LIMITED")]
