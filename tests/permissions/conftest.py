"""Gateways that many tests share because they only read."""

from tests.journeys.conftest import software, solar

__all__ = ["software", "solar"]
