"""Loading the profile's demo organization, whose accounts anybody may try."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors.identity.interface import Credentials
from gateway.demo import DEMO_PASSWORD, DemoAccount
from gateway.demo.written import WrittenAccount, read_demo
from gateway.profile_files import Profile
from gateway.settings import Settings
from gateway.wiring import open_stores


class NoDemo(Exception):
    """There is no demo to load, or nowhere to load it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LoadedDemo:
    """What was loaded, nothing when the demo was there already, and who can sign in."""

    organizations: int
    people: int
    orders: int
    accounts: tuple[DemoAccount, ...]


def demo_accounts(profile: Profile) -> tuple[WrittenAccount, ...]:
    """Return the accounts of the demo that one can sign in as; empty for a profile without a demo."""
    return read_demo(profile.demo_text, profile.demo_source).accounts if profile.demo_text is not None else ()


async def load_demo(
    settings: Settings, profile: Profile, *, clock: Callable[[], datetime], organizations: int = 0
) -> LoadedDemo:
    """Load the demo into an empty, migrated database, with so many invented organizations more; once is enough.

    Raises:
        NoDemo: The profile has none, or the database holds something else than this demo.
    """
    from gateway.demo.demo_data import demo_data  # only where a demo is loaded

    if profile.demo_text is None:
        raise NoDemo(f"The profile {profile.key} has no demo; write a demo.toml in {profile.folder}.")
    data = demo_data(profile, organizations=organizations, now=clock())
    async with open_stores(settings) as stores:
        if not await stores.directory.is_empty():
            wanted = [account.user_id for account in data.accounts]
            if None in await stores.directory.users(wanted):
                raise NoDemo(
                    "The database is not empty, and what it holds is not this demo. Nothing was changed. "
                    "Use another data folder, by FORECOURT_DATA_FOLDER, or another database."
                )
            there = await stores.directory.organizations([record.id for record in data.directory.organizations])
            if None in there:
                raise NoDemo(
                    f"The demo is there already, with fewer than {organizations} invented organizations. Nothing was "
                    "changed. Remove the data folder to load it again."
                )
            return LoadedDemo(0, 0, 0, data.accounts)
        await stores.directory.load(data.directory)
        if settings.shop == "embedded":
            await stores.shop.load(data.shop)
        password_hash = await stores.accounts.hash(DEMO_PASSWORD)
        await stores.accounts.apply([Credentials(account.user_id, 0, password_hash) for account in data.accounts])
    orders = len(data.shop.orders) if settings.shop == "embedded" else 0
    return LoadedDemo(len(data.directory.organizations), len(data.directory.users), orders, data.accounts)
