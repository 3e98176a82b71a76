"""The page written by hand: asyncpg and orjson, one function per query, no GraphQL, no token and no guards.

This is the yardstick: what the same bytes cost when nobody is asked for a token or a permission and nothing can be
asked but these three queries. It is as lean as we can make it in Python: no framework, connections that are not reset
between requests, only the columns that are shown, and instants and names that PostgreSQL writes as they are shown.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson
from starlette.applications import Starlette

from bench.workload import VIEWER_ID
from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import ApplicationRecord
from gateway.profile_files import Profile
from permissions.policy import Policy, parse_policy

_CONNECTIONS = 10
_CENTS = tuple(f".{cents:02}" for cents in range(100))


def _instant(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


_CALLER = """
SELECT u.first_name || ' ' || u.last_name, u.email, u.locale, u.account_kind, g.key
FROM users u
LEFT JOIN memberships m ON m.user_id = u.id AND m.organization_id = u.default_organization_id
LEFT JOIN grants g ON g.membership_id = m.id AND g.kind = 'ROLE'
WHERE u.id = $1"""
_ORGANIZATION = "SELECT id, name, customer_number, status FROM organizations WHERE id = $1"
_MEMBERS = """
SELECT m.id, m.status, m.job_title, u.first_name || ' ' || u.last_name, u.email
FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.status <> 'REMOVED'
ORDER BY u.last_name_key, u.first_name_key, m.id LIMIT $2"""
_GRANTS = f"""
SELECT g.membership_id, g.key, {_instant("g.valid_until")}
FROM grants g
WHERE g.membership_id = ANY($1::text[]) AND g.kind = 'ROLE'
ORDER BY g.key"""
_ORDERS = f"""
SELECT o.id, o.number, o.status, {_instant("o.placed_at")}, u.first_name || ' ' || u.last_name, o.total_minor_units,
    o.currency
FROM shop_orders o LEFT JOIN users u ON u.id = o.placed_by_id
WHERE o.organization_id = $1
ORDER BY o.created_at DESC, o.id DESC LIMIT $2"""
_LONG_ORDERS = f"""
SELECT id, number, status, {_instant("placed_at")}, currency
FROM shop_orders WHERE organization_id = $1
ORDER BY created_at DESC, id DESC LIMIT $2"""
_LINES = """
SELECT order_id, sku, name, quantity, unit_price_minor_units
FROM shop_order_lines WHERE order_id = ANY($1::text[]) ORDER BY order_id, position"""


class Handwritten(Starlette):
    """The endpoint, for a ``postgresql:`` URL; Starlette only starts and stops it.

    It keeps the applications and the names of the roles in memory.
    """

    def __init__(self, database_url: str, profile: Profile) -> None:
        super().__init__(lifespan=self._serving)
        self._database_url = database_url
        self._connections: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        self._profile = profile
        self._policy = parse_policy(profile.policy_text, profile.policy_source)
        self._catalogue: Sequence[ApplicationRecord] = ()
        self._roles = {
            language: {
                key: {"key": key, "label": _text(role.labels, language)} for key, role in self._policy.roles.items()
            }
            for language in ("de", "en", "fr")
        }

    @asynccontextmanager
    async def _serving(self, _app: Starlette) -> AsyncIterator[None]:
        profile = self._profile
        applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
        self._catalogue = await applications.catalogue()
        opened = [await asyncpg.connect(self._database_url) for _ in range(_CONNECTIONS)]
        for connection in opened:
            self._connections.put_nowait(connection)
        yield
        for connection in opened:
            await connection.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the query that the request names."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        asked = b""
        more = True
        while more:
            message = await receive()
            asked += message.get("body", b"")
            more = message.get("more_body", False)
        body = orjson.loads(asked)
        variables = body["variables"]
        connection = await self._connections.get()
        try:
            match body["operationName"]:
                case "Dashboard":
                    data = await self._dashboard(connection, variables["id"])
                case "Small":
                    data = await self._small(connection, variables["id"])
                case _:
                    data = await self._growing(connection, variables["id"], variables["first"])
        finally:
            self._connections.put_nowait(connection)
        answer = orjson.dumps({"data": data})
        headers = [
            (b"content-type", b"application/graphql-response+json; charset=utf-8"),
            (b"content-length", b"%d" % len(answer)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

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
            grants[membership_id].append({"validUntil": valid_until, "role": roles[key]})
        organization["members"] = {
            "nodes": [
                {
                    "id": id,
                    "status": status,
                    "jobTitle": job_title,
                    "user": {"displayName": name, "email": email},
                    "roleGrants": grants[id],
                }
                for id, status, job_title, name, email in members
            ]
        }
        orders = await connection.fetch(_ORDERS, organization_id, 20)
        lines = await self._lines(connection, orders)
        organization["orders"] = {
            "nodes": [
                {
                    "number": number,
                    "status": status,
                    "placedAt": placed_at,
                    "placedBy": {"displayName": placed_by},
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
                for id, number, status, placed_at, placed_by, total, currency in orders
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
        orders = await connection.fetch(_LONG_ORDERS, organization_id, first)
        lines = await self._lines(connection, orders)
        nodes = [
            {
                "number": number,
                "status": status,
                "placedAt": placed_at,
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
            for id, number, status, placed_at, currency in orders
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
        name, email = caller[0][:2]
        return {"user": {"displayName": name, "email": email}}

    def _opening(self, caller: Sequence[Any]) -> list[ApplicationRecord]:
        kind = caller[0][3]
        return [
            application
            for application in self._catalogue
            if kind in application.audience and _opens(application, self._policy, [row[4] for row in caller])
        ]


def _opens(application: ApplicationRecord, policy: Policy, roles: Sequence[str]) -> bool:
    return application.for_every_member or any(
        key in application.role_keys or not application.permissions.isdisjoint(policy.roles[key].permissions)
        for key in roles
    )


def _language(caller: Sequence[Any]) -> str:
    return str(caller[0][2]).partition("-")[0]


def _text(texts: Mapping[str, str], language: str) -> str | None:
    return texts.get(language) or texts.get("en")


def _amount(minor_units: int) -> str:
    return f"{minor_units // 100}{_CENTS[minor_units % 100]}"
