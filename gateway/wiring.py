"""Which implementation stands behind each interface: opened here, closed in reverse, chosen nowhere else."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import connectors.directory.tables as directory_tables
import connectors.identity.embedded as identity_tables
import connectors.mail.mailbox as mailbox_tables
import connectors.shop.tables as shop_tables
from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import ApplicationRecord, InvalidCatalogue
from connectors.cache.embedded import EmbeddedCache
from connectors.cache.fetches import CachedFetch
from connectors.cache.interface import CacheStore
from connectors.database.engine import AsyncEngine, open_database
from connectors.database.limits import DatabaseLimits
from connectors.database.migrations import check_migrated, migrate
from connectors.directory.directory import Directory
from connectors.directory.external_ids import MappedIds
from connectors.directory.migrations import MIGRATIONS as DIRECTORY
from connectors.events.embedded import EmbeddedEvents
from connectors.events.interface import Events
from connectors.events.postgresql import PostgresqlEvents
from connectors.files.folder import FolderFiles
from connectors.files.interface import Files
from connectors.identity.embedded import EmbeddedAccounts
from connectors.identity.keys import SigningKeys, read_given_keys, read_or_make_keys
from connectors.identity.migrations import MIGRATIONS as IDENTITY
from connectors.identity.seals import Seals
from connectors.identity.tokens import AccessTokens
from connectors.mail.interface import Mailer
from connectors.mail.mailbox import Mailbox
from connectors.mail.migrations import MIGRATIONS as MAIL
from connectors.mail.server import mail_server
from connectors.private_files import make_private_folder
from connectors.rate_limits.embedded import EmbeddedRateLimits
from connectors.rate_limits.interface import RateLimits
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import Shop
from connectors.shop.migrations import MIGRATIONS as SHOP
from gateway.auth.policy_reloader import PolicyFile
from gateway.profile_files import Profile
from gateway.settings import Settings
from gateway.settings_sources import InvalidSettings, missing_extension_settings
from permissions.policy import InvalidPolicy, Policy, nearest, parse_policy
from permissions.toml_positions import TomlPositions
from permissions.vocabulary import CUSTOMER_CODES, one_of
from resolvers.context import Backends, Portal
from resolvers.mail.pages import page_urls
from resolvers.mail.templates import InvalidMailTexts
from resolvers.mail.wording import MailWording
from resolvers.portal.facts import BY_PASSWORD, Domain

if TYPE_CHECKING:
    from connectors.files.signed import SignedFiles
    from connectors.http.client import HttpBackend
    from connectors.mail.smtp import SmtpMailer
    from connectors.rate_limits.redis import RedisRateLimits
    from connectors.shop.vendure.shop import VendureShop

log = logging.getLogger("forecourt")

MIGRATIONS = (DIRECTORY, IDENTITY, MAIL, SHOP)
TABLES = (directory_tables.METADATA, identity_tables.METADATA, mailbox_tables.METADATA, shop_tables.METADATA)
"""The tables of every back end that keeps some in our database."""

_LOADING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Wiring:
    """The open back ends, the policy they are used under, and how to ask each whether it is up.

    `mailbox` is where mails stay when they do not leave. `work` is set when there is something to do in the outbox.
    `folder` is where the files are that Forecourt serves itself.
    `clients` are the back ends that are called over HTTP, by name.
    """

    backends: Backends
    tokens: AccessTokens
    policies: PolicyFile
    events: Events
    checks: dict[str, Callable[[], Awaitable[bool]]]
    mailbox: Mailbox | None
    work: asyncio.Event
    folder: FolderFiles | None
    clients: "Mapping[str, HttpBackend]"

    @property
    def policy(self) -> Policy:
        """Return the policy in force."""
        return self.policies.current


def utc_now() -> datetime:
    """Return the instant it is."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_wiring(
    settings: Settings, profile: Profile, *, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Wiring]:
    """Open every back end for as long as the block runs.

    Raises:
        InvalidPolicy, InvalidCatalogue, InvalidMailTexts: The profile cannot be used.
        InvalidSettings: One that an extension needs is missing, or cannot be used.
        UnusableKey: A signing key cannot be read.
        DatabaseNotMigrated, DatabaseTooNew: The database is not of this Forecourt.
        BackendUnavailable: The database does not answer.
    """
    policy, applications = await _read_policy(profile)
    mail_wording = MailWording(profile.mail_texts)
    check = partial(_check_catalogue_of, profile, applications)
    read = read_given_keys if settings.signing_key_file is not None else read_or_make_keys
    keys = SigningKeys(settings.key_file, read(settings.key_file))
    tokens = AccessTokens(
        keys,
        issuer=settings.issuer,
        audience="forecourt",
        lifetime=timedelta(minutes=settings.access_token_minutes),
    )
    if missing := missing_extension_settings(settings, profile):
        raise InvalidSettings("\n".join(missing))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(keys.watched())
        extensions = _open_extensions(settings, profile)
        for backend in extensions.values():
            stack.push_async_callback(backend.close)
        engine = open_our_database(settings)
        stack.push_async_callback(engine.dispose)
        for migrations in MIGRATIONS:
            await check_migrated(engine, migrations)
        rate_limits: RateLimits = EmbeddedRateLimits()
        if settings.redis_url is not None:
            rate_limits = open_redis(settings.redis_url.get_secret_value())
            stack.push_async_callback(rate_limits.close)
        events = _open_events(settings)
        stack.push_async_callback(events.close)
        work = asyncio.Event()
        directory = Directory(engine, events.publish, work.set)
        accounts = EmbeddedAccounts(engine)
        shop, client = _open_shop(settings, engine)
        if client is not None:
            stack.push_async_callback(client.close)
        files, folder = _open_files(settings)
        mailbox = Mailbox(engine)
        mailer: Mailer = mailbox
        if settings.smtp_url is not None:
            mailer = open_mail_server(settings.smtp_url.get_secret_value())
        yield Wiring(
            Backends(
                directory=directory,
                accounts=accounts,
                shop=shop,
                applications=applications,
                rate_limits=rate_limits,
                mailer=mailer,
                tokens=tokens,
                seals=Seals(keys, clock),
                files=files,
                portal=portal_of(settings, profile),
                mail_wording=mail_wording,
                refresh_reuse=timedelta(seconds=settings.refresh_reuse_seconds),
                file_links_for=timedelta(minutes=settings.files_link_minutes),
                extensions=extensions,
                kept=_open_caches(settings, profile, extensions, stack),
                external_ids=MappedIds(engine),
            ),
            tokens,
            PolicyFile(Path(profile.policy_source), policy, check),
            events,
            {
                "directory": directory.healthy,
                "identity": accounts.healthy,
                "shop": shop.healthy,
                "rate_limits": rate_limits.healthy,
                "events": events.healthy,
                "mail": mailer.healthy,
                "files": files.healthy,
                **{name: backend.healthy for name, backend in extensions.items()},
            },
            mailbox if mailer is mailbox else None,
            work,
            folder,
            clients=extensions | ({client.name: client} if client is not None else {}),
        )


def _open_extensions(settings: Settings, profile: Profile) -> "dict[str, HttpBackend]":
    """Return the back ends of the profile's extensions by name; none is asked before a request is.

    Raises:
        InvalidSettings: A URL is none of a back end.
    """
    opened = {}
    for declared in (one for extension in profile.extensions for one in extension.back_ends):
        try:
            opened[declared.name] = declared.opened(settings.of_extensions)
        except ValueError as error:
            raise InvalidSettings(f"FORECOURT_{declared.url.upper()}: {error}.") from error
    return opened


def _open_caches(
    settings: Settings, profile: Profile, extensions: "Mapping[str, HttpBackend]", stack: AsyncExitStack
) -> dict[str, CachedFetch]:
    """Return what keeps the answers of extensions' back ends, by name: in Redis where there is one, else in memory."""
    caching = [one for extension in profile.extensions for one in extension.back_ends if one.caching is not None]
    if not caching:
        return {}
    store: CacheStore = EmbeddedCache()
    if settings.redis_url is not None:
        from connectors.cache.redis import RedisCache  # as above

        store = RedisCache(settings.redis_url.get_secret_value())
    stack.push_async_callback(store.close)
    return {declared.name: declared.kept(extensions[declared.name], store) for declared in caching}


def _open_shop(settings: Settings, engine: AsyncEngine) -> "tuple[Shop, HttpBackend | None]":
    """Return the shop, and what calls it where it is another application."""
    return open_own_shop(settings, engine) or (EmbeddedShop(engine), None)


def open_own_shop(settings: Settings, engine: AsyncEngine) -> "tuple[VendureShop, HttpBackend] | None":
    """Return the shop that is another application, and what calls it; None where it is ours."""
    if settings.shop == "embedded" or settings.shop_url is None or settings.shop_api_key is None:
        return None
    # With what they bring along, these take ten megabytes of memory.
    from connectors.directory.external_ids import MappedIds
    from connectors.http.client import HttpBackend
    from connectors.http.sign_in import ApiKey
    from connectors.shop.vendure.shop import BACKEND, KEY_HEADER, VendureShop

    address, _, path = settings.shop_url.rpartition("/")
    client = HttpBackend(BACKEND, address, sign_in=ApiKey(KEY_HEADER, settings.shop_api_key.get_secret_value()))
    return VendureShop(client, f"/{path}", MappedIds(engine), channel=settings.shop_channel), client


def portal_of(settings: Settings, profile: Profile) -> Portal:
    """Return what the portal says of itself: what its profile says, and what is opened here."""
    return Portal(
        title=profile.title,
        contact=profile.contact,
        default_locale=profile.default_locale,
        time_zone=profile.time_zone,
        facts=profile.portal.facts(),
        sign_in_methods=(BY_PASSWORD,),  # of the embedded accounts
        domains=(Domain.ORDERS,),  # which every shop has
        address=settings.address,
        sender=settings.sender,
        page_urls={**page_urls(settings.links["portal"], profile.pages), **settings.links},
    )


async def read_policy(profile: Profile) -> tuple[Policy, Sequence[ApplicationRecord]]:
    """Return the profile's policy and applications, which go with each other.

    Raises:
        InvalidPolicy, InvalidCatalogue: They cannot be used.
    """
    policy, applications = await _read_policy(profile)
    return policy, await applications.catalogue()


async def profile_problems(profile: Profile) -> list[str]:
    """Return all that is wrong with a profile's policy, applications, icons and texts of mails; empty when nothing is.

    A file that could not be read is left out: whoever read the profile has said so.
    """
    problems, policy, applications = [], None, None
    if profile.policy_text:
        try:
            policy = parse_policy(profile.policy_text, profile.policy_source, profile.not_loaded)
        except InvalidPolicy as error:
            problems.append(str(error))
    if profile.applications_text:
        try:
            applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
        except InvalidCatalogue as error:
            problems.append(str(error))
    if applications is not None:
        problems += await _missing_icons(profile, applications)
        if policy is not None:
            try:
                await _check_catalogue_of(profile, applications, policy)
            except InvalidPolicy as error:
                problems.append(str(error))
    for language, own in profile.mail_texts.items():
        try:
            MailWording({language: own})
        except InvalidMailTexts as error:
            problems.append(str(error))
    return problems


async def _read_policy(profile: Profile) -> tuple[Policy, EmbeddedApplications]:
    policy = parse_policy(profile.policy_text, profile.policy_source, profile.not_loaded)
    applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
    await _check_catalogue_of(profile, applications, policy)
    if missing := await _missing_icons(profile, applications):
        raise InvalidCatalogue("\n".join(missing))
    return policy, applications


async def _missing_icons(profile: Profile, applications: EmbeddedApplications) -> list[str]:
    """Return, for each icon of ours that a tile would show and that there is not, where it is asked for."""
    positions = TomlPositions(profile.applications_text)
    missing = []
    for application in await applications.catalogue():
        folder, _, name = (application.icon_url or "").partition("/icons/")
        if name and not folder and name not in profile.icons:
            line = positions.line_of("applications", application.key, "icon")
            file = profile.folder / "icons" / name
            missing.append(
                f"{profile.applications_source}, line {line}: [applications.{application.key}]: there is no {file}; "
                "put an SVG file there, name another icon, or leave icon out."
            )
    return missing


@dataclass(frozen=True, slots=True)
class Stores:
    """The back ends that keep data of ours, to be filled."""

    directory: Directory
    accounts: EmbeddedAccounts
    shop: EmbeddedShop


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the back ends that keep data of ours for as long as the block runs.

    Raises:
        DatabaseNotMigrated, DatabaseTooNew: The database is not of this Forecourt.
        BackendUnavailable: The database does not answer.
    """
    # What fills a database sends in one statement what a request never would.
    engine = open_our_database(settings, replace(settings.database_limits, statement_seconds=_LOADING_SECONDS))
    try:
        for migrations in MIGRATIONS:
            await check_migrated(engine, migrations)
        yield Stores(Directory(engine), EmbeddedAccounts(engine), EmbeddedShop(engine))
    finally:
        await engine.dispose()


def open_our_database(settings: Settings, limits: DatabaseLimits | None = None) -> AsyncEngine:
    """Return our database, with nothing connected yet."""
    if settings.database_url is None:
        make_private_folder(settings.folder)
    return open_database(settings.database, limits or settings.database_limits)


def _open_files(settings: Settings) -> tuple[Files, FolderFiles | None]:
    """Return where the files are, and the folder when they are in one, which Forecourt serves itself.

    Raises:
        BackendUnavailable: The credentials of a store have not the form of any.
    """
    store = open_store(settings)
    if store is not None:
        return store, None
    folder = settings.files_folder
    if settings.files_url is None:
        make_private_folder(folder)
    files = FolderFiles(folder)
    return files, files


def open_store(settings: Settings) -> "SignedFiles | None":
    """Return the store of files; None when they are in a folder.

    Raises:
        BackendUnavailable: The credentials have not the form of any.
    """
    url = settings.files_url
    if url is None or url.startswith("file:"):
        return None
    from connectors.files.signed import SignedFiles, SignedStore  # with a library of five megabytes

    secret = settings.files_secret.get_secret_value() if settings.files_secret is not None else ""
    return SignedFiles(
        SignedStore(url, settings.files_account or "", secret, settings.files_region, settings.files_endpoint)
    )


def open_redis(url: str) -> "RedisRateLimits":
    """Return what counts in Redis."""
    from connectors.rate_limits.redis import RedisRateLimits  # its client takes 5 MB of memory

    return RedisRateLimits(url)


def open_mail_server(url: str) -> "SmtpMailer":
    """Return what hands mails over to the server."""
    from connectors.mail.smtp import SmtpMailer  # what speaks SMTP and writes messages

    return SmtpMailer(mail_server(url))


def _open_events(settings: Settings) -> Events:
    """Return what notifies the other gateways: Redis where there is one, else PostgreSQL.

    SQLite has one gateway only.
    """
    if settings.redis_url is not None:
        from connectors.events.redis import RedisEvents  # as above

        return RedisEvents(settings.redis_url.get_secret_value())
    if settings.database.startswith("postgresql"):
        return PostgresqlEvents(settings.database)
    return EmbeddedEvents()


async def migrate_our_database(settings: Settings) -> list[str]:
    """Bring the tables of every embedded back end up to date and return the revisions that were run."""
    engine = open_our_database(settings)
    try:
        done = []
        for migrations in MIGRATIONS:
            done += [f"{migrations.backend} {revision}" for revision in await migrate(engine, migrations)]
        return done
    finally:
        await engine.dispose()


async def check_catalogue(applications: EmbeddedApplications, policy: Policy, source: str, text: str = "") -> None:
    """Return when the catalogue speaks only of roles and permissions that exist, and each application can be opened.

    `text` is that of the catalogue's file, for the lines in messages.

    Raises:
        InvalidPolicy: With all problems, naming the file, the line, the application and the word it does not know.
    """
    positions = TomlPositions(text)
    held = {permission.value for role in policy.roles.values() for permission in role.permissions}
    held.update(permission.value for permission in policy.direct_permissions)
    problems: list[str] = []

    def note(line: int | None, problem: str, hint: str) -> None:
        problems.append(f"{source}{f', line {line}' if line else ''}: {problem}{hint}.")

    for application in await applications.catalogue():
        table_path: tuple[str, ...] = ("applications", application.key)
        doors = [("the application", application.key, table_path, application.role_keys, application.permissions)]
        doors += [
            ("the mode", mode.key, (*table_path, "modes", mode.key), mode.role_keys, mode.permissions)
            for mode in application.modes
        ]
        for what, key, path, role_keys, permissions in doors:
            unknown_roles, unknown_codes = (
                sorted(role_keys - policy.roles.keys()),
                sorted(permissions - CUSTOMER_CODES),
            )
            for role in unknown_roles:
                problem = f'{what} {key} opens for the role "{role}", which the policy does not have'
                note(positions.line_of(*path, "roles", role), problem, nearest(role, list(policy.roles)))
            for code in unknown_codes:
                problem = f'{what} {key} opens for "{code}", which is no permission of customers'
                note(positions.line_of(*path, "permissions", code), problem, nearest(code, sorted(CUSTOMER_CODES)))
            opens_otherwise = what == "the application" and (application.open_to or application.for_every_member)
            is_known = not unknown_roles and not unknown_codes
            if is_known and not role_keys and held.isdisjoint(permissions) and not opens_otherwise:
                problem = f"nobody could open {what} {key}: no role and no direct permission gives"
                note(
                    positions.line_of(*path, "permissions"),
                    f"{problem} {one_of(sorted(permissions))}",
                    "; add one of these to a role or to rights.toggles, or open it for a role",
                )
    if problems:
        raise InvalidPolicy("\n".join(problems))


async def _check_catalogue_of(profile: Profile, applications: EmbeddedApplications, policy: Policy) -> None:
    await check_catalogue(applications, policy, profile.applications_source, profile.applications_text)
