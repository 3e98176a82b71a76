"""Which implementation stands behind each interface: opened here, closed in reverse, chosen nowhere else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.applications.embedded import EmbeddedApplications
from connectors.database import check_migrated, migrate, open_database
from connectors.directory.migrations import MIGRATIONS as DIRECTORY
from connectors.directory.sql import SqlDirectory
from connectors.identity.embedded import EmbeddedAccounts
from connectors.identity.migrations import MIGRATIONS as IDENTITY
from connectors.identity.tokens import AccessTokens, read_key, read_or_make_key
from connectors.rate_limits.embedded import EmbeddedRateLimits
from connectors.rate_limits.interface import RateLimits
from connectors.rate_limits.redis import RedisRateLimits
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.migrations import MIGRATIONS as SHOP
from gateway.profiles import Profile
from gateway.settings import Settings
from permissions.policy import InvalidPolicy, Policy, parse_policy
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission
from resolvers.context import Backends

MIGRATIONS = (DIRECTORY, IDENTITY, SHOP)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The open back ends, the policy they are used under, and how to ask each whether it is up."""

    backends: Backends
    tokens: AccessTokens
    policy: Policy
    checks: dict[str, Callable[[], Awaitable[bool]]]


@asynccontextmanager
async def open_wiring(settings: Settings, profile: Profile) -> AsyncIterator[Wiring]:
    """Open every back end for as long as the block runs.

    Raises:
        InvalidPolicy, InvalidCatalogue: The profile cannot be used.
        UnusableKey: The signing key cannot be read.
        DatabaseNotMigrated, DatabaseTooNew: The database is not of this Forecourt.
        BackendUnavailable: The database does not answer.
    """
    policy = parse_policy(profile.policy_text, profile.policy_source)
    applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
    await check_catalogue(applications, policy, profile.applications_source)
    key = (
        read_key(settings.signing_key_file)
        if settings.signing_key_file is not None
        else read_or_make_key(settings.folder / "signing_key.pem")
    )
    tokens = AccessTokens(
        key,
        issuer=settings.address,
        audience="forecourt",
        lifetime=timedelta(minutes=settings.access_token_minutes),
    )
    async with AsyncExitStack() as stack:
        engine = _open_our_database(settings)
        stack.push_async_callback(engine.dispose)
        for migrations in MIGRATIONS:
            await check_migrated(engine, migrations)
        rate_limits: RateLimits = EmbeddedRateLimits()
        if settings.redis_url is not None:
            rate_limits = RedisRateLimits(settings.redis_url.get_secret_value())
            stack.push_async_callback(rate_limits.close)
        directory, accounts, shop = SqlDirectory(engine), EmbeddedAccounts(engine), EmbeddedShop(engine)
        yield Wiring(
            Backends(
                directory=directory,
                accounts=accounts,
                shop=shop,
                applications=applications,
                rate_limits=rate_limits,
                tokens=tokens,
            ),
            tokens,
            policy,
            {"directory": directory.healthy, "identity": accounts.healthy, "shop": shop.healthy},
        )


@dataclass(frozen=True, slots=True)
class Stores:
    """The back ends that keep data of ours, to be filled."""

    directory: SqlDirectory
    accounts: EmbeddedAccounts
    shop: EmbeddedShop


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the back ends that keep data of ours, whose tables exist, for as long as the block runs."""
    engine = _open_our_database(settings)
    try:
        yield Stores(SqlDirectory(engine), EmbeddedAccounts(engine), EmbeddedShop(engine))
    finally:
        await engine.dispose()


def _open_our_database(settings: Settings) -> AsyncEngine:
    if settings.database_url is None:
        settings.folder.mkdir(parents=True, exist_ok=True)
    return open_database(settings.database)


async def migrate_our_database(settings: Settings) -> list[str]:
    """Bring the tables of every embedded back end up to date and return the revisions that were run."""
    engine = _open_our_database(settings)
    try:
        done = []
        for migrations in MIGRATIONS:
            done += [f"{migrations.backend} {revision}" for revision in await migrate(engine, migrations)]
        return done
    finally:
        await engine.dispose()


async def check_catalogue(applications: EmbeddedApplications, policy: Policy, source: str) -> None:
    """Return when the catalogue speaks only of roles and permissions that exist.

    Raises:
        InvalidPolicy: Naming the application and the word it does not know.
    """
    for application in await applications.catalogue():
        doors = [("the application", application.key, application.role_keys, application.permissions)]
        doors += [("the mode", mode.key, mode.role_keys, mode.permissions) for mode in application.modes]
        for what, key, role_keys, permissions in doors:
            for role in sorted(role_keys - policy.roles.keys()):
                raise InvalidPolicy(
                    f'{source}: {what} {key} opens for the role "{role}", which the policy does not have; '
                    f"roles are {', '.join(policy.roles)}."
                )
            for code in sorted(permissions):
                if code not in Permission.__members__ or Permission(code) in VENDOR_PERMISSIONS:
                    raise InvalidPolicy(
                        f'{source}: {what} {key} opens for "{code}", which is no permission of customers; '
                        "the README of permissions lists them."
                    )
