"""What each role of the solar terminal opens and allows, read from the portal's own overview (role_matrix.json)."""

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

_MATRIX = json.loads((Path(__file__).parent / "role_matrix.json").read_text(encoding="utf-8"))

PAGE = (
    "webshop",
    "solar_portal",
    "solar_plan",
    "solar_portal_app_pro",
    "solar_config_tool",
    "smart_warranty",
    "repower_check",
    "installer_search",
    "installer_portal",
    "service_support",
)
"""The applications in the order of the page."""

ROLES: tuple[str, ...] = tuple(_MATRIX["roles"])

SUBSETS = tuple(chosen for size in range(len(ROLES) + 1) for chosen in combinations(ROLES, size))
"""The sixteen sets of roles that somebody can have."""


def applications_of(roles: Iterable[str]) -> list[str]:
    """The applications that these roles open together, in the order of the page (K50-K58)."""
    opened = set().union(*(_opened_by(role) for role in roles))
    return [key for key in PAGE if key in opened]


def permissions_of(roles: Iterable[str]) -> set[str]:
    """The codes of what these roles allow together (K40-K49, K59-K62)."""
    return set().union(*(_allowed_by(role) for role in roles))


def _opened_by(role: str) -> set[str]:
    opened = {key for key, opens in _MATRIX["roles"][role]["applications"].items() if opens}
    # K48: named in the description of planning, but not in the overview's list of applications.
    return opened | ({"solar_config_tool"} if role == "planning" else set())


def _allowed_by(role: str) -> set[str]:
    # K62: whoever opens Smart Warranty activates it.
    warranty = {"WARRANTY_ACTIVATE"} if _MATRIX["roles"][role]["applications"]["smart_warranty"] else set()
    return set(_MATRIX["stated_permissions"][role]) | warranty
