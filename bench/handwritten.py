"""The page written by hand: starlette, asyncpg and orjson, one function per query, no GraphQL and no guards.

This is the yardstick: what the same bytes cost when nobody is asked for a token or a permission and nothing can be
asked but these three queries.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.workload import VIEWER_ID
from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import ApplicationRecord
from gateway.profile_files import Profile
from permissions.policy import Policy, parse_policy

_CALLER = """
SELECT u.first_name, u.last_name, u.email, u.locale, u.account_kind, g.key
FROM users u
LEFT JOIN memberships m ON m.user_id = u.id AND m.organization_id = u.default_organization_id
LEFT JOIN grants g ON g.membership_id = m.id AND g.kind = 'ROLE'
WHERE u.id = $1"""
_ORGANIZATION = "SELECT id, name, customer_number, status FROM organizations WHERE id = $1"
_MEMBERS = """
SELECT m.id, m.status, m.job_title, u.first_name, u.last_name, u.email
FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.status <> 'REMOVED'
ORDER BY u.last_name_key, u.first_name_key, m.id LIMIT $2"""
_GRANTS = """
SELECT g.membership_id, g.key, g.valid_until
FROM grants g
WHERE g.membership_id = ANY($1::text[]) AND g.kind = 'ROLE'
ORDER BY g.key"""
_ORDERS = """
SELECT o.id, o.number, o.status, o.placed_at, u.first_name, u.last_name, o.total_minor_units, o.currency
FROM shop_orders o LEFT JOIN users u ON u.id = o.placed_by_id
WHERE o.organization_id = $1
ORDER BY o.created_at DESC, o.id DESC LIMIT $2"""
_LINES = """
SELECT order_id, sku, name, quantity, unit_price_minor_units
FROM shop_order_lines WHERE order_id = ANY($1::text[]) ORDER BY order_id, position"""


def handwritten(database_url: str, profile: Profile) -> Starlette:
    """Return the endpoint for a ``postgresql:`` URL."""
    page = Page(profile)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=1, max_size=10) as pool:
            page.pool = pool
            await page.prepare(profile)
            yield

    return Starlette(routes=[Route("/graphql", page.answer, methods=["POST"])], lifespan=lifespan)


class Page:
    """The endpoint and what it keeps in memory: the applications and the names of the roles."""

    pool: Any

    def __init__(self, profile: Profile) -> None:
        self._policy = parse_policy(profile.policy_text, profile.policy_source)
        self._catalogue: Sequence[ApplicationRecord] = ()
        self._roles = {
            language: {
                key: {"key": key, "label": _text(role.labels, language)} for key, role in self._policy.roles.items()
            }
            for language in ("de", "en", "fr")
        }

    async def prepare(self, profile: Profile) -> None:
        """Read the catalogue."""
        applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
        self._catalogue = await applications.catalogue()

    async def answer(self, request: Request) -> Response:
        """Answer the query that the request names."""
        body = orjson.loads(await request.body())
        variables = body["variables"]
        async with self.pool.acquire() as connection:
            match body["operationName"]:
                case "Dashboard":
                    data = await self._dashboard(connection, variables["id"])
                case "Small":
                    data = await self._small(connection, variables["id"])
                case _:
                    data = await self._growing(connection, variables["id"], variables["first"])
        return Response(orjson.dumps({"data": data}), media_type="application/graphql-response+json; charset=utf-8")

    async def _dashboard(self, connection: Any, organization_id: str) -> dict[str, Any]:
        caller = await connection.fetch(_CALLER, VIEWER_ID)
        language = _language(caller)
        roles = self._roles[language]
        viewer = self._viewer(caller)
        viewer["applications"] = [
            {
                "state": "AVAILABLE",
                "application": {
                    "key": application.key,
                    "name": _text(application.names, language),
                    "tagline": _text(application.taglines, language),
                    "iconUrl": application.icon_url,
                },
                "launch": {"kind": application.launch_kind.value, "url": application.launch_url},
            }
            for application in self._opening(caller)
        ]
        organization = await self._organization(connection, organization_id)
        members = await connection.fetch(_MEMBERS, organization_id, 25)
        grants: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for membership_id, key, valid_until in await connection.fetch(_GRANTS, [row[0] for row in members]):
            grants[membership_id].append({"validUntil": _instant(valid_until), "role": roles[key]})
        organization["members"] = {
            "nodes": [
                {
                    "id": id,
                    "status": status,
                    "jobTitle": job_title,
                    "user": {"displayName": f"{first_name} {last_name}", "email": email},
                    "roleGrants": grants[id],
                }
                for id, status, job_title, first_name, last_name, email in members
            ]
        }
        orders = await connection.fetch(_ORDERS, organization_id, 20)
        lines = await self._lines(connection, orders)
        organization["orders"] = {
            "nodes": [
                {
                    "number": number,
                    "status": status,
                    "placedAt": _instant(placed_at),
                    "placedBy": {"displayName": f"{first_name} {last_name}"},
                    "total": {"amount": _amount(total), "currency": currency},
                    "lines": [
                        {
                            "sku": sku,
                            "name": name,
                            "quantity": quantity,
                            "unitPrice": {"amount": _amount(price)},
                            "total": {"amount": _amount(quantity * price)},
                        }
                        for _, sku, name, quantity, price in lines[id]
                    ],
                }
                for id, number, status, placed_at, first_name, last_name, total, currency in orders
            ]
        }
        return {"viewer": viewer, "organization": organization}

    async def _small(self, connection: Any, organization_id: str) -> dict[str, Any]:
        caller = await connection.fetch(_CALLER, VIEWER_ID)
        language = _language(caller)
        viewer = self._viewer(caller)
        viewer["applications"] = [
            {
                "state": "AVAILABLE",
                "application": {"key": application.key, "name": _text(application.names, language)},
                "launch": {"url": application.launch_url},
            }
            for application in self._opening(caller)
        ]
        return {"viewer": viewer, "organization": await self._organization(connection, organization_id)}

    async def _growing(self, connection: Any, organization_id: str, first: int) -> dict[str, Any]:
        orders = await connection.fetch(_ORDERS, organization_id, first)
        lines = await self._lines(connection, orders)
        nodes = [
            {
                "number": number,
                "status": status,
                "placedAt": _instant(placed_at),
                "lines": [
                    {
                        "sku": sku,
                        "name": name,
                        "quantity": quantity,
                        "unitPrice": {"amount": _amount(price), "currency": currency},
                        "total": {"amount": _amount(quantity * price), "currency": currency},
                    }
                    for _, sku, name, quantity, price in lines[id]
                ],
            }
            for id, number, status, placed_at, _, _, _, currency in orders
        ]
        return {"organization": {"orders": {"nodes": nodes}}}

    async def _organization(self, connection: Any, organization_id: str) -> dict[str, Any]:
        id, name, customer_number, status = await connection.fetchrow(_ORGANIZATION, organization_id)
        return {"id": id, "name": name, "customerNumber": customer_number, "status": status}

    async def _lines(self, connection: Any, orders: Sequence[Any]) -> Mapping[str, list[Any]]:
        lines: defaultdict[str, list[Any]] = defaultdict(list)
        for row in await connection.fetch(_LINES, [row[0] for row in orders]):
            lines[row[0]].append(row)
        return lines

    def _viewer(self, caller: Sequence[Any]) -> dict[str, Any]:
        first_name, last_name, email = caller[0][:3]
        return {"user": {"displayName": f"{first_name} {last_name}", "email": email}}

    def _opening(self, caller: Sequence[Any]) -> list[ApplicationRecord]:
        kind = caller[0][4]
        return [
            application
            for application in self._catalogue
            if kind in application.audience and _opens(application, self._policy, [row[5] for row in caller])
        ]


def _opens(application: ApplicationRecord, policy: Policy, roles: Sequence[str]) -> bool:
    return application.for_every_member or any(
        key in application.role_keys or not application.permissions.isdisjoint(policy.roles[key].permissions)
        for key in roles
    )


def _language(caller: Sequence[Any]) -> str:
    return str(caller[0][3]).partition("-")[0]


def _text(texts: Mapping[str, str], language: str) -> str | None:
    return texts.get(language) or texts.get("en")


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _amount(minor_units: int) -> str:
    return f"{minor_units // 100}.{minor_units % 100:02}"
