"""Gateways that many tests share because they only read."""

from hypothesis import settings

from tests.journeys.conftest import software, solar

__all__ = ["software", "solar"]

# How long an example takes says nothing here: other work shares the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
