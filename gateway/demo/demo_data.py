"""Living data to try a profile with: organizations, people, orders, the same on every machine and every day."""

from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.directory.records.data import DirectoryData
from connectors.shop.interface import ShopData
from gateway.demo import DemoAccount
from gateway.demo.generated import generated_organization
from gateway.demo.orders import orders_of
from gateway.demo.people import populate
from gateway.demo.written import read_demo, read_words
from gateway.profile_files import InvalidProfile, Profile


@dataclass(frozen=True, slots=True)
class DemoData:
    """Everything to load into an empty directory and an empty shop, and the accounts worth trying first."""

    directory: DirectoryData
    shop: ShopData
    accounts: tuple[DemoAccount, ...]


def demo_data(profile: Profile, *, organizations: int = 0, now: datetime) -> DemoData:
    """Return the profile's hand-written organizations and people, and as many invented organizations as asked for.

    The same on every call: nothing depends on the day, only on the reference date in ``demo.toml``, except where
    the clock stands before that date; then everything is that much older, so that nothing lies in the future. An
    invented organization is the same however many others there are.

    Raises:
        InvalidProfile: The profile has no ``demo.toml``, or there is a problem in it.
    """
    if profile.demo_text is None:
        raise InvalidProfile(
            f"{profile.demo_source} is missing; it holds the demo organization. Start without demo data, or copy the "
            "one of a shipped profile and change it."
        )
    if organizations < 0:
        raise ValueError(f"organizations must be 0 or more, not {organizations}.")
    demo = read_demo(profile.demo_text, profile.demo_source)
    words = read_words()
    reference = min(demo.reference, now.astimezone(UTC))
    invented = [generated_organization(profile.key, number, demo, words) for number in range(1, organizations + 1)]
    population = populate(profile, demo, [*demo.organizations, *invented], reference)
    return DemoData(
        directory=population.directory,
        shop=_shop(
            [
                orders_of(organization, demo.shop, words, profile.key, reference)
                for organization in population.with_people
            ]
        ),
        accounts=tuple(
            DemoAccount(account.login, account.title, account.description, population.user_ids[account.login])
            for account in demo.accounts
        ),
    )


def _shop(parts: list[ShopData]) -> ShopData:
    return ShopData(
        orders=[order for part in parts for order in part.orders],
        lines=[line for part in parts for line in part.lines],
        events=[event for part in parts for event in part.events],
    )
