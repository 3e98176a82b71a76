"""``forecourt backends``: why a call to a back end fails, asked from the command line."""

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError
from sqlalchemy import make_url

from connectors.database.migrations import DatabaseNotMigrated, DatabaseTooNew, check_migrated
from connectors.errors import AccessRefused, BackendTimeout, ConnectorError, reason_of
from connectors.mail.server import mail_server
from gateway.cli.command import CommandRefused, ProfileOption
from gateway.profile_files import InvalidProfile, Profile, read_profile
from gateway.server.terminal import say
from gateway.settings import PREFIX, UNUSABLE, Settings
from gateway.settings_sources import InvalidSettings, read_settings
from gateway.wiring import MIGRATIONS, open_mail_server, open_our_database, open_own_shop, open_redis, open_store
from permissions.policy import nearest

backends_cli = typer.Typer(help="The back ends behind this gateway.", no_args_is_help=True)

_SECONDS = 5.0
"""So long a name may take to be looked up, a connection to come about, and a server to answer."""


class Step(StrEnum):
    """How far a call comes before it fails."""

    SETTINGS = "settings"
    DNS = "DNS"
    CONNECTION = "connection"
    TLS = "TLS"
    SIGN_IN = "sign-in"
    ANSWER = "answer"


_ADVICE = {
    Step.DNS: "Check the host in {settings}, and which DNS server this machine asks.",
    Step.CONNECTION: "Check host and port in {settings}, whether the server runs, and the firewalls on the way.",
    Step.TLS: "Check that the certificate is for the host in {settings}, counts today, and is of an authority that "
    "this machine trusts.",
    Step.SIGN_IN: "Check {settings}, and what that account may do there.",
    Step.ANSWER: "The log of the server itself says more; check that {settings} leads to it.",
}


class Failed(Exception):
    """A call fails at this step; `advice` is what to do where it is not the usual."""

    def __init__(self, step: Step, reason: str, advice: str | None = None) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Target:
    """A back end that is wired: `hosts` are reached first, `check` asks it, `settings` say how."""

    name: str
    settings: Sequence[str]
    hosts: Sequence[tuple[str, int]]
    check: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a back end; `step` is where it fails, None where it does not."""

    name: str
    step: Step | None = None
    reason: str = ""
    advice: str = ""

    @property
    def line(self) -> str:
        """Return it as an operator reads it."""
        if self.step is None:
            return f"{self.name}: ok"
        return f"{self.name}: {self.step} fails: {self.reason.rstrip('.')}. {self.advice}".rstrip()

    @property
    def json(self) -> Mapping[str, Any]:
        """Return it as a program reads it."""
        if self.step is None:
            return {"name": self.name, "ok": True}
        return {
            "name": self.name, "ok": False, "step": self.step.value, "reason": self.reason, "advice": self.advice,
        }  # fmt: skip


@backends_cli.command()
def check(
    name: Annotated[str | None, typer.Argument(help="Only this back end, such as database, shop or plants.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Call each back end and say why a call fails, and what to do; exits with 1 when one fails.

    It works where `serve` would not start, and changes nothing.
    """
    findings, targets = _wired(profile)
    known = sorted({*(finding.name for finding in findings), *(target.name for target in targets)})
    if name is not None and name not in known:
        raise CommandRefused(f'There is no back end "{name}" here{nearest(name, known)}; there are {", ".join(known)}.')
    findings = [one for one in findings if name in (None, one.name)]
    findings += asyncio.run(_checked([target for target in targets if name in (None, target.name)]))
    if as_json:
        say(json.dumps([finding.json for finding in findings], indent=2))
    else:
        for finding in findings:
            say(finding.line)
    if any(finding.step is not None for finding in findings):
        raise typer.Exit(1)


def _wired(profile_name: str | None) -> tuple[list[Finding], list[Target]]:
    """Return what the settings say of back ends that cannot be asked, and those that can."""
    settings, problems = _usable_settings(profile_name)
    chosen = None
    try:
        chosen, unreadable = read_profile(settings.profile)
    except InvalidProfile as error:
        unreadable = [str(error)]
    findings = [
        Finding(owner, Step.SETTINGS, problem, "`forecourt serve` does not start before it is put right.")
        for owner, problem in problems
    ]
    advice = "Its extensions may be missing here; `forecourt profile check` says more."
    findings += [Finding("profile", Step.SETTINGS, problem, advice) for problem in unreadable]
    targets = [one for one in _targets(settings) if one.name not in {owner for owner, _ in problems}]
    for found in _of_extensions(settings, chosen) if chosen is not None else ():
        if isinstance(found, Finding):
            findings.append(found)
        else:
            targets.append(found)
    return findings, targets


def _targets(settings: Settings) -> Iterator[Target]:
    """Yield our own back ends, as far as they are wired."""
    url = make_url(settings.database)
    is_file = url.get_backend_name() == "sqlite"
    hosts = [(url.host, url.port or 5432)] if url.host and not is_file else []
    yield Target("database", ["database_url"], hosts, lambda: _check_database(settings))
    if settings.redis_url is not None:
        redis_url = settings.redis_url.get_secret_value()
        where = urlsplit(redis_url)
        hosts = [(where.hostname, where.port or 6379)] if where.hostname and where.scheme != "unix" else []
        yield Target("redis", ["redis_url"], hosts, lambda: _check_redis(redis_url))
    if settings.smtp_url is not None:
        smtp_url = settings.smtp_url.get_secret_value()
        server = mail_server(smtp_url)
        mailer = open_mail_server(smtp_url)
        yield Target("smtp", ["smtp_url"], [(server.host, server.port)], lambda: mailer.check(seconds=_SECONDS))
    of_files = ["files_url", "files_account", "files_secret"] if settings.files_account else ["files_url"]
    yield Target("files", of_files, [], lambda: _check_files(settings))
    if settings.shop_url is not None and settings.shop_api_key is not None:
        yield Target("shop", ["shop_url", "shop_api_key"], [_host_of(settings.shop_url)], lambda: _check_shop(settings))


def _of_extensions(settings: Settings, profile: Profile) -> Iterator[Finding | Target]:
    """Yield each back end of the profile's extensions, or what is missing to ask it."""
    values = settings.of_extensions
    for declared in (one for extension in profile.extensions for one in extension.back_ends):
        needed = [*declared.settings()]
        missing = [
            f"{PREFIX}{one.name.upper()} is not set: {one.description}" for one in needed if one.name not in values
        ]
        urls = [name for name in (declared.url, declared.sign_in.token_url) if name is not None]
        if not missing:
            try:
                client = declared.opened(values)
                hosts = [_host_of(values[name]) for name in urls]
            except ValueError as error:
                missing = [f"{' or '.join(PREFIX + name.upper() for name in urls)}: {error}"]
        if missing:
            yield Finding(declared.name, Step.SETTINGS, " ".join(missing), "Set what is missing or wrong.")
            continue

        async def asked(client: Any = client) -> None:
            try:
                await client.check()
            finally:
                await client.close()

        yield Target(declared.name, [one.name for one in needed], hosts, asked)


async def _checked(targets: Sequence[Target]) -> list[Finding]:
    return list(await asyncio.gather(*map(_found, targets)))


async def _found(target: Target) -> Finding:
    try:
        for host, port in target.hosts:
            await _reach(host, port)
        await _asked(target)
    except Failed as failed:
        named = " and ".join(f"{PREFIX}{name.upper()}" for name in target.settings)
        advice = failed.advice or _ADVICE[failed.step].format(settings=named)
        return Finding(target.name, failed.step, failed.reason, advice)
    return Finding(target.name)


async def _reach(host: str, port: int) -> None:
    """Return when a connection comes about."""
    try:
        async with asyncio.timeout(_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else "the name is not known"
        raise Failed(Step.DNS, f"{host}: {why}") from error
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError) as error:
        raise Failed(Step.CONNECTION, f"{host}, port {port}: {reason_of(error)}") from error


async def _asked(target: Target) -> None:
    """Return when the back end does what is asked of it."""
    try:
        async with asyncio.timeout(2 * _SECONDS):
            await target.check()
    except (DatabaseNotMigrated, DatabaseTooNew) as error:
        raise Failed(Step.ANSWER, str(error), "Nothing else is wrong with it.") from error
    except TimeoutError as error:
        raise Failed(Step.ANSWER, f"no answer within {2 * _SECONDS:.0f} s") from error
    except ConnectorError as error:
        reason = str(error).removeprefix(f"{error.backend}: ")
        raise Failed(_step_of(error), reason) from error


def _step_of(error: ConnectorError) -> Step:
    """Return how far a call came, by what an error was caused by."""
    for cause in _causes(error):
        if isinstance(cause, AccessRefused) or str(getattr(cause, "sqlstate", "")).startswith("28"):
            return Step.SIGN_IN
        if isinstance(cause, ssl.SSLError | ssl.CertificateError):
            return Step.TLS
        if isinstance(cause, socket.gaierror):
            return Step.DNS
        if isinstance(cause, ConnectionRefusedError):
            return Step.CONNECTION
        if isinstance(cause, BackendTimeout):
            return Step.ANSWER
    return Step.ANSWER


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            waiting += [getattr(one, "orig", None), one.__cause__ or one.__context__, getattr(one, "reason", None)]
    return seen


async def _check_database(settings: Settings) -> None:
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():  # noqa: ASYNC240
        advice = "Run `forecourt migrate`, with the same --profile and settings, which makes it."
        raise Failed(Step.ANSWER, f"there is no file {url.database}", advice)
    engine = open_our_database(settings)
    try:
        for migrations in MIGRATIONS:
            await check_migrated(engine, migrations)
    except ConnectorError as error:
        if any(str(getattr(cause, "sqlstate", "")) == "3D000" for cause in _causes(error)):
            advice = f"Create it, or name another in {PREFIX}DATABASE_URL."
            raise Failed(Step.ANSWER, f"the server has no database {url.database}", advice) from error
        raise
    finally:
        await engine.dispose()


async def _check_redis(url: str) -> None:
    server = open_redis(url)
    try:
        await server.check()
    finally:
        await server.close()


async def _check_files(settings: Settings) -> None:
    """Ask the store of files, or look at the folder where they are."""
    try:
        store = open_store(settings)
    except ConnectorError as error:
        advice = f"Check {PREFIX}FILES_ACCOUNT and {PREFIX}FILES_SECRET."
        raise Failed(Step.SETTINGS, str(error).removeprefix("files: "), advice) from error
    if store is not None:
        await _reach(*_host_of(store.address))
        await store.check()
        return
    folder = settings.files_folder
    is_made_at_start = settings.files_url is None and not folder.exists()
    if not is_made_at_start and not os.access(folder, os.R_OK | os.X_OK):
        raise Failed(Step.ANSWER, f"{folder} cannot be read", "Make the folder, and let the gateway's user read it.")


async def _check_shop(settings: Settings) -> None:
    engine = open_our_database(settings)  # for external ids, which are not asked for
    try:
        opened = open_own_shop(settings, engine)
        assert opened is not None  # it is wired
        shop, client = opened
        try:
            await shop.check()
        finally:
            await client.close()
    finally:
        await engine.dispose()


def _host_of(url: str) -> tuple[str, int]:
    where = urlsplit(url)
    return where.hostname or "", where.port or (443 if where.scheme == "https" else 80)


_OWNERS = {"database": "database", "redis": "redis", "smtp": "smtp", "mail": "smtp", "files": "files", "shop": "shop"}


def _usable_settings(profile: str | None) -> tuple[Settings, list[tuple[str, str]]]:
    """Return the settings as far as each can be used on its own, and what is wrong with the others: whose it is, and
    the problem.

    Raises:
        InvalidSettings: Nothing is known of them.
    """
    try:
        return read_settings(profile=profile), []
    except InvalidSettings as error:
        if not error.values:
            raise
        problems = [(_owner_of(line), line) for line in str(error).splitlines()]
        values, of_extensions = dict(error.values), error.of_extensions
    anything = frozenset(Settings.model_fields)  # what settings say of one another is said already
    while True:
        try:
            settings = Settings.model_validate(values, context={UNUSABLE: anything})
        except ValidationError as error:
            if not (wrong := {str(one["loc"][0]) for one in error.errors() if one["loc"]} & values.keys()):
                raise InvalidSettings("\n".join(problem for _, problem in problems)) from error
            values = {name: value for name, value in values.items() if name not in wrong}
        else:
            return settings.with_extension_settings(of_extensions), problems


def _owner_of(problem: str) -> str:
    """Return which back end a problem of settings concerns, else that it concerns the settings."""
    named = re.search(rf"{PREFIX}([A-Z]+)|\b(files|shop)_", problem)
    return _OWNERS.get((named[1] or named[2]).lower(), "settings") if named is not None else "settings"
