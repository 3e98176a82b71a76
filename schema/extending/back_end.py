"""A back end of an extension that speaks HTTP and JSON: how it is declared, and how it is asked for many at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from connectors.cache.fetches import CachedFetch, Caching, Scope
from connectors.cache.interface import CacheStore
from connectors.errors import ConnectorError, UnexpectedAnswer
from connectors.http.client import HttpBackend
from connectors.http.limits import HttpLimits
from connectors.http.sign_in import NOBODY, ApiKey, Basic, ClientCredentials, Signed, SignIn
from connectors.http.urls import leads_elsewhere
from resolvers.context import RequestContext
from schema.extending.settings import ExtensionSetting, SettingValues
from schema.graph.backends import Backend

log = logging.getLogger("forecourt.backends")

Row = Mapping[str, Any]
Rows = list[Row] | Exception | None
"""The rows of one key: an exception where its call failed, None where there is no key to ask by."""


class SignInKind(StrEnum):
    """How the gateway proves to a back end who it is."""

    NONE = "none"
    API_KEY = "api_key"
    BASIC = "basic"
    CLIENT_CREDENTIALS = "client_credentials"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class DeclaredSignIn:
    """How to sign in to a back end; the secret, and a token's URL, are settings, named here.

    `who` is what the gateway is called there: the user, the client or the key's id. `header` carries an API key,
    behind `prefix`.
    """

    kind: SignInKind = SignInKind.NONE
    secret: str | None = None
    token_url: str | None = None
    who: str = "forecourt"
    header: str = "X-Api-Key"
    prefix: str = ""
    scope: str | None = None

    def settings(self) -> Iterable[ExtensionSetting]:
        """Yield the settings that it needs."""
        if self.kind is not SignInKind.NONE:
            assert self.secret is not None
            yield ExtensionSetting(self.secret, "The secret by which the back end knows the gateway.")
        if self.kind is SignInKind.CLIENT_CREDENTIALS:
            assert self.token_url is not None
            yield ExtensionSetting(self.token_url, "Where the gateway fetches its access token for the back end.")

    def opened(self, values: SettingValues) -> SignIn:
        """Return what signs in with these values.

        Raises:
            ValueError: The URL is none.
        """
        secret = values[self.secret] if self.secret is not None else ""
        match self.kind:
            case SignInKind.API_KEY:
                return ApiKey(self.header, secret, self.prefix)
            case SignInKind.BASIC:
                return Basic(self.who, secret)
            case SignInKind.CLIENT_CREDENTIALS:
                return ClientCredentials(values[str(self.token_url)], self.who, secret, scope=self.scope)
            case SignInKind.SIGNED:
                return Signed(self.who, secret)
            case SignInKind.NONE:
                return NOBODY


@dataclass(frozen=True, slots=True)
class DeclaredBackend:
    """A back end of an extension: `name` is what it is called in logs and in /health/ready.

    It is open while the gateway runs, so its methods take the context of the request.
    """

    extension: str
    name: str
    backend: Backend
    url: str
    sign_in: DeclaredSignIn
    limits: HttpLimits
    caching: Caching | None = None

    def settings(self) -> Iterable[ExtensionSetting]:
        """Yield the settings that it needs."""
        yield ExtensionSetting(self.url, f"Where the back end of the extension {self.extension} is.")
        yield from self.sign_in.settings()

    def opened(self, values: SettingValues) -> HttpBackend:
        """Return the back end as it is used with these values.

        Raises:
            ValueError: A URL is none of a back end.
        """
        return HttpBackend(self.name, values[self.url], sign_in=self.sign_in.opened(values), limits=self.limits)

    def kept(self, opened: HttpBackend, store: CacheStore) -> CachedFetch:
        """Return what keeps its answers in this store, as its `caching` says."""
        assert self.caching is not None

        async def fetch(keys: Sequence[str], asked: "_AskedBy") -> Sequence[Rows]:
            return await self._fetched(opened, keys, asked)

        # Two gateways may share a Redis and ask different servers of the same name.
        return CachedFetch(self.name, f"rows of {opened.url}", fetch, self.caching, store)

    async def forget(self, context: RequestContext, keys: Sequence[str]) -> None:
        """Let nothing count any more that was kept for these keys: a change of theirs was made."""
        kept = context.backends.kept.get(self.name)
        if kept is not None:
            await kept.forget(keys)

    async def get(
        self, context: RequestContext, path: str, params: Mapping[str, Any] = {}, *, headers: Mapping[str, str] = {}
    ) -> Any:
        """Return the JSON at a path below its URL; None where there is nothing.

        Raises:
            BackendUnavailable, BackendTimeout, UnexpectedAnswer: As every connector does.
        """
        return await self._open(context).get(path, _params(params), headers=headers)

    async def post(
        self,
        context: RequestContext,
        path: str,
        body: Any,
        *,
        repeatable: bool = False,
        headers: Mapping[str, str] = {},
    ) -> Any:
        """Send JSON and return the JSON that is answered; what is `repeatable` changes nothing and may be sent twice.

        Raises:
            BackendUnavailable, BackendTimeout, OutcomeUnknown, UnexpectedAnswer: As every connector does.
        """
        return await self._open(context).post(path, body, repeatable=repeatable, headers=headers)

    async def get_many(
        self,
        context: RequestContext,
        path: str,
        *,
        by: str,
        keys: Sequence[str | None],
        belongs: str,
        rows: str | None = None,
        join: str | None = ",",
        at_most: int = 50,
        params: Mapping[str, Any] = {},
        organizations: Sequence[str | None] | None = None,
    ) -> list[Rows]:
        """Return the rows of each key, parallel to `keys`, by one call for every `at_most` of them.

        The keys stand in the parameter `by`, joined by `join`, or repeated where that is None. `rows` is where the list
        stands in the answer, as a dotted path; without it, the answer is the list. `belongs` is where a row says whose
        it is: one that nobody asked for is left out and counted in the log. A call that fails fails its keys only.
        `organizations` are those that the keys belong to: rows that are kept for organizations are kept by them.
        """
        batch = Batch(by=by, join=join, at_most=at_most)
        return await self.rows_of(
            context, path, batch, keys, belongs=belongs, rows=rows, params=params, organizations=organizations
        )

    async def rows_of(
        self,
        context: RequestContext,
        path: str,
        batch: "Batch",
        keys: Sequence[str | None],
        *,
        belongs: str | None,
        rows: str | None = None,
        params: Mapping[str, Any] = {},
        headers: Mapping[str, str] = {},
        organizations: Sequence[str | None] | None = None,
    ) -> list[Rows]:
        """Return the rows of each key as `get_many` does, whichever form the batch has.

        Rows that are kept for organizations are fetched each time for keys that belong to none.
        """
        asked = _AskedBy(path, batch, belongs, rows, _params(params), headers)
        owners = organizations if organizations is not None else [None] * len(keys)
        pairs = [(key, owner or "") if key is not None else None for key, owner in zip(keys, owners, strict=True)]
        sought = list(dict.fromkeys(pair for pair in pairs if pair is not None))
        if batch.asks_for_all and sought:  # kept as a whole, and sorted each time
            (everything,) = await self._rows(context, [("", "")], asked)
            assert everything is not None
            found = self._sorted([key for key, _owner in sought], everything, belongs, all_known=True)
            return [found[pair[0]] if pair is not None else None for pair in pairs]
        answers = dict(zip(sought, await self._rows(context, sought, asked), strict=True))
        return [answers[pair] if pair is not None else None for pair in pairs]

    async def _rows(
        self, context: RequestContext, sought: Sequence[tuple[str, str]], asked: "_AskedBy"
    ) -> Sequence[Rows]:
        """Return the rows of each key and organization, kept ones where there are any."""
        kept, keys = context.backends.kept.get(self.name), [key for key, _owner in sought]
        by_organization = self.caching is not None and self.caching.scope is Scope.ORGANIZATION
        is_ownerless = by_organization and not asked.batch.asks_for_all and not all(owner for _key, owner in sought)
        if kept is None or is_ownerless:
            unique = list(dict.fromkeys(keys))
            fetched = dict(zip(unique, await self._fetched(self._open(context), unique, asked), strict=True))
            return [fetched[key] for key in keys]
        try:
            return await kept(keys, asked, organizations=[owner for _key, owner in sought])
        except ConnectorError as error:
            return [error] * len(keys)

    async def _fetched(self, backend: HttpBackend, keys: Sequence[str], asked: "_AskedBy") -> Sequence[Rows]:
        """Return the rows of each key as the back end says them now."""
        batch = asked.batch
        groups = batch.groups(keys)
        turns = asyncio.Semaphore(backend.limits.at_once)  # a page's own calls wait for one another patiently

        async def answered(group: Sequence[str]) -> list[Row] | Exception:
            if batch.is_in_path(asked.path) and (not group[0] or leads_elsewhere(group[0])):
                # Of a path, it would be another: that of all, or of what stands above.
                return UnexpectedAnswer(self.name, f"it cannot be asked for {group[0]!r}, which is no part of a path")
            async with turns:
                call = batch.call(asked.path, group, asked.params, asked.headers)
                return await self._group(backend, call, asked.rows)

        answers = await asyncio.gather(*map(answered, groups))
        if batch.asks_for_all:
            return answers
        found: dict[str, Rows] = {}
        for group, answer in zip(groups, answers, strict=True):
            found |= self._sorted(group, answer, asked.belongs, all_known=False)
        return [found[key] for key in keys]

    async def _group(
        self, backend: HttpBackend, call: Callable[[HttpBackend], Awaitable[Any]], rows: str | None
    ) -> list[Row] | Exception:
        try:
            return self.rows_in(await call(backend), rows)
        except ConnectorError as error:
            return error

    def rows_in(self, answer: Any, path: str | None) -> list[Row]:
        """Return the list that stands at a path of an answer, or is the answer; none where there is nothing.

        Raises:
            UnexpectedAnswer: It is no list of objects.
        """
        for step in path.split(".") if path else ():
            if answer is None:
                break
            if not isinstance(answer, dict):
                found = type(answer).__name__
                raise UnexpectedAnswer(
                    self.name, f"{path} of the answer: {found} where an object with {step} should be"
                )
            answer = answer.get(step)
        if answer is None:
            return []
        if not isinstance(answer, list):
            raise UnexpectedAnswer(self.name, f"{path or 'the answer'} is {type(answer).__name__} and no list")
        if not all(isinstance(row, dict) for row in answer):
            raise UnexpectedAnswer(self.name, f"{path or 'the answer'} is a list of something else than objects")
        return answer

    def _sorted(
        self, keys: Sequence[str], answer: list[Row] | Exception, belongs: str | None, *, all_known: bool
    ) -> dict[str, Rows]:
        """Return the rows by the key that they belong to."""
        if isinstance(answer, Exception):
            return dict.fromkeys(keys, answer)
        if belongs is None:  # one key was asked for alone
            return {keys[0]: answer}
        found: dict[str, list[Row]] = {key: [] for key in keys}
        strangers = 0
        for row in answer:
            whose = value_at(row, belongs)
            mine = found.get(whose if isinstance(whose, str) else str(whose)) if whose is not None else None
            if mine is None:
                strangers += 1
            else:
                mine.append(row)
        if strangers and not all_known:
            log.warning("rows that nobody asked for", extra={"backend": self.name, "rows": strangers})
        return dict(found)

    def _open(self, context: RequestContext) -> HttpBackend:
        return context.backends.extensions[self.name]


@dataclass(frozen=True, slots=True)
class Batch:
    """How the keys of many are sent to a back end in one call.

    They stand in the parameter `by`, joined by `join`, or one by one where that is None; or are posted as a list under
    the name `body`. `each` makes one call per key. What `asks_for_all` gets no keys, and answers everybody's.
    """

    by: str = ""
    join: str | None = None
    body: str | None = None
    each: bool = False
    asks_for_all: bool = False
    at_most: int = 50

    def groups(self, keys: Sequence[str]) -> list[Sequence[str]]:
        """Return the keys of each call."""
        if self.asks_for_all:
            return [keys] if keys else []
        size = 1 if self.each else self.at_most
        return [keys[start : start + size] for start in range(0, len(keys), size)]

    def is_in_path(self, path: str) -> bool:
        """Return whether the key of a call stands in its path."""
        return self.each and "{key}" in path

    def call(
        self, path: str, keys: Sequence[str], params: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> Callable[[HttpBackend], Awaitable[Any]]:
        """Return what asks for these keys; `{key}` in the path is the key of a call for each."""
        if self.body is not None:
            sent = {**dict(params), self.body: list(keys)}
            return lambda backend: backend.post(path, sent, repeatable=True, headers=headers)
        by: list[tuple[str, str]] = []
        if self.is_in_path(path):
            path = path.replace("{key}", quote(keys[0], safe=""))
        elif self.asks_for_all:
            pass
        elif self.join is not None:
            by = [(self.by, self.join.join(keys))]
        else:
            by = [(self.by, key) for key in keys]
        return lambda backend: backend.get(path, [*by, *params], headers=headers)


@dataclass(frozen=True, slots=True)
class _AskedBy:
    """How rows are asked for, besides their keys: what was asked otherwise is kept apart."""

    path: str
    batch: Batch
    belongs: str | None
    rows: str | None
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]


def value_at(row: Row, path: str) -> Any:
    """Return what stands at a dotted path of a row; None where there is nothing."""
    value: Any = row
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _params(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    written = {True: "true", False: "false"}
    return [
        (name, written[value] if isinstance(value, bool) else str(value))
        for name, value in params.items()
        if value is not None
    ]
