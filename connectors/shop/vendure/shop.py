"""Vendure as a `Shop`: its customer groups are our organizations, its customers our people."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from connectors.errors import InvalidCursor, NotMapped
from connectors.external_ids import ExternalIds
from connectors.folding import search_words
from connectors.http.client import HttpBackend
from connectors.http.graphql import GraphqlBackend, UpstreamDocument, UpstreamSchema
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import ALL, Page, Slice, SortDirection, cursor, position
from connectors.shop.interface import (
    OrderEventRecord,
    OrderFilter,
    OrderLineRecord,
    OrderRecord,
    OrderSort,
    OrderSortField,
)
from connectors.shop.vendure.answers import (
    SCALARS,
    Answer,
    by_age,
    event_keys,
    event_records,
    line_records,
    money,
    order_key,
    order_record,
)
from connectors.shop.vendure.states import states_with
from connectors.wanted import EVERYTHING, Wanted

log = logging.getLogger("forecourt")

BACKEND = "shop"
KEY_HEADER = "vendure-api-key"
LONGEST_LIST = 1_000
"""What Vendure gives of one list at once, unless its `adminListQueryLimit` says otherwise."""

T = TypeVar("T")
Key = tuple[Any, ...]
"""Where an order stands in a list: what it is sorted by, its id last."""

_HERE = Path(__file__).parent
_MILLISECOND = timedelta(milliseconds=1)
_END_OF_TIME = "9999-12-31T23:59:59.999Z"
_ALWAYS_READ = frozenset({"id", "organization_id", "created_at", "placed_at", "placed_by_id"})
_BY_ID: Mapping[str, Any] = {"sort": {"id": "ASC"}}


@dataclass(frozen=True, slots=True)
class _Found:
    """An order of an answer and the customer who has it."""

    key: Key
    order: Answer
    customer: Answer


@dataclass(frozen=True, slots=True)
class _Sorting:
    """How a list is sorted: its name, which the cursors carry, the key of an order, and the key that a cursor says.

    `wanted` is what the key is made of, beside what is read anyway.
    """

    name: str
    length: int
    key: Callable[[Answer, int], Key]
    texts: Callable[[Key], Sequence[str]]
    parsed: Callable[[Sequence[str]], Key]
    wanted: Wanted[OrderRecord]


def _parsed_day(texts: Sequence[str]) -> Key:
    at = datetime.fromisoformat(texts[0])
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return (at.astimezone(UTC),)


_SORTINGS = {
    OrderSortField.PLACED_AT: _Sorting(
        "orders",
        1,
        lambda order, _scale: (order["orderPlacedAt"] or order["createdAt"],),
        lambda key: (key[0].isoformat(),),
        _parsed_day,
        Wanted(frozenset()),
    ),
    OrderSortField.NUMBER: _Sorting(
        "orders by number",
        1,
        lambda order, _scale: (order["code"],),
        lambda key: (key[0],),
        lambda texts: (texts[0],),
        Wanted(frozenset({"number"})),
    ),
    OrderSortField.TOTAL: _Sorting(
        "orders by total",
        2,
        lambda order, scale: (
            order["currencyCode"],
            money(order["totalWithTax"], order["currencyCode"], scale).minor_units,
        ),
        lambda key: (key[0], str(key[1])),
        lambda texts: (texts[0], int(texts[1])),
        Wanted(frozenset({"total"})),
    ),
}


@dataclass(frozen=True, slots=True)
class _List:
    """Which of an organization's orders are asked for, in which order they are read, and from where to where."""

    page: Slice
    where: OrderFilter
    sorting: _Sorting
    is_ascending: bool
    begins: Key | None
    ends: Key | None

    @classmethod
    def of(cls, page: Slice, where: OrderFilter) -> "_List":
        """Return what is asked for.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        sorting = _SORTINGS[where.sort.field]
        name = _name(where.sort)
        after = _position(sorting, name, page.after) if page.after is not None else None
        before = _position(sorting, name, page.before) if page.before is not None else None
        ascending = (where.sort.direction is SortDirection.ASC) is not page.backward
        begins, ends = (before, after) if page.backward else (after, before)
        return cls(page, where, sorting, ascending, begins, ends)

    @property
    def is_by_day(self) -> bool:
        """Return whether Vendure can sort it, and begin where a cursor says."""
        return self.where.sort.field is OrderSortField.PLACED_AT and self.page.size + 3 < LONGEST_LIST

    def precedes(self, one: Key, other: Key) -> bool:
        """Return whether one order is read before another."""
        return one < other if self.is_ascending else other < one

    def between(self, found: Iterable[_Found]) -> list[_Found]:
        """Return those between the cursors, in the order in which they are read."""
        inside = [
            one
            for one in found
            if (self.begins is None or self.precedes(self.begins, one.key))
            and (self.ends is None or self.precedes(one.key, self.ends))
        ]
        return sorted(inside, key=lambda one: one.key, reverse=not self.is_ascending)

    def paged(self, read: Sequence[_Found], record: Callable[[_Found], OrderRecord]) -> Page[OrderRecord]:
        """Return the page of what was read: one more than it holds, where there is more."""
        shown, more = list(read[: self.page.size]), len(read) > self.page.size
        if self.page.backward:
            shown.reverse()
        follows, precedes = self.page.before is not None, self.page.after is not None
        keys = {one.order["id"]: one.key for one in shown}
        name, texts = _name(self.where.sort), self.sorting.texts
        return Page(
            [record(one) for one in shown],
            follows if self.page.backward else more or follows,
            more or precedes if self.page.backward else precedes,
            lambda item: cursor(name, *texts(keys[str(order_key(item.id))]), item.id),
        )


class VendureShop:
    """A `Shop` behind the Admin API of Vendure, at `path` of what `client` calls; `ids` say who is who there.

    Where somebody stands for nothing in Vendure, `NotMapped` is what they are answered.
    """

    def __init__(self, client: HttpBackend, path: str, ids: ExternalIds, *, channel: str | None = None) -> None:
        headers = {"vendure-token": channel} if channel else {}
        self._client = client
        self._ids = ids
        self._vendure = GraphqlBackend(client, path, headers=headers, for_everybody=True)
        schema = UpstreamSchema((_HERE / "schema.graphql").read_text(encoding="utf-8"), SCALARS)

        def document(name: str) -> UpstreamDocument:
            file = _HERE / "documents" / f"{name}.graphql"
            return schema.document(file.read_text(encoding="utf-8"), str(file))

        self._orders_of, self._count_orders_of = document("orders_of"), document("count_orders_of")
        self._orders, self._lines, self._events = document("orders"), document("lines"), document("events")
        self._warned: set[str] = set()

    async def orders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: OrderFilter,
        wanted: Wanted[OrderRecord] = EVERYTHING,
    ) -> Sequence[Page[OrderRecord] | NotMapped]:
        """Return each organization's orders, sorted as `where` says; by number or total, in two calls.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        asked = _List.of(page, where)
        groups = await self._groups(organization_ids)
        customers = await self._customers_with(where.placed_by_id)
        if customers is None or _filters(where) == {}:
            return [asked.paged((), _unreachable) if isinstance(group, str) else group for group in groups]
        names = {group: id for id, group in zip(organization_ids, groups, strict=True) if isinstance(group, str)}
        if asked.is_by_day:
            read, scale = await self._first_by_day(names, asked, customers, wanted)
        else:
            read, scale = await self._first_of_all(names, asked, customers, wanted)
        shown = [one for some in read.values() for one in some[: page.size]]
        people = await self._people([one.customer for one in shown], wanted)

        def page_of(id: OrganizationId, group: str) -> Page[OrderRecord]:
            return asked.paged(
                read[group], lambda one: order_record(one.order, id, people.get(one.customer["id"]), scale)
            )

        return [
            page_of(id, group) if isinstance(group, str) else group
            for id, group in zip(organization_ids, groups, strict=True)
        ]

    async def count_orders_of(
        self, organization_ids: Sequence[OrganizationId], where: OrderFilter
    ) -> Sequence[int | None]:
        """Return how many orders `orders_of` has for each organization in all; None where it is nobody in Vendure."""
        groups = await self._groups(organization_ids)
        customers = await self._customers_with(where.placed_by_id)
        if customers is None or _filters(where) == {}:
            return [0 if isinstance(group, str) else None for group in groups]
        names = {group: id for id, group in zip(organization_ids, groups, strict=True) if isinstance(group, str)}
        found, _ = await self._read(self._count_orders_of, names, where, customers, {"take": 1})
        return [
            sum(orders["totalItems"] for one in found[group] for orders in _lists_of(one))
            if isinstance(group, str)
            else None
            for group in groups
        ]

    async def orders_with_number(
        self, organization_ids: Sequence[OrganizationId], number: str, *, wanted: Wanted[OrderRecord] = EVERYTHING
    ) -> Sequence[OrderRecord | NotMapped | None]:
        """Return the order that has this number, for the organization whose it is."""
        groups = await self._groups(organization_ids)
        is_asked = _is_sendable(number) and any(isinstance(group, str) for group in groups)
        found = await self._with({"code": {"eq": number}}, wanted) if is_asked else ()
        orders = {one.organization_id: one for one in found}
        return [
            orders.get(id) if isinstance(group, str) else group
            for id, group in zip(organization_ids, groups, strict=True)
        ]

    async def orders(self, ids: Sequence[OrderId]) -> Sequence[OrderRecord | None]:
        """Return the orders with these ids."""
        keys = {id: key for id in ids if (key := order_key(id)) is not None}
        found = {one.id: one for some in _parts(list(keys.values())) for one in await self._with({"id": {"in": some}})}
        return [found.get(id) for id in ids]

    async def lines_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderLineRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderLineRecord]]:
        """Return each order's lines by position, the first `limit` of each; surcharges and shipping are lines, too."""
        keys = {id: key for id in order_ids if (key := order_key(id)) is not None}
        found: dict[str, Sequence[OrderLineRecord]] = {}
        for some in _parts(list(keys.values())):
            answer = await self._vendure.ask(self._lines, {"options": _options({"id": {"in": some}})}, wanted)
            found |= {one["id"]: line_records(one, _scale(answer)) for one in answer["orders"]["items"]}
        return [found.get(keys.get(id, ""), ())[:limit] for id in order_ids]

    async def events_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderEventRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderEventRecord]]:
        """Return each order's events, oldest first, the first `limit` of each."""
        keys = {id: key for id in order_ids if (key := order_key(id)) is not None}
        found = await self._history(list(keys.values()))
        return [found.get(keys.get(id, ""), ())[:limit] for id in order_ids]

    async def events(self, ids: Sequence[OrderEventId]) -> Sequence[OrderEventRecord | None]:
        """Return the events with these ids."""
        keys = [found[0] for id in ids if (found := event_keys(id)) is not None]
        events = {one.id: one for some in (await self._history(keys)).values() for one in some}
        return [events.get(id) for id in ids]

    async def people_of_orders(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Mapping[UserId, OrganizationId]:
        """Return those of these people who have an order of one of the organizations, each with such an organization.

        Whoever administers Vendure is the shop and nobody of ours.
        """
        names = {
            group: id
            for id, group in zip(organization_ids, await self._groups(organization_ids), strict=True)
            if isinstance(group, str)
        }
        keys = [key for key in await self._ids.of_people(BACKEND, user_ids) if key is not None] if names else []
        if not keys:
            return {}
        found, _ = await self._read(self._count_orders_of, names, OrderFilter(), _either(keys), {"take": 1})
        customers = [
            (one, names[group])
            for group, some in found.items()
            for one in some
            if any(orders["totalItems"] for orders in _lists_of(one))
        ]
        people = await self._people([one for one, _ in customers])
        asked = frozenset(user_ids)
        return {
            user: organization for one, organization in customers if (user := people.get(one["id"])) in asked and user
        }

    async def healthy(self) -> bool:
        """Return whether the shop answers."""
        return await self._client.healthy()

    async def check(self) -> None:
        """Return when the shop answers, lets us in, and shows orders.

        Raises:
            BackendUnavailable, BackendTimeout, AccessRefused, UnexpectedAnswer: As they say.
        """
        await self._vendure.ask(self._orders, {"options": {"take": 1}}, EVERYTHING)

    async def _groups(self, organization_ids: Sequence[OrganizationId]) -> list[str | NotMapped]:
        """Return the name of each organization's customer group."""
        if not organization_ids:
            return []
        names = await self._ids.of_organizations(BACKEND, organization_ids)
        return [
            NotMapped(BACKEND, id) if name is None else name for id, name in zip(organization_ids, names, strict=True)
        ]

    async def _customers_with(self, user_id: UserId | None) -> Mapping[str, Any] | None:
        """Return the filter for somebody's customers, empty for everybody's, None where nobody is a customer."""
        if user_id is None:
            return {}
        (key,) = await self._ids.of_people(BACKEND, [user_id])
        return None if key is None else _either([key])

    async def _people(
        self, customers: Sequence[Answer], wanted: Wanted[OrderRecord] = EVERYTHING
    ) -> Mapping[str, UserId]:
        """Return who each customer is, by their ids, where somebody wants to know."""
        if not customers or not (wanted.names is None or "placed_by_id" in wanted.names):
            return {}
        keys = list(dict.fromkeys(key for one in customers for key in (one["id"], one["emailAddress"])))
        known_as = dict(zip(keys, await self._ids.people(BACKEND, keys), strict=True))
        found = {one["id"]: known_as[one["id"]] or known_as[one["emailAddress"]] for one in customers}
        return {key: user for key, user in found.items() if user is not None}

    async def _owners(
        self, customers: Iterable[Answer], asked: Mapping[str, OrganizationId]
    ) -> Mapping[str, OrganizationId]:
        """Return whose the orders of each customer are, by the customers' ids.

        Of one who is in the groups of several organizations, nobody can say, and so nobody sees any.
        """
        groups = {one["id"]: [group["name"] for group in one["groups"]] for one in customers}
        others = sorted(
            {name for names in groups.values() if len(names) > 1 or not asked for name in names} - asked.keys()
        )
        stands_for: dict[str, OrganizationId | None] = {**asked}
        if others:
            stands_for |= zip(others, await self._ids.organizations(BACKEND, others), strict=True)
        owners: dict[str, OrganizationId] = {}
        for key, names in groups.items():
            candidates = {id for name in names if (id := stands_for.get(name)) is not None}
            if len(candidates) == 1:
                owners[key] = candidates.pop()
            elif candidates and key not in self._warned:
                self._warned.add(key)
                log.warning(
                    "Customer %s of Vendure is in the groups of several organizations (%s). Nobody sees their orders; "
                    "give them a customer for each organization.",
                    key,
                    ", ".join(sorted(names)),
                )
        return owners

    async def _read(
        self,
        document: UpstreamDocument,
        names: Mapping[str, OrganizationId],
        where: OrderFilter,
        customers: Mapping[str, Any],
        options: Mapping[str, Any],
        wanted: Wanted[OrderRecord] = EVERYTHING,
        bounds: tuple[datetime | None, datetime | None] = (None, None),
        sorts: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, list[Answer]], int]:
        """Return the customers of each group with their orders, and to how many decimals amounts are kept.

        It costs one call, and a further one where a group has more than a thousand customers.
        """
        filters = _filters(where, *bounds)
        variables = {
            "withPlaced": "placed" in filters,
            "withUnplaced": "unplaced" in filters,
            **{
                name: {"filter": filters.get(name, {}), **options, **((sorts or {}).get(name, {}))}
                for name in ("placed", "unplaced")
            },
        }
        found: dict[str, dict[str, Answer]] = {name: {} for name in names}
        scale = 0
        for some in _parts(list(names), LONGEST_LIST // 2):
            left, skip = some, 0
            while left:
                of_customers = {"filter": customers, "skip": skip, "take": LONGEST_LIST, **_BY_ID}
                answer = await self._vendure.ask(
                    document, {**variables, "groups": left, "customers": of_customers}, wanted
                )
                scale, skip, longer = _scale(answer), skip + LONGEST_LIST, []
                for group in answer["customerGroups"]["items"]:
                    if group["name"] not in found:
                        continue  # a database that takes large and small letters for the same
                    found[group["name"]] |= {one["id"]: one for one in group["customers"]["items"]}
                    if group["customers"]["totalItems"] > skip:
                        longer.append(group["name"])
                left = list(dict.fromkeys(longer))
        everybody = {key: one for some in found.values() for key, one in some.items()}
        owners = await self._owners(everybody.values(), names)
        return {
            name: [one for key, one in some.items() if owners.get(key) == names[name]] for name, some in found.items()
        }, scale

    async def _first_by_day(
        self,
        names: Mapping[str, OrganizationId],
        asked: _List,
        customers: Mapping[str, Any],
        wanted: Wanted[OrderRecord],
    ) -> tuple[dict[str, list[_Found]], int]:
        """Return the first orders of each group, one more than the page has, in one call.

        More calls are made only where some orders share an instant, among which Vendure has no order.
        """
        read: dict[str, list[_Found]] = {}
        left, take, scale = dict(names), asked.page.size + 3, 0
        direction = "ASC" if asked.is_ascending else "DESC"
        sorts = {"placed": {"sort": {"orderPlacedAt": direction}}, "unplaced": {"sort": {"createdAt": direction}}}
        lower, upper = (asked.begins, asked.ends) if asked.is_ascending else (asked.ends, asked.begins)
        bounds = (lower[0] if lower else None, upper[0] if upper else None)
        while left:
            if take >= LONGEST_LIST:
                rest, scale = await self._first_of_all(left, asked, customers, wanted)
                return read | rest, scale
            found, scale = await self._read(
                self._orders_of, left, asked.where, customers, {"take": take}, wanted, bounds, sorts
            )
            for name, some in found.items():
                orders, horizon = [], None
                for one in some:
                    for listed in _lists_of(one):
                        part = _found(listed, one, asked.sorting, scale)
                        orders += part
                        if listed["totalItems"] > len(part):
                            ends = part[-1].key[:1]
                            horizon = ends if horizon is None or asked.precedes(ends, horizon) else horizon
                certain = asked.between(
                    one for one in orders if horizon is None or asked.precedes(one.key[:1], horizon)
                )
                if horizon is None or len(certain) > asked.page.size:
                    read[name] = certain
                    del left[name]
            take *= 4
        return read, scale

    async def _first_of_all(
        self,
        names: Mapping[str, OrganizationId],
        asked: _List,
        customers: Mapping[str, Any],
        wanted: Wanted[OrderRecord],
    ) -> tuple[dict[str, list[_Found]], int]:
        """Return the first orders of each group, one more than the page has, where Vendure cannot begin at a cursor.

        All of the orders are read, as far as needed to sort them, and then those that are shown.
        """
        orders: dict[str, dict[str, _Found]] = {name: {} for name in names}
        skip, scale, is_longer = 0, 0, bool(names)
        while is_longer:
            options = {"skip": skip, "take": LONGEST_LIST, **_BY_ID}
            found, scale = await self._read(
                self._orders_of, names, asked.where, customers, options, asked.sorting.wanted
            )
            skip, is_longer = skip + LONGEST_LIST, False
            for name, some in found.items():
                for one in some:
                    for listed in _lists_of(one):
                        orders[name] |= {it.order["id"]: it for it in _found(listed, one, asked.sorting, scale)}
                        is_longer = is_longer or listed["totalItems"] > skip
        read = {name: asked.between(some.values())[: asked.page.size + 1] for name, some in orders.items()}
        if not Wanted(_ALWAYS_READ | (asked.sorting.wanted.names or frozenset())).covers(wanted):
            keys = list(dict.fromkeys(one.order["id"] for some in read.values() for one in some))
            whole: dict[str, Answer] = {}
            for ids in _parts(keys):
                answer = await self._vendure.ask(self._orders, {"options": _options({"id": {"in": ids}})}, wanted)
                scale = _scale(answer)
                whole |= {one["id"]: one for one in answer["orders"]["items"]}
            read = {
                name: [_Found(one.key, whole[key], one.customer) for one in some if (key := one.order["id"]) in whole]
                for name, some in read.items()
            }
        return read, scale

    async def _with(self, where: Mapping[str, Any], wanted: Wanted[OrderRecord] = EVERYTHING) -> Sequence[OrderRecord]:
        """Return the orders that fulfil a filter of Vendure and are some organization's."""
        answer = await self._vendure.ask(self._orders, {"options": _options(where)}, wanted)
        orders = [one for one in answer["orders"]["items"] if one["customer"] is not None]
        customers = list({one["customer"]["id"]: one["customer"] for one in orders}.values())
        owners, people = await self._owners(customers, {}), await self._people(customers, wanted)
        return [
            order_record(one, owners[key], people.get(key), _scale(answer))
            for one in orders
            if (key := one["customer"]["id"]) in owners
        ]

    async def _history(self, keys: Sequence[str]) -> Mapping[str, Sequence[OrderEventRecord]]:
        """Return the events of orders that are some organization's, by Vendure's ids of the orders."""
        history = {
            "take": LONGEST_LIST,
            "sort": {"createdAt": "ASC"},
            "filter": {"isPublic": {"eq": True}, "type": {"in": ["ORDER_STATE_TRANSITION", "ORDER_NOTE"]}},
        }
        found: dict[str, Sequence[OrderEventRecord]] = {}
        for some in _parts(list(dict.fromkeys(keys))):
            variables = {"orders": _options({"id": {"in": some}}), "history": history}
            answer = await self._vendure.ask(self._events, variables)
            language = answer["activeChannel"]["defaultLanguageCode"].partition("_")[0]
            orders = [one for one in answer["orders"]["items"] if one["customer"] is not None]
            customers = list({one["customer"]["id"]: one["customer"] for one in orders}.values())
            owners, people = await self._owners(customers, {}), await self._people(customers)
            found |= {
                one["id"]: event_records(one, owners[key], people.get(key), language)
                for one in orders
                if (key := one["customer"]["id"]) in owners
            }
        return found


def _unreachable(_found: _Found) -> OrderRecord:
    raise AssertionError("an empty page has no orders")


def _name(sort: OrderSort) -> str:
    name = _SORTINGS[sort.field].name
    return f"{name}, ascending" if sort.direction is SortDirection.ASC else name


def _position(sorting: _Sorting, name: str, after: str) -> Key:
    """Return the key that a cursor stands for."""
    *texts, order_id = position(name, after, sorting.length + 1)
    key = order_key(OrderId(order_id))
    try:
        if key is None:
            raise ValueError("no id")
        return (*sorting.parsed(texts), by_age(key))
    except (ValueError, OverflowError) as error:
        raise InvalidCursor(f"{after!r} is not a cursor of {name}.") from error


def _found(listed: Answer, customer: Answer, sorting: _Sorting, scale: int) -> list[_Found]:
    return [_Found((*sorting.key(order, scale), by_age(order["id"])), order, customer) for order in listed["items"]]


def _lists_of(customer: Answer) -> list[Answer]:
    """Return the lists of a customer's orders: those that are placed, and the others."""
    return [customer[name] for name in ("placed", "unplaced") if name in customer]


def _scale(answer: Answer) -> int:
    """Return to how many decimals amounts are kept, 0 where no amount was asked for."""
    scale: int = answer["globalSettings"]["serverConfig"]["moneyStrategyPrecision"] if "globalSettings" in answer else 0
    return scale


def _either(keys: Sequence[str]) -> Mapping[str, Any]:
    """Return the filter for customers who are known by these ids or e-mail addresses."""
    addresses = [key for key in keys if "@" in key]
    ids = [key for key in keys if order_key(OrderId(f"ord_{key}")) is not None]
    return {"_or": [{"emailAddress": {"in": addresses}}, {"id": {"in": ids}}]}


def _options(where: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options for orders that anybody may know of: not one that the shop's staff is still writing."""
    return {"take": LONGEST_LIST, "filter": {"state": {"notEq": "Draft"}, "type": {"notEq": "Seller"}, **where}}


def _filters(
    where: OrderFilter, earliest: datetime | None = None, latest: datetime | None = None
) -> Mapping[str, Mapping[str, Any]]:
    """Return Vendure's filters for what is placed and what is not, without one that nothing can fulfil.

    Both instants are within, and all of their millisecond: Vendure keeps more digits than it answers.
    """
    if not _is_sendable(where.search or ""):
        return {}
    since = max((at for at in (where.since and _whole(where.since), earliest) if at is not None), default=None)
    until = min((at for at in (where.until and _whole(where.until), latest and _after(latest)) if at), default=None)
    words = [{"code": {"contains": _literal(word)}} for word in search_words(where.search or "")]
    found: dict[str, Mapping[str, Any]] = {}
    for name, column, is_placed in (("placed", "orderPlacedAt", True), ("unplaced", "createdAt", False)):
        states = states_with(where.status, is_placed=is_placed)
        if states is None or (since is not None and until is not None and since >= until):
            continue
        instants: dict[str, Any] = {}
        if since is not None:
            instants["between"] = {"start": _written(since), "end": _END_OF_TIME}
        if until is not None:
            instants["before"] = _written(until)
        found[name] = {
            "type": {"notEq": "Seller"},
            **({"state": states} if states else {}),
            "orderPlacedAt": {"isNull": not is_placed},
            column: {**({"isNull": False} if is_placed else {}), **instants},
            **({"_and": words} if words else {}),
        }
        if not found[name][column]:
            found[name] = {key: value for key, value in found[name].items() if key != column}
    return found


def _whole(at: datetime) -> datetime:
    """Return the first whole millisecond that is not before an instant: no order has less than a millisecond."""
    rest = at.microsecond % 1_000
    return _later(at, timedelta(microseconds=1_000 - rest)) if rest else at


def _after(at: datetime) -> datetime:
    return _later(at.replace(microsecond=at.microsecond // 1_000 * 1_000), _MILLISECOND)


def _later(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return at


def _written(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _literal(word: str) -> str:
    """Return a word with the signs that LIKE gives a meaning."""
    return "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in word)


def _is_sendable(text: str) -> bool:
    """Return whether a text can stand in a request and in a database."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _parts(values: list[T], size: int = LONGEST_LIST) -> list[list[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
