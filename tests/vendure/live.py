"""A Vendure as a vendor runs it: from npm, on a PostgreSQL of the tests, asked as its administrator, filled by rows."""

import asyncio
import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from sqlalchemy import URL

from connectors.external_ids import ExternalIds
from connectors.http.client import HttpBackend
from connectors.http.limits import HttpLimits
from connectors.http.sign_in import ApiKey
from connectors.ids import OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus, ShopData
from connectors.shop.vendure.shop import BACKEND, KEY_HEADER, VendureShop
from scripts.node import programs
from tests.servers import servers

PROJECT = Path(__file__).resolve().parent
_NODE = PROJECT.parents[1] / "scripts" / "node.py"
_START_SECONDS = 180

STATES = {
    OrderStatus.DRAFT: "AddingItems",
    OrderStatus.PENDING_APPROVAL: "PendingApproval",
    OrderStatus.REJECTED: "Rejected",
    OrderStatus.SUBMITTED: "PaymentAuthorized",
    OrderStatus.CONFIRMED: "PaymentSettled",
    OrderStatus.PARTIALLY_SHIPPED: "PartiallyShipped",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.DELIVERED: "Delivered",
    OrderStatus.CANCELLED: "Cancelled",
    OrderStatus.FAILED: "Failed",
}

_OF_CUSTOMERS = 'IN (SELECT "userId" FROM customer)'
_EMPTIED = (
    "history_entry",
    "stock_movement",
    "order_line_reference",
    "order_line",
    "shipping_line",
    "order_fulfillments_fulfillment",
    "fulfillment",
    "payment",
    "order_channels_channel",
    '"order"',
    f"session WHERE \"userId\" {_OF_CUSTOMERS} OR type = 'anonymous'",
    f'authentication_method WHERE "userId" {_OF_CUSTOMERS}',
    f'user_roles_role WHERE "userId" {_OF_CUSTOMERS}',
    f'"user" WHERE id {_OF_CUSTOMERS}',
    "address",
    "customer_groups_customer_group",
    "customer_channels_channel",
    "customer",
    "customer_group",
)
"""The rows that come and go."""


@dataclass
class Vendure:
    """A running Vendure: where its Admin API is, the key that opens it to a gateway, and its database."""

    url: str
    api_key: str
    database: URL
    token: str
    _articles: dict[str, int] = field(default_factory=dict)
    _groups: dict[str, int] = field(default_factory=dict)
    _customers: dict[tuple[str, str], int] = field(default_factory=dict)

    async def administers(self, query: str, **variables: Any) -> Any:
        """Do something as its administrator, and return the data; fails the test on an error."""
        return (await self.asks(query, headers={"authorization": f"Bearer {self.token}"}, **variables))["data"]

    async def asks(self, query: str, *, headers: Mapping[str, str], **variables: Any) -> Any:
        """Ask its Admin API; fails the test on an error."""
        async with httpx2.AsyncClient(timeout=60) as client:
            response = await client.post(self.url, json={"query": query, "variables": variables}, headers=headers)
        answer = response.json()
        assert not answer.get("errors"), answer
        return answer

    async def group(self, name: str) -> int:
        """Return the id of the customer group with this name, which is made when it is not there."""
        if name not in self._groups:
            made = await self.administers(
                "mutation($name: String!) { createCustomerGroup(input: {name: $name}) { id } }", name=name
            )
            self._groups[name] = int(made["createCustomerGroup"]["id"])
        return self._groups[name]

    async def customer(self, group: str, address: str, password: str | None = None) -> int:
        """Return the id of the customer with this e-mail address, who is in the group; they are made when not there."""
        if (group, address) not in self._customers:
            made = await self.administers(
                "mutation($it: CreateCustomerInput!, $password: String) "
                "{ createCustomer(input: $it, password: $password) { ... on Customer { id } } }",
                password=password,
                it={"firstName": "Zoë", "lastName": "Müller", "emailAddress": address},
            )
            key = self._customers[group, address] = int(made["createCustomer"]["id"])
            await self.administers(
                "mutation($group: ID!, $customer: ID!) "
                "{ addCustomersToGroup(customerGroupId: $group, customerIds: [$customer]) { id } }",
                group=await self.group(group),
                customer=key,
            )
        return self._customers[group, address]

    async def articles(self, wanted: Mapping[str, str]) -> Mapping[str, int]:
        """Return the ids of articles by their numbers; those with these numbers and names are made when not there."""
        missing = {sku: name for sku, name in wanted.items() if sku not in self._articles}
        for sku, name in missing.items():
            product = await self.administers(
                "mutation($it: CreateProductInput!) { createProduct(input: $it) { id } }",
                it={"translations": [{"languageCode": "de", "name": name, "slug": sku.lower(), "description": ""}]},
            )
            variants = await self.administers(
                "mutation($it: [CreateProductVariantInput!]!) { createProductVariants(input: $it) { id } }",
                it=[
                    {
                        "productId": product["createProduct"]["id"],
                        "sku": sku,
                        "price": 1_000,
                        "trackInventory": "FALSE",
                        "translations": [{"languageCode": "de", "name": name}],
                    }
                ],
            )
            self._articles[sku] = int(variants["createProductVariants"][0]["id"])
        return self._articles

    async def loads(self, data: ShopData) -> Mapping[str, str]:
        """Add orders as rows, since no shop lets anybody write history; return the ids that they have by ours."""
        articles = await self.articles({line.sku: line.name for line in data.lines})
        ids: dict[str, str] = {}
        connection = await self._connected()
        try:
            placing = {order.id: order.placed_by_id for order in data.orders}
            buyers = [await self._buyer(order) for order in data.orders]
            keys = await _insert(
                connection, "order", [_order_row(*both) for both in zip(data.orders, buyers, strict=True)]
            )
            by_id = {order.id: key for order, key in zip(data.orders, keys, strict=True)}
            await _join(connection, "order_channels_channel", "orderId", keys, "channelId", [1] * len(keys))
            ids |= {id: f"ord_{key}" for id, key in by_id.items()}
            tracked = [order for order in data.orders if order.tracking_url]
            shipments = await _insert(connection, "fulfillment", [_shipment_row(order) for order in tracked])
            orders = [by_id[order.id] for order in tracked]
            await _join(connection, "order_fulfillments_fulfillment", "orderId", orders, "fulfillmentId", shipments)
            lines = sorted(data.lines, key=lambda line: line.position)
            await _insert(
                connection, "order_line", [_line_row(line, by_id[line.order_id], articles[line.sku]) for line in lines]
            )
            events = sorted(data.events, key=lambda event: (event.at, event.id))
            rows = [_event_row(event, by_id[event.order_id], placing[event.order_id]) for event in events]
            for event, key in zip(events, await _insert(connection, "history_entry", rows), strict=True):
                ids[event.id] = f"oev_{by_id[event.order_id]}.{key}"
        finally:
            await connection.close()
        return ids

    async def emptied(self) -> None:
        """Take all orders, customers and groups out of it again; articles stay."""
        self._groups.clear()
        self._customers.clear()
        connection = await self._connected()
        try:
            await connection.execute("SET session_replication_role = replica")  # whoever refers to whom
            for rows in _EMPTIED:
                await connection.execute(f"DELETE FROM {rows}")
        finally:
            await connection.close()

    async def _connected(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.database.set(drivername="postgresql").render_as_string(False))

    async def _buyer(self, order: OrderRecord) -> int:
        """Return the customer who has an order. Somebody in two organizations has a customer for each."""
        group = group_of(order.organization_id)
        address = address_of(order.placed_by_id) if order.placed_by_id else f"somebody@{group}.example"
        if any(known == address and of != group for of, known in self._customers):
            address = f"{group}+{address}"
        return await self.customer(group, address)


def group_of(organization_id: OrganizationId) -> str:
    """Return the name of an organization's customer group."""
    return organization_id.encode("unicode_escape").decode().lower()


def address_of(user_id: UserId) -> str:
    """Return a person's e-mail address."""
    return f"{user_id}@people.example"


class Known:
    """External ids as a directory keeps them, by a rule that knows everybody."""

    async def of_organizations(self, backend: str, ids: Iterable[OrganizationId]) -> list[str | None]:
        """Return the customer group of each organization."""
        return [group_of(id) for id in ids]

    async def of_people(self, backend: str, ids: Iterable[UserId]) -> list[str | None]:
        """Return each person's e-mail address; nobody has an impossible id."""
        return [address_of(id) if id.isascii() and "\0" not in id else None for id in ids]

    async def organizations(self, backend: str, external_ids: Iterable[str]) -> list[OrganizationId | None]:
        """Return the organization of each group."""
        return [OrganizationId(one) if one.startswith("org_") else None for one in external_ids]

    async def people(self, backend: str, external_ids: Iterable[str]) -> list[UserId | None]:
        """Return whose e-mail address each is."""
        return [
            UserId(one.partition("@")[0]) if one.startswith("usr_") and one.endswith("@people.example") else None
            for one in external_ids
        ]


@asynccontextmanager
async def vendure_shop(vendure: Vendure, ids: ExternalIds) -> AsyncIterator[VendureShop]:
    """Open a gateway's own view of it, on a machine so busy that everything takes ten times as long."""
    base, _, path = vendure.url.rpartition("/")
    limits = HttpLimits(timeout=60, longest_queue=60)
    client = HttpBackend(BACKEND, base, sign_in=ApiKey(KEY_HEADER, vendure.api_key), limits=limits)
    try:
        yield VendureShop(client, f"/{path}", ids)
    finally:
        await client.close()


_running: list[Vendure] = []


async def running_vendure() -> Vendure:
    """Return the Vendure of this process, started when it is first asked for, with what a new one has in it."""
    if not _running:
        _install()
        database = await _database()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        await asyncio.to_thread(_start, port, database)
        _running.append(await _opened(f"http://127.0.0.1:{port}/admin-api", database))
    return _running[0]


def _start(port: int, database: URL) -> None:
    """Start it, and return when it answers; it is stopped with the other servers."""
    given = {
        "PORT": port,
        "DATABASE": database.database,
        "DATABASE_HOST": database.query.get("host", database.host),
        "DATABASE_PORT": database.port or 5432,
        "DATABASE_USER": database.username or "",
        "DATABASE_PASSWORD": database.password or "",
        "TZ": "UTC",
        "VENDURE_DISABLE_TELEMETRY": "true",
    }
    node, _ = programs()
    said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the server is stopped)
    server = subprocess.Popen(
        [str(node), "--import", "tsx", "index.ts"],
        cwd=PROJECT,
        env={**os.environ, **{name: str(value) for name, value in given.items()}},
        stdout=said,
        stderr=subprocess.STDOUT,
    )

    def stop() -> None:
        server.kill()
        server.wait()
        said.close()

    servers.at_end(stop)
    for _ in range(_START_SECONDS * 10):
        said.seek(0)
        written = said.read().decode()
        if "Vendure is ready" in written:
            return
        assert server.poll() is None, written
        time.sleep(0.1)
    raise AssertionError(f"Vendure did not start: {written}")


async def _database() -> URL:
    server = servers.postgresql
    name = f"vendure_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(server.set(drivername="postgresql").render_as_string(False))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8')
    finally:
        await connection.close()
    return server.set(database=name)


async def _opened(url: str, database: URL) -> Vendure:
    """Sign in as the administrator and make a key that may read what a gateway needs, as the docs say."""
    vendure = Vendure(url, "", database, "")
    async with httpx2.AsyncClient(timeout=60) as client:
        signed_in = await client.post(
            url, json={"query": 'mutation { login(username: "superadmin", password: "superadmin") { __typename } }'}
        )
    vendure.token = signed_in.headers["vendure-auth-token"]
    role = await vendure.administers(
        "mutation($it: CreateRoleInput!) { createRole(input: $it) { id } }",
        it={
            "code": "forecourt",
            "description": "Reads orders and customers for the portal",
            "permissions": ["ReadOrder", "ReadCustomer", "ReadCustomerGroup"],
        },
    )
    me = (await vendure.administers("{ activeAdministrator { id user { roles { id } } } }"))["activeAdministrator"]
    role_id = role["createRole"]["id"]
    await vendure.administers(
        "mutation($it: UpdateAdministratorInput!) { updateAdministrator(input: $it) { id } }",
        it={"id": me["id"], "roleIds": [*(one["id"] for one in me["user"]["roles"]), role_id]},
    )
    key = await vendure.administers(
        "mutation($it: CreateApiKeyInput!) { createApiKey(input: $it) { apiKey } }",
        it={"roleIds": [role_id], "translations": [{"languageCode": "de", "name": "Forecourt"}]},
    )
    vendure.api_key = key["createApiKey"]["apiKey"]
    return vendure


def _install() -> None:
    """Install its packages, once, whoever else tries."""
    with (PROJECT / "package.json").open() as only_one_process:
        fcntl.flock(only_one_process, fcntl.LOCK_EX)
        installed = PROJECT / "node_modules" / ".package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < (PROJECT / "package-lock.json").stat().st_mtime:
            quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
            subprocess.run([sys.executable, str(_NODE), "npm", "--prefix", str(PROJECT), "ci", *quietly], check=True)
            installed.touch()


def _order_row(order: OrderRecord, customer: int) -> Mapping[str, Any]:
    address = order.shipping_address
    street = [*(address.street if address else ()), "", ""]
    shipping = (
        {}
        if address is None
        else {
            "fullName": address.name,
            "company": address.company,
            "streetLine1": street[0],
            "streetLine2": street[1],
            "city": address.city,
            "province": address.region,
            "postalCode": address.postal_code,
            "countryCode": address.country_code,
            "phoneNumber": address.phone,
        }
    )
    return {
        "createdAt": _local(order.created_at),
        "updatedAt": _local(order.created_at),
        "orderPlacedAt": _local(order.placed_at) if order.placed_at else None,
        "code": order.number,
        "state": STATES[order.status],
        "active": order.placed_at is None,
        "couponCodes": "",
        "shippingAddress": json.dumps(shipping),
        "billingAddress": "{}",
        "currencyCode": order.total.currency,
        "customerId": customer,
        "subTotal": order.total.minor_units,
        "subTotalWithTax": order.total.minor_units,
    }


def _line_row(line: OrderLineRecord, order: int, article: int) -> Mapping[str, Any]:
    return {
        "quantity": line.quantity,
        "orderPlacedQuantity": line.quantity,
        "listPrice": line.unit_price.minor_units,
        "initialListPrice": line.unit_price.minor_units,
        "listPriceIncludesTax": True,
        "adjustments": "[]",
        "taxLines": "[]",
        "productVariantId": article,
        "orderId": order,
    }


def _event_row(event: OrderEventRecord, order: int, placed_by: UserId | None) -> Mapping[str, Any]:
    return {
        "createdAt": _local(event.at),
        "updatedAt": _local(event.at),
        "type": "ORDER_STATE_TRANSITION",
        "isPublic": True,
        "data": json.dumps({"from": "ArrangingPayment", "to": STATES[event.status]}),
        "discriminator": "OrderHistoryEntry",
        "administratorId": None if event.actor_id == placed_by else 1,
        "orderId": order,
    }


def _shipment_row(order: OrderRecord) -> Mapping[str, Any]:
    return {"state": "Shipped", "trackingCode": order.tracking_url, "method": "", "handlerCode": "manual-fulfillment"}


def _local(at: datetime) -> datetime:
    """Return an instant as Vendure keeps it: in UTC, without saying so, to the millisecond."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return utc.replace(microsecond=utc.microsecond // 1_000 * 1_000)


async def _insert(connection: asyncpg.Connection, table: str, rows: list[Mapping[str, Any]]) -> list[int]:
    """Insert rows and return their ids."""
    if not rows:
        return []
    columns = list(rows[0])
    names, values = ", ".join(f'"{one}"' for one in columns), ", ".join(f"${n + 1}" for n in range(len(columns)))
    statement = await connection.prepare(f'INSERT INTO "{table}" ({names}) VALUES ({values}) RETURNING id')
    return [await statement.fetchval(*(row[one] for one in columns)) for row in rows]


async def _join(
    connection: asyncpg.Connection, table: str, left: str, lefts: list[int], right: str, rights: list[int]
) -> None:
    await connection.executemany(
        f'INSERT INTO "{table}" ("{left}", "{right}") VALUES ($1, $2)', list(zip(lefts, rights, strict=True))
    )
