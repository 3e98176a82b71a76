"""Living data to try a profile with; what invents it takes 7 MB of memory and is loaded only where there is a demo."""

from dataclasses import dataclass

from connectors.ids import UserId

DEMO_PASSWORD = "forecourt-demo"
"""The password of every demo account."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody one can sign in as with DEMO_PASSWORD."""

    login_name: str
    title: str
    description: str
    user_id: UserId
